"""RAFT: keep the best of several samples, fine-tune on them, and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.imitating import Imitating
from oversight.alignment.policy import Policy
from oversight.alignment.signals import Demonstrations, Signal


@dataclass(frozen=True)
class RAFT(Imitating):
    """Reward-ranked fine-tuning: imitate the best of K of the policy's own answers.

    One round, trained to its end, is the best-of-K distribution of the policy it began from.

    Attributes:
        candidates: answers to each prompt, K.
        rounds: how often answers are drawn anew; each spends as much of the budget.
    """

    paper: ClassVar[str] = "Dong et al. 2023, arXiv:2304.06767"
    needs: ClassVar[tuple[Signal, ...]] = ("list",)
    candidates: int = 4
    rounds: int = 4

    def begin(self, lab: Lab) -> State[Demonstrations]:
        """The first round's answers, the reference's own."""
        policy = lab.policy()
        return State(policy, self._best(lab, policy, 0))

    def loss(self, lab: Lab, state: State[Demonstrations], step: int) -> Float[Tensor, "batch"]:
        """−log π of the round's best answers."""
        turn = lab.phase(step, self.rounds)
        if turn:
            state.data = self._best(lab, state.policy, turn)
        return super().loss(lab, state, step)

    def _best(self, lab: Lab, policy: Policy, turn: int) -> Demonstrations:
        share = 1 / self.rounds
        lists = lab.lists(self.candidates, policy, share=share, named=("raft", turn))
        return Demonstrations(lists.prompts, lists.answers[:, 0])
