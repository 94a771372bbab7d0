"""Losses of one preferred and one rejected answer.

Every function takes log-probabilities of whole answers, summed over tokens (nats), and gives the
loss of each row, unreduced. h = (log π − log π_ref)(chosen) − (log π − log π_ref)(rejected).
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid


def dpo(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    ref_chosen: Float[Tensor, "batch"], ref_rejected: Float[Tensor, "batch"],
    *, beta: float = 0.1,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−ln σ(βh): a preference's likelihood under the implicit reward (Rafailov et al. 2023, eq. 7).

    Its optimum on Bradley–Terry preferences of a reward r is π_ref·e^{r/β}, normalised.
    """
    return -logsigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))
