"""Where losses lead, on a softmax over all answers: against what can be written down."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from oversight.alignment.closed_forms import best_of, mass_below, tilted
from oversight.alignment.objectives.divergences import DIVERGENCES, f_dpg
from oversight.alignment.objectives.matching import quantiles
from oversight.alignment.objectives.policy_gradient import penalised, ppo, reinforce
from oversight.alignment.objectives.preference import dpo, ipo

Loss = Callable[[Tensor], Tensor]


def doubles(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


REF = doubles(0.1, 0.3, 0.2, 0.25, 0.15).log()
REWARDS = doubles(0.5, -0.2, 1.0, -0.2, 0.0)  # the second and the fourth tie


def slope(loss: Loss, logits: Tensor) -> Tensor:
    """Its gradient by the logits of a softmax."""
    free = logits.clone().requires_grad_()
    loss(free.log_softmax(dim=-1)).backward()
    assert free.grad is not None
    return free.grad


def least(loss: Loss, start: Tensor) -> Tensor:
    """log π where a smooth loss is least."""
    free = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [free], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        optimizer.zero_grad()
        value = loss(free.log_softmax(dim=-1))
        value.backward()
        return value.item()

    optimizer.step(closure)
    return free.detach().log_softmax(dim=-1)


def followed(loss: Loss, start: Tensor, *, steps: int = 400, rate: float = 0.1) -> Tensor:
    """log π at the end of gradient steps that grow shorter: for losses whose value says nothing."""
    free = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([free], rate)
    shorter = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.001, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(free.log_softmax(dim=-1)).backward()
        optimizer.step()
        shorter.step()
    return free.detach().log_softmax(dim=-1)


def apart(first: Tensor, second: Tensor) -> float:
    """Total variation between two laws in logarithms."""
    return (first.exp() - second.exp()).abs().sum().item() / 2


def every_pair(size: int) -> tuple[Tensor, Tensor]:
    pairs = torch.tensor(list(itertools.permutations(range(size), 2)))
    return pairs[:, 0], pairs[:, 1]


def test_dpo_comes_to_the_reference_tilted_by_the_reward() -> None:
    one, two = every_pair(5)
    prefers = torch.sigmoid(REWARDS[one] - REWARDS[two])  # Bradley–Terry

    def loss(log: Tensor) -> Tensor:
        return (prefers * dpo(log[one], log[two], REF[one], REF[two], beta=0.5)).sum()

    assert torch.allclose(least(loss, REF), tilted(REF, REWARDS, beta=0.5), atol=1e-6)


def test_ipo_stays_finite_on_sure_preferences_and_dpo_does_not() -> None:
    """Each answer's log-ratio is (1/2τ)·(those it beats − those that beat it)/K, up to a constant:
    the least squares of the margins that are wanted."""
    one, two = torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2])
    ref = doubles(0.2, 0.3, 0.5).log()

    def wanted(log: Tensor) -> Tensor:
        return ipo(log[one], log[two], ref[one], ref[two], tau=0.25).sum()

    ratio = least(wanted, ref) - ref
    assert torch.allclose(ratio - ratio[1], 2.0 * doubles(2, 0, -2) / 3, atol=1e-6)

    def more(log: Tensor) -> Tensor:
        return dpo(log[one], log[two], ref[one], ref[two], beta=0.25).sum()

    margins = [(gone - ref)[0] - (gone - ref)[2] for gone in (
        followed(more, ref, steps=100, rate=0.2), followed(more, ref, steps=400, rate=0.2)
    )]  # fmt: skip
    assert margins[1] > margins[0] + 5 > 10  # ever further


def draw_ten() -> tuple[Tensor, Tensor]:
    """A target over ten answers and a policy's logits."""
    draw = torch.Generator().manual_seed(3)
    target, logits = torch.randn(2, 10, generator=draw, dtype=torch.float64)
    return target.log_softmax(dim=0), logits


def divergence(name: str, log: Tensor, target: Tensor) -> Tensor:
    """D_f = E_p[f(t)], t = π/p."""
    t = (log - target).exp()
    f = {
        "kl": -t.log(), "reverse_kl": t * t.log(), "tv": (t - 1).abs() / 2,
        "js": t * (2 * t / (t + 1)).log() + (2 / (t + 1)).log(),
    }[name]  # fmt: skip
    return (target.exp() * f).sum()


