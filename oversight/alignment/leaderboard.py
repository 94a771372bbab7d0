"""Every method on one bench: the same data, the same steps, several seeds, one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from oversight.alignment.aligning import align
from oversight.alignment.lab import Lab
from oversight.alignment.method import Method
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.pool import fork_map
from oversight.study import file_safe
from oversight.training.descent import Metrics, Pace

KL = 0.5
"""Nats from the reference at which methods are compared."""


class Training(NamedTuple):
    """One method and one seed, carried out."""

    method: str
    seed: int
    rows: Sequence[Metrics]
    """What was measured, in order of "step"."""
    seconds: float

    @property
    def last(self) -> Metrics:
        """What came of it."""
        return self.rows[-1]


class Place(NamedTuple):
    """One method over all seeds: 95 % intervals over them, Student's t; NaN limits for one seed."""

    method: str
    gold: Interval
    at_kl: Interval
    """Gold reward where the training passed `KL`; of the seeds that did."""
    proxy: Interval
    kl: Interval
    wins: Interval
    seconds: Interval


Made = Callable[[str, int], tuple[Method, Lab]]
"""(method's spec, seed) -> the method and where it works."""


def carried_out(
    specs: Sequence[str], seeds: Sequence[int], made: Made, pace: Pace, *,
    out: Path | None = None, processes: int = 1,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Training]:  # fmt: skip
    """Train every method with every seed; what is finished or begun in `out` is gone on with.

    Errors: those of `aligning.align`; the others' trainings stay in `out`.
    """
    every = list(product(specs, seeds))

    def work(one: tuple[str, int]) -> Training:
        spec, seed = one
        method, lab = made(spec, seed)
        kept = None if out is None else out / file_safe(spec) / str(seed)
        done = align(method, lab, pace=pace, kept=kept)
        return Training(spec, seed, done.descent.rows, done.descent.seconds)

    found: dict[tuple[str, int], Training] = {}
    for number, training in enumerate(fork_map(work, every, processes), start=1):
        found[training.method, training.seed] = training
        if progress is not None:
            progress("methods", number, len(every))
    return [found[one] for one in every]


def ranked(trainings: Sequence[Training]) -> list[Place]:
    """A place for each method, the most gold reward first."""
    names = list(dict.fromkeys(training.method for training in trainings))
    places = [_place(name, [t for t in trainings if t.method == name]) for name in names]
    return sorted(places, key=lambda place: -place.gold.value)


def _place(name: str, trainings: Sequence[Training]) -> Place:
    def over(metric: str) -> Interval:
        return few_runs_interval([training.last[metric] for training in trainings])

    crossed = [crossing(training.rows, KL, "gold") for training in trainings]
    return Place(
        name, over("gold"), few_runs_interval([gold for gold in crossed if not np.isnan(gold)]),
        over("proxy"), over("kl"), over("wins"),
        few_runs_interval([training.seconds for training in trainings]),
    )  # fmt: skip


def crossing(rows: Sequence[Metrics], kl: float, metric: str) -> float:
    """A metric where a training first passed a KL, interpolated; NaN if it never did."""
    for before, after in pairwise(rows):
        if before["kl"] <= kl < after["kl"]:
            share = (kl - before["kl"]) / (after["kl"] - before["kl"])
            return before[metric] + share * (after[metric] - before[metric])
    return float("nan")


def as_json(trainings: Sequence[Training]) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "kl": KL,
        "places": [
            {name: _plain(value) for name, value in place._asdict().items()}
            for place in ranked(trainings)
        ],
        "trainings": [
            {**training._asdict(), "rows": [dict(row) for row in training.rows]}
            for training in trainings
        ],
    }


def _plain(value: str | Interval) -> str | Mapping[str, float]:
    return value if isinstance(value, str) else value._asdict()
