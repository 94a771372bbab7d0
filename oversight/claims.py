"""Claims from arms played on the same cases: one beats another, accuracy rises with something."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from oversight.metrics.intervals import Interval, paired_difference
from oversight.study import Claim

LEVEL = 0.05


class SignTest(NamedTuple):
    """Over the cases on which two arms differ: how many each won, and how likely by luck."""

    wins: int
    losses: int
    p: float
    """One-sided: at least as many wins, were each a fair coin."""


def paired(a: pd.DataFrame, b: pd.DataFrame, column: str = "correct") -> pd.DataFrame:
    """Columns a and b, a row for every case that both arms finished."""
    means = (frame[frame["failure"].isna()].groupby("case")[column].mean() for frame in (a, b))
    return pd.concat(dict(zip("ab", means, strict=True)), axis=1, join="inner")


def sign_test(a: pd.DataFrame, b: pd.DataFrame, column: str = "correct") -> SignTest:
    """Whether a is above b more often than below it, cases that tie left out."""
    both = paired(a, b, column)
    wins, losses = int((both["a"] > both["b"]).sum()), int((both["a"] < both["b"]).sum())
    if wins + losses == 0:
        return SignTest(0, 0, 1.0)
    return SignTest(
        wins, losses, float(stats.binomtest(wins, wins + losses, alternative="greater").pvalue)
    )


def beats(text: str, a: pd.DataFrame, b: pd.DataFrame, column: str = "correct") -> Claim:
    """The claim that a is above b: holds if the sign test says so at the 5 % level."""
    both = paired(a, b, column)
    difference = paired_difference(both["a"].to_numpy(), both["b"].to_numpy())
    test = sign_test(a, b, column)
    return Claim(
        text,
        test.p < LEVEL,
        f"difference {points(difference)} points; better on {test.wins} cases, worse on "
        f"{test.losses}, p = {test.p:.2g}",
    )


def rises(text: str, x: list[float], arms: list[pd.DataFrame], *, falls: bool = False) -> Claim:
    """The claim that accuracy rises (or falls) with x: its slope, bootstrapped over cases."""
    frames = [frame[frame["failure"].isna()].groupby("case")["correct"].mean() for frame in arms]
    table = pd.concat(frames, axis=1, join="inner").to_numpy(np.float64)
    centred = np.asarray(x, np.float64) - np.mean(x)
    slopes = table @ centred / (centred @ centred)  # one least-squares slope a case
    found = paired_difference(slopes, np.zeros(len(slopes)))
    holds = found.high < 0 if falls else found.low > 0
    return Claim(
        text, holds, f"slope {found.value:+.3g} [{found.low:+.3g}, {found.high:+.3g}] a unit"
    )


def points(found: Interval) -> str:
    """A difference of two shares, in points of a hundred."""
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def signed(found: Interval, digits: int) -> str:
    """A difference in units of its own.

    >>> signed(Interval(0.1, 0.02, 0.18, 3), 2)
    '+0.10 [+0.02, +0.18]'
    """
    value, low, high = (f"{number:+.{digits}f}" for number in found[:3])
    return f"{value} [{low}, {high}]"


def percent(found: Interval) -> str:
    """A share, in percent."""
    return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"
