"""Factored cognition: accuracy by depth and by leaf error, the simulation on its closed form.

On trees of affine gates an error at any gate shifts the root, and shifts add up, so that the
probability of a right answer is a product. With λ_e = 1 − e·m/(m−1), d levels of careful workers
(error w) on top of shallow answers (error s), and depth D:

    P(correct) = 1/m + (1 − 1/m) · λ_w^(2^d − 1) · λ_s^(2^D − 2^d)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from oversight.bench import Bench, accuracy
from oversight.metrics.intervals import Interval
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

M = 3
DEPTHS = (1, 2, 3, 4, 5)  # D
CAREFUL = 0.02  # w
LEAVES = (0.01, 0.03, 0.08)  # s
EPISODES = {"quick": 500, "full": 5000, "paper": 40_000}
EXPECTED = 0.95
"""The share of 95 % intervals that hold the value they should."""


class Point(NamedTuple):
    """One tree, taken apart so far."""

    depth: int
    levels: int
    leaf: float
    found: Interval
    exact: float


def closed_form(depth: int, levels: int, careful: float, shallow: float, m: int = M) -> float:
    """P(correct) with `levels` careful levels on a binary tree of affine gates.

    >>> round(closed_form(1, 1, 0.02, 0.5), 3), round(closed_form(2, 0, 0.02, 0.1, m=2), 3)
    (0.98, 0.756)
    """
    worker, leaf = (1 - error * m / (m - 1) for error in (careful, shallow))
    kept = worker ** (2**levels - 1) * leaf ** (2**depth - 2**levels)
    return 1 / m + (1 - 1 / m) * kept


def run(job: Job) -> Findings:
    """Every depth, every number of levels, every leaf error."""
    found = [point for leaf in LEAVES for depth in DEPTHS for point in _points(job, depth, leaf)]
    claims = [_covered(found)]
    claims += [_deeper(leaf, found) for leaf in LEAVES if leaf > CAREFUL]
    return Findings(_cells(found), claims, list(_figures(found)), (), NOTES)


def _points(job: Job, depth: int, leaf: float) -> Iterator[Point]:
    world = build(
        "worlds",
        f"circuits:family=tree,hard=1,m={M},depth={depth},shallow={leaf},careful={CAREFUL}",
    )
    bench = Bench.of(job, f"D{depth}-s{leaf:g}", world, EPISODES[job.scale])
    for levels in range(depth + 1):
        frame = bench.run(f"d{levels}", "factored_cognition", depth=levels)
        reached = accuracy(frame)
        assert reached is not None  # workers fail no game
        yield Point(depth, levels, leaf, reached, _exact(depth, levels, leaf))


def _exact(depth: int, levels: int, leaf: float) -> float:
    """The closed form, given that the candidates are the truth and one distractor.

    A worker's root that is neither is a coin's toss between them: of the m − 1 wrong values one is
    the distractor.
    """
    right = closed_form(depth, levels, CAREFUL, leaf)
    return right + (1 - right) * (M - 2) / (M - 1) / 2


def _cells(found: list[Point]) -> list[Cell]:
    cells: list[Cell] = []
    for point in found:
        setting = {"D": point.depth, "careful levels": point.levels, "leaf error": point.leaf}
        exact = {"closed form": f"{point.exact:.4f}"}
        cells.append(cell({**setting, **exact}, "accuracy", point.found))
    return cells


def _covered(found: list[Point]) -> Claim:
    inside = [p.found.low <= p.exact <= p.found.high for p in found]
    share = sum(inside) / len(inside)
    spread = 1.96 * (EXPECTED * (1 - EXPECTED) / len(inside)) ** 0.5
    return Claim(
        "the closed form lies in the simulation's interval, as often as 95 % intervals should",
        share >= EXPECTED - spread,
        f"{sum(inside)} of {len(inside)} cells; expected {EXPECTED:.0%}, less {spread:.1%} by luck",
    )


def _deeper(leaf: float, found: list[Point]) -> Claim:
    """With leaves worse than workers, taking the deepest tree apart further never hurts."""
    line = [p for p in found if p.leaf == leaf and p.depth == max(DEPTHS)]
    return Claim(
        f"with leaf error {leaf:g}, above the workers' {CAREFUL:g}, more levels help",
        line[-1].found.low > line[0].found.high,
        f"{100 * line[0].found.value:.1f} % undivided, {100 * line[-1].found.value:.1f} % fully "
        "taken apart",
    )


def _figures(found: list[Point]) -> Iterator[figures.Figure]:
    deepest = [p for p in found if p.depth == max(DEPTHS)]
    yield figures.predicted(
        "factored-levels",
        f"Accuracy by how many levels of a tree of depth {max(DEPTHS)} are taken apart.",
        _exactly(deepest, "levels"), _measured(deepest, "levels"),
        xlabel="careful levels", ylabel="accuracy",
    )  # fmt: skip
    whole = [p for p in found if p.levels == p.depth]
    yield figures.predicted(
        "factored-depth", "Accuracy by depth, every tree taken apart as far as it goes.",
        _exactly(whole, "depth"), _measured(whole, "depth"),
        xlabel="depth of the tree", ylabel="accuracy",
    )  # fmt: skip


def _exactly(found: list[Point], x: str) -> Mapping[str, list[tuple[float, float]]]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in found:
        lines.setdefault(_name(point), []).append((getattr(point, x), point.exact))
    return lines


def _measured(found: list[Point], x: str) -> Mapping[str, list[tuple[float, Interval]]]:
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for point in found:
        lines.setdefault(_name(point), []).append((getattr(point, x), point.found))
    return lines


def _name(point: Point) -> str:
    return f"leaf error {point.leaf:g}"


NOTES = (
    "Gates are affine over three values, trees share no gate: the closed form holds for nothing "
    "else. The protocol is played by the engine, a worker a node.",
    "Candidates are the truth and one distractor, so a wrong root that is neither is a coin's "
    "toss; the closed form printed allows for it.",
    "Branching is two throughout: gates have two children.",
)

EXPERIMENT = Experiment(
    name="factored",
    paper="Ought 2018, factored cognition; the closed form is derived here",
    about="Accuracy by depth, careful levels and leaf error, on the closed form",
    data=("circuits",),
    run=run,
)
