"""Every protocol on one world at one judge budget, in one table.

The same cases, the same judge, the same luck for all. Beside each protocol's accuracy stand its
calibration, what it cost, what it gains over the strongest control that gives nobody trust, and how
the same judge fares against the worst adversary that a search finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oversight.accounts import Calls
from oversight.agents.simple import RandomAgent
from oversight.bench import Bench, accuracy
from oversight.controls import arguing_like, strongest
from oversight.core import OversightError
from oversight.metrics.intervals import Interval, pgr_interval
from oversight.metrics.scores import brier_score, expected_calibration_error, log_score
from oversight.players import Cast
from oversight.protocol import Protocol
from oversight.registry import load, names, suggest
from oversight.summary import FLOOR, asd, difference, padded
from oversight.world import World

PRIOR, ALONE, DECLARED, RANDOM = "prior", "judge_alone", "sides_declared", "random"
"""The controls: the judge's first belief, its own looks, the sides declared, random arguments."""


class Row(NamedTuple):
    """One protocol in numbers. None where a number has no meaning, or every episode failed."""

    protocol: str
    spec: str
    """With the parameters that spend the budget."""
    accuracy: Interval | None
    brier: float | None
    log_score: float | None
    """Nats."""
    calibration_error: float | None
    asd: Interval | None
    """Nats that arguing the truth earns over arguing a lie."""
    pgr: Interval | None
    """The share of the gap between the judge alone and the expert that is recovered."""
    judge_cost: float
    """Pieces of evidence that a judge, or workers in its place, read a game."""
    agent_cost: float
    """Turns of seats that see more than the judge, a game."""
    net_gain: Interval | None
    over: str | None
    """The strongest control."""
    exploited: Interval | None
    """Accuracy against the worst adversary found."""
    by: str | None
    n: int
    failed: int


class Table(NamedTuple):
    """The comparison."""

    world: str
    budget: int
    rows: Sequence[Row]
    controls: Mapping[str, Interval]
    """The controls that all protocols share."""
    left_out: Mapping[str, str]
    """Protocol -> why it has no row."""
    calls: Sequence[Calls] = ()
    """To language models, by seat."""


def fitting(world: World, budget: int, wanted: Sequence[str] | None = None) -> tuple[
    list[Protocol], dict[str, str]
]:  # fmt: skip
    """The protocols to compare, with the budget spent, and why others are left out.

    OversightError for a name that is none.
    """
    chosen: list[Protocol] = []
    left_out: dict[str, str] = {}
    for name in wanted or names("protocols"):
        if name not in names("protocols"):
            raise OversightError(
                f"unknown protocol {suggest(name, names('protocols'), 'protocols')}"
            )
        spent = world.spend(name, budget)
        if spent is None:
            least = world.least(name)
            left_out[name] = (
                f"it has no form on {world.name}"
                if least is None
                else f"it needs a budget of at least {least:,} on {world.name}"
            )
            continue
        protocol = load("protocols", name).bind(**spent)
        missing = protocol.missing(world)
        if missing:
            left_out[name] = f"{world.name} is not {', '.join(missing)}"
        else:
            chosen.append(protocol)
    return chosen, left_out


def compare(bench: Bench, protocols: Sequence[str] | None = None) -> Table:
    """Play everything and fill the table in. Errors: those of `fitting` and of `runs.run`."""
    if bench.episodes < 1 or bench.budget < 0:
        raise OversightError(
            f"episodes must be at least 1 and the budget at least 0, got {bench.episodes} and "
            f"{bench.budget}"
        )
    chosen, left_out = fitting(bench.world, bench.budget, protocols)
    shared = {
        name: frame
        for name, frame in (
            (PRIOR, bench.naive(PRIOR, evidence=0)),
            (ALONE, bench.naive(ALONE, evidence=bench.budget)),
        )
        if frame is not None
    }
    expert = load("protocols", "expert")
    ceiling = bench.play("expert", expert, bench.cast(expert))
    rows = [_row(bench, protocol, shared, ceiling) for protocol in chosen]
    seen = {name: accuracy(frame) for name, frame in shared.items()}
    held = {name: interval for name, interval in seen.items() if interval is not None}
    return Table(bench.world.name, bench.budget, rows, held, left_out)


