"""The studies on circuits, on few cases: strong claims hold, and every cell has its interval."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments import (
    elasky2026,
    factored,
    kenton2024_sim,
    khan2024_sim,
    nested_capability,
    pressure,
    sudhir2025,
)
from oversight.circuits import tabulated
from oversight.study import Findings, Job

pytestmark = pytest.mark.slow

STUDIES: Mapping[Any, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    kenton2024_sim: (
        {"EPISODES": {"circuits": {"quick": 150}}},
        ("credulous judge: debate beats consultancy", "calibrated judge: debate beats the judge"),
    ),
    khan2024_sim: (
        {"EPISODES": {"circuits": {"quick": 120}}, "ERRORS": (0.16, 0.005)},
        ("calibrated judge: stronger debaters raise",),
    ),
    sudhir2025: (
        {"EPISODES": {"circuits": {"quick": 120}}},
        ("debate: honesty pays", "critique: honesty pays", "debate's ASD is above"),
    ),
    elasky2026: (
        {"EPISODES": {"quick": 120}, "ERRORS": (0.005, 0.24)},
        ("a critic more skilled than the judge helps", "cannot check: no critic helps"),
    ),
    factored: (
        {"EPISODES": {"quick": 150}, "DEPTHS": (1, 3)},
        ("the closed form lies in the simulation's interval",),
    ),
    pressure: (
        {"SIZES": {"quick": (120, 4)}},
        ("with a critic: accuracy holds", "a critic raises accuracy"),
    ),
    nested_capability: (
        {"EPISODES": {"quick": 30}},
        ("critique keeps a judge above itself alone",),
    ),
}
"""Study -> what is made smaller, and the claims that must come out even so."""


@pytest.fixture(params=list(STUDIES), ids=lambda study: study.EXPERIMENT.name, scope="module")
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    module, (smaller, wanted) = request.param, STUDIES[request.param]
    out: Path = tmp_path_factory.mktemp(module.EXPERIMENT.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabulated, "REHEARSED", 80)
        for name, value in smaller.items():
            patch.setattr(module, name, value)
        return module.EXPERIMENT.run(Job("quick", "circuits", 0, out)), wanted


def test_the_strong_claims_hold(study: tuple[Findings, tuple[str, ...]]) -> None:
    findings, wanted = study
    for text in wanted:
        claims = [claim for claim in findings.claims if text in claim.claim]
        assert claims, f"no claim says {text!r}"
        assert all(claim.holds for claim in claims), claims


def test_every_cell_has_its_interval(study: tuple[Findings, tuple[str, ...]]) -> None:
    findings, _ = study
    assert findings.cells
    assert findings.figures
    assert findings.notes
    assert all(cell.low <= cell.value <= cell.high for cell in findings.cells)
    assert all(cell.source for cell in findings.cells if cell.published is not None)
