"""Any world that asks questions as a task: a prompt is a case, an answer names a candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from string import ascii_uppercase
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.task import Task
from oversight.alignment.vocabulary import Vocabulary
from oversight.core import Case, OversightError
from oversight.derived import derived
from oversight.episode import case_of
from oversight.world import World


class QuestionsTask(Task):
    """The first cases of a world; the gold reward is 1 for the true candidate and 0 otherwise.

    An answer is one token: candidate a by its letter (id a + 1), or the end alone, which answers
    nothing; letters beyond a case's candidates answer nothing either. Nobody sees the gold reward,
    which is the sealed truth. The reference and the demonstrators know a little of it: a
    demonstrator of quality q names each letter as likely as exp(q·gold).
    """

    longest = 1
    attributes = ("true",)
    weights = torch.tensor([1.0])
    visible = torch.tensor([False])

    def __init__(
        self, place: World, cases: int = 64, *, seed: int = 0, quality: float = 1.0
    ) -> None:
        """`place`: whose questions; `seed`: of its cases; `quality`: of the demonstrators.

        Errors: OversightError for no cases, or more candidates than letters.
        """
        if cases < 1:
            raise OversightError(f"a task needs a case at least, got cases={cases}")
        if place.answers > len(ascii_uppercase):
            raise OversightError(
                f"{place.name} has {place.answers} candidates, and answers are letters: at most "
                f"{len(ascii_uppercase)}"
            )
        self.place, self.seed, self.quality = place, seed, quality
        self.count = cases if place.size is None else min(cases, place.size)
        self.name = f"questions of {place.name}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the task was made with, the world's settings among it."""
        return {"world": self.place.name, **self.place.settings, "cases": self.count,
                "seed": self.seed, "quality": self.quality}  # fmt: skip

    @cached_property
    def cases(self) -> Sequence[Case]:
        """The cases that prompts stand for."""
        return [case_of(self.place, index, self.seed) for index in range(self.count)]

    @derived
    def vocabulary(self) -> Vocabulary:
        """Letters, and each whole question as a word of its own."""
        return self._words

    @cached_property
    def _words(self) -> Vocabulary:
        letters = ascii_uppercase[: self.place.answers]
        asked = [_in_words(number, case) for number, case in enumerate(self.cases)]
        return Vocabulary((".", *letters), tuple(asked))

    @derived
    def prompts(self) -> Sequence[tuple[int, ...]]:
        """One token each."""
        first = self.place.answers + 1
        return [(first + number,) for number in range(self.count)]

    @cached_property
    def _truths(self) -> Int[Tensor, "prompts"]:
        return torch.tensor([case.truth.unseal() for case in self.cases])

    def values(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch attributes"]:
        """Whether the letter is the true candidate's."""
        return (answers == 1 + self._truths[prompts][:, None]).float()

    def reference(self) -> Float[Tensor, "prompts answers"]:
        """The demonstrators'."""
        return self._spoken(self.quality)

    def demonstrate(
        self, prompts: Int[Tensor, "batch"], draw: torch.Generator, quality: float | None = None
    ) -> Int[Tensor, "batch length"]:
        """A letter for each prompt, by demonstrators of a `quality`, the task's by default."""
        odds = self._spoken(self.quality if quality is None else quality)[prompts].exp()
        return self.answers[odds.multinomial(1, generator=draw)[:, 0]]

    def _spoken(self, quality: float) -> Float[Tensor, "prompts answers"]:
        return (quality * self.gold_table.double()).log_softmax(dim=1)


def _in_words(number: int, case: Case) -> str:
    """A question with its candidates by letter; the number tells it from its like."""
    answers = zip(ascii_uppercase, case.question.answers, strict=False)
    return "\n".join(
        [
            f"{number + 1}. {case.question.prompt}",
            *(f"{letter}) {words}" for letter, words in answers),
        ]
    )
