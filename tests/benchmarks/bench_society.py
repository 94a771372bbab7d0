"""How fast a society is: a round of ten thousand at once, and how its costs grow.

**A round.** The members a second of a round that is played in parts, against those of the same
society played one member after the other (`mode=single_thread` with as many raters). The second is
timed on the first `ALONE` members; what a member does costs the same wherever it stands.

**Growth.** Seconds of a round for each rating that is given, at a thousand members and at a hundred
thousand: a ratio under 1 is what size adds. Memory is the peak of a process of its own, less that
of one that has loaded everything and lived a society of one, for each member.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from oversight.society.settings import Settings
from oversight.society.society import Society
from oversight.threads import one_thread
from tests.benchmarks.measure import row, take_turns

SETTINGS = Settings(members=10_000, graph="watts_strogatz:degree=6", kinds="adversarial=0.2",
                    prior=0)  # fmt: skip
ALONE = 200
SIZES = (1_000, 10_000, 100_000)


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`."""
    return [_at_once(), *_growth(), *_memory()]


def _at_once() -> dict[str, Any]:
    whole = Society(SETTINGS)
    single = Society(replace(SETTINGS, mode="single_thread", raters=4))

    def alone() -> None:
        with one_thread(), torch.no_grad():
            for member in range(ALONE):
                single._played(np.array([member]))  # pyright: ignore[reportPrivateUsage]

    together, one_by_one = take_turns(whole.play, alone, repeats=3)
    return row(
        "members/s of a society of 10,000, at once and one by one",
        SETTINGS.members / together, ALONE / one_by_one, 50,
    )  # fmt: skip


def _growth() -> list[dict[str, Any]]:
    lives = [Society(replace(SETTINGS, members=size)) for size in SIZES]
    seconds = take_turns(*(life.play for life in lives), repeats=3)
    given = [int((life.play().raters >= 0).sum()) for life in lives]
    each = [taken / ratings for taken, ratings in zip(seconds, given, strict=True)]
    return [
        row(f"ratings/s, {size:,} members and {SIZES[0]:,}", 1 / cost, 1 / each[0], 0.8)
        for size, cost in zip(SIZES[1:], each[1:], strict=True)
    ]


def _memory() -> list[dict[str, Any]]:
    base = _peak_apart(1)
    each = [(_peak_apart(size) - base) / size for size in SIZES[1:]]
    return [row("KiB a member, 10,000 members and 100,000", each[0], each[1], 0.8)]


def _peak_apart(members: int) -> float:
    """KiB, of a process of its own."""
    code = f"from tests.benchmarks.bench_society import peak; print(peak({members}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak(members: int) -> float:
    """KiB that this process has held at most, once it has lived two rounds of a society."""
    society = Society(replace(SETTINGS, members=members, graph="complete" if members == 1 else
                              SETTINGS.graph))  # fmt: skip
    for _ in range(2):
        society.play()
    status = Path("/proc/self/status").read_text()  # a child's ru_maxrss begins as its parent's
    return float(status.split("VmHWM:")[1].split()[0])
