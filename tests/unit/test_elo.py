"""Elo ratings, double ReLUs and nested oversight, against hand arithmetic and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.worlds.contests import DOMAINS, START
from oversight.metrics.double_relu import (
    DoubleRelu,
    choose_double_relu,
    fit_double_relu,
    straight_line,
)
from oversight.metrics.elo import SCALE, bootstrap_elos, elos, win_probability
from oversight.metrics.nested import best_steps, nested_success

GENERAL = np.linspace(900, 1400, 12)
PLANTED = win_probability(GENERAL[:, None], GENERAL)  # guard and adversary equally good


def counts(seed: int, games: int = 100) -> NDArray[np.int64]:
    return np.random.default_rng(seed).binomial(games, PLANTED)


# Ratings


@pytest.mark.parametrize(("lead", "odds"), [(0, 1), (400, 10), (-400, 0.1), (800, 100)])
def test_four_hundred_points_are_ten_to_one(lead: float, odds: float) -> None:
    assert win_probability(1000 + lead, 1000) == pytest.approx(odds / (1 + odds), rel=1e-12)


def test_two_players_are_rated_by_the_log_of_their_odds() -> None:
    rated = elos([[30]], [[40]], mean=1000)  # 3 to 1
    assert rated.guards[0] - rated.adversaries[0] == pytest.approx(400 * math.log10(3))
    assert (rated.guards[0] + rated.adversaries[0]) / 2 == pytest.approx(1000)


def test_wins_that_are_their_own_expectation_give_the_elos_back() -> None:
    guards, adversaries = np.array([0.0, 400.0]), np.array([0.0, 400.0])
    rated = elos([[11, 2], [20, 11]], [[22, 22], [22, 22]], mean=200)  # 1/2, 1/11, 10/11, 1/2
    np.testing.assert_allclose(rated.guards, guards, atol=1e-6)
    np.testing.assert_allclose(rated.adversaries, adversaries, atol=1e-6)


def test_at_the_greatest_likelihood_everybody_wins_as_often_as_expected() -> None:
    won = counts(1)
    rated = elos(won, 100)
    expected = 100 * win_probability(rated.guards[:, None], rated.adversaries)
    np.testing.assert_allclose(expected.sum(axis=0), won.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(expected.sum(axis=1), won.sum(axis=1), rtol=1e-9)


def test_pairs_that_never_met_are_no_obstacle() -> None:
    games = np.array([[40, 0], [40, 40]])
    rated = elos([[20, 0], [10, 30]], games)
    assert rated.guards[0] == pytest.approx(rated.adversaries[0])
    assert rated.guards[1] - rated.adversaries[0] == pytest.approx(-400 * math.log10(3))
    assert rated.guards[1] - rated.adversaries[1] == pytest.approx(400 * math.log10(3))


def test_many_matrices_are_rated_as_each_alone() -> None:
    several = np.stack([counts(seed) for seed in range(3)])
    together = elos(several, 100, mean=5)
    for won, guards in zip(several, together.guards, strict=True):
        np.testing.assert_allclose(guards, elos(won, 100, mean=5).guards, atol=1e-6)


@pytest.mark.parametrize("won", [[[5, 5]], [[0], [3]], [[3, 2], [0, 0]]])
def test_ratings_that_contests_leave_open_name_the_remedy(won: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="spread=2000"):
        elos(won, 5)
    assert np.isfinite(elos(won, 5, spread=2000).guards).all()


def test_two_groups_that_never_met_are_open_too() -> None:
    with pytest.raises(ValueError, match="two groups never met"):
        elos([[2, 0], [0, 2]], [[4, 0], [0, 4]])


def test_the_prior_solves_its_own_equation() -> None:
    """One guard, one adversary, all 5 won: 5·(1 − σ(2x)) = x/s² for ratings ±x in nats."""
    x = elos([[5]], [[5]], spread=2000).guards[0] / SCALE
    assert 5 / (1 + math.exp(2 * x)) == pytest.approx(x / (2000 / SCALE) ** 2, rel=1e-6)


def test_a_weak_prior_hardly_moves_settled_ratings() -> None:
    won = counts(2)
    np.testing.assert_allclose(elos(won, 100, spread=2000).guards, elos(won, 100).guards, atol=1)


@pytest.mark.parametrize(
    ("won", "games", "reason"),
    [
        (np.zeros((0, 3)), 5, "each one or more"),
        ([1, 2], 5, "each one or more"),
        ([[6]], 5, "between 0 and all"),
        ([[-1]], 5, "between 0 and all"),
        ([[math.nan]], 5, "whole numbers"),
        ([[2.5]], 5, "whole numbers"),
    ],
)
def test_counts_that_are_none_are_refused(won: NDArray[np.float64], games: int, reason: str):
    with pytest.raises(ValueError, match=reason):
        elos(won, games)


def test_a_prior_of_no_width_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0 Elo"):
        elos([[1]], [[2]], spread=0)


# Bootstrap


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_the_bootstrap_is_its_seeds_own(kind: str) -> None:
    won = counts(3)

    def draw(seed: int) -> NDArray[np.float64]:
        return bootstrap_elos(won, 100, resamples=20, seed=seed, kind=kind).guards  # type: ignore[arg-type]  # parametrized

    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_the_bootstraps_errors_are_fishers(kind: str) -> None:
    """Of one pair alone: the log-odds' standard error is 1/√(n p (1 − p)), half of it each."""
    found = bootstrap_elos([[1200]], [[2000]], resamples=4000, kind=kind)  # type: ignore[arg-type]  # parametrized
    expected = SCALE / math.sqrt(2000 * 0.6 * 0.4)
    assert (found.guards - found.adversaries).std() == pytest.approx(expected, rel=0.05)


