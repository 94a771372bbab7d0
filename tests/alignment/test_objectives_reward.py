"""Reward models' losses, pessimism, and offline advantages: hand arithmetic and what is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from experiments.closed_forms import bandit
from oversight.alignment.objectives.lists import plackett_luce
from oversight.alignment.objectives.offline_advantage import (
    a_lol,
    a_lol_free,
    a_lol_kl,
    a_lol_sequence,
)
from oversight.alignment.objectives.policy_gradient import ppo
from oversight.alignment.objectives.preference import hinge
from oversight.alignment.objectives.reward import (
    bradley_terry,
    pessimistic,
    preference_kl,
    soft_preference,
    split_pairs,
)

Loss = Callable[[Tensor], Tensor]


def doubles(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_bradley_terry_by_hand() -> None:
    chosen, rejected = doubles(1.0, 0.0), doubles(-1.0, 0.5)
    plain = [-math.log(sigmoid(2)), -math.log(sigmoid(-0.5))]
    assert bradley_terry(chosen, rejected).tolist() == pytest.approx(plain)
    wider = bradley_terry(chosen, rejected, margin=doubles(1.5, 0.0)).tolist()
    assert wider == pytest.approx([-math.log(sigmoid(0.5)), plain[1]])


def test_a_judge_that_is_unsure_is_believed_by_half() -> None:
    first, second = doubles(1.0, 1.0, 1.0), doubles(0.0, 0.0, 0.0)
    loss = soft_preference(first, second, doubles(1.0, 0.0, 0.5))
    won, lost = -math.log(sigmoid(1)), -math.log(sigmoid(-1))
    assert loss.tolist() == pytest.approx([won, lost, (won + lost) / 2])


def test_the_kl_of_two_reward_models_by_hand() -> None:
    same = preference_kl(*doubles(3.0, 1.0, 2.0, 0.0)[:, None])
    assert same.item() == pytest.approx(0.0)
    p, q = sigmoid(1), sigmoid(-0.5)
    expected = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    moved = preference_kl(*doubles(0.0, 0.5, 1.0, 0.0)[:, None])
    assert moved.item() == pytest.approx(expected)


def test_a_list_split_into_pairs_by_hand() -> None:
    scores = doubles(2.0, 1.0, -1.0)[None]
    gaps = (1.0, 3.0, 2.0)
    expected = sum(-math.log(sigmoid(gap)) for gap in gaps) / 3
    assert split_pairs(scores).item() == pytest.approx(expected)


def test_the_whole_list_says_more_than_its_pairs() -> None:
    """The asymptotic variance of θ̂, H⁻¹JH⁻¹ by going through every order of four items: that of
    the maximum likelihood is the information's inverse, and that of the pairs is larger."""
    features = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).double() * 2
    theta = doubles(1.0, -0.5)
    orders = torch.tensor(list(itertools.permutations(range(4))))
    odds = (-plackett_luce((features @ theta)[orders])).exp()
    assert odds.sum().item() == pytest.approx(1.0)

    def variance(loss: Loss) -> Tensor:
        def losses(at: Tensor) -> Tensor:
            return loss((features @ at)[orders])

        def mean(at: Tensor) -> Tensor:
            return odds @ losses(at)

        slopes = torch.autograd.functional.jacobian(losses, theta)
        assert isinstance(slopes, Tensor)
        bend = torch.autograd.functional.hessian(mean, theta)
        assert isinstance(bend, Tensor)
        assert (odds @ slopes).abs().max() < 1e-12  # both are right on average
        spread = torch.einsum("o,of,og->fg", odds, slopes, slopes)
        return bend.inverse() @ spread @ bend.inverse()

    whole, split = variance(plackett_luce), variance(split_pairs)
    assert torch.linalg.eigvalsh(split - whole).min() > 0
    assert split.trace() > 1.02 * whole.trace()


def test_pessimism_is_the_least_in_the_ellipsoid() -> None:
    theta, features, bound = doubles(1.0, -0.5), doubles(0.3, 0.8), 0.7
    covariance = torch.tensor([[2.0, 0.4], [0.4, 0.5]], dtype=torch.float64)
    found = pessimistic(theta, covariance, features, bound=bound)
    away = found - theta
    assert (away @ covariance @ away).sqrt().item() == pytest.approx(bound)
    around = torch.linspace(0, 2 * math.pi, 721, dtype=torch.float64)
    circle = torch.stack([around.cos(), around.sin()], dim=1)
    root = torch.linalg.cholesky(covariance.inverse())
    others = (theta + bound * circle @ root.T) @ features
    assert (found @ features).item() == pytest.approx(others.min().item(), abs=1e-4)
    assert torch.equal(pessimistic(theta, covariance, doubles(0.0, 0.0), bound=bound), theta)


