"""f-DPG: descend any f-divergence of a policy from a target, by samples (Go et al. 2023).

D_f = E_p[f(π/p)], t = π/p. Its gradient is E_q[(π/q)·f′(t)·∇log π], q being whoever gave the
samples. All four divergences are least at π = p.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

Slope = Callable[[Tensor], Tensor]
"""f′ of t = π/p, from log t."""


def forward_kl(gap: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """−1/t, of KL(p ‖ π); `gap` is log t."""
    return -(-gap).exp()


def reverse_kl(gap: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """log t + 1, of KL(π ‖ p): KL-penalised reinforcement learning."""
    return gap + 1


def jensen_shannon(gap: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """log 2 − log(1 + 1/t); no sample counts for much more than another."""
    return math.log(2) - softplus(-gap)


def total_variation(gap: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """sgn(t − 1)/2."""
    return gap.sign() / 2


DIVERGENCES: Mapping[str, Slope] = {
    "kl": forward_kl, "reverse_kl": reverse_kl, "js": jensen_shannon, "tv": total_variation,
}  # fmt: skip
"""By the names that users write."""


def f_dpg(
    log_probs: Float[Tensor, "batch"], before: Float[Tensor, "batch"],
    target: Float[Tensor, "batch"], *, slope: Slope = jensen_shannon,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """(π/q)·(f′(t) − f′(1))·log π, of samples of q: its gradient is that of the divergence.

    `before` is log q and `target` log p, normalised. The weight carries no gradient. f′(1) is a
    baseline: it changes no expectation, and where π is p no sample pulls. Derived here.
    """
    gap = (log_probs - target).detach()
    weight = (log_probs - before).detach().exp()
    return weight * (slope(gap) - slope(torch.zeros_like(gap))) * log_probs
