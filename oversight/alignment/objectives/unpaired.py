"""Losses of single answers, wanted or not."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def kto(
    ratio: Float[Tensor, "batch"], desirable: Bool[Tensor, "batch"], kl: Float[Tensor, ""],
    *, beta: float = 0.1, wanted: float = 1.0, unwanted: float = 1.0,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """λ_D·(1 − σ(β(Δ − z))) or λ_U·(1 − σ(β(z − Δ))) (Ethayarajh et al. 2024, eq. 7 and 8).

    `ratio` is Δ = log π − log π_ref of an answer; z = max(0, `kl`), the batch's estimate of the KL
    from mismatched answers, carries no gradient.
    """
    z = kl.detach().clamp(min=0)
    gain = torch.where(desirable, ratio - z, z - ratio)
    return torch.where(desirable, wanted, unwanted) * (1 - torch.sigmoid(beta * gain))