def _row(
    bench: Bench, protocol: Protocol, shared: Mapping[str, pd.DataFrame], ceiling: pd.DataFrame
) -> Row:
    cast = bench.cast(protocol)
    main = bench.play(protocol.name, protocol, cast)
    played = main[main["failure"].isna()]
    if played.empty:
        return _lost(protocol, len(main))
    controls = _controls(bench, protocol, cast, main, shared)
    reached = {name: float(frame["correct"].mean()) for name, frame in controls.items()}
    over = strongest(reached)
    worst = bench.worst(protocol, cast)
    exploited = (
        None if worst is None else bench.play(f"{protocol.name}-exploited", protocol, worst[1])
    )
    truth = played["truth"].to_numpy(np.int64)
    credences = padded(played["credences"])
    return Row(
        protocol.name,
        protocol.spec,
        accuracy(main),
        float(brier_score(credences, truth).mean()),
        float(log_score(credences, truth, floor=FLOOR).mean()),
        float(expected_calibration_error(credences, truth).error),
        _asd(bench, protocol, cast, main),
        _pgr(shared.get(ALONE), main, ceiling),
        judge_cost(played),
        agent_cost(protocol, played),
        None if over is None else difference(main, controls[over]),
        over,
        None if exploited is None else accuracy(exploited),
        None if worst is None else worst[0],
        len(played),
        len(main) - len(played),
    )


def _lost(protocol: Protocol, failed: int) -> Row:
    """The row of a protocol all of whose games failed."""
    return Row(
        protocol.name, protocol.spec, accuracy=None, brier=None, log_score=None,
        calibration_error=None, asd=None, pgr=None, judge_cost=0.0, agent_cost=0.0, net_gain=None,
        over=None, exploited=None, by=None, n=0, failed=failed,
    )  # fmt: skip


