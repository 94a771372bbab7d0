"""Losses of reward models, from what an overseer preferred.

Rewards are in nats: a difference of one is a preference of e to 1.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid


def bradley_terry(
    chosen: Float[Tensor, "batch"], rejected: Float[Tensor, "batch"],
    *, margin: Float[Tensor, "batch"] | float = 0.0,
) -> Float[Tensor, "batch"]:  # fmt: skip
    """−ln σ(r_w − r_l − m): Bradley and Terry's likelihood, with a margin where one is known."""
    return -logsigmoid(chosen - rejected - margin)
