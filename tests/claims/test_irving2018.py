"""Irving et al. 2018 on scikit-learn's digits: the paper's claims, on few images."""

from pathlib import Path

import numpy as np
import pytest

from experiments.irving2018 import EXPERIMENT, games, learned
from experiments.irving2018.games import Size
from experiments.learning import practice
from oversight.study import Cell, Findings, Job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("irving2018")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(games.SIZES, "quick", Size(80, 200, (10,), 40))
        patch.setitem(learned.LESSONS, "quick", 40)
        return EXPERIMENT.run(Job("quick", "digits", 0, out))


def cells(findings: Findings, setting: str, **other: object) -> list[Cell]:
    wanted = {"setting": setting, **other}
    return [c for c in findings.cells if wanted.items() <= c.setting.items()]


def test_debate_against_all_nine_lies_beats_the_judge_alone(findings: Findings) -> None:
    claims = [claim for claim in findings.claims if "beats the judge alone" in claim.claim]
    assert len(claims) == 4  # two orders, four and six pixels
    assert all(claim.holds for claim in claims)


@pytest.mark.parametrize("k", [4, 6])
def test_one_random_lie_without_debate_is_the_trap_that_it_is(findings: Findings, k: int) -> None:
    (alone,) = cells(findings, "judge alone", k=k)
    (trap,) = cells(findings, "one random lie, nobody argues", k=k)
    assert trap.low > alone.high + 0.2


@pytest.mark.parametrize("k", [4, 6])
@pytest.mark.parametrize("order", ["honest first", "liar first"])
def test_precommitment_helps_honesty(findings: Findings, k: int, order: str) -> None:
    committed = cells(findings, "precommit", k=k, order=order)[0]
    (free,) = cells(findings, "no precommit", k=k, order=order)
    assert committed.value > free.value


@pytest.mark.parametrize("k", [4, 6])
def test_whoever_moves_last_does_no_worse_under_exact_play(findings: Findings, k: int) -> None:
    (first,) = [
        c for c in cells(findings, "precommit, exact play", k=k, order="honest first")
        if c.metric != "mean over lies"
    ]  # fmt: skip
    (last,) = [
        c for c in cells(findings, "precommit, exact play", k=k, order="liar first")
        if c.metric != "mean over lies"
    ]  # fmt: skip
    assert last.value >= first.value


@pytest.mark.parametrize("k", [4, 6])
def test_more_search_comes_nearer_to_exact_play(findings: Findings, k: int) -> None:
    exact = cells(findings, "precommit, exact play", k=k, order="honest first")[0].value
    few = cells(findings, "precommit, by effort", k=k, order="honest first", rollouts=10)[0].value
    many = cells(findings, "precommit", k=k, order="honest first")[0].value
    assert abs(many - exact) < abs(few - exact)


def test_published_numbers_stand_beside_ours_with_their_source(findings: Findings) -> None:
    published = [c for c in findings.cells if c.published is not None]
    assert len(published) == 13
    assert all(c.source and "Irving" in c.source for c in published)


def test_every_cell_has_an_interval_over_images(findings: Findings) -> None:
    assert all(c.low <= c.value <= c.high for c in findings.cells)
    assert {c.n for c in findings.cells} == {40, 80, 597}


@pytest.mark.parametrize("k", [4, 6])
def test_with_learned_debaters_honesty_beats_a_lie_more_often_than_the_judge_is_right(
    findings: Findings, k: int
) -> None:
    (alone,) = cells(findings, "judge alone", k=k)
    for order in ("honest first", "liar first"):
        strict, mean = cells(findings, "learned debaters", k=k, order=order)
        assert strict.value <= mean.value
        assert mean.low > alone.high


def test_practice_is_on_other_images_before_the_same_judge(tmp_path: Path) -> None:
    bench = games.Bench(Job("quick", "digits", 0, tmp_path), 4, games.SIZES["quick"])
    world = practice(bench.built(), bench.world)
    shown, tested = world.data.test_values, bench.world.data.test_values
    assert not {row.tobytes() for row in shown} & {row.tobytes() for row in tested}
    assert np.array_equal(world.judge().head, bench.world.judge().head)
