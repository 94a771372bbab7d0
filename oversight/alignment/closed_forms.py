"""Optima that can be written down: what methods come to on a policy that holds every answer.

Log-probabilities are nats over the last dimension, which sums to 1.
"""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from oversight.alignment.objectives.matching import best_of_gain


def tilted(
    log_probs: Float[Tensor, "*batch answers"], rewards: Float[Tensor, "*batch answers"],
    *, beta: float,
) -> Float[Tensor, "*batch answers"]:  # fmt: skip
    """log of π·e^{r/β}, normalised: what has most reward for β nats of KL a unit."""
    return (log_probs + rewards / beta).log_softmax(dim=-1)


def mass_below(
    log_probs: Float[Tensor, "*batch answers"], rewards: Float[Tensor, "*batch answers"]
) -> tuple[Float[Tensor, "*batch answers"], Float[Tensor, "*batch answers"]]:
    """p≤ and p<: the mass of the answers whose reward is at most, or less than, each one's."""
    beside, here = rewards[..., None, :], rewards[..., :, None]
    odds = log_probs.exp()[..., None, :]
    return (odds * (beside <= here)).sum(dim=-1), (odds * (beside < here)).sum(dim=-1)


def best_of(
    log_probs: Float[Tensor, "*batch answers"], rewards: Float[Tensor, "*batch answers"],
    *, n: int,
) -> Float[Tensor, "*batch answers"]:  # fmt: skip
    """log of the law of the best of n draws, ties shared out evenly."""
    at_most, below = mass_below(log_probs, rewards)
    return log_probs + best_of_gain(at_most, below, n=n)


def best_of_wins(n: float) -> float:
    """How often the best of n beats one draw, where nothing ties: n/(n + 1)."""
    return n / (n + 1)


def best_of_kl(n: float) -> float:
    """KL of the best of n from one draw, nats, where nothing ties: ln n − (n − 1)/n."""
    return math.log(n) - (n - 1) / n
