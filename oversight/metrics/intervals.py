"""Intervals around means, over independent cases.

Games on one case share its luck, so records are averaged within their case first and the cases are
what is counted and resampled. The order of the records never matters, and the same seed gives the
same interval to the last bit.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from oversight.metrics.scores import Floats, performance_gap_recovered

BCA_MOST_CASES = 4096  # its jackknife costs n²; what it corrects fades as 1/√n
BATCH_ELEMENTS = 4_000_000  # resampled values held at once: 32 MB


class Interval(NamedTuple):
    """An estimate with its confidence interval; `n` counts the independent cases behind it."""

    value: float
    low: float
    high: float
    n: int


def certain(value: float, n: int = 1) -> Interval:
    """A number without luck, or without a second run to tell how much."""
    return Interval(value, value, value, n)


class CaseMeans(NamedTuple):
    """One mean a case, in the sorted order of the cases; both fields are (n,)."""

    cases: NDArray[Any]
    means: Floats


def by_case(values: ArrayLike, cases: ArrayLike | None = None) -> CaseMeans:
    """Average the records of each case, (N,) -> (n,).

    Without `cases` every record is a case of its own, named by its position.
    Errors: NaN or infinite values, or as many cases as values not given.
    """
    records = _finite(values)
    if cases is None:
        return CaseMeans(np.arange(len(records)), records)
    names = np.asarray(cases)
    if names.shape != records.shape:
        raise ValueError(f"{len(records)} values and {names.size} cases: give one case a value")
    unique, inverse = np.unique(names, return_inverse=True)
    order = np.lexsort((records, inverse))  # sums in one order, whatever order records come in
    total = np.bincount(inverse[order], records[order], len(unique))
    return CaseMeans(unique, total / np.bincount(inverse, minlength=len(unique)))


def mean_interval(
    values: ArrayLike,
    cases: ArrayLike | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> Interval:
    """The mean over cases of the mean within each, and where it may lie.

    Every case all 0 or all 1: Wilson's interval, honest down to one case. Otherwise a bootstrap
    over the cases (bias-corrected and accelerated; percentile where that is degenerate, or beyond
    4,096 cases). Cases that are all equal, or a single one, show no spread to resample: low and
    high are then the value itself, and `n` says how little that rests on.

    Errors: no values; NaN or infinite ones; a level outside (0, 1).

    >>> value, low, high, n = mean_interval([1, 1, 1, 0])
    >>> f"{value:.2f} [{low:.3f}, {high:.3f}] over {n} cases"
    '0.75 [0.301, 0.954] over 4 cases'
    """
    means = np.sort(by_case(values, cases).means)
    _check_design(len(means), level)
    if np.isin(means, (0.0, 1.0)).all():
        successes = int(means.sum())
        wilson = stats.binomtest(successes, len(means)).proportion_ci(level, method="wilson")
        return _around(successes / len(means), wilson.low, wilson.high, len(means))
    return _bootstrap((means,), _mean, level=level, seed=seed, resamples=resamples)


def few_runs_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The mean over a few independent runs (seeds), by Student's t: too few to resample.

    NaN limits for a single run, and NaN for none.

    >>> value, low, high, n = few_runs_interval([1.0, 2.0, 3.0])
    >>> f"{value:.2f} [{low:.2f}, {high:.2f}] over {n} runs"
    '2.00 [-0.48, 4.48] over 3 runs'
    """
    runs = np.asarray(values, np.float64)
    if len(runs) < 2:
        return Interval(float(runs[0]) if len(runs) else np.nan, np.nan, np.nan, len(runs))
    spread = runs.std(ddof=1) / np.sqrt(len(runs)) * stats.t.ppf((1 + level) / 2, len(runs) - 1)
    mean = float(runs.mean())
    return Interval(mean, mean - float(spread), mean + float(spread), len(runs))


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    a_cases: ArrayLike | None = None,
    b_cases: ArrayLike | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> Interval:
    """mean(a) − mean(b), paired by case and bootstrapped over the cases.

    `b_cases` defaults to `a_cases`; with neither, a and b are paired by position. A case may have
    more records on one side than on the other. The bootstrap is `mean_interval`'s.

    Errors: a case that only one side has; those of `mean_interval`.
    """
    left, right = by_case(a, a_cases), by_case(b, a_cases if b_cases is None else b_cases)
    _check_same_cases(left.cases, right.cases)
    _check_design(len(left.cases), level)
    differences = np.sort(left.means - right.means)
    return _bootstrap((differences,), _mean, level=level, seed=seed, resamples=resamples)


