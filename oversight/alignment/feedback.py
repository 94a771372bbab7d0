"""Names made into who gives feedback, and worlds into what is aligned in them."""

from __future__ import annotations

from oversight.alignment.alignable import Alignable
from oversight.alignment.annotators import Annotators, Pool
from oversight.alignment.institutions import Answering, Comparing, House
from oversight.alignment.overseer import Overseer
from oversight.alignment.questions import QuestionsTask
from oversight.alignment.task import Task
from oversight.casting import cast_for
from oversight.core import OversightError
from oversight.protocol import from_spec
from oversight.registry import load, options
from oversight.world import World


def task_of(place: World) -> Task:
    """The world's own task where policies can be aligned in it, else its first questions."""
    return place.task() if isinstance(place, Alignable) else QuestionsTask(place)


def overseer_of(task: Task, place: World, spec: str) -> Overseer:
    """Who gives feedback on a task of a world.

    `spec`: "annotators", with any options of `Pool`; "judge", or "judge:SPEC", who decides alone
    (the protocol `naive`); or a protocol's spec, such as "debate:rounds=2", with the world's own
    judge and debaters.

    Errors: OversightError for a name that is not known, or a protocol that does not fit the world.
    """
    name, _, rest = spec.partition(":")
    if name == "annotators":
        return Annotators(task, Pool(**options(Pool, name, rest)))
    protocol = load("protocols", "naive") if name == "judge" else from_spec(spec)
    if protocol is None:
        raise OversightError("whose feedback? write annotators, judge or a protocol")
    cast = cast_for(protocol, place, judge=rest if name == "judge" and rest else None).cast
    if isinstance(task, QuestionsTask):
        return Answering(House(protocol, place, cast, kept=task.count, seed=task.seed), task)
    return Comparing(House(protocol, place, cast), task)
