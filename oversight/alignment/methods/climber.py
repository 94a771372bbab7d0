"""What methods share that climb a reward with their policy: play, be paid, step, play again."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.policy_gradient import penalised, ppo

D = TypeVar("D")


class Played(NamedTuple):
    """Answers that the policy gave, and how they fared."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    before: Float[Tensor, "rows"]
    """log π when they were given."""
    advantages: Float[Tensor, "rows"]


class Climbing(NamedTuple, Generic[D]):
    """What such a method keeps."""

    data: D
    """Its own: signals, reward models."""
    played: Played | None = None
    """The answers under way; None where the next step is to give new ones."""


@dataclass(frozen=True)
class Climber(Method, Generic[D]):
    """Clipped policy gradient on a reward, with a penalty for leaving the reference.

    Attributes:
        kl: λ, what a nat of divergence from the reference costs.
        reuse: steps on the same answers.
        clip: ε of the policy's ratio.

    Deviations: the answer is one action, with the batch's mean for a baseline and no value net.
    """

    kl: float = 0.001
    reuse: int = 4
    clip: float = 0.2

    @abstractmethod
    def reward(
        self, lab: Lab, data: D, prompts: Int[Tensor, "rows"], answers: Int[Tensor, "rows length"],
        step: int,
    ) -> Float[Tensor, "rows"]:  # fmt: skip
        """What answers earn; without a gradient."""

    def rows(self, lab: Lab) -> int:
        """Answers that are given at a time."""
        return lab.batch

    def climb(self, lab: Lab, state: State[Climbing[D]], step: int) -> Float[Tensor, "batch"]:
        """−min(ρA, clip(ρ)A) on the answers under way; gives new ones where it is time."""
        rows = state.data.played
        if rows is None or step % self.reuse == 0:
            rows = self._play(lab, state, step)
            state.data = state.data._replace(played=rows)
        now = lab.log_probs(state.policy, rows.prompts, rows.answers)
        return ppo(now, rows.before, rows.advantages, clip=self.clip)

    def _play(self, lab: Lab, state: State[Climbing[D]], step: int) -> Played:
        draw = lab.draw("climb", step)
        prompts = lab.prompts(self.rows(lab), draw)
        answers = lab.answers(state.policy, prompts, draw)[:, 0]
        before = lab.fixed_log_probs(state.policy, prompts, answers)
        start = lab.fixed_log_probs(lab.reference, prompts, answers)
        with torch.no_grad():
            earned = self.reward(lab, state.data.data, prompts, answers, step)
            paid = penalised(earned, before, start, kl=self.kl)
        spread = paid.std(correction=0).clamp(min=1e-6)
        return Played(prompts, answers, before, (paid - paid.mean()) / spread)
