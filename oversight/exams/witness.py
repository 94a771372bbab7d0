"""What a novice may conclude from its own evidence and from what an assistant let it hear.

The novice knows how able both are on average and how difficulties are spread, and not how hard this
item is. Let x_n be its own evidence, x_a[c] what it heard of the assistant's for the choices c in
S, and k what the assistant claims, which is the greatest of all four x_a. Then

    p(c | heard) ∝ Σ_ease exp(ease·u_c − ½ ease²·v_c) · P(claim = k | c, ease, heard)

with u = aᵀ Σ⁻¹ x and v = aᵀ Σ⁻¹ a for c in S, and a_n x_n[c] and a_n² for the others. The x_a that
were not heard are normal given x_n, so the claim's probability is a product of normal tails, or one
integral over x_a[k] where that was not heard itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from oversight.exams.items import CHOICES, best_weighing, eases
from oversight.metrics.scores import Floats

_POINTS, _SHARES = np.polynomial.legendre.leggauss(32)
_REACH = 6.0  # standard deviations: beyond them a normal variable is taken not to go


class Reliance(NamedTuple):
    """What a novice believes of the evidence before it; it may be wrong."""

    own: float
    """Its own ability."""
    assistant: float
    correlation: float
    spread: float


def alone(signal: Sequence[float], ability: float, spread: float) -> Floats:
    """(C,) credences from one party's evidence."""
    ease = eases(spread)[:, None]  # (G, 1)
    return _mixed(ease * ability * np.asarray(signal) - 0.5 * (ease * ability) ** 2)


def pooled(
    own: Sequence[float], heard: Mapping[int, float], claim: int | None, reliance: Reliance
) -> Floats:
    """(C,) credences from one's own evidence, what was heard choice by choice, and the claim.

    A claim that is not the greatest of what was heard is no honest one, and says nothing.
    """
    ease = eases(reliance.spread)[:, None]  # (G, 1)
    x = np.asarray(own)
    u, v = reliance.own * x, np.full(CHOICES, reliance.own**2)
    weights = best_weighing(reliance.own, reliance.assistant, reliance.correlation)
    for choice, value in heard.items():
        u[choice] = weights.own * x[choice] + weights.assistant * value
        v[choice] = weights.own * reliance.own + weights.assistant * reliance.assistant
    logs = ease * u - 0.5 * ease**2 * v  # (G, C)
    if claim is not None and heard.get(claim, np.inf) >= max(heard.values(), default=-np.inf):
        with np.errstate(divide="ignore"):  # a claim that cannot be, given some choice
            logs = logs + np.log(_claims(x, heard, claim, reliance))
    return _mixed(logs)


def _claims(x: Floats, heard: Mapping[int, float], claim: int, reliance: Reliance) -> Floats:
    """(G, C): P(the assistant's greatest evidence is the claimed choice's | ease, right choice)."""
    unheard = [c for c in range(CHOICES) if c not in heard and c != claim]
    ease = eases(reliance.spread)[:, None, None]  # (G, 1, 1)
    right = np.eye(CHOICES)  # (right choice, choice)
    own = x - ease * reliance.own * right
    mean = ease * reliance.assistant * right + reliance.correlation * own  # (G, C, choice)
    deviation = (1 - reliance.correlation**2) ** 0.5
    if claim in heard:
        return ndtr((heard[claim] - mean[..., unheard]) / deviation).prod(axis=-1)
    centre = mean[..., claim]  # (G, C)
    low = np.maximum(centre - _REACH * deviation, max(heard.values(), default=-np.inf))
    width = np.maximum(centre + _REACH * deviation - low, 0.0)
    z = low[..., None] + 0.5 * width[..., None] * (_POINTS + 1)  # (G, C, points)
    density = np.exp(-0.5 * ((z - centre[..., None]) / deviation) ** 2)
    below = ndtr((z[..., None, :] - mean[..., unheard, None]) / deviation).prod(axis=-2)
    norm = deviation * (2 * np.pi) ** 0.5
    return 0.5 * width * (density * below * _SHARES).sum(axis=-1) / norm


def _mixed(logs: Floats) -> Floats:
    """(G, C) log-weights of grade and choice -> (C,) credences; uniform if nothing is possible."""
    most = logs.max()
    if most == -np.inf:
        return np.full(CHOICES, 1 / CHOICES)
    odds = np.exp(logs - most).sum(axis=0)
    return odds / odds.sum()
