"""The intervals against closed forms, their coverage, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oversight.metrics import (
    Interval,
    by_case,
    mean_interval,
    paired_difference,
    pgr_interval,
    ratio_interval,
)

Floats = NDArray[np.float64]
Z95 = 1.959963984540054  # the normal's 97.5 % point

records = st.lists(
    st.tuples(st.integers(0, 5), st.floats(-1e3, 1e3, allow_subnormal=False)),
    min_size=1,
    max_size=20,
)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The score interval's closed form (Wilson 1927)."""
    rate, slack = successes / n, Z95**2 / n
    centre = (rate + slack / 2) / (1 + slack)
    half = Z95 / (1 + slack) * math.sqrt(rate * (1 - rate) / n + slack / (4 * n))
    return centre - half, centre + half


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 1), (1, 1), (3, 4), (0, 20), (20, 20), (889, 1000)]
)
def test_zero_one_data_get_wilsons_interval(successes: int, n: int) -> None:
    outcome = np.arange(n) < successes
    value, low, high, cases = mean_interval(outcome)
    assert (value, cases) == (successes / n, n)
    assert (low, high) == pytest.approx(wilson(successes, n), abs=1e-12)
    assert 0 <= low <= value <= high <= 1


def test_records_are_averaged_within_their_case_first() -> None:
    by_hand = by_case([1.0, 0.0, 1.0, 4.0], ["b", "a", "b", "a"])
    assert by_hand.cases.tolist() == ["a", "b"]
    np.testing.assert_array_equal(by_hand.means, [2.0, 1.0])
    assert mean_interval([1.0, 0.0, 1.0, 4.0], ["b", "a", "b", "a"]).value == 1.5


def test_repeating_a_case_buys_no_certainty() -> None:
    outcome = np.array([1, 1, 0, 1, 0, 1])
    once = mean_interval(outcome)
    assert mean_interval(np.repeat(outcome, 50), np.repeat(np.arange(6), 50)) == once
    scores = np.array([0.1, 0.4, 0.45, 0.9])
    repeated = mean_interval(np.repeat(scores, 8), np.repeat(np.arange(4), 8))
    assert tuple(repeated) == pytest.approx(tuple(mean_interval(scores)))


def test_a_large_samples_bootstrap_agrees_with_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(5, 2, size=800)
    half = Z95 * values.std(ddof=1) / math.sqrt(800)
    value, low, high, n = mean_interval(values, resamples=4000)
    assert n == 800
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.15 * half)


def test_many_cases_take_the_percentile_path_and_little_memory() -> None:
    values = np.random.default_rng(2).random(20_000)
    value, low, high, _ = mean_interval(values, resamples=400)
    half = Z95 * values.std() / math.sqrt(20_000)
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.3 * half)


@pytest.mark.parametrize("skewed", [True, False])
def test_ninety_five_percent_intervals_cover(skewed: bool) -> None:
    rng = np.random.default_rng(3)
    trials, n = 200, 40
    inside = 0
    for _ in range(trials):
        values = rng.exponential(size=n) if skewed else (rng.random(n) < 0.9).astype(float)
        _, low, high, _ = mean_interval(values, resamples=500)
        inside += low <= (1.0 if skewed else 0.9) <= high
    assert 0.89 <= inside / trials <= 0.99


def test_one_case_or_equal_cases_show_no_spread() -> None:
    assert mean_interval([0.4]) == Interval(0.4, 0.4, 0.4, 1)
    assert mean_interval([0.4, 0.4, 0.4]) == Interval(0.4, 0.4, 0.4, 3)
    assert paired_difference([1.0], [0.0]) == Interval(1.0, 1.0, 1.0, 1)
    assert ratio_interval([1.0], [2.0]) == Interval(0.5, 0.5, 0.5, 1)


@given(records, st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_the_order_of_records_never_matters(rows: list[tuple[int, float]], seed: int) -> None:
    cases, values = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    straight = mean_interval(values, cases, seed=seed, resamples=100)
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    assert mean_interval(values[shuffled], cases[shuffled], seed=seed, resamples=100) == straight
    assert straight.low <= straight.value <= straight.high
    assert straight.n == len(set(cases.tolist()))
    assert np.isfinite(straight).all()


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.floats(-50, 50))
@settings(deadline=None, max_examples=40)
def test_a_constant_shift_is_the_paired_difference(values: list[float], shift: float) -> None:
    a = np.array(values)
    value, low, high, n = paired_difference(a + shift, a, resamples=100)
    assert n == len(a)
    assert (value, low, high) == pytest.approx((shift, shift, shift), abs=1e-9)


def test_a_wider_level_holds_a_narrower_one() -> None:
    values = np.random.default_rng(4).exponential(size=30)
    narrow, wide = mean_interval(values, level=0.5), mean_interval(values, level=0.99)
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_the_seed_decides_the_interval() -> None:
    values = np.random.default_rng(5).exponential(size=30)
    assert mean_interval(values, seed=1) == mean_interval(values, seed=1)
    assert mean_interval(values, seed=1) != mean_interval(values, seed=2)


