"""What `oversight compare` shows and writes: the table, its JSON and CSV, the figures, the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from oversight.compare import Bench, Point, Row, Table, as_json, capability_gap, swept
from oversight.metrics.intervals import Interval
from oversight.plain_json import json_text
from oversight.report import figures, pages
from oversight.store import write_text
from oversight.study import Figure

COLUMNS = (
    "protocol", "accuracy %", "Brier", "log score", "calibration", "ASD", "PGR", "judge cost",
    "agent cost", "net gain", "exploited %", "n", "failed",
)  # fmt: skip


def cells_of(row: Row) -> list[str]:
    """A row as text, under `COLUMNS`."""
    if row.accuracy is None:
        return [row.protocol, *["–"] * (len(COLUMNS) - 3), str(row.n), str(row.failed)]
    return [
        row.protocol,
        pages.percent(row.accuracy),
        pages.decimal(row.brier),
        pages.decimal(row.log_score),
        pages.decimal(row.calibration_error),
        pages.interval(row.asd, 2, "+"),
        pages.interval(row.pgr, 2),
        f"{row.judge_cost:.1f}",
        f"{row.agent_cost:.1f}",
        pages.points(row.net_gain),
        pages.percent(row.exploited),
        f"{row.n:,}",
        str(row.failed),
    ]


def notes_of(table: Table) -> list[str]:
    """What the reader must know beside the numbers."""
    words = {
        "prior": "the judge's first belief",
        "judge_alone": "the judge alone at the whole budget",
    }
    notes = [
        f"Control: {words.get(name, name)}, {pages.percent(interval)} %."
        for name, interval in table.controls.items()
    ]
    notes += [
        f"{row.protocol}: the net gain is over {row.over.replace('_', ' ')}."
        for row in table.rows
        if row.over is not None
    ]
    notes += [
        f"{row.protocol}: the worst adversary found was “{row.by}”."
        for row in table.rows
        if row.by is not None
    ]
    return notes + [f"{name} is left out: {why}." for name, why in table.left_out.items()]


def drawn(bench: Bench, protocols: Sequence[str]) -> list[Figure]:
    """The figures of a comparison: accuracy over the capability gap, and over obfuscation."""
    figures_made: list[Figure] = []
    gap = swept(bench, "gap", protocols, capability_gap)
    if gap:
        figures_made.append(swept_figure(
            "compare-gap", f"The judge's accuracy on {bench.world.name}, by how much better than "
            "the judge an expert is alone. Bands: 95 % intervals over cases.", gap,
            "expert skill minus judge skill (share of right answers)",
        ))  # fmt: skip
    dark = swept(bench, "obfuscation", protocols)
    if dark:
        figures_made.append(swept_figure(
            "compare-obfuscation", f"The judge's accuracy on {bench.world.name}, by the share of "
            "steps whose check tells it nothing. Bands: 95 % intervals over cases.", dark,
            "share of steps that the judge cannot check",
        ))  # fmt: skip
    return figures_made


def swept_figure(name: str, caption: str, points: Sequence[Point], xlabel: str) -> Figure:
    """Accuracy over a dial, a line a protocol."""
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for point in points:
        lines.setdefault(point.protocol, []).append((point.x, point.accuracy))
    ordered = {name: sorted(steps, key=lambda step: step[0]) for name, steps in lines.items()}
    return figures.curve(name, caption, ordered, xlabel=xlabel, ylabel="accuracy of the judge")


def write_comparison(
    out: Path, table: Table, drawn: Sequence[Figure], command: str, made: Mapping[str, str]
) -> list[Path]:
    """Write everything into a directory; returns the paths, the page last."""
    found = as_json(table)
    frame = pd.DataFrame(found["rows"])
    texts = {
        "compare.json": json_text(found) + "\n",
        "compare.csv": frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"),
        **{f"{figure.name}.svg": figure.svg for figure in drawn},
        "report.html": pages.fill(
            "compare.html",
            title=f"Protocols on {table.world}",
            lead=_lead(table),
            table=table,
            columns=COLUMNS,
            rows=[cells_of(row) for row in table.rows],
            notes=notes_of(table),
            figures=drawn,
            calls=found["calls"],
            command=command,
            made=dict(made) | pages.circumstances(),
        ),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def _lead(table: Table) -> str:
    overseen = [row for row in table.rows if row.protocol not in ("naive", "expert")]
    best = max(
        (row for row in overseen if row.accuracy is not None),
        key=lambda row: row.accuracy.value if row.accuracy else 0.0,
        default=None,
    )
    if best is None or best.accuracy is None:
        return "No protocol finished a game."
    return (
        f"The judge was right most often with {best.protocol}: "
        f"{100 * best.accuracy.value:.1f} % of {best.n:,} cases."
    )