@pytest.mark.parametrize("name", DIVERGENCES)
def test_slopes_are_the_derivatives(name: str) -> None:
    t = doubles(0.3, 0.9, 1.1, 4.0).requires_grad_()
    (exact,) = torch.autograd.grad(divergence(name, t.log(), torch.zeros(4)), t)
    assert torch.allclose(DIVERGENCES[name](t.detach().log()), exact)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_f_dpg_has_the_divergences_gradient_whoever_gave_the_samples(name: str) -> None:
    target, logits = draw_ten()
    exact = slope(lambda log: divergence(name, log, target), logits)
    for before in (logits.log_softmax(dim=0), torch.full((10,), 0.1).double().log()):

        def loss(log: Tensor, before: Tensor = before) -> Tensor:
            losses = f_dpg(log, before, target, slope=DIVERGENCES[name])
            return (before.exp() * losses).sum()

        assert torch.allclose(slope(loss, logits), exact, atol=1e-12)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_f_dpg_reaches_its_target(name: str) -> None:
    target, logits = draw_ten()

    def loss(log: Tensor) -> Tensor:
        now = log.detach()
        return (now.exp() * f_dpg(log, now, target, slope=DIVERGENCES[name])).sum()

    assert apart(logits.log_softmax(dim=0), target) > 0.3
    assert apart(followed(loss, logits), target) < 0.005


def test_reinforce_on_a_penalised_reward_comes_to_the_tilted_reference() -> None:
    def loss(log: Tensor) -> Tensor:
        earned = penalised(REWARDS, log, REF, kl=0.3)
        return (log.detach().exp() * reinforce(log, earned)).sum()

    def value(log: Tensor) -> Tensor:
        return -(log.exp() * (REWARDS - 0.3 * (log - REF))).sum()

    somewhere = doubles(0.3, -1.0, 0.2, 0.0, 0.7)
    assert torch.allclose(slope(loss, somewhere), slope(value, somewhere), atol=1e-12)
    assert apart(followed(loss, REF), tilted(REF, REWARDS, beta=0.3)) < 1e-4


def test_ppo_is_reinforce_where_nothing_has_moved_and_still_beyond_its_clip() -> None:
    advantages, before = doubles(1.0, 1.0, -1.0, -1.0), doubles(-1.0, -1.0, -1.0, -1.0)

    def gradient(log: Tensor, loss: Loss) -> list[float]:
        free = log.clone().requires_grad_()
        loss(free).sum().backward()
        assert free.grad is not None
        return free.grad.tolist()

    same = gradient(before, lambda log: ppo(log, before, advantages))
    assert same == gradient(before, lambda log: reinforce(log, advantages)) == [-1, -1, 1, 1]
    moved = before + doubles(0.5, -0.5, -0.5, 0.5)
    after = gradient(moved, lambda log: ppo(log, before, advantages, clip=0.2))
    assert after == pytest.approx([0.0, -math.exp(-0.5), 0.0, math.exp(0.5)])
    fixed = ppo(moved, before, advantages, clip=0.2).tolist()
    assert fixed == pytest.approx([-1.2, -math.exp(-0.5), 0.8, math.exp(0.5)])


def test_best_of_n_of_a_batch_and_of_answers_that_never_come() -> None:
    never = doubles(0.5, 0.0, 0.5, 0.0, 0.0).log()  # the three worst
    both = best_of(torch.stack([REF, never]), torch.stack([REWARDS, REWARDS]), n=2).exp()
    assert torch.allclose(both[0], best_of(REF, REWARDS, n=2).exp())
    assert both[1].tolist() == pytest.approx([0.25, 0.0, 0.75, 0.0, 0.0])


def test_quantiles_come_to_the_exact_masses() -> None:
    draw = torch.Generator().manual_seed(0)
    drawn = REWARDS[REF.exp().multinomial(5 * 40_000, replacement=True, generator=draw)]
    found = quantiles(REWARDS, drawn.view(5, -1))
    for one, two in zip(found, mass_below(REF, REWARDS), strict=True):
        assert (one - two).abs().max() < 4 * (0.25 / 40_000) ** 0.5
