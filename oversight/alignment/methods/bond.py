"""BOND: distil the best of n of an anchor that moves along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.matching import best_of_gain, bond, quantiles
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Signal


class Memory(NamedTuple):
    """What BOND keeps."""

    model: RewardModel
    anchor: Policy
    """Whose best of n is distilled."""


@dataclass(frozen=True)
class BOND(Method):
    """Match the best of n of an anchor in forward and backward KL, as the anchor follows.

    The best of n of a best of n is that of n²: so a small n, distilled again and again, goes as far
    as a large one.

    Attributes:
        n: of the best-of-n that is distilled at a time.
        beta: β, the backward KL's share; 1 − β is the forward's.
        draws: answers of the anchor by which an answer's quantile is told.
        rate: the part of the way to the policy that the anchor goes each step.
        width: of the reward model's hidden layer.

    Deviations: rewards are a model of the overseer's preferences, which spends the whole budget.
    Quantiles are counted among `draws`, where the paper's fastest variant has a cruder sign of two.
    The paper's further pull to the anchor is left out. `rate` is chosen here.
    """

    paper: ClassVar[str] = "Sessa et al. 2024, arXiv:2407.14622"
    needs: ClassVar[tuple[Signal, ...]] = ("preference",)
    n: int = 2
    beta: float = 0.5
    draws: int = 8
    rate: float = 0.02
    width: int = 64

    def begin(self, lab: Lab) -> State[Memory]:
        """A reward model; the anchor begins as the reference."""
        model = RewardModel(lab.task, self.width, lab.draw("bond", "weights"))
        fit(model, lab.preferences(named="bond"), lab, named="bond")
        return State(lab.policy(), Memory(model, lab.reference.frozen()))

    def loss(self, lab: Lab, state: State[Memory], step: int) -> Float[Tensor, "batch"]:
        """Imitation of the anchor's best, and a policy gradient on the policy's own answers."""
        model, anchor = state.data
        draw, count = lab.draw("bond", step), max(self.draws, self.n)
        prompts = lab.prompts(lab.batch, draw)
        own = lab.answers(state.policy, prompts, draw)[:, 0]
        drawn = lab.answers(anchor, prompts, draw, count)
        with torch.no_grad():
            rewards = model(prompts.repeat_interleave(count), drawn.flatten(0, 1))
            rewards = rewards.view(len(prompts), count)
            at_most, below = quantiles(model(prompts, own), rewards)
        first = rewards[:, : self.n].argmax(dim=1)
        best = drawn[torch.arange(len(prompts)), first]
        target = lab.fixed_log_probs(anchor, prompts, own)
        target = target + best_of_gain(at_most, below, n=self.n)
        self._follow(anchor, state.policy)
        both = lab.log_probs(state.policy, prompts.repeat(2), torch.cat([best, own]))
        size = len(prompts)
        return bond(both[:size], both[size:], target, beta=self.beta)

    @torch.no_grad()
    def _follow(self, anchor: Policy, policy: Policy) -> None:
        for behind, ahead in zip(anchor.parameters(), policy.parameters(), strict=True):
            behind.lerp_(ahead, self.rate)
