"""Chain of hindsight: learn from feedback by being told, before each answer, what it was called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.conditioning import chain
from oversight.alignment.policy import Conditioned, Policy
from oversight.alignment.signals import Signal
from oversight.alignment.vocabulary import PAD

GOOD, BAD = "good:", "bad:"


class Hindsight(NamedTuple):
    """Preferences, and a further answer that nobody judged."""

    prompts: Int[Tensor, "rows"]
    chosen: Int[Tensor, "rows length"]
    rejected: Int[Tensor, "rows length"]
    plain: Int[Tensor, "rows length"]


@dataclass(frozen=True)
class CoH(Method):
    """Fine-tune on "good: y⁺ bad: y⁻" after a prompt, and ask for a good one.

    Which comes first is tossed for each row; what is not an answer is masked.

    Attributes:
        weight: of plain text without any feedback.

    Deviations: the reference's own answers stand for the paper's text of pretraining.
    """

    paper: ClassVar[str] = "Liu et al. 2023, arXiv:2302.02676"
    needs: ClassVar[tuple[Signal, ...]] = ("preference",)
    controls: ClassVar[tuple[str, ...]] = (GOOD, BAD)
    weight: float = 0.01

    def begin(self, lab: Lab) -> State[Hindsight]:
        """The pairs, and as many plain answers."""
        pairs = lab.preferences(named="coh")
        plain = lab.answers(lab.reference, pairs.prompts, lab.draw("coh", "plain"))[:, 0]
        return State(lab.policy(), Hindsight(*pairs, plain))

    def loss(self, lab: Lab, state: State[Hindsight], step: int) -> Float[Tensor, "batch"]:
        """The chain's likelihood, both links and the plain answer read in one pass."""
        rows = lab.batch_of(state.data, step)
        size = len(rows.prompts)
        good, bad = (torch.tensor(state.policy.vocabulary.id(word)) for word in (GOOD, BAD))
        turned = torch.rand(size, 1, generator=lab.draw("coh", step)) < 0.5
        words = torch.where(turned, bad, good), torch.where(turned, good, bad)
        first = torch.where(turned, rows.rejected, rows.chosen)
        second = torch.where(turned, rows.chosen, rows.rejected)
        longest = lab.task.contexts(rows.prompts, words[0], first, words[1])
        shorter = lab.task.contexts(rows.prompts), lab.task.contexts(rows.prompts, words[0])
        contexts = [
            pad(some, (longest.shape[1] - some.shape[1], 0), value=PAD)
            for some in (*shorter, longest)
        ]
        answers = torch.cat([rows.plain, first, second])
        plain, *links = state.policy.log_probs(torch.cat(contexts), answers).split(size)
        return chain(torch.stack(links, dim=1), plain, weight=self.weight)

    def deployed(self, lab: Lab, state: State[Hindsight]) -> Policy:
        """Asked for a good answer."""
        return Conditioned(state.policy, (GOOD,))
