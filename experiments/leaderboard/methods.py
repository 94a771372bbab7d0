"""All methods on annotators' feedback: gold reward at equal KL and after training, and the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import root_scalar
from torch import Tensor

from oversight.alignment.bench import Bench
from oversight.alignment.closed_forms import tilted
from oversight.alignment.lab import Lab
from oversight.alignment.leaderboard import KL, Place, Training, carried_out, crossing, ranked
from oversight.alignment.measures import divergence
from oversight.alignment.method import Method
from oversight.claims import signed
from oversight.metrics.intervals import certain, few_runs_interval
from oversight.registry import names
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell
from oversight.training.descent import Pace

EVERY = 10
"""Steps between two evaluations: as fine as KL is interpolated."""
FEW = 5
"""Methods below which an order is none."""


class Size(NamedTuple):
    """How much is trained at a scale."""

    policy: str
    seeds: int
    steps: int


SIZES: Mapping[str, Size] = {
    "quick": Size("exact", 3, 300),
    "full": Size("exact", 10, 600),
    "paper": Size("small", 5, 300),
}


class Board(NamedTuple):
    """What was trained, and what could be had."""

    trainings: Sequence[Training]
    methods: Mapping[str, Method]
    bounds: Mapping[str, float]
    """Gold reward at `KL` of the reference tilted toward a reward, by which."""

    @property
    def before(self) -> float:
        """Gold reward before any training."""
        return self.trainings[0].rows[0]["gold"]

    def of(self, method: str) -> list[Training]:
        """One method's."""
        return [training for training in self.trainings if training.method == method]


def train(job: Job) -> Board:
    """Every method with every seed."""
    size = SIZES[job.scale]
    bench = Bench(job.data, size.policy, steps=size.steps)
    specs, seeds = names("methods"), range(job.seed, job.seed + size.seeds)
    trainings = carried_out(
        specs, seeds, bench.placed, Pace(size.steps, bench.rate, every=EVERY),
        out=job.out / "methods", processes=job.processes, progress=job.progress,
    )  # fmt: skip
    made = {spec: bench.method(spec) for spec in specs}
    return Board(trainings, made, bounds(bench.placed(specs[0], job.seed)[1]))


def bounds(lab: Lab) -> dict[str, float]:
    """Gold reward of the reference tilted by π·e^{r/β} until it is `KL` from itself."""
    start = lab.task.reference().double()
    rewards = {"what annotators see": lab.proxy_table, "gold itself": lab.task.gold_table}
    return {name: _bound(start, table.double(), lab) for name, table in rewards.items()}


def _bound(start: Tensor, rewards: Tensor, lab: Lab) -> float:
    def too_far(strength: float) -> float:
        log = tilted(start, rewards, beta=1 / strength)
        return float(divergence(log, start).mean()) - KL

    strength = float(root_scalar(too_far, bracket=(1e-6, 1e3)).root)
    odds = tilted(start, rewards, beta=1 / strength).exp()
    return float((odds * lab.task.gold_table).sum(dim=1).mean())


def cells(board: Board) -> Iterator[Cell]:
    """A method's numbers, the most gold reward first."""
    for place in ranked(board.trainings):
        setting = {"method": place.method, "signal": signal(board, place.method)}
        told = {"gold reward": place.gold, f"gold reward at KL {KL:g}": place.at_kl,
                "proxy reward": place.proxy, "KL, nats": place.kl,
                "wins against the reference": place.wins, "seconds": place.seconds}  # fmt: skip
        for metric, found in told.items():
            if np.isfinite(found.value):
                yield cell(setting, metric, found)
    for name, bound in board.bounds.items():
        yield cell({"method": f"the reference tilted to {name}, exact"},
                   f"gold reward at KL {KL:g}", certain(bound))  # fmt: skip


def claims(board: Board) -> Iterator[Claim]:
    """What a user would take for granted."""
    for metric in ("proxy", "gold"):
        gains = {
            name: few_runs_interval([t.last[metric] - t.rows[0][metric] for t in board.of(name)])
            for name in board.methods
        }
        short = [f"{name} {signed(gain, 2)}" for name, gain in gains.items() if not gain.low > 0]
        said = f"not: {', '.join(short)}" if short else "all do"
        yield Claim(f"every method raises the {metric} reward", not short, said)
    yield _alike(board)


def _alike(board: Board) -> Claim:
    """Whether the overseer's own number says which method is better."""
    found = {
        name: [np.nanmean([crossing(t.rows, KL, metric) for t in board.of(name)])
               for metric in ("proxy", "gold")]
        for name in board.methods
        if any(t.last["kl"] > KL for t in board.of(name))
    }  # fmt: skip
    pairs = pd.DataFrame(found.values(), columns=["proxy", "gold"]).dropna()
    said = f"at KL {KL:g}, methods stand in the same order by proxy as by gold reward"
    if len(pairs) < FEW:
        return Claim(said, False, f"only {len(pairs)} methods went that far")
    rho = pairs["proxy"].corr(pairs["gold"], method="spearman")
    resampled = [pairs.sample(frac=1, replace=True, random_state=k) for k in range(2000)]
    rhos = [again["proxy"].corr(again["gold"], method="spearman") for again in resampled]
    low, high = np.nanquantile(rhos, [0.025, 0.975])
    return Claim(
        said,
        bool(low > 0),
        f"rank correlation {rho:.2f} [{low:.2f}, {high:.2f}] over {len(pairs)} methods",
    )


def figure(board: Board) -> Figure:
    """Gold reward at equal KL."""
    places = [place for place in ranked(board.trainings) if np.isfinite(place.at_kl.value)]
    placed = sorted(places, key=lambda place: -place.at_kl.value)
    return _drawn(
        "leaderboard", f"Gold reward where each training first passes KL {KL:g} from the "
        "reference, by the signal that the method learns from. Lines: before training, and the "
        "reference tilted exactly so far toward what annotators see and toward gold itself.",
        board, placed, "at_kl", {"before": board.before, **board.bounds},
    )  # fmt: skip


def hardest(board: Board) -> Figure:
    """Gold reward after all steps."""
    return _drawn(
        "leaderboard-trained", "Gold reward after all steps, wherever that is from the reference, "
        "by the signal that the method learns from.",
        board, ranked(board.trainings), "gold", {"before": board.before},
    )  # fmt: skip


def _drawn(
    name: str, caption: str, board: Board, places: Sequence[Place], which: str,
    references: Mapping[str, float],
) -> Figure:  # fmt: skip
    signals = dict.fromkeys(signal(board, place.method) for place in places)
    rows = [
        figures.Row(place.method, figures.drawable(getattr(place, which)), group=group)
        for group in signals for place in places if signal(board, place.method) == group
    ]  # fmt: skip
    return figures.forest(
        name,
        caption,
        rows,
        xlabel="gold reward",
        references=references,
        percent=False,
        dense=True,
    )


def signal(board: Board, method: str) -> str:
    """What a method learns from first of all."""
    return board.methods[method].needs[0]
