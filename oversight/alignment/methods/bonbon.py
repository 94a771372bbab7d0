"""BoNBoN: learn the best-of-n distribution from the best and the worst of n answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.pairwise import Pairs, Pairwise
from oversight.alignment.objectives import preference
from oversight.alignment.signals import Signal


@dataclass(frozen=True)
class BoNBoN(Pairwise):
    """Imitate the best of n answers, and hold the margin over the worst that best-of-n has.

    Its aim is the best-of-n policy: a win rate of n/(n + 1) at ln n − (n − 1)/n nats.

    Attributes:
        candidates: answers to each prompt, n.
        alpha: α, the weight of imitation against the margin.
    """

    paper: ClassVar[str] = "Gui et al. 2024, arXiv:2406.00832"
    needs: ClassVar[tuple[Signal, ...]] = ("list",)
    candidates: int = 8
    alpha: float = 0.005

    def begin(self, lab: Lab) -> State[Pairs]:
        """The best and the worst of each list."""
        lists = lab.lists(self.candidates)
        best, worst = lists.answers[:, 0], lists.answers[:, -1]
        before = [lab.fixed_log_probs(lab.reference, lists.prompts, a) for a in (best, worst)]
        return State(lab.policy(), Pairs(lists.prompts, best, worst, *before))

    def objective(
        self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
    ) -> Tensor:
        """−α·ℓ_best + (1 − α)·(h − 1/(2β))², β of n."""
        return preference.bonbon(
            chosen, rejected, ref_chosen, ref_rejected, alpha=self.alpha,
            beta=preference.bonbon_beta(self.candidates),
        )  # fmt: skip
