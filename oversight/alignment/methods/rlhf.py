"""RLHF: a reward model of preferences, and a policy that climbs it, the model kept up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Preferences, Signal


class Judged(NamedTuple):
    """Every pair so far, and what is made of them."""

    pairs: Preferences
    model: RewardModel


@dataclass(frozen=True)
class RLHF(Climber[Judged]):
    """Online reinforcement learning from preferences, by clipped policy gradient with a KL penalty.

    As the policy moves, new pairs of its own answers are judged and the reward model is fitted
    anew on all pairs; with `refreshes=1` it stays as it was first fitted, and can be overoptimised.

    Attributes:
        kl, reuse, clip: see `Climber`.
        refreshes: how often pairs are gathered; each time spends as much of the budget.
        width: of the reward model's hidden layer.
    """

    paper: ClassVar[str] = "Bai et al. 2022, arXiv:2204.05862"
    needs: ClassVar[tuple[Signal, ...]] = ("preference",)
    refreshes: int = 4
    width: int = 64

    def begin(self, lab: Lab) -> State[Climbing[Judged]]:
        """Pairs of the reference's answers, and a reward model of them."""
        pairs = lab.preferences(share=1 / self.refreshes, named=("rlhf", 0))
        model = RewardModel(lab.task, self.width, lab.draw("rlhf", "weights"))
        return State(lab.policy(), Climbing(Judged(pairs, fit(model, pairs, lab, named=0))))

    def loss(self, lab: Lab, state: State[Climbing[Judged]], step: int) -> Float[Tensor, "batch"]:
        """The climb's; before it, where a phase begins, new pairs."""
        number = lab.phase(step, self.refreshes)
        if number:
            state.data = Climbing(self._refreshed(lab, state, number))
        return self.climb(lab, state, step)

    def reward(
        self, lab: Lab, data: Judged, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's."""
        return data.model(prompts, answers)

    def _refreshed(self, lab: Lab, state: State[Climbing[Judged]], number: int) -> Judged:
        before, model = state.data.data
        named = ("rlhf", number)
        new = lab.preferences(state.policy, share=1 / self.refreshes, named=named)
        pairs = Preferences(*map(torch.cat, zip(before, new, strict=True)))
        return Judged(pairs, fit(model, pairs, lab, named=number))
