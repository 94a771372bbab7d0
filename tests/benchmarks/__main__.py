"""Run every benchmark here: `python -m tests.benchmarks [NAME …]`.

Prints a table and writes `.benchmarks/latest.json` as {"rows": [{"name", "ours", "theirs", "ratio",
"bar", "holds"}]}. A row that falls short is shown as such; the exit code is 0 all the same, because
a noisy machine is no bug.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
LATEST = HERE.parent.parent / ".benchmarks" / "latest.json"


def main(wanted: list[str]) -> None:
    """Collect the rows of the named `bench_*` modules, or of all."""
    console = Console(stderr=True)
    rows: list[dict[str, Any]] = []
    for path in sorted(HERE.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        start = time.perf_counter()
        rows += importlib.import_module(f"tests.benchmarks.{path.stem}").rows()
        console.print(f"{name}: {time.perf_counter() - start:.0f} s")
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
    Console().print(as_table(rows))
    console.print(f"written to {LATEST}")


def as_table(rows: list[dict[str, Any]]) -> Table:
    """The rows as they are printed."""
    table = Table("benchmark", "ours", "theirs", "ratio", "bar", "", title="Benchmarks")
    for column in table.columns[1:5]:
        column.justify = "right"
    for row in rows:
        bar = "" if row["bar"] is None else f"{row['bar']:.3g}"
        verdict = {True: "[green]holds", False: "[red]falls short", None: ""}[row["holds"]]
        numbers = [f"{row[key]:,.4g}" if row[key] < 100 else f"{row[key]:,.0f}"
                   for key in ("ours", "theirs")]  # fmt: skip
        table.add_row(row["name"], *numbers, f"{row['ratio']:.3g}", bar, verdict)
    return table


if __name__ == "__main__":
    main(sys.argv[1:])
