"""What `oversight reproduce` writes: JSON, CSV, figures, an HTML page and a Markdown one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from oversight.core import OversightError
from oversight.metrics.intervals import Interval
from oversight.plain_json import json_text
from oversight.report import calls, pages
from oversight.store import write_text
from oversight.study import Cell, Experiment, Figure, Findings, Job

MARKS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐ"


class Column(NamedTuple):
    """A column's name, and whether it holds numbers, which are set to the right."""

    name: str
    numbers: bool = False


class Numbers(NamedTuple):
    """A table of cells, as text."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    sources: Sequence[str]
    """Where the published numbers were read, each behind its mark if there are several."""


def write_results(
    experiment: Experiment, job: Job, findings: Findings, results: Mapping[str, Any], command: str
) -> list[Path]:
    """Write everything into `job.out`; returns the paths, the page last."""
    texts = {
        "results.json": json_text(results) + "\n",
        "cells.csv": as_csv(findings.cells),
        **{f"{figure.name}.svg": figure.svg for figure in findings.figures},
        "results.md": as_markdown(experiment, job, findings, results, command, ""),
        "report.html": as_html(experiment, job, findings, results, command),
    }
    pictures = [_write_png(job.out, figure) for figure in findings.figures if figure.png]
    for name, text in texts.items():
        write_text(job.out / name, text)
    return [*pictures, *(job.out / name for name in texts)]


def publish(
    experiment: Experiment,
    job: Job,
    findings: Findings,
    results: Mapping[str, Any],
    command: str,
    where: Path,
) -> list[Path]:
    """Write the Markdown page, the JSON and the figures into a directory that is committed.

    What is not of the experiment's default world is named for its world, and what is not of its own
    cast for who was named, so that pages of several worlds and casts stand side by side.
    """
    world = "" if job.data == experiment.data[0] else job.data
    name = "-".join(filter(None, (experiment.name, world, job.cast)))
    if name != experiment.name:
        renamed = [_renamed(figure, experiment.name, name) for figure in findings.figures]
        findings = findings._replace(figures=renamed)
    texts = {
        f"{name}.md": as_markdown(experiment, job, findings, results, command, ""),
        f"{name}.json": json_text(results) + "\n",
    }
    for file, text in texts.items():
        write_text(where / file, text)
    pictures = [_write_png(where, figure) for figure in findings.figures if figure.png]
    return [*(where / file for file in texts), *pictures]


def as_html(
    experiment: Experiment, job: Job, findings: Findings, results: Mapping[str, Any], command: str
) -> str:
    """The page, in one file."""
    return pages.fill(
        "experiment.html",
        title=f"{experiment.name} on {job.data}, {job.scale}",
        experiment=experiment,
        job=job,
        findings=findings,
        held=sum(claim.holds for claim in findings.claims),
        tables=tables_of(findings.cells),
        calls=results["calls"],
        command=command,
        made={
            "seconds": f"{results['seconds']:,}",
            "seed": str(job.seed),
            **_seated(job),
            **pages.circumstances(),
        },
    )


def as_markdown(
    experiment: Experiment,
    job: Job,
    findings: Findings,
    results: Mapping[str, Any],
    command: str,
    figure_path: str,
) -> str:
    """The page to commit; `figure_path` is put before each figure's `NAME.png`."""
    made = pages.circumstances()
    parts = [
        f"# {experiment.name}: {job.data}, scale {job.scale}",
        f"{experiment.about}\n\n{experiment.paper}.",
        f"```\n{command}\n```",
        f"{results['seconds']:,} seconds, seed {job.seed}, revision {made['revision']}.",
        "\n".join(f"- {who}: `{specs}`" for who, specs in _seated(job).items()),
        "## Claims",
        "\n".join(
            f"- **{'holds' if claim.holds else 'does not hold'}**: {claim.claim}. {claim.detail}"
            for claim in findings.claims
        ),
        *(
            f"![{figure.caption}]({figure_path}{figure.name}.png)\n\n*{figure.caption}*"
            for figure in findings.figures
        ),
    ]
    for table in tables_of(findings.cells):
        parts += [f"## {table.title}", _markdown_table(table)]
        if table.sources:
            parts.append(f"Published numbers: {'; '.join(table.sources)}.")
    parts.append("In brackets: 95 % intervals over cases; n counts the cases.")
    if results["calls"]:
        parts += ["## Calls to language models", _markdown_table(_calls(results["calls"]))]
        parts.append(" ".join([calls.NOTE, *calls.notes_of(results["calls"])]))
    if findings.notes:
        parts += ["## Departures and other things to know"]
        parts.append("\n".join(f"- {note}" for note in findings.notes))
    return "\n\n".join(filter(None, parts)) + "\n"


