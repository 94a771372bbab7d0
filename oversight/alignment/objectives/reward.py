"""Losses of reward models, from what an overseer preferred.

Rewards are in nats: a difference of one is a preference of e to 1.
"""

from __future__ import annotations

from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid


def bradley_terry(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    *, margin: Float[Tensor, "batch"] | float = 0.0,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−ln σ(r_w − r_l − m): Bradley and Terry's likelihood, with a margin where one is known."""
    return -logsigmoid(chosen - rejected - margin)


def soft_preference(
    first: Float[Tensor, "batch"], second: Float[Tensor, "batch"], credence: Float[Tensor, "batch"]
) -> Float[Tensor, "batch"]:
    """−c·ln σ(r₁ − r₂) − (1 − c)·ln σ(r₂ − r₁): of a judge that is c sure of the first."""
    gap = first - second
    return -credence * logsigmoid(gap) - (1 - credence) * logsigmoid(-gap)


def preference_kl(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    first_chosen: Float[Tensor, "batch"], first_rejected: Float[Tensor, "batch"],
) -> Float[Tensor, "batch"]:  # fmt: skip
    """KL(P₀ ‖ P) of what two reward models make of a pair: 0 where they are as sure of it."""
    sure = torch.sigmoid(first_chosen - first_rejected)
    now = soft_preference(chosen, rejected, sure)
    return now - soft_preference(first_chosen, first_rejected, sure)


def split_pairs(scores: Float[Tensor, "batch items"]) -> Float[Tensor, "batch"]:
    """The mean of `bradley_terry` over all pairs of a list, the best first: as if independent."""
    pairs = list(combinations(range(scores.shape[1]), 2))
    return torch.stack([bradley_terry(scores[:, i], scores[:, j]) for i, j in pairs]).mean(dim=0)


def pessimistic(
    theta: Float[Tensor, "features"], covariance: Float[Tensor, "features features"],
    expected: Float[Tensor, "features"], *, bound: float,
) -> Float[Tensor, "features"]:  # fmt: skip
    """The least favourable θ with ‖θ − θ̂‖_Σ ≤ b for a policy of these features (Zhu et al. 2023).

    θ̂ − b·Σ⁻¹φ/‖φ‖_{Σ⁻¹}: it values φ at the lower confidence bound θ̂ᵀφ − b·‖φ‖_{Σ⁻¹}.
    """
    away = torch.linalg.solve(covariance, expected)
    width = (expected @ away).clamp(min=1e-12).sqrt()
    return theta - bound * away / width
