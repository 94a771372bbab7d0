"""Tables computed row by row, kept as they grow: for work that is no episode but as long.

Like the episode store: shards written whole or not at all, a manifest, and an interrupted
computation goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from oversight.core import OversightError
from oversight.pool import fork_map
from oversight.runs import Progress
from oversight.store import (
    ArrowTable,
    begin_or_resume,
    next_part,
    parts_of,
    read_shard,
    write_whole,
)

SHARD = 20
"""Rows a shard at most: what a crash may cost, for each process."""
SHARDS = 4
"""Shards a process at least, where there are so many rows: so that none waits long for another."""


def computed(
    path: Path,
    configuration: Mapping[str, Any],
    row: Callable[[int], Mapping[str, Any]],
    rows: int,
    *,
    processes: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Rows 0 … rows−1 of a table, each `row(i)`, those on disk read back and the rest computed.

    `row` must return the same columns for every i, and depend on i and the configuration alone.
    The frame is ordered by its column "row". Errors: those of the episode store.
    """
    begin_or_resume(path, configuration)
    held = [read_shard(part) for part in parts_of(path)]
    done = {number for table in held for number in table.column("row").to_pylist()}
    left = [number for number in range(rows) if number not in done]
    size = max(1, min(SHARD, len(left) // (SHARDS * processes)))
    shards = [left[at : at + size] for at in range(0, len(left), size)]

    def work(numbers: list[int]) -> list[dict[str, Any]]:
        return [{"row": number, **row(number)} for number in numbers]

    finished = rows - len(left)
    for found in fork_map(work, shards, processes):
        table = pa.Table.from_pylist(found)
        held.append(table)
        _keep(path / next_part(path), table)
        finished += len(found)
        if progress is not None:
            progress(path.name, finished, rows)
    frame: pd.DataFrame = pa.concat_tables(held).sort_by("row").to_pandas()
    return frame[frame["row"] < rows].reset_index(drop=True)


def _keep(target: Path, table: ArrowTable) -> None:
    try:
        write_whole(target, lambda file: pq.write_table(table, file))
    except OSError as error:
        raise OversightError(
            f"cannot write {target}: {error.strerror or error}; make room and run the same command "
            "again: what is there already is kept"
        ) from error
