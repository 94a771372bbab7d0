"""The trainings of the experiment: what is trained at each scale, carried out and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.algorithms import TASKS
from oversight.algorithms.gates import Gates
from oversight.computed import computed
from oversight.pool import fork_map
from oversight.study import Job
from oversight.training.learning_curve import Point, accuracy_by_depth, learn
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

ERROR = 0.1
ERRING = f"overseer errs at {ERROR:.0%} of gates"
ON_CIRCUITS: Mapping[str, Mapping[str, Any]] = {**ARMS, ERRING: {"failure": ERROR}}


EVERY = 20
"""Steps between two points of a curve."""
ENOUGH = 0.92
"""The accuracy at which a training is stopped before its budget."""


class Lesson(NamedTuple):
    """One task at one size, the budget of a training of it, and the size of X."""

    symbols: int
    difficulty: int
    steps: int
    width: int = 64
    layers: int = 3
    rate: float = 2e-3
    enough: float = ENOUGH
    """Accuracy overall that ends it; 1 where accuracy is then compared between kinds of questions,
    which an early end would tie to each other."""


class Size(NamedTuple):
    """How much is trained at a scale."""

    lessons: Mapping[str, Lesson]
    seeds: int
    failing: tuple[str, Lesson]
    """The task that overseers fail at, too."""
    arms: tuple[str, ...]
    """Which kinds of failure."""
    circuits: Lesson
    """Of circuits whose operations are hidden from X, which are no task of the paper's."""


_FULL = {
    "permutation_powering": Lesson(8, 2, 3_000),
    "sequential_assignments": Lesson(8, 3, 4_000),
    "wildcard_search": Lesson(8, 3, 2_000),
    "shortest_path": Lesson(8, 3, 4_000),
    "union_find": Lesson(8, 3, 2_000),
}
_AT_QUICK = ("random failures", "random failures, votes", "systematic failures, votes")
_SMALL = Lesson(4, 2, 320, width=32, layers=2, rate=4e-3)
_MIDDLE = Lesson(4, 2, 800, width=48, rate=4e-3)
_QUICK = {
    "permutation_powering": _MIDDLE._replace(symbols=6),
    "sequential_assignments": _MIDDLE,
    "wildcard_search": _MIDDLE,
    "shortest_path": _MIDDLE,
    "union_find": _SMALL,
}
_FAILING = ("union_find", Lesson(8, 3, 2_000))
_GATES = Lesson(6, 3, 2_400, width=48, rate=4e-3, enough=1.0)
_MORE_GATES = Lesson(12, 4, 12_000, layers=4, enough=1.0)
SIZES: Mapping[str, Size] = {
    "quick": Size(_QUICK, 2, ("union_find", _SMALL._replace(steps=240)), _AT_QUICK, _GATES),
    "full": Size(_FULL, 3, _FAILING, tuple(FAILING), _MORE_GATES),
    "paper": Size(_FULL, 8, _FAILING, tuple(FAILING), _MORE_GATES),
}
"""Sizes and steps are such that supervised learning gets there with room to spare."""
assert set(_FULL) == set(_QUICK) == set(TASKS)


class Training(NamedTuple):
    """One training to carry out."""

    task: str
    arm: str
    seed: int
    lesson: Lesson

    def recipe(self, root: int) -> Recipe:
        """How it is trained; `root` is the job's seed."""
        changed = {**ARMS, **FAILING, **ON_CIRCUITS}[self.arm]
        sizes = {k: v for k, v in self.lesson._asdict().items() if k not in ("steps", "enough")}
        return Recipe(self.task, seed=1000 * root + self.seed, **sizes, **changed)


class Learned(NamedTuple):
    """What a training gave."""

    training: Training
    points: tuple[Point, ...]
    arrived: bool
    by_depth: NDArray[np.float64]
    """(contexts, difficulty) accuracy at the end by the depth of the question; may be NaN."""

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
        for arm in ON_CIRCUITS:
            yield Training(Gates.name, arm, seed, size.circuits)


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
    recipe, lesson = training.recipe(job.seed), training.lesson
    steps, enough = lesson.steps, lesson.enough
    arm = training.arm.replace(", ", "-").replace(" ", "-").replace("%", "")
    name = f"{training.task}-{arm}-{training.seed}"
    path = job.out / "trainings" / name

    def row(_: int) -> Mapping[str, Any]:
        curve = learn(
            recipe, steps, every=EVERY, enough=enough, checkpoint=path / "checkpoint.pt",
        )  # fmt: skip
        columns = zip(*curve.points, strict=True)
        return dict(zip(Point._fields, map(list, columns), strict=True)) | {
            "arrived": curve.arrived,
            "by_depth": accuracy_by_depth(curve.net, recipe.make(), recipe.seed).ravel().tolist(),
        }

    kept = {**asdict(recipe), "steps": steps, "every": EVERY, "enough": enough}
    [held] = computed(path, kept, row, 1).to_dict("records")
    (path / "checkpoint.pt").unlink(missing_ok=True)
    columns = (np.asarray(held[name]).tolist() for name in Point._fields)
    points = tuple(Point(*values) for values in zip(*columns, strict=True))
    by_depth = np.asarray(held["by_depth"], np.float64).reshape(-1, recipe.difficulty)
    return Learned(training, points, bool(held["arrived"]), by_depth)
