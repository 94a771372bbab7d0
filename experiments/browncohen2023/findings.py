"""From games to numbers: the cells beside the proved bounds, the claims, the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from experiments.browncohen2023.published import BOUND, PROOF
from experiments.browncohen2023.sweeps import ARMS, Played, Size, rules, steps
from oversight.metrics.intervals import Interval, mean_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

RIGHT = "the game is right (published: a lower bound)"
BOUNDED = ("completeness, honest Bob", "completeness, worst Bob", "soundness, worst Alice")
UNSOUND = "Bob has Vera's threshold"
ERRORS = 3  # standard errors that a bound may be missed by


def share(count: int, games: int) -> Interval:
    """A share of games with Wilson's interval."""
    return mean_interval(np.arange(games) < count)


def cells(played: Sequence[Played], size: Size) -> Iterator[Cell]:
    """How often each arm was right at each length, and what it cost."""
    for row in played:
        setting = {"arm": row.arm, "T": steps(row.runs), "Alice": row.alice, "Bob": row.bob}
        known = (BOUND, PROOF) if row.arm in BOUNDED else (None, None)
        yield cell(setting, RIGHT, share(row.right, row.games), *known)
        yield cell(setting, "Vera is called", share(row.challenged, row.games))
    yield cell({"setting": "prover, honest"}, "exponent of T·ln(200T) in samples",
               prover_exponent(size))  # fmt: skip
    yield cell({"setting": "verifier, challenged"}, "exponent of T in samples",
               verifier_exponent(size))  # fmt: skip
    called = slope_of_calls(played)
    yield cell({"setting": "verifier, against the worst Alice"},
               "share of games with a check: change for ten times T", called)  # fmt: skip


def prover_exponent(size: Size) -> Interval:
    """How an honest Alice's samples grow: the slope of log samples over log of T·ln(200T)."""
    lengths = np.array([steps(runs) for runs in size.runs], float)
    paid = [steps(runs) * rules(runs).statement for runs in size.runs]
    return _exponent(np.log(lengths * np.log(200 * lengths)), np.log(paid))


def verifier_exponent(size: Size) -> Interval:
    """How Vera's samples grow with T where she is called."""
    paid = [rules(runs).vera.samples for runs in size.runs]
    return _exponent(np.log([steps(runs) for runs in size.runs]), np.log(paid))


def _exponent(x: np.ndarray, y: np.ndarray) -> Interval:
    """The slope of a straight line and its 95 % interval by Student's t, over lengths."""
    apart = x - x.mean()
    raised = y - y[0]  # a flat line's slope is 0 to the last bit
    slope = float((apart * raised).sum() / (apart**2).sum())
    left = raised - raised.mean() - slope * apart
    error = math.sqrt((left**2).sum() / (len(x) - 2) / (apart**2).sum())
    reach = float(stats.t.ppf(0.975, len(x) - 2)) * error
    return Interval(slope, slope - reach, slope + reach, len(x))


def slope_of_calls(played: Sequence[Played]) -> Interval:
    """How much oftener Vera is called for ten times the length: weighted least squares, 95 %."""
    rows = [row for row in played if row.arm == "soundness, worst Alice"]
    x = np.log10([steps(row.runs) for row in rows])
    n = np.array([row.games for row in rows], float)
    called = (np.array([row.challenged for row in rows]) + 1) / (n + 2)  # Laplace: none not never
    weight = n / (called * (1 - called))
    middle = float((weight * x).sum() / weight.sum())
    spread = float((weight * (x - middle) ** 2).sum())
    slope = float((weight * (x - middle) * called).sum() / spread)
    reach = 1.96 / math.sqrt(spread)
    return Interval(slope, slope - reach, slope + reach, int(n.sum()))


def claims(played: Sequence[Played], size: Size) -> Iterator[Claim]:
    """The two bounds against everybody, the two costs, and why Bob is more lenient than Vera."""
    for arm in BOUNDED:
        rows = [row for row in played if row.arm == arm]
        missed = [row for row in rows if not reaches(row.right, row.games)]
        shown = ", ".join(
            f"T={steps(r.runs)}: {_percent(share(r.right, r.games))} ({r.alice}, {r.bob})"
            for r in rows
        )
        yield Claim(
            f"{arm}: right at least {BOUND:.0%} of the time at every length, less {ERRORS} "
            "standard errors", not missed, shown,
        )  # fmt: skip
    longest = max((row for row in played if row.arm == UNSOUND), key=lambda row: row.runs)
    found = share(longest.right, longest.games)
    yield Claim(
        f"giving Bob Vera's threshold breaks soundness at T={steps(max(size.runs))}",
        found.high < BOUND,
        f"right {_percent(found)} against {longest.alice}",
    )
    flat, grows = verifier_exponent(size), prover_exponent(size)
    yield Claim(
        "what one check costs the verifier does not grow with T",
        flat.low <= 0 <= flat.high,
        f"exponent {_shown(flat)}; {rules(size.runs[0]).vera.samples:,} samples at every T",
    )
    yield Claim(
        "the prover's samples grow as T log T",
        abs(grows.value - 1) < 0.05,
        f"exponent of T·ln(200T) {_shown(grows)}",
    )


def reaches(right: int, games: int) -> bool:
    """Whether a share is at least the bound, but for some standard errors."""
    error = math.sqrt(BOUND * (1 - BOUND) / games)
    return right / games >= BOUND - ERRORS * error


def drawn(played: Sequence[Played], size: Size) -> Iterator[Figure]:
    """Completeness and soundness over the length; samples a step and a check."""
    lines = {
        arm: [(steps(r.runs), share(r.right, r.games)) for r in played if r.arm == arm]
        for arm in ARMS
    }
    yield figures.curve(
        "browncohen2023",
        "How often the game is right, by the length of the computation. The dashed line is the "
        "bound that is proved for honest players against any opponent.",
        lines, xlabel="T, steps of the computation", ylabel="games that are right", log_x=True,
        references={"3/5": BOUND},
    )  # fmt: skip
    yield figures.curve(
        "browncohen2023-cost",
        "Samples of the oracle: by an honest Alice for one statement, which grows as log T; by an "
        "honest Bob likewise; by Vera for the one check that she may be called to.",
        {
            "Alice, a step": _flat([(r, rules(r).statement) for r in size.runs]),
            "Bob, a step": _flat([(r, rules(r).bob.samples) for r in size.runs]),
            "Vera, a game": _flat([(r, rules(r).vera.samples) for r in size.runs]),
        },
        xlabel="T, steps of the computation", ylabel="samples, millions", log_x=True,
        percent=False,
    )  # fmt: skip


def _flat(points: list[tuple[int, int]]) -> list[tuple[float, Interval]]:
    """Exact values, in millions."""
    return [(steps(runs), Interval(n / 1e6, n / 1e6, n / 1e6, 1)) for runs, n in points]


def _percent(found: Interval) -> str:
    return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}] %"


def _shown(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
