"""RLHF: a reward model of preferences, and a policy that climbs it, the model kept up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.policy_gradient import penalised, ppo
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Preferences, Signal

FITTING = 200
"""Steps in which a reward model is fitted, each time."""


class Played(NamedTuple):
    """Answers that the policy gave, and how they fared."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    before: Float[Tensor, "rows"]
    """log π when they were given."""
    advantages: Float[Tensor, "rows"]


class Memory(NamedTuple):
    """What RLHF keeps."""

    pairs: Preferences
    model: RewardModel
    played: Played | None = None


@dataclass(frozen=True)
class RLHF(Method):
    """Online reinforcement learning from preferences, by clipped policy gradient with a KL penalty.

    As the policy moves, new pairs of its own answers are judged and the reward model is fitted
    anew on all pairs; with `refreshes=1` it stays as it was first fitted, and can be overoptimised.

    Attributes:
        kl: λ, what a nat of divergence from the reference costs.
        refreshes: how often pairs are gathered; each time spends as much of the budget.
        reuse: steps on the same answers.
        clip: ε of the policy's ratio.
        width: of the reward model's hidden layer.

    Deviations: the answer is one action, with the batch's mean for a baseline and no value net.
    """

    paper: ClassVar[str] = "Bai et al. 2022, arXiv:2204.05862"
    needs: ClassVar[tuple[Signal, ...]] = ("preference",)
    kl: float = 0.001
    refreshes: int = 4
    reuse: int = 4
    clip: float = 0.2
    width: int = 64

    def begin(self, lab: Lab) -> State[Memory]:
        """Pairs of the reference's answers, and a reward model of them."""
        pairs = lab.preferences(share=1 / self.refreshes, named=("rlhf", 0))
        model = RewardModel(lab.task, self.width, lab.draw("rlhf", "weights"))
        return State(lab.policy(), Memory(pairs, fit(model, pairs, lab, steps=FITTING, named=0)))

    def loss(self, lab: Lab, state: State[Memory], step: int) -> Float[Tensor, "batch"]:
        """−min(ρA, clip(ρ)A) on the answers under way."""
        each = -(-lab.steps // self.refreshes)
        if step and step % each == 0:
            state.data = self._refreshed(lab, state, step // each)
        if step % self.reuse == 0 or state.data.played is None:
            played = self._play(lab, state.policy, state.data.model, step)
            state.data = state.data._replace(played=played)
        rows = state.data.played
        assert rows is not None  # played just now, or before
        now = lab.log_probs(state.policy, rows.prompts, rows.answers)
        return ppo(now, rows.before, rows.advantages, clip=self.clip)

    def _refreshed(self, lab: Lab, state: State[Memory], number: int) -> Memory:
        named = ("rlhf", number)
        new = lab.preferences(state.policy, share=1 / self.refreshes, named=named)
        pairs = Preferences(*map(torch.cat, zip(state.data.pairs, new, strict=True)))
        model = fit(state.data.model, pairs, lab, steps=FITTING, named=number)
        return Memory(pairs, model)

    def _play(self, lab: Lab, policy: Policy, model: RewardModel, step: int) -> Played:
        draw = lab.draw("rlhf", "play", step)
        prompts = lab.prompts(lab.batch, draw)
        answers = lab.answers(policy, prompts, draw)[:, 0]
        before = lab.fixed_log_probs(policy, prompts, answers)
        start = lab.fixed_log_probs(lab.reference, prompts, answers)
        with torch.no_grad():
            paid = penalised(model(prompts, answers), before, start, kl=self.kl)
        advantages = (paid - paid.mean()) / paid.std().clamp(min=1e-6)
        return Played(prompts, answers, before, advantages)
