"""Domain Elo as a clipped linear map of general Elo, and how many clips the data ask for.

The "double ReLU" of Engels et al. 2025 (arXiv:2504.18530): skill at one game follows general skill
along a line, between a floor below which players are as good as lost and a ceiling at which the
game is exhausted. A cut is a floor or a ceiling; AIC chooses between none, one and two.

Deviations: the paper does not say how its fits were searched for. Here least squares are exact: a
kink lies at one of the points or between two, and every such way is tried. A floor or a ceiling is
one only if at least two points lie on it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oversight.metrics.scores import Floats

ON_A_CUT = 2
"""Points that a floor or a ceiling must hold: one alone is an outlier."""
CUTS = (0, 1, 2)
FINEST = 1e-6  # Elo: residuals below this are rounding, and say nothing about the number of cuts


class DoubleRelu(NamedTuple):
    """min(high, max(low, slope · general Elo + intercept))."""

    slope: float
    intercept: float
    low: float = -math.inf
    high: float = math.inf

    def __call__(self, general: ArrayLike) -> Floats:
        """The domain Elo of each general Elo.

        >>> DoubleRelu(2.0, -1000.0, high=1300.0)([1000, 1200]).tolist()
        [1000.0, 1300.0]
        """
        line = self.slope * np.asarray(general, np.float64) + self.intercept
        return np.asarray(np.minimum(self.high, np.maximum(self.low, line)))

    def checked(self) -> DoubleRelu:
        """The line itself; ValueError if it is none."""
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept)):
            raise ValueError(
                f"a line needs a finite slope and intercept, got {self.slope} and {self.intercept}"
            )
        if not self.low <= self.high:
            raise ValueError(
                f"a line's floor must not lie above its ceiling, got {self.low} and {self.high}"
            )
        return self


class Fit(NamedTuple):
    """A double ReLU fitted to points."""

    line: DoubleRelu
    cuts: int
    misfit: float
    """Sum of squared residuals: in units of the errors where they are known, else in Elo²."""
    aic: float


def straight_line(
    general: ArrayLike, domain: ArrayLike, errors: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Slope and intercept by least squares, weighted by 1/error²; (…, P) points -> (…) each.

    `general` and `errors` are (P,): many domains' ratings, or resamples, are fitted at once.
    """
    x, y, weight = _points(general, domain, errors)
    share = weight / weight.sum()
    middle = share @ x
    slope = (y * (share * (x - middle))).sum(axis=-1) / (share @ (x - middle) ** 2)
    return slope, (y * share).sum(axis=-1) - slope * middle


def fit_double_relu(
    general: ArrayLike, domain: ArrayLike, cuts: int, errors: ArrayLike | None = None
) -> Fit:
    """The double ReLU of least squares with 0, 1 (a floor or a ceiling) or 2 cuts.

    Args:
        general: (P,) general Elos.
        domain: (P,) domain Elos.
        cuts: how many.
        errors: (P,) standard errors of the domain Elos. AIC is then χ² + 2k; without them the noise
            is a parameter too, and AIC is P ln(misfit / P) + 2(k + 1). k = 2 + cuts.

    Errors: no more points than the line has parameters, NaN, or errors that are not positive.
    """
    if cuts not in CUTS:
        raise ValueError(f"cuts must be 0, 1 or 2, got {cuts}")
    fit = _fit(general, domain, cuts, errors)
    if fit is None:
        raise ValueError(
            f"{np.size(general)} points are too few for a line of {cuts} cuts; rate more players"
        )
    return fit


def choose_double_relu(
    general: ArrayLike, domain: ArrayLike, errors: ArrayLike | None = None
) -> Fit:
    """The fit with 0, 1 or 2 cuts of the smallest AIC; the fewest cuts where that ties.

    Cuts that the points are too few for are not tried. Errors: those of `fit_double_relu`.
    """
    fits = [fit_double_relu(general, domain, 0, errors)]
    for cuts in CUTS[1:]:
        fit = _fit(general, domain, cuts, errors)
        if fit is not None:
            fits.append(fit)
    return min(fits, key=lambda fit: (fit.aic, fit.cuts))


