"""Burns et al. 2023 on scikit-learn's digits: what of its claims holds, on few seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.burns2023 import EXPERIMENT, transfers
from experiments.burns2023.transfers import GRADES, Size
from oversight.study import Cell, Findings, Job

pytestmark = pytest.mark.long
SEEDS = 2


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("burns2023")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(transfers.SIZES, ("digits", "quick"), Size(SEEDS, 1_200, 64, 120))
        return EXPERIMENT.run(Job("quick", "digits", 0, out))


def only(findings: Findings, supervisor: str, metric: str) -> Cell:
    (found,) = [
        c for c in findings.cells
        if c.setting == {"supervisor": supervisor} and c.metric == metric
    ]  # fmt: skip
    return found


def test_students_of_supervisors_that_err_at_random_surpass_them(findings: Findings) -> None:
    claims = {claim.claim: claim.holds for claim in findings.claims}
    assert claims["supervisor sees few pixels: the plain student beats it"]
    for pixels in (4, 8, 16):
        supervisor = only(findings, f"{pixels} pixels", "supervisor")
        assert only(findings, f"{pixels} pixels", "plain student").low > supervisor.high


def test_students_of_supervisors_that_err_alike_mostly_imitate_them(findings: Findings) -> None:
    for title in ("sees coarse images", "has few hidden units"):
        assert abs(only(findings, f"all that: {title}", "PGR, plain student").value) < 0.15


def test_the_confidence_loss_needs_the_supervisors_class_counts(findings: Findings) -> None:
    pixels = "all that: sees few pixels"
    counted = only(findings, pixels, "PGR, student with the confidence loss")
    assert only(findings, pixels, "PGR, the same without class counts").high < counted.low


def test_the_ceiling_is_above_every_supervisor(findings: Findings) -> None:
    for grade in GRADES:
        ceiling = only(findings, grade.label, "ceiling")
        assert ceiling.value > only(findings, grade.label, "supervisor").value


def test_published_numbers_are_marked_as_another_task(findings: Findings) -> None:
    published = [c for c in findings.cells if c.published is not None]
    assert len(published) == 8
    assert all(c.source and "ImageNet, not comparable" in c.source for c in published)


def test_every_claim_is_reported_with_its_numbers(findings: Findings) -> None:
    assert len(findings.claims) == 8
    assert all("gain" in claim.detail and "PGR" in claim.detail for claim in findings.claims)


def test_trained_again_it_is_the_same(findings: Findings, tmp_path: Path) -> None:
    bench = transfers.Bench(Job("quick", "digits", 0, tmp_path), Size(SEEDS, 1_200, 64, 120))
    row = bench.row(0)
    weak = sum(row["weak"]) / len(row["weak"])
    again = transfers.Bench(Job("quick", "digits", 0, tmp_path), Size(SEEDS, 1_200, 64, 120))
    assert again.row(0) == row
    assert only(findings, GRADES[0].label, "supervisor").value == pytest.approx(weak, abs=0.06)
