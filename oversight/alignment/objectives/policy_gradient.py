"""Policy gradients on rewards that are given: no gradient flows through advantages."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def reinforce(
    log_probs: Float[Tensor, "batch"], advantages: Float[Tensor, "batch"]
) -> Float[Tensor, "batch"]:
    """−A·log π(y) (Williams 1992)."""
    return -advantages.detach() * log_probs


def ppo(
    log_probs: Float[Tensor, "batch"], before: Float[Tensor, "batch"],
    advantages: Float[Tensor, "batch"], *, clip: float = 0.2,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−min(ρA, clip(ρ, 1 ± ε)A), ρ = π/π_before (Schulman et al. 2017, eq. 7), of whole answers."""
    ratio = (log_probs - before.detach()).exp()
    fixed = advantages.detach()
    return -torch.minimum(ratio * fixed, ratio.clamp(1 - clip, 1 + clip) * fixed)


def penalised(
    rewards: Float[Tensor, "batch"], log_probs: Float[Tensor, "batch"],
    reference: Float[Tensor, "batch"], *, kl: float,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """r − λ·(log π − log π_ref), without a gradient; what earns most of it is π_ref·e^{r/λ}."""
    return rewards - kl * (log_probs - reference).detach()
