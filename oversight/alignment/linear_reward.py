"""Rewards that are linear in features, by maximum likelihood: convex, with a covariance."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from oversight.alignment.vocabulary import PAD

MOST = 200
"""Iterations of the fit; a convex loss takes a few dozen."""


class Linear(NamedTuple):
    """r = θᵀφ, and how well each direction is known."""

    theta: Float[Tensor, "features"]
    covariance: Float[Tensor, "features features"]
    """Σ: the mean of (φᵢ − φⱼ)(φᵢ − φⱼ)ᵀ over pairs of a list, and the ridge."""


def counts(
    prompts: Int[Tensor, "*batch"], answers: Int[Tensor, "*batch length"],
    sizes: tuple[int, int],
) -> Float[Tensor, "*batch features"]:  # fmt: skip
    """How often each word stands in an answer, apart for each prompt; double precision.

    `sizes` are how many prompts and how many words there are, the end among them, which is not
    counted: an answer that says nothing has no feature.
    """
    some, words = sizes
    said = one_hot(answers - PAD, 1 + words).sum(dim=-2)[..., 2:]  # neither PAD nor the end
    apart = one_hot(prompts, some)[..., :, None] * said[..., None, :]
    return apart.flatten(-2).double()


def most_likely(
    features: Float[Tensor, "lists items features"],
    loss: Callable[[Float[Tensor, "lists items"]], Float[Tensor, "lists"]],
    *, ridge: float,
) -> Linear:  # fmt: skip
    """θ̂ = argmin of the mean loss of θᵀφ, the best first, + ridge/2·‖θ‖²; and Σ.

    `loss` is `lists.plackett_luce`, or one like it.
    """
    size, items = features.shape[-1], features.shape[1]
    theta = torch.zeros(size, dtype=features.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [theta], max_iter=MOST, tolerance_grad=1e-9, tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        optimizer.zero_grad()
        total = loss(features @ theta).mean() + ridge / 2 * theta.square().sum()
        total.backward()
        return total.item()

    optimizer.step(closure)
    centred = features - features.mean(dim=1, keepdim=True)
    scatter = torch.einsum("nkf,nkg->fg", centred, centred) / len(features)
    covariance = 2 / (items - 1) * scatter + ridge * torch.eye(size, dtype=features.dtype)
    return Linear(theta.detach(), covariance)
