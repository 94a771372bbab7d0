"""How often answers win against how far the policy went: offline methods beside the best of n.

Gui, Gârbacea, Veitch 2024, BoNBoN Alignment for Large Language Models, arXiv:2406.00832. The best
of n answers is nearly the most wins that its divergence from the reference can buy; methods that
learn it, or anything else, from fixed data are held against that law. Wins are by what the overseer
sees, which is what a method is told of; how often they win in gold reward is beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.leaderboard.methods import Size
from oversight.alignment.bench import Bench
from oversight.alignment.closed_forms import best_of
from oversight.alignment.lab import Lab
from oversight.alignment.leaderboard import Training, carried_out
from oversight.alignment.measures import divergence, win_rate
from oversight.claims import points
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.training.descent import Pace

OFFLINE = (
    "a_lol", "a_lol_free", "a_lol_kl", "a_lol_sequence", "bonbon", "coh", "cringe", "dpo", "ilf",
    "ipo", "kto", "lima", "pro", "rrhf", "slic", "stable_alignment", "steerlm", "zhu",
)  # fmt: skip
"""Methods whose data are gathered before the training and never again."""
SAMPLING = ("bond", "vbon")
"""Those that come to the best of n by sampling themselves."""
SHOWN = ("bonbon", "dpo", "ipo", "bond", "vbon")
"""Drawn along their trainings."""
OWN, RIVALS = "bonbon", ("dpo", "ipo")
EVERY = 20
NEAR = 0.02
"""How far from the law still counts as on it."""


SIZES: Mapping[str, Size] = {
    "quick": Size("exact", 3, 300), "full": Size("exact", 10, 600), "paper": Size("exact", 10, 1200)
}  # fmt: skip


class Law(NamedTuple):
    """The best of n by the overseer's number, n rising: KL and wins, both rising."""

    kl: NDArray[np.float64]
    wins: NDArray[np.float64]

    def at(self, kl: float) -> float:
        """Wins at a divergence."""
        return float(np.interp(kl, self.kl, self.wins))


class Found(NamedTuple):
    """What was trained, and the law."""

    trainings: Mapping[str, Sequence[Training]]
    law: Law

    def short(self, method: str) -> Interval:
        """Wins that the law has more at the same KL, after training, over seeds."""
        return few_runs_interval([self._short(training) for training in self.trainings[method]])

    def nearer(self, method: str, other: str) -> Interval:
        """By how much less a method falls short than another, paired by seed."""
        pairs = zip(self.trainings[method], self.trainings[other], strict=True)
        return few_runs_interval([self._short(b) - self._short(a) for a, b in pairs])

    def _short(self, training: Training) -> float:
        return self.law.at(training.last["kl"]) - training.last["seen_wins"]


def run(job: Job) -> Findings:
    """Train every method, and reckon the law."""
    found = train(job)
    return Findings(
        list(_cells(found)), list(_claims(found)), [_frontier(found), _gap(found)], (), NOTES
    )


def train(job: Job) -> Found:
    """Every method with every seed."""
    size, specs = SIZES[job.scale], (*OFFLINE, *SAMPLING)
    bench = Bench(job.data, size.policy, steps=size.steps)
    seeds = range(job.seed, job.seed + size.seeds)
    trainings = carried_out(
        specs, seeds, bench.placed, Pace(size.steps, bench.rate, every=EVERY),
        out=job.out / "trainings", processes=job.processes, progress=job.progress,
    )  # fmt: skip
    by_method = {spec: [t for t in trainings if t.method == spec] for spec in specs}
    return Found(by_method, law_of(bench.placed(OWN, job.seed)[1]))


def law_of(lab: Lab) -> Law:
    """Over all prompts, ties as they are."""
    start, rewards = lab.task.reference().double(), lab.proxy_table.double()
    kl, wins = list[float](), list[float]()
    for n in sorted({int(2 ** (k / 4)) for k in range(37)}):
        law = best_of(start, rewards, n=n)
        kl.append(float(divergence(law, start).mean()))
        wins.append(float(win_rate(law.exp(), start.exp(), rewards).mean()))
    return Law(np.array(kl), np.array(wins))


