"""A task of two prompts and fifteen answers, small enough to check by hand, and who judges it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.overseer import Critique, Overseer
from oversight.alignment.policies.exact import ExactPolicy
from oversight.alignment.signals import SIGNALS
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import END, PAD, Vocabulary, every_answer


class Handful(Task):
    """Two prompts, two words, answers of up to three tokens.

    The gold reward is the share of the word that the prompt asks for, less a half for "toxic" words
    where the other prompt's word is one.
    """

    name = "handful"
    vocabulary = Vocabulary((".", "yes", "no"), ("agree?", "deny?"))
    longest = 3
    prompts = ((3,), (4,))
    attributes = ("fit", "toxic", "length")
    weights = torch.tensor([1.0, -0.5, 0.0])
    visible = torch.tensor([True, True, True])

    def values(self, prompts: Tensor, answers: Tensor) -> Tensor:
        words = (answers > END).sum(dim=1)
        wanted = (answers == 1 + prompts[:, None]).sum(dim=1)
        toxic = (answers == 2).sum(dim=1)
        return torch.stack([wanted / 3, toxic / 3, words / 3], dim=1)

    def reference(self) -> Tensor:
        size = len(every_answer(3, 3))
        tilt = torch.linspace(0, 1, size)
        return torch.log_softmax(torch.stack([tilt, -tilt]), dim=1)

    def demonstrate(self, prompts: Tensor, draw: torch.Generator) -> Tensor:
        odds = (self.reference() + 2 * self.gold_table).softmax(dim=1)
        return self.answers[odds[prompts].multinomial(1, generator=draw)[:, 0]]


class Onlooker(Overseer):
    """Sees what is visible, and gives every signal, by Bradley–Terry at a temperature."""

    name = "onlooker"
    gives = frozenset(SIGNALS)

    def __init__(self, task: Task, temperature: float = 0.1) -> None:
        self.task, self.temperature = task, temperature

    def esteem(self, prompts: Tensor, answers: Tensor) -> Tensor:
        return self.task.values(prompts, answers) @ (self.task.weights * self.task.visible)

    def credence(
        self, prompts: Tensor, first: Tensor, second: Tensor, draw: torch.Generator
    ) -> Tensor:
        margin = self.esteem(prompts, first) - self.esteem(prompts, second)
        return torch.sigmoid(margin / self.temperature)

    def score(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        return self.esteem(prompts, answers)

    def rank(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        items = answers.shape[1]
        flat = self.esteem(prompts.repeat_interleave(items), answers.flatten(0, 1))
        return flat.view(len(prompts), items)

    def critique(
        self, prompts: Tensor, answers: Tensor, items: int, draw: torch.Generator
    ) -> Critique:
        """Each refinement puts the wanted word in a place of the answer."""
        refined = answers[:, None].repeat(1, items, 1)
        for item in range(items):
            refined[:, item, item % 3] = 1 + prompts
        return Critique(torch.zeros(len(prompts), dtype=torch.long), _mended(refined))

    def label(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        return self.task.values(prompts, answers) * self.task.visible


def _mended(answers: Tensor) -> Tensor:
    """Nothing stands after an end."""
    ended = (answers == END).cumsum(dim=-1) - (answers == END).long()
    return torch.where((ended > 0) | (answers == PAD), PAD, answers)


def exact(task: Task, controls: Sequence[str] = ()) -> ExactPolicy:
    """The task's reference as a table."""
    vocabulary = task.vocabulary.with_controls(controls)
    return ExactPolicy(vocabulary, task.longest, task.prompts, task.reference(), controls)


def lab(steps: int = 200, *, labels: int = 2048, temperature: float = 0.1, seed: int = 0) -> Lab:
    """A lab on the task, with an exact reference."""
    task = Handful()
    reference = exact(task).frozen()
    return Lab(task, Onlooker(task, temperature), reference, steps, 64, labels, seed)
