"""Imitation from language feedback: fine-tune on refinements that heed what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.imitating import Imitating
from oversight.alignment.signals import Demonstrations, Signal


@dataclass(frozen=True)
class ILF(Imitating):
    """Criticise the reference's answers, refine them, and imitate what heeds the critique best.

    A critique names an attribute. Which of its refinements heeds it best is told by the overseer's
    labels: the one in which the attribute moves furthest the way refinements usually move it.

    Attributes:
        refinements: of each answer.

    Deviations: the overseer refines, where the paper's language model does. Its labels tell the
    best match, where the paper asks a model whether the feedback was heeded. A row costs the
    budget its critique and the labels of the answer and of each refinement.
    """

    paper: ClassVar[str] = "Scheurer et al. 2023, arXiv:2303.16755"
    needs: ClassVar[tuple[Signal, ...]] = ("critique", "attribute")
    refinements: int = 4

    def begin(self, lab: Lab) -> State[Demonstrations]:
        """The refinement of each answer that heeds its critique best."""
        items = self.refinements
        said = lab.critiqued(items, share=1 / (items + 2), named="ilf")
        every = torch.cat([said.answers[:, None], said.refined], dim=1).flatten(0, 1)
        prompts = said.prompts.repeat_interleave(items + 1)
        labels = lab.overseer.label(prompts, every, lab.draw("ilf", "labels"))
        labels = labels.view(len(said.prompts), items + 1, -1)
        about = labels.gather(2, said.faults[:, None, None].expand(-1, items + 1, 1))[..., 0]
        moved = about[:, 1:] - about[:, :1]
        way = torch.zeros(labels.shape[-1])
        way.index_add_(0, said.faults, moved.mean(dim=1).float())
        best = (moved * way.sign()[said.faults, None]).argmax(dim=1)
        rows = torch.arange(len(best))
        return State(lab.policy(), Demonstrations(said.prompts, said.refined[rows, best]))
