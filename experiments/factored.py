"""Factored cognition: accuracy by depth, branching and leaf error, simulated and in closed form.

On trees of affine gates an error at any gate shifts the root, and shifts add up, so that the
probability of a right answer is a product. With λ_e = 1 − e·m/(m−1), branching b, d levels of
careful workers (error w) on top of shallow answers (error s), and depth D, there are
N_d = (b^d − 1)/(b − 1) careful gates and N_D − N_d shallow ones:

    P(correct) = 1/m + (1 − 1/m) · λ_w^N_d · λ_s^(N_D − N_d)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

import pandas as pd

from oversight import keys
from oversight.bench import Bench, accuracy
from oversight.metrics.intervals import Interval
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

M = 3
DEPTHS = {2: (1, 2, 3, 5), 3: (1, 3), 4: (1, 3)}  # b: D
CAREFUL = 0.02  # w
LEAVES = (0.01, 0.03, 0.08)  # s
EPISODES = {"quick": 200, "full": 5000, "paper": 40_000}
EXPECTED = 0.95
"""The share of 95 % intervals that hold the value they should."""


class Point(NamedTuple):
    """One tree, taken apart so far."""

    branching: int
    depth: int
    levels: int
    leaf: float | None
    """None where a tree is taken apart as far as it goes: its leaves are inputs, and given."""
    frame: pd.DataFrame
    """Its games."""
    found: Interval
    exact: float


def closed_form(
    depth: int, levels: int, careful: float, shallow: float, m: int = M, branching: int = 2
) -> float:
    """P(correct) with `levels` careful levels on a tree of affine gates.

    >>> round(closed_form(1, 1, 0.02, 0.5), 3), round(closed_form(2, 0, 0.02, 0.1, m=2), 3)
    (0.98, 0.756)
    >>> round(closed_form(2, 1, 0.0, 0.1, m=2, branching=3), 3)  # three gates: (1 + 0.8³)/2
    0.756
    """
    worker, leaf = (1 - error * m / (m - 1) for error in (careful, shallow))
    looked_at, gates = _gates(branching, levels), _gates(branching, depth)
    return 1 / m + (1 - 1 / m) * worker**looked_at * leaf ** (gates - looked_at)


def _gates(branching: int, levels: int) -> int:
    """How many gates the upper levels of a tree have."""
    return (branching**levels - 1) // (branching - 1)


def run(job: Job) -> Findings:
    """Every branching, every depth, every number of levels, every leaf error."""
    found = [
        point
        for branching, depths in DEPTHS.items()
        for depth in depths
        for leaf in (*LEAVES, None)
        for point in _points(job, branching, depth, leaf)
    ]
    claims = [_covered(found)]
    claims += [_deeper(leaf, found) for leaf in LEAVES if _can_tell(leaf, EPISODES[job.scale])]
    claims.append(_wider(found))
    return Findings(_cells(found), claims, list(_figures(found)), (), NOTES)


def _points(job: Job, branching: int, depth: int, leaf: float | None) -> Iterator[Point]:
    """One tree with one leaf error, taken apart ever further, each time on cases of its own."""
    settings = f"family=tree,hard=1,m={M},fanin={branching},depth={depth},careful={CAREFUL}"
    label = f"b{branching}-D{depth}"
    if leaf is not None:
        settings, label = f"{settings},shallow={leaf}", f"{label}-s{leaf:g}"
    world = build("worlds", f"circuits:{settings}")
    for levels in range(depth) if leaf is not None else [depth]:
        own = job._replace(seed=keys.below(keys.root(job.seed, label, levels), 2**31))
        bench = Bench.of(own, label, world, EPISODES[job.scale])
        frame = bench.run(f"d{levels}", "factored_cognition", depth=levels)
        reached = accuracy(frame)
        assert reached is not None  # workers fail no game
        exact = _exact(branching, depth, levels, leaf)
        yield Point(branching, depth, levels, leaf, frame, reached, exact)


def _exact(branching: int, depth: int, levels: int, leaf: float | None) -> float:
    """The closed form, given that the candidates are the truth and one distractor.

    A worker's root that is neither is a coin's toss between them: of the m − 1 wrong values one is
    the distractor.
    """
    right = closed_form(depth, levels, CAREFUL, leaf or 0.0, branching=branching)
    return right + (1 - right) * (M - 2) / (M - 1) / 2


def _cells(found: list[Point]) -> list[Cell]:
    cells: list[Cell] = []
    for point in found:
        setting = {"branching": point.branching, "D": point.depth}
        leaf = "any" if point.leaf is None else point.leaf
        setting |= {"careful levels": point.levels, "leaf error": leaf}
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


def _can_tell(leaf: float, episodes: int) -> bool:
    """Whether taking apart should help by enough that intervals over so many games part."""
    depth = max(DEPTHS[2])
    gain = _exact(2, depth, depth, leaf) - _exact(2, depth, 0, leaf)
    return gain > 2 * 1.96 * 0.5 / episodes**0.5


def _deeper(leaf: float, found: list[Point]) -> Claim:
    """With leaves worse than workers, the deepest binary tree is better taken apart than not."""
    undivided, *_, whole = _line(found, 2, max(DEPTHS[2]), leaf)
    return Claim(
        f"with leaf error {leaf:g}, above the workers' {CAREFUL:g}, more levels help",
        whole.found.low > undivided.found.high,
        f"{_percent(undivided.found)} undivided, {_percent(whole.found)} fully taken apart; in "
        f"closed form {100 * undivided.exact:.1f} and {100 * whole.exact:.1f} %",
    )


def _wider(found: list[Point]) -> Claim:
    """A wider tree has more gates to go wrong at; over all that was made of it."""
    depth = _common()
    narrow, wide = (_line(found, b, depth, max(LEAVES)) for b in (min(DEPTHS), max(DEPTHS)))
    over, under = (accuracy(pd.concat([p.frame for p in line])) for line in (narrow, wide))
    assert over is not None  # workers fail no game
    assert under is not None
    exact = (100 * fmean(p.exact for p in line) for line in (narrow, wide))
    return Claim(
        f"at depth {depth} trees of branching {max(DEPTHS)} are answered worse than of "
        f"{min(DEPTHS)}, over all numbers of careful levels",
        under.high < over.low,
        f"leaf error {max(LEAVES):g}: {_percent(over)} and {_percent(under)}; in closed form "
        "{:.1f} and {:.1f} %".format(*exact),
    )


def _common() -> int:
    """The greatest depth that trees of every branching have."""
    return max(set.intersection(*map(set, DEPTHS.values())))


def _line(found: list[Point], branching: int, depth: int, leaf: float) -> list[Point]:
    """One tree from undivided to fully taken apart."""
    return [
        point._replace(leaf=leaf)
        for point in found
        if (point.branching, point.depth) == (branching, depth) and point.leaf in (leaf, None)
    ]


def _percent(found: Interval) -> str:
    return f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _figures(found: list[Point]) -> Iterator[figures.Figure]:
    deepest = [p for leaf in LEAVES for p in _line(found, 2, max(DEPTHS[2]), leaf)]
    yield figures.predicted(
        "factored-levels",
        f"Accuracy by how many levels of a binary tree of depth {max(DEPTHS[2])} are taken apart.",
        *_drawn(deepest, "levels", _by_leaf),
        xlabel="careful levels", ylabel="accuracy",
    )  # fmt: skip
    ends = [p for p in found if p.branching == 2 and p.levels in (0, p.depth)]
    yield figures.predicted(
        "factored-depth", "Accuracy by depth, binary trees undivided and fully taken apart.",
        *_drawn(ends, "depth", _by_end),
        xlabel="depth of the tree", ylabel="accuracy",
    )  # fmt: skip
    depth, leaf = _common(), max(LEAVES)
    wide = [point for branching in DEPTHS for point in _line(found, branching, depth, leaf)]
    yield figures.predicted(
        "factored-branching",
        f"Accuracy by branching, in trees of depth {depth} with leaf error {leaf:g}, by how many "
        "levels are taken apart.",
        *_drawn(wide, "branching", _by_levels),
        xlabel="branching of the tree", ylabel="accuracy",
    )  # fmt: skip


class Drawn(NamedTuple):
    """Lines of a figure, by name."""

    exact: Mapping[str, list[tuple[float, float]]]
    measured: Mapping[str, list[tuple[float, Interval]]]


def _drawn(found: list[Point], x: str, name: Callable[[Point], str]) -> Drawn:
    exact: dict[str, list[tuple[float, float]]] = {}
    measured: dict[str, list[tuple[float, Interval]]] = {}
    for point in found:
        exact.setdefault(name(point), []).append((getattr(point, x), point.exact))
        measured.setdefault(name(point), []).append((getattr(point, x), point.found))
    return Drawn(exact, measured)


def _by_leaf(point: Point) -> str:
    return f"leaf error {point.leaf:g}"


def _by_end(point: Point) -> str:
    return "fully taken apart" if point.leaf is None else f"undivided, {_by_leaf(point)}"


def _by_levels(point: Point) -> str:
    return f"{point.levels} careful level{'' if point.levels == 1 else 's'}"


NOTES = (
    "Gates are affine over three values, trees share no gate: the closed form holds for nothing "
    "else. The protocol is played by the engine, a worker a node.",
    "Candidates are the truth and one distractor, so a wrong root that is neither is a coin's "
    "toss; the closed form printed allows for it.",
    "Inputs are given: a tree taken apart as far as it goes has no leaf that errs, so it is played "
    "once for all leaf errors.",
    "That more levels help is claimed of the leaf errors where, in closed form, they help by more "
    "than the games of this scale leave open.",
    "Every cell has cases of its own, so that cells miss their intervals independently.",
)

EXPERIMENT = Experiment(
    name="factored",
    paper="Ought 2018, factored cognition; the closed form is derived here",
    about="Accuracy by depth, branching, careful levels and leaf error, on the closed form",
    data=("circuits",),
    run=run,
)
