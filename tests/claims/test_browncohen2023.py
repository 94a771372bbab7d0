"""Brown-Cohen, Irving, Piliouras 2023 on a small machine: both bounds, both costs, the trap."""

from pathlib import Path

import pytest

from experiments.browncohen2023 import EXPERIMENT, findings, sweeps
from experiments.browncohen2023.sweeps import RIGHT, Size
from oversight.study import Findings, Job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("browncohen2023")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sweeps.SIZES, "quick", Size((1, 3, 20), 400, 30))
        return EXPERIMENT.run(Job("quick", "circuits", 0, out))


def value(found: Findings, arm: str, steps: int, metric: str = findings.RIGHT) -> float:
    (held,) = (
        cell.value for cell in found.cells
        if cell.setting.get("arm") == arm and cell.setting["T"] == steps and cell.metric == metric
    )  # fmt: skip
    return held


@pytest.mark.parametrize("arm", findings.BOUNDED)
def test_the_game_is_right_three_times_in_five_whoever_sits_there(found: Findings, arm: str):
    (claim,) = (claim for claim in found.claims if claim.claim.startswith(arm))
    assert claim.holds


def test_honest_games_come_out_as_the_machine_does(found: Findings):
    cells = [c for c in found.cells if c.setting.get("arm") == findings.BOUNDED[0]]
    right = [c for c in cells if c.metric == findings.RIGHT]
    # 400 games: 4 standard errors are 9.3 points
    assert all(abs(c.value - RIGHT) < 0.093 for c in right)
    assert all(c.value < 0.02 for c in cells if c.metric == "Vera is called")


def test_bob_with_veras_threshold_is_unsound(found: Findings):
    assert value(found, findings.UNSOUND, 61) < 0.6 < value(found, findings.BOUNDED[2], 61)
    assert value(found, findings.UNSOUND, 61, "Vera is called") > 0.5


def test_the_verifier_pays_the_same_at_every_length_and_the_prover_t_log_t(found: Findings):
    by = {cell.setting["setting"]: cell for cell in found.cells if "setting" in cell.setting}
    assert by["verifier, challenged"].value == 0
    assert by["prover, honest"].value == pytest.approx(1, abs=0.001)


def test_the_proved_bound_stands_beside_ours_with_its_source(found: Findings):
    published = [cell for cell in found.cells if cell.published is not None]
    assert len(published) == 9
    assert all(c.published == 0.6 and c.source and "Brown-Cohen" in c.source for c in published)
