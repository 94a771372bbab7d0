"""One policy for every weighing of two rewards, against soups of policies trained on one each.

Wang et al. 2024, Conditional Language Policy, arXiv:2407.15762. CLP trains the mean of two policies
under weights drawn anew at each step. A rewarded soup trains each policy on its own reward and
takes the mean afterwards. Both are asked for the same weighings, and their fronts are compared: the
two rewards, and the area that a front covers beyond the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from oversight.alignment.aligning import align
from oversight.alignment.bench import Bench
from oversight.alignment.lab import Lab
from oversight.alignment.measures import measured
from oversight.alignment.method import Method, State
from oversight.alignment.methods.clp import CLP, Wanted
from oversight.alignment.policies.mixed import Mixed
from oversight.alignment.policy import Policy
from oversight.claims import signed
from oversight.metrics.intervals import few_runs_interval
from oversight.pool import fork_map
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.training.descent import Pace

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of helpfulness, the first of CLP's rewards; keeping off toxic words is the other."""
CLP_, SOUP = "CLP", "rewarded soup"


class Size(NamedTuple):
    """Steps of each policy, in all of a way, and seeds."""

    steps: int
    seeds: int


SIZES: Mapping[str, Mapping[str, Size]] = {
    "quick": {"exact": Size(400, 5), "small": Size(200, 3)},
    "full": {"exact": Size(1000, 10), "small": Size(800, 10)},
    "paper": {"exact": Size(2000, 10), "small": Size(2000, 10)},
}
"""Scale -> policy -> how long."""


@dataclass(frozen=True)
class Single(CLP):
    """CLP's objective on one reward alone: a soup's ingredient.

    Attributes:
        alone: which of the rewards.
    """

    alone: int = 0

    def begin(self, lab: Lab) -> State[list[Wanted]]:
        """One policy, and the model of its reward."""
        state = super().begin(lab)
        policies = [cast(Policy, policy) for policy in cast(Mixed, state.policy).policies]
        return State(Mixed(policies[:1], (1.0,)), [state.data[self.alone]])


class Point(NamedTuple):
    """What a policy is worth at a weighing, a seed each."""

    helpful: Sequence[float]
    clean: Sequence[float]
    """Minus the share of toxic words."""
    kl: Sequence[float]


Fronts = Mapping[tuple[str, str], Mapping[float, Point]]
"""(policy, way) -> weight of the first reward -> the point."""


class Found(NamedTuple):
    """The fronts, and the reference by policy."""

    fronts: Fronts
    start: Mapping[str, tuple[float, float]]

    def areas(self, policy: str, way: str) -> list[float]:
        """What each seed's front covers beyond the reference."""
        points = list(self.fronts[policy, way].values())
        return [
            covered([(p.helpful[seed], p.clean[seed]) for p in points], self.start[policy])
            for seed in range(len(points[0].kl))
        ]


def run(job: Job) -> Findings:
    """Train both ways on both policies."""
    items = [
        (policy, seed) for policy, size in SIZES[job.scale].items() for seed in range(size.seeds)
    ]
    done: dict[tuple[str, int], dict[str, Any]] = {}
    for item, rows in fork_map(lambda item: (item, _trained(job, *item)), items, job.processes):
        done[item] = rows
        if job.progress is not None:
            job.progress("trainings", len(done), len(items))
    fronts = {
        (policy, way): {
            weight: _point([done[policy, seed][way][weight] for seed in range(size.seeds)])
            for weight in WEIGHTS
        }
        for policy, size in SIZES[job.scale].items()
        for way in (CLP_, SOUP)
    }
    start = {policy: place(done[policy, 0]["start"]) for policy in SIZES[job.scale]}
    found = Found(fronts, start)
    return Findings(list(_cells(found)), list(_claims(found)), list(_drawn(found)), (), NOTES)


