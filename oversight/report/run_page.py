"""The page of one `oversight run`: its numbers beside its controls', and games to open."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oversight.metrics.scores import expected_calibration_error
from oversight.plain_json import json_text
from oversight.protocol import Protocol
from oversight.report import figures, pages
from oversight.report.transcripts import KINDS, Game, games_of
from oversight.runs import MAIN, RunResult
from oversight.store import Store, write_text
from oversight.study import Figure
from oversight.summary import Comparison, Summary
from oversight.world import World

ABOUT: Mapping[str, str] = {
    "judge_alone": "the judge looks for itself, as often as it was argued to",
    "sides_declared": "the same after the sides are declared; nobody argues",
    "silent": "debaters that say nothing",
    "random": "debaters that say anything",
    "order_swapped": "the sides dealt the other way round",
}
"""What the controls of `oversight.controls` are, for the reader of the table."""


class Card(NamedTuple):
    """One headline number."""

    name: str
    value: str
    range: str


class ArmRow(NamedTuple):
    """One row of the table."""

    name: str
    about: str
    summary: Summary
    is_main: bool


class Lost(NamedTuple):
    """How often an arm's games failed for one reason."""

    arm: str
    games: int
    why: str


def write_run_page(
    out: Path,
    protocol: Protocol,
    world: World,
    result: RunResult,
    found: Mapping[str, Any],
    seed: int,
    command: str | None = None,
) -> Path:
    """Write `report.html` and, with what was `found`, `summary.json`; returns the page's path."""
    write_text(out / "summary.json", json_text(found) + "\n")
    games = games_of(protocol, world, result.frames[MAIN], seed)
    comparison = result.comparison
    title = f"{protocol.name} on {world.name}"
    page = pages.fill(
        "run.html",
        title=title,
        lead=_lead(comparison),
        paper=protocol.paper,
        cards=list(_cards(comparison)),
        failures=list(_failures(protocol.name, result)),
        failed=result.failed,
        played=sum(map(len, result.frames.values())),
        cast=found["cast"],
        calls=found.get("calls", ()),
        arms=list(_arms(protocol.name, comparison)),
        figures=list(_figures(title, protocol.name, result)),
        games=games,
        selection=_selection(games, result.frames[MAIN]),
        command=command,
        show=shlex.join(["oversight", "show", str(out), "--episode", str(_first(games))]),
        made=_made(out, protocol, world, seed),
    )
    write_text(out / "report.html", page)
    return out / "report.html"


def _lead(found: Comparison) -> str:
    """The answer in a sentence or two."""
    main = found.main
    played = main.episodes - main.failed
    if main.accuracy is None:
        return f"All {main.episodes} games failed: there is nothing to measure."
    games = "one game" if played == 1 else f"{played:,} games"
    said = f"The judge was right in {100 * main.accuracy.value:.1f} % of {games}."
    control = found.controls[found.over].accuracy if found.over is not None else None
    if control is None:
        return said
    over = _words(found.over or "")
    return f"{said} The strongest control, {over}, reached {100 * control.value:.1f} %."


def _cards(found: Comparison) -> Iterator[Card]:
    accuracy = found.main.accuracy
    if accuracy is not None:
        yield _card("accuracy of the judge", pages.percent(accuracy), " %")
    if found.net_gain is not None:
        yield _card(f"net gain over {_words(found.over or '')}", pages.points(found.net_gain),
                    " points")  # fmt: skip
    if found.order_effect is not None:
        yield _card("as dealt minus sides swapped", pages.points(found.order_effect), " points")
    if found.asd is not None:
        yield _card("agent score difference, arguing true minus false",
                    pages.interval(found.asd, 2, "+"), " nats")  # fmt: skip


def _card(name: str, shown: str, unit: str) -> Card:
    value, _, span = shown.partition(" ")
    return Card(name, value + unit, f"95 % {span}")


def _arms(protocol: str, found: Comparison) -> Iterator[ArmRow]:
    yield ArmRow(protocol, "", found.main, True)
    for name, summary in found.controls.items():
        yield ArmRow(_words(name), ABOUT.get(name, ""), summary, False)


def _failures(protocol: str, result: RunResult) -> Iterator[Lost]:
    for arm, frame in result.frames.items():
        reasons: Counter[str] = Counter()
        for text in frame["failure"].dropna():
            lost = json.loads(text)
            reasons[f"{lost['seat']} ({lost['act']}): {lost['reason']}"] += 1
        for why, count in reasons.most_common(5):
            yield Lost(protocol if arm == MAIN else _words(arm), count, why)


def _figures(title: str, protocol: str, result: RunResult) -> Iterator[Figure]:
    main = result.frames[MAIN]
    played = main[main["failure"].isna()]
    if played.empty:
        return
    found = result.comparison
    summaries = {protocol: found.main} | {_words(n): s for n, s in found.controls.items()}
    rows = [figures.Row(n, s.accuracy) for n, s in summaries.items() if s.accuracy is not None]
    guess = float(np.mean([1 / len(row) for row in played["credences"]]))
    yield figures.forest(
        "accuracy",
        f"Accuracy of the judge: {title} and its controls, with 95 % intervals over cases.",
        rows,
        references={"a uniform guess": guess},
    )
    credences = pd.DataFrame(played["credences"].tolist()).fillna(0.0)  # fewer answers: padded
    bins = expected_calibration_error(credences, played["truth"].tolist())
    yield figures.reliability(
        "reliability",
        f"Reliability of the judge's verdicts: how often its first answer was right, by its "
        f"credence in it. Expected calibration error {bins.error:.3f}.",
        bins.bins,
    )


def _selection(games: list[Game], frame: pd.DataFrame) -> str:
    counts = Counter(game.kind for game in games)
    mix = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    return (
        f"{len(games)} of {len(frame)} games: {mix}; of each kind the first that were played. "
        "The mix is for reading, the table is for counting."
    )


def _first(games: list[Game]) -> int:
    return games[0].episode if games else 0


def _made(out: Path, protocol: Protocol, world: World, seed: int) -> dict[str, str]:
    made = {
        "protocol": f"{protocol.name}: {pages.settings(protocol.settings)}",
        "world": f"{world.name}: {pages.settings(world.settings)}",
        "seed": str(seed),
    }
    if (out / MAIN / "manifest.json").exists():
        manifest = Store(out / MAIN).manifest
        made |= {"begun": manifest["created"], "revision": manifest["revision"] or "not in git"}
        return made | {"python": manifest["python"], **manifest["versions"]}
    return made | pages.circumstances()


def _words(name: str) -> str:
    return name.replace("_", " ")
