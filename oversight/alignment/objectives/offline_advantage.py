"""A-LoL: offline policy gradient on answers that somebody gave, by their advantage.

A = R − V(x), V the reference's value of the prompt; answers with A ≤ 0 are not learned from
(Baheti et al. 2023, arXiv:2305.14718). No gradient flows through A or through the ratio π/π_ref.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu


def a_lol(
    log_probs: Float[Tensor, "batch"], reference: Float[Tensor, "batch"],
    advantages: Float[Tensor, "batch"], *, epsilon: float = 0.9,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−A⁺·clip(π/π_ref, 1 ± ε)·log π, of whole answers."""
    ratio = (log_probs - reference).detach().exp().clamp(1 - epsilon, 1 + epsilon)
    return -relu(advantages) * ratio * log_probs


def a_lol_free(
    log_probs: Float[Tensor, "batch"], advantages: Float[Tensor, "batch"]
) -> Float[Tensor, "batch"]:
    """−A⁺·log π: no reference is asked."""
    return -relu(advantages) * log_probs


def a_lol_sequence(
    token_log_probs: Float[Tensor, "batch length"], reference: Float[Tensor, "batch length"],
    advantages: Float[Tensor, "batch"], *, epsilon: float = 0.9,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−A⁺·Σ_t clip(π_t/π_ref,t, 1 ± ε)·log π_t: each token has a ratio of its own.

    Log-probabilities after an answer's end are 0. That the ratios are taken so is derived here.
    """
    ratio = (token_log_probs - reference).detach().exp().clamp(1 - epsilon, 1 + epsilon)
    return -relu(advantages) * (ratio * token_log_probs).sum(dim=1)


def a_lol_kl(
    log_probs: Float[Tensor, "batch"], reference: Float[Tensor, "batch"],
    advantages: Float[Tensor, "batch"], *, beta: float = 0.1,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−A⁺·log π + β/2·(log π/π_ref)²: a penalty in the ratio's place.

    The square's gradient, log(π/π_ref)·∇log π, is that of KL(π ‖ π_ref) near π_ref, and its least
    is there whichever answers are kept. The square and β are derived here.
    """
    return -relu(advantages) * log_probs + beta / 2 * (log_probs - reference) ** 2
