"""How often a party of some ability is right on an item, alone and together with another.

An item has four choices, one of them right, and a difficulty. Party p's evidence is one number a
choice, its noise of unit variance (Thurstone 1927; the m-alternative forced choice of Green and
Swets 1966; an ability that difficulty scales is item-response theory's two-parameter form):

    x_p[c] = ability_p · ease · 1[c right] + noise_p[c]

A party alone answers argmax_c x_p[c], and is right when the right choice beats the other three:

    accuracy(a) = E_ease E_z Φ(a · ease + z)³,  z ~ N(0, 1)

Two parties' noise on the same choice has correlation ρ. Pooling w_n x_n + w_a x_a is again such
evidence, of ability (w_n a_n + w_a a_a) / √(w_n² + w_a² + 2ρ w_n w_a), at best √(aᵀ Σ⁻¹ a).

Ease has nine grades, equally likely: the mid-quantiles of a log-normal of median 1, whose log has
standard deviation `spread`. All sums here are over those grades, so accuracies are exact up to the
64-point quadrature over z.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from oversight.core import OversightError
from oversight.metrics.scores import Floats

CHOICES = 4
GRADES = 9
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_NORMAL = _WEIGHTS / _WEIGHTS.sum()  # of a standard normal variable at the nodes
_MOST_ABLE = 1e4  # right on all but the hardest grade, whatever the spread


class Weighing(NamedTuple):
    """What a novice gives its own evidence and the assistant's when it adds them up."""

    own: float
    assistant: float


def eases(spread: float) -> Floats:
    """(G,) the grades of ease, hardest first. OversightError for a negative spread."""
    if spread < 0:
        raise OversightError(f"spread is a standard deviation, 0 or more; got {spread:g}")
    return np.exp(spread * ndtri((np.arange(GRADES) + 0.5) / GRADES))


def accuracy(ability: float, spread: float) -> float:
    """How often the best guess from evidence of this ability is right: ¼ at 0, 1 at ∞."""
    lead = ability * eases(spread)[:, None] + _NODES  # (G, 64)
    return float((ndtr(lead) ** (CHOICES - 1) @ _NORMAL).mean())


def ability_for(share: float, spread: float) -> float:
    """The ability that is right this often: the inverse of `accuracy`.

    OversightError for a share that no ability has.
    """
    if not 1 / CHOICES <= share < accuracy(_MOST_ABLE, spread):
        raise OversightError(
            f"an accuracy on {CHOICES} choices lies between chance and 1, got {share:g}"
        )
    if share == 1 / CHOICES:
        return 0.0

    def excess(ability: float) -> float:
        return accuracy(ability, spread) - share

    found: Any = brentq(excess, 0.0, _MOST_ABLE, xtol=1e-10)
    return float(found)


def weighed_ability(
    novice: float, assistant: float, correlation: float, weighing: Weighing
) -> float:
    """The ability of w_n x_n + w_a x_a. OversightError for weights that leave only a constant."""
    own, other = weighing
    variance = own**2 + other**2 + 2 * correlation * own * other
    if variance <= 0:
        raise OversightError(f"weights {own:g} and {other:g} leave no evidence to judge by")
    return (own * novice + other * assistant) / variance**0.5


def best_weighing(novice: float, assistant: float, correlation: float) -> Weighing:
    """Σ⁻¹ a, the weights of a Bayesian who knows both abilities and ρ (up to a factor: exactly).

    OversightError for a correlation of 1 or more: the two would be one witness.
    """
    if not 0 <= correlation < 1:
        raise OversightError(f"correlation must be in [0, 1), got {correlation:g}")
    rest = 1 - correlation**2
    return Weighing(
        (novice - correlation * assistant) / rest, (assistant - correlation * novice) / rest
    )


def pooled_ability(novice: float, assistant: float, correlation: float) -> float:
    """√(aᵀ Σ⁻¹ a): the most that the two witnesses' evidence is worth together."""
    own, other = best_weighing(novice, assistant, correlation)
    return (own * novice + other * assistant) ** 0.5


def vote_accuracy(answers: NDArray[np.integer], truth: int = 0) -> Floats:
    """(N,) whether a plurality of (N, K) answers is the truth; ties at the top share."""
    counts = (answers[:, :, None] == np.arange(CHOICES)).sum(axis=1)  # (N, C)
    top = counts == counts.max(axis=1, keepdims=True)
    return top[:, truth] / top.sum(axis=1)
