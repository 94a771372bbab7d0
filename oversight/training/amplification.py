"""Iterated distillation and amplification: X learns what an overseer can do with X's help.

Christiano, Shlegeris, Amodei 2018, arXiv:1810.08575, section 2. Four processes, here in turns: (1)
an overseer works on questions with X as its assistant; (2) H′ learns to do what it did; (3) targets
are made by Amplify^{H′}(teacher), the teacher being a moving average of X; (4) X learns them.
Difficulty rises by one when the teacher's smoothed agreement with the targets passes 0.85, and
overseers are asked less, ×1/.1/.01, as H′'s loss on their fresh work falls below .1/.01 (the
authors' code). The supervised baseline is the same but for the targets, which are true.

Deviations: one core, so everything is small, and each made batch is trained on `reuse` times from
a pool (the authors' processes share a buffer in the same way, at no fixed rate). H′ is no
transformer (`oversight.training.imitation`). Harder questions come apart into what H′ has never
seen, so that its loss is unknown when difficulty rises, and overseers are asked at the full rate.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import get_ema_multi_avg_fn

from oversight import keys
from oversight.algorithms import RuleOverseer, amplify
from oversight.algorithms.amplify import majority
from oversight.algorithms.task import Ints
from oversight.core import OversightError
from oversight.store import write_whole
from oversight.threads import one_thread
from oversight.training.imitation import (
    Decisions,
    ImitatingOverseer,
    Imitator,
    decisions,
    imitation_loss,
)
from oversight.training.reading import Reader
from oversight.training.recipe import Recipe, descend, optimizer

LEARNED = 0.01
"""The loss, in nats a decision, below which H′ has learned what there is: it then rests too."""
CHECKED = 4
"""One question in so many is checked for whether the teacher agrees with its target."""


class Distillation:
    """One training under way. `step` it; `save` and `load` go on bit by bit as if uninterrupted.

    On one machine the same recipe gives the same bits; draws are keyed by the step.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.task = recipe, recipe.make()
        self.student = recipe.answerer()
        with torch.random.fork_rng():
            torch.manual_seed(keys.root(recipe.seed, "imitator") % 2**63)
            self.imitator = Imitator(self.task)
        self.teacher = copy.deepcopy(self.student)
        self._olds: list[Tensor] = list(self.teacher.parameters())
        self._news: list[Tensor] = list(self.student.parameters())
        self._learn_student = optimizer(self.student, recipe.rate)
        self._learn_imitator = optimizer(self.imitator, recipe.imitation_rate)
        self.steps = self.examples = self.calls = 0
        self.difficulty = 1
        self.loss = float("inf")  # of H′ on work that it has not learned from
        self._agreement, self._agreed = 0.0, 0
        self._owed = 0.0
        self._pool: tuple[Tensor, ...] | None = None  # contexts, questions' tokens, targets
        self._work: Decisions | None = None

    # The four processes

    def step(self) -> None:
        """One step of X, with its share of the other processes."""
        with one_thread():
            if self.recipe.targets == "amplified":
                self._oversee()
            if self.steps % (self.recipe.reuse * self.recipe.ahead) == 0:
                self._make_targets()
            self.train_student(*self._sample())
            self.steps += 1

    def _oversee(self) -> None:
        """Processes 1 and 2: overseers work, and H′ learns from all their work so far."""
        recipe = self.recipe
        if self.steps == 0:
            self._collect(recipe.first_calls)
            for number in range(recipe.first_calls // 5):
                self._train_imitator(self._draws("first", number))
        elif self.steps % recipe.poll == 0:
            self._owed += self.thinning * recipe.calls * recipe.poll
            if self._owed >= 1:
                self._collect(int(self._owed))
                self._owed -= int(self._owed)
        if self.steps % (2 if self.loss >= LEARNED else recipe.poll) == 0:
            self._train_imitator(self._draws("imitate"))

    @property
    def thinning(self) -> float:
        """The share of the full rate at which overseers are asked, by H′'s loss."""
        return 0.01 if self.loss < LEARNED else 0.1 if self.loss < 0.1 else 1.0

    def _collect(self, count: int) -> None:
        """Overseers work on one question each; H′'s loss on it is measured before it learns it."""
        draw, recipe = self._draws("oversee"), self.recipe
        overseer = RuleOverseer(self.task, recipe.failure, recipe.failure_kind, draw)
        contexts = self.task.contexts(draw, count, self.difficulty)
        nodes = self.task.questions(draw, count, 1, self.difficulty)
        assistant = Reader(self.teacher, self.task, contexts)
        made = decisions(self.task, amplify(self.task, overseer, assistant, contexts, nodes))
        if self._work is not None:  # else it has learned nothing yet
            with torch.no_grad():
                fresh = float(imitation_loss(self.imitator, made).mean())
            kept = (1 - 1 / self._horizon()) ** count if np.isfinite(self.loss) else 0.0
            self.loss = fresh if not kept else kept * self.loss + (1 - kept) * fresh
        self.calls += count
        self._work = made if self._work is None else _joined(self._work, made)

    def _horizon(self) -> float:
        return max(2.0, self.recipe.loss_horizon * self.thinning)

    def _train_imitator(self, draw: np.random.Generator) -> None:
        assert self._work is not None  # overseers worked before the first step
        rows = torch.from_numpy(draw.integers(0, len(self._work.read), self.recipe.imitation))
        made = Decisions(*(each[rows] for each in self._work))
        descend(self.imitator, self._learn_imitator, imitation_loss(self.imitator, made).mean())

    def _make_targets(self) -> None:
        """Process 3: batches of questions and their targets; the curriculum goes by them."""
        recipe, task, draw = self.recipe, self.task, self._draws("targets")
        count = recipe.ahead * recipe.batch
        contexts = task.contexts(draw, count, self.difficulty)
        nodes = task.questions(draw, count, recipe.questions, self.difficulty)
        teacher = Reader(self.teacher, task, contexts)
        if recipe.targets == "true":
            targets = np.take_along_axis(task.solve(contexts), nodes, axis=1)
        else:
            targets = self._amplified(draw, teacher, nodes)
        some = max(1, recipe.questions // CHECKED)
        agreed = teacher(contexts, nodes[:, :some]) == targets[:, :some]
        agreed &= targets[:, :some] != task.none
        self._keep(contexts, task.table[nodes], targets)
        self.examples += targets.size
        self.raise_difficulty(float(agreed.mean()), recipe.ahead)

    def _keep(self, *made: Ints) -> None:
        most = self.recipe.pool * self.recipe.batch
        tensors = [torch.from_numpy(each) for each in made]
        if self._pool is not None:
            tensors = [torch.cat(pair)[-most:] for pair in zip(self._pool, tensors, strict=True)]
        self._pool = tuple(tensors)

    def _amplified(self, draw: np.random.Generator, teacher: Reader, nodes: Ints) -> Ints:
        task, votes = self.task, self.recipe.votes
        overseer = ImitatingOverseer(task, self.imitator, draw)
        again = np.tile(nodes, (1, votes))
        answers = amplify(task, overseer, teacher, teacher.contexts, again).answers
        if votes == 1:
            return answers
        of_each = answers.reshape(len(nodes), votes, -1).swapaxes(0, 1)
        return majority(of_each.reshape(votes, -1), len(task.answers)).reshape(nodes.shape)

    def raise_difficulty(self, agreed: float, batches: int = 1) -> None:
        """Note how often the teacher agreed with its targets; go on if that is often enough."""
        self._agreed += batches
        weight = min(1.0, batches / min(self._agreed, self.recipe.patience))
        self._agreement += weight * (agreed - self._agreement)
        settled = self._agreed >= self.recipe.patience / 2
        if settled and self._agreement > self.recipe.quality and not self.arrived:
            self.difficulty += 1
            self._agreement, self._agreed = 0.0, 0
            self.loss = float("inf")  # it was measured on easier questions

    @property
    def arrived(self) -> bool:
        """Whether the curriculum is at its end."""
        return self.difficulty == self.recipe.difficulty

    def _sample(self) -> tuple[Tensor, Tensor, Tensor]:
        assert self._pool is not None  # targets were made before the first step
        luck = keys.uniforms(np.array([self._key("step")], np.uint64), self.recipe.batch)[0]
        which = torch.from_numpy((luck * len(self._pool[0])).astype(np.int64))
        contexts, tokens, targets = (part[which] for part in self._pool)
        return contexts, tokens, targets

    def train_student(self, contexts: Tensor, tokens: Tensor, targets: Tensor) -> None:
        """Process 4: one step of X on a batch; then the teacher follows."""
        logits = self.student(contexts, tokens)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        descend(self.student, self._learn_student, loss)
        weight = 1 / min(self.steps + 1, self.recipe.horizon)
        get_ema_multi_avg_fn(1 - weight)(self._olds, self._news, self.steps)

    def _draws(self, *name: object) -> np.random.Generator:
        return keys.generator(self._key(*name))

    def _key(self, *name: object) -> int:
        return keys.root(self.recipe.seed, "ida", *name, self.steps)

    # To go on from

    def state(self) -> dict[str, Any]:
        """All of it, as tensors and plain values."""
        return {
            "recipe": asdict(self.recipe),
            "student": self.student.state_dict(),
            "teacher": self.teacher.state_dict(),
            "imitator": self.imitator.state_dict(),
            "learn_student": self._learn_student.state_dict(),
            "learn_imitator": self._learn_imitator.state_dict(),
            "counts": {name: getattr(self, name) for name in _COUNTS},
            "pool": self._pool,
            "work": None if self._work is None else tuple(self._work),
        }

    def save(self, path: Path, beside: Sequence[tuple[float, ...]] = ()) -> None:
        """Write a checkpoint, whole or not at all, with some rows of numbers beside it."""
        held = self.state() | {"beside": [tuple(row) for row in beside]}
        write_whole(path, lambda file: torch.save(held, file))

    def load(self, path: Path) -> list[tuple[Any, ...]]:
        """Go on from a checkpoint; returns what was beside it.

        OversightError if it cannot be read, or is of another recipe.
        """
        try:
            held: dict[str, Any] = torch.load(path, weights_only=True)
        except Exception as error:
            raise OversightError(f"{path} cannot be read ({error}); delete it") from error
        if held["recipe"] != asdict(self.recipe):
            raise OversightError(f"{path} is of another recipe; choose another file, or delete it")
        for name in ("student", "teacher", "imitator"):
            getattr(self, name).load_state_dict(held[name])
        self._learn_student.load_state_dict(held["learn_student"])
        self._learn_imitator.load_state_dict(held["learn_imitator"])
        for name, value in held["counts"].items():
            setattr(self, name, value)
        self._pool = held["pool"]
        self._work = None if held["work"] is None else Decisions(*held["work"])
        return held["beside"]


_COUNTS = ("steps", "examples", "calls", "difficulty", "loss", "_agreement", "_agreed", "_owed")


def _joined(one: Decisions, other: Decisions) -> Decisions:
    return Decisions(*(torch.cat(pair) for pair in zip(one, other, strict=True)))
