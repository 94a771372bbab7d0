"""The best of n without drawing n: what BOND, vBoN and BoNBoN come to, against the law."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from oversight.alignment.closed_forms import best_of, best_of_kl, best_of_wins, mass_below
from oversight.alignment.measures import divergence, win_rate
from oversight.alignment.objectives.matching import jeffreys
from oversight.alignment.objectives.preference import bonbon, bonbon_beta
from oversight.metrics.intervals import certain
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

ANSWERS = 400
NS = (2, 4, 8, 16)
ALPHA = 0.005
"""BoNBoN's weight of imitation, the paper's."""
LAW = "best of n"
NEAR = 0.01


class Point(NamedTuple):
    """A law against the reference."""

    wins: float
    kl: float


Climbed = Mapping[str, Mapping[int, Point]]
"""Method -> n -> where its optimum is."""


def climb_all() -> Climbed:
    """The optimum of every objective, for every n."""
    start = torch.full((ANSWERS,), -math.log(ANSWERS), dtype=torch.float64)
    ranks = torch.arange(ANSWERS, dtype=torch.float64)
    at_most, _ = mass_below(start, ranks)

    def bond(n: int) -> Tensor:
        target = best_of(start, ranks, n=n)
        return least(lambda log: jeffreys(log, target, beta=0.5), start)

    def vbon(n: int) -> Tensor:
        return least(lambda log: divergence(log, start + (n - 1) * at_most.log()), start)

    laws: dict[str, Callable[[int], Tensor]] = {
        LAW: lambda n: best_of(start, ranks, n=n), "BOND": bond, "vBoN": vbon,
        "BoNBoN": lambda n: _bonbon(start, n),
    }  # fmt: skip
    return {name: {n: _point(law(n), start, ranks) for n in NS} for name, law in laws.items()}


def _bonbon(start: Tensor, n: int) -> Tensor:
    """log π where BoNBoN's loss is least in expectation over lists of n answers."""
    odds = best_and_worst(n)
    best, worst = odds.nonzero(as_tuple=True)
    weights, beta = odds[best, worst], bonbon_beta(n)

    def loss(log: Tensor) -> Tensor:
        told = log[best], log[worst], start[best], start[worst]
        return weights @ bonbon(*told, alpha=ALPHA, beta=beta)

    return least(loss, start)


def best_and_worst(n: int) -> Tensor:
    """(best, worst) the chance of each in n uniform draws, where rewards rise with the number."""
    best = torch.arange(ANSWERS, dtype=torch.float64)[:, None]
    worst = best.T

    def within(low: Tensor, high: Tensor) -> Tensor:
        return ((high - low + 1).clamp(min=0) / ANSWERS) ** n

    exactly = within(worst, best) - within(worst + 1, best)
    exactly = exactly - within(worst, best - 1) + within(worst + 1, best - 1)
    return exactly.clamp(min=0).tril()


def least(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """log π where a smooth loss is least, from where it starts."""
    free = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [free], max_iter=2000, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimizer.zero_grad()
        value = loss(free.log_softmax(dim=0))
        value.backward()
        return value.item()

    optimizer.step(closure)
    return free.detach().log_softmax(dim=0)


def _point(law: Tensor, start: Tensor, ranks: Tensor) -> Point:
    wins = win_rate(law.exp()[None], start.exp()[None], ranks[None])
    return Point(float(wins), float(divergence(law, start)))


def cells(found: Climbed) -> Iterator[Cell]:
    """Win rate and KL, by method and n."""
    for name, points in found.items():
        for n, point in points.items():
            yield cell({"method": name, "n": n}, "win rate", certain(point.wins))
            yield cell({"method": name, "n": n}, "KL, nats", certain(point.kl))


def claims(found: Climbed) -> Iterator[Claim]:
    """That each lies on the law n/(n + 1), ln n − (n − 1)/n."""
    for name, points in found.items():
        off = max(abs(point.wins - best_of_wins(n)) for n, point in points.items())
        more = max(abs(point.kl - best_of_kl(n)) for n, point in points.items())
        yield Claim(
            f"{name}: win rate n/(n + 1) and KL ln n − (n − 1)/n, each within {NEAR:g}",
            max(off, more) < NEAR,
            f"off by {off:.3f} and {more:.3f} nats at most",
        )


def figure(found: Climbed) -> Figure:
    """Win rate against KL, with the law."""
    shown = [1 + k / 10 for k in range(10 * NS[-1] - 9)]
    law = {LAW: [(best_of_kl(n), best_of_wins(n)) for n in shown]}
    measured = {
        name: [(point.kl, certain(point.wins)) for point in points.values()]
        for name, points in found.items()
    }
    return figures.predicted(
        "closed_forms-best-of-n",
        f"Win rate against KL from the reference at each objective's optimum, n = "
        f"{', '.join(map(str, NS))}, over {ANSWERS} answers. The line is the law of the best of n.",
        {**law, **{name: () for name in found if name != LAW}}, measured,
        xlabel="KL, nats", ylabel="win rate",
    )  # fmt: skip
