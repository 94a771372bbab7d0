"""Leike et al. 2018 in small: assistance makes evaluation easier, on few seeds and cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.leike2018 import EXPERIMENT, ladders
from experiments.leike2018.ladders import Rung, Size
from oversight.study import Cell, Findings, Job

pytestmark = pytest.mark.long
LEVELS = 2


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("leike2018")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ladders.SIZES, "quick", Size(3, LEVELS, 400, (1, 5), 300))
        return EXPERIMENT.run(Job("quick", "circuits", 0, out))


def error(findings: Findings, agents: Rung, level: int) -> Cell:
    setting = {"agents": agents.words, "level": level}
    (found,) = [c for c in findings.cells if c.setting == setting]
    return found


def game(findings: Findings, name: str, depth: int, metric: str = "error") -> Cell:
    setting = {"game on circuits": name, "depth": depth}
    (found,) = [c for c in findings.cells if c.setting == setting and c.metric == metric]
    return found


def test_in_the_game_help_makes_judging_easier_and_more_so_where_it_is_deep(
    findings: Findings,
) -> None:
    gains = [
        game(findings, "unaided", depth).value - game(findings, "aided", depth).value
        for depth in (1, 5)
    ]
    assert game(findings, "aided", 5).high < game(findings, "unaided", 5).low
    assert gains[1] > gains[0] > 0


def test_recursive_critique_never_hurts_and_costs_looks(findings: Findings) -> None:
    aided, criticised = (game(findings, name, 5) for name in ("aided", "aided, 8 critiques"))
    assert criticised.value <= aided.value
    looks = [
        game(findings, name, 5, "careful looks").value
        for name in ("unaided", "aided", "aided, 1 critique", "aided, 8 critiques")
    ]
    assert looks == sorted(looks)
    assert looks[:2] == [0, 1]


def test_errors_grow_with_the_level_whoever_teaches(findings: Findings) -> None:
    for rung in ladders.RUNGS:
        assert error(findings, rung, LEVELS).value > error(findings, rung, 1).value


def test_the_true_reward_is_the_best_teacher_and_unaided_users_the_worst(
    findings: Findings,
) -> None:
    true, aided, unaided = (
        error(findings, Rung(reward, "policy"), LEVELS).value
        for reward in ("true", "aided", "unaided")
    )
    assert true < unaided
    assert true < aided


def test_criticised_help_is_judged_by_with_fewer_errors(findings: Findings) -> None:
    plain, read = (
        error(findings, Rung("aided", "judged", critiques), LEVELS) for critiques in (0, 1)
    )
    assert read.value < plain.value


def test_nothing_is_printed_as_published(findings: Findings) -> None:
    assert all(c.published is None and c.source is None for c in findings.cells)
    assert any("reports no numbers" in note for note in findings.notes)


def test_every_claim_is_reported_with_its_numbers(findings: Findings) -> None:
    assert len(findings.claims) == 9
    assert all("points fewer errors" in claim.detail for claim in findings.claims)
