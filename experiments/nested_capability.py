"""Every protocol over the capability gap: the summary figure.

The same circuits, the same judge budget, the same experts; the judge's own glance is made worse and
worse. What each protocol keeps of the experts' accuracy as the gap widens is what it is worth.
"""

from __future__ import annotations

import itertools
from collections import defaultdict

from oversight.bench import Bench
from oversight.compare import Point, capability_gap, fitting, swept
from oversight.registry import build
from oversight.report import figures
from oversight.study import Claim, Experiment, Findings, Job, cell

BUDGET = 8
EPISODES = {"quick": 200, "full": 2000, "paper": 10_000}
BASELINES = ("naive", "expert")


def run(job: Job) -> Findings:
    """Sweep the judge's glance under every protocol that fits."""
    bench = Bench.of(job, "gap", build("worlds", "circuits"), EPISODES[job.scale], budget=BUDGET,
                     judge="tabulated")  # fmt: skip
    chosen, left_out = fitting(bench.world, BUDGET)
    points = swept(bench, "gap", [protocol.name for protocol in chosen], capability_gap)
    lines: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        lines[point.protocol].append(point)
    for line in lines.values():
        line.sort(key=lambda point: point.x)
    cells = [
        cell({"protocol": p.protocol, "gap": f"{p.x:.3f}"}, "accuracy", p.accuracy) for p in points
    ]
    overseen = [name for name in lines if name not in BASELINES]
    claims = [_above(name, lines[name][-1], lines["naive"][-1]) for name in overseen]
    claims += [_holds_up(name, lines[name]) for name in overseen]
    drawn = figures.curve(
        "nested_capability", "Accuracy of the judge by protocol, over how much better an expert is "
        f"than the judge: circuits, {BUDGET} steps read a game, a judge calibrated to each "
        "protocol.",
        {name: [(p.x, p.accuracy) for p in line] for name, line in lines.items()},
        xlabel="expert skill minus judge skill (share of right answers)",
        ylabel="accuracy of the judge",
    )  # fmt: skip
    notes = [f"{name} is left out: {why}." for name, why in left_out.items()]
    return Findings(cells, claims, [drawn], (), (*NOTES, *notes))


def _above(name: str, at: Point, alone: Point) -> Claim:
    """At the widest gap, the protocol's interval lies above the lone judge's."""
    return Claim(
        f"{name} keeps a judge above itself alone at the widest gap",
        at.accuracy.low > alone.accuracy.high,
        f"{_percent(at)} with it, {_percent(alone)} alone at the same budget, gap {at.x:.2f}",
    )


def _holds_up(name: str, line: list[Point]) -> Claim:
    """No step to a wider gap costs accuracy beyond the intervals."""
    falls = [
        (before, after)
        for before, after in itertools.combinations(line, 2)
        if after.accuracy.high < before.accuracy.low
    ]
    return Claim(
        f"{name} does not fall as the gap widens",
        not falls,
        f"from {_percent(line[0])} at {line[0].x:.2f} to {_percent(line[-1])} at {line[-1].x:.2f}",
    )


def _percent(point: Point) -> str:
    value, low, high, _ = point.accuracy
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}] %"


NOTES = (
    "A study of our own: nobody has published this figure.",
    "The gap is measured, not set: how often an expert is right alone, minus how often the judge "
    "is at a glance, on the same cases.",
    "Experts play as they do by default: each side is argued as well as it can be. What the worst "
    "adversary makes of each protocol is in `oversight compare`.",
)

EXPERIMENT = Experiment(
    name="nested_capability",
    paper="A study of this project",
    about="Every protocol's accuracy over the capability gap, on one world at one budget",
    data=("circuits",),
    run=run,
)
