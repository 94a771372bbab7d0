"""KTO: answers that are wanted or not, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.unpaired import kto
from oversight.alignment.signals import Signal
from oversight.core import OversightError


class Judged(NamedTuple):
    """Single answers, with the reference's log-probabilities, also of the answers beside them."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    desirable: Bool[Tensor, "rows"]
    reference: Float[Tensor, "rows"]
    mismatched: Int[Tensor, "rows length"]
    """Another row's answer, for the estimate of the KL."""
    mismatched_reference: Float[Tensor, "rows"]


@dataclass(frozen=True)
class KTO(Method):
    """Kahneman–Tversky optimisation: more of what is wanted, less of what is not, unpaired.

    An answer is desirable where the overseer's number is above its prompt's median.

    Attributes:
        beta: how dear a nat of divergence from the reference is.
        wanted, unwanted: λ_D and λ_U.
    """

    paper: ClassVar[str] = "Ethayarajh et al. 2024, arXiv:2402.01306"
    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)
    beta: float = 0.1
    wanted: float = 1.0
    unwanted: float = 1.0

    def begin(self, lab: Lab) -> State[Judged]:
        """The answers; OversightError where all of them are wanted, or none."""
        data = lab.unpaired()
        if bool(data.desirable.all()) or not bool(data.desirable.any()):
            raise OversightError(
                f"{lab.overseer.name} gives every answer the same number, so none is more wanted "
                "than another; take another overseer, or pairs"
            )
        beside = data.answers.roll(1, dims=0)
        known = [lab.fixed_log_probs(lab.reference, data.prompts, a)
                 for a in (data.answers, beside)]  # fmt: skip
        return State(lab.policy(), Judged(*data, known[0], beside, known[1]))

    def loss(self, lab: Lab, state: State[Judged], step: int) -> Float[Tensor, "batch"]:
        """The loss of a step's answers; z from mismatched ones, without a gradient."""
        rows = lab.batch_of(state.data, step)
        ratio = lab.log_probs(state.policy, rows.prompts, rows.answers) - rows.reference
        with torch.no_grad():
            beside = lab.log_probs(state.policy, rows.prompts, rows.mismatched)
        kl = (beside - rows.mismatched_reference).mean()
        return kto(
            ratio, rows.desirable, kl, beta=self.beta, wanted=self.wanted, unwanted=self.unwanted
        )