@pytest.mark.parametrize("n", [10, 100, 1000, 10_000])
def test_pessimism_is_not_taken_in_by_one_lucky_comparison(n: int) -> None:
    """The bandit of `experiments.closed_forms`: greedy stays ≥ .1 suboptimal for every n."""
    short = bandit.short_of_best(n, 200, 0)
    assert short.greedy.mean() > 0.4
    assert short.careful.mean() < (0.6 if n == 10 else 0.1)
    if n > 100:
        assert short.careful.max() == 0


ADVANTAGES = doubles(2.0, 2.0, -1.0, 2.0)
REFERENCE = doubles(-3.0, -3.0, -3.0, -3.0)
TOLD = REFERENCE + doubles(0.5, 2.0, 0.5, -4.0)
CLIPPED = doubles(math.exp(0.5), 1.9, 0.0, 0.1)
"""Their ratios within 1 ± .9; the third answer is dropped."""


def gradient(loss: Loss, at: Tensor) -> Tensor:
    free = at.clone().requires_grad_()
    loss(free).sum().backward()
    assert free.grad is not None
    return free.grad


def test_a_lol_by_hand() -> None:
    loss = a_lol(TOLD, REFERENCE, ADVANTAGES)
    assert loss.tolist() == pytest.approx((-2 * CLIPPED * TOLD).tolist())
    slope = gradient(lambda told: a_lol(told, REFERENCE, ADVANTAGES), TOLD)
    assert slope.tolist() == pytest.approx((-2 * CLIPPED).tolist())


def test_a_lol_without_a_reference_by_hand() -> None:
    assert a_lol_free(TOLD, ADVANTAGES).tolist() == pytest.approx([5.0, 2.0, 0.0, 14.0])


def test_a_lol_of_tokens_clips_each_by_itself() -> None:
    tokens = torch.tensor([[-1.0, -2.0, 0.0]], dtype=torch.float64)
    start = torch.tensor([[-1.5, -5.0, 0.0]], dtype=torch.float64)
    loss = a_lol_sequence(tokens, start, doubles(2.0))
    assert loss.item() == pytest.approx(2 * (math.exp(0.5) * 1.0 + 1.9 * 2.0))
    one = a_lol_sequence(TOLD[:, None], REFERENCE[:, None], ADVANTAGES)
    assert torch.allclose(one, a_lol(TOLD, REFERENCE, ADVANTAGES))


def test_a_lols_penalty_pulls_by_the_log_ratio() -> None:
    loss = a_lol_kl(TOLD, REFERENCE, ADVANTAGES, beta=0.5)
    squares = 0.25 * doubles(0.25, 4.0, 0.25, 16.0)
    assert loss.tolist() == pytest.approx((doubles(5.0, 2.0, 0.0, 14.0) + squares).tolist())
    slope = gradient(lambda told: a_lol_kl(told, REFERENCE, ADVANTAGES, beta=0.5), TOLD)
    assert slope.tolist() == pytest.approx([-2 + 0.25, -2 + 1.0, 0.25, -2 - 2.0])


LOSSES: list[Loss] = [
    lambda x: bradley_terry(x[:, 0], x[:, 1], margin=0.5),
    lambda x: soft_preference(x[:, 0], x[:, 1], torch.sigmoid(TOLD)),
    lambda x: preference_kl(x[:, 0], x[:, 1], TOLD, REFERENCE),
    split_pairs,
    lambda x: hinge(x[:, 0], x[:, 1], TOLD, REFERENCE),
    lambda x: ppo(x[:, 0], TOLD + 3, ADVANTAGES),
    lambda x: a_lol_free(x[:, 0], ADVANTAGES),
    lambda x: a_lol_kl(x[:, 0], REFERENCE, ADVANTAGES),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss: Loss) -> None:
    draw = torch.Generator().manual_seed(1)
    values = torch.randn(4, 3, generator=draw, dtype=torch.float64).requires_grad_()
    assert gradcheck(loss, (values,))