def as_csv(cells: Sequence[Cell]) -> str:
    """A row a cell, a column for everything that any cell's setting names."""
    rows = [
        {**cell.setting, **{k: v for k, v in cell._asdict().items() if k != "setting"}}
        for cell in cells
    ]
    columns = [*_settings(cells), *(name for name in Cell._fields if name != "setting")]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def tables_of(cells: Sequence[Cell]) -> list[Numbers]:
    """The cells that a paper has a number for, then the others."""
    known = [cell for cell in cells if cell.published is not None]
    others = [cell for cell in cells if cell.published is None]
    tables: list[Numbers] = []
    if known:
        tables.append(_table("Ours beside the published numbers", known))
    if others:
        tables.append(_table("Numbers of our own" if known else "Numbers", others))
    return tables


def _table(title: str, cells: Sequence[Cell]) -> Numbers:
    settings = _settings(cells)
    sources = list(dict.fromkeys(cell.source for cell in cells if cell.source))
    marks = dict(zip(sources, MARKS, strict=False)) if len(sources) > 1 else {}
    columns = [*map(Column, [*settings, "metric"]), Column("ours", True), Column("n", True)]
    if any(cell.published is not None for cell in cells):
        columns += [Column("published", True), Column("difference", True)]
    rows: list[list[str]] = []
    for cell in cells:
        ours = Interval(cell.value, cell.low, cell.high, cell.n)
        row = [*(str(cell.setting.get(name, "")) for name in settings), cell.metric]
        row += [pages.measured(ours), f"{cell.n:,}"]
        if cell.published is not None:
            mark = marks.get(cell.source or "", "")
            row += [pages.number(cell.published) + mark, _difference(cell, pages.decimals(ours))]
        rows.append(row)
    return Numbers(title, columns, rows, [f"{marks.get(s, '')} {s}".strip() for s in sources])


def _calls(made: Sequence[Mapping[str, Any]]) -> Numbers:
    columns = [Column(name, number > 1) for number, name in enumerate(calls.COLUMNS)]
    return Numbers("", columns, calls.rows_of(made), ())


def _seated(job: Job) -> dict[str, str]:
    """Who was named for the seats."""
    named = {"who argues": job.agent or "", "who judges": "; ".join(job.judges)}
    return {who: specs for who, specs in named.items() if specs}


def _difference(cell: Cell, digits: int) -> str:
    assert cell.published is not None  # only cells beside a published number have one
    return f"{cell.value - cell.published:+.{digits}f}".replace("-", "−")


def _settings(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(name for cell in cells for name in cell.setting))


def _markdown_table(table: Numbers) -> str:
    def line(values: Sequence[str]) -> str:
        return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"

    rule = line([":---" if not column.numbers else "---:" for column in table.columns])
    head = line([column.name for column in table.columns])
    return "\n".join([head, rule, *map(line, table.rows)])


def _renamed(figure: Figure, experiment: str, name: str) -> Figure:
    """A figure under the page's name: `irving2018-effort` becomes `irving2018-mnist-effort`."""
    own = figure.name.removeprefix(experiment).removeprefix("-")
    return figure._replace(name=f"{name}-{own}" if own else name)


def _write_png(out: Path, figure: Figure) -> Path:
    target = out / f"{figure.name}.png"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(figure.png)
    except OSError as error:
        raise OversightError(f"cannot write {target}: {error.strerror or error}") from error
    return target
