"""The induction on circuits: markets trained on chains of gates, with and without a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.worlds.chains import Chains
from oversight import keys
from oversight.computed import computed
from oversight.protocol import Protocol
from oversight.record import credit
from oversight.study import Job, Scale
from oversight.training.market_training import Game, MarketTraining, Recipe, learn, play
from protocols.market_making import market_making

Table = NDArray[np.float64]

CAREFUL = 0.02
GLANCES: Mapping[str, float | None] = {"no glance": None, "a glance": 0.08}
"""The judge's own glance at what it does not look at with care, by its error rate at a gate."""


class ChainSize(NamedTuple):
    """How much is trained and tested."""

    depth: int
    m: int
    steps: int
    every: int
    games: int
    seeds: int
    tests: int


SIZES: dict[Scale, ChainSize] = {
    "quick": ChainSize(4, 2, 40, 5, 128, 2, 160),
    "full": ChainSize(4, 3, 400, 20, 384, 3, 500),
    "paper": ChainSize(4, 4, 800, 20, 768, 8, 1_000),
}


class Linked(NamedTuple):
    """The trainings with one judge: what the same test chains gave in each of them."""

    judge: str
    gates: NDArray[np.int64]
    """(tests,) how many gates lie below and at the question."""
    steps: Sequence[int]
    right: Table
    """(points, seeds, tests) 1 where p_0's first answer is the true one."""
    price: Table
    """(points, seeds, tests) the truth's price p_0."""

    def of_depth(self, table: Table, gates: int) -> Table:
        """(…, seeds, tests of so many gates)"""
        return table[..., self.gates == gates]


def train_chains(job: Job, size: ChainSize) -> list[Linked]:
    """Each judge's markets, those on disk read back."""
    held = {"experiment": "hubinger2020 chains", "seed": job.seed, **size._asdict()}
    frame = computed(
        job.out / "chains", held, partial(_row, job, size), len(GLANCES) * size.seeds,
        processes=job.processes, progress=job.progress,
    )  # fmt: skip
    rows = frame.to_dict("records")
    return [
        _together(judge, rows[at * size.seeds : (at + 1) * size.seeds])
        for at, judge in enumerate(GLANCES)
    ]


def _row(job: Job, size: ChainSize, number: int) -> dict[str, Any]:
    """One training from its beginning to its end, going on from where it was cut off."""
    place, seed = divmod(number, size.seeds)
    judge, shallow = list(GLANCES.items())[place]
    training = MarketTraining(
        _protocol(),
        Chains(size.depth, size.m, careful=CAREFUL, shallow=shallow),
        Recipe(games=size.games, seed=keys.root(job.seed, "chains", seed)),
    )

    def told(done: int, of: int) -> None:
        if job.progress is not None:
            job.progress(f"chains, {judge}, seed {seed}", done, of)

    points = learn(
        training, size.steps, partial(_measured, job, size), every=size.every,
        checkpoint=job.out / f"chains-{number}.pt", progress=told,
    )  # fmt: skip
    return {
        "gates": [game.case.question.data.gate + 1 for game in _tests(training, job, size)],
        **{name: [point[name] for point in points] for name in ("step", "right", "price")},
    }


def _protocol() -> Protocol:
    return market_making.bind(rounds=1)


def _measured(job: Job, size: ChainSize, training: MarketTraining) -> dict[str, Any]:
    games = _tests(training, job, size)
    truths = [game.case.truth.unseal() for game in games]
    first = [game.prices[0][1] for game in games]
    return {
        "right": [credit(price, truth) for price, truth in zip(first, truths, strict=True)],
        "price": [price[truth] for price, truth in zip(first, truths, strict=True)],
    }


def _tests(training: MarketTraining, job: Job, size: ChainSize) -> list[Game]:
    """The test chains, the same for every training; the adversary leads the judge down."""
    cast = {
        **training.cast, "market": training.frozen(), "adversary": training.world.debater()
    }  # fmt: skip
    seed = keys.root(job.seed, "test chains")
    return play(training.protocol, training.world, cast, range(size.tests), seed)


def _together(judge: str, rows: Sequence[Mapping[Any, Any]]) -> Linked:
    def stacked(name: str) -> Table:
        return np.array([[list(point) for point in row[name]] for row in rows]).swapaxes(0, 1)

    steps = [int(step) for step in rows[0]["step"]]
    return Linked(judge, np.array(rows[0]["gates"]), steps, stacked("right"), stacked("price"))
