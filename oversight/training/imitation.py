"""H′: a model of the overseer, learned from transcripts of its work.

It sees what the overseer sees, a question and the answers so far, and says what the overseer would
do next: the subquestion it would ask, or that it would stop, and what it would then conclude.

Deviations: the paper's H′ reads a transcript with a transformer. Transcripts here have a fixed
shape, so that a table of linear weights (copying) beside one hidden layer (deciding) is enough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from oversight.algorithms import Task
from oversight.algorithms.amplify import Amplified
from oversight.algorithms.task import STOP, Ints
from oversight.training.transformer import Tokens


class Imitator(nn.Module):
    """Logits of the next subquestion's tokens, and of the conclusion."""

    def __init__(self, task: Task, hidden: int = 64) -> None:
        super().__init__()
        widths = task.question_widths
        blank = tuple(width + 1 for width in widths)  # one more value: nothing there yet
        read = (*widths, *((*blank, len(task.answers) + 1) * task.steps))
        self.said = (widths[0] + 1, *widths[1:], len(task.answers))  # the first may also stop
        self.reads = Tokens(read, sum(self.said) + hidden)
        self.decides = nn.Sequential(
            nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, sum(self.said)),
        )  # fmt: skip
        nn.init.zeros_(self.reads.table.weight[:, : sum(self.said)])

    def forward(self, read: Tensor) -> tuple[Tensor, ...]:
        """(N, tokens) -> one (N, ·) of logits for each token of what it says."""
        copied, thought = self.reads(read).tensor_split([sum(self.said)], dim=-1)
        return (copied + self.decides(thought)).split(self.said, dim=-1)


def as_read(task: Task, nodes: Ints, asked: Ints, heard: Ints) -> Ints:
    """(N, tokens) what H′ reads: (N,) questions, (N, s) subquestions and their answers so far."""
    n, steps = asked.shape
    widths = np.asarray(task.question_widths)
    own = task.table[nodes]
    parts = np.full((n, task.steps, len(widths) + 1), 0)
    parts[:, :, :-1] = widths  # blank
    parts[:, :, -1] = len(task.answers)
    there = asked != STOP
    parts[:, :steps, :-1][there] = task.table[asked[there]]
    parts[:, :steps, -1][there] = heard[there]
    return np.concatenate([own, parts.reshape(n, task.steps * (len(widths) + 1))], axis=1)


class Decisions(NamedTuple):
    """Every decision of some transcripts: what was read, and what was said on reading it."""

    read: Tensor  # (N, tokens)
    said: Tensor  # (N, W + 1): a subquestion's tokens, or stop; then the conclusion
    counts: Tensor  # (N, W + 1) 1 where the token was said


def decisions(task: Task, work: Amplified) -> Decisions:
    """The overseer's decisions, one after each answer; (B, Q) transcripts -> N decisions."""
    asked = work.asked.reshape(-1, task.steps)
    heard, nodes = work.heard.reshape(asked.shape), work.nodes.reshape(-1)
    answers, stop = work.answers.reshape(-1), task.question_widths[0]
    read: list[Ints] = []
    said: list[Ints] = []
    counts: list[Ints] = []
    for step in range(task.steps + 1):
        live = np.flatnonzero(asked[:, step - 1] != STOP) if step else np.arange(len(asked))
        read.append(as_read(task, nodes[live], asked[live, :step], heard[live, :step]))
        ask = asked[live, step] if step < task.steps else np.full(len(live), STOP)
        stops = ask == STOP
        tokens = np.where(stops[:, None], 0, task.table[ask])
        tokens[:, 0] = np.where(stops, stop, tokens[:, 0])
        said.append(np.concatenate([tokens, answers[live, None]], axis=1))
        spoken = np.repeat(~stops[:, None], tokens.shape[1] + 1, axis=1)
        spoken[:, 0], spoken[:, -1] = True, stops
        counts.append(spoken)
    return Decisions(*(torch.from_numpy(np.concatenate(each)) for each in (read, said, counts)))


def imitation_loss(net: Imitator, made: Decisions) -> Tensor:
    """Negative log-likelihood of what was said, (N,), in nats, summed over a decision's tokens."""
    losses = [
        cross_entropy(logits, made.said[:, place], reduction="none") * made.counts[:, place]
        for place, logits in enumerate(net(made.read))
    ]
    return torch.stack(losses).sum(dim=0)


class ImitatingOverseer:
    """H′ at work: samples what the overseer would do, or does what is most likely."""

    def __init__(
        self, task: Task, net: Imitator, generator: np.random.Generator | None = None
    ) -> None:
        """Without a generator it does what is most likely."""
        self.task, self.net, self.generator = task, net, generator

    def ask(self, nodes: Ints, asked: Ints, heard: Ints) -> Ints:
        """Tokens that are no question ask nothing."""
        *logits, _ = self._thinks(nodes, asked, heard)
        tokens = [self._pick(each) for each in logits]
        stops = tokens[0] == self.task.question_widths[0]
        tokens[0] = np.where(stops, 0, tokens[0])
        return np.where(stops, STOP, self.task.number(np.stack(tokens, axis=1)))

    def answer(self, nodes: Ints, asked: Ints, heard: Ints) -> Ints:
        """The conclusion."""
        return self._pick(self._thinks(nodes, asked, heard)[-1])

    def _thinks(self, nodes: Ints, asked: Ints, heard: Ints) -> tuple[Tensor, ...]:
        with torch.inference_mode():
            return self.net(torch.from_numpy(as_read(self.task, nodes, asked, heard)))

    def _pick(self, logits: Tensor) -> Ints:
        with torch.inference_mode():
            if self.generator is None:
                return logits.argmax(dim=1).numpy()
            below = logits.softmax(dim=1).cumsum(dim=1).numpy()
        luck = self.generator.random((len(below), 1), np.float32) * below[:, -1:]
        return (below <= luck).sum(axis=1)
