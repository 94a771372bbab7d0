"""How much iterated amplification costs beside training alone, per step of X.

Ours is `Distillation.step`: overseers asked, H′ trained at every other step (less often once it has
learned), targets made by Amplify^{H′}(teacher), `ahead` batches at a time, a batch drawn from the
pool, X trained, the teacher moved. Making targets takes several passes of the teacher, so each made
batch is trained on `reuse` times, as the authors' processes share a buffer. Theirs is the bare
loop: the same X, the same optimizer and clipping, on one batch of the same shape that is ready
beforehand. Ours is at the full difficulty and past its first overseers. A repetition holds whole
rounds of making targets and of asking overseers; repetitions take turns, medians are compared.

The recipe's own reuse is 4: it learns in fewer steps than more reuse does, and costs more a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from oversight.threads import one_thread
from oversight.training.amplification import Distillation
from oversight.training.recipe import Recipe, descend, optimizer
from tests.benchmarks.measure import row, take_turns

BEFORE, TIMED = 200, 360
"""Steps before the first repetition, and in all of them, at least three."""
BAR = 0.8
TASKS = ("permutation_powering", "union_find")
REUSES = (16, 8, 4)


def rows() -> list[dict[str, Any]]:
    """One entry a task and reuse; `holds` says whether `ratio` reaches `bar`."""
    with one_thread():
        return [_measured(task, reuse) for reuse in REUSES for task in TASKS]


def _measured(task: str, reuse: int) -> dict[str, Any]:
    training = Distillation(Recipe(task, 8, 2, reuse=reuse))
    training.difficulty = 2  # where most of a training is spent, and targets cost most
    for _ in range(BEFORE):
        training.step()
    steps = math.lcm(reuse * training.recipe.ahead, training.recipe.poll)
    ours, theirs = take_turns(
        _several(training.step, steps), _several(_bare(training), steps),
        repeats=max(3, TIMED // steps),
    )  # fmt: skip
    name = f"steps/s of X in amplification and in a bare loop, {task}, reuse {reuse}"
    return row(name, steps / ours, steps / theirs, BAR)


def _several(step: Callable[[], None], steps: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(steps):
            step()

    return run


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


if __name__ == "__main__":
    for found in rows():
        print(found)
