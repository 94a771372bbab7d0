"""Intervals where every case was tried under every seed: both are drawn anew.

Training runs share the test images, and images share the runs, so neither alone is independent.
The pigeonhole bootstrap (Owen 2007, The Annals of Applied Statistics 1(2)) resamples rows and
columns of the table apart from each other; it errs to the wide side.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from oversight.metrics.intervals import Interval
from oversight.metrics.scores import Floats

RESAMPLES = 2000


def crossed_mean(table: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Interval:
    """The mean of a (seeds, cases) table; `n` of the interval counts the cases.

    A single seed leaves the cases alone to be resampled. Errors: no entries; NaN or infinite ones;
    a level outside (0, 1).
    """
    values = _checked(table, level)
    low, high = _bounds(_resampled(values, seed), level)
    return _around(float(values.mean()), low, high, values.shape[1])


def crossed_ratio(
    above: ArrayLike, below: ArrayLike, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """mean(above) / mean(below), two (seeds, cases) tables resampled together.

    Where the denominator's own interval reaches 0 any ratio is possible: low and high are −∞ and ∞,
    as in `intervals.ratio_interval`. Errors: tables of different shapes, a denominator whose mean
    is 0, and those of `crossed_mean`.
    """
    top, bottom = _checked(above, level), _checked(below, level)
    if top.shape != bottom.shape:
        raise ValueError(f"the tables pair by entry: {top.shape} and {bottom.shape} given")
    if bottom.mean() == 0:
        raise ValueError("the denominator's mean is 0: there is no ratio to estimate")
    value, cases = float(top.mean() / bottom.mean()), top.shape[1]
    under = _resampled(bottom, seed)
    low, high = _bounds(under, level)
    if low <= 0 <= high:
        return Interval(value, -np.inf, np.inf, cases)
    over, kept = _resampled(top, seed), under != 0
    return _around(value, *_bounds(over[kept] / under[kept], level), cases)


def _resampled(values: Floats, seed: int) -> Floats:
    """(R,) means of the table, its rows and its columns drawn with replacement."""
    rows, columns = _counts(*values.shape, seed)
    return np.einsum("rn,rn->r", rows @ values, columns) / values.size


@lru_cache(maxsize=1)  # an experiment has many tables of one shape; one draw can take 100 MB
def _counts(seeds: int, cases: int, seed: int) -> tuple[Floats, Floats]:
    """How often each seed (R, S) and each case (R, N) is in each resample."""
    drawn = np.random.default_rng(seed)
    rows = drawn.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
    columns = drawn.multinomial(cases, np.full(cases, 1 / cases), RESAMPLES)
    return rows.astype(np.float64), columns.astype(np.float64)


def _bounds(means: Floats, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)


def _around(value: float, low: float, high: float, cases: int) -> Interval:
    return Interval(value, min(low, value), max(high, value), cases)


def _checked(table: ArrayLike, level: float) -> Floats:
    values = np.asarray(table, np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"one entry a seed and case: (seeds, cases), not {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("entries must be finite: leave failed runs out")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return values
