"""A policy: a distribution over answers, given a context. Three sizes of it stand beside this file.

A size says one thing, `next`: the log-probabilities of each answer's next tokens. All else follows.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from oversight.alignment.vocabulary import END, PAD, Vocabulary, tree
from oversight.core import OversightError


class Policy(nn.Module, ABC):
    """P(answer | context), with parameters to learn."""

    size: str
    """"exact", "small" or the model's name."""
    enumerable: bool = True
    """Whether it can be asked for every answer there is, to be measured without samples."""
    together: int = 2048
    """Rows that it had better not be asked for more of at a time, about."""

    def __init__(self, vocabulary: Vocabulary, longest: int) -> None:
        super().__init__()
        self.vocabulary, self.longest = vocabulary, longest

    @abstractmethod
    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """log P(token | context, answer[:t]) at each t, over the A words of answers.

        What stands after an answer's end is any distribution.
        """

    def token_log_probs(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length"]:
        """log π of each token of an answer, nats; 0 after its end.

        Errors: OversightError for an answer without any token.
        """
        self.check(answers)
        chosen = answers.clamp(min=0)[..., None]
        picked = self.next(contexts, answers).gather(-1, chosen)[..., 0]
        return torch.where(answers == PAD, 0.0, picked)

    def log_probs(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """log π of whole answers: summed over tokens, nats."""
        return self.token_log_probs(contexts, answers).sum(dim=-1)

    def check(self, answers: Int[Tensor, "batch length"]) -> None:
        """OversightError for an answer without any token, or that is longer than answers are."""
        if answers.shape[1] > self.longest:
            raise OversightError(
                f"answers of {answers.shape[1]} tokens, where {self.longest} is the most"
            )
        if bool((answers[:, 0] == PAD).any()):
            raise OversightError("an answer has no token; one that says nothing is its end alone")

    @torch.no_grad()
    def sample(
        self, contexts: Int[Tensor, "batch before"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """An answer to each context, a token after the other."""
        answers = torch.full((len(contexts), self.longest), PAD)
        going = torch.ones(len(contexts), dtype=torch.bool)
        for place in range(self.longest):
            seen = answers[:, : place + 1].clamp(min=0)  # the last column is not looked at
            odds = self.next(contexts, seen)[:, place].exp()
            answers[going, place] = odds.multinomial(1, generator=draw)[going, 0]
            going &= answers[:, place] != END
        return answers

    def distribution(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "answers length"]
    ) -> Float[Tensor, "batch answers"]:
        """log π of each of these answers to each context; what they begin with is read once."""
        self.check(answers)
        begun = tree(answers)
        each = max(1, self.together // len(begun.nodes))
        told = torch.cat([self.at_nodes(part, begun.nodes) for part in contexts.split(each)])
        cells = begun.at * told.shape[-1] + answers.clamp(min=0)  # gathering is the fast way back
        picked = told.flatten(1).gather(1, cells.flatten().expand(len(told), -1))
        return torch.where(answers == PAD, 0.0, picked.view(len(told), *answers.shape)).sum(dim=-1)

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """log P(token | context, beginning) for each of these beginnings (`vocabulary.tree`)."""
        rows, size = len(contexts), len(nodes)
        beside = contexts.repeat_interleave(size, dim=0)
        told = self.next(beside, nodes.clamp(min=0).repeat(rows, 1))
        places = (nodes != PAD).sum(dim=1).repeat(rows)
        return told[torch.arange(rows * size), places].view(rows, size, -1)

    def frozen(self) -> Policy:
        """A copy that does not learn: a reference, or an anchor."""
        return copy.deepcopy(self).requires_grad_(False).eval()


class Conditioned(Policy):
    """A policy that is always asked with the same controls after the prompt."""

    def __init__(self, policy: Policy, controls: Sequence[str]) -> None:
        super().__init__(policy.vocabulary, policy.longest)
        self.policy, self.size, self.enumerable = policy, policy.size, policy.enumerable
        self.together = policy.together
        self.after = torch.tensor(policy.vocabulary.within(controls), dtype=torch.long)

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """The policy's own, of the longer context."""
        return self.policy.next(self._longer(contexts), answers)

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """The policy's own, of the longer context."""
        return self.policy.at_nodes(self._longer(contexts), nodes)

    def _longer(self, contexts: Int[Tensor, "batch before"]) -> Int[Tensor, "batch more"]:
        return torch.cat([contexts, self.after.expand(len(contexts), -1)], dim=1)