def _trained(job: Job, policy: str, seed: int) -> dict[str, Any]:
    size = SIZES[job.scale][policy]
    kept = job.out / "trainings" / f"{policy}-{seed}"
    lab = Bench(job.data, policy, steps=size.steps).lab(CLP(), job.seed + seed)

    def mixed(method: Method, steps: int, name: str) -> Mixed:
        bench = Bench(job.data, policy, steps=steps)
        pace = Pace(steps, bench.rate, every=steps)
        done = align(method, bench.lab(method, job.seed + seed), pace=pace, kept=kept / name)
        return cast(Mixed, done.policy)

    own = mixed(CLP(), size.steps, "clp")
    parts = [mixed(Single(alone=k), size.steps // 2, f"soup-{k}") for k in (0, 1)]
    soup = Mixed([cast(Policy, part.policies[0]) for part in parts], (0.5, 0.5))
    return {
        "start": measured(lab.reference, lab),
        **{
            way: {weight: measured(policies.at((weight, 1 - weight)), lab) for weight in WEIGHTS}
            for way, policies in ((CLP_, own), (SOUP, soup))
        },
    }


def place(row: Mapping[str, float]) -> tuple[float, float]:
    """Both rewards of what was measured."""
    return row["helpful"], -row["toxic"]


def _point(rows: Sequence[Mapping[str, float]]) -> Point:
    places = [place(row) for row in rows]
    return Point([x for x, _ in places], [y for _, y in places], [row["kl"] for row in rows])


def covered(points: Sequence[tuple[float, float]], corner: tuple[float, float]) -> float:
    """The area of what some point is at least as good as, in both, beyond a corner.

    >>> covered([(1.0, 2.0), (2.0, 1.0), (0.5, 0.5)], (0.0, 0.0))
    3.0
    """
    area, reached = 0.0, corner[1]
    for x, y in sorted(points, reverse=True):
        if x > corner[0] and y > reached:
            area += (x - corner[0]) * (y - reached)
            reached = y
    return area


def _cells(found: Found) -> Iterator[Cell]:
    for (policy, way), front in found.fronts.items():
        for weight, point in front.items():
            setting = {"policy": policy, "way": way, "weight of helpful": weight}
            yield cell(setting, "helpful", few_runs_interval(point.helpful))
            yield cell(setting, "minus toxic", few_runs_interval(point.clean))
            yield cell(setting, "KL, nats", few_runs_interval(point.kl))
        area = few_runs_interval(found.areas(policy, way))
        yield cell({"policy": policy, "way": way}, "area beyond the reference", area)


def _claims(found: Found) -> Iterator[Claim]:
    for policy in found.start:
        own, soup = (found.areas(policy, way) for way in (CLP_, SOUP))
        gain = few_runs_interval(np.subtract(own, soup))
        said = f"{policy}: CLP's front covers more than the soup's"
        yield Claim(said, gain.low > 0, signed(gain, 4))
        front = found.fronts[policy, CLP_]
        for name, ends in (("helpful", (1.0, 0.0)), ("clean", (0.0, 1.0))):
            most, least = (getattr(front[weight], name) for weight in ends)
            rise = few_runs_interval(np.subtract(most, least))
            said = f"{policy}: CLP steers, {name} is more where it has all the weight than none"
            yield Claim(said, rise.low > 0, signed(rise, 4))
        even = few_runs_interval([
            a + b - c - d
            for a, b, c, d in zip(front[0.5].helpful, front[0.5].clean,
                                  found.fronts[policy, SOUP][0.5].helpful,
                                  found.fronts[policy, SOUP][0.5].clean, strict=True)
        ])  # fmt: skip
        yield Claim(f"{policy}: weighed alike, CLP has more of both in sum than the soup",
                    even.low > 0, signed(even, 4))  # fmt: skip


def _drawn(found: Found) -> Iterator[Figure]:
    for policy in found.start:
        lines = {
            way: [
                (float(np.mean(point.helpful)), few_runs_interval(point.clean))
                for point in found.fronts[policy, way].values()
            ]
            for way in (CLP_, SOUP)
        }
        yield figures.curve(
            f"wang2024_clp-{policy}", f"The {policy} policy asked for five weighings of two "
            "rewards: helpfulness, and minus the share of toxic words.", lines,
            xlabel="helpful", ylabel="minus toxic", percent=False,
        )  # fmt: skip


NOTES = (
    "The paper's policies are T5 models and its rewards learned from text; here they are models of "
    "annotators' labels, and the fronts are of the attributes themselves, which nobody trained on.",
    "Both ways make as many steps in all: each policy of a soup has half of CLP's. How the paper "
    "mixes parameters is not known to us; the method's docstring says what is derived.",
    "Intervals are over seeds: 95 %, Student's t. The area is of what a front's points dominate "
    "beyond the reference, in both rewards' own units.",
)

EXPERIMENT = Experiment(
    name="wang2024_clp",
    paper="Wang et al. 2024, arXiv:2407.15762",
    about="Steerable multi-reward policies: CLP's Pareto front against rewarded soups",
    data=("preferences",),
    run=run,
)
