"""Worlds: where questions come from, what may be said about them, and who plays by default.

A world is a `World` plus the abilities it has. A protocol names the abilities it needs, so an
impossible pairing is refused before a game begins, with the worlds that do fit. Adding a world is
one file in `envs/worlds/` and one line in the registry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight.core import Case, Message, Question, Sealed, Seat, Turn, View
from oversight.registry import load
from oversight.spaces import Choose, Reply, Space, Write

if TYPE_CHECKING:
    from oversight.oracles.machine import Machine
    from oversight.players import Agent


class World(ABC):
    """A source of cases. Constructors take keyword settings only and do no work until asked.

    What is declared here and in the abilities as a plain value is given as one, or worked out by
    `oversight.derived.derived`.
    """

    name: ClassVar[str]
    answers: int
    """The largest number of candidate answers a case of this world has."""
    size: int | None = None
    """How many distinct cases there are; None is endless."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the world was made with: plain values that rebuild it, kept in the manifest."""
        return {}

    @property
    def files(self) -> Sequence[Path]:
        """The user's files that its cases are read from; manifests keep what they held."""
        return ()

    @abstractmethod
    def case(self, index: int, seed: int) -> Case:
        """Case number `index` (0 ≤ index < size) in the order that `seed` puts them."""

    def private(self, case: Case, seat: str, role: Seat) -> Any:
        """What `seat` sees and others do not: the expert's material if its role is an expert's.

        A function of the case, the seat and its role alone. Never the truth, nor a draw that the
        seat could not know.
        """
        return case.private if role.expert else None

    def spend(self, protocol: str, budget: int) -> Mapping[str, Any] | None:
        """The parameters with which `protocol` lets the judge read `budget` pieces of evidence.

        None where the protocol has no form here, or none at so small a budget (`least`).
        """
        return _SPENT[protocol](budget) if protocol in _SPENT else {}

    def least(self, protocol: str) -> int | None:
        """The smallest budget at which `protocol` has a form here; None where it has none."""
        return None if self.spend(protocol, 0) is None else 0

    def adversaries(self, protocol: str) -> Mapping[str, Mapping[str, Agent]]:
        """Name -> seat -> agent: casts that try to mislead the judge, for a search of the worst.

        Seats that are not named keep whoever sits there. None by default.
        """
        return {}

    def dial(self, name: str) -> Mapping[float, World]:
        """Worlds like this one over a dial's range. Empty where there is no such dial.

        "gap": how much weaker the judge is; "obfuscation": how much it cannot check; "pointing":
        at 0, the world points nowhere in particular where it leads the arguing itself.
        """
        return {}

    @abstractmethod
    def judge(self) -> Agent:
        """The weak judge that sits here unless the user names another."""

    @abstractmethod
    def debater(self) -> Agent:
        """The agent that plays every other seat unless the user names another."""

    def agent(self, seat: str, role: Seat) -> Agent:
        """Who plays `seat` by default.

        The judge where it decides, and where a price says what the judge would; a keyed choice
        where it only asks.
        """
        if "decide" in role.acts or "price" in role.acts:
            return self.judge()
        if role.acts == ("ask",):
            return load("agents", "random")()
        return self.debater()

    def material(self, view: View) -> str:
        """What the seat sees and others do not, in words; "" where there is nothing."""
        if view.private is None or isinstance(view.private, str):
            return view.private or ""
        drawn = self.draw(view._replace(transcript=()))
        return "" if drawn == view.question.prompt else drawn

    def draw(self, view: View) -> str:
        """The game so far, for a terminal."""
        lines = [view.question.prompt]
        lines += [f"  {message.seat}: {message.text}" for message in view.transcript]
        return "\n".join(lines)

    def draw_html(self, view: View) -> str:
        """A picture of the game so far as an HTML fragment; empty when there is nothing to see.

        Trusted as it is. Its colours may be the page's: `--seat-0` to `--seat-3`, by who first
        revealed something.
        """
        return ""


class Ability(ABC):  # noqa: B024  # its methods are those of the abilities
    """What a world offers beyond cases, and a protocol may need. An ability derives from this."""


class Arguable(Ability):
    """Ability: seats can argue here, and what they say is published by the world."""

    @abstractmethod
    def argue_space(self, case: Case, seat: str, view: View) -> Space:
        """What `seat` may say next: a `Choose` over the world's moves, or a `Write`."""

    @abstractmethod
    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message]
    ) -> Message:
        """What everybody hears when `seat` replies so: true to the case, whoever speaks.

        `transcript` is all that was said before, whoever heard it.
        """

    @property
    @abstractmethod
    def argue_bound(self) -> Choose | Write:
        """The widest `argue_space` of any case; the environments size their actions by it."""

    foreseeable: ClassVar[bool] = False
    """Whether what is published hangs on the reply and on what its speaker sees, and no more."""

    def foresee(self, view: View, seat: str, reply: Reply) -> Message:
        """What everybody would hear if the seat that has this view replied so (`foreseeable`)."""
        seen = Case("", view.question, view.private, Sealed(0))  # all that publishing needs
        return self.publish(seen, seat, "argue", reply, view.transcript)


