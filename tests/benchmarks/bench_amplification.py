"""How much iterated amplification costs beside training alone, per step of X.

Ours is `Distillation.step`: overseers asked, H′ trained at every other step, targets made
by Amplify^{H′}(teacher) at every `reuse`-th step, a batch drawn from the pool, X trained, the
teacher moved. Making targets takes several passes of the teacher, so each made batch is trained on
`reuse` times, as the authors' processes share a buffer. Theirs is the bare loop: the same X, the
same optimizer and clipping, on one batch of the same shape that is ready beforehand. Ours is at the
full difficulty and past its first overseers; repetitions take turns, medians are compared.

The recipe's own reuse is 4: it learns in fewer steps than more reuse does, and costs more a step.
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

BEFORE, STEPS, REPEATS = 200, 40, 9
BAR = 0.8
TASKS = ("permutation_powering", "union_find")
REUSES = (16, 8, 4)


def rows() -> list[dict[str, Any]]:
    """One entry a task and reuse; `holds` says whether `ratio` reaches `bar`."""
    with one_thread():
        return [_row(task, reuse) for reuse in REUSES for task in TASKS]


def _row(task: str, reuse: int) -> dict[str, Any]:
    training = Distillation(Recipe(task, 8, 2, reuse=reuse))
    training.difficulty = 2  # where most of a training is spent, and targets cost most
    for _ in range(BEFORE):
        training.step()
    ours, theirs = _take_turns(training.step, _bare(training))
    ratio = theirs / ours
    return {
        "name": f"steps/s of X in amplification and in a bare loop, {task}, reuse {reuse}",
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
