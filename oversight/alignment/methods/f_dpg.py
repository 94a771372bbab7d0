"""f-DPG: come to a target distribution by descending an f-divergence from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.divergences import DIVERGENCES, f_dpg
from oversight.alignment.reward_model import RewardModel, regress
from oversight.alignment.signals import Signal
from oversight.core import OversightError
from oversight.registry import suggest

DRAWN = 512
"""Answers of the reference to a prompt, of which its normaliser is the mean."""


class Target(NamedTuple):
    """log p(y | x) = log π_ref + r(x, y)/β − log Z(x)."""

    rewards: RewardModel
    normaliser: Float[Tensor, "prompts"]
    """log Z(x)."""


@dataclass(frozen=True)
class FDPG(Method):
    """Distributional policy gradient: descend D_f(π ‖ p) for p ∝ π_ref·e^{r/β}, on own samples.

    The target is given first, by the overseer's numbers; the divergence is how to come to it. All
    end at the same policy where that can be had, and differ on the way and where it cannot.

    Attributes:
        divergence: "kl" (of the target from the policy), "reverse_kl", "js" or "tv".
        beta: β, in standard deviations of the overseer's numbers; derived here.
        width: of the reward model's hidden layer.

    Deviations: r is a model regressed on the overseer's numbers for the reference's answers, as
    fresh samples would cost labels; Z(x) is its mean over answers of the reference.
    """

    paper: ClassVar[str] = "Go et al. 2023, arXiv:2302.08215"
    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)
    divergence: str = "js"
    beta: float = 0.5
    width: int = 64

    def __post_init__(self) -> None:
        if self.divergence not in DIVERGENCES:
            raise OversightError(
                f"f_dpg has no divergence {suggest(self.divergence, DIVERGENCES, 'divergences')}"
            )

    def begin(self, lab: Lab) -> State[Target]:
        """The target; OversightError where the overseer gives every answer the same number."""
        data = lab.scored()
        model = RewardModel(lab.task, self.width, lab.draw("f_dpg", "weights"))

        def told(rows: Tensor) -> Tensor:
            return model(data.prompts[rows], data.answers[rows])

        regress(model, told, data.rewards, lab, named="regressed")
        draw, size = lab.draw("f_dpg", "normaliser"), len(lab.task.prompts)
        found = list[Tensor]()
        for prompt in range(size):
            prompts = torch.full((DRAWN,), prompt)
            with torch.no_grad():
                answers = lab.answers(lab.reference, prompts, draw)[:, 0]
                found.append((model(prompts, answers) / self.beta).logsumexp(dim=0))
        return State(lab.policy(), Target(model, torch.stack(found) - torch.tensor(DRAWN).log()))

    def loss(self, lab: Lab, state: State[Target], step: int) -> Float[Tensor, "batch"]:
        """The objective on fresh answers of the policy."""
        draw = lab.draw("f_dpg", step)
        prompts = lab.prompts(lab.batch, draw)
        answers = lab.answers(state.policy, prompts, draw)[:, 0]
        told = lab.log_probs(state.policy, prompts, answers)
        target = self.target(lab, state.data, prompts, answers)
        return f_dpg(told, told.detach(), target, slope=DIVERGENCES[self.divergence])

    def target(
        self, lab: Lab, data: Target, prompts: Tensor, answers: Tensor
    ) -> Float[Tensor, "batch"]:
        """log p."""
        with torch.no_grad():
            earned = data.rewards(prompts, answers) / self.beta
        start = lab.fixed_log_probs(lab.reference, prompts, answers)
        return start + earned - data.normaliser[prompts]
