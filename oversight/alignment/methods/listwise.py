"""Methods that learn offline from lists of answers in order: one objective each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives import lists
from oversight.alignment.objectives.preference import cpo
from oversight.alignment.signals import Lists, Signal
from oversight.alignment.vocabulary import lengths


class Listwise(Method):
    """Several of the reference's answers to each prompt, as the overseer put them."""

    needs: ClassVar[tuple[Signal, ...]] = ("list",)
    candidates: int

    @abstractmethod
    def objective(self, told: Tensor, length: Tensor, rewards: Tensor) -> Tensor:
        """The loss of each list: (B, K) log π, tokens and rewards, the best first."""

    def begin(self, lab: Lab) -> State[Lists]:
        """The lists, each answer judged once."""
        return State(lab.policy(), lab.lists(self.candidates))

    def loss(self, lab: Lab, state: State[Lists], step: int) -> Float[Tensor, "batch"]:
        """The objective on a step's lists, all answers read in one pass."""
        rows = lab.batch_of(state.data, step)
        items = self.candidates
        flat = rows.answers.flatten(0, 1)
        told = lab.log_probs(state.policy, rows.prompts.repeat_interleave(items), flat)
        shape = (len(rows.prompts), items)
        return self.objective(told.view(shape), lengths(flat).view(shape), rows.scores)


@dataclass(frozen=True)
class RRHF(Listwise):
    """Rank responses: likelihoods in the order of the rewards, and imitation of the best.

    Attributes:
        candidates: answers to each prompt, K.
        gamma: γ; a score is ℓ/len^γ.
    """

    paper: ClassVar[str] = "Yuan et al. 2023, arXiv:2304.05302"
    candidates: int = 4
    gamma: float = 1.0

    def objective(self, told: Tensor, length: Tensor, rewards: Tensor) -> Tensor:
        """Σ_{rᵢ<rⱼ} max(0, sᵢ − sⱼ) + NLL(best)."""
        return lists.rrhf(told / length**self.gamma, rewards, -told[:, 0])


@dataclass(frozen=True)
class PRO(Listwise):
    """Preference ranking: the best against all others, then the next against the rest.

    Attributes:
        candidates: answers to each prompt, K.
        weight: of the imitation of the best, times (K − 1)².
    """

    paper: ClassVar[str] = "Song et al. 2023, arXiv:2306.17492"
    candidates: int = 4
    weight: float = 0.05

    def objective(self, told: Tensor, length: Tensor, rewards: Tensor) -> Tensor:
        """Σ_k −log softmax_k of sᵢ·T_kⁱ + w(K − 1)²·NLL(best), s the mean over tokens."""
        return lists.pro(told / length, rewards, -told[:, 0], weight=self.weight)


@dataclass(frozen=True)
class StableAlignment(Listwise):
    """The contrastive loss of Stable Alignment: the best imitated, the others kept at a distance.

    Attributes:
        candidates: answers to each prompt.
        scale: R, the highest rating.
        margin: M, how far apart a full difference of ratings should be, nats a token.
        weight: λ.

    Deviations: ratings are the overseer's scores, mapped to 1 … R over each list's batch; the
    paper's come from a society of raters.
    """

    paper: ClassVar[str] = "Liu et al. 2023, arXiv:2305.16960"
    candidates: int = 3
    scale: float = 7.0
    margin: float = 10.0
    weight: float = 0.2

    def objective(self, told: Tensor, length: Tensor, rewards: Tensor) -> Tensor:
        """L_best + λ·max(0, meanᵢ[L_best − Lᵢ + (r_best − rᵢ)/R·M])."""
        low, high = rewards.min(), rewards.max()
        ratings = 1 + (self.scale - 1) * (rewards - low) / (high - low).clamp(min=1e-9)
        return cpo(
            -told / length, ratings, scale=self.scale, margin=self.margin, weight=self.weight
        )
