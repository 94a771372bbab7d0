"""Best of n, what is not wanted, what is asked for: hand arithmetic, gradients, closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from oversight.alignment.closed_forms import best_of, best_of_kl, best_of_wins, mass_below, tilted
from oversight.alignment.measures import win_rate
from oversight.alignment.objectives.conditioning import chain, weighted
from oversight.alignment.objectives.decoding import leash, self_debias
from oversight.alignment.objectives.matching import best_of_gain, bond, jeffreys, quantiles, vbon
from oversight.alignment.objectives.negative import cringe

ODDS = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
LOG = ODDS.log()
REWARDS = torch.tensor([1.0, 2.0, 2.0, 0.0], dtype=torch.float64)
"""The second and the third tie."""


def drawn_best(n: int) -> Tensor:
    """The law of the best of n by going through every draw, ties going to the first drawn."""
    found = torch.zeros(4, dtype=torch.float64)
    for several in product(range(4), repeat=n):
        rewards = REWARDS[list(several)]
        found[several[int(rewards.argmax())]] += ODDS[list(several)].prod()
    return found


def slope(loss: Callable[[Tensor], Tensor], logits: Tensor) -> Tensor:
    """Its gradient by the logits of a softmax."""
    free = logits.clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(free.log_softmax(dim=0)), free)
    return found


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_best_of_n_is_what_going_through_every_draw_gives(n: int) -> None:
    assert torch.allclose(best_of(LOG, REWARDS, n=n).exp(), drawn_best(n))


def test_the_best_of_three_bests_of_three_is_the_best_of_nine() -> None:
    once = best_of(LOG, REWARDS, n=3)
    assert torch.allclose(best_of(once, REWARDS, n=3), best_of(LOG, REWARDS, n=9))


@pytest.mark.parametrize("n", [2, 8])
def test_without_ties_wins_and_kl_are_as_known(n: int) -> None:
    size = 4000
    start = torch.full((size,), -math.log(size), dtype=torch.float64)
    ranks = torch.arange(size).double()
    law = best_of(start, ranks, n=n)
    wins = win_rate(law.exp()[None], start.exp()[None], ranks[None]).item()
    assert wins == pytest.approx(best_of_wins(n), abs=1e-3)
    assert (law.exp() * (law - start)).sum().item() == pytest.approx(best_of_kl(n), abs=1e-3)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_bond_has_the_divergences_gradient_and_ends_at_the_best_of_n(beta: float) -> None:
    """Each part in expectation over the answers that it takes, without sampling."""
    target = best_of(LOG, REWARDS, n=3)

    def exact(log: Tensor) -> Tensor:
        return jeffreys(log, target, beta=beta)

    def expected(log: Tensor) -> Tensor:
        forward, backward = (bond(log, log, target, beta=part) for part in (0.0, 1.0))
        own = log.detach().exp()
        return (1 - beta) * (target.exp() * forward).sum() + beta * (own * backward).sum()

    elsewhere = torch.tensor([0.5, -0.5, 0.0, 0.3], dtype=torch.float64)
    assert torch.allclose(slope(expected, elsewhere), slope(exact, elsewhere), atol=1e-12)
    assert slope(exact, elsewhere).abs().max() > 0.1
    assert slope(expected, target).abs().max() < 1e-12
    assert exact(target).item() == pytest.approx(0)
    assert exact(LOG).item() > 0.05


def test_bond_by_hand() -> None:
    best, own, target = torch.tensor([[-1.0, -2.0], [-3.0, -1.0], [-2.0, -2.0]])
    loss = bond(best, own, target, beta=0.25)  # gaps −1 and 1, their mean 0
    assert loss.tolist() == pytest.approx([0.75 * 1 + 0.25 * 3, 0.75 * 2 - 0.25 * 1])


def test_quantiles_by_hand_count_the_answer_itself() -> None:
    at_most, below = quantiles(torch.tensor([2.0, 0.0]), torch.tensor([[1.0, 2.0, 3.0]] * 2))
    assert at_most.tolist() == pytest.approx([3 / 4, 1 / 4])
    assert below.tolist() == pytest.approx([1 / 4, 0.0])
    gain = best_of_gain(at_most, below, n=2)  # p≤·(1 + p</p≤) = p≤ + p<
    assert gain.exp().tolist() == pytest.approx([1.0, 1 / 4])


def test_vbon_does_not_see_a_monotone_transform() -> None:
    bent = torch.expm1(3 * REWARDS) * 1000
    drawn = torch.tensor([0, 1, 1, 3, 0, 2]).expand(4, 6)
    earned = [
        vbon(quantiles(rewards, rewards[drawn])[0], LOG, LOG.flip(0), n=8)
        for rewards in (REWARDS, bent, -REWARDS)
    ]
    assert torch.equal(earned[0], earned[1])
    assert not torch.equal(earned[0], earned[2])


def test_at_vbons_optimum_every_answer_earns_as_much() -> None:
    at_most, _ = mass_below(LOG, REWARDS)
    optimum = (LOG + 2 * at_most.log()).log_softmax(dim=0)
    earned = vbon(at_most, optimum, LOG, n=3)
    assert torch.allclose(earned, earned[:1].expand(4))
    elsewhere = vbon(at_most, LOG, LOG, n=3)
    assert elsewhere.tolist() == pytest.approx((2 * at_most.log()).tolist())


SCORES = torch.tensor([[[0.0, 1.0, 2.0, -1.0], [3.0, 0.0, 0.0, 0.0]]], dtype=torch.float64)


def test_cringe_by_hand() -> None:
    """The token scores 2; of the two best others, 1 and 0, the first has σ(1) = .731."""
    tokens = torch.tensor([[2, -1]])
    for luck, instead in ((0.5, 1.0), (0.8, 0.0)):
        loss = cringe(SCORES, tokens, torch.full((1, 2), luck), top=2)
        assert loss[0].tolist() == pytest.approx([math.log(1 + math.exp(2 - instead)), 0.0])


def test_cringe_pushes_the_token_alone_down_and_another_up() -> None:
    """Every other score is left alone, so that the odds among the other tokens stay."""
    scores = SCORES[:, :1].clone().requires_grad_()
    cringe(scores, torch.tensor([[2]]), torch.tensor([[0.1]]), top=2).sum().backward()
    assert scores.grad is not None
    pushed = -scores.grad[0, 0]
    push = 1 / (1 + math.exp(1 - 2))
    assert pushed.tolist() == pytest.approx([0.0, push, -push, 0.0])
    before, after = SCORES[0, 0].softmax(dim=0), (SCORES[0, 0] + 0.1 * pushed).softmax(dim=0)
    assert (after < before).tolist() == [False, False, True, False]


def test_self_debiasing_by_hand() -> None:
    log = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
    biased = torch.tensor([0.1, 0.32, 0.58], dtype=torch.float64).log()
    found = self_debias(log, biased).exp()
    assert found.tolist() == pytest.approx([0.5, 0.3 * math.exp(-1), 0.2 * 0.01])
    assert torch.equal(self_debias(log, log), log)


def test_leashing_by_hand() -> None:
    log = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
    infected = torch.tensor([0.2, 0.7, 0.1], dtype=torch.float64).log()
    found = leash(log, infected, top=2, strength=2.0).exp()
    expected = [0.5 * (0.8 / 0.5) ** 2, 0.3 * (0.3 / 0.7) ** 2, 0.0]
    assert found.tolist() == pytest.approx(expected)
    assert torch.allclose(leash(log, log), log)
    turned = leash(log, infected, strength=-2.0).exp()
    assert turned[1] > log[1].exp() > found[1]


def test_chains_and_weighed_rewards_by_hand() -> None:
    links = torch.tensor([[-1.0, -2.0]])
    assert chain(links, torch.tensor([-10.0])).item() == pytest.approx(3.1)
    earned = weighted(
        torch.tensor([[1.0, 3.0]]), torch.tensor([0.25, 0.75]), torch.tensor([-1.0]),
        torch.tensor([-2.0]), kl=0.2,
    )  # fmt: skip
    assert earned.item() == pytest.approx(0.8 * 2.5 - 0.2)


def test_at_the_optimum_of_weighed_rewards_every_answer_earns_as_much() -> None:
    rewards = torch.stack([REWARDS, -(REWARDS**2)], dim=1)
    weights = torch.tensor([0.7, 0.3], dtype=torch.float64)
    optimum = tilted(LOG, rewards @ weights, beta=0.2 / 0.8)
    earned = weighted(rewards, weights, optimum, LOG, kl=0.2)
    assert torch.allclose(earned, earned[:1].expand(4))


OTHERS = SCORES[:, :1, :3].log_softmax(dim=-1)
LOSSES: list[Callable[[Tensor], Tensor]] = [
    lambda x: cringe(x, torch.tensor([[0, 1, 2], [2, 0, -1]]), torch.full((2, 3), 0.4)),
    lambda x: jeffreys(x.log_softmax(dim=-1), OTHERS),
    lambda x: bond(x[:, 0, 0], SCORES[0, :, 0], SCORES[0, :, 1]),  # its imitation alone
    lambda x: self_debias(x.log_softmax(dim=-1), OTHERS, decay=2.0),
    lambda x: leash(x.log_softmax(dim=-1), OTHERS),
    lambda x: chain(x[:, 0], x[:, 1, 0]),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss: Callable[[Tensor], Tensor]) -> None:
    draw = torch.Generator().manual_seed(1)
    values = torch.randn(2, 3, 3, generator=draw, dtype=torch.float64).requires_grad_()
    assert gradcheck(loss, (values,))
