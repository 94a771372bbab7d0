"""Losses of several answers to one prompt, put in order."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu


def plackett_luce(scores: Float[Tensor, "batch items"]) -> Float[Tensor, "batch"]:
    """−Σ_k log softmax_k over i ≥ k of sᵢ: the likelihood of an order, the best first.

    Of two items it is Bradley–Terry's.
    """
    return -(scores - scores.flip(1).logcumsumexp(dim=1).flip(1)).sum(dim=1)


def rrhf(
    scores: Float[Tensor, "batch items"], rewards: Float[Tensor, "batch items"],
    best_nll: Float[Tensor, "batch"],
) -> Float[Tensor, "batch"]:  # fmt: skip
    """Σ_{rᵢ<rⱼ} max(0, sᵢ − sⱼ) + NLL(best) (Yuan et al. 2023).

    `scores` are length-normalised, ℓ/len^γ; `best_nll` is −ℓ of the best answer. Without a gradient
    once the scores are in the rewards' order.
    """
    wrong = relu(scores[:, :, None] - scores[:, None, :])  # sᵢ − sⱼ
    worse = rewards[:, :, None] < rewards[:, None, :]
    return (wrong * worse).sum(dim=(1, 2)) + best_nll


def pro(
    scores: Float[Tensor, "batch items"], rewards: Float[Tensor, "batch items"],
    best_nll: Float[Tensor, "batch"], *, weight: float = 0.05,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """Σ_k −log softmax_k over i ≥ k of sᵢ·T_kⁱ, + w(K − 1)²·NLL(best) (Song et al. 2023).

    T_kⁱ = r_k − rᵢ and T_k^k their maximum, so that a clear difference counts for more. The best
    comes first. With two items it is Bradley–Terry's on the scores times their rewards' difference.
    """
    items = scores.shape[1]
    total = torch.zeros_like(best_nll)
    for k in range(items - 1):
        others = rewards[:, k, None] - rewards[:, k + 1 :]
        times = torch.cat([others.max(dim=1, keepdim=True).values, others], dim=1)
        total = total - torch.log_softmax(scores[:, k:] * times, dim=1)[:, 0]
    return total + weight * (items - 1) ** 2 * best_nll
