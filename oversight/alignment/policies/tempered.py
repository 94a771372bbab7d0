"""A policy that is surer of what it says than another, or less sure."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.policy import Policy


class Tempered(Policy):
    """π(token | ·)^{1/T}, normalised: below T = 1 surer, above it noisier."""

    def __init__(self, policy: Policy, temperature: float) -> None:
        super().__init__(policy.vocabulary, policy.longest)
        self.policy, self.size, self.enumerable = policy, policy.size, policy.enumerable
        self.together, self.temperature = policy.together, temperature

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """The policy's own, tempered."""
        return (self.policy.next(contexts, answers) / self.temperature).log_softmax(dim=-1)

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """The policy's own, tempered."""
        return (self.policy.at_nodes(contexts, nodes) / self.temperature).log_softmax(dim=-1)
