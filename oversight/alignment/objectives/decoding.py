"""How two models' words for the next token are put together, at decoding time.

Both functions take log-probabilities of the next token, (…, A), and give weights' logarithms: they
need not sum to 1. What is ruled out has −∞.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

LEAST = 0.01
"""What self-debiasing leaves of a token's probability at the least."""
SURE = 1e-6
"""What is left to other tokens, at the least, where a model is sure of one."""


def self_debias(
    log: Float[Tensor, "*batch words"], biased: Float[Tensor, "*batch words"],
    *, decay: float = 50.0,
) -> Float[Tensor, "*batch words"]:  # fmt: skip
    """p·max(e^{λδ}, .01) where δ = p − p_biased < 0, else p (Schick et al. 2021, arXiv:2103.00453).

    `biased` is what the model says when asked for what is not wanted; `decay` is λ.
    """
    gap = (log.exp() - biased.exp()).clamp(max=0)
    return log + (decay * gap).clamp(min=math.log(LEAST))


def leash(
    log: Float[Tensor, "*batch words"], infected: Float[Tensor, "*batch words"],
    *, top: int = 10, strength: float = 4.0,
) -> Float[Tensor, "*batch words"]:  # fmt: skip
    """The base's `top` tokens, weighed towards what the infected model dislikes.

    Of Xu et al. 2022, arXiv:2203.03072, the idea alone is known here: re-rank the base's top k by
    the infected model. Derived here: p·((1 − p_infected)/(1 − p))^strength on them, 0 elsewhere. An
    infected model that is the base changes nothing among them; a strength below 0 turns towards
    what the infected one likes. (By (p/p_infected)^strength a token that the infected model never
    says, such as an end at once, would crowd out all others.)
    """
    least = log.topk(min(top, log.shape[-1]), dim=-1).values[..., -1:]
    weighed = log + strength * (_else(infected) - _else(log))
    return torch.where(log >= least, weighed, -torch.inf)


def _else(log: Float[Tensor, "*batch words"]) -> Float[Tensor, "*batch words"]:
    """ln(1 − p), finite at p = 1."""
    return (1 - log.exp()).clamp(min=SURE).log()
