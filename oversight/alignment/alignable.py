"""What makes a world one that policies can be aligned in.

An ability like those in `oversight.world`; it stands here because what it speaks of does.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from oversight.core import Case
from oversight.world import Ability

if TYPE_CHECKING:
    from oversight.alignment.task import Task


class Alignable(Ability):
    """Ability: the world's questions are which of two answers of a policy is the better."""

    @abstractmethod
    def task(self) -> Task:
        """Its prompts, their answers, and the gold reward."""

    @abstractmethod
    def cases_of(
        self, prompts: Sequence[int], firsts: Sequence[Sequence[int]],
        seconds: Sequence[Sequence[int]],
    ) -> list[Case]:  # fmt: skip
        """Pairs of answers to prompts of the task, by their tokens, as cases: which is better?

        The first is the truth where they are as good.
        """

    def case_of(self, prompt: int, first: Sequence[int], second: Sequence[int]) -> Case:
        """One pair as a case."""
        return self.cases_of([prompt], [first], [second])[0]
