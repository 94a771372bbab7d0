"""A policy whose parameters are a weighted mean of several policies'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from oversight.alignment.policy import Policy
from oversight.core import OversightError


class Mixed(Policy):
    """θ = Σ_k w_k·θ_k, of policies that are alike but for their parameters.

    The gradient reaches each of them by its weight. Two that are mixed from the same policies share
    them.
    """

    def __init__(self, policies: Sequence[Policy], weights: Sequence[float]) -> None:
        """OversightError unless there is a weight for each policy, and they sum to 1."""
        first = policies[0]
        super().__init__(first.vocabulary, first.longest)
        if len(weights) != len(policies) or abs(sum(weights) - 1) > 1e-6:
            raise OversightError(
                f"{len(policies)} policies need as many weights that sum to 1; got {list(weights)}"
            )
        self.policies, self.weights = nn.ModuleList(policies), tuple(weights)
        self.size, self.enumerable = first.size, first.enumerable
        self.together = first.together

    def at(self, weights: Sequence[float]) -> Mixed:
        """The same policies at other weights."""
        return Mixed([cast(Policy, policy) for policy in self.policies], weights)

    def _ask(self, question: str, *given: Any) -> Tensor:
        """What a policy with the mean parameters says."""
        several = [dict(policy.named_parameters()) for policy in self.policies]
        mean = dict[str, Tensor]()
        for name, first in several[0].items():
            whole = self.weights[0] * first
            for weight, policy in zip(self.weights[1:], several[1:], strict=True):
                whole = whole + weight * policy[name]
            mean[f"policy.{name}"] = whole
        asked = _Asked(cast(Policy, self.policies[0]))
        return cast(Tensor, functional_call(asked, mean, (question, *given)))

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """Of the mean parameters."""
        return self._ask("next", contexts, answers)

    def token_log_probs(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length"]:
        """Of the mean parameters."""
        return self._ask("token_log_probs", contexts, answers)

    def log_probs(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """Of the mean parameters."""
        return self._ask("log_probs", contexts, answers)

    @torch.no_grad()
    def sample(
        self, contexts: Int[Tensor, "batch before"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """Of the mean parameters."""
        return self._ask("sample", contexts, draw)

    def distribution(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "answers length"]
    ) -> Float[Tensor, "batch answers"]:
        """Of the mean parameters."""
        return self._ask("distribution", contexts, answers)

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """Of the mean parameters."""
        return self._ask("at_nodes", contexts, nodes)


class _Asked(nn.Module):
    """A policy's every question as one module's `forward`, where parameters can be put in."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, question: str, *given: Any) -> Tensor:
        return getattr(self.policy, question)(*given)
