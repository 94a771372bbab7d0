"""How X's accuracy rises with the examples made for it: trainings carried out and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.algorithms import Task
from oversight.threads import one_thread
from oversight.training.amplification import Distillation
from oversight.training.reading import Reader
from oversight.training.recipe import Recipe
from oversight.training.transformer import Answerer

TESTED = (128, 16)
"""Contexts, and questions about each, that an accuracy is measured on."""


class Point(NamedTuple):
    """Where a training stands."""

    step: int
    examples: int
    """Targets made so far, each counted once however often it is trained on."""
    calls: int
    """Questions that overseers worked on so far."""
    difficulty: int
    accuracy: float
    """Of X on questions of the full difficulty that it was not trained on."""


class Curve(NamedTuple):
    """A training from its beginning to its end."""

    points: tuple[Point, ...]
    arrived: bool
    """Whether the curriculum reached the full difficulty; if not, it stopped at the budget."""
    net: Answerer


def learn(
    recipe: Recipe,
    steps: int,
    *,
    every: int = 50,
    enough: float = 1.0,
    checkpoint: Path | None = None,
    saves: int = 500,
    progress: Callable[[int, int], None] | None = None,
) -> Curve:
    """Train for at most `steps` steps, measuring `every` so many.

    Args:
        recipe: what is trained.
        steps: the budget; a curriculum that never advances ends here.
        every: steps between two points.
        enough: an accuracy at which to stop before the budget.
        checkpoint: a file to go on from, if it is there, and to write; the curve is then the same
            as if nobody had interrupted it.
        saves: steps between two checkpoints.
        progress: told (steps done, steps).
    """
    with one_thread():
        training, points = Distillation(recipe), list[Point]()
        if checkpoint is not None and checkpoint.exists():
            points = [Point(*kept) for kept in training.load(checkpoint)]
        while training.steps < steps and not (points and points[-1].accuracy >= enough):
            training.step()
            if training.steps % every == 0 or training.steps == steps:
                points.append(_point(training))
                if progress is not None:
                    progress(training.steps, steps)
            if checkpoint is not None and training.steps % saves == 0:
                training.save(checkpoint, points)
        return Curve(tuple(points), training.arrived, training.student)


def _point(training: Distillation) -> Point:
    right = tested(training.student, training.task, training.recipe.seed)
    return Point(
        training.steps, training.examples, training.calls, training.difficulty, float(right.mean())
    )


def tested(net: Answerer, task: Task, seed: int) -> NDArray[np.float64]:
    """(contexts,) X's accuracy on fresh contexts, over questions of every depth."""
    contexts, nodes = fresh_questions(task, seed)
    true = np.take_along_axis(task.solve(contexts), nodes, axis=1)
    return (Reader(net, task, contexts)(contexts, nodes) == true).mean(axis=1)


def accuracy_by_depth(net: Answerer, task: Task, seed: int) -> NDArray[np.float64]:
    """(contexts, difficulty) X's accuracy on every question of depth 1, 2, … about fresh contexts.

    NaN where a context has no question of a depth.
    """
    draw = keys.generator(keys.root(seed, "tested by depth"))
    contexts = task.contexts(draw, TESTED[0], task.difficulty)
    asked = task.askable(task.difficulty)
    nodes = np.broadcast_to(asked, (len(contexts), len(asked)))
    right = Reader(net, task, contexts)(contexts, nodes) == task.solve(contexts)[:, asked]
    depths = task.depths(contexts)[:, asked, None] == np.arange(1, task.difficulty + 1)
    count = depths.sum(axis=1)
    shares = (depths & right[:, :, None]).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, shares, np.nan)


def fresh_questions(task: Task, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Contexts and nodes that no training of this seed has drawn, but by chance."""
    draw = keys.generator(keys.root(seed, "tested"))
    contexts = task.contexts(draw, TESTED[0], task.difficulty)
    return contexts, task.questions(draw, TESTED[0], TESTED[1], task.difficulty)


def examples_to(points: tuple[Point, ...], accuracy: float) -> float:
    """The examples at which an accuracy was first reached, interpolated; NaN if it never was."""
    before = (0, 0.0)
    for point in points:
        if point.accuracy >= accuracy:
            share = (accuracy - before[1]) / (point.accuracy - before[1])
            return before[0] + share * (point.examples - before[0])
        before = (point.examples, point.accuracy)
    return float("nan")