def ratio_interval(
    numerator: ArrayLike,
    denominator: ArrayLike,
    cases: ArrayLike | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> Interval:
    """mean(numerator) / mean(denominator), the two resampled together by case.

    Where the denominator's own interval reaches 0 its sign is not settled and any ratio remains
    possible: low and high are then −∞ and ∞ (as in Fieller 1954). A resample whose denominator is
    exactly 0 says nothing and counts as the observed ratio.

    Errors: a denominator whose mean is 0; those of `mean_interval`.
    """
    above, below = by_case(numerator, cases), by_case(denominator, cases)
    _check_same_cases(above.cases, below.cases)
    _check_design(len(below.cases), level)
    order = np.lexsort((above.means, below.means))
    top, bottom = above.means[order], below.means[order]
    if bottom.mean() == 0:
        raise ValueError("the denominator's mean is 0: there is no ratio to estimate")
    observed = float(top.mean() / bottom.mean())
    spread = _bootstrap((bottom,), _mean, level=level, seed=seed, resamples=resamples)
    if spread.low <= 0 <= spread.high:
        return Interval(observed, -np.inf, np.inf, len(bottom))

    def ratio(x: Floats, y: Floats, axis: int = -1) -> Floats:
        over, under = _mean(x, axis), _mean(y, axis)
        return np.divide(over, under, out=np.full_like(under, observed), where=under != 0)

    return _bootstrap((top, bottom), ratio, level=level, seed=seed, resamples=resamples)


def pgr_interval(
    weak: ArrayLike,
    strong: ArrayLike,
    ceiling: ArrayLike,
    cases: ArrayLike | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> Interval:
    """The performance gap recovered, the three conditions paired record by record.

    Where the gap itself may be 0 the interval is unbounded, as in `ratio_interval`.

    Errors: no gap to recover; conditions of different lengths; those of `mean_interval`.
    Reference: Burns et al. 2023, 2312.09390.
    """
    low, mid, high = _finite(weak), _finite(strong), _finite(ceiling)
    if not len(low) == len(mid) == len(high):
        raise ValueError(
            f"weak, strong and ceiling pair by record: {len(low)}, {len(mid)} and {len(high)} given"
        )
    _check_design(len(low), level)
    means = (float(by_case(condition, cases).means.mean()) for condition in (low, mid, high))
    value = performance_gap_recovered(*means)
    gained = ratio_interval(
        mid - low, high - low, cases, level=level, seed=seed, resamples=resamples
    )
    return _around(value, gained.low, gained.high, gained.n)


def _bootstrap(
    samples: tuple[Floats, ...],
    statistic: Callable[..., Floats],
    *,
    level: float,
    seed: int,
    resamples: int,
) -> Interval:
    n = len(samples[0])
    grid = tuple(_on_grid(sample) for sample in samples)
    if all(np.ptp(sample) == 0 for sample in grid):
        value = float(statistic(*(sample[:1] for sample in samples)))  # no rounding in a sum
        return certain(value, n)
    value = float(statistic(*samples))

    def bounds(method: str) -> tuple[float, float]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # SciPy warns where BCa is degenerate; we look instead
            result = stats.bootstrap(
                grid,
                statistic,
                paired=len(samples) > 1,
                vectorized=True,
                axis=-1,
                n_resamples=resamples,
                batch=max(1, BATCH_ELEMENTS // n),
                confidence_level=level,
                method=method,
                rng=np.random.default_rng(seed),
            )
        return float(result.confidence_interval.low), float(result.confidence_interval.high)

    low, high = bounds("BCa") if n <= BCA_MOST_CASES else bounds("percentile")
    if not low <= float(statistic(*grid)) <= high:  # NaN compares false too
        low, high = bounds("percentile")
    return _around(value, low, high, n)


def _on_grid(x: Floats) -> Floats:
    """Rounded to 2⁻⁴⁰ of the largest value, so that sums of up to 2¹² are exact.

    BCa counts the resamples that tie with the estimate: ties must not hang on a last bit.
    """
    _, exponent = np.frexp(np.abs(x).max())
    return np.ldexp(np.round(np.ldexp(x, 40 - exponent)), exponent - 40)


def _mean(x: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.mean(x, axis=axis))


def _around(value: float, low: float, high: float, n: int) -> Interval:
    """Rounding, or a resampler's few discrete values, must not push the estimate outside."""
    return Interval(value, min(float(low), value), max(float(high), value), n)


def _finite(values: ArrayLike) -> Floats:
    records = np.asarray(values, dtype=np.float64)
    if records.ndim != 1:
        raise ValueError(f"one value a record: (N,), not {records.shape}")
    if lost := int(np.isnan(records).sum()):
        raise ValueError(f"{lost} of {len(records)} values are NaN: leave failed episodes out")
    if endless := int(np.isinf(records).sum()):
        raise ValueError(
            f"{endless} of {len(records)} values are infinite: give the log score a floor"
        )
    return records


def _check_design(n: int, level: float) -> None:
    if n == 0:
        raise ValueError("no values: an interval needs at least one case")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")


def _check_same_cases(a: NDArray[Any], b: NDArray[Any]) -> None:
    if np.array_equal(a, b):
        return
    only_a, only_b = np.setdiff1d(a, b), np.setdiff1d(b, a)
    first = next(iter([*only_a.tolist(), *only_b.tolist()]))
    raise ValueError(
        f"the cases do not match: {len(only_a)} only in the first, {len(only_b)} only in the "
        f"second (such as {first!r}); compare runs over the same cases"
    )
