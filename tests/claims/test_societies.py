"""Societies in small: what the experiments print is there, and can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import liu2023, societies
from experiments.societies import Size
from oversight.study import Findings, Job

pytestmark = [pytest.mark.slow, pytest.mark.long]


def holds(findings: Findings, words: str) -> bool:
    (found,) = [claim for claim in findings.claims if words in claim.claim]
    return found.holds


def test_neighbours_break_where_adversaries_are_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(societies.SIZES, "quick", Size(49, (0.0, 0.4, 0.6, 0.8), 25, 2, ("hubs",)))
    monkeypatch.setattr(
        societies, "INSTITUTIONS",
        {name: societies.INSTITUTIONS[name]
         for name in ("neighbours", "judge alone", "debate", "critique", "nobody")},
    )  # fmt: skip
    job = Job("quick", "preferences", 0, tmp_path)
    found = societies.run(job)
    assert not holds(found, "neighbours: it never breaks")
    ends = {tuple(c.setting.values()): c.value for c in found.cells
            if c.metric == "gold reward at the end"}  # fmt: skip
    assert ends["neighbours", 0.8] < ends["judge alone", 0.8] - 0.2
    assert ends["neighbours", 0.0] > ends["nobody", 0.0]
    assert holds(found, "judge alone over neighbours, 60% adversarial")
    usual = ends["judge alone", 0.6] - ends["neighbours", 0.6]
    (varied,) = [c.value for c in found.cells if c.setting == {"changed": "hubs"}
                 and c.metric.endswith("judge alone over neighbours, 60% adversarial")]  # fmt: skip
    assert varied != pytest.approx(usual, abs=1e-6)  # another graph is another society
    assert societies.run(job).cells == found.cells  # read back
    assert {figure.name for figure in found.figures} >= {
        "societies-gold", "societies-alignment", "societies-varied-none", "societies-varied-many",
    }  # fmt: skip


def test_what_a_society_says_trains_a_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(liu2023.SIZES, "quick", liu2023.Size(2, 10, 20, 1))
    monkeypatch.setattr(liu2023, "SHARES", (0.1,))
    kept = ("all three", "no back-scatter", "no realignment", "plain fine-tuning", "RLHF",
            "10% of the data")  # fmt: skip
    monkeypatch.setattr(liu2023, "ARMS", {name: liu2023.ARMS[name] for name in kept})
    found = liu2023.run(Job("quick", "preferences", 0, tmp_path))
    values = {tuple(c.setting.values()): c.value for c in found.cells
              if c.metric == "alignment, gold units"}  # fmt: skip
    assert values["all three",] > values["nothing",]
    assert values[0,] == pytest.approx(values["nothing",])
    examples = {c.setting["trained on"]: c.value for c in found.cells if c.metric == "examples"}
    assert examples["10% of the data"] == pytest.approx(0.1 * examples["all three"], rel=0.1)