def _fit(general: ArrayLike, domain: ArrayLike, cuts: int, errors: ArrayLike | None) -> Fit | None:
    """The best line of so many cuts; None where there are no more points than it has parameters."""
    x, y, weight = _points(general, domain, errors)
    if y.ndim != 1:
        raise ValueError(f"one domain is fitted at a time: (P,) Elos, not {y.shape}")
    order = np.argsort(x, kind="stable")
    x, y, weight = x[order], y[order], weight[order]
    k, n = 2 + cuts, len(x)
    best, misfit = None, math.inf
    for line in _candidates(x, y, np.sqrt(weight), cuts) if n > k else ():
        missed = float((weight * (y - line(x)) ** 2).sum())
        if missed < misfit:
            best, misfit = line, missed
    if best is None:
        return None
    if errors is None:
        return Fit(best, cuts, misfit, n * math.log(max(misfit / n, FINEST**2)) + 2 * (k + 1))
    return Fit(best, cuts, misfit, misfit + 2 * k)


class _Kink(NamedTuple):
    """Where a line goes flat: at x itself, or (free) anywhere between x and the next point."""

    x: float
    next: float
    free: bool
    flat: NDArray[np.bool_]
    """(P,) the points on the flat part."""


def _candidates(x: Floats, y: Floats, root: Floats, cuts: int) -> Iterator[DoubleRelu]:
    """Every least-squares line with its kinks at, or between, the points; `root` is 1/error."""
    lower = [None, *_kinks(x)]
    upper = [None, *_kinks(-x)]
    for first in lower:
        for last in upper:
            if (first is not None) + (last is not None) == cuts:
                line = _line(x, y, root, first, last)
                if line is not None:
                    yield line


def _kinks(x: Floats) -> Iterator[_Kink]:
    """The kinks that leave `ON_A_CUT` points or more on the flat side of low x."""
    places = np.unique(x)
    for here, beyond in itertools.pairwise(places):
        flat = x <= here
        if flat.sum() >= ON_A_CUT:
            yield _Kink(float(here), float(beyond), False, flat)
            yield _Kink(float(here), float(beyond), True, flat)


def _line(
    x: Floats, y: Floats, root: Floats, first: _Kink | None, last: _Kink | None
) -> DoubleRelu | None:
    """Least squares for given kinks; None if a free kink then falls elsewhere."""
    start = -math.inf if first is None else first.x
    end = math.inf if last is None else -last.x
    if start >= end:
        return None
    free = [kink for kink in (first, last) if kink is not None and kink.free]
    sloped = ~np.logical_or.reduce([np.zeros(len(x), bool), *(kink.flat for kink in free)])
    inside = np.clip(x, start, end)[sloped]
    if len(np.unique(inside)) < 2:
        return None
    columns = [sloped, np.where(sloped, np.clip(x, start, end), 0), *(kink.flat for kink in free)]
    design = np.stack([root * column for column in columns], axis=1)
    intercept, slope, *levels = np.linalg.lstsq(design, root * y)[0].tolist()
    flats = _flats(slope, intercept, levels, (first, last))
    return None if flats is None else DoubleRelu(slope, intercept, *flats)


def _flats(
    slope: float, intercept: float, levels: Sequence[float], kinks: tuple[_Kink | None, ...]
) -> tuple[float, float] | None:
    """Floor and ceiling of a line: its lower kink is the floor if it rises, else the ceiling."""
    left = iter(levels)
    floor, ceiling = -math.inf, math.inf
    for sign, kink in zip((1, -1), kinks, strict=True):  # upper kinks are those of −x
        if kink is None:
            continue
        level = slope * sign * kink.x + intercept
        if kink.free:
            level = next(left)
            at = sign * (level - intercept) / slope if slope else math.inf
            if not kink.x <= at <= kink.next:
                return None
        if sign * slope >= 0:
            floor = level
        else:
            ceiling = level
    return floor, ceiling


def _points(
    general: ArrayLike, domain: ArrayLike, errors: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    x, y = np.asarray(general, np.float64), np.asarray(domain, np.float64)
    weight = np.ones_like(x) if errors is None else np.asarray(errors, np.float64) ** -2.0
    if x.ndim != 1 or y.shape[-1:] != x.shape or weight.shape != x.shape:
        raise ValueError(
            f"a general Elo, a domain Elo and an error a player: got {x.shape}, {y.shape} and "
            f"{weight.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(weight).all()):
        raise ValueError("Elos must be finite and errors above 0; leave unrated players out")
    if len(np.unique(x)) < 2:
        raise ValueError("a line needs players of two different general Elos or more")
    return x, y, weight
