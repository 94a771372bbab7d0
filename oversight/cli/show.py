"""What the commands print for people: tables, transcripts, the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oversight.episode import Episode
from oversight.metrics.intervals import Interval
from oversight.record import Record
from oversight.recorded import Rejudged
from oversight.study import Experiment, Findings
from oversight.summary import Comparison, Summary

WIDE = 180
"""Columns of a wide table that goes to a file or a pipe."""


def plain(text: str) -> str:
    """Text with nothing in it taken for markup."""
    return escape(text)


def comparison(title: str, found: Comparison) -> None:
    """A run and the controls beside it."""
    table = _scores(escape(title))
    table.add_row("[bold]the protocol", *_numbers(found.main))
    for name, summary in found.controls.items():
        table.add_row(escape(name), *_numbers(summary))
    console = Console()
    console.print(table)
    if found.net_gain is not None:
        console.print(f"net gain over {found.over}: [bold]{_points(found.net_gain)}[/] points")
    if found.order_effect is not None:
        console.print(f"as dealt minus sides swapped: {_points(found.order_effect)} points")
    if found.asd is not None:
        console.print(f"agent score difference: {_interval(found.asd, 2)} nats")


def compared(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> None:
    """Every protocol in a row, and what the reader must know."""
    table = _table(title)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", no_wrap=not place)
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(table)
    for note in notes:
        console.print(escape(note), highlight=False)


def failures(frames: Mapping[str, pd.DataFrame]) -> None:
    """The different reasons for which games failed, with how often."""
    lost = pd.concat(frames.values())["failure"].dropna()
    console = Console(stderr=True)
    for reason, count in lost.value_counts().head(5).items():
        console.print(f"[red]{count} failed:[/] {escape(str(reason))}")


def findings(experiment: Experiment, found: Findings) -> None:
    """An experiment's cells beside the published numbers, and its claims."""
    from oversight.report.experiment_page import (
        tables_of,
    )  # draws figures too: not for every command

    console = Console()
    console.print(f"[bold]{escape(experiment.name)}[/]: {escape(experiment.paper)}\n")
    for numbers in tables_of(found.cells):
        figures = [column.name for column in numbers.columns if column.numbers]
        words = [column.name for column in numbers.columns if not column.numbers]
        table = _table(numbers.title)
        table.add_column("setting: metric")
        for name in figures:
            table.add_column(escape(name), justify="right", no_wrap=True)
        for row in numbers.rows:
            table.add_row(escape(_setting(words, row)), *map(escape, row[len(words) :]))
        console.print(table)
        if numbers.sources:
            console.print(f"published: {escape('; '.join(numbers.sources))}\n")
    for claim in found.claims:
        word = "[green]holds[/]" if claim.holds else "[red]does not hold[/]"
        console.print(f"{word}  {escape(claim.claim)}: {escape(claim.detail)}")


def reproduced(every: Sequence[Mapping[str, Any]]) -> None:
    """All experiments: how many of their claims hold, and which do not."""
    table = _table("experiments")
    table.add_column("experiment")
    for name in ("claims held", "seconds"):
        table.add_column(name, justify="right")
    for results in every:
        held = sum(claim["holds"] for claim in results["claims"])
        table.add_row(
            results["experiment"], f"{held} of {len(results['claims'])}", f"{results['seconds']:,}"
        )
    console = Console()
    console.print(table)
    for results in every:
        for claim in results["claims"]:
            if not claim["holds"]:
                text = f"{results['experiment']}: {claim['claim']}. {claim['detail']}"
                console.print(f"[red]does not hold[/]  {escape(text)}")


def catalogue(held: Mapping[str, list[dict[str, Any]]]) -> None:
    """Everything registered."""
    console = Console()
    for kind, things in held.items():
        table = Table("", "", title=kind, show_header=False, title_justify="left")
        for thing in things:
            table.add_row(f"[bold]{thing['name']}", escape(str(thing["about"])))
        console.print(table)


def rejudged(found: Rejudged) -> None:
    """Before and after."""
    table = _scores(None)
    table.add_row("as recorded", *_numbers(found.before))
    table.add_row(escape(found.judge), *_numbers(found.after))
    console = Console()
    console.print(table)
    if found.change is not None:
        console.print(f"change: [bold]{_points(found.change)}[/] points of accuracy")


def game(record: Record, played: Episode) -> None:
    """One game as it was played."""
    console = Console(highlight=False)
    case, said = played.case, played.table.transcript
    console.rule(f"episode {record.episode}, case {case.id}")
    view = _all_seen(played)
    console.print(escape(played.world.draw(view)))
    answers = case.question.answers
    console.print(f"\n{len(said)} messages. The truth: [bold]{escape(answers[record.truth])}[/]")
    if record.failure is not None:
        why = record.failure
        console.print(f"[red]failed[/] at {why.seat} ({why.act}): {escape(why.reason)}")
    if record.credences is not None:
        for answer, credence in zip(answers, record.credences, strict=True):
            bar = "█" * round(30 * credence)
            console.print(f"  {escape(answer):>8} {credence:6.3f} [cyan]{bar}[/]")
        console.print("paid: " + ", ".join(f"{s} {r:+.2f}" for s, r in record.rewards.items()))


def _all_seen(played: Episode) -> Any:
    from oversight.core import View

    return View(played.case.question, played.table.transcript, played.case.private, None, ())


def _setting(names: Sequence[str], row: Sequence[str]) -> str:
    """What a cell is of: words speak for themselves, numbers go by their name."""
    *setting, metric = zip(names, row, strict=False)
    said = [f"{name} {value}" if value.isdigit() else value for name, value in setting if value]
    return f"{', '.join(said)}: {metric[1]}"


def _scores(title: str | None) -> Table:
    """A table for rows of `_numbers`, narrow enough for 80 columns."""
    table = _table(title)
    table.caption = "in brackets: 95 % intervals over cases; read: pieces of evidence a game"
    table.caption_justify = "left"
    table.add_column("", min_width=14)
    for name in ("accuracy, %", "log score", "Brier", "cal.\nerror", "read", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _table(title: str | None) -> Table:
    """A quiet table, two spaces between its columns."""
    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip


def _numbers(summary: Summary) -> list[str]:
    error, accuracy = summary.calibration_error, summary.accuracy
    if accuracy is not None:
        value, low, high, n = accuracy
        accuracy = Interval(100 * value, 100 * low, 100 * high, n)
    return [
        _interval(accuracy, 1, "\n"),
        _interval(summary.log_score, 2, "\n"),
        _interval(summary.brier, 2, "\n"),
        "–" if error is None else f"{error:.3f}",
        f"{summary.arguments:.1f}",
        str(summary.failed),
    ]


def _interval(found: Interval | None, digits: int, between: str = " ") -> str:
    if found is None:
        return "–"
    return f"{found.value:.{digits}f}{between}[{found.low:.{digits}f}, {found.high:.{digits}f}]"


def _points(found: Interval) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
