"""Losses of one preferred and one rejected answer.

Every function takes log-probabilities of whole answers, summed over tokens (nats), and gives the
loss of each row, unreduced. h = (log π − log π_ref)(chosen) − (log π − log π_ref)(rejected).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

from oversight.core import OversightError

CANDIDATES = 8
"""BoNBoN's n, by default."""


def dpo(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    ref_chosen: Float[Tensor, "batch"], ref_rejected: Float[Tensor, "batch"],
    *, beta: float = 0.1,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−ln σ(βh): a preference's likelihood under the implicit reward (Rafailov et al. 2023, eq. 7).

    Its optimum on Bradley–Terry preferences of a reward r is π_ref·e^{r/β}, normalised.
    """
    return -logsigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))


def ipo(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    ref_chosen: Float[Tensor, "batch"], ref_rejected: Float[Tensor, "batch"],
    *, tau: float = 0.1,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """(h − 1/(2τ))²: the margin is wanted, not ever more of it (Azar et al. 2023).

    It stays finite where every preference points the same way.
    """
    return ((chosen - ref_chosen) - (rejected - ref_rejected) - 1 / (2 * tau)) ** 2


def hinge(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    ref_chosen: Float[Tensor, "batch"], ref_rejected: Float[Tensor, "batch"],
    *, beta: float = 0.1,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """max(0, 1 − βh): SLiC's margin on log-ratios, as libraries offer it beside DPO."""
    return relu(1 - beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))


def slic(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    target: Float[Tensor, "batch"], *, delta: float = 1.0, weight: float = 0.1,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """max(0, δ − ℓ_w + ℓ_l) − λ·ℓ_target: calibration, and staying by a target (Zhao et al. 2023).

    The target is an answer of the reference, or the chosen one. The weights are derived here.
    """
    return relu(delta - chosen + rejected) - weight * target


def bonbon(
    best: Float[Tensor, "batch"], worst: Float[Tensor, "batch"],
    ref_best: Float[Tensor, "batch"], ref_worst: Float[Tensor, "batch"],
    *, alpha: float = 0.005, beta: float | None = None,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−α·ℓ_best + (1 − α)·(h − 1/(2β))², of the best and the worst of n (Gui et al. 2024).

    `beta` is `bonbon_beta(n)`, of n = 8 by default: at the best-of-n policy h is 1/(2β) on average.
    """
    wanted = 1 / (2 * (bonbon_beta(CANDIDATES) if beta is None else beta))
    margin = (best - ref_best) - (worst - ref_worst)
    return -alpha * best + (1 - alpha) * (margin - wanted) ** 2


def bonbon_beta(n: int) -> float:
    """β = 1/(2(n − 1)·Σ_{k<n} 1/k); OversightError below two answers.

    >>> round(bonbon_beta(8), 7)
    0.0275482
    """
    if n < 2:
        raise OversightError(f"a best and a worst take two answers at least, got n={n}")
    return 1 / (2 * (n - 1) * sum(1 / k for k in range(1, n)))


def cpo(
    nll: Float[Tensor, "batch items"], ratings: Float[Tensor, "batch items"],
    *, scale: float = 7.0, margin: float = 10.0, weight: float = 0.2, hardest: bool = False,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """Stable Alignment's L_best + λ·max(0, meanᵢ[L_best − Lᵢ + (r_best − rᵢ)/R·M]).

    Liu et al. 2023, arXiv:2305.16960. `nll` is the mean over an answer's tokens, nats; the best is
    the first of the highest rated, the mean is over the others, and with `hardest` in its place the
    greatest of them; R is the scale, M the margin. A rating of NaN says that there is no such
    candidate; with one alone the loss is its own.

    Deviations: the authors' code pairs ratings with the wrong candidates; this is the formula.
    """
    items = nll.shape[1]
    if items < 2:
        raise OversightError("a contrast takes two candidates at least; raise candidates")
    there = ~ratings.isnan()
    rated = ratings.masked_fill(~there, -torch.inf)
    first = rated.argmax(dim=1, keepdim=True)
    best, most = nll.gather(1, first), ratings.gather(1, first)
    gaps = best - nll + (most - ratings) / scale * margin
    others = there.scatter(1, first, False)
    if hardest:
        gap = gaps.masked_fill(~others, -torch.inf).amax(dim=1)
    else:
        gap = gaps.masked_fill(~others, 0.0).sum(dim=1) / others.sum(dim=1).clamp(min=1)
    return best[:, 0] + weight * relu(gap)
