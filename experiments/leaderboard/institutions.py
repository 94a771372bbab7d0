"""Methods trained on what institutions find: gold reward after training, and what is still seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from experiments.leaderboard.methods import EVERY
from oversight.alignment.bench import Bench
from oversight.alignment.leaderboard import KL, Training, carried_out, ranked
from oversight.claims import signed
from oversight.metrics.intervals import few_runs_interval
from oversight.pool import fork_map
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell, file_safe
from oversight.training.descent import Pace

METHODS = ("dpo", "raft", "rlhf")
"""One that learns from pairs, one that chooses, one that climbs."""
ALONE, DEBATE, CONSULTANCY = "judge", "debate:rounds=2", "consultancy"
INSTITUTIONS: Mapping[str, str] = {
    "annotators": "annotators",
    "the judge alone": ALONE,
    "consultancy": CONSULTANCY,
    "critique": "critique",
    "debate of 2 rounds": DEBATE,
}
"""What they are called -> whose feedback it is."""
SIZES: Mapping[str, tuple[int, int]] = {"quick": (3, 300), "full": (10, 600), "paper": (10, 1200)}
"""Scale -> seeds, steps."""

Trained = Mapping[str, Sequence[Training]]
"""Institution -> every method and seed."""


def train(job: Job) -> Trained:
    """The methods under each institution; one process has all of an institution's games."""
    seeds, steps = SIZES[job.scale]
    own = range(job.seed, job.seed + seeds)

    def under(name: str) -> tuple[str, list[Training]]:
        bench = Bench(job.data, "exact", INSTITUTIONS[name], steps)
        pace = Pace(steps, bench.rate, every=EVERY)
        kept = job.out / "institutions" / file_safe(name)
        return name, carried_out(METHODS, own, bench.placed, pace, out=kept)

    found = dict[str, list[Training]]()
    for name, trainings in fork_map(under, INSTITUTIONS, job.processes):
        found[name] = trainings
        if job.progress is not None:
            job.progress("institutions", len(found), len(INSTITUTIONS))
    return {name: found[name] for name in INSTITUTIONS}


def cells(trained: Trained) -> Iterator[Cell]:
    """Gold and proxy reward by institution and method; the proxy's rise is in its own units."""
    for name, trainings in trained.items():
        for place in ranked(trainings):
            setting = {"feedback": name, "method": place.method}
            yield cell(setting, "gold reward", place.gold)
            if place.at_kl.n >= 2:
                yield cell(setting, f"gold reward at KL {KL:g}", place.at_kl)
            yield cell(setting, "proxy reward", place.proxy)
            yield cell(setting, "KL, nats", place.kl)


def claims(trained: Trained) -> Iterator[Claim]:
    """That a protocol pays where the policy that learns from it is optimised hard."""
    names = {spec: name for name, spec in INSTITUTIONS.items()}
    debate, alone, consultancy = (trained[names[spec]] for spec in (DEBATE, ALONE, CONSULTANCY))
    for method in METHODS:
        gain = few_runs_interval(
            [a - b for a, b in zip(_gold(debate, method), _gold(alone, method), strict=True)]
        )
        yield Claim(
            f"{method}: more gold reward by debate's feedback than by the judge's alone",
            gain.low > 0, f"{signed(gain, 2)} gold",
        )  # fmt: skip
    for method in METHODS:
        seen, gold = (
            few_runs_interval(
                [t.last[metric] - t.rows[0][metric] for t in consultancy if t.method == method]
            )
            for metric in ("proxy", "gold")
        )
        yield Claim(
            f"{method}: by consultancy's feedback the overseer sees a gain, and there is one",
            seen.low > 0 and gold.low > 0, f"seen {signed(seen, 2)}, gold {signed(gold, 2)}",
        )  # fmt: skip


def _gold(trainings: Sequence[Training], method: str) -> list[float]:
    return [training.last["gold"] for training in trainings if training.method == method]


def figure(trained: Trained) -> Figure:
    """Gold reward by method and institution."""
    places = {name: {p.method: p for p in ranked(found)} for name, found in trained.items()}
    rows = [
        figures.Row(name, places[name][method].gold, group=method)
        for method in METHODS
        for name in trained
    ]
    before = next(iter(trained.values()))[0].rows[0]["gold"]
    return figures.forest(
        "leaderboard-institutions",
        "Gold reward of what methods make of the feedback that each institution gives.",
        rows, xlabel="gold reward", references={"before": before}, percent=False,
    )  # fmt: skip
