"""RLAIF: a judge's feedback in the place of people's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.objectives.reward import soft_preference
from oversight.alignment.reward_model import RewardModel, fit_by
from oversight.alignment.signals import Signal
from oversight.core import OversightError


class Believed(NamedTuple):
    """Pairs of answers, and how sure the judge is of the first."""

    prompts: Int[Tensor, "rows"]
    first: Int[Tensor, "rows length"]
    second: Int[Tensor, "rows length"]
    credence: Float[Tensor, "rows"]


@dataclass(frozen=True)
class RLAIF(Climber[RewardModel]):
    """A reward model of a judge's preferences, asked in both orders, and a policy that climbs it.

    What a judge says of a pair leans to where an answer stands; the mean of both orders does not.
    The model is fitted to how sure the judge is, not to a vote.

    Attributes:
        kl, reuse, clip: see `Climber`.
        orders: in which each pair is shown, 1 or 2; two cost twice as much of the budget.
        width: of the reward model's hidden layer.
    """

    paper: ClassVar[str] = "Lee et al. 2023, arXiv:2309.00267"
    needs: ClassVar[tuple[Signal, ...]] = ("preference",)
    orders: int = 2
    width: int = 64

    def __post_init__(self) -> None:
        if self.orders not in (1, 2):
            raise OversightError(f"two answers have 1 or 2 orders, got orders={self.orders}")

    def begin(self, lab: Lab) -> State[Climbing[RewardModel]]:
        """The reward model; OversightError where the judge finds all answers alike."""
        return State(lab.policy(), Climbing(self.modelled(lab, self.believed(lab))))

    def believed(self, lab: Lab) -> Believed:
        """Pairs of the reference's answers as the judge sees them."""
        draw = lab.draw("rlaif")
        prompts = lab.prompts(lab.rows(1, 2 * self.orders), draw)
        first, second = lab.answers(lab.reference, prompts, draw, 2).unbind(dim=1)
        credence = lab.overseer.credence(prompts, first, second, draw)
        if self.orders == 2:
            turned = 1 - lab.overseer.credence(prompts, second, first, draw)
            credence = (credence + turned) / 2
        if bool((credence == credence[0]).all()):
            raise OversightError(
                f"{lab.overseer.name} is as sure of every pair as of the next, so there is nothing "
                "to learn; take another overseer, or raise --labels"
            )
        return Believed(prompts, first, second, credence)

    def modelled(self, lab: Lab, pairs: Believed) -> RewardModel:
        """A reward model of them."""
        model = RewardModel(lab.task, self.width, lab.draw("rlaif", "weights"))

        def loss(rows: Tensor) -> Tensor:
            answers = torch.cat([pairs.first[rows], pairs.second[rows]])
            first, second = model(pairs.prompts[rows].repeat(2), answers).chunk(2)
            return soft_preference(first, second, pairs.credence[rows])

        fit_by(model, loss, len(pairs.prompts), lab, named="rlaif")
        return model

    def loss(
        self, lab: Lab, state: State[Climbing[RewardModel]], step: int
    ) -> Float[Tensor, "batch"]:
        """The climb's."""
        return self.climb(lab, state, step)

    def reward(
        self, lab: Lab, data: RewardModel, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's."""
        return data(prompts, answers)


@dataclass(frozen=True)
class DirectRLAIF(Climber[None]):
    """No reward model: the judge scores the policy's own answers as it climbs.

    Attributes:
        kl, reuse, clip: see `Climber`.

    Deviations: as many answers are given at a time as the budget pays for over the whole training,
    so often fewer than a batch.
    """

    paper: ClassVar[str] = "Lee et al. 2023, arXiv:2309.00267"
    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)

    def begin(self, lab: Lab) -> State[Climbing[None]]:
        """Nothing is gathered beforehand."""
        return State(lab.policy(), Climbing(None))

    def rows(self, lab: Lab) -> int:
        """What a play's share of the budget pays for, a batch at most."""
        return min(lab.batch, lab.rows(1 / -(-lab.steps // self.reuse), 1))

    def loss(self, lab: Lab, state: State[Climbing[None]], step: int) -> Float[Tensor, "batch"]:
        """The climb's."""
        return self.climb(lab, state, step)

    def reward(
        self, lab: Lab, data: None, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The judge's; OversightError where its first numbers are all the same."""
        scores = lab.overseer.score(prompts, answers, lab.draw("rlaif", "score", step))
        if not step and bool((scores == scores[0]).all()):
            raise OversightError(
                f"{lab.overseer.name} gives every answer the same number, so there is nothing to "
                "climb; take another overseer, or raise --labels"
            )
        return scores
