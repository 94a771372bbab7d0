"""What experiments share in which players learn: a training kept, and games apart to test it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oversight.alignment.self_play import SelfPlay, learn
from oversight.players import Cast
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.rollout import rollout
from oversight.study import Job, file_safe
from oversight.training.descent import Pace
from oversight.world import World

APART = 10**6
"""Where the numbers of the games begin that nothing is learned from."""


def practice(world: Any, other: Any) -> Any:
    """A world to learn in, like another that players are tested in.

    Where cases are images it is given the other's training half to play on; else its cases are
    drawn anew, and it is as it was. The judge is the same.
    """
    held: Any = getattr(other, "data", None)
    if hasattr(held, "train_values"):
        world.data = replace(held, test_values=held.train_values, test_labels=held.train_labels)
    return world


def tested(protocol: Protocol, world: World, cast: Cast, games: int, seed: int) -> list[Record]:
    """Games that nothing is learned from, in order."""
    return played(protocol, world, cast, range(APART, APART + games), seed)


def played(
    protocol: Protocol, world: World, cast: Cast, numbers: Sequence[int], seed: int
) -> list[Record]:
    """Games by their numbers, in order. None fails: the agents are ours."""
    records = rollout(protocol, world, cast, numbers, seed=seed)
    return sorted(records, key=lambda record: record.episode)


def trained(
    job: Job, name: str, training: SelfPlay, pace: Pace,
    measure: Callable[[int], Mapping[str, Any]],
) -> Sequence[Mapping[str, Any]]:  # fmt: skip
    """What was measured at each checkpoint; a training that was stopped goes on from the last."""

    def progress(at: int, of: int) -> None:
        if job.progress is not None:
            job.progress(name, at, of)

    kept = job.out / "trainings" / file_safe(name)
    return learn(training, pace, measure, kept=kept, progress=progress).rows
