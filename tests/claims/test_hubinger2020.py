"""Market making learned on short sums: what of the induction shows, on few and small trainings."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.hubinger2020 import EXPERIMENT, chains, markets
from experiments.hubinger2020.chains import ChainSize
from experiments.hubinger2020.markets import Size
from oversight.study import Cell, Findings, Job

pytestmark = pytest.mark.long
SIZE = Size(
    terms=3, m=3, steps=30, every=5, games=128, seeds=2, tests=60, biases=(0.5,), circuits=80
)

LINKS = ChainSize(depth=2, m=2, steps=20, every=5, games=64, seeds=2, tests=50)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hubinger2020")


@pytest.fixture(scope="module")
def findings(out: Path) -> Findings:
    return reproduced(out)


def reproduced(out: Path) -> Findings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(markets.SIZES, "quick", SIZE)
        patch.setitem(chains.SIZES, "quick", LINKS)
        return EXPERIMENT.run(Job("quick", "sums", 0, out))


def only(findings: Findings, terms: int, bias: float, metric: str) -> Cell:
    setting = {"terms": terms, "judge's bias": bias}
    (found,) = [c for c in findings.cells if c.setting == setting and c.metric == metric]
    return found


def claim(findings: Findings, words: str) -> bool:
    (found,) = [c for c in findings.claims if words in c.claim]
    return found.holds


def test_three_terms_are_learned_after_two(findings: Findings) -> None:
    assert claim(findings, "3 terms are learned after 2 terms")


def test_the_market_prices_sums_that_the_judge_cannot_do(findings: Findings) -> None:
    assert only(findings, 3, 0.0, "accuracy of the first price").low > 0.9


def test_a_bias_leaves_the_market_exploitable(findings: Findings) -> None:
    assert claim(findings, "a judge biased by 0.5 leaves its market exploitable")


def test_on_circuits_who_argues_decides_where_the_judge_ends(findings: Findings) -> None:
    assert claim(findings, "an honest adversary brings the judge nearer")
    assert claim(findings, "a misleading adversary brings the judge farther")


def test_chains_are_learned_gate_by_gate_towards_the_fixed_point(findings: Findings) -> None:
    assert claim(findings, "2 gates are learned no sooner than 1")
    for gates in (1, 2):
        setting = {"world": "chains", "judge": "no glance", "gates": gates}
        found = {c.metric: c for c in findings.cells if c.setting == setting}
        assert found["accuracy of the first price"].low > 0.9
        settled = found["the fixed point's price of the truth"].value
        assert 0.7 < found["first price of the truth"].value < settled + 0.05


def test_nothing_is_printed_as_published(findings: Findings) -> None:
    assert all(c.published is None for c in findings.cells)
    assert any("No curve has been published" in note for note in findings.notes)


def test_going_on_from_what_is_there_gives_the_same(findings: Findings, out: Path) -> None:
    (out / "markets").rename(out / "lost")  # the trainings' own checkpoints are left
    again = reproduced(out)
    assert again.cells == findings.cells
    assert again.claims == findings.claims
