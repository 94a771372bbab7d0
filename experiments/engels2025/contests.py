"""What is played and rated: contests through the engine, chains at once, and planted ratings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from envs.worlds.contests import DOMAINS, Contests, Domain, bout_keys, matrix_of_wins
from oversight import keys
from oversight.casting import cast_for
from oversight.computed import computed
from oversight.controls import Arm
from oversight.metrics.double_relu import DoubleRelu, choose_double_relu, straight_line
from oversight.metrics.elo import Ratings, bootstrap_elos, elos
from oversight.metrics.intervals import Interval, mean_interval
from oversight.registry import load
from oversight.runs import Effort, configuration, play_arm
from oversight.store import Store
from oversight.study import Job

GAP = 400.0
"""The gap of the paper's headline."""
GAPS = tuple(range(0, 1001, 100))
STEPS = tuple(range(1, 11))

ENTRANTS = np.linspace(900.0, 1400.0, 12)
"""General Elos of the planted players; each guards and attacks."""
GAMES = 100
"""Contests of each guard with each adversary."""
SPREAD = 2000.0
"""The prior's, in Elo: some adversaries of Backdoor code lose every contest in some resamples."""
LEVEL = 0.95

PLANTED: Mapping[int, DoubleRelu] = {
    0: DoubleRelu(1.0, 0.0),
    1: DoubleRelu(1.0, 0.0, high=1275.0),
    2: DoubleRelu(1.0, 0.0, low=1025.0, high=1275.0),
}
"""Cuts -> the line that both sides are planted on: the flat parts hold a quarter of the players."""


class Size(NamedTuple):
    """How much is played at a scale."""

    games: int
    """Chains through the engine, a domain."""
    chains: int
    """Chains at once, a point of a curve."""
    slope_runs: int
    """Planted tournaments, a quarter of them in each domain."""
    cut_runs: int
    """Planted tournaments, for each number of cuts."""
    resamples: int


SIZES: Mapping[str, Size] = {
    "quick": Size(2_000, 2_000, 100, 40, 200),
    "full": Size(20_000, 20_000, 400, 200, 400),
    "paper": Size(100_000, 100_000, 1_000, 500, 1_000),
}


def played(job: Job, domain: str, steps: int, size: Size) -> Interval:
    """How often every guard of a chain held, over games of the engine."""
    world = Contests(domain, GAP)
    protocol = load("protocols", "nested").bind(steps=steps)
    casting = cast_for(protocol, world)
    arm = Arm(f"{domain}-n{steps}", protocol, casting.cast)
    where = job.out / "games" / arm.name
    store = Store(where, configuration(arm, world, casting.names, job.seed))
    effort = Effort(processes=job.processes)
    frame = play_arm(arm, world, size.games, job.seed, store, effort, job.progress)
    return mean_interval(frame["correct"])


def chains(domain: str, gap: float, steps: int, size: Size, seed: int) -> Interval:
    """The same over chains that are drawn all at once."""
    drawn = bout_keys(keys.root(seed, "chains", domain, gap, steps), size.chains, steps)
    return mean_interval(Contests(domain, gap).chains(drawn))


class Rated(NamedTuple):
    """A planted tournament: Elos of greatest likelihood and those of its resamples."""

    found: Ratings
    resampled: Ratings


def tournament(planted: Domain, size: Size, key: int) -> Rated:
    """Play everybody against everybody by planted domain Elos; rate, and resample for errors."""
    guards, adversaries = planted.guard(ENTRANTS), planted.adversary(ENTRANTS)
    won = matrix_of_wins(guards, adversaries, GAMES, key)
    mean = float(ENTRANTS.mean())
    again = bootstrap_elos(
        won, GAMES, resamples=size.resamples, seed=key, mean=mean, spread=SPREAD
    )  # fmt: skip
    return Rated(elos(won, GAMES, mean=mean, spread=SPREAD), again)


def slopes(job: Job, size: Size) -> pd.DataFrame:
    """A row a run: whether the 95 % interval covers each planted slope, and the estimates."""

    def row(run: int) -> dict[str, Any]:
        domain = list(DOMAINS)[run % len(DOMAINS)]
        rated = tournament(DOMAINS[domain], size, keys.root(job.seed, "slopes", run))
        found: dict[str, Any] = {"domain": domain}
        for role in Domain._fields:
            planted: DoubleRelu = getattr(DOMAINS[domain], role)
            slope = _slope(*_sides(rated, role))
            found[role] = slope.low <= planted.slope <= slope.high
            found[f"{role}_off"] = slope.value - planted.slope
            found[f"{role}_width"] = slope.high - slope.low
        return found

    return _computed(job, "slopes", size, row, size.slope_runs)


def cuts(job: Job, size: Size) -> pd.DataFrame:
    """A row a run: how many cuts were planted, and how many AIC chose on each side."""

    def row(run: int) -> dict[str, Any]:
        planted = list(PLANTED)[run % len(PLANTED)]
        both = Domain(PLANTED[planted], PLANTED[planted])
        rated = tournament(both, size, keys.root(job.seed, "cuts", run))
        chosen = {
            role: choose_double_relu(ENTRANTS, elo, again.std(axis=0, ddof=1)).cuts
            for role in Domain._fields
            for elo, again in [_sides(rated, role)]
        }
        return {"planted": planted, **chosen}

    return _computed(job, "cuts", size, row, size.cut_runs * len(PLANTED))


def _sides(rated: Rated, role: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The Elos of one side, and their resamples."""
    if role == "guard":
        return rated.found.guards, rated.resampled.guards
    return rated.found.adversaries, rated.resampled.adversaries


def _slope(elo: NDArray[np.float64], again: NDArray[np.float64]) -> Interval:
    """The slope over general Elo, weighted by error, with its percentile interval."""
    errors = again.std(axis=0, ddof=1)
    value = float(straight_line(ENTRANTS, elo, errors)[0])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(straight_line(ENTRANTS, again, errors)[0], [tail, 1 - tail])
    return Interval(value, float(low), float(high), len(elo))


def _computed(
    job: Job, name: str, size: Size, row: Callable[[int], Mapping[str, Any]], rows: int
) -> pd.DataFrame:
    about: Mapping[str, Sequence[float] | float] = {
        "seed": job.seed, "entrants": ENTRANTS.tolist(), "games": GAMES, "spread": SPREAD,
        "resamples": size.resamples,
    }  # fmt: skip
    return computed(
        job.out / "planted" / name, about, row, rows,
        processes=job.processes, progress=job.progress,
    )  # fmt: skip


def is_within(value: float, found: Interval, level: float) -> bool:
    """Whether a share that theory gives lies in Wilson's interval at another level."""
    hits = round(found.value * found.n)
    wide = mean_interval(np.arange(found.n) < hits, level=level)
    return wide.low <= value <= wide.high
