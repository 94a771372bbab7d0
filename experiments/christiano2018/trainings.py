"""The trainings of the experiment: what is trained at each scale, carried out and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from oversight.algorithms import TASKS
from oversight.computed import computed
from oversight.pool import fork_map
from oversight.study import Job
from oversight.training.learning_curve import Point, learn
from oversight.training.recipe import Recipe

FAILURE = 0.2
VOTES = 5
ARMS: Mapping[str, Mapping[str, Any]] = {
    "amplified": {"targets": "amplified"},
    "supervised": {"targets": "true"},
}
FAILING: Mapping[str, Mapping[str, Any]] = {
    "random failures": {"failure": FAILURE},
    "random failures, votes": {"failure": FAILURE, "votes": VOTES},
    "systematic failures": {"failure": FAILURE, "failure_kind": "systematic"},
    "systematic failures, votes": {
        "failure": FAILURE, "failure_kind": "systematic", "votes": VOTES,
    },
}  # fmt: skip


class Lesson(NamedTuple):
    """One task at one size, the budget of a training of it, and the size of X."""

    symbols: int
    difficulty: int
    steps: int
    width: int = 64
    layers: int = 3
    rate: float = 2e-3


class Size(NamedTuple):
    """How much is trained at a scale."""

    lessons: Mapping[str, Lesson]
    seeds: int
    failing: tuple[str, Lesson]
    """The task that overseers fail at, too."""
    arms: tuple[str, ...]
    """Which kinds of failure."""


_FULL = {
    "permutation_powering": Lesson(8, 2, 3_000),
    "sequential_assignments": Lesson(8, 3, 4_000),
    "wildcard_search": Lesson(8, 3, 2_000),
    "shortest_path": Lesson(8, 3, 4_000),
    "union_find": Lesson(8, 3, 2_000),
}
_AT_QUICK = ("random failures", "random failures, votes", "systematic failures, votes")
_SMALL = Lesson(4, 2, 320, width=32, layers=2, rate=4e-3)
_QUICK = {"permutation_powering": Lesson(6, 2, 800, width=48, rate=4e-3), "union_find": _SMALL}
SIZES: Mapping[str, Size] = {
    "quick": Size(_QUICK, 2, ("union_find", _SMALL._replace(steps=240)), _AT_QUICK),
    "full": Size(_FULL, 3, ("union_find", Lesson(8, 3, 2_000)), tuple(FAILING)),
    "paper": Size(_FULL, 8, ("union_find", Lesson(8, 3, 2_000)), tuple(FAILING)),
}
EVERY = 20
"""Steps between two points of a curve."""
ENOUGH = 0.92
"""The accuracy at which a training is stopped before its budget."""
assert set(_FULL) == set(TASKS)


class Training(NamedTuple):
    """One training to carry out."""

    task: str
    arm: str
    seed: int
    lesson: Lesson

    def recipe(self, root: int) -> Recipe:
        """How it is trained; `root` is the job's seed."""
        changed = {**ARMS, **FAILING}[self.arm]
        sizes = {k: v for k, v in self.lesson._asdict().items() if k != "steps"}
        return Recipe(self.task, seed=1000 * root + self.seed, **sizes, **changed)


class Learned(NamedTuple):
    """What a training gave."""

    training: Training
    points: tuple[Point, ...]
    arrived: bool

    def accuracy_at(self, step: int) -> float:
        """The accuracy at a step; one that was stopped early keeps its last."""
        steps = [point.step for point in self.points]
        return self.points[min(int(np.searchsorted(steps, step)), len(steps) - 1)].accuracy


def trainings(size: Size) -> Iterator[Training]:
    """Everything to train at a scale."""
    for seed in range(size.seeds):
        for task, lesson in size.lessons.items():
            for arm in ARMS:
                yield Training(task, arm, seed, lesson)
        task, lesson = size.failing
        for arm in size.arms:
            yield Training(task, arm, seed, lesson)


def learn_all(job: Job, size: Size) -> list[Learned]:
    """Every training, carried out or read back; an interrupted one goes on from its checkpoint."""
    wanted = list(trainings(size))
    found: list[Learned] = []
    for learned in fork_map(lambda each: _learned(job, each), wanted, job.processes):
        found.append(learned)
        if job.progress is not None:
            job.progress("trainings", len(found), len(wanted))
    return sorted(found, key=lambda learned: wanted.index(learned.training))


def _learned(job: Job, training: Training) -> Learned:
    recipe, steps = training.recipe(job.seed), training.lesson.steps
    name = f"{training.task}-{training.arm.replace(', ', '-').replace(' ', '-')}-{training.seed}"
    path = job.out / "trainings" / name

    def row(_: int) -> Mapping[str, Any]:
        curve = learn(
            recipe, steps, every=EVERY, enough=ENOUGH, checkpoint=path / "checkpoint.pt",
        )  # fmt: skip
        columns = zip(*curve.points, strict=True)
        return dict(zip(Point._fields, map(list, columns), strict=True)) | {
            "arrived": curve.arrived
        }

    kept = {**asdict(recipe), "steps": steps, "every": EVERY, "enough": ENOUGH}
    [held] = computed(path, kept, row, 1).to_dict("records")
    (path / "checkpoint.pt").unlink(missing_ok=True)
    columns = (np.asarray(held[name]).tolist() for name in Point._fields)
    points = tuple(Point(*values) for values in zip(*columns, strict=True))
    return Learned(training, points, bool(held["arrived"]))
