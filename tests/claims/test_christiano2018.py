"""Christiano et al. 2018 on one small task and one seed: learned without a true answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.christiano2018 import EXPERIMENT, trainings
from experiments.christiano2018.trainings import Lesson, Size
from oversight.study import Findings, Job

pytestmark = pytest.mark.slow

SMALL = Lesson(4, 2, 320, width=32, layers=2, rate=4e-3)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("christiano2018")
    with pytest.MonkeyPatch.context() as patch:
        failing, arms = ("union_find", SMALL._replace(steps=20)), tuple(trainings.FAILING)[:3]
        circuits = Lesson(4, 2, 20, width=16, layers=1)
        size = Size({"union_find": SMALL}, 1, failing, arms, circuits)
        patch.setitem(trainings.SIZES, "quick", size)
        return EXPERIMENT.run(Job("quick", "algorithms", 0, out))


def test_union_find_is_learned_without_a_true_answer(findings: Findings) -> None:
    [reached] = [c for c in findings.claims if "IDA reaches" in c.claim]
    assert reached.holds, reached


def test_overseers_are_asked_less_often_than_labels_are_given(findings: Findings) -> None:
    [asked] = [c for c in findings.claims if "overseers are asked" in c.claim]
    assert asked.holds, asked


def test_circuits_are_said_not_to_be_the_papers(findings: Findings) -> None:
    ours = [claim.claim for claim in findings.claims if claim.claim.startswith("gates")]
    assert len(ours) == 3  # one layer of gates, three trainings
    assert all("not the paper's" in claim for claim in ours)
    by_layer = [cell for cell in findings.cells if "layer" in cell.setting]
    assert {cell.setting["layer"] for cell in by_layer} == {1}
    assert all(cell.n == 128 for cell in by_layer)


def test_published_numbers_have_their_source(findings: Findings) -> None:
    assert all(cell.source for cell in findings.cells if cell.published is not None)
    assert all(cell.low <= cell.value <= cell.high for cell in findings.cells)
