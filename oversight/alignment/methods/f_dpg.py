"""f-DPG: come to a target distribution by descending an f-divergence from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import PART, Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.divergences import DIVERGENCES, f_dpg
from oversight.alignment.reward_model import RewardModel, regress
from oversight.alignment.signals import Signal
from oversight.core import OversightError
from oversight.registry import suggest

DRAWN = 256
"""Answers of the reference to a prompt, of which its first normaliser is the mean."""


class Target(NamedTuple):
    """log p(y | x) = log π_ref + r(x, y)/β − log Z(x); Z is a mean over samples, so far."""

    rewards: RewardModel
    total: Float[Tensor, "prompts"]
    """log Σ π_ref·e^{r/β}/q over samples of whoever gave them, q."""
    seen: Float[Tensor, "prompts"]
    """How many these are."""

    @property
    def normaliser(self) -> Float[Tensor, "prompts"]:
        """log Z(x)."""
        return self.total - self.seen.log()

    def counted(self, prompts: Int[Tensor, "batch"], weights: Float[Tensor, "batch"]) -> Target:
        """With further samples, by the logarithms of what they weigh."""
        most = weights.max()
        new = torch.zeros_like(self.total).index_add(0, prompts, (weights - most).exp())
        seen = self.seen + prompts.bincount(minlength=len(self.seen))
        return self._replace(total=torch.logaddexp(self.total, new.log() + most), seen=seen)


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
    fresh samples would cost labels. Z(x) is a plain mean over importance weights, of the
    reference's answers first and then of the policy's own.
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
        size = len(lab.task.prompts)
        nothing = torch.full((size,), -torch.inf, dtype=torch.float64)
        target, draw = Target(model, nothing, nothing.exp()), lab.draw("f_dpg", "normaliser")
        for prompts in torch.arange(size).repeat(DRAWN).split(PART):
            answers = lab.answers(lab.reference, prompts, draw)[:, 0]
            target = target.counted(prompts, self._earned(target, prompts, answers))
        return State(lab.policy(), target)

    def loss(self, lab: Lab, state: State[Target], step: int) -> Float[Tensor, "batch"]:
        """The objective on fresh answers of the policy."""
        draw = lab.draw("f_dpg", step)
        prompts = lab.prompts(lab.batch, draw)
        answers = lab.answers(state.policy, prompts, draw)[:, 0]
        told = lab.log_probs(state.policy, prompts, answers)
        wanted = self.unnormalised(lab, state.data, prompts, answers)
        state.data = state.data.counted(prompts, wanted - told.detach())
        target = wanted - state.data.normaliser[prompts]
        return f_dpg(told, told.detach(), target, slope=DIVERGENCES[self.divergence])

    def unnormalised(
        self, lab: Lab, data: Target, prompts: Tensor, answers: Tensor
    ) -> Float[Tensor, "batch"]:
        """log π_ref + r/β."""
        start = lab.fixed_log_probs(lab.reference, prompts, answers)
        return start + self._earned(data, prompts, answers)

    def _earned(self, data: Target, prompts: Tensor, answers: Tensor) -> Float[Tensor, "batch"]:
        with torch.no_grad():
            return data.rewards(prompts, answers).double() / self.beta
