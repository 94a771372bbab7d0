"""Supervisors, students and ceilings: what is trained at each scale, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.computed import computed
from oversight.core import OversightError
from oversight.data import NonzeroPixels, PixelData, load_digits, load_mnist
from oversight.study import Job

if TYPE_CHECKING:
    from oversight.training.weak_to_strong import Classifier, Loss

Kind = Literal["pixels", "blocks", "examples", "units"]
Images = NDArray[np.float32]
MOST_ALPHA = 0.5
CHUNK = 2_048  # images a student labels at once


class Grade(NamedTuple):
    """One weak supervisor: what holds it back, and how far."""

    kind: Kind
    amount: int

    @property
    def label(self) -> str:
        """Such as "8 pixels"."""
        return WORDS[self.kind].format(self.amount)


WORDS: Mapping[str, str] = {
    "pixels": "{} pixels",
    "blocks": "{0}×{0} blocks",
    "examples": "{} examples",
    "units": "{} hidden units",
}
FAMILIES: Mapping[Kind, tuple[int, ...]] = {
    "pixels": (4, 8, 16),
    "blocks": (2, 3, 4),
    "examples": (20, 50, 100),
    "units": (4, 8, 12),
}
"""Sees that many random nonzero pixels of each image; sees their means over so many blocks a side;
learns from so few examples; has so few hidden units."""
GRADES = tuple(Grade(kind, amount) for kind, amounts in FAMILIES.items() for amount in amounts)


class Size(NamedTuple):
    """How much is trained at a scale."""

    seeds: int
    examples: int
    """In both halves together."""
    hidden: int
    """The student's hidden units, and a supervisor's unless they are what it lacks."""
    steps: int


SIZES: Mapping[tuple[str, str], Size] = {
    ("digits", "quick"): Size(3, 1_200, 128, 200),
    ("digits", "full"): Size(10, 1_200, 128, 400),
    ("digits", "paper"): Size(30, 1_200, 128, 400),
    ("mnist", "quick"): Size(2, 2_000, 128, 200),
    ("mnist", "full"): Size(5, 20_000, 256, 2_000),
    ("mnist", "paper"): Size(10, 60_000, 256, 6_000),
}


class Transfer(NamedTuple):
    """One supervisor's students: whether each test image was right, every table (seeds, images)."""

    grade: Grade
    weak: NDArray[np.float64]
    plain: NDArray[np.float64]
    confident: NDArray[np.float64]
    uncounted: NDArray[np.float64]
    """The confidence loss without the supervisor's class counts."""
    ceiling: NDArray[np.float64]