def test_pairing_removes_what_the_cases_share() -> None:
    rng = np.random.default_rng(6)
    difficulty = rng.normal(0, 10, size=100)
    a, b = difficulty + rng.normal(1, 0.5, size=100), difficulty + rng.normal(0, 0.5, size=100)
    value, low, high, n = paired_difference(a, b)
    assert n == 100
    assert 0.7 < low < value < high < 1.3


def test_pairing_goes_by_case_and_not_by_position() -> None:
    cases = np.array(["p", "q", "r"])
    paired = paired_difference([1, 2, 3], [33, 11, 22], cases, np.array(["r", "p", "q"]))
    np.testing.assert_allclose(paired.value, 2 - 22)
    unequal = paired_difference([1, 3, 5], [1, 2], ["p", "p", "q"], ["q", "p"])
    assert unequal.value == pytest.approx(((2 - 2) + (5 - 1)) / 2)


def test_differences_of_outcomes_are_bootstrapped_not_counted() -> None:
    # All differences are 0 or 1 here, yet they could have been −1: Wilson's interval has no say.
    value, low, high, _ = paired_difference([1, 1, 1, 1, 0, 1, 1, 0], [0, 1, 1, 0, 0, 1, 1, 0])
    assert value == 0.25
    assert (low, high) != pytest.approx(wilson(2, 8))
    assert 0 <= low < value < high


def test_a_ratio_of_proportional_records_is_exact() -> None:
    below = np.random.default_rng(7).uniform(1, 2, size=25)
    value, low, high, n = ratio_interval(3 * below, below)
    assert n == 25
    assert (value, low, high) == pytest.approx((3, 3, 3))


def test_a_ratios_interval_agrees_with_the_delta_method() -> None:
    rng = np.random.default_rng(8)
    below = rng.uniform(1, 2, size=500)
    above = 0.5 * below + rng.normal(0, 0.2, size=500)
    value, low, high, _ = ratio_interval(above, below)
    half = Z95 * (above - value * below).std() / below.mean() / math.sqrt(500)
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.2 * half)


def test_a_ratio_over_what_may_be_zero_is_unbounded() -> None:
    value, low, high, n = ratio_interval([1.0, 2.0, 3.0], [0.0, 1.0, -0.5])
    assert value == pytest.approx(12)
    assert (low, high, n) == (-math.inf, math.inf, 3)


def test_a_resample_without_a_gap_does_no_harm() -> None:
    value, low, high, _ = ratio_interval([0, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1])
    assert value == pytest.approx(0.8)
    assert 0 <= low <= value <= high <= 1


def test_pgr_is_the_gain_over_the_gap_with_its_interval() -> None:
    rng = np.random.default_rng(9)
    luck = rng.random(600)
    weak, strong, ceiling = luck < 0.5, luck < 0.7, luck < 0.9
    value, low, high, n = pgr_interval(weak, strong, ceiling)
    assert value == pytest.approx((strong.mean() - weak.mean()) / (ceiling.mean() - weak.mean()))
    assert n == 600
    assert low < 0.5 < high
    assert high - low < 0.15
    assert pgr_interval(weak, ceiling, ceiling).value == 1
    assert pgr_interval(weak, weak, ceiling)[:3] == (0, 0, 0)


def test_pgr_by_case_counts_the_cases() -> None:
    interval = pgr_interval(
        [0, 0, 0.2, 0], [0.5, 0.5, 0.7, 0.3], [1, 1, 1, 0.8], ["a", "a", "b", "c"]
    )
    assert interval.n == 3
    assert interval.value == pytest.approx((1.5 / 3 - 0.2 / 3) / (2.8 / 3 - 0.2 / 3))


def test_values_that_are_no_numbers_are_counted() -> None:
    with pytest.raises(ValueError, match="2 of 3 values are NaN"):
        mean_interval([math.nan, 1.0, math.nan])
    with pytest.raises(ValueError, match=r"1 of 2 values are infinite.*floor"):
        mean_interval([-math.inf, 1.0])
    with pytest.raises(ValueError, match="1 of 2 values are NaN"):
        paired_difference([1.0, 2.0], [math.nan, 1.0])
    with pytest.raises(ValueError, match="1 of 1 values are NaN"):
        pgr_interval([0.0], [math.nan], [1.0])


def test_designs_that_make_no_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one case"):
        mean_interval([])
    with pytest.raises(ValueError, match="level must lie"):
        mean_interval([1, 0], level=95)
    with pytest.raises(ValueError, match="one case a value"):
        mean_interval([1, 0], ["a"])
    with pytest.raises(ValueError, match="one value a record"):
        mean_interval([[1, 0]])
    with pytest.raises(ValueError, match="no ratio to estimate"):
        ratio_interval([1, 2], [1, -1])
    with pytest.raises(ValueError, match="no gap to recover"):
        pgr_interval([0.5, 0.5], [0.6, 0.6], [0.5, 0.5])
    with pytest.raises(ValueError, match="2, 2 and 3 given"):
        pgr_interval([0, 0], [1, 1], [1, 1, 1])


def test_cases_that_do_not_match_are_named() -> None:
    with pytest.raises(ValueError, match=r"1 only in the first, 2 only in the second .*'a'"):
        paired_difference([1, 2], [1, 2, 3], ["a", "b"], ["b", "c", "d"])
    with pytest.raises(ValueError, match="0 only in the first, 1 only in the second"):
        paired_difference([1, 2], [1, 2, 3])
