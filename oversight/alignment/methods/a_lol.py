"""A-LoL: learn offline from the answers that are better than was to be expected, and no others."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives import offline_advantage
from oversight.alignment.signals import Signal, take
from oversight.core import OversightError


class Advantaged(NamedTuple):
    """Answers with A > 0, and the reference's log-probability of each token."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    advantages: Float[Tensor, "rows"]
    """In standard deviations of what the overseer gave."""
    reference: Float[Tensor, "rows length"]


class Leftover(Method):
    """Answers of the reference with the overseer's number for each; what is no better is dropped.

    V_ref is the mean of the numbers that a prompt's answers got.

    Deviations: the paper's V_ref is a head on the reference; ours is a table over prompts, which
    come up often. Its sampling by priority is left out: answers come up alike.
    """

    paper: ClassVar[str] = "Baheti et al. 2023, arXiv:2305.14718"
    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)

    @abstractmethod
    def objective(self, told: Tensor, reference: Tensor, advantages: Tensor) -> Tensor:
        """The loss of each answer, from (B, T) log-probabilities of tokens, 0 after the end."""

    def begin(self, lab: Lab) -> State[Advantaged]:
        """The answers worth learning from; OversightError where there is none."""
        data = lab.scored()
        size = len(lab.task.prompts)
        total = torch.zeros(size).index_add(0, data.prompts, data.rewards)
        value = total / data.prompts.bincount(minlength=size).clamp(min=1)
        spread = data.rewards.std(correction=0)
        advantages = (data.rewards - value[data.prompts]) / spread.clamp(min=1e-6)
        kept = (advantages > 1e-3).nonzero()[:, 0]  # what equals the mean but for rounding is none
        if not len(kept):
            raise OversightError(
                f"{lab.overseer.name} gives every answer to a prompt the same number, so none has "
                "an advantage; take another overseer, or raise --labels"
            )
        prompts, answers, _ = take(data, kept)
        contexts = lab.task.contexts(prompts)
        with torch.no_grad():
            told = lab.reference.token_log_probs(contexts, answers)
        return State(lab.policy(), Advantaged(prompts, answers, advantages[kept], told))

    def loss(self, lab: Lab, state: State[Advantaged], step: int) -> Float[Tensor, "batch"]:
        """The objective on a step's answers."""
        rows = lab.batch_of(state.data, step)
        told = state.policy.token_log_probs(lab.task.contexts(rows.prompts), rows.answers)
        return self.objective(told, rows.reference, rows.advantages)


@dataclass(frozen=True)
class ALoL(Leftover):
    """Advantage-leftover-lunch: imitation weighted by advantage and by the ratio to the reference.

    Attributes:
        epsilon: ε; the ratio counts within 1 ± ε.
    """

    epsilon: float = 0.9

    def objective(self, told: Tensor, reference: Tensor, advantages: Tensor) -> Tensor:
        """−A⁺·clip(π/π_ref, 1 ± ε)·log π."""
        whole = (told.sum(dim=1), reference.sum(dim=1))
        return offline_advantage.a_lol(*whole, advantages, epsilon=self.epsilon)


@dataclass(frozen=True)
class ALoLFree(Leftover):
    """The variant without a reference: imitation weighted by advantage."""

    def objective(self, told: Tensor, reference: Tensor, advantages: Tensor) -> Tensor:
        """−A⁺·log π."""
        return offline_advantage.a_lol_free(told.sum(dim=1), advantages)


@dataclass(frozen=True)
class ALoLSequence(Leftover):
    """The variant in which each token has a ratio of its own.

    Attributes:
        epsilon: ε; the ratios count within 1 ± ε.
    """

    epsilon: float = 0.9

    def objective(self, told: Tensor, reference: Tensor, advantages: Tensor) -> Tensor:
        """−A⁺·Σ_t clip(π_t/π_ref,t, 1 ± ε)·log π_t."""
        return offline_advantage.a_lol_sequence(told, reference, advantages, epsilon=self.epsilon)


@dataclass(frozen=True)
class ALoLKL(Leftover):
    """The variant with a penalty for leaving the reference in the ratio's place.

    Attributes:
        beta: β, of the penalty.
    """

    beta: float = 0.1

    def objective(self, told: Tensor, reference: Tensor, advantages: Tensor) -> Tensor:
        """−A⁺·log π + β/2·(log π/π_ref)²."""
        whole = (told.sum(dim=1), reference.sum(dim=1))
        return offline_advantage.a_lol_kl(*whole, advantages, beta=self.beta)
