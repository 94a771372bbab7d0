"""Conditional language policy: one policy for every weighing of several rewards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.attribute_model import attribute_of, of_labels
from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.conditioning import weighted
from oversight.alignment.objectives.policy_gradient import reinforce
from oversight.alignment.policies.mixed import Mixed
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel
from oversight.alignment.signals import Signal
from oversight.alignment.task import Task
from oversight.core import OversightError


class Wanted(NamedTuple):
    """An attribute that is wanted, or is not."""

    attribute: int
    sign: int
    model: RewardModel


@dataclass(frozen=True)
class CLP(Method):
    """Max E_w[(1 − α)·wᵀR − α·KL(π_w ‖ π_ref)], the parameters of π_w a mean weighed by w.

    There is a policy for each reward; a step draws w evenly among weights that sum to 1, and trains
    the mean of the policies by it. Deployed with all rewards weighed alike; `Mixed.at` asks for
    others. On the exact policy the mean of the best for each reward is the best for the mean.

    Attributes:
        rewards: attributes by name, with a slash between and a minus before what is not wanted; the
            first two that the overseer sees, if none is given, toxic counting as not wanted.
        kl: α.
        width: of the hidden layer of each attribute's model.

    Deviations: derived here from the objective; the paper's way of mixing is not known to us. The
    rewards are models of the overseer's labels, in their standard deviations.
    """

    paper: ClassVar[str] = "Wang et al. 2024, arXiv:2407.15762"
    needs: ClassVar[tuple[Signal, ...]] = ("attribute",)
    rewards: str = ""
    kl: float = 0.3
    width: int = 64

    def begin(self, lab: Lab) -> State[list[Wanted]]:
        """A model of each reward, and a policy for each."""
        named = _named(lab.task, self.rewards)
        data = lab.attributed(named="clp")
        wanted = [Wanted(k, sign, of_labels(lab, data, k, width=self.width)) for k, sign in named]
        even = [1 / len(wanted)] * len(wanted)
        return State(Mixed([lab.policy() for _ in wanted], even), wanted)

    def loss(self, lab: Lab, state: State[list[Wanted]], step: int) -> Float[Tensor, "batch"]:
        """A policy gradient at the weights drawn for the step."""
        assert isinstance(state.policy, Mixed)  # made in `begin`
        draw = lab.draw("clp", step)
        parts = -torch.rand(len(state.data), generator=draw).clamp(min=1e-12).log()
        weights = parts / parts.sum()
        policy = state.policy.at(weights.tolist())
        prompts, answers, told, start = lab.fresh(policy, draw)
        with torch.no_grad():
            rewards = [want.sign * want.model(prompts, answers) for want in state.data]
        earned = weighted(torch.stack(rewards, dim=1), weights, told, start, kl=self.kl)
        return reinforce(told, earned - earned.mean())

    def deployed(self, lab: Lab, state: State[list[Wanted]]) -> Policy:
        """With every reward weighed alike."""
        return state.policy


def _named(task: Task, rewards: str) -> list[tuple[int, int]]:
    """Attributes and signs; OversightError for fewer than two."""
    seen = [task.attributes[k] for k, visible in enumerate(task.visible.tolist()) if visible]
    usual = [f"-{name}" if name == "toxic" else name for name in seen[:2]]
    names = rewards.split("/") if rewards else usual
    if len(names) < 2:
        raise OversightError(
            f"{task.name}: to weigh rewards takes two, got {', '.join(names) or 'none'}; write "
            "clp:rewards=ONE/-OTHER"
        )
    return [(attribute_of(task, name.removeprefix("-")), -1 if name.startswith("-") else 1)
            for name in names]  # fmt: skip
