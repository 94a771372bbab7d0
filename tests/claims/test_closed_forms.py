"""Objectives end where their papers say, but for the one whose loss does not lead there."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.closed_forms import EXPERIMENT, bandit, best_of_n, descents
from oversight.study import Findings, Job


@pytest.fixture(scope="module")
def findings() -> Findings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(descents.RUNS, "quick", 4)
        patch.setattr(descents, "STEPS", 360)
        patch.setattr(best_of_n, "ANSWERS", 100)
        patch.setattr(best_of_n, "NS", (2, 8))
        patch.setattr(best_of_n, "NEAR", 0.06)  # the grid's, of a hundred answers
        patch.setattr(bandit, "COUNTS", (10, 1000))
        return EXPERIMENT.run(Job("quick", "preferences", 0, Path()))


@pytest.mark.slow
def test_all_claims_hold_but_bonbons(findings: Findings) -> None:
    assert [c.claim.partition(":")[0] for c in findings.claims if not c.holds] == ["BoNBoN"]


@pytest.mark.slow
def test_descents_begin_far_from_where_they_end(findings: Findings) -> None:
    away = [c for c in findings.cells if c.metric == "total variation to its optimum"]
    assert all(c.low > 0.1 for c in away if c.setting["step"] == 0)
    assert all(c.high < 0.01 for c in away if c.setting["step"] > 0)


def test_the_law_of_best_and_worst_is_that_of_going_through_every_draw() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_of_n, "ANSWERS", 3)
        odds = best_of_n.best_and_worst(2)
    assert odds.flatten().tolist() == pytest.approx(
        [x / 9 for x in (1, 0, 0, 2, 1, 0, 2, 2, 1)], abs=1e-12
    )