class Bench:
    """The data of one job, and one row of its table at a time."""

    def __init__(self, job: Job, size: Size) -> None:
        self.job = job
        self.size = size
        self._ceilings: dict[int, list[bool]] = {}

    @cached_property
    def data(self) -> PixelData:
        """The images, loaded on first use."""
        return load_digits() if self.job.data == "digits" else load_mnist(self.job.data_dir)

    def row(self, number: int) -> Mapping[str, Any]:
        """Right or wrong on every test image, for one seed (rows go by seed) and one supervisor."""
        from oversight.training.weak_to_strong import confident, first_answers, plain

        run, place = divmod(number, len(GRADES))
        grade, seed = GRADES[place], keys.root(self.job.seed, "weak-to-strong", run)
        teaching, taught = self._halves(seed)
        supervisor = self._supervisor(grade, teaching, seed)
        labels = supervisor.probabilities(self._seen(grade, self.data.train_values[taught], seed))
        tested = self._seen(grade, self.data.test_values, seed + 1)

        def student(loss: Loss) -> list[bool]:
            return self._right(self._student(taught, labels, seed, loss))

        return {
            "weak": self._graded(supervisor.probabilities(tested)),
            "plain": student(plain),
            "confident": student(confident(MOST_ALPHA)),
            "uncounted": student(confident(MOST_ALPHA, first_answers)),
            "ceiling": self._ceiling(run, seed, taught),
        }

    def _halves(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        from oversight.training.weak_to_strong import halves

        if len(self.data.train_labels) < self.size.examples:
            raise OversightError(f"{self.job.data} has fewer than {self.size.examples} examples")
        drawn = keys.generator(seed).permutation(len(self.data.train_labels))
        split = halves(self.size.examples, seed)
        return drawn[split.supervisor], drawn[split.student]

    def _supervisor(self, grade: Grade, teaching: NDArray[np.int64], seed: int) -> Classifier:
        known = teaching[: grade.amount] if grade.kind == "examples" else teaching
        hidden = grade.amount if grade.kind == "units" else self.size.hidden
        seen = self._seen(grade, self.data.train_values[known], seed + 2)
        return self._trained(seen, self._true(known), hidden, seed)

    def _student(
        self, taught: NDArray[np.int64], labels: Images, seed: int, loss: Loss | None = None
    ) -> Classifier:
        images = self.data.train_values[taught]
        return self._trained(images, labels, self.size.hidden, seed + 1, loss)

    def _ceiling(self, run: int, seed: int, taught: NDArray[np.int64]) -> list[bool]:
        if run not in self._ceilings:
            self._ceilings[run] = self._right(self._student(taught, self._true(taught), seed))
        return self._ceilings[run]

    def _trained(
        self, features: Images, targets: Images, hidden: int, seed: int, loss: Loss | None = None
    ) -> Classifier:
        from oversight.training.weak_to_strong import Recipe, fit, plain

        return fit(features, targets, Recipe(hidden, self.size.steps), seed, loss or plain)

    def _true(self, examples: NDArray[np.int64]) -> Images:
        return np.eye(self.data.classes, dtype=np.float32)[self.data.train_labels[examples]]

    def _right(self, student: Classifier) -> list[bool]:
        tested = self.data.test_values
        chunks = [tested[at : at + CHUNK] for at in range(0, len(tested), CHUNK)]
        return self._graded(np.concatenate([student.probabilities(chunk) for chunk in chunks]))

    def _graded(self, credences: Images) -> list[bool]:
        return (credences.argmax(axis=1) == self.data.test_labels).tolist()

    def _seen(self, grade: Grade, images: Images, seed: int) -> Images:
        """What the supervisor sees of images, (N, P) -> (N, F)."""
        match grade.kind:
            case "pixels":
                return some_pixels(images, grade.amount, seed)
            case "blocks":
                return block_means(images, self.data.side, grade.amount)
            case _:
                return images


def some_pixels(images: Images, k: int, seed: int) -> Images:
    """(N, P) images with all but k random nonzero pixels each set to 0."""
    drawn = np.random.default_rng(seed)
    shown = NonzeroPixels.of(images).draw(np.arange(len(images)), k, drawn)  # (N, k), −1 for none
    rows, places = np.nonzero(shown >= 0)
    pixels = shown[rows, places]
    seen = np.zeros_like(images)
    seen[rows, pixels] = images[rows, pixels]
    return seen


def block_means(images: Images, side: int, blocks: int) -> Images:
    """(N, side²) images as the means over `blocks` × `blocks` cells of about the same size."""
    square = images.reshape(len(images), side, side)
    cells = [
        cell.mean(axis=(1, 2))
        for band in np.array_split(square, blocks, axis=1)
        for cell in np.array_split(band, blocks, axis=2)
    ]
    return np.stack(cells, axis=1).astype(np.float32)


def train_all(job: Job, size: Size) -> list[Transfer]:
    """Every supervisor with its students, trained or read back."""
    bench = Bench(job, size)
    grades = [list(grade) for grade in GRADES]
    table = computed(
        job.out / "transfers",
        {"data": job.data, "seed": job.seed, "alpha": MOST_ALPHA, "grades": grades,
         **size._replace(seeds=0)._asdict()},
        bench.row,
        size.seeds * len(GRADES),
        processes=job.processes,
        progress=job.progress,
    )  # fmt: skip
    return [_transfer(table, place, grade) for place, grade in enumerate(GRADES)]


def _transfer(table: Any, place: int, grade: Grade) -> Transfer:
    own = table[table["row"] % len(GRADES) == place]
    names = Transfer._fields[1:]
    return Transfer(grade, *(np.stack(own[name].to_list()).astype(np.float64) for name in names))
