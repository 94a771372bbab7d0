"""Studies of alignment on few draws and steps: what they print is there, and the laws hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments import gao2023, gui2024_bonbon, toxicity, wang2024_clp
from experiments.leaderboard import EXPERIMENT as LEADERBOARD
from experiments.leaderboard import institutions, methods
from oversight.alignment.aligning import align
from oversight.alignment.bench import Bench
from oversight.alignment.closed_forms import best_of_kl, best_of_wins
from oversight.alignment.measures import measured
from oversight.registry import names
from oversight.study import Findings, Job
from oversight.training.descent import Pace

pytestmark = pytest.mark.slow
LITTLE = "preferences:topics=2,manners=1,longest=3"
"""A world of two prompts and 85 answers."""


def holds(findings: Findings, words: str) -> bool:
    (found,) = [claim for claim in findings.claims if words in claim.claim]
    return found.holds


def test_pressed_hard_enough_gold_reward_falls_while_the_proxy_rises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(gao2023.DRAWS, "quick", 2)
    monkeypatch.setattr(gao2023, "WIDTHS", (64,))
    monkeypatch.setattr(gao2023, "LABELS", (1024,))
    monkeypatch.setattr(gao2023, "STEPS", 10)
    job = Job("quick", "preferences", 0, tmp_path)
    found = gao2023.run(job)
    fits = [c for c in found.cells if c.metric.endswith("R²")]
    assert len(fits) == 2
    assert all(c.value > 0.5 for c in fits)
    gains = [c for c in found.cells if c.metric == "gain in gold reward"]
    assert all(c.value == 0 for c in gains if c.setting["√KL"] == 0)
    assert gao2023.run(job).cells == found.cells  # read back


def test_the_law_that_methods_are_held_against_is_that_of_the_best_of_n() -> None:
    lab = Bench().lab(Bench().method("bonbon"), 0)
    law = gui2024_bonbon.law_of(lab)
    assert np.all(np.diff(law.kl) > 0)
    assert np.all(np.diff(law.wins) > 0)
    assert law.at(0.0) == pytest.approx(0.5)
    assert law.at(best_of_kl(4)) == pytest.approx(best_of_wins(4), abs=0.03)  # ties apart


def test_no_offline_method_is_above_the_law(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = gui2024_bonbon.Size("exact", 2, 20)
    monkeypatch.setitem(gui2024_bonbon.SIZES, "quick", size)
    monkeypatch.setattr(gui2024_bonbon, "OFFLINE", ("bonbon", "dpo", "ipo"))
    monkeypatch.setattr(gui2024_bonbon, "SAMPLING", ())
    monkeypatch.setattr(gui2024_bonbon, "SHOWN", ("bonbon", "dpo", "ipo"))
    found = gui2024_bonbon.run(Job("quick", "preferences", 0, tmp_path))
    assert holds(found, "no method wins more than the best of n")


def test_toxicity_falls_with_the_dial_and_at_nought_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = (toxicity.Arm("exact", "preferences", 60, 1024, 64, 2),)
    monkeypatch.setitem(toxicity.ARMS, "quick", arms)
    found = toxicity.run(Job("quick", "preferences", 0, tmp_path))
    assert all(c.holds for c in found.claims if "gold" not in c.claim)
    assert len(found.claims) == 7


def test_a_front_can_be_steered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = {"exact": wang2024_clp.Size(120, 3)}
    monkeypatch.setitem(wang2024_clp.SIZES, "quick", size)
    found = wang2024_clp.run(Job("quick", LITTLE, 0, tmp_path))
    assert holds(found, "helpful is more where it has all the weight")


def test_a_soups_ingredient_learns_its_own_reward_alone() -> None:
    bench = Bench(steps=60)
    moved = [
        wang2024_clp.place(measured(policy, lab))
        for method in (wang2024_clp.Single(alone=0), wang2024_clp.Single(alone=1))
        for lab in [bench.lab(method, 0)]
        for policy in [align(method, lab, pace=Pace(60, 0.05)).policy]
    ]
    assert moved[0][0] > moved[1][0] + 0.2
    assert moved[1][1] > moved[0][1]


def test_every_method_has_its_place_and_every_institution_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("dpo", "kto", "lima")

    def few_of(kind: str) -> tuple[str, ...]:
        return few if kind == "methods" else ()

    monkeypatch.setattr(methods, "names", few_of)
    monkeypatch.setitem(methods.SIZES, "quick", methods.Size("exact", 2, 120))
    monkeypatch.setattr(institutions, "METHODS", ("dpo",))
    monkeypatch.setitem(institutions.SIZES, "quick", (2, 20))
    houses = {name: institutions.INSTITUTIONS[name] for name in institutions.INSTITUTIONS
              if name not in ("critique", "annotators")}  # fmt: skip
    monkeypatch.setattr(institutions, "INSTITUTIONS", houses)
    found = LEADERBOARD.run(Job("quick", LITTLE, 0, tmp_path))
    placed = {c.setting["method"] for c in found.cells if "signal" in c.setting}
    assert placed == set(few)
    assert {c.setting["feedback"] for c in found.cells if "feedback" in c.setting} == set(houses)
    exact = [c for c in found.cells if "exact" in str(c.setting["method"])]
    assert exact[1].value > exact[0].value  # nothing beats the tilt to gold itself
    assert set(few) < set(names("methods"))
