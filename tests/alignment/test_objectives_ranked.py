"""Pairs, lists and single answers: hand arithmetic, gradients, limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from oversight.alignment.objectives.lists import plackett_luce, pro, rrhf
from oversight.alignment.objectives.preference import (
    bonbon,
    bonbon_beta,
    cpo,
    dpo,
    hinge,
    ipo,
    slic,
)
from oversight.alignment.objectives.unpaired import kto
from oversight.core import OversightError


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


PAIR = (row(-1.0)[0], row(-3.0)[0], row(-2.0)[0], row(-2.5)[0])  # h = 1 − (−½) = 1½


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (lambda: dpo(*PAIR, beta=2.0), 0.0485873515737),  # ln(1 + e⁻³)
        (lambda: ipo(*PAIR, tau=0.5), 0.25),
        (lambda: hinge(*PAIR, beta=0.5), 0.25),
        (lambda: slic(*PAIR[:2], PAIR[2], delta=3.0, weight=0.5), 2.0),
        (lambda: bonbon(*PAIR, alpha=0.5, beta=0.5), 0.5 + 0.125),
    ],
)
def test_a_pair_by_hand(loss: Callable[[], Tensor], value: float) -> None:
    assert loss().item() == pytest.approx(value)


def test_no_gradient_past_slics_margin_but_the_targets() -> None:
    chosen, rejected = row(-1.0)[0].requires_grad_(), row(-5.0)[0].requires_grad_()
    target = row(-2.0)[0].requires_grad_()
    slic(chosen, rejected, target, delta=1.0, weight=0.1).sum().backward()
    grads = [0.0 if t.grad is None else t.grad.item() for t in (chosen, rejected, target)]
    assert grads == pytest.approx([0.0, 0.0, -0.1])


def test_stable_alignments_margins_by_hand() -> None:
    nll, ratings = row(2.0, 1.0, 3.0), row(7.0, 4.0, 1.0)
    # best 2.0; gaps: 2 − 1 + 3/7·10 = 5.2857, 2 − 3 + 6/7·10 = 7.5714; mean 6.4286
    assert cpo(nll, ratings).item() == pytest.approx(2.0 + 0.2 * (5.285714 + 7.571429) / 2)
    calm = cpo(row(0.0, 20.0, 20.0), ratings)
    assert calm.item() == pytest.approx(0.0)
    with pytest.raises(OversightError, match="two candidates"):
        cpo(row(1.0), row(7.0))


def test_lists_by_hand() -> None:
    scores, rewards = row(1.0, 2.0, 0.0), row(3.0, 2.0, 1.0)
    # wrong: the second above the first by 1
    assert rrhf(scores, rewards, row(0.5)[0]).item() == pytest.approx(1.5)
    first = -torch.log_softmax(row(1.0 * 2, 2.0 * 1, 0.0 * 2), dim=1)[0, 0]
    second = -torch.log_softmax(row(2.0 * 1, 0.0 * 1), dim=1)[0, 0]
    found = pro(scores, rewards, row(0.5)[0])
    assert found.item() == pytest.approx((first + second).item() + 0.05 * 4 * 0.5)


def test_two_items_are_bradley_terrys() -> None:
    scores, rewards = row(0.3, -0.4), row(2.0, 0.5)
    likelihood = torch.nn.functional.logsigmoid(row(0.7)[0])
    assert plackett_luce(scores).item() == pytest.approx(-likelihood.item())
    scaled = torch.nn.functional.logsigmoid(row(0.7 * 1.5)[0])
    assert pro(scores, rewards, row(0.0)[0]).item() == pytest.approx(-scaled.item())


def test_rrhf_has_no_gradient_in_the_right_order() -> None:
    scores = row(3.0, 2.0, 1.0).requires_grad_()
    rrhf(scores, row(3.0, 2.0, 1.0), row(0.0)[0]).sum().backward()
    assert scores.grad is not None
    assert scores.grad.abs().sum() == 0


def test_kto_by_hand() -> None:
    ratio = torch.tensor([1.0, 1.0], dtype=torch.float64)
    loss = kto(ratio, torch.tensor([True, False]), torch.tensor(-3.0), beta=2.0, unwanted=0.5)
    assert loss.tolist() == pytest.approx([1 - 0.880797078, 0.5 * (1 - 0.119202922)])


def test_bonbons_beta_takes_two() -> None:
    assert bonbon_beta(2) == pytest.approx(0.5)
    with pytest.raises(OversightError, match="two answers"):
        bonbon_beta(1)


FIXED = torch.tensor([-1.0, -2.0, -0.5, -3.0], dtype=torch.float64)
RATED = torch.tensor([[7.0, 3.0, 1.0]], dtype=torch.float64).repeat(4, 1)
WANTED = torch.tensor([True, False, True, False])


LOSSES: list[Callable[[Tensor], Tensor]] = [
    lambda x: dpo(x[:, 0], x[:, 1], FIXED, FIXED.flip(0)),
    lambda x: ipo(x[:, 0], x[:, 1], FIXED, FIXED.flip(0)),
    lambda x: bonbon(x[:, 0], x[:, 1], FIXED, FIXED.flip(0)),
    lambda x: slic(x[:, 0], x[:, 1], x[:, 2]),
    lambda x: cpo(-x, RATED),
    lambda x: rrhf(x, RATED, -x[:, 0]),
    lambda x: pro(x, RATED, -x[:, 0]),
    plackett_luce,
    lambda x: kto(x[:, 0], WANTED, FIXED.mean()),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss: Callable[[Tensor], Tensor]) -> None:
    draw = torch.Generator().manual_seed(1)
    values = torch.randn(4, 3, generator=draw, dtype=torch.float64).requires_grad_()
    assert gradcheck(loss, (values,))
