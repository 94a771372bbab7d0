"""khan2024 and kenton2024 run from end to end: offline, and with language models in every seat."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import judged, kenton2024, khan2024
from oversight.study import Experiment, Job

pytestmark = pytest.mark.slow
BOTH = pytest.mark.parametrize(
    "experiment", [khan2024.EXPERIMENT, kenton2024.EXPERIMENT], ids=lambda e: e.name
)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "EPISODES", {"quick": 40})
    monkeypatch.setattr(judged, "SPOKEN", {"quick": 2})
    monkeypatch.setattr(judged, "OFFLINE", ("dials:skill=0.3", "dials:skill=1.0"))


@BOTH
def test_offline_debate_beats_the_judge_alone(experiment: Experiment, tmp_path: Path) -> None:
    found = experiment.run(Job("quick", "passages", 0, tmp_path))
    holds = {claim.claim: claim.holds for claim in found.claims}
    assert holds["dials:skill=1.0: debate beats the judge alone"]
    assert holds["dials:skill=1.0: debate beats consultancy"]
    assert "0 of 720 games failed" in found.notes[0]
    published = [cell for cell in found.cells if cell.published is not None]
    assert published
    assert all(cell.source for cell in published)


@BOTH
def test_language_models_play_every_arm(experiment: Experiment, tmp_path: Path) -> None:
    job = Job("quick", "passages", 0, tmp_path, agent="tiny:1,tokens=6,words=5",
              judges=("tiny:2,tokens=60", "tiny:3,tokens=6,form=vote,n=2"))  # fmt: skip
    found = experiment.run(job)
    by_labels = [c for c in found.cells if c.setting.get("judge") == "tiny:2,tokens=60"]
    arms = {cell.setting["arm"] for cell in by_labels if cell.metric == "accuracy"}
    # A random model answers no question of choice legally: open forms fail, and are counted.
    assert {"judge alone", "judge with the passage", "consultancy", "debate"} <= arms
    assert "of 36 games failed" in found.notes[0]


def test_a_judges_form_is_not_how_it_asks() -> None:
    assert judged.without_form("hf:X,form=vote,n=3,words=9") == "hf:X,words=9"
    assert judged.without_form("smollm2") == "smollm2"
