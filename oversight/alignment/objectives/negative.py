"""Losses of answers that are not wanted."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from oversight.alignment.vocabulary import PAD


def cringe(
    scores: Float[Tensor, "batch length words"], tokens: Int[Tensor, "batch length"],
    luck: Float[Tensor, "batch length"], *, top: int = 5,
) -> Float[Tensor, "batch length"]:  # fmt: skip
    """−ln(e^{s*}/(e^{s*} + e^{s⁻})) at each token of an answer that is not wanted; 0 after its end.

    Adolphs et al. 2022, arXiv:2211.05826. s⁻ is the token's score; s* is drawn from the softmax of
    the `top` best scores without it, by `luck`, uniform on [0, 1). Scores are logits or
    log-probabilities, nats. Only the token's own score is pushed down, only s* up.
    """
    chosen = tokens.clamp(min=0)[..., None]
    others = scores.detach().scatter(-1, chosen, -torch.inf)
    best, which = others.topk(min(top, scores.shape[-1] - 1), dim=-1)
    passed = best.softmax(dim=-1).cumsum(dim=-1) <= luck[..., None]
    place = passed.sum(dim=-1, keepdim=True).clamp(max=best.shape[-1] - 1)  # sums may fall short
    instead = scores.gather(-1, which.gather(-1, place))[..., 0]
    loss = softplus(scores.gather(-1, chosen)[..., 0] - instead)
    return torch.where(tokens == PAD, 0.0, loss)
