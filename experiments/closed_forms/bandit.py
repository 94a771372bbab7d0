"""A bandit on which the greedy choice by maximum likelihood is never right, and pessimism is.

Four actions, of which the first is worth nothing and every other is compared with it: the good one
n − 2 times, both bad ones once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.luck import luck
from oversight.alignment.objectives.reward import bradley_terry, pessimistic
from oversight.metrics.intervals import Interval, mean_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell

FEATURES = torch.cat([torch.zeros(1, 3), torch.eye(3)]).double()
WORTH = torch.tensor([0.5, -0.5, -0.5], dtype=torch.float64)
LARGEST = 1.0
"""No |θ| is more."""
RADIUS = 2.0
"""The confidence ellipsoid's, in units of 1/√n."""
COUNTS = (10, 30, 100, 300, 1000, 3000, 10_000)
RUNS: Mapping[str, int] = {"quick": 200, "full": 2000, "paper": 2000}
SHORT = 0.1
"""What the greedy choice is short of the best by at least, whatever n."""


class Short(NamedTuple):
    """How far choices are from the best action, a run each."""

    greedy: Float[Tensor, "runs"]
    careful: Float[Tensor, "runs"]


def gamble(job: Job) -> dict[int, Short]:
    """Comparisons -> how both choices fare."""
    return {n: short_of_best(n, RUNS[job.scale], job.seed) for n in COUNTS}


def short_of_best(n: int, runs: int, seed: int) -> Short:
    """Draw n comparisons, fit, and choose: by the estimate, or by its least in the ellipsoid."""
    compared = torch.tensor([n - 2, 1, 1], dtype=torch.float64)
    odds = torch.sigmoid(WORTH).expand(runs, 3)
    wins = torch.binomial(compared.expand(runs, 3), odds, generator=luck(seed, "bandit", n))
    covariance = torch.diag(compared / n)

    def careful(theta: Tensor) -> Tensor:
        return torch.stack([
            pessimistic(theta, covariance, phi, bound=RADIUS / n**0.5) @ phi for phi in FEATURES
        ])  # fmt: skip

    thetas = _fitted(wins, compared - wins)
    greedy_choice = (thetas @ FEATURES.T).argmax(dim=1)
    careful_choice = torch.stack([careful(theta).argmax() for theta in thetas])
    lost = WORTH.max() - FEATURES @ WORTH
    return Short(lost[greedy_choice], lost[careful_choice])


def _fitted(
    wins: Float[Tensor, "runs three"], losses: Float[Tensor, "runs three"]
) -> Float[Tensor, "runs three"]:
    """θ of maximum likelihood within its bounds, by projected descent."""
    theta = torch.zeros_like(wins, requires_grad=True)
    nothing = torch.zeros_like(wins)
    for _ in range(200):
        loss = wins * bradley_terry(theta, nothing) + losses * bradley_terry(nothing, theta)
        (slope,) = torch.autograd.grad(loss.sum(), theta)
        with torch.no_grad():
            theta -= 4 * slope / (wins + losses)  # 1/4 is the steepest bend of a comparison
            theta.clamp_(-LARGEST, LARGEST)
    return theta.detach()


def cells(found: Mapping[int, Short]) -> Iterator[Cell]:
    """Reward short of the best, by comparisons."""
    for n, short in found.items():
        for name, values in short._asdict().items():
            setting = {"choice": name, "comparisons": n}
            yield cell(setting, "reward short of the best", mean_interval(values.numpy()))


def claims(found: Mapping[int, Short]) -> Iterator[Claim]:
    """Both of the paper's."""
    greedy = {n: mean_interval(short.greedy.numpy()) for n, short in found.items()}
    yield Claim(
        f"bandit: the greedy choice stays {SHORT:g} or more short of the best at every n",
        all(interval.low >= SHORT for interval in greedy.values()),
        f"least {min(interval.low for interval in greedy.values()):.2f}",
    )
    most = max(COUNTS)
    last = mean_interval(found[most].careful.numpy())
    yield Claim(
        f"bandit: the pessimistic choice is within {SHORT:g} of the best at n = {most}",
        last.high < SHORT, f"{last.value:.3f} [{last.low:.3f}, {last.high:.3f}]",
    )  # fmt: skip


def figure(found: Mapping[int, Short]) -> Figure:
    """Both by comparisons."""
    lines: dict[str, list[tuple[float, Interval]]] = {
        words: [(n, mean_interval(getattr(short, name).numpy())) for n, short in found.items()]
        for name, words in (("greedy", "greedy"), ("careful", "pessimistic"))
    }
    return figures.curve(
        "closed_forms-bandit",
        "Reward short of the best action, by comparisons, where the good action is compared often "
        "and each bad one once.",
        lines, xlabel="comparisons", ylabel="reward short of the best", log_x=True, percent=False,
    )  # fmt: skip