def _controls(
    bench: Bench,
    protocol: Protocol,
    cast: Cast,
    main: pd.DataFrame,
    shared: Mapping[str, pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    """What gives nobody trust, at no more than the same budget; none beside the judge itself."""
    if protocol.name in ("naive", "expert"):
        return {}
    found = dict(shared)
    claims = int(main["claims"].max())
    if claims:
        declared = bench.naive(f"{DECLARED}-{claims}", evidence=bench.budget, sides=claims)
        found |= {} if declared is None else {DECLARED: declared}
    if any("argue" in role.acts for role in protocol.seats.values()):
        at_random = arguing_like(protocol, cast, RandomAgent())
        name = f"{protocol.name}-{RANDOM}"
        for world in bench.world.dial("pointing").values() or [bench.world]:
            frame = bench.play(name, protocol, at_random, world)
            if not frame["transcript"].equals(main["transcript"]):  # where arguing leaves a choice
                found[RANDOM] = frame
    return found


def _asd(bench: Bench, protocol: Protocol, cast: Cast, main: pd.DataFrame) -> Interval | None:
    """Over the deal and its mirror image, so that every case has an honest and a lying side."""
    if "swap" not in protocol.defaults:
        return asd(main)
    swapped = bench.play(f"{protocol.name}-swapped", protocol.bind(swap=True), cast)
    return asd(pd.concat([main, swapped]))


def _pgr(weak: pd.DataFrame | None, strong: pd.DataFrame, ceiling: pd.DataFrame) -> Interval | None:
    if weak is None:
        return None
    arms = [frame[frame["failure"].isna()] for frame in (weak, strong, ceiling)]
    both = pd.concat(
        [frame.groupby("case")["correct"].mean() for frame in arms], axis=1, join="inner"
    ).to_numpy()
    if not len(both) or both[:, 0].mean() == both[:, 2].mean():
        return None
    return pgr_interval(both[:, 0], both[:, 1], both[:, 2])


def judge_cost(played: pd.DataFrame) -> float:
    """Evidence read a game: attends of workers where the protocol counts them, else arguments."""
    metrics = _json(played["metrics"])
    counted = [m.get("attends", n) for m, n in zip(metrics, played["arguments"], strict=True)]
    return float(np.mean(counted))


def agent_cost(protocol: Protocol, played: pd.DataFrame) -> float:
    """Turns a game of the seats that see more than the judge."""
    stronger = [
        s for s, role in protocol.seats.items() if role.expert and "decide" not in role.acts
    ]
    turns = [sum(each.get(seat, 0) for seat in stronger) for each in _json(played["turns"])]
    return float(np.mean(turns))


def _json(column: pd.Series[Any]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in column]


def as_json(table: Table) -> dict[str, Any]:
    """The table as plain values: the JSON of `oversight compare`."""
    return {
        "world": table.world,
        "budget": table.budget,
        "rows": [_row_as_json(row) for row in table.rows],
        "controls": {name: interval._asdict() for name, interval in table.controls.items()},
        "left_out": dict(table.left_out),
        "calls": [called._asdict() for called in table.calls],
    }


def _row_as_json(row: Row) -> dict[str, Any]:
    def value(interval: Interval | None) -> float | None:
        return None if interval is None else interval.value

    return {
        "protocol": row.protocol,
        "spec": row.spec,
        "accuracy": value(row.accuracy),
        "low": None if row.accuracy is None else row.accuracy.low,
        "high": None if row.accuracy is None else row.accuracy.high,
        "brier": row.brier,
        "log_score": row.log_score,
        "calibration_error": row.calibration_error,
        "asd": value(row.asd),
        "pgr": value(row.pgr),
        "judge_cost": row.judge_cost,
        "agent_cost": row.agent_cost,
        "net_gain": value(row.net_gain),
        "net_gain_low": None if row.net_gain is None else row.net_gain.low,
        "net_gain_high": None if row.net_gain is None else row.net_gain.high,
        "net_gain_over": row.over,
        "exploited_accuracy": value(row.exploited),
        "exploited_by": row.by,
        "n": row.n,
        "failed": row.failed,
    }


class Point(NamedTuple):
    """A protocol's accuracy at one setting of a dial."""

    protocol: str
    x: float
    accuracy: Interval


def swept(
    bench: Bench, dial: str, protocols: Sequence[str], x: Callable[[Bench], float] | None = None
) -> list[Point]:
    """Every protocol's accuracy over a dial of the world; `x` reads the abscissa off a bench."""
    points: list[Point] = []
    for value, world in bench.world.dial(dial).items():
        out = None if bench.out is None else bench.out / f"{dial}-{value:g}"
        at = Bench(world, bench.budget, bench.episodes, bench.seed, bench.judge, out,
                   bench.effort, bench.progress)  # fmt: skip
        where = value if x is None else x(at)
        for protocol in fitting(world, bench.budget, protocols)[0]:
            found = accuracy(at.play(protocol.name, protocol, at.cast(protocol)))
            if found is not None:
                points.append(Point(protocol.name, where, found))
    return points


def capability_gap(bench: Bench) -> float:
    """Expert skill minus judge skill: how often each is right alone, the judge at no budget."""
    expert = load("protocols", "expert")
    strong = accuracy(bench.play("expert", expert, bench.cast(expert)))
    prior = bench.naive(PRIOR, evidence=0)
    weak = None if prior is None else accuracy(prior)
    if strong is None or weak is None:
        raise OversightError(f"{bench.world.name} shows no gap: nobody can be asked alone there")
    return strong.value - weak.value
