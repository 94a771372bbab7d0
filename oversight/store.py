"""Where episodes are kept: Parquet shards, each written whole or not at all, and a manifest.

A run that is interrupted goes on where it stopped: finished episodes are read back, the rest are
played, and the result is the same, bit by bit, as that of a run that nobody interrupted.
"""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from oversight.core import OversightError
from oversight.record import Failure, Record

SHARD = 1024
"""Records a shard holds at most: memory stays flat, and a crash or a full disk costs less."""
SECONDS = 10.0
"""A slow run writes what it has at least this often."""

ArrowTable: TypeAlias = Any
"""A `pyarrow.Table`; pyarrow ships no types."""

_SCHEMA = pa.schema(
    {
        "episode": pa.int64(),
        "case": pa.string(),
        "truth": pa.int32(),
        "credences": pa.list_(pa.float64()),
        "correct": pa.float64(),
        "arguments": pa.int32(),
        "claims": pa.int32(),
        "turns": pa.string(),
        "rewards": pa.string(),
        "metrics": pa.string(),
        "sides": pa.string(),
        "replies": pa.string(),
        "transcript": pa.string(),
        "failure": pa.string(),
        "decomposition": pa.string(),
    }
)
_AS_JSON = ("rewards", "metrics", "sides", "turns", "replies", "failure")


class Store:
    """One run's episodes in one directory. Use as a context manager while playing."""

    def __init__(self, path: Path, configuration: Mapping[str, Any] | None = None) -> None:
        """Open a run directory, or with a `configuration` begin or resume one.

        Raises OversightError when the directory holds a run of another configuration, is no run,
        or cannot be written.
        """
        self.path = path
        self._waiting: list[Record] = []
        self._written = time.monotonic()
        if configuration is None:
            self.manifest = read_manifest(path)
        else:
            self.manifest = begin_or_resume(path, configuration)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> Literal[False]:
        self.flush()
        return False

    @property
    def done(self) -> set[int]:
        """The numbers of the episodes that are safely on disk."""
        numbers: set[int] = set()
        for part in parts_of(self.path):
            numbers.update(read_shard(part, ["episode"]).column("episode").to_pylist())
        return numbers

    def append(self, record: Record) -> None:
        """Keep a record; it reaches the disk with its shard, or after some seconds."""
        self._waiting.append(record)
        if len(self._waiting) >= SHARD or time.monotonic() - self._written > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as one shard, whole or not at all."""
        if not self._waiting:
            return
        target = self.path / next_part(self.path)
        try:
            write_whole(target, lambda file: pq.write_table(_table(self._waiting), file))
        except OSError as error:
            raise OversightError(
                f"cannot write {target}: {error.strerror or error}; the episodes in the shards "
                "before it are safe: make room, then run the same command again to go on from there"
            ) from error
        self._waiting = []
        self._written = time.monotonic()

    def frame(self) -> pd.DataFrame:
        """Every stored episode, in order, as a data frame."""
        return self._whole().to_pandas()

    def records(self) -> list[Record]:
        """Every stored episode, in order."""
        return [_record(row) for row in self._whole().to_pylist()]

    def _whole(self) -> ArrowTable:
        """Every stored episode, in order; columns that an older shard lacks are empty there."""
        parts = [read_shard(part) for part in parts_of(self.path)]
        whole = pa.concat_tables([_SCHEMA.empty_table(), *parts], promote_options="default")
        return whole.sort_by("episode")


def parts_of(path: Path) -> list[Path]:
    """The shards of a directory, in order."""
    return sorted(path.glob("part-*.parquet"))


def next_part(path: Path) -> str:
    """A name that no shard of the directory has, later than all of them."""
    numbers = [int(part.stem.removeprefix("part-")) for part in parts_of(path)]
    return f"part-{1 + max(numbers, default=-1):06d}.parquet"


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Records as the data frame that a store of them gives back."""
    return _table(records).sort_by("episode").to_pandas()


