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
    sudhir2025,
)
from experiments.kenton2024_sim import Setting
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
        {"EPISODES": {"quick": 150}, "DEPTHS": {2: (2, 3), 3: (2,), 4: (2,)}},
        ("the closed form lies in the simulation's interval",),
    ),
    nested_capability: (
        {"EPISODES": {"quick": 30}},
        ("critique keeps a judge above itself alone",),
    ),
}
"""Study -> what is made smaller, and the claims that must come out even so."""
ON_DIGITS: Mapping[Any, Mapping[str, Any]] = {
    kenton2024_sim: {
        "SETTINGS": {"digits": (Setting("digits, sparse judge", "digits:rollouts=8", None),)}
    },
    khan2024_sim: {"ROLLOUTS": (0, 8)},
    sudhir2025: {"ON_DIGITS": {"debate": ("debate", {"rounds": 3})}},
}
"""The studies that can be run on digits, made smaller."""


LONG = (nested_capability,)
"""Those of tens of seconds."""


@pytest.fixture(
    params=[pytest.param(s, marks=[pytest.mark.long] if s in LONG else []) for s in STUDIES],
    ids=lambda study: study.EXPERIMENT.name,
    scope="module",
)
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


@pytest.mark.parametrize("module", list(ON_DIGITS), ids=lambda study: study.EXPERIMENT.name)
def test_on_digits_honesty_pays_and_debate_beats_the_judge_alone(
    module: Any, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EPISODES", {"digits": {"quick": 40}})
        for name, value in ON_DIGITS[module].items():
            patch.setattr(module, name, value)
        findings: Findings = module.EXPERIMENT.run(Job("quick", "digits", 0, tmp_path))
    strong = ("debate: honesty pays", "debate beats the judge alone")
    (held,) = [c for c in findings.claims if any(words in c.claim for words in strong)]
    assert held.holds, held
    assert not any("circuits" in note for note in findings.notes)
    assert all("circuits" not in str(cell.setting) for cell in findings.cells)


def test_every_cell_has_its_interval(study: tuple[Findings, tuple[str, ...]]) -> None:
    findings, _ = study
    assert findings.cells
    assert findings.figures
    assert findings.notes
    assert all(cell.low <= cell.value <= cell.high for cell in findings.cells)
    assert all(cell.source for cell in findings.cells if cell.published is not None)
