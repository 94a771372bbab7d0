"""When a critic helps (Elasky et al. 2026, arXiv:2605.27483).

A proposer claims an answer, right half of the time; a critic points at a step of its work; the
judge decides. The claim: the critic helps if and only if it tells right from wrong better than the
judge does and the judge can verify what it points at; rebuttals add nothing. Here the critic's
skill is swept past the judge's, once with a judge that can check steps and once with one that
cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from oversight.bench import Bench, accuracy
from oversight.claims import paired, points
from oversight.metrics.intervals import Interval, paired_difference
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

ERRORS = (0.005, 0.02, 0.04, 0.08, 0.12, 0.16, 0.24, 0.32)
"""The critic's error at a gate; the judge's glance errs at 0.08."""
CHECKS = {"the judge can check": 0.0, "the judge cannot check": 1.0}
"""The share of steps whose check tells the judge nothing, and it knows."""
EPISODES = {"quick": 400, "full": 4000, "paper": 20_000}
MARGIN = 0.02
"""How close to 0 a gap in skill, or a gain, may be to count as neither side of the threshold."""


class Point(NamedTuple):
    """One critic under one judge."""

    gap: float
    """Critic's skill minus judge's: how often each is right alone."""
    gain: Interval
    """Accuracy with the critic minus accuracy when the proposal is judged without."""
    critique: pd.DataFrame
    rebutted: pd.DataFrame


def run(job: Job) -> Findings:
    """Sweep the critic under both judges."""
    episodes = EPISODES[job.scale]
    cells: list[Cell] = []
    claims: list[Claim] = []
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for name, share in CHECKS.items():
        found = [_point(job, episodes, error, share) for error in ERRORS]
        lines[name] = sorted((p.gap, p.gain) for p in found)
        for error, point in zip(ERRORS, found, strict=True):
            setting = {"judge": name, "critic's error": error, "skill gap": f"{point.gap:+.3f}"}
            cells.append(cell(setting, "gain by the critic", point.gain))
            reached = accuracy(point.critique)
            if reached is not None:
                cells.append(cell(setting, "accuracy with the critic", reached))
        claims += _claims(name, found, checks=share == 0)
    drawn = figures.curve(
        "elasky2026", "What a critic adds to the judge's accuracy, by how much more skilled than "
        "the judge it is.", lines, xlabel="critic's skill minus judge's (share right alone)",
        ylabel="gain in accuracy", references={"no gain": 0.0},
    )  # fmt: skip
    return Findings(cells, claims, [drawn], (), NOTES)


def _point(job: Job, episodes: int, error: float, share: float) -> Point:
    spec = f"circuits:second={error},obfuscation={share},blind=declared"
    bench = Bench.of(job, f"{share:g}-{error:g}", build("worlds", spec), episodes,
                     judge="tabulated")  # fmt: skip
    critique = bench.run("critique", "critique", points=1, support=0)
    rebutted = bench.run("rebutted", "critique", points=1, support=0, rebuttal=True)
    silent = bench.run("proposal-only", "critique", points=0, support=0)
    both = paired(critique, silent)
    gain = paired_difference(both["a"].to_numpy(), both["b"].to_numpy())
    return Point(_skill(job, episodes, error) - _own(job, episodes), gain, critique, rebutted)


def _skill(job: Job, episodes: int, error: float) -> float:
    """How often a critic of that error is right alone: an expert's material, read by a judge."""
    bench = Bench.of(job, f"skill-{error:g}", build("worlds", f"circuits:expert={error}"), episodes)
    found = accuracy(bench.run("expert", "expert"))
    assert found is not None  # nobody fails alone
    return found.value


def _own(job: Job, episodes: int) -> float:
    bench = Bench.of(job, "judge", build("worlds", "circuits"), episodes)
    found = accuracy(bench.run("alone", "naive", evidence=0))
    assert found is not None  # nobody fails alone
    return found.value


def _claims(name: str, found: list[Point], *, checks: bool) -> Iterator[Claim]:
    above = [p for p in found if p.gap > MARGIN]
    below = [p for p in found if p.gap < -MARGIN]
    if checks:
        yield _all(f"{name}: a critic more skilled than the judge helps", above, "helps")
        yield _all(f"{name}: a critic less skilled than the judge does not", below, "does not help")
    else:
        yield _all(f"{name}: no critic helps", found, "does not help")
    best = max(found, key=lambda point: point.gap)
    both = paired(best.rebutted, best.critique)
    added = paired_difference(both["a"].to_numpy(), both["b"].to_numpy())
    yield Claim(
        f"{name}: a rebuttal adds nothing to the best critic",
        added.low <= 0,
        f"{points(added)} points",
    )


def _all(text: str, found: list[Point], word: str) -> Claim:
    """Whether every point does (or does not) help, by the sign of its interval."""
    helps = [p.gain.low > 0 for p in found]
    holds = all(helps) if word == "helps" else not any(helps)
    shown = "; ".join(f"gap {p.gap:+.2f}: {points(p.gain)}" for p in found)
    return Claim(text, holds and bool(found), shown or "no critic of that kind was played")


NOTES = (
    "The proposal is judged alone in the same game with no arguments. Skill is how often a party "
    "is right alone with what it sees; the judge's is its own glance.",
    "The judge is calibrated to each game by tabulating what it reads on cases kept apart.",
    "Zero-sum: a critic that finds no flaw points at some step all the same.",
)

EXPERIMENT = Experiment(
    name="elasky2026",
    paper="Elasky et al. 2026, arXiv:2605.27483",
    about="The gain by a critic against its skill over the judge's, with and without checks",
    data=("circuits",),
    run=run,
)
