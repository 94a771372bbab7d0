"""Losses descended on ten answers, and how far they are from their optimum on the way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.closed_forms import best_of, mass_below, tilted
from oversight.alignment.luck import luck
from oversight.alignment.objectives.divergences import DIVERGENCES, f_dpg
from oversight.alignment.objectives.matching import bond, vbon
from oversight.alignment.objectives.policy_gradient import penalised, reinforce
from oversight.alignment.objectives.preference import dpo, ipo
from oversight.metrics.intervals import Interval, mean_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell

ANSWERS = 10
BETA, TAU, N = 0.5, 0.25, 4
RUNS: Mapping[str, int] = {"quick": 20, "full": 200, "paper": 200}
STEPS, RATE, EVERY = 600, 0.1, 30
NEAR = 0.01
"""Total variation at which a descent counts as arrived."""

Law = Float[Tensor, "runs answers"]
"""Log-probabilities, or rewards, of every run."""


class Problem(NamedTuple):
    """A loss of log π, and where it should lead."""

    loss: Callable[[Law], Tensor]
    optimum: Law


Descended = Mapping[str, Sequence[tuple[int, Interval]]]
"""Loss -> (step, total variation to its optimum)."""


def problems(start: Law, rewards: Law) -> dict[str, Problem]:
    """Every loss whose optimum on a softmax over all answers is known."""
    one, two = torch.tensor(list(itertools.permutations(range(ANSWERS), 2))).T
    prefers = torch.sigmoid(rewards[:, one] - rewards[:, two])
    share = torch.sigmoid(rewards[:, :, None] - rewards[:, None, :]).mean(dim=2)
    target, best = tilted(start, rewards, beta=BETA), best_of(start, rewards, n=N)
    at_most, _ = mass_below(start, rewards)

    def in_pairs(loss: Callable[..., Tensor], **dial: float) -> Callable[[Law], Tensor]:
        return lambda log: (
            prefers * loss(log[:, one], log[:, two], start[:, one], start[:, two], **dial)
        )

    def climbing(earned: Callable[[Law], Tensor]) -> Callable[[Law], Tensor]:
        return lambda log: log.detach().exp() * reinforce(log, earned(log))

    def matching(name: str) -> Callable[[Law], Tensor]:
        slope = DIVERGENCES[name]
        return lambda log: log.detach().exp() * f_dpg(log, log.detach(), target, slope=slope)

    def both_ways(log: Law) -> Tensor:
        forward, backward = (bond(log, log, best, beta=part) for part in (0.0, 1.0))
        return best.exp() * forward / 2 + log.detach().exp() * backward / 2

    return {
        "DPO": Problem(in_pairs(dpo, beta=BETA), target),
        "IPO": Problem(in_pairs(ipo, tau=TAU), (start + share / TAU).log_softmax(dim=1)),
        "policy gradient with KL": Problem(
            climbing(lambda log: penalised(rewards, log, start, kl=BETA)), target
        ),
        **{f"f-DPG, {name}": Problem(matching(name), target) for name in DIVERGENCES},
        f"BOND, n = {N}": Problem(both_ways, best),
        f"vBoN, n = {N}": Problem(
            climbing(lambda log: vbon(at_most, log, start, n=N)),
            (start + (N - 1) * at_most.log()).log_softmax(dim=1),
        ),
    }


def descend_all(job: Job) -> Descended:
    """Every loss from the reference, with gradient steps that grow shorter."""
    draw = luck(job.seed, "closed forms")
    raw = torch.randn(2, RUNS[job.scale], ANSWERS, generator=draw, dtype=torch.float64)
    start, rewards = raw[0].log_softmax(dim=1), raw[1]
    return {name: _descended(start, p) for name, p in problems(start, rewards).items()}


def _descended(start: Law, problem: Problem) -> list[tuple[int, Interval]]:
    free = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([free], RATE)
    shorter = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.001, STEPS)
    found = list[tuple[int, Interval]]()
    for step in range(STEPS + 1):
        log = free.log_softmax(dim=1)
        if step % EVERY == 0:
            away = (log.detach().exp() - problem.optimum.exp()).abs().sum(dim=1) / 2
            found.append((step, mean_interval(away.numpy())))
        optimizer.zero_grad()
        problem.loss(log).sum().backward()
        optimizer.step()
        shorter.step()
    return found


def cells(found: Descended) -> Iterator[Cell]:
    """The distance before and after."""
    for name, points in found.items():
        for step, away in (points[0], points[-1]):
            yield cell({"objective": name, "step": step}, "total variation to its optimum", away)


def claims(found: Descended) -> Iterator[Claim]:
    """That each arrives."""
    for name, points in found.items():
        _, away = points[-1]
        told = f"total variation {away.value:.4f} [{away.low:.4f}, {away.high:.4f}]"
        yield Claim(f"{name} comes to its optimum", away.high < NEAR, told)


def figure(found: Descended) -> Figure:
    """The distance by step."""
    return figures.curve(
        "closed_forms-descents",
        f"Total variation to each objective's optimum in closed form, by gradient steps, on "
        f"{ANSWERS} answers.",
        found, xlabel="steps", ylabel="total variation", percent=False,
    )  # fmt: skip
