"""Methods that learn offline from pairs: one objective each, everything else alike."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives import preference
from oversight.alignment.signals import Signal


class Pairs(NamedTuple):
    """Preferences, with the reference's log-probabilities, which are computed once."""

    prompts: Int[Tensor, "rows"]
    chosen: Int[Tensor, "rows length"]
    rejected: Int[Tensor, "rows length"]
    ref_chosen: Float[Tensor, "rows"]
    ref_rejected: Float[Tensor, "rows"]


class Pairwise(Method):
    """Pairs of the reference's answers that the overseer chose among, and a loss of the margin."""

    needs: ClassVar[tuple[Signal, ...]] = ("preference",)

    @abstractmethod
    def objective(
        self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
    ) -> Tensor:
        """The loss of each row, from four (B,) log-probabilities."""

    def begin(self, lab: Lab) -> State[Pairs]:
        """The pairs, each answer judged once."""
        data = lab.preferences()
        chosen = lab.fixed_log_probs(lab.reference, data.prompts, data.chosen)
        rejected = lab.fixed_log_probs(lab.reference, data.prompts, data.rejected)
        return State(lab.policy(), Pairs(*data, chosen, rejected))

    def loss(self, lab: Lab, state: State[Pairs], step: int) -> Float[Tensor, "batch"]:
        """The objective on the rows of a step, which the policy reads in one pass."""
        rows = lab.batch_of(state.data, step)
        both = torch.cat([rows.chosen, rows.rejected])
        chosen, rejected = lab.log_probs(state.policy, rows.prompts.repeat(2), both).chunk(2)
        return self.objective(chosen, rejected, rows.ref_chosen, rows.ref_rejected)


@dataclass(frozen=True)
class DPO(Pairwise):
    """Direct preference optimisation: the policy is its own reward model.

    Attributes:
        beta: how dear a nat of divergence from the reference is.
    """

    paper: ClassVar[str] = "Rafailov et al. 2023, arXiv:2305.18290"
    beta: float = 0.1

    def objective(
        self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
    ) -> Tensor:
        """−ln σ(βh)."""
        return preference.dpo(chosen, rejected, ref_chosen, ref_rejected, beta=self.beta)


@dataclass(frozen=True)
class IPO(Pairwise):
    """Identity preference optimisation: a margin is wanted, not ever more of it.

    Attributes:
        tau: τ; the margin wanted is 1/(2τ) nats.
    """

    paper: ClassVar[str] = "Azar et al. 2023, arXiv:2310.12036"
    tau: float = 0.1

    def objective(
        self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
    ) -> Tensor:
        """(h − 1/(2τ))²."""
        return preference.ipo(chosen, rejected, ref_chosen, ref_rejected, tau=self.tau)


@dataclass(frozen=True)
class SLiC(Pairwise):
    """Sequence likelihood calibration: a margin of likelihood, held to the chosen answers.

    Attributes:
        delta: δ, the margin of log π wanted, nats.
        weight: λ, of the likelihood of the target.

    Deviations: the target is the chosen answer; the paper also tries the reference's own.
    """

    paper: ClassVar[str] = "Zhao et al. 2023, arXiv:2305.10425"
    delta: float = 1.0
    weight: float = 0.1

    def objective(
        self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
    ) -> Tensor:
        """max(0, δ − ℓ_w + ℓ_l) − λ·ℓ_w."""
        return preference.slic(chosen, rejected, chosen, delta=self.delta, weight=self.weight)
