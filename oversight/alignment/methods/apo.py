"""APO (adversarial): the reward model learns against the policy that climbs it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.objectives.reward import bradley_terry, preference_kl
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel, both, fit, fit_by
from oversight.alignment.signals import Demonstrations, Preferences, Signal
from oversight.core import OversightError


class Game(NamedTuple):
    """What both players have."""

    pairs: Preferences
    gold: Demonstrations
    """Answers that no sample should be paid more than."""
    first: RewardModel
    """As the pairs alone made it."""
    model: RewardModel


@dataclass(frozen=True)
class APO(Climber[Game]):
    """min over r, max over π, of E_π[r] − E_gold[r]: r pays gold answers more than the policy's.

    At first r is a model of pairs. Each later round starts with r fitted by Bradley–Terry to gold
    answers before the policy's own, held to the first r by a KL of what both make of the pairs.

    Attributes:
        kl: what a nat of divergence from the reference costs the policy; derived here.
        reuse, clip: see `Climber`.
        rounds: of the game.
        beta: β, of the reward's KL; derived here.
        golden: the share of demonstrations that are gold; derived here.
        width: of the reward model's hidden layer.

    Deviations: the paper's gold answers are a better model's, ours the demonstrations that the
    overseer rates highest, on half of the budget; its policy learns by rejection sampling, ours by
    policy gradient.
    """

    paper: ClassVar[str] = "Cheng et al. 2023, arXiv:2311.08045"
    needs: ClassVar[tuple[Signal, ...]] = ("preference", "demonstration", "scalar")
    kl: float = 0.1
    rounds: int = 3
    beta: float = 1.0
    golden: float = 0.25
    width: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.golden <= 1:
            raise OversightError(f"golden is a share in 0 … 1, got {self.golden:g}")

    def begin(self, lab: Lab) -> State[Climbing[Game]]:
        """Pairs, gold answers and the first reward model."""
        pairs = lab.preferences(share=1 / 2, named="apo")
        model = RewardModel(lab.task, self.width, lab.draw("apo", "weights"))
        first = fit(model, pairs, lab, named=("apo", 0))
        return State(lab.policy(), Climbing(Game(pairs, self._gold(lab), first, first)))

    def loss(self, lab: Lab, state: State[Climbing[Game]], step: int) -> Float[Tensor, "batch"]:
        """The climb's; before it, where a round begins, the reward's move."""
        number = lab.phase(step, self.rounds)
        if number:
            state.data = Climbing(self.moved(lab, state.data.data, state.policy, number))
        return self.climb(lab, state, step)

    def reward(
        self, lab: Lab, data: Game, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's."""
        return data.model(prompts, answers)

    def moved(self, lab: Lab, game: Game, policy: Policy, number: int) -> Game:
        """The reward model after its move against a policy."""
        draw = lab.draw("apo", number)
        prompts, gold = game.gold
        own = lab.answers(policy, prompts, draw)[:, 0]
        model, against = copy.deepcopy(game.model), Preferences(prompts, gold, own)
        with torch.no_grad():
            before = torch.stack(both(game.first, game.pairs))

        def loss(rows: Tensor) -> Tensor:
            luck = torch.randint(len(prompts), (len(rows),), generator=draw)
            some = Preferences(*(column[luck] for column in against))
            held = Preferences(*(column[rows] for column in game.pairs))
            drift = preference_kl(*both(model, held), *before[:, rows])
            return bradley_terry(*both(model, some)) + self.beta * drift

        fit_by(model, loss, len(game.pairs.prompts), lab, named=("apo", number))
        return game._replace(model=model)

    def _gold(self, lab: Lab) -> Demonstrations:
        prompts, answers = lab.demonstrations(named="apo")
        size = lab.rows(1 / 2, 1)
        prompts, answers = prompts[:size], answers[:size]
        rated = lab.overseer.score(prompts, answers, lab.draw("apo", "gold"))
        kept = rated.argsort(descending=True, stable=True)[: max(1, int(self.golden * size))]
        return Demonstrations(prompts[kept], answers[kept])
