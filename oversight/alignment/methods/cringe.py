"""CRINGE: more of what is wanted, and at each token of what is not, rather another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.negative import cringe
from oversight.alignment.policy import Policy
from oversight.alignment.signals import Signal, Unpaired
from oversight.alignment.vocabulary import PAD
from oversight.core import OversightError


class Memory(NamedTuple):
    """Answers so far, and what is called good."""

    rows: Unpaired
    standard: Float[Tensor, "prompts"]
    """Of each prompt, the number that a good answer is above and a bad one below."""


@dataclass(frozen=True)
class CRINGE(Method):
    """Imitate answers that are wanted; where one is not, prefer another likely token at each place.

    Iterated: the policy's own answers are judged round by round, and what is bad among them is
    learned from as well. Good is above the median of the reference's answers to the prompt.

    Attributes:
        alpha: α, what the second part counts for.
        top: of how many likely tokens the other is drawn.
        rounds: how often answers are drawn anew; each spends as much of the budget.

    Deviations: losses are summed over tokens, not averaged. A number stands for the paper's
    classifier; answers at the median are left out. The defaults are chosen here.
    """

    paper: ClassVar[str] = "Adolphs et al. 2022, arXiv:2211.05826"
    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)
    alpha: float = 1.0
    top: int = 5
    rounds: int = 4

    def begin(self, lab: Lab) -> State[Memory]:
        """The reference's answers; OversightError where all are as good."""
        policy = lab.policy()
        scored = lab.scored(share=1 / self.rounds, named=("cringe", 0))
        standard = lab.usual(scored)
        rows = _sorted(scored.prompts, scored.answers, scored.rewards, standard)
        if len(rows.prompts) == 0:
            raise OversightError(
                f"{lab.overseer.name} gives every answer the same number, so none is more wanted "
                "than another; take another overseer, or pairs"
            )
        return State(policy, Memory(rows, standard))

    def loss(self, lab: Lab, state: State[Memory], step: int) -> Float[Tensor, "batch"]:
        """−ℓ of good answers, α times the contrast at each token of bad ones."""
        turn = lab.phase(step, self.rounds)
        if turn:
            state.data = self._more(lab, state.policy, state.data, turn)
        rows = lab.batch_of(state.data.rows, step)
        scores = state.policy.next(lab.task.contexts(rows.prompts), rows.answers)
        told = scores.gather(-1, rows.answers.clamp(min=0)[..., None])[..., 0]
        told = torch.where(rows.answers == PAD, 0.0, told).sum(dim=1)
        luck = torch.rand(rows.answers.shape, generator=lab.draw("cringe", step))
        contrast = cringe(scores, rows.answers, luck, top=self.top).sum(dim=1)
        return torch.where(rows.desirable, -told, self.alpha * contrast)

    def _more(self, lab: Lab, policy: Policy, data: Memory, turn: int) -> Memory:
        new = lab.scored(policy, share=1 / self.rounds, named=("cringe", turn))
        found = _sorted(new.prompts, new.answers, new.rewards, data.standard)
        rows = Unpaired(*map(torch.cat, zip(data.rows, found, strict=True)))
        return data._replace(rows=rows)


def _sorted(
    prompts: Int[Tensor, "rows"], answers: Int[Tensor, "rows length"],
    rewards: Float[Tensor, "rows"], standard: Float[Tensor, "prompts"],
) -> Unpaired:  # fmt: skip
    """What is above or below the standard; the rest is left out."""
    gap = rewards - standard[prompts]
    told: Bool[Tensor, "rows"] = gap != 0
    return Unpaired(prompts[told], answers[told], gap[told] > 0)
