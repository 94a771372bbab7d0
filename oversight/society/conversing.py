"""A task whose policies can also say what is wrong with an answer, and mend it.

Contexts, in words of the wrapped task and a few more:

    PROMPT                          -> an answer
    PROMPT DRAFT comment            -> a reason, such as more-honest
    PROMPT DRAFT revise             -> a reason, and then the revision

Prompts, gold reward and attributes are the wrapped task's; a reason in a plain answer ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.task import Task
from oversight.alignment.vocabulary import END, PAD, Vocabulary, cut

COMMENT, REVISE = "comment", "revise"


class Conversing(Task):
    """See the module; answers are a token longer than the wrapped task's, for the reason."""

    name = "conversing"

    def __init__(self, task: Task) -> None:
        self.base = task
        reasons = [f"{way}-{name}" for name in task.attributes for way in ("more", "less")]
        told = task.vocabulary
        self.vocabulary = Vocabulary((*told.answer, *reasons), (*told.context, COMMENT, REVISE))
        self.longest = task.longest + 1
        self.prompts = [self.vocabulary.within(told.words[w] for w in p) for p in task.prompts]
        self.attributes, self.weights = task.attributes, task.weights
        self.visible = task.visible

    @property
    def settings(self) -> Mapping[str, Any]:
        """The wrapped task's."""
        return self.base.settings

    @cached_property
    def answers(self) -> Int[Tensor, "answers longest"]:
        """The wrapped task's, in its order; no reasons."""
        return self._longer(self.base.answers)

    def reason(self, number: int) -> int:
        """The token of a reason, 2k for more of attribute k and 2k + 1 for less."""
        return len(self.base.vocabulary.answer) + number

    def values(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch attributes"]:
        """Of what stands before a reason."""
        return self.base.values(prompts, self._plain(answers))

    def reference(self) -> Float[Tensor, "prompts answers"]:
        """The wrapped task's."""
        return self.base.reference()

    def demonstrate(
        self, prompts: Int[Tensor, "batch"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """The wrapped task's."""
        return self._longer(self.base.demonstrate(prompts, draw))

    def _longer(self, answers: Tensor) -> Tensor:
        """With an end after those that fill all of the wrapped task's room."""
        full = (answers > END).all(dim=1, keepdim=True)
        return torch.cat([answers, torch.where(full, END, PAD)], dim=1)

    def _plain(self, answers: Tensor) -> Tensor:
        """As the wrapped task has them."""
        return cut(answers, len(self.base.vocabulary.answer))[:, : self.base.longest]