def test_bootstraps_of_many_matrices_or_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="one matrix of contests"):
        bootstrap_elos(np.ones((2, 1, 1)), 2)
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        bootstrap_elos([[1]], [[2]], resamples=0)


# Double ReLU


def test_a_double_relu_by_hand() -> None:
    line = DoubleRelu(2.0, -1000.0, low=900.0, high=1300.0)
    assert line([800, 1000, 1200]).tolist() == [900, 1000, 1300]


def test_the_straight_line_is_least_squares() -> None:
    y = np.random.default_rng(0).normal(size=12)
    slope, intercept = straight_line(GENERAL, y)
    assert [slope, intercept] == pytest.approx(np.polyfit(GENERAL, y, 1).tolist())


def test_a_point_of_great_error_hardly_counts() -> None:
    slope, intercept = straight_line([0, 1, 2], [0, 1, 90], [1, 1, 1e6])
    assert (float(slope), float(intercept)) == pytest.approx((1, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("line", "cuts"),
    [
        (DoubleRelu(1.5, -600.0), 0),
        (DoubleRelu(1.0, 0.0, low=1025.0), 1),
        (DoubleRelu(1.0, 0.0, high=1275.0), 1),
        (DoubleRelu(2.0, -100.0, 2000.0, 2500.0), 2),
        (DoubleRelu(-2.0, -100.0, -2500.0, -2100.0), 2),
    ],
)
def test_points_on_a_double_relu_give_it_back(line: DoubleRelu, cuts: int) -> None:
    fit = choose_double_relu(GENERAL, line(GENERAL))
    assert fit.cuts == cuts
    np.testing.assert_allclose(fit.line, line, atol=1e-6)


def test_the_fit_is_at_least_as_good_as_every_line_of_a_fine_grid() -> None:
    general = np.arange(8.0)
    for seed in range(2):
        y = np.random.default_rng(seed).normal(np.clip(general, 2, 5), 0.5)
        fit = fit_double_relu(general, y, 2)
        assert fit.misfit == pytest.approx(((y - fit.line(general)) ** 2).sum())
        assert fit.misfit <= _best_on_a_grid(general, y) + 1e-9


def _best_on_a_grid(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The least misfit over kinks on a grid, with two points or more on each flat part."""
    found = math.inf
    for first in np.arange(1, 5.95, 0.1):
        for last in np.arange(first + 0.1, 6.001, 0.1):
            clipped = np.clip(x, first, last)
            if len(np.unique(clipped)) > 1:
                design = np.stack([np.ones_like(x), clipped], axis=1)
                fitted = design @ np.linalg.lstsq(design, y)[0]
                found = min(found, float(((y - fitted) ** 2).sum()))
    return found


def test_aic_by_hand() -> None:
    x, y = [0.0, 1.0, 2.0, 3.0], [1.0, -1.0, -1.0, 1.0]  # the best line is y = 0
    assert fit_double_relu(x, y, 0).aic == pytest.approx(4 * math.log(4 / 4) + 2 * 3)
    assert fit_double_relu(x, y, 0, [0.5] * 4).aic == pytest.approx(4 / 0.25 + 2 * 2)


def test_one_outlier_is_no_plateau() -> None:
    y = GENERAL.copy()
    y[0] += 40
    for cuts in (1, 2):
        fitted = fit_double_relu(GENERAL, y, cuts).line(GENERAL)
        assert (fitted == fitted[0]).sum() >= 2 or fitted[0] < fitted[1]
        assert (fitted == fitted.max()).sum() >= cuts  # a ceiling, if there is one, holds two


@pytest.mark.parametrize(
    ("general", "domain", "cuts", "errors", "reason"),
    [
        ([1, 2], [1, 2], 3, None, "0, 1 or 2"),
        ([1, 2, 3], [1, 2, 3], 2, None, "too few for a line of 2 cuts"),
        ([1, 1], [1, 2], 0, None, "two different general Elos"),
        ([1, 2, 3], [1, math.nan, 3], 0, None, "must be finite"),
        ([1, 2, 3], [1, 2, 3], 0, [1, 1, math.inf], None),
        ([1, 2, 3], [1, 2], 0, None, "an error a player"),
    ],
)
def test_points_that_carry_no_line_are_refused(
    general: list[float], domain: list[float], cuts: int, errors: list[float], reason: str | None
) -> None:
    if reason is None:  # a player of infinite error counts for nothing
        assert fit_double_relu(general, [1.0, 2.0, 3.0], cuts, errors).line.slope == 1
        return
    with pytest.raises(ValueError, match=reason):
        fit_double_relu(general, domain, cuts, errors)


# Nested oversight

LEVEL = DoubleRelu(1.0, 0.0)


def test_equal_lines_without_a_gap_are_fair_coins() -> None:
    assert nested_success(0, [1, 2, 3], LEVEL, LEVEL, 1000).tolist() == [0.5, 0.25, 0.125]


def test_equal_lines_split_the_gap_evenly() -> None:
    """400 points in one step: 1/11; in two of 200: (1 / (1 + √10))²."""
    found = nested_success(400, [1, 2], LEVEL, LEVEL, 1000)
    assert found.tolist() == pytest.approx([1 / 11, (1 / (1 + math.sqrt(10))) ** 2])


def test_a_flat_adversary_makes_the_last_guards_the_strongest() -> None:
    """Two steps of 400 against a constant 1400: 1/11 from 1000, then 1/2 from 1400."""
    found = nested_success(800, 2, LEVEL, DoubleRelu(0.0, 1400.0), 1000)
    assert float(found) == pytest.approx(1 / 22)


def test_cut_lines_are_followed() -> None:
    capped = DoubleRelu(1.0, 0.0, high=1000.0)
    assert float(nested_success(400, 1, LEVEL, capped, 1000)) == pytest.approx(0.5)


def test_gaps_and_steps_are_broadcast() -> None:
    found = nested_success(np.array([[0.0], [400.0]]), np.array([1, 2, 3]), LEVEL, LEVEL, 1000)
    assert found.shape == (2, 3)
    assert found[1, 1] == float(nested_success(400, 2, LEVEL, LEVEL, 1000))


@pytest.mark.parametrize(
    ("domain", "percent", "best"),
    [("mafia", 11.062, 1), ("debate", 51.358, 1), ("backdoor", 27.570, 2), ("wargames", 9.798, 1)],
)
def test_the_released_fits_give_their_numbers(domain: str, percent: float, best: int) -> None:
    assert int(best_steps(400, *DOMAINS[domain], START)) == best
    success = 100 * float(nested_success(400, best, *DOMAINS[domain], START))
    assert success == pytest.approx(percent, abs=5e-4)


def test_where_guards_and_adversaries_are_alike_more_steps_never_pay() -> None:
    """(1 + x)ⁿ ≥ 1 + xⁿ, with x the odds of one of n steps."""
    assert best_steps([0.0, 400.0, 10_000.0], LEVEL, LEVEL, 1000).tolist() == [1, 1, 1]


def test_the_best_number_of_steps_is_found_for_each_gap() -> None:
    guard, adversary = DoubleRelu(1.0, 0.0), DoubleRelu(2.0, -1500.0)  # 500 behind at 1000
    gaps, most = [100.0, 500.0, 800.0], 20

    def by_hand(gap: float, n: int) -> float:
        behind = [2 * gap * (i + 1) / n - gap * i / n - 500 for i in range(n)]
        return math.prod(1 / (1 + 10 ** (points / 400)) for points in behind)

    expected = [max(range(1, most + 1), key=lambda n: by_hand(gap, n)) for gap in gaps]
    assert best_steps(gaps, guard, adversary, 1000).tolist() == expected
    assert len(set(expected)) > 1
    assert best_steps(gaps, guard, adversary, 1000, most=1).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("gap", "steps", "line", "reason"),
    [
        (-1.0, 1, LEVEL, "0 or more"),
        (math.nan, 1, LEVEL, "0 or more"),
        (1.0, 0, LEVEL, "from 1 on"),
        (1.0, 1.5, LEVEL, "from 1 on"),
        (1.0, 1, DoubleRelu(math.nan, 0.0), "finite slope"),
        (1.0, 1, DoubleRelu(1.0, 0.0, low=2.0, high=1.0), "not lie above its ceiling"),
    ],
)
def test_chains_that_cannot_be_say_why(gap: float, steps: float, line: DoubleRelu, reason: str):
    with pytest.raises(ValueError, match=reason):
        nested_success(gap, steps, line, LEVEL, 1000)
    with pytest.raises(ValueError, match="most must be at least 1"):
        best_steps(1.0, LEVEL, LEVEL, 1000, most=0)
