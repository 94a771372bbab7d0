"""Dromedary in a little world: principles in the context are kept, and engraved they stay kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import principled, sun2023_dromedary
from oversight.registry import load
from oversight.study import Job
from tests.claims.test_bai2022_constitution import LITTLE, SIZE, no_figures


def test_principles_are_kept_in_the_context_and_without_it_once_engraved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(principled.SIZES, "quick", SIZE)
    job = Job("quick", LITTLE, 0, tmp_path)
    found = sun2023_dromedary.run(job)
    told = {(next(iter(c.setting.values())), c.metric): c.value for c in found.cells}
    broken, length = principled.WORDS["violations"], principled.WORDS["length"]
    before = told[principled.BEFORE, broken]
    assert told[sun2023_dromedary.GUIDED, broken] < before
    assert told[sun2023_dromedary.ENGRAVED, broken] < before
    assert told[sun2023_dromedary.ENGRAVED, broken] < told[sun2023_dromedary.PLAIN, broken]
    assert told[sun2023_dromedary.CLONED, length] > told[sun2023_dromedary.ENGRAVED, length]
    assert all(c.published is None for c in found.cells)  # nothing was published of such a world
    assert len(found.claims) == 7
    assert len(found.figures) == 2
    monkeypatch.setattr(sun2023_dromedary, "_drawn", no_figures)  # seen above
    assert sun2023_dromedary.run(job).cells == found.cells  # read back


def test_it_is_in_the_catalogue() -> None:
    assert load("experiments", "sun2023_dromedary") is sun2023_dromedary.EXPERIMENT
