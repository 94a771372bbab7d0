"""What a policy is aligned on: prompts, answers, and the gold reward that nobody in training sees.

A task is trusted code. Methods get its prompts and its vocabulary; the gold reward is for the
metrics alone, and for the simulated overseers that see a part of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from oversight.alignment.vocabulary import Vocabulary, code, every_answer


class Task(ABC):
    """Prompts, answers to them, and how good those are. Does no work until asked."""

    name: str
    vocabulary: Vocabulary
    longest: int
    """Tokens of an answer at most, T; one that is shorter ends with `END`."""
    prompts: Sequence[tuple[int, ...]]
    """Every prompt by its tokens, all of one length."""
    attributes: Sequence[str]
    """Names of what answers are valued for; "toxic" is one where there is such a thing."""
    weights: Float[Tensor, "attributes"]
    """What each attribute counts for in the gold reward."""
    visible: Bool[Tensor, "attributes"]
    """Which attributes an overseer can see."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the task was made with: plain values that rebuild it."""
        return {}

    @abstractmethod
    def values(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch attributes"]:
        """The attributes of answers: the truth, for metrics and simulated overseers."""

    @abstractmethod
    def reference(self) -> Float[Tensor, "prompts answers"]:
        """log P of every answer (`answers`) to every prompt before any alignment."""

    @abstractmethod
    def demonstrate(
        self, prompts: Int[Tensor, "batch"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """An answer to each prompt by the task's demonstrators, whose quality varies."""

    def gold(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The gold reward."""
        return self.values(prompts, answers) @ self.weights

    @cached_property
    def answers(self) -> Int[Tensor, "answers longest"]:
        """Every answer there is."""
        return every_answer(len(self.vocabulary.answer), self.longest)

    @cached_property
    def table(self) -> Float[Tensor, "prompts answers attributes"]:
        """The attributes of every answer to every prompt."""
        return self.tabulated(self.values)

    @cached_property
    def gold_table(self) -> Float[Tensor, "prompts answers"]:
        """The gold reward of every answer to every prompt."""
        return self.table @ self.weights

    def tabulated(self, told: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """(prompts, answers, …): what is told of every answer to every prompt, asked at once."""
        size, every = len(self.prompts), len(self.answers)
        prompts = torch.arange(size).repeat_interleave(every)
        found = told(prompts, self.answers.repeat(size, 1))
        return found.view(size, every, *found.shape[1:])

    def number(self, answers: Int[Tensor, "*batch length"]) -> Int[Tensor, "*batch"]:
        """Where each answer stands in `answers`."""
        words = len(self.vocabulary.answer)
        known = code(self.answers, words)
        order = known.argsort()
        return order[torch.searchsorted(known[order], code(answers, words))]

    def contexts(
        self, prompts: Int[Tensor, "batch"], *after: Int[Tensor, "batch some"]
    ) -> Int[Tensor, "batch length"]:
        """The tokens of prompts, and of what stands after them."""
        table = torch.tensor(self.prompts, dtype=torch.long)
        return torch.cat([table[prompts], *after], dim=1)
