"""Self-play on few cases: every cell has its interval, and a stopped run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import arnesen2024
from oversight.study import Job


@pytest.mark.slow
def test_every_arm_is_trained_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arnesen2024, "SIZES", {("digits", "quick"): arnesen2024.Size(4, 8, 2)})
    monkeypatch.setattr(arnesen2024, "TESTS", 40)
    job = Job("quick", "digits", 0, tmp_path)
    found = arnesen2024.run(job)
    assert {(c.setting["game"], c.setting["learns by"]) for c in found.cells} == {
        (game, learner)
        for game in ("debate", "consultancy")
        for learner in ("policy gradient", "preferences")
    }
    assert all(c.low <= c.value <= c.high for c in found.cells)
    again = arnesen2024.run(job)  # everything is read back from the checkpoints
    assert again.cells == found.cells
