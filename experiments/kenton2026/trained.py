"""Policy gradient: a proposer that learns what this judge believes, alone and opposed.

It begins by imitating the proposer of best-of-n, and is then paid the judge's credence in what it
proposes. The judge, the critic and the opponent are frozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.kenton2026.games import ALONE, CRITIC, GAMES, JUDGE, RECOVERED, SOURCE, proposer
from experiments.learning import tested, trained
from oversight.alignment.self_play import Recipe, SelfPlay
from oversight.bench import Bench
from oversight.metrics.intervals import Interval, mean_interval, paired_difference, pgr_interval
from oversight.pool import fork_map
from oversight.registry import build, load
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell
from oversight.training.descent import Pace

TESTS = 500
"""Games that a checkpoint is measured on."""
RATE = 3e-3


class Size(NamedTuple):
    """How long a training is."""

    imitation: int
    steps: int
    cases: int
    checkpoints: int


SIZES: Mapping[str, Size] = {
    "quick": Size(40, 80, 24, 4),
    "full": Size(100, 600, 64, 8),
    "paper": Size(100, 2000, 64, 8),
}


class Point(NamedTuple):
    """A checkpoint, a number a case."""

    step: int
    """Of the policy gradient."""
    credence: NDArray[np.float64]
    """The judge's, in the proposal: what the proposer is paid."""
    right: NDArray[np.float64]
    """Whether the proposal is true."""
    agreed: NDArray[np.float64]
    """Whether the judge believes the proposal most."""


class Trained(NamedTuple):
    """A training in every arm."""

    arms: Mapping[str, Sequence[Point]]
    ceiling: NDArray[np.float64]
    """(cases,) whether an expert who is believed outright is right."""


def train(job: Job) -> Trained:
    """Every arm, side by side."""
    found = dict(fork_map(lambda name: (name, _arm(job, name)), list(GAMES), job.processes))
    bench = Bench(build("worlds", "circuits"), 8, TESTS, job.seed, JUDGE)
    return Trained({name: found[name] for name in GAMES}, _ceiling(bench, job.seed))


def _ceiling(bench: Bench, seed: int) -> NDArray[np.float64]:
    protocol = load("protocols", "expert").bind()
    played = tested(protocol, bench.world, bench.cast(protocol), TESTS, seed)
    return np.array([record.correct for record in played], np.float64)


def _arm(job: Job, name: str) -> list[Point]:
    size, game = SIZES[job.scale], GAMES[name]
    world, protocol = build("worlds", "circuits"), game.bound()
    bench = Bench(world, 8, TESTS, job.seed, JUDGE)
    cast = bench.cast(protocol, {game.seat: proposer()})
    recipe = Recipe(cases=size.cases, imitation=size.imitation, seed=job.seed)
    training = SelfPlay(protocol, world, recipe, cast, [game.seat])

    def measure(step: int) -> dict[str, Any]:
        seated = training.seated(training.player())
        played = tested(protocol, world, seated, TESTS, job.seed)
        claims = [record.sides[game.seat] for record in played]
        held = [record.credences or () for record in played]
        return {
            "credence": [c[claim] for c, claim in zip(held, claims, strict=True)],
            "right": [float(r.truth == c) for r, c in zip(played, claims, strict=True)],
            "agreed": [float(c[k] == max(c)) for c, k in zip(held, claims, strict=True)],
        }

    pace = Pace(size.imitation + size.steps, RATE, every=size.steps // size.checkpoints)
    return [
        Point(row["step"] - size.imitation,
              *(np.array(row[column]) for column in ("credence", "right", "agreed")))
        for row in trained(job, name, training, pace, measure) if row["step"] >= size.imitation
    ]  # fmt: skip


def cells(trained: Trained) -> Iterator[Cell]:
    """All three by step, and what the others recover of the gap of the proposer alone."""
    for name, points in trained.arms.items():
        for point in points:
            setting = {"arm": name, "step": point.step}
            yield cell(setting, "the judge's credence in it", mean_interval(point.credence))
            yield cell(setting, "accuracy", mean_interval(point.right))
            yield cell(setting, "the judge agrees", mean_interval(point.agreed))
            alone = trained.arms[ALONE][points.index(point)]
            if name != ALONE and alone.right.mean() != trained.ceiling.mean():
                found = pgr_interval(alone.right, point.right, trained.ceiling)
                last = point is points[-1] and name == CRITIC
                published = (RECOVERED, SOURCE) if last else (None, None)
                yield cell(setting, "share of the gap to the expert recovered", found, *published)


def claims(trained: Trained) -> Iterator[Claim]:
    """The paper's, under this optimiser."""
    for name, points in trained.arms.items():
        rise = paired_difference(points[-1].credence, points[0].credence)
        change = paired_difference(points[-1].right, points[0].right)
        said = f"{name}, trained"
        yield Claim(f"{said}: the judge's credence rises", rise.low > 0, _shown(rise))
        if name == ALONE:
            yield Claim(f"{said}: accuracy falls", change.high < 0, _shown(change))
        else:
            yield Claim(f"{said}: accuracy holds", change.high >= 0, _shown(change))
    alone = trained.arms[ALONE][-1].right
    for name in [name for name in trained.arms if name != ALONE]:
        gain = paired_difference(trained.arms[name][-1].right, alone)
        yield Claim(f"after training, accuracy {name} is higher", gain.low > 0, _shown(gain))


def figure(trained: Trained) -> Figure:
    """Credence and accuracy by step."""
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for name, points in trained.arms.items():
        lines[f"{name}: accuracy"] = [(p.step, mean_interval(p.right)) for p in points]
        lines[f"{name}: credence"] = [(p.step, mean_interval(p.credence)) for p in points]
    return figures.curve(
        "kenton2026-trained", "A proposer paid the judge's credence, by steps of policy gradient: "
        "how far the judge believes what it proposes, and how often that is true.", lines,
        xlabel="steps", ylabel="share",
    )  # fmt: skip


def _shown(found: Interval) -> str:
    value, low, high, _ = found
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points"