def _table(records: Sequence[Record]) -> ArrowTable:
    dumps = json.dumps
    columns: dict[str, list[Any]] = {
        "episode": [r.episode for r in records],
        "case": [r.case for r in records],
        "truth": [r.truth for r in records],
        "credences": [r.credences for r in records],
        "correct": [r.correct for r in records],
        "arguments": [r.arguments for r in records],
        "claims": [r.claims for r in records],
        "turns": [dumps(r.turns) for r in records],
        "rewards": [dumps(r.rewards) for r in records],
        "metrics": [dumps(r.metrics) for r in records],
        "sides": [dumps(r.sides) for r in records],
        "replies": [dumps(r.replies) for r in records],
        "transcript": [r.transcript for r in records],
        "failure": [None if r.failure is None else dumps(r.failure._asdict()) for r in records],
        "decomposition": [r.decomposition for r in records],
    }
    return pa.Table.from_pydict(columns, schema=_SCHEMA)


def _record(row: dict[str, Any]) -> Record:
    for name in _AS_JSON:
        row[name] = None if row[name] is None else json.loads(row[name])
    row["credences"] = None if row["credences"] is None else tuple(row["credences"])
    row["failure"] = None if row["failure"] is None else Failure(**row["failure"])
    row["replies"] = [tuple(r) if isinstance(r, list) else r for r in row["replies"]]
    return Record(**row)


def read_shard(part: Path, columns: list[str] | None = None) -> ArrowTable:
    """One shard; OversightError, with the remedy, if it is damaged."""
    try:
        return pq.read_table(part, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise OversightError(
            f"{part} cannot be read ({error}); delete that file and run the same command again: "
            "only its episodes are played anew"
        ) from error


def write_whole(target: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file that appears at `target` complete, or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # a temporary file is its owner's alone
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(target: Path, text: str) -> None:
    """Write a text file whole or not at all; OversightError when the disk will not have it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, lambda file: file.write(text.encode()))
    except OSError as error:
        raise OversightError(f"cannot write {target}: {error.strerror or error}") from error


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run directory."""
    file = path / "manifest.json"
    try:
        manifest = json.loads(file.read_text())
    except FileNotFoundError:
        raise OversightError(f"{path} is not a run: it has no manifest.json") from None
    except (json.JSONDecodeError, OSError) as error:
        raise OversightError(f"{file} cannot be read: {error}") from error
    if not isinstance(manifest, dict) or "configuration" not in manifest:
        raise OversightError(f"{file} is not a run's manifest; choose another --out")
    return manifest


def begin_or_resume(path: Path, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A directory's manifest: written now, or read back if it is of the same configuration.

    A run that kept no fingerprints of its world's files ("files") is taken at its word.
    """
    wanted = json.loads(json.dumps(configuration))
    if (path / "manifest.json").exists():
        manifest = read_manifest(path)
        held = manifest["configuration"]
        if "files" not in held:
            wanted.pop("files", None)
        differing = sorted(key for key in {*held, *wanted} if held.get(key) != wanted.get(key))
        if differing == ["files"]:
            raise OversightError(
                f"{path} holds a run on other data: {', '.join(wanted['files'])} has changed since "
                "it began; bring the file back as it was, or choose another --out"
            )
        if differing:
            shown = "; ".join(
                f"{k}: {held.get(k)!r} there, {wanted.get(k)!r} now" for k in differing
            )
            raise OversightError(
                f"{path} holds a run of another configuration ({shown}); "
                "choose another --out, or delete it"
            )
        return manifest
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    manifest = {"configuration": wanted, "created": created, **circumstances()}
    write_text(path / "manifest.json", json.dumps(manifest, indent=2) + "\n")
    return manifest


@functools.cache
def circumstances() -> dict[str, Any]:
    """The code's revision and the versions of what it stands on."""
    packages = ("oversight-lab", "numpy", "numba", "scipy", "torch", "pettingzoo", "gymnasium")
    return {
        "revision": revision(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


@functools.cache
def revision() -> str | None:
    """The commit of this checkout, `+changes` when files differ from it, None outside git."""

    def git(*words: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(
            ["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (
            "+changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.SubprocessError):
        return None
