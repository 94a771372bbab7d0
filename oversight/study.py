"""Experiments as values: what to play, what was published, what is claimed, and what came out.

An experiment fills in cells (a setting, a metric, our value with its interval, the published value
with its source) and claims (named predicates that hold or do not). `oversight reproduce` runs it,
prints the table, and writes the figures and the page.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from oversight.accounts import Calls
from oversight.metrics.intervals import Interval
from oversight.runs import Progress
from oversight.store import write_text

Scale = Literal["quick", "full", "paper"]
LONGEST = 48
"""Letters of a spec in a file's name."""


class Cell(NamedTuple):
    """One number of an experiment, beside the published one where there is one."""

    setting: Mapping[str, Any]
    metric: str
    value: float
    low: float
    high: float
    n: int
    """Independent cases behind the interval."""
    published: float | None = None
    source: str | None = None
    """Where the published number was read."""


class Claim(NamedTuple):
    """A named claim of a paper, and whether it held here."""

    claim: str
    holds: bool
    detail: str
    """The numbers that decide it."""


class Figure(NamedTuple):
    """A drawn figure."""

    name: str
    caption: str
    svg: str
    png: bytes = b""
    """The same picture for places that show no SVG; may be empty."""


class Transcript(NamedTuple):
    """One game to open in the page."""

    title: str
    picture: str
    """HTML of the game's end as an expert sees it; may be empty."""
    lines: Sequence[str]
    verdict: str


class Findings(NamedTuple):
    """What an experiment found."""

    cells: Sequence[Cell]
    claims: Sequence[Claim]
    figures: Sequence[Figure] = ()
    transcripts: Sequence[Transcript] = ()
    notes: Sequence[str] = ()
    """Departures from the paper and whatever the reader must know, a sentence or two each."""


class Job(NamedTuple):
    """How an experiment is to be carried out."""

    scale: Scale
    data: str
    """Which of the experiment's worlds."""
    seed: int
    out: Path
    """Where episodes and results are kept; an interrupted job goes on from what is there."""
    data_dir: Path | None = None
    processes: int = 1
    progress: Progress | None = None
    agent: str | None = None
    """Who argues, where the experiment is `castable`; None is the world's own."""
    judges: tuple[str, ...] = ()
    """Who judges, the weakest first, where the experiment is `castable`."""

    @property
    def cast(self) -> str:
        """Who was named for the seats, as part of a file's name; empty for the usual cast.

        >>> Job("quick", "passages", 0, Path(), agent="tiny:1", judges=("smollm2", "hf:A/B")).cast
        'smollm2-hf-A-B-with-tiny-1'
        """
        argues = [f"with-{file_safe(self.agent)}"] if self.agent is not None else []
        return "-".join([*map(file_safe, self.judges), *argues])


@dataclass(frozen=True)
class Experiment:
    """A paper or a study, reproducible by name."""

    name: str
    paper: str
    about: str
    data: tuple[str, ...]
    """The worlds it can run on, the default first."""
    run: Callable[[Job], Findings]
    castable: bool = False
    """Whether the user may name who argues and who judges."""


@contextmanager
def timed(out: Path) -> Generator[Callable[[], float]]:
    """Seconds spent on a job so far, over all the times that it was interrupted and gone on with.

    Kept in `out` as the job ends, well or not.
    """
    kept = out / "seconds.json"
    before = json.loads(kept.read_text())["seconds"] if kept.exists() else 0.0
    began = time.monotonic()

    def so_far() -> float:
        return before + time.monotonic() - began

    try:
        yield so_far
    finally:
        write_text(kept, json.dumps({"seconds": round(so_far(), 1)}) + "\n")


def cell(
    setting: Mapping[str, Any],
    metric: str,
    ours: Interval,
    published: float | None = None,
    source: str | None = None,
) -> Cell:
    """A cell from an interval."""
    return Cell(setting, metric, *ours, published, source)


def as_json(
    experiment: Experiment, job: Job, findings: Findings, seconds: float,
    calls: Sequence[Calls] = (),
) -> dict[str, Any]:  # fmt: skip
    """The results as plain values: the JSON of `oversight reproduce`."""
    return {
        "experiment": experiment.name,
        "scale": job.scale,
        "data": job.data,
        "seed": job.seed,
        "cells": [{**c._asdict(), "setting": dict(c.setting)} for c in findings.cells],
        "claims": [claim._asdict() for claim in findings.claims],
        "notes": list(findings.notes),
        "seconds": round(seconds, 1),
        "agent": job.agent,
        "judges": list(job.judges),
        "calls": [called._asdict() for called in calls],
    }


def file_safe(spec: str) -> str:
    """A spec as part of a file's name; a long one is cut, and told from others by its hash."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", spec).strip("-.")
    if len(words) <= LONGEST:
        return words
    return f"{words[: LONGEST - 9]}-{hashlib.sha256(spec.encode()).hexdigest()[:8]}"
