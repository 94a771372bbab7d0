"""The frame of both inductions: markets trained with several judges, some seeds each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.computed import computed
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.study import Job
from oversight.training.market_training import Game, MarketTraining, Recipe, learn, play
from oversight.world import World

Table = NDArray[np.float64]
Rows = Sequence[Mapping[Any, Any]]
"""The trainings with one judge, a row a seed."""


class Course(NamedTuple):
    """What is trained, how long, and what is kept of it."""

    name: str
    """Of the folder that keeps the rows."""
    checkpoint: str
    """How the names of unfinished trainings begin."""
    luck: str
    """Names the trainings' seeds."""
    protocol: Protocol
    judges: Mapping[str, World]
    """How progress names a judge -> the world where it sits."""
    steps: int
    every: int
    games: int
    seeds: int
    measured: Callable[[MarketTraining], dict[str, Any]]
    """What is measured `every` so many steps."""
    row: Callable[[MarketTraining, Sequence[Mapping[str, Any]]], dict[str, Any]]
    """What is kept of a training that is over, given all that was measured."""


def train(job: Job, course: Course, held: Mapping[str, Any]) -> list[Rows]:
    """Each judge's trainings, those on disk read back if they are of the configuration `held`."""
    frame = computed(
        job.out / course.name, held, partial(_row, job, course),
        len(course.judges) * course.seeds, processes=job.processes, progress=job.progress,
    )  # fmt: skip
    rows = frame.to_dict("records")
    return [rows[at : at + course.seeds] for at in range(0, len(rows), course.seeds)]


def _row(job: Job, course: Course, number: int) -> dict[str, Any]:
    """One training from its beginning to its end, going on from where it was cut off."""
    place, seed = divmod(number, course.seeds)
    judge, world = list(course.judges.items())[place]
    recipe = Recipe(games=course.games, seed=keys.root(job.seed, course.luck, seed))
    training = MarketTraining(course.protocol, world, recipe)

    def told(done: int, of: int) -> None:
        if job.progress is not None:
            job.progress(f"{judge}, seed {seed}", done, of)

    points = learn(
        training, course.steps, course.measured, every=course.every,
        checkpoint=job.out / f"{course.checkpoint}-{number}.pt", progress=told,
    )  # fmt: skip
    return course.row(training, points)


def tested(
    training: MarketTraining, market: Agent, adversary: Agent, tests: int, seed: int
) -> list[Game]:
    """Games 0 … tests − 1 of a seed, the same for every training."""
    cast = {**training.cast, "market": market, "adversary": adversary}
    return play(training.protocol, training.world, cast, range(tests), seed)


def stacked(rows: Rows, name: str) -> Table:
    """(points, seeds, …) what was measured under a name."""
    return np.array([[list(map(_plain, point)) for point in row[name]] for row in rows]).swapaxes(
        0, 1
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, np.ndarray) else value
