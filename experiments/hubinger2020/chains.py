"""The induction on circuits: markets trained on chains of gates, with and without a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.worlds.chains import Chains
from experiments.hubinger2020.training import Course, Rows, Table, stacked, tested, train
from oversight import keys
from oversight.record import credit
from oversight.study import Job, Scale
from oversight.training.market_training import Game, MarketTraining
from protocols.market_making import market_making

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
    course = Course(
        name="chains",
        checkpoint="chains",
        luck="chains",
        protocol=market_making.bind(rounds=1),
        judges={
            f"chains, {judge}": Chains(size.depth, size.m, careful=CAREFUL, shallow=shallow)
            for judge, shallow in GLANCES.items()
        },
        steps=size.steps,
        every=size.every,
        games=size.games,
        seeds=size.seeds,
        measured=partial(_measured, job, size),
        row=partial(_row, job, size),
    )
    held = {"experiment": "hubinger2020 chains", "seed": job.seed, **size._asdict()}
    found = train(job, course, held)
    return [_together(judge, rows) for judge, rows in zip(GLANCES, found, strict=True)]


def _measured(job: Job, size: ChainSize, training: MarketTraining) -> dict[str, Any]:
    games = _tests(training, job, size)
    truths = [game.case.truth.unseal() for game in games]
    first = [game.prices[0][1] for game in games]
    return {
        "right": [credit(price, truth) for price, truth in zip(first, truths, strict=True)],
        "price": [price[truth] for price, truth in zip(first, truths, strict=True)],
    }


def _row(
    job: Job, size: ChainSize, training: MarketTraining, points: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "gates": [game.case.question.data.gate + 1 for game in _tests(training, job, size)],
        **{name: [point[name] for point in points] for name in ("step", "right", "price")},
    }


def _tests(training: MarketTraining, job: Job, size: ChainSize) -> list[Game]:
    """The test chains; the adversary leads the judge down."""
    adversary = training.world.debater()
    seed = keys.root(job.seed, "test chains")
    return tested(training, training.frozen(), adversary, size.tests, seed)


def _together(judge: str, rows: Rows) -> Linked:
    steps = [int(step) for step in rows[0]["step"]]
    gates = np.array(rows[0]["gates"])
    return Linked(judge, gates, steps, stacked(rows, "right"), stacked(rows, "price"))
