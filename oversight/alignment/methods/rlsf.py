"""RLSF (ALMoST): feedback that nobody gave, from which of several models is assumed the better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.policies.tempered import Tempered
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Demonstrations, Preferences, Signal
from oversight.core import OversightError


class Synthetic(NamedTuple):
    """What RLSF has come to."""

    imitated: Demonstrations
    """What is imitated in the phase under way."""
    rewards: RewardModel | None = None
    """Of assumed ranks; None in the first phase."""


@dataclass(frozen=True)
class RLSF(Climber[Synthetic]):
    """A reward model of assumed ranks, answers chosen by it to be imitated, then a climb.

    For a quarter of the steps the policy imitates demonstrations. Then its answers at a low
    temperature are assumed better than its plain ones, those better than the reference's, and
    those better than the reference's at a high one; a reward model is fitted to such pairs. For a
    quarter the policy imitates the best of several of its answers by that model, and for the rest
    it climbs it. No overseer is asked for anything.

    Attributes:
        kl, reuse, clip: see `Climber`.
        cold, hot: the temperatures of the best and of the worst; derived here.
        candidates: answers of which the best is imitated; derived here.
        width: of the reward model's hidden layer.

    Deviations: the paper's ranks come from models of three sizes with up to five examples in the
    prompt, filtered by length; ours from temperatures and from having seen demonstrations. The
    policy that is climbed with has imitated them, where the paper's begins anew.
    """

    paper: ClassVar[str] = "Kim et al. 2023, arXiv:2305.13735"
    needs: ClassVar[tuple[Signal, ...]] = ("demonstration",)
    cold: float = 0.5
    hot: float = 2.0
    candidates: int = 4
    width: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.cold < 1 < self.hot:
            raise OversightError(
                f"cold lies in 0 … 1 and hot above, got {self.cold:g} and {self.hot:g}"
            )

    def begin(self, lab: Lab) -> State[Climbing[Synthetic]]:
        """The demonstrations."""
        return State(lab.policy(), Climbing(Synthetic(lab.demonstrations(named="rlsf"))))

    def loss(
        self, lab: Lab, state: State[Climbing[Synthetic]], step: int
    ) -> Float[Tensor, "batch"]:
        """−log π of demonstrations, then of chosen answers; then the climb's."""
        quarter = -(-lab.steps // 4)
        if step == quarter:
            model = self.modelled(lab, self.assumed(lab, state.policy))
            chosen = self._chosen(lab, state.policy, model)
            state.data = Climbing(Synthetic(chosen, model))
        if step >= 2 * quarter:
            return self.climb(lab, state, step)
        rows = lab.batch_of(state.data.data.imitated, step)
        return -lab.log_probs(state.policy, rows.prompts, rows.answers)

    def reward(
        self, lab: Lab, data: Synthetic, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's."""
        assert data.rewards is not None  # fitted before the climb
        return data.rewards(prompts, answers)

    def assumed(self, lab: Lab, policy: Policy) -> Preferences:
        """Pairs of answers of two of the four, the better by assumption first."""
        ranks: Sequence[Policy] = (
            Tempered(policy, self.cold), policy, lab.reference, Tempered(lab.reference, self.hot)
        )  # fmt: skip
        draw = lab.draw("rlsf", "assumed")
        prompts = lab.prompts(lab.rows(1, 2), draw)
        answers = torch.cat([lab.answers(rank, prompts, draw) for rank in ranks], dim=1)
        pairs = torch.tensor(list(combinations(range(len(ranks)), 2)))
        which = pairs[torch.randint(len(pairs), (len(prompts),), generator=draw)]
        rows = torch.arange(len(prompts))
        return Preferences(prompts, answers[rows, which[:, 0]], answers[rows, which[:, 1]])

    def modelled(self, lab: Lab, pairs: Preferences) -> RewardModel:
        """A reward model of them."""
        model = RewardModel(lab.task, self.width, lab.draw("rlsf", "weights"))
        return fit(model, pairs, lab, named="rlsf")

    def _chosen(self, lab: Lab, policy: Policy, model: RewardModel) -> Demonstrations:
        draw = lab.draw("rlsf", "chosen")
        prompts = lab.prompts(lab.rows(1, self.candidates), draw)
        answers = lab.answers(policy, prompts, draw, self.candidates)
        with torch.no_grad():
            flat = model(prompts.repeat_interleave(self.candidates), answers.flatten(0, 1))
        best = flat.view(len(prompts), -1).argmax(dim=1)
        return Demonstrations(prompts, answers[torch.arange(len(prompts)), best])
