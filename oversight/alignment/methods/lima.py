"""LIMA: fine-tune on few demonstrations, well chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.imitating import Imitating
from oversight.alignment.signals import Demonstrations, Signal
from oversight.core import OversightError


@dataclass(frozen=True)
class LIMA(Imitating):
    """Imitate a small part of the demonstrations: those that the overseer rates highest.

    Attributes:
        examples: how many are kept.

    Deviations: the paper's were chosen by hand.
    """

    paper: ClassVar[str] = "Zhou et al. 2023, arXiv:2305.11206"
    needs: ClassVar[tuple[Signal, ...]] = ("demonstration", "scalar")
    examples: int = 1000

    def begin(self, lab: Lab) -> State[Demonstrations]:
        """The best-rated demonstrations; OversightError where there are too few."""
        data = lab.demonstrations()
        if not 1 <= self.examples <= len(data.prompts):
            raise OversightError(
                f"{self.examples} examples of {len(data.prompts)} demonstrations; raise --labels "
                "or lower examples"
            )
        rated = lab.overseer.score(data.prompts, data.answers, lab.draw("lima"))
        kept = rated.argsort(descending=True, stable=True)[: self.examples]
        return State(lab.policy(), Demonstrations(data.prompts[kept], data.answers[kept]))
