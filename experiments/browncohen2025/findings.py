"""From games to numbers: cells, claims whether they hold or not, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.browncohen2025.games import (
    DEBATE,
    DENIES,
    HIDDEN,
    HONEST,
    IGNORANT,
    INFORMED,
    SPREADS,
    TRUE,
    Arm,
)
from oversight.circuits.traces import Skills
from oversight.metrics.intervals import Interval, mean_interval, paired_difference
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

CARE = Skills().careful
HELD = 0.05
"""By how much accuracy may fall and still be said to hold."""


def cells(hidden: Sequence[Arm], steps: Sequence[Arm]) -> Iterator[Cell]:
    """Accuracy and the credence in the truth, by what is hidden and by steps."""
    for about, arms in (("ω", hidden), ("steps", steps)):
        for arm in arms:
            setting = {"arm": arm.name, about: arm.x}
            yield cell(setting, "accuracy", mean_interval(arm.right))
            yield cell(setting, "credence in the truth", mean_interval(arm.belief))


def spread_credence(steps: float, care: float = CARE) -> float:
    """What a true claim of N steps is worth if all its doubt is spread evenly: (1 − η)/N.

    The prover shows one step to be worth 1/N more than it was priced, unless the judge errs.

    >>> spread_credence(4, 0.02)
    0.245
    """
    return (1 - care) / steps


def claims(hidden: Sequence[Arm], steps: Sequence[Arm]) -> Iterator[Claim]:
    """What the paper is about, and what follows from the rules derived here."""
    more = [x for x in HIDDEN if x > 0]
    fall = {name: {x: _fall(hidden, name, x) for x in more}
            for name in (INFORMED, IGNORANT, DEBATE)}  # fmt: skip
    lost = {x: mean_interval(fall[DEBATE][x]) for x in more}
    yield Claim("recursive debate is less accurate at every ω above 0 than at 0",
                all(one.high < 0 for one in lost.values()), _by_hidden(lost))  # fmt: skip
    for name in (INFORMED, IGNORANT):
        kept = {x: mean_interval(fall[name][x]) for x in more}
        yield Claim(
            f"prover–estimator, {name}: accuracy holds at every ω (surely not {100 * HELD:g} "
            "points below that at 0)", all(one.low > -HELD for one in kept.values()),
            _by_hidden(kept),
        )  # fmt: skip
        gain = {x: paired_difference(fall[name][x], fall[DEBATE][x]) for x in more}
        yield Claim(
            f"prover–estimator, {name}: it loses less to obfuscation than debate does at every ω",
            all(one.low > 0 for one in gain.values()), _by_hidden(gain),
        )  # fmt: skip
    knows, ignores = (np.concatenate([a.belief for a in hidden if a.name == name and a.x > 0])
                      for name in (INFORMED, IGNORANT))  # fmt: skip
    gap = paired_difference(ignores, knows, np.tile(_cases(hidden), len(HIDDEN) - 1))
    yield Claim("knowing the flaw helps a liar: the judge believes the truth less", gap.low > 0,
                _points(gap))  # fmt: skip
    yield from _completeness(steps)


def _completeness(steps: Sequence[Arm]) -> Iterator[Claim]:
    """Whether true claims are believed, by their stability, and the closed form."""
    for arm in steps:
        if arm.name in (SPREADS, DENIES):
            found = mean_interval(arm.right)
            yield Claim(
                f"before an estimator that {arm.name}, N = {arm.x:g} steps: a true claim is "
                "believed more often than not", found.low > 0.5, _share(found),
            )  # fmt: skip
    spread = [arm for arm in steps if arm.name == SPREADS]
    found = {arm.x: mean_interval(arm.belief, level=0.99) for arm in spread}
    inside = [found[x].low <= spread_credence(x) <= found[x].high for x in found]
    yield Claim(
        "before an estimator that spreads its doubt a true claim of N steps is worth (1 − η)/N",
        all(inside),
        "; ".join(f"N = {x:g}: {spread_credence(x):.3f} and {f.value:.3f} [{f.low:.3f}, "
                  f"{f.high:.3f}], 99 %" for x, f in found.items()),
    )  # fmt: skip


def _fall(arms: Sequence[Arm], name: str, hidden: float) -> NDArray[np.float64]:
    """(cases,) accuracy with some hidden minus with nothing hidden, on the same cases."""
    at = {arm.x: arm for arm in arms if arm.name == name}
    assert at[0.0].frame["case"].equals(at[hidden].frame["case"])  # one seed, one order
    return at[hidden].right - at[0.0].right


def _cases(arms: Sequence[Arm]) -> NDArray[np.str_]:
    return arms[0].frame["case"].to_numpy(str)


def drawn(hidden: Sequence[Arm], steps: Sequence[Arm]) -> Iterator[Figure]:
    """Accuracy over what is hidden; the credence in a true claim over the steps it rests on."""
    yield figures.curve(
        "browncohen2025",
        "Accuracy by the share of gates whose value a liar's opponent lacks: recursive debate, and "
        "prover–estimator debate (the other lines) with an honest estimator.",
        {name: [(a.x, mean_interval(a.right)) for a in hidden if a.name == name]
         for name in (INFORMED, IGNORANT, TRUE, DEBATE)},
        xlabel="ω, share of hidden gates",
    )  # fmt: skip
    lines = {f"estimator: {name}": name for name in (HONEST, SPREADS, DENIES)} | {DEBATE: DEBATE}
    yield figures.curve(
        "browncohen2025-stability",
        "The judge's credence in the truth by the number of steps that the claim rests on: true "
        "claims before an estimator that is honest, or means to have them disbelieved, and "
        "recursive debate.",
        {label: [(a.x, mean_interval(a.belief)) for a in steps if a.name == name]
         for label, name in lines.items()},
        xlabel="steps that the claim rests on", ylabel="credence in the truth", log_x=True,
    )  # fmt: skip


def _by_hidden(found: Mapping[float, Interval]) -> str:
    return "; ".join(f"ω = {x:g}: {_points(interval)}" for x, interval in found.items())


def _points(found: Interval) -> str:
    value, low, high, _ = found
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points"


def _share(found: Interval) -> str:
    return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}] %"
