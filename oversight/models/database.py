"""A small SQLite file that several threads and processes write at once, also after a fork.

Writes go to a log beside the file (WAL mode), so that readers never wait and a process that is
killed loses at most the write that it was in. Not for network file systems: SQLite's locks do not
hold there.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oversight.core import OversightError

PATIENCE = 60.0
"""Seconds that a writer waits for the others; a write takes some microseconds."""


class Database:
    """Connections to one file, one for each process and thread that asks.

    A fork's connections are its own: those that it inherits are neither used nor closed, since
    closing would drop the parent's locks.

    Args:
        path: the file; made, with its directory, if it is not there.
        schema: statements that make the tables.
        version: of the schema; a file of another version is refused.
        what: what the file is, as errors name it: "cache of replies".

    Errors: OversightError, naming what to do, for a file that is no such database, is damaged, of
        another version, or cannot be written.
    """

    def __init__(self, path: Path, schema: str, version: int, what: str) -> None:
        self.path, self.schema, self.version, self.what = path, schema, version, what
        self._open: dict[tuple[int, int], sqlite3.Connection] = {}
        with self.connected():
            pass

    @contextmanager
    def connected(self) -> Generator[sqlite3.Connection]:
        """This process's and thread's connection; each statement is a transaction of its own."""
        mine = (os.getpid(), threading.get_ident())
        try:
            if mine not in self._open:
                self._open[mine] = self._connect()
            yield self._open[mine]
        except sqlite3.OperationalError as error:
            raise OversightError(
                f"the {self.what} {self.path} cannot be used: {error}; is its directory writable, "
                "is there room on the disk, does another process hold it?"
            ) from None
        except sqlite3.DatabaseError as error:
            raise OversightError(
                f"the {self.what} {self.path} is damaged or no such file: {error}; move it away "
                "(with its -wal and -shm) and start again"
            ) from None

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """One transaction: what is read in it stays true until it ends."""
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close this process's connections; nobody may be using them."""
        for process, thread in list(self._open):
            if process == os.getpid():
                self._open.pop((process, thread)).close()

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OversightError(f"the {self.what} {self.path}: {error}") from None
        connection = sqlite3.connect(
            self.path, timeout=PATIENCE, isolation_level=None,
            check_same_thread=False,  # a thread that ended leaves its number to another
        )  # fmt: skip
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last writes
        connection.execute("BEGIN IMMEDIATE")
        [found] = connection.execute("PRAGMA user_version").fetchone()
        if not found:
            for statement in filter(None, map(str.strip, self.schema.split(";"))):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self.version}")
        connection.execute("COMMIT")
        if found not in (0, self.version):
            raise OversightError(
                f"the {self.what} {self.path} was written by another release (version {found}, "
                f"not {self.version}): move it away, or name another file"
            )
        return connection

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_open": {}}
