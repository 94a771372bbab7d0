"""A proposer under pressure, on few cases: best-of-n, then a short training."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.kenton2026 import best_of_n, trained
from experiments.kenton2026.games import ALONE, GAMES
from oversight.study import Job

pytestmark = pytest.mark.slow


def test_a_critic_holds_accuracy_under_best_of_n(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_of_n, "SIZES", {"quick": (120, 4)})
    drawn = best_of_n.draw(Job("quick", "circuits", 0, tmp_path))
    held = {claim.claim: claim.holds for claim in best_of_n.claims(drawn)}
    assert held["with a critic: accuracy holds"]
    assert held["at the largest n a critic raises accuracy"]
    numbers = list(best_of_n.cells(drawn))
    assert all(c.low <= c.value <= c.high for c in numbers)
    assert {c.setting["arm"] for c in numbers} == set(GAMES)


def test_a_trained_proposer_is_believed_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained, "SIZES", {"quick": trained.Size(8, 16, 16, 2)})
    monkeypatch.setattr(trained, "GAMES", {ALONE: GAMES[ALONE]})
    monkeypatch.setattr(trained, "TESTS", 100)
    done = trained.train(Job("quick", "circuits", 0, tmp_path))
    held = {claim.claim: claim.holds for claim in trained.claims(done)}
    assert held["proposer alone, trained: the judge's credence rises"]
    assert [point.step for point in done.arms[ALONE]] == [0, 8, 16]
    assert set(done.arms) == {ALONE}
