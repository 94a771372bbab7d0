"""The reference of a language model: fine-tuned for a moment, so that its answers make sense.

It descends −log π of the task's demonstrations, as the policy itself counts it: over the words of
answers, prompts masked. A prompt is followed by one of the method's controls or by none, so that a
control asks for nothing yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from oversight.alignment.luck import luck
from oversight.alignment.policies.language_model import LanguageModelPolicy
from oversight.alignment.policies.spelling import spelling
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import PAD
from oversight.models.local import LocalModel
from oversight.threads import one_thread
from oversight.training.descent import Pace, descend


@dataclass(frozen=True)
class Tuning:
    """How a language model is made a reference.

    Attributes:
        steps: of the fine-tuning; 0 leaves the model as it is.
        batch: demonstrations a step.
        rate: Adam's learning rate.
    """

    steps: int
    rate: float
    batch: int = 8


def tuned_reference(
    task: Task, model: LocalModel, tuning: Tuning, *, controls: Sequence[str] = (), seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LanguageModelPolicy:  # fmt: skip
    """A policy that answers roughly as the task's demonstrators do. Changes the model's weights."""
    vocabulary = task.vocabulary.with_controls(controls)
    spelled = spelling(vocabulary, model.words.tokenizer)
    policy = LanguageModelPolicy(vocabulary, task.longest, model.reader.net, spelled, model.name)
    lesson = _Lesson(policy.requires_grad_(True), task, controls, tuning.batch, seed)
    with one_thread():
        pace = Pace(tuning.steps, tuning.rate, every=max(1, tuning.steps))
        descend(lesson, pace, lambda _: {}, progress=progress)
    return policy


class _Lesson:
    """What a reference learns, as the loop sees it."""

    def __init__(
        self, policy: LanguageModelPolicy, task: Task, controls: Sequence[str], batch: int,
        seed: int,
    ) -> None:  # fmt: skip
        self.memory, self.task, self.batch, self.seed = policy, task, batch, seed
        named = policy.vocabulary.within(controls)
        self.after = torch.tensor([PAD, *named], dtype=torch.long)[:, None]

    @property
    def learner(self) -> LanguageModelPolicy:
        """The policy."""
        return self.memory

    @property
    def identity(self) -> Mapping[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    def loss(self, step: int) -> Tensor:
        """−log π of demonstrations."""
        draw = luck(self.seed, "tuned", step)
        prompts = torch.randint(len(self.task.prompts), (self.batch,), generator=draw)
        after = self.after[torch.randint(len(self.after), (self.batch,), generator=draw)]
        answers = self.task.demonstrate(prompts, draw)
        return -self.memory.log_probs(self.task.contexts(prompts, after), answers)
