"""How much iterated amplification costs beside training alone, per step of X.

Ours is `Distillation.step`: overseers asked, H′ trained, targets made by Amplify^{H′}(teacher) for
every fourth step (each made batch is trained on four times, from a pool: the recipe's `reuse`),
a batch drawn from the pool, X trained, the teacher moved. Theirs is the bare loop: the same X, the
same optimizer and clipping, on one batch of the same shape that is ready beforehand. Both after 60
steps of ours, past the first overseers; repetitions take turns and medians are compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from oversight.training.amplification import Distillation
from oversight.training.recipe import Recipe, descend, optimizer
from oversight.training.transformer import one_thread

BEFORE, STEPS, REPEATS = 60, 40, 7
BAR = 0.8
TASKS = ("permutation_powering", "union_find")


def rows() -> list[dict[str, Any]]:
    """One entry a task; `holds` says whether `ratio` reaches `bar`."""
    with one_thread():
        return [_row(task) for task in TASKS]


def _row(task: str) -> dict[str, Any]:
    training = Distillation(Recipe(task, 8, 2))
    for _ in range(BEFORE):
        training.step()
    training.difficulty = 2  # where most of a training is spent, and targets cost most
    ours, theirs = _take_turns(training.step, _bare(training))
    ratio = theirs / ours
    return {
        "name": f"steps/s of X in amplification and in a bare loop, {task}",
        "ours": 1 / ours,
        "theirs": 1 / theirs,
        "ratio": ratio,
        "bar": BAR,
        "holds": ratio >= BAR,
    }


def _bare(training: Distillation) -> Callable[[], None]:
    """The loop that everybody writes, on a batch that is there."""
    recipe, task = training.recipe, training.task
    net = recipe.answerer()
    learn = optimizer(net, recipe.rate)
    draw = np.random.default_rng(0)
    contexts = task.contexts(draw, recipe.batch, 2)
    nodes = task.questions(draw, recipe.batch, recipe.questions, 2)
    true = np.take_along_axis(task.solve(contexts), nodes, axis=1)
    facts, tokens, targets = (torch.from_numpy(a) for a in (contexts, task.table[nodes], true))

    def step() -> None:
        logits = net(facts, tokens)
        descend(net, learn, cross_entropy(logits.flatten(0, 1), targets.flatten()))

    return step


def _take_turns(*steps: Callable[[], None]) -> list[float]:
    """The median seconds of a step of each, after a first round that does not count."""
    times: list[list[float]] = [[] for _ in steps]
    for repeat in range(REPEATS + 1):
        for step, taken in zip(steps, times, strict=True):
            start = time.perf_counter()
            for _ in range(STEPS):
                step()
            if repeat:
                taken.append((time.perf_counter() - start) / STEPS)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    for row in rows():
        print(row)
