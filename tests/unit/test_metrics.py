"""The scores against hand arithmetic, their bounds, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from oversight.metrics import (
    accuracy,
    agent_score_difference,
    brier_score,
    expected_agent_score,
    expected_calibration_error,
    expected_judge_score,
    log_score,
    performance_gap_recovered,
    side_probabilities,
)

Floats = NDArray[np.float64]


@st.composite
def verdicts(draw: st.DrawFn) -> tuple[Floats, NDArray[np.int64]]:
    """Credences (N, A) and truth (N,); zeros and ties are common."""
    items, answers = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    weight = draw(arrays(np.float64, (items, answers), elements=st.integers(0, 4)))
    weight[weight.sum(axis=1) == 0] = 1.0
    truth = draw(arrays(np.int64, items, elements=st.integers(0, answers - 1)))
    return weight / weight.sum(axis=1, keepdims=True), truth


def test_accuracy_gives_a_tie_its_share() -> None:
    credences = [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]]
    np.testing.assert_array_equal(accuracy(credences, [0, 0, 1, 2]), [1, 0, 0.5, 0])
    np.testing.assert_allclose(accuracy([[1 / 3] * 3] * 3, [0, 1, 2]), 1 / 3)


def test_log_score_is_in_nats_and_infinite_when_the_truth_is_ruled_out() -> None:
    scores = log_score([[0.25, 0.75], [0.0, 1.0]], [0, 0])
    np.testing.assert_allclose(scores, [-math.log(4), -np.inf])


def test_log_score_floor_bounds_the_loss() -> None:
    scores = log_score([[0.25, 0.75], [0.0, 1.0]], [0, 0], floor=0.01)
    np.testing.assert_allclose(scores, [math.log(0.25), math.log(0.01)])


def test_brier_sums_over_the_answers() -> None:
    credences = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.3, 0.2]]
    np.testing.assert_allclose(brier_score(credences, [0, 0, 0]), [0, 2, 0.25 + 0.09 + 0.04])


@given(verdicts())
@settings(deadline=None)
def test_scores_stay_in_range_and_a_padding_answer_changes_none(
    case: tuple[Floats, NDArray[np.int64]],
) -> None:
    credences, truth = case
    padded = np.pad(credences, ((0, 0), (0, 1)))
    for score, low, high in (
        (accuracy, 0, 1),
        (log_score, -np.inf, 0),
        (brier_score, 0, 2),
    ):
        values = score(credences, truth)
        assert values.shape == truth.shape
        assert (values >= low).all()
        assert (values <= high + 1e-12).all()
        np.testing.assert_allclose(score(padded, truth), values)


@given(verdicts())
@settings(deadline=None)
def test_accuracy_adds_up_to_one_over_the_answers(
    case: tuple[Floats, NDArray[np.int64]],
) -> None:
    credences, _ = case
    items, answers = credences.shape
    total = sum(accuracy(credences, np.full(items, answer)) for answer in range(answers))
    np.testing.assert_allclose(total, np.ones(items))


@pytest.mark.parametrize("score", [log_score, brier_score])
def test_honesty_maximises_a_proper_score(score: object) -> None:
    belief = 0.7
    reports = np.linspace(0.01, 0.99, 99)
    rows = np.stack([reports, 1 - reports], axis=1)
    first, second = np.zeros(99, dtype=int), np.ones(99, dtype=int)
    if score is log_score:
        expected = belief * log_score(rows, first) + (1 - belief) * log_score(rows, second)
    else:
        loss = belief * brier_score(rows, first) + (1 - belief) * brier_score(rows, second)
        expected = -loss
    assert reports[np.argmax(expected)] == pytest.approx(belief)


def test_calibration_error_by_hand() -> None:
    # Bin (0.5, 0.6]: confidence 0.6, accuracy 1/2. Bin (0.9, 1]: confidence 0.95, accuracy 1.
    credences = [[0.6, 0.4], [0.6, 0.4], [0.95, 0.05], [0.95, 0.05]]
    error, bins = expected_calibration_error(credences, [0, 1, 0, 0])
    assert error == pytest.approx(0.5 * 0.1 + 0.5 * 0.05)
    np.testing.assert_allclose(bins.low, [0.5, 0.9])
    np.testing.assert_allclose(bins.high, [0.6, 1.0])
    np.testing.assert_array_equal(bins.items, [2, 2])
    np.testing.assert_allclose(bins.confidence, [0.6, 0.95])
    np.testing.assert_allclose(bins.accuracy, [0.5, 1.0])


def test_calibration_bins_close_on_the_right() -> None:
    _, bins = expected_calibration_error([[0.7, 0.3], [1.0, 0.0], [0.5, 0.5]], [0, 0, 0])
    np.testing.assert_allclose(bins.high, [0.5, 0.7, 1.0])


def test_calibration_in_one_bin_is_confidence_minus_accuracy() -> None:
    error, _ = expected_calibration_error([[0.8, 0.2]] * 4, [0, 0, 1, 1], bins=1)
    assert error == pytest.approx(0.3)


@given(verdicts(), st.integers(1, 20))
@settings(deadline=None)
def test_calibration_tables_account_for_every_item(
    case: tuple[Floats, NDArray[np.int64]], width: int
) -> None:
    credences, truth = case
    error, bins = expected_calibration_error(credences, truth, bins=width)
    assert 0 <= error <= 1
    assert bins.items.sum() == len(truth)
    assert (bins.items > 0).all()
    overall = np.sum(bins.items * bins.accuracy) / len(truth)
    assert overall == pytest.approx(accuracy(credences, truth).mean())


def test_agent_score_difference_is_the_log_ratio_of_own_sides() -> None:
    difference = agent_score_difference([0.8, 0.5, 0.2], [0.4, 0.5, 0.8])
    np.testing.assert_allclose(difference, [math.log(2), 0, -math.log(4)], atol=1e-15)


def test_agent_score_difference_at_zero_credence() -> None:
    difference = agent_score_difference([0.5, 0.0, 0.0], [0.0, 0.5, 0.0])
    np.testing.assert_array_equal(difference, [np.inf, -np.inf, 0])
    floored = agent_score_difference([0.5, 0.0, 0.0], [0.0, 0.5, 0.0], floor=0.05)
    np.testing.assert_allclose(floored, [math.log(10), -math.log(10), 0])


def test_agent_score_difference_in_a_zero_sum_debate_follows_from_the_log_scores() -> None:
    credences, truth = np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([0, 0])
    difference = agent_score_difference(credences[:, 0], credences[:, 1])
    np.testing.assert_allclose(
        difference, log_score(credences, truth) - log_score(credences, 1 - truth)
    )


def test_side_choice_between_its_limits() -> None:
    scores = [[0.0, math.log(3)], [1.0, 1.0]]
    np.testing.assert_allclose(side_probabilities(scores, beta=1), [[0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_array_equal(side_probabilities(scores, beta=0), [[0, 1], [0.5, 0.5]])
    np.testing.assert_array_equal(side_probabilities(scores, beta=math.inf), [[0.5, 0.5]] * 2)


def test_expected_scores_by_hand() -> None:
    agent = [[0.0, math.log(3)]]
    assert expected_agent_score(agent, beta=1) == pytest.approx(0.75 * math.log(3))
    assert expected_judge_score([[8.0, 4.0]], agent, beta=1) == pytest.approx(5.0)
    assert expected_judge_score([[8.0, 4.0]], agent, beta=0) == pytest.approx(4.0)
    assert expected_judge_score([[8.0, 4.0]], agent, beta=math.inf) == pytest.approx(6.0)


def test_a_side_that_is_never_picked_costs_nothing() -> None:
    np.testing.assert_array_equal(expected_agent_score([[-np.inf, -1.0]], beta=1), [-1.0])
    np.testing.assert_array_equal(expected_agent_score([[-np.inf, -1.0]], beta=0), [-1.0])
    np.testing.assert_array_equal(expected_agent_score([[-np.inf, -1.0]], beta=math.inf), [-np.inf])


@given(
    arrays(np.float64, (4, 3), elements=st.floats(-50, 50)),
    st.floats(0, 100),
    st.floats(0, 100),
)
@settings(deadline=None)
def test_more_temperature_never_pays_the_agent(scores: Floats, one: float, other: float) -> None:
    cold, hot = sorted((one, other))
    chosen = side_probabilities(scores, beta=cold)
    np.testing.assert_allclose(chosen.sum(axis=1), 1)
    earned = expected_agent_score(scores, beta=cold)
    assert (earned >= expected_agent_score(scores, beta=hot) - 1e-9).all()
    assert (earned <= scores.max(axis=1) + 1e-9).all()


def test_performance_gap_recovered_matches_the_authors_readme() -> None:
    # Burns et al. 2023, vision code: weak 56.6, ceilings 64.5 and 74.0, transfer 61.9 and 66.6.
    assert performance_gap_recovered(56.6, 61.9, 64.5) == pytest.approx(0.67, abs=0.005)
    assert performance_gap_recovered(56.6, 66.6, 74.0) == pytest.approx(0.57, abs=0.005)
    with pytest.raises(ValueError, match="no gap to recover"):
        performance_gap_recovered(0.6, 0.7, 0.6)


@pytest.mark.parametrize(
    ("credences", "truth", "message"),
    [
        ([[0.5, 0.5], [math.nan, 0.5]], [0, 0], r"1 of 2 rows .*first: row 1"),
        ([[1.5, -0.5]], [0], "no probabilities"),
        ([[50.0, 50.0]], [0], "no probabilities"),
        ([[0.5, 0.5]], [2], r"truth must lie in 0\.\.1"),
        ([[0.5, 0.5]], [-1], r"truth must lie in 0\.\.1"),
        ([[0.5, 0.5]], [0.0], "indices of answers"),
        ([[0.5, 0.5]], [0, 1], "one index an item"),
        ([0.5, 0.5], [0], "items, answers"),
    ],
)
def test_verdicts_that_mean_nothing_are_refused(
    credences: list[list[float]], truth: list[int], message: str
) -> None:
    for score in (accuracy, log_score, brier_score, expected_calibration_error):
        with pytest.raises(ValueError, match=message):
            score(credences, truth)


def test_no_items_score_nothing() -> None:
    none, truth = np.empty((0, 2)), np.empty(0, dtype=int)
    for score in (accuracy, log_score, brier_score):
        assert score(none, truth).shape == (0,)
    with pytest.raises(ValueError, match="at least one item"):
        expected_calibration_error(none, truth)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="floor must lie"):
        log_score([[0.5, 0.5]], [0], floor=-0.1)
    with pytest.raises(ValueError, match="bins must be"):
        expected_calibration_error([[0.5, 0.5]], [0], bins=0)
    with pytest.raises(ValueError, match="beta must be"):
        side_probabilities([[0.0, 1.0]], beta=-1)
    with pytest.raises(ValueError, match="beta must be"):
        side_probabilities([[0.0, 1.0]], beta=math.nan)
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        side_probabilities([[0.0, math.nan]], beta=1)
    with pytest.raises(ValueError, match="pair them first"):
        agent_score_difference([0.5], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        agent_score_difference([-0.5], [0.5])
    with pytest.raises(ValueError, match="differ in shape"):
        expected_judge_score([[1.0, 2.0, 3.0]], [[1.0, 2.0]], beta=1)
