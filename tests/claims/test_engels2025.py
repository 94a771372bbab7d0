"""Engels et al. 2025: the released fits' numbers, games beside them, planted ratings; few runs."""

from pathlib import Path

import pytest

from experiments.engels2025 import EXPERIMENT, contests
from experiments.engels2025.contests import Size
from oversight.study import Findings, Job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("engels2025")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(contests.SIZES, "quick", Size(500, 1_000, 40, 10, 100))
        return EXPERIMENT.run(Job("quick", "contests", 0, out))


@pytest.mark.parametrize(
    ("wanted", "how_many"),
    [
        ("the released fits give", 4),
        ("the closed form lies in", 4),
        ("covers the planted slope", 2),
        ("AIC finds", 3),
    ],
)
def test_the_claims_hold(findings: Findings, wanted: str, how_many: int) -> None:
    claims = [claim for claim in findings.claims if wanted in claim.claim]
    assert len(claims) == how_many
    assert [claim.detail for claim in claims if not claim.holds] == []


def test_the_abstracts_numbers_stand_beside_ours_with_their_source(findings: Findings) -> None:
    published = {c.setting["domain"]: c for c in findings.cells if c.published is not None}
    assert {name: cell.published for name, cell in published.items()} == {
        "Mafia": 13.5, "Debate": 51.7, "Backdoor code": 10.0, "Wargames": 9.4,
    }  # fmt: skip
    assert all(cell.source == "Engels et al. 2025, abstract" for cell in published.values())
    assert any("not released" in note for note in findings.notes)


def test_backdoor_code_alone_is_overseen_best_in_two_steps(findings: Findings) -> None:
    best = {c.setting["domain"]: c.setting["n"] for c in findings.cells if "n" in c.setting}
    assert best == {"Mafia": 1, "Debate": 1, "Backdoor code": 2, "Wargames": 1}


def test_every_cell_has_an_interval(findings: Findings) -> None:
    assert all(c.low <= c.value <= c.high for c in findings.cells)
    sampled = [c for c in findings.cells if "no sampling" not in c.setting["setting"]]
    assert {c.n for c in sampled} == {500, 40, 10}


def test_the_figures_are_drawn(findings: Findings) -> None:
    assert [figure.name for figure in findings.figures] == [
        "engels2025-gap", "engels2025-steps", "engels2025-planted",
    ]  # fmt: skip
    assert all(figure.svg.startswith("<?xml") and figure.png for figure in findings.figures)