def _cells(found: Found) -> Iterator[Cell]:
    for method, trainings in found.trainings.items():
        for metric, words in (("seen_wins", "wins by the overseer's number"),
                              ("wins", "wins by gold reward"), ("kl", "KL, nats")):  # fmt: skip
            over = few_runs_interval([training.last[metric] for training in trainings])
            yield cell({"method": method}, words, over)
        yield cell({"method": method}, "wins short of the best of n at its KL", found.short(method))


def _claims(found: Found) -> Iterator[Claim]:
    shorts = {method: found.short(method) for method in found.trainings}
    above = [f"{m} by {points(_turned(s))} points" for m, s in shorts.items() if s.high < -NEAR]
    yield Claim(
        f"no method wins more than the best of n at its KL, by over {100 * NEAR:g} points",
        not above, f"above it: {', '.join(above)}" if above else "none does",
    )  # fmt: skip
    for method in (OWN, *SAMPLING):
        yield Claim(
            f"{method} is within {100 * NEAR:g} points of the best of n at its KL",
            shorts[method].high < NEAR, f"short by {points(shorts[method])} points",
        )  # fmt: skip
    for rival in RIVALS:
        gain = found.nearer(OWN, rival)
        yield Claim(
            f"{OWN} is nearer to the best of n than {rival}",
            gain.low > 0,
            f"by {points(gain)} points",
        )


def _turned(found: Interval) -> Interval:
    """With the sign changed."""
    return Interval(-found.value, -found.high, -found.low, found.n)


def _frontier(found: Found) -> Figure:
    paths = {method: _path(found.trainings[method]) for method in SHOWN}
    most = max(kl for path in paths.values() for kl, _ in path)
    law = [(kl, wins) for kl, wins in zip(*map(np.ndarray.tolist, found.law), strict=True)
           if kl <= most]  # fmt: skip
    return figures.predicted(
        "gui2024_bonbon",
        "Wins against the reference, by what the overseer sees, over KL from it: along each "
        "training, the mean over seeds. The line is the best of n by the overseer's own number.",
        {"best of n": law, **dict.fromkeys(paths, ())}, paths, xlabel="KL, nats", ylabel="wins",
    )  # fmt: skip


def _path(trainings: Sequence[Training]) -> list[tuple[float, Interval]]:
    """Of every other evaluation after the first."""
    return [
        (float(np.mean([row["kl"] for row in rows])),
         few_runs_interval([row["seen_wins"] for row in rows]))
        for rows in list(zip(*(training.rows for training in trainings), strict=True))[1::2]
    ]  # fmt: skip


def _gap(found: Found) -> Figure:
    shorts = {method: found.short(method) for method in found.trainings}
    rows = [
        figures.Row(method, short, group=group)
        for group, methods in (("offline", OFFLINE), ("by own samples", SAMPLING))
        for method, short in sorted(shorts.items(), key=lambda item: item[1].value)
        if method in methods
    ]
    return figures.forest(
        "gui2024_bonbon-gap",
        "Wins that a method is short of the best of n at the same KL, after training.",
        rows, xlabel="wins short of the best of n", references={"best of n": 0.0}, dense=True,
    )  # fmt: skip


NOTES = (
    "The paper aligns language models to one reward model; here an exact policy over 341 answers a "
    "prompt learns from annotators, whose number for every answer is known in expectation. The "
    "best of n is by that number, with its ties, and exact.",
    "Wins are averaged over prompts, and so is KL: a method that goes further on some prompts than "
    "on others is off the law for that alone.",
    "A method is compared where its training ends, with the defaults of its parameters.",
    "Intervals are over seeds: 95 %, Student's t.",
)

EXPERIMENT = Experiment(
    name="gui2024_bonbon",
    paper="Gui et al. 2024, arXiv:2406.00832",
    about="Win rate against KL: offline methods beside the law of the best of n",
    data=("preferences",),
    run=run,
)
