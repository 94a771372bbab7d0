"""Variational best-of-n: a policy gradient towards the best of n, by ranks alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.matching import quantiles, vbon
from oversight.alignment.objectives.policy_gradient import reinforce
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Signal


class Memory(NamedTuple):
    """What vBoN keeps."""

    model: nn.Module
    """(prompts, answers) -> rewards."""
    drawn: Float[Tensor, "prompts draws"]
    """The rewards of the reference's answers to each prompt."""


@dataclass(frozen=True)
class VBoN(Method):
    """Earn (n − 1)·ln F(r) for an answer, F its rank among the reference's, less the KL.

    Attributes:
        n: of the best-of-n that is aimed at.
        draws: answers of the reference to each prompt by which ranks are told, M.
        width: of the reward model's hidden layer.

    Deviations: rewards are a model of the overseer's preferences, which spends the whole budget;
    one policy-gradient step an answer, its baseline the batch's mean, for the paper's PPO.
    """

    paper: ClassVar[str] = "Amini et al. 2024, arXiv:2407.06057"
    needs: ClassVar[tuple[Signal, ...]] = ("preference",)
    n: int = 4
    draws: int = 64
    width: int = 64

    def begin(self, lab: Lab) -> State[Memory]:
        """A reward model, and what it makes of the reference's answers."""
        model = RewardModel(lab.task, self.width, lab.draw("vbon", "weights"))
        fit(model, lab.preferences(named="vbon"), lab, named="vbon")
        every = torch.arange(len(lab.task.prompts))
        answers = lab.answers(lab.reference, every, lab.draw("vbon", "draws"), self.draws)
        with torch.no_grad():
            drawn = model(every.repeat_interleave(self.draws), answers.flatten(0, 1))
        return State(lab.policy(), Memory(model, drawn.view(len(every), self.draws)))

    def loss(self, lab: Lab, state: State[Memory], step: int) -> Float[Tensor, "batch"]:
        """A policy gradient on answers drawn for the step."""
        prompts, answers, told, start = lab.fresh(state.policy, lab.draw("vbon", step))
        with torch.no_grad():
            rewards = state.data.model(prompts, answers)
        at_most, _ = quantiles(rewards, state.data.drawn[prompts])
        earned = vbon(at_most, told, start, n=self.n)
        return reinforce(told, earned - earned.mean())