class Askable(Ability):
    """Ability: a judge can ask, and the next arguments are bound by the question."""

    @abstractmethod
    def ask_space(self, case: Case, seat: str, view: View) -> Choose | Write:
        """What `seat` may ask."""

    @property
    @abstractmethod
    def ask_bound(self) -> Choose | Write:
        """The widest `ask_space` of any case; the environments size their actions by it."""

    @abstractmethod
    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The question as everybody hears it."""


class Unaided(Ability):
    """Ability: a judge left alone can look at the case by itself, at a price."""

    @abstractmethod
    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """What nature shows a judge who looks `budget` times; drawn from `key` alone."""


class Transcribed(Ability):
    """Ability: the cases are games that were played elsewhere, and can be read out."""

    @abstractmethod
    def said(self, case: Case) -> Sequence[Message]:
        """All that was said in a game, in order."""


class Presentable(Ability):
    """Ability: claims are backed by work (a trace, a solution), presented whole before the arguing.

    Whoever is an expert reads all of it; a judge reads what the arguments then point at.
    """

    @abstractmethod
    def present_space(self, case: Case, seat: str, view: View) -> Choose:
        """Which works `seat` may present: its own as it is (0), or one altered to suit its side."""

    @property
    @abstractmethod
    def present_bound(self) -> Choose:
        """The widest `present_space` of any case."""

    @abstractmethod
    def publish_work(self, case: Case, seat: str, reply: Reply, view: View) -> Message:
        """The work, for those who may read it; the table sees to the audience."""

    def conceded(self, case: Case, work: Message, view: View) -> Message | None:
        """What everybody hears where a work speaks against its own presenter's side; else None.

        Without it a liar could leave the judge with nothing, by presenting what it believes.
        """
        return None


class Decomposable(Ability):
    """Ability: the question is one of numbered questions whose answers follow from one another.

    Nodes are numbered 0 … `nodes` − 1. Which nodes a node is taken apart into is for the agents to
    say: a worker sees a node as a `Question`, whose `data` has what an agent of this world needs.
    """

    nodes: int
    """How many questions a case has at most."""
    branching: int
    """The most subquestions that one question can be taken apart into."""
    choices: int
    """The largest number of candidate answers that a node has."""

    @abstractmethod
    def root(self, case: Case) -> int:
        """The node that is the case's own question, with the same candidate answers."""

    @abstractmethod
    def subquestion(self, case: Case, node: int) -> Question:
        """A node as the question that a worker is given. OversightError for no node of the case."""

    @abstractmethod
    def node_truth(self, case: Case, node: int) -> Sealed[int]:
        """The index of the node's true answer: for the scorer alone."""

    def node_private(self, case: Case, node: int, seat: str, role: Seat) -> Any:
        """What the worker of a node sees of the expert's material: by default nothing."""
        return None


class Separable(Decomposable):
    """Ability: a node can be a case of its own, so that a protocol can decide it."""

    @abstractmethod
    def subcase(self, case: Case, node: int) -> Case | None:
        """The node as a case, with the luck and the material of the whole; None if it is given."""


class Contested(Ability):
    """Ability: a guard and an adversary, each of a level of skill, meet in a rated contest."""

    @abstractmethod
    def bout(
        self, case: Case, levels: tuple[float, float], efforts: tuple[float, float], key: int
    ) -> bool:
        """Whether the guard holds.

        Args:
            case: the case that they meet over.
            levels: of the guard and of the adversary, 0 the judge's skill and 1 the strongest's.
            efforts: of the two, in [0, 1]; 1 is all that they can do.
            key: nature's key of this bout; all of its luck is drawn from it.
        """


class Stochastic(Ability):
    """Ability: the question is the last bit of a computation whose every step is a coin."""

    @abstractmethod
    def machine(self, case: Case, runs: int) -> Machine:
        """The computation, `runs` times as long; its likelier last bit should be the answer."""


class Disputable(Presentable):
    """Ability: presented work is a tree of claims, each backed by others; a judge can check leaves.

    Claims are numbered; the answer's is the root. A claim is right if all that backs it is.
    """

    claims: int
    """How many claims a work has at most."""
    backing: int
    """How many claims back one claim; there are always as many."""

    @abstractmethod
    def whole(self, case: Case) -> int:
        """The claim that is the answer itself."""

    @abstractmethod
    def backed_by(self, case: Case, claim: int) -> tuple[int, ...]:
        """The claims that back one; () for a leaf."""

    @abstractmethod
    def claim_in_words(self, case: Case, work: Message, claim: int) -> str:
        """What a presented work claims there."""

    @abstractmethod
    def check(self, case: Case, work: Message, claim: int) -> Message:
        """A leaf as the judge's careful look finds it: the data says whether it `passes`."""


class Numeric(Ability):
    """Ability: a view can be written as numbers, so that agents can learn from it."""

    features: int
    """How many numbers a view becomes."""

    @abstractmethod
    def encode(self, view: View) -> NDArray[np.float32]:
        """The view as (features,) numbers in [-1, 1]."""


class Comparable(Ability):
    """Ability: each reply that a seat may give can be written as numbers, so that nets score it."""

    signs_of_replies: int
    """How many numbers a reply becomes."""

    @abstractmethod
    def compare_replies(self, turn: Turn, replies: Sequence[int | None]) -> NDArray[np.float32]:
        """(replies, signs) numbers about [-1, 1] of what the seat sees of each of its replies.

        None is silence.
        """


_SPENT: Mapping[str, Callable[[int], Mapping[str, Any]]] = {
    "naive": lambda budget: {"evidence": budget},
    "consultancy": lambda budget: {"rounds": budget},
    "debate": lambda budget: {"rounds": budget // 2},
    "critique": lambda budget: {"points": budget // 2},
    "market_making": lambda budget: {"rounds": budget},
    "sandwiching": lambda budget: {"messages": budget},
}
"""Protocol -> the parameters that spend a budget, where the world says nothing else."""
