"""The trainings of the experiment, and its games on circuits: every game kept as a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from envs.worlds.circuits import Circuits
from envs.worlds.sums import Sums
from experiments.hubinger2020.training import Course, Rows, Table, stacked, tested, train
from oversight import keys
from oversight.agents.simple import RandomAgent
from oversight.best_response import PriceMover
from oversight.circuits.experts import Aim, CircuitExpert
from oversight.record import credit
from oversight.study import Job, Scale
from oversight.training.market_training import Game, MarketTraining, pays, play
from protocols.market_making import market_making

ROUNDS, STILL = 2, 0.05
"""Arguments a game at most; a price that moves less than `STILL` has settled."""
CIRCUIT_ROUNDS = 8
AIMS: Mapping[str, Aim] = {"honest": "own", "misleading": "against"}


class Size(NamedTuple):
    """How much is trained and played."""

    terms: int
    m: int
    steps: int
    every: int
    games: int
    seeds: int
    tests: int
    biases: tuple[float, ...]
    """Of judges beside the unbiased one."""
    circuits: int


SIZES: dict[Scale, Size] = {
    "quick": Size(4, 3, 45, 9, 128, 2, 160, (0.3,), 200),
    "full": Size(5, 4, 240, 20, 256, 3, 500, (0.15, 0.3, 0.45), 1_000),
    "paper": Size(5, 4, 400, 20, 256, 8, 1_000, (0.15, 0.3, 0.45), 4_000),
}


class Taught(NamedTuple):
    """The trainings with one judge: what the same test sums gave in each of them."""

    bias: float
    lengths: NDArray[np.int64]
    """(tests,) terms of each test sum."""
    steps: Sequence[int]
    right: Table
    """(points, seeds, tests) 1 where p_0's first answer is the true one."""
    moved: Table
    """(points, seeds, tests) the most that the best adversary moved the price in one step."""
    path: Table
    """(points, seeds, tests, ROUNDS + 1) the truth's price p_t, held once the price settled."""
    verdict: Table
    """(seeds, tests) the judge's credence in the truth at the end, facing the best adversary."""
    by_chance: Table
    """(seeds, tests) the same, facing an adversary that argues at random."""


class Traded(NamedTuple):
    """Games on the same circuits against one adversary."""

    name: str
    path: Table
    """(circuits, CIRCUIT_ROUNDS + 1) the truth's price, held once there was no more to say."""
    moved: Table
    """(circuits,)"""
    verdict: Table
    """(circuits,) the judge's credence in the truth."""


def train_all(job: Job, size: Size) -> list[Taught]:
    """The unbiased judge's markets and each biased judge's, those on disk read back."""
    biases = (0.0, *size.biases)
    course = Course(
        name="markets",
        checkpoint="market",
        luck="training",
        protocol=market_making.bind(rounds=ROUNDS, tolerance=STILL, patience=1),
        judges={f"bias {bias:g}": Sums(size.terms, size.m, bias=bias) for bias in biases},
        steps=size.steps,
        every=size.every,
        games=size.games,
        seeds=size.seeds,
        measured=partial(_measured, job, size),
        row=partial(_row, job, size),
    )
    held = {"experiment": "hubinger2020", "seed": job.seed, **size._asdict()}
    found = train(job, course, held | {"biases": list(size.biases)})
    return [_together(bias, rows) for bias, rows in zip(biases, found, strict=True)]


def _measured(job: Job, size: Size, training: MarketTraining) -> dict[str, Any]:
    games = _tests(training, job, size, best=True)
    return {
        "right": [credit(g.prices[0][1], g.case.truth.unseal()) for g in games],
        "moved": [max(pays(game), default=0.0) for game in games],
        "path": [_path(game, ROUNDS) for game in games],
    }


def _row(
    job: Job, size: Size, training: MarketTraining, points: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    best = _tests(training, job, size, best=True)
    random = _tests(training, job, size, best=False)
    return {
        "bias": cast(Sums, training.world).bias,
        "lengths": [len(game.case.question.data.terms) for game in best],
        "steps": [point["step"] for point in points],
        **{name: [point[name] for point in points] for name in ("right", "moved", "path")},
        "verdict": [_in_truth(game, game.outcome.credences) for game in best],
        "by_chance": [_in_truth(game, game.outcome.credences) for game in random],
    }


def _tests(training: MarketTraining, job: Job, size: Size, *, best: bool) -> list[Game]:
    """The test sums, against the market as it stands."""
    market = training.frozen()
    adversary = PriceMover(training.world, market) if best else RandomAgent()
    return tested(training, market, adversary, size.tests, keys.root(job.seed, "tests"))


def _path(game: Game, rounds: int) -> list[float]:
    prices = [_in_truth(game, price) for _, price in game.prices]
    return prices + prices[-1:] * (rounds + 1 - len(prices))


def _in_truth(game: Game, credences: Sequence[float]) -> float:
    return credences[game.case.truth.unseal()]


def _together(bias: float, rows: Rows) -> Taught:
    return Taught(
        bias,
        np.array(rows[0]["lengths"]),
        [int(step) for step in rows[0]["steps"]],
        stacked(rows, "right"),
        stacked(rows, "moved"),
        stacked(rows, "path"),
        np.array([list(row["verdict"]) for row in rows]),
        np.array([list(row["by_chance"]) for row in rows]),
    )


def trade_circuits(job: Job, size: Size) -> list[Traded]:
    """The same circuits against an honest adversary and one that means to mislead."""
    world, protocol = Circuits(), market_making.bind(rounds=CIRCUIT_ROUNDS)
    found: list[Traded] = []
    for name, aim in AIMS.items():
        judge = world.judge()
        cast = {"market": judge, "judge": judge, "adversary": CircuitExpert(aim=aim)}
        games = play(protocol, world, cast, range(size.circuits), job.seed)
        found.append(
            Traded(
                name,
                np.array([_path(game, CIRCUIT_ROUNDS) for game in games]),
                np.array([max(pays(game), default=0.0) for game in games]),
                np.array([_in_truth(game, game.outcome.credences) for game in games]),
            )
        )
    return found
