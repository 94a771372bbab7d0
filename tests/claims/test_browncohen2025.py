"""Brown-Cohen et al. 2025, as derived: obfuscation hurts debate more; spread doubt beats truth."""

from pathlib import Path

import pytest

from experiments.browncohen2025 import EXPERIMENT, games
from experiments.browncohen2025.findings import spread_credence
from experiments.browncohen2025.games import DEBATE, DENIES, IGNORANT, INFORMED, SPREADS
from oversight.study import Cell, Findings, Job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("browncohen2025")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(games.EPISODES, "quick", 100)
        patch.setattr(games, "DEPTHS", (1, 2, 3))
        return EXPERIMENT.run(Job("quick", "circuits", 0, out))


def cell(found: Findings, arm: str, metric: str = "accuracy", **at: float) -> Cell:
    wanted = {"arm": arm, **{{"hidden": "ω"}.get(name, name): x for name, x in at.items()}}
    (held,) = (c for c in found.cells if dict(c.setting) == wanted and c.metric == metric)
    return held


def test_debate_loses_more_to_obfuscation_than_the_estimator_does(found: Findings):
    lost = {
        arm: cell(found, arm, hidden=0.0).value - cell(found, arm, hidden=0.8).value
        for arm in (DEBATE, INFORMED, IGNORANT)
    }
    assert lost[DEBATE] > 0.1 + max(lost[INFORMED], lost[IGNORANT])


def test_knowing_the_flaw_helps_a_liar(found: Findings):
    (claim,) = (claim for claim in found.claims if claim.claim.startswith("knowing the flaw"))
    assert claim.holds


def test_completeness_rests_on_stability(found: Findings):
    assert cell(found, SPREADS, steps=1).value > 0.9
    for steps in (3, 7):
        assert cell(found, SPREADS, steps=steps).value == 0
        assert cell(found, DENIES, steps=steps).value > 0.9
        worth = cell(found, SPREADS, "credence in the truth", steps=steps).value
        assert worth == pytest.approx(spread_credence(steps), abs=0.02)


def test_nothing_is_printed_as_published(found: Findings):
    assert all(c.published is None for c in found.cells)
