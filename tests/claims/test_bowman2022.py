"""Bowman et al. 2022 on fitted exams: what is fitted fits, and what is predicted is not fitted."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.bowman2022 import EXPERIMENT, games, prediction
from experiments.bowman2022.games import Size
from experiments.bowman2022.prediction import all_or_none, crowd, draw, predicted
from oversight.exams.items import ability_for, accuracy, pooled_ability
from oversight.study import Cell, Findings, Job

FITS = ("MMLU", "QuALITY")


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out: Path = tmp_path_factory.mktemp("bowman2022")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(games.SIZES, "quick", Size(250, 24))
        return EXPERIMENT.run(Job("quick", "exams", 0, out))


def only(findings: Findings, title: str, arm: str, how: str, metric: str = "accuracy") -> Cell:
    wanted = {"benchmark": title, "arm": arm, "how it was found": how}
    (found,) = [c for c in findings.cells if c.setting == wanted and c.metric == metric]
    return found


@pytest.mark.long
@pytest.mark.parametrize("title", FITS)
def test_what_is_fitted_fits(findings: Findings, title: str) -> None:
    for arm in ("novice alone", "assistant alone", "expert", "vote of novices"):
        fitted = only(findings, title, arm, "fitted, played")
        assert fitted.published is not None
        assert fitted.low - 0.02 <= fitted.published <= fitted.high + 0.02


@pytest.mark.long
@pytest.mark.parametrize("title", FITS)
def test_novice_and_assistant_beat_both_alone_and_stay_below_the_expert(
    findings: Findings, title: str
) -> None:
    (claim,) = [c for c in findings.claims if c.claim.startswith(f"{title}: novice with")]
    assert claim.holds
    joint = only(findings, title, "novice with assistant", "played")
    assert joint.high < only(findings, title, "expert", "fitted, played").low


@pytest.mark.long
@pytest.mark.parametrize("title", FITS)
def test_pooling_of_evidence_falls_short_of_what_people_reached(
    findings: Findings, title: str
) -> None:
    """The claim as reported: the prediction does not cover the published joint accuracy."""
    joint = only(findings, title, "novice with assistant", "predicted")
    (claim,) = [
        c for c in findings.claims if c.claim.startswith(f"{title}, novice with assistant:")
    ]  # fmt: skip
    assert joint.published is not None
    assert not claim.holds
    assert joint.high < joint.published


@pytest.mark.long
@pytest.mark.parametrize("title", FITS)
def test_a_novice_that_only_trusts_is_the_assistant(findings: Findings, title: str) -> None:
    trusting = only(findings, title, "trusting novice with assistant", "played")
    assert trusting.value == only(findings, title, "assistant alone", "fitted, played").value


@pytest.mark.long
def test_published_numbers_are_beside_predictions_and_fits_with_their_source(
    findings: Findings,
) -> None:
    published = [c for c in findings.cells if c.published is not None]
    assert len(published) == 2 * 7
    assert all(c.source and "Bowman et al. 2022" in c.source for c in published)


# The prediction by itself


def test_in_the_middle_a_rightly_weighed_prediction_is_the_bayesian_closed_form():
    unknowns = draw("mmlu", 0)._replace(correlation=0.0, weight=1.0)
    novice, assistant = (
        ability_for(share, unknowns.spread) for share in (unknowns.novice, unknowns.assistant)
    )
    wanted = accuracy(pooled_ability(novice, assistant, 0.0), unknowns.spread)
    assert predicted(unknowns, 0)["joint"] == pytest.approx(wanted)


def test_kinship_reproduces_the_vote_that_it_is_fitted_to():
    for share in (0.62, 0.66):
        novices = crowd(0, 5, ability_for(0.572, 0.5), 0.5)
        assert novices.vote(novices.kinship_for(share)) == pytest.approx(share, abs=0.005)


def test_twins_vote_as_one():
    novices = crowd(0, 3, ability_for(0.572, 0.5), 0.5)
    assert novices.vote(1.0) == pytest.approx(0.572, abs=4 * (0.25 / prediction.ITEMS) ** 0.5)


def test_draws_stay_in_their_ranges_and_differ_by_their_key():
    drawn = [draw("quality", key) for key in range(200)]
    assert len({unknowns.correlation for unknowns in drawn}) == 200
    for unknowns in drawn:
        assert 0 <= unknowns.correlation <= 0.5
        assert 0 <= unknowns.spread <= 1
        assert 0.5 <= unknowns.weight <= 2
        assert 0.4855 <= unknowns.novice <= 0.4865
        assert 0.5915 <= unknowns.assistant <= 0.6695
        assert unknowns.voters in (3, 5)


def test_all_or_none_knowledge_by_hand():
    # each knows half: accuracy 0.625 alone; a quarter neither knows, guessed right at ¼
    assert all_or_none(0.625, 0.625) == pytest.approx(0.75 + 0.25 * 0.25)
    assert all_or_none(0.25, 0.25) == pytest.approx(0.25)
    assert all_or_none(1.0, 0.3) == pytest.approx(1.0)
