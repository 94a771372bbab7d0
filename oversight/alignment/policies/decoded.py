"""A policy made at decoding time: what two policies say of the next token, put together.

Nothing is trained; both go on existing. A model asked in two ways is two policies: the second is
`policy.Conditioned`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.policy import Policy

Combine = Callable[[Tensor, Tensor], Tensor]
"""The base's and the other's log-probabilities of the next token, (…, A) each -> weights' logs.

A module's own function, or `functools.partial` of one: checkpoints keep it.
"""
LEAST = math.log(1e-30)
"""Of a token that the combination rules out: its logarithm is finite, and so are KLs."""


class Decoded(Policy):
    """π(token | ·) ∝ exp(combine(log π_base, log π_other))."""

    def __init__(self, base: Policy, other: Policy, combine: Combine) -> None:
        """Both know the same words; what it is measured and named by is the base's."""
        super().__init__(base.vocabulary, base.longest)
        self.base, self.other, self.combine = base, other, combine
        self.size, self.together = base.size, min(base.together, other.together)
        self.enumerable = base.enumerable and other.enumerable

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """Of both, combined."""
        return self._both(self.base.next(contexts, answers), self.other.next(contexts, answers))

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """Of both, combined."""
        return self._both(self.base.at_nodes(contexts, nodes), self.other.at_nodes(contexts, nodes))

    def _both(self, log: Tensor, others: Tensor) -> Tensor:
        return self.combine(log, others).log_softmax(dim=-1).clamp(min=LEAST)
