"""Constitutional AI in a little world: what it prints is there, and revising breaks fewer rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import bai2022_constitution, principled
from oversight.principles.schooling import Schooling
from oversight.registry import load
from oversight.study import Figure, Job

LITTLE = "preferences:topics=2,manners=2,longest=3"
SIZE = principled.Size(
    2, 24, 96, Schooling(steps=120, batch=24, rate=5e-3, width=32, layers=1, tries=4)
)


def no_figures(*_: object) -> tuple[Figure, ...]:
    return ()


def test_revisions_and_both_stages_break_fewer_principles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(principled.SIZES, "quick", SIZE)
    job = Job("quick", LITTLE, 0, tmp_path)
    found = bai2022_constitution.run(job)
    told = {(next(iter(c.setting.values())), c.metric): c.value for c in found.cells}
    broken = principled.WORDS["violations"]
    before = told[principled.BEFORE, broken]
    assert told[4, broken] < told[0, broken]
    assert told[bai2022_constitution.SL, broken] < before
    assert told[bai2022_constitution.RL, broken] < before
    assert told[principled.BEFORE, principled.WORDS["kl"]] == pytest.approx(0, abs=1e-6)
    assert told[bai2022_constitution.RL, principled.WORDS["kl"]] > 0.01
    assert all(c.published is None for c in found.cells)  # nothing was published of such a world
    assert len(found.claims) == 9
    assert len(found.figures) == 3
    monkeypatch.setattr(bai2022_constitution, "_drawn", no_figures)  # seen above
    assert bai2022_constitution.run(job).cells == found.cells  # read back


def test_it_is_in_the_catalogue() -> None:
    assert load("experiments", "bai2022_constitution") is bai2022_constitution.EXPERIMENT
