"""Losses that match a policy to a target distribution: best-of-n and what comes near it.

p≤(y) and p<(y) are the probabilities that an answer of the one that best-of-n draws from has at
most, or less than, the reward of y. The law of the best of n, ties shared out evenly, is

    π_BoN(y) = π(y)·p≤(y)^{n−1}·Σ_{i=1..n} (p<(y)/p≤(y))^{i−1}      (Sessa et al. 2024)

Everything is in logarithms, nats.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def best_of_gain(
    at_most: Float[Tensor, "*batch"], below: Float[Tensor, "*batch"], *, n: int
) -> Float[Tensor, "*batch"]:
    """ln π_BoN(y)/π(y) from p≤ and p<: the sum above as (p≤^n − p<^n)/(p≤ − p<), without its 0/0.

    At most ln n. Where p≤ is 0 nothing is drawn, and it is finite.
    """
    at_most = at_most.clamp(min=torch.finfo(at_most.dtype).tiny)
    share = below / at_most
    terms = sum(share**i for i in range(n))
    assert isinstance(terms, Tensor)  # n is 1 or more
    return (n - 1) * at_most.log() + terms.log()


def jeffreys(
    log_probs: Float[Tensor, "*batch answers"], target: Float[Tensor, "*batch answers"],
    *, beta: float = 0.5,
) -> Float[Tensor, "*batch"]:  # fmt: skip
    """(1 − β)·KL(target ‖ π) + β·KL(π ‖ target), over all answers (Sessa et al. 2024)."""
    gap = log_probs - target
    return ((beta * log_probs.exp() - (1 - beta) * target.exp()) * gap).sum(dim=-1)


def bond(
    best: Float[Tensor, "batch"], own: Float[Tensor, "batch"], target: Float[Tensor, "batch"],
    *, beta: float = 0.5,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """`jeffreys` on samples, up to a constant (Sessa et al. 2024, arXiv:2407.14622).

    `best` is log π of answers of π_BoN, `own` log π of the policy's own and `target` what log π_BoN
    is of those. The second part is a policy gradient, its baseline the batch's mean, so that the
    loss's value means nothing and its gradient is that of the divergence.
    """
    gap = (own - target).detach()
    return -(1 - beta) * best + beta * (gap - gap.mean()) * own


def vbon(
    at_most: Float[Tensor, "batch"], log_probs: Float[Tensor, "batch"],
    reference: Float[Tensor, "batch"], *, n: int,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """(n − 1)·ln F(r(y)) − ln π(y)/π_ref(y), without a gradient: what vBoN's policy earns.

    Amini et al. 2024, arXiv:2407.06057. F(r) = p≤ under the reference, so that r counts by its
    order alone. The policy that earns most is π_ref·F^{n−1}, normalised.
    """
    return ((n - 1) * at_most.log() - (log_probs - reference)).detach()


def quantiles(
    rewards: Float[Tensor, "batch"], drawn: Float[Tensor, "batch draws"]
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch"]]:
    """p≤ and p< estimated from the rewards of answers `drawn` beside each.

    The answer itself is counted as one more draw that ties: so p≤ is never 0. Derived here.
    """
    draws = drawn.shape[1] + 1
    at_most = ((drawn <= rewards[:, None]).sum(dim=1) + 1) / draws
    return at_most, (drawn < rewards[:, None]).sum(dim=1) / torch.tensor(draws)
