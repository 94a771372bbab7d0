"""What the benchmarks share: runs that take turns, and a row of the table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def take_turns(*runs: Callable[[], object], repeats: int = 5) -> list[float]:
    """The median seconds of each, after a first round that does not count."""
    times: list[list[float]] = [[] for _ in runs]
    for repeat in range(repeats + 1):
        for run, taken in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            if repeat:
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def row(
    name: str, ours: float, theirs: float, bar: float | None, ratio: float | None = None
) -> dict[str, Any]:
    """One comparison. The ratio is ours to theirs unless given; a bar of None is none."""
    ratio = ours / theirs if ratio is None else ratio
    return {
        "name": name,
        "ours": ours,
        "theirs": theirs,
        "ratio": ratio,
        "bar": bar,
        "holds": None if bar is None else ratio >= bar,
    }
