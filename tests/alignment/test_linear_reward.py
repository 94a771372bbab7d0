"""Linear rewards by maximum likelihood, where both the estimate and its covariance are known."""

from __future__ import annotations

import math

import pytest
import torch

from oversight.alignment.linear_reward import counts, most_likely
from oversight.alignment.objectives.lists import plackett_luce
from oversight.alignment.objectives.reward import pessimistic


def test_features_are_words_counted_apart_for_each_prompt() -> None:
    prompts, answers = torch.tensor([0, 1]), torch.tensor([[2, 1, 2], [1, 0, -1]])
    assert counts(prompts, answers, (2, 3)).tolist() == [[1, 2, 0, 0], [0, 0, 1, 0]]


def test_of_pairs_the_estimate_is_the_log_odds() -> None:
    """The first feature wins 3 of 4 times against nothing; the second was never shown."""
    shown, nothing = [1.0, 0.0], [0.0, 0.0]
    lists = torch.tensor([[shown, nothing]] * 3 + [[nothing, shown]], dtype=torch.float64)
    found = most_likely(lists, plackett_luce, ridge=1e-9)
    assert found.theta.tolist() == pytest.approx([math.log(3), 0], abs=1e-5)
    assert found.covariance.tolist() == [pytest.approx([1, 0]), pytest.approx([0, 1e-9])]


def test_of_lists_the_covariance_is_the_mean_over_their_pairs() -> None:
    listed = torch.tensor([[[2.0], [1.0], [0.0]]], dtype=torch.float64)
    found = most_likely(listed, plackett_luce, ridge=0.5)
    assert found.covariance.item() == pytest.approx((1 + 4 + 1) / 3 + 0.5)


ACTIONS = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
WORTH = ACTIONS @ torch.tensor([-1.0, 0.1], dtype=torch.float64)


def shortfall(won: int, n: int, *, pessimism: float) -> float:
    """Of the best action by estimate, where the first two were compared n − 1 times and the first
    won so often, and the second has once beaten the third, as happens with probability σ(−1)."""
    orders = [(0, 1)] * won + [(1, 0)] * (n - 1 - won) + [(1, 2)]
    fitted = most_likely(ACTIONS[torch.tensor(orders)], plackett_luce, ridge=1 / n)
    bound = pessimism * (2 / n) ** 0.5
    told = [action @ pessimistic(fitted.theta, fitted.covariance, action, bound=bound)
            for action in ACTIONS]  # fmt: skip
    return float(WORTH.max() - WORTH[int(torch.stack(told).argmax())])


@pytest.mark.parametrize("n", [200, 5000, 20_000])
def test_a_bad_direction_that_was_lucky_once_takes_in_the_greedy_estimate_alone(n: int) -> None:
    """Whatever n, greedy is 1 short or more; pessimism .1 at most, and nothing in the end."""
    won = round((n - 1) / (1 + math.exp(-0.1)))
    assert shortfall(won, n, pessimism=0) >= 1
    assert shortfall(won, n, pessimism=2) == pytest.approx(0.1 if n == 200 else 0.0)
