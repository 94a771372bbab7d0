"""From contests to numbers: the cells beside the published ones, the claims, the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from envs.worlds.contests import DOMAINS, START
from experiments.engels2025 import contests
from experiments.engels2025.contests import GAP, GAPS, PLANTED, STEPS, Size
from experiments.engels2025.published import ABSTRACT, BEST, RELEASED, SUCCESS
from oversight.metrics.intervals import Interval, mean_interval
from oversight.metrics.nested import best_steps, nested_success
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell

SUCCEEDS = "oversight succeeds, %"
COVERED = 0.90
SURE = 0.999  # four domains, each with its own interval: 95 % would miss one time in five
NAMES = {
    "mafia": "Mafia",
    "debate": "Debate",
    "backdoor": "Backdoor code",
    "wargames": "Wargames",
}
ROLES = {"guard": "guards", "adversary": "adversaries"}


class Results(NamedTuple):
    """Everything that was computed and played."""

    exact: Mapping[str, float]
    """Domain -> success at the headline gap and the best number of steps, by the closed form."""
    best: Mapping[str, int]
    engine: Mapping[str, Interval]
    """The same played through the engine."""
    slopes: pd.DataFrame
    cuts: pd.DataFrame


def gather(job: Job, size: Size) -> Results:
    """Compute and play it all."""
    best = {name: int(best_steps(GAP, *DOMAINS[name], START)) for name in DOMAINS}
    return Results(
        {name: _success(name, GAP, best[name]) for name in DOMAINS},
        best,
        {name: contests.played(job, name, best[name], size) for name in DOMAINS},
        contests.slopes(job, size),
        contests.cuts(job, size),
    )


def _success(domain: str, gap: float, steps: int) -> float:
    return float(nested_success(gap, steps, *DOMAINS[domain], START))


def cells(results: Results) -> Iterator[Cell]:
    """Success beside the abstract's; how the planted ratings were found again."""
    for name, words in NAMES.items():
        exact = 100 * results.exact[name]
        at = {"domain": words, "n": results.best[name]}
        yield cell(
            {**at, "setting": "closed form, released fits (no sampling)"}, SUCCEEDS,
            Interval(exact, exact, exact, 1), SUCCESS[name], ABSTRACT,
        )  # fmt: skip
        yield cell({**at, "setting": "played"}, SUCCEEDS, _percent(results.engine[name]))
    runs = results.slopes
    for role in ROLES:
        found = {"setting": f"planted slope, {ROLES[role]}"}
        covered = mean_interval(runs[role].to_numpy(float))
        yield cell(found, "95 % interval covers it", covered)
        yield cell(found, "estimate minus planted", mean_interval(runs[f"{role}_off"]))
        yield cell(found, "width of the interval", mean_interval(runs[f"{role}_width"]))
    for planted in PLANTED:
        for role in ROLES:
            at = {"setting": f"planted cuts: {planted}, {ROLES[role]}"}
            yield cell(at, "AIC chooses as many", found_cuts(results.cuts, planted, role))


def found_cuts(runs: pd.DataFrame, planted: int, role: str) -> Interval:
    """How often AIC chose the planted number of cuts, over tournaments."""
    chosen = runs.loc[runs["planted"] == planted, role]
    return mean_interval((chosen == planted).to_numpy(float))


