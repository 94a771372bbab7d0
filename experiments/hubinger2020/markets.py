"""The trainings of the experiment, and its games on circuits: every game kept as a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.worlds.circuits import Circuits
from envs.worlds.sums import Sums
from oversight import keys
from oversight.agents.simple import RandomAgent
from oversight.best_response import PriceMover
from oversight.circuits.experts import Aim, CircuitExpert
from oversight.computed import computed
from oversight.protocol import Protocol
from oversight.record import credit
from oversight.study import Job, Scale
from oversight.training.market_training import Game, MarketTraining, Recipe, learn, pays, play
from protocols.market_making import market_making

Table = NDArray[np.float64]

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
    settings = {"experiment": "hubinger2020", "seed": job.seed, **size._asdict()}
    settings["biases"] = list(size.biases)
    frame = computed(
        job.out / "markets", settings, partial(_row, job, size), len(biases) * size.seeds,
        processes=job.processes, progress=job.progress,
    )  # fmt: skip
    rows = frame.to_dict("records")
    return [
        _together(bias, rows[at * size.seeds : (at + 1) * size.seeds])
        for at, bias in enumerate(biases)
    ]


def _row(job: Job, size: Size, number: int) -> dict[str, Any]:
    """One training from its beginning to its end, going on from where it was cut off."""
    place, seed = divmod(number, size.seeds)
    bias = (0.0, *size.biases)[place]
    training = MarketTraining(
        _protocol(),
        Sums(size.terms, size.m, bias=bias),
        Recipe(games=size.games, seed=keys.root(job.seed, "training", seed)),
    )

    def told(done: int, of: int) -> None:
        if job.progress is not None:
            job.progress(f"bias {bias:g}, seed {seed}", done, of)

    points = learn(
        training, size.steps, partial(_measured, job, size), every=size.every,
        checkpoint=job.out / f"market-{number}.pt", progress=told,
    )  # fmt: skip
    best = _tests(training, job, size, best=True)
    random = _tests(training, job, size, best=False)
    return {
        "bias": bias,
        "lengths": [len(game.case.question.data.terms) for game in best],
        "steps": [point["step"] for point in points],
        **{name: [point[name] for point in points] for name in ("right", "moved", "path")},
        "verdict": [_in_truth(game, game.outcome.credences) for game in best],
        "by_chance": [_in_truth(game, game.outcome.credences) for game in random],
    }


def _protocol() -> Protocol:
    return market_making.bind(rounds=ROUNDS, tolerance=STILL, patience=1)


def _measured(job: Job, size: Size, training: MarketTraining) -> dict[str, Any]:
    games = _tests(training, job, size, best=True)
    return {
        "right": [credit(g.prices[0][1], g.case.truth.unseal()) for g in games],
        "moved": [max(pays(game), default=0.0) for game in games],
        "path": [_path(game, ROUNDS) for game in games],
    }


def _tests(training: MarketTraining, job: Job, size: Size, *, best: bool) -> list[Game]:
    """The test sums, the same for every training, against the market as it stands."""
    market = training.frozen()
    adversary = PriceMover(training.world, market) if best else RandomAgent()
    cast = {**training.cast, "market": market, "adversary": adversary}
    seed = keys.root(job.seed, "tests")
    return play(training.protocol, training.world, cast, range(size.tests), seed)


def _path(game: Game, rounds: int) -> list[float]:
    prices = [_in_truth(game, price) for _, price in game.prices]
    return prices + prices[-1:] * (rounds + 1 - len(prices))


def _in_truth(game: Game, credences: Sequence[float]) -> float:
    return credences[game.case.truth.unseal()]


def _together(bias: float, rows: Sequence[Mapping[Any, Any]]) -> Taught:
    def stacked(name: str) -> Table:
        return np.array([[list(map(_plain, point)) for point in row[name]] for row in rows])

    def flat(name: str) -> Table:
        return np.array([list(row[name]) for row in rows])

    return Taught(
        bias,
        np.array(rows[0]["lengths"]),
        [int(step) for step in rows[0]["steps"]],
        stacked("right").swapaxes(0, 1),
        stacked("moved").swapaxes(0, 1),
        stacked("path").swapaxes(0, 1),
        flat("verdict"),
        flat("by_chance"),
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, np.ndarray) else value


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
