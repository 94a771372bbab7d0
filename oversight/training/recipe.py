"""What is trained by amplification, and how: a value, and what is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from oversight import keys
from oversight.algorithms import EVERY_TASK, Task
from oversight.algorithms.amplify import FailureKind
from oversight.core import OversightError
from oversight.training.transformer import Answerer

Targets = Literal["amplified", "true"]


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how. Counts are of contexts, questions and steps.

    Attributes:
        task, symbols, difficulty: what the questions are about, at the end of the curriculum.
        targets: of Amplify^{H′}(teacher), or true ones (the supervised baseline).
        failure, failure_kind: how often, and how, the overseer's conclusions are wrong.
        votes: how many amplified answers each target is the majority of (reliability).
        width, layers: of X.
        rate, imitation_rate: Adam's learning rates, of X and of H′.
        batch, questions: contexts a batch, questions a context.
        reuse: how often X is trained on as much as was made anew.
        ahead: how many batches are made at a time; the teacher's passes are then fewer and larger.
        pool: how many batches are kept to train on.
        horizon: of the teacher's average, in steps of X.
        quality, patience: the agreement at which difficulty rises, and over how many batches it is
            averaged, at least half as many of them at the same difficulty.
        first_calls, calls: overseers asked at the start, and a step of X at the full rate.
        poll: overseers are asked every so many steps.
        loss_horizon: overseers that H′'s loss is averaged over, at the full rate.
        imitation: decisions in a batch of H′, which learns at every other step of X, or as
            seldom as overseers are polled once its loss is below .01.
        seed: of the initial weights and of every draw.
    """

    task: str
    symbols: int = 8
    difficulty: int = 2
    targets: Targets = "amplified"
    failure: float = 0.0
    failure_kind: FailureKind = "random"
    votes: int = 1
    width: int = 64
    layers: int = 3
    rate: float = 2e-3
    imitation_rate: float = 1e-2
    batch: int = 32
    questions: int = 16
    reuse: int = 4
    ahead: int = 2
    pool: int = 32
    horizon: int = 50
    quality: float = 0.85
    patience: int = 4
    first_calls: int = 500
    calls: int = 4
    poll: int = 10
    loss_horizon: int = 100
    imitation: int = 128
    seed: int = 0

    def make(self) -> Task:
        """The task at the end of the curriculum; OversightError if there is none such."""
        if self.task not in EVERY_TASK:
            raise OversightError(f"unknown task {self.task!r}; known: {', '.join(EVERY_TASK)}")
        return EVERY_TASK[self.task](self.symbols, self.difficulty)

    def answerer(self) -> Answerer:
        """An untrained X; its weights come from the seed alone."""
        task = self.make()
        with torch.random.fork_rng():
            torch.manual_seed(keys.root(self.seed, "weights") % 2**63)
            return Answerer(
                task.fact_widths, task.question_widths, task.named_by, len(task.answers),
                width=self.width, facts_named_by=task.facts_named_by, layers=self.layers,
            )  # fmt: skip


def optimizer(net: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Adam, with the β₂ of the authors' code."""
    return torch.optim.Adam(net.parameters(), rate, betas=(0.9, 0.98), fused=True)


def descend(net: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down a loss, the gradient's norm clipped at 1."""
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