def claims(results: Results) -> Iterator[Claim]:
    """The closed form to three decimals, the games against it, and what ratings can tell."""
    for name, words in NAMES.items():
        exact, known = 100 * results.exact[name], RELEASED[name]
        yield Claim(
            f"{words}: at a gap of {GAP:g} the released fits give {known:.3f} %, at n* = "
            f"{BEST[name]}",
            f"{exact:.3f}" == f"{known:.3f}" and results.best[name] == BEST[name],
            f"ours {exact:.3f} % at n* = {results.best[name]}; the abstract says "
            f"{SUCCESS[name]:g} %, from fits that were not released",
        )
    for name, words in NAMES.items():
        games = results.engine[name]
        low, value, high = (100 * v for v in (games.low, games.value, games.high))
        yield Claim(
            f"{words}: the closed form lies in the {100 * SURE:g} % interval of the games played",
            contests.is_within(results.exact[name], games, SURE),
            f"{100 * results.exact[name]:.2f} % and {value:.2f} [{low:.2f}, {high:.2f}] % over "
            f"{games.n:,} games",
        )
    for role in ROLES:
        covered = mean_interval(results.slopes[role].to_numpy(float))
        yield Claim(
            f"the bootstrap's 95 % interval covers the planted slope of the {ROLES[role]} in at "
            f"least {100 * COVERED:g} of 100 tournaments",
            covered.value >= COVERED,
            f"in {_shown(covered)} % of {covered.n}",
        )
    for planted in PLANTED:
        each = {role: found_cuts(results.cuts, planted, role) for role in ROLES}
        yield Claim(
            f"AIC finds that {planted} cuts were planted more often than not",
            all(found.low > 0.5 for found in each.values()),
            "; ".join(
                f"{ROLES[role]} {_shown(found)} % of {found.n}" for role, found in each.items()
            ),
        )


def drawn(results: Results, size: Size, seed: int) -> Iterator[Figure]:
    """Success by gap and by steps, and how well planted ratings are found."""
    yield _by_gap(size, seed)
    yield _by_steps(size, seed)
    runs = results.slopes
    rows = [
        figures.Row(ROLES[role], mean_interval(runs[role].to_numpy(float)), None,
                    "95 % interval covers the planted slope")
        for role in ROLES
    ]  # fmt: skip
    rows += [
        figures.Row(f"{planted} cuts, {ROLES[role]}", found_cuts(results.cuts, planted, role), None,
                    "AIC finds the planted cuts")
        for planted in PLANTED
        for role in ROLES
    ]  # fmt: skip
    yield figures.forest(
        "engels2025-planted",
        "What ratings tell of planted skill: how often the 95 % bootstrap interval covers a "
        "planted slope, and how often AIC chooses the planted number of cuts.",
        rows,
        xlabel="tournaments",
        references={"95 %": 0.95},
    )


def _by_gap(size: Size, seed: int) -> Figure:
    fine = range(0, max(GAPS) + 1, 20)
    exact, measured = {}, {}
    for name, words in NAMES.items():
        best = {gap: int(best_steps(gap, *DOMAINS[name], START)) for gap in (*fine, *GAPS)}
        exact[words] = [(float(gap), _success(name, gap, best[gap])) for gap in fine]
        measured[words] = [
            (float(gap), contests.chains(name, gap, best[gap], size, seed)) for gap in GAPS
        ]
    return figures.predicted(
        "engels2025-gap",
        "Nested oversight by the gap between the weakest overseer and the system, at the best "
        f"number of steps of 1 to 20: the closed form, {size.chains:,} simulated chains a point, "
        "and the abstract's numbers, whose fits were not released.",
        exact,
        measured,
        xlabel="gap in general Elo",
        ylabel="oversight succeeds",
        published={words: [(GAP, SUCCESS[name] / 100)] for name, words in NAMES.items()},
    )


def _by_steps(size: Size, seed: int) -> Figure:
    exact, measured = {}, {}
    for name, words in NAMES.items():
        exact[words] = [(float(n), _success(name, GAP, n)) for n in STEPS]
        measured[words] = [(float(n), contests.chains(name, GAP, n, size, seed)) for n in STEPS]
    return figures.predicted(
        "engels2025-steps",
        f"Nested oversight by the number of steps, at a gap of {GAP:g} Elo: the closed form and "
        f"{size.chains:,} simulated chains a point.",
        exact,
        measured,
        xlabel="steps of the chain",
        ylabel="oversight succeeds",
    )


def _percent(found: Interval) -> Interval:
    return Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)


def _shown(found: Interval) -> str:
    value, low, high = (100 * v for v in (found.value, found.low, found.high))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"
