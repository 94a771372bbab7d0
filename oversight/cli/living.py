"""`oversight society`: a sandbox society from one command."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oversight.cli import show, spending
from oversight.cli.common import (
    NOT_WELL,
    AsJson,
    Seed,
    command_line,
    interruptible,
    pairs,
    positive,
    say,
)
from oversight.cli.progress import progress_bars
from oversight.cli.spending import Cache, MaxCost, Price
from oversight.plain_json import json_text

if TYPE_CHECKING:
    from oversight.society.keeping import Life
    from oversight.society.settings import Settings
    from oversight.society.voices import Voices

ENDS = 5
"""Rounds that the table's beginning and end are means of."""
COLUMNS = ("of those who mean well", "first rounds", "last rounds")
TOLD = {
    "alignment": "true alignment, gold units", "engagement": "true engagement, gold units",
    "seen_alignment": "alignment as observers see it, 1 to 7",
    "seen_engagement": "engagement as observers see it", "rating": "rating by raters",
    "unrated": "drafts that nobody rated, share",
}  # fmt: skip


def society(
    members: Annotated[int, typer.Option(help="How many live in it.")] = 100,
    rounds: Annotated[int, typer.Option(help="Rounds that it lives.")] = 50,
    graph: Annotated[
        str,
        typer.Option(
            help="Who knows whom: grid[:radius=R], watts_strogatz[:degree=K,rewired=P], "
            "barabasi_albert[:edges=M], complete, file:PATH."
        ),
    ] = "grid",
    kinds: Annotated[
        str,
        typer.Option(
            help="Shares of members that are not honest: adversarial=0.2,lazy=0.1; also biased, "
            "sycophantic, colluding."
        ),
    ] = "",
    institution: Annotated[
        str,
        typer.Option(help="Who decides ratings: neighbours, judge, constitution, or a protocol."),
    ] = "neighbours",
    judge: Annotated[
        str | None,
        typer.Option(help="Who decides in a protocol: any judge, or a model; else the world's."),
    ] = None,
    world: Annotated[str, typer.Option(help="What it lives by, with settings.")] = "preferences",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Any other setting, name=value, repeatable: mode=single_thread."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A language model in members' places: smollm2, hf:NAME, …")
    ] = None,
    speaking: Annotated[
        int | None, typer.Option(help="How many members it is, from the first; by default all.")
    ] = None,
    observer: Annotated[
        str | None, typer.Option(help="A language model in the observers' place.")
    ] = None,
    scored: Annotated[
        bool,
        typer.Option(help="Models rate, and pick in games, by log-probabilities, not in words."),
    ] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep rounds, memory and page here; the same command goes on."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Write what was said as training data, JSON lines.")
    ] = None,
    max_cost: MaxCost = None,
    price: Price = None,
    cache: Cache = True,
    as_json: AsJson = False,
) -> None:
    """Live a sandbox society: members answer, rate each other, revise, and learn from it."""
    from oversight.society.keeping import lived

    settings = _settings(
        {"members": members, "graph": graph, "kinds": kinds, "institution": institution,
         "judge": judge, "world": world, "seed": seed}, pairs(set_, "--set")
    )  # fmt: skip
    positive(rounds, "--rounds")
    with interruptible(out), spending.spending(out, max_cost, price, cache) as account:
        voices = _voices(model, observer, speaking, scored)
        with progress_bars("living") as progress:
            life = lived(settings, rounds, out=out, voices=voices, progress=progress)
        calls = spending.calls_of(account)
    examples = None if data is None else _write(data, life, out)
    found: dict[str, Any] = {
        "settings": settings.plain, "institution": life.society.institution.name,
        "rounds": [dict(row) for row in life.rows], "examples": examples, "calls": calls,
        "out": None if out is None else str(out),
    }  # fmt: skip
    if as_json:
        print(json_text(found))
    else:
        _show(life)
        spending.show_calls("calls to models", calls)
    if data is not None:
        say(f"wrote {examples} examples to {data}")
    if out is not None:
        from oversight.report.society_page import write_society_page

        say(f"page: {write_society_page(out, command_line())}")
    raise typer.Exit(0 if life.society.living.all() else NOT_WELL)


def _settings(named: dict[str, Any], others: dict[str, Any]) -> Settings:
    """The society's, with other settings read by their own types."""
    from oversight.core import OversightError
    from oversight.registry import options, suggest
    from oversight.society.settings import Settings

    known = [field.name for field in fields(Settings) if field.name not in named]
    for name in others:
        if name not in known:
            raise OversightError(f"--set: a society has no setting {suggest(name, known, 'ones')}")
    text = ",".join(f"{name}=({value})" for name, value in others.items())
    return Settings(**named, **options(Settings, "society", text))


def _voices(model: str | None, observer: str | None, speaking: int | None, scored: bool) -> Voices:
    from oversight.society.voices import Voices
    from oversight.speakers import model_of

    told = None if speaking is None else range(positive(speaking, "--speaking"))
    return Voices(
        None if model is None else model_of(model),
        None if observer is None else model_of(observer), speaking=told, scored=scored,
    )  # fmt: skip


def _write(path: Path, life: Life, out: Path | None) -> int:
    """What was said, from disk where rounds of before an interruption are there."""
    from oversight.society.data import examples, write_jsonl
    from oversight.society.keeping import memory_frame, memory_of

    told = memory_frame(life.society, life.said) if out is None else memory_of(out)
    return write_jsonl(path, examples(told))


def _show(life: Life) -> None:
    first, last = life.rows[:ENDS], life.rows[-ENDS:]
    rows = [[told, _mean(first, name), _mean(last, name)] for name, told in TOLD.items()]
    show.compared(
        show.plain(f"A society of {life.society.settings.members}: {life.society.settings.turned}"),
        COLUMNS, rows, _notes(life),
    )  # fmt: skip


def _mean(rows: Any, name: str) -> str:
    known = [row[name] for row in rows if not math.isnan(row[name])]
    return f"{sum(known) / len(known):.3f}" if known else "–"


def _notes(life: Life) -> list[str]:
    """What the reader must know, and whatever is amiss."""
    import networkx as nx

    by = life.society.institution.name
    found = [f"Means of the first and the last {ENDS} rounds; ratings by {by}."]
    parts = nx.number_connected_components(life.society.graph)
    if parts > 1:
        found.append(f"The graph is in {parts} parts that know nothing of each other.")
    dead = int((~life.society.living).sum())
    if dead:
        found.append(f"{dead} members gave no draft (a model refused or failed) and left.")
    ratings = {row["rating"] for row in life.rows if not math.isnan(row["rating"])}
    if len(life.rows) > 1 and len(ratings) == 1:
        found.append(f"Every draft was rated {ratings.pop():g}: nothing can be learned from that.")
    return found
