"""Losses of policies that are told what is wanted of them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def chain(
    log_probs: Float[Tensor, "batch links"], plain: Float[Tensor, "batch"], *, weight: float = 0.01
) -> Float[Tensor, "batch"]:
    """−Σ ℓ of a chain's answers − w·ℓ of plain text (Liu, Sferrazza and Abbeel 2023).

    Chain of hindsight, arXiv:2302.02676: prompts and the words of feedback are masked, each
    answer's ℓ is conditional on all that stands before it. `plain` keeps what was learned before.
    """
    return -log_probs.sum(dim=1) - weight * plain


def weighted(
    rewards: Float[Tensor, "batch kinds"], weights: Float[Tensor, "kinds"],
    log_probs: Float[Tensor, "batch"], reference: Float[Tensor, "batch"], *, kl: float,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """(1 − α)·wᵀR − α·ln π(y)/π_ref(y), without a gradient; `kl` is α.

    What a weight-conditioned policy earns (Wang et al. 2024, arXiv:2407.15762). Derived here from
    max E_w[(1 − α)·wᵀR − α·KL(π_w ‖ π_ref)], whose optimum is π_ref·e^{(1 − α)/α·wᵀR}, normalised.
    """
    return ((1 - kl) * rewards @ weights - kl * (log_probs - reference)).detach()
