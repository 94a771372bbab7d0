"""Replies kept on disk, so that a run that is repeated or resumed pays for none of them twice.

A reply is kept under everything that changes it: the model's name and revision, the whole prompt,
the sampling and the request's key; scores under the prompt and the options. Who asked is no part of
it. What went unanswered is never kept: the next run asks again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from oversight.cache_dir import cache_root
from oversight.models.database import Database
from oversight.models.model import (
    Answer,
    Answering,
    Asked,
    Completion,
    Heard,
    Model,
    Prompt,
    Request,
    Scores,
    Unanswered,
    Usage,
)

FILE = "replies.sqlite"
VERSION = 1
SCHEMA = """
CREATE TABLE replies (
    key BLOB PRIMARY KEY,
    model TEXT NOT NULL,
    answer TEXT NOT NULL,     -- JSON: [text, finish], or the log-probabilities
    tokens INTEGER NOT NULL,  -- of prompt and completion, that it cost
    at REAL NOT NULL          -- seconds since 1970
) WITHOUT ROWID
"""
SELECT = "SELECT key, answer, tokens FROM replies WHERE key IN ({})"
HELD = """
SELECT model, COUNT(*), SUM(LENGTH(key) + LENGTH(CAST(answer AS BLOB))), MIN(at), MAX(at)
FROM replies GROUP BY model ORDER BY model
"""
CHUNK = 500
"""Keys looked up at once; SQLite takes some 32,000."""


class Cached(Answering):
    """A model whose answers are read back where they are known.

    Each new answer is kept the moment that it comes, so that an interruption keeps what was paid
    for. Where two processes ask the same at once, both pay and both get the answer that was kept
    first: a replay from the cache says what was said.

    Args:
        model: whom to ask.
        path: the file; by default `replies.sqlite` in the cache directory of this package.

    Errors: those of `Database`, and the model's.
    """

    def __init__(self, model: Model, path: Path | None = None) -> None:
        self.model, self.name, self.revision = model, model.name, model.revision
        self.context, self.charged = model.context, model.charged
        self.path = path or cache_root() / FILE
        self._kept = Database(self.path, SCHEMA, VERSION, "cache of replies")

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """The known answers at once, the others as they come; the same question is asked once."""
        before = time.perf_counter()
        places: dict[bytes, list[int]] = {}
        for place, one in enumerate(asked):
            places.setdefault(self._key(one), []).append(place)
        known = self._known(list(places))
        new = [key for key in places if key not in known]
        for key, row in known.items():
            for place in places[key]:
                now = time.perf_counter()
                heard(place, _answer(row, Usage(seconds=now - before, hits=1, spared=row[1])))
                before = time.perf_counter()

        def fresh(number: int, answer: Answer) -> None:
            key = new[number]
            answer = self._keep(key, answer)
            first, *others = places[key]
            heard(first, answer)
            for place in others:
                heard(place, _again(answer))

        if new:
            self.model.answer([asked[places[key][0]] for key in new], fresh)

    def count(self, prompt: Prompt) -> int:
        """As the model counts."""
        return self.model.count(prompt)

    def close(self) -> None:
        """Close the model and the file."""
        self.model.close()
        self._kept.close()

    def _key(self, one: Asked) -> bytes:
        texts = [said.text.encode() for said in one.prompt]
        said = [(said.role, len(text)) for said, text in zip(one.prompt, texts, strict=True)]
        asks = (one.sampling, one.key) if isinstance(one, Request) else one.texts
        kind = type(one).__name__
        header = json.dumps((self.name, self.revision, kind, asks, said)).encode()
        return hashlib.sha256(b"".join((header, *texts))).digest()

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """What is kept, in the order of the keys."""
        found: dict[bytes, Row] = {}
        with self._kept.connected() as connection:
            for begin in range(0, len(keys), CHUNK):
                some = keys[begin : begin + CHUNK]
                query = SELECT.format(",".join("?" * len(some)))
                for key, answer, tokens in connection.execute(query, some):
                    found[key] = (answer, tokens)
        return {key: found[key] for key in keys if key in found}

    def _keep(self, key: bytes, answer: Answer) -> Answer:
        """The answer that is kept from now on: this one, or one that another process was first to.

        What this one cost was paid all the same.
        """
        if isinstance(answer, Unanswered):
            return answer
        bare = [answer.text, answer.finish] if isinstance(answer, Completion) else answer.logprobs
        tokens = answer.usage.prompt + answer.usage.completion
        row = (key, self.name, json.dumps(bare), tokens, time.time())
        with self._kept.connected() as connection:
            added = connection.execute(
                "INSERT INTO replies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row
            ).rowcount
        return answer if added else _answer(self._known([key])[key], answer.usage)


class Held(NamedTuple):
    """What is kept of one model's replies."""

    model: str
    entries: int
    bytes: int
    """Of keys and answers; the file has its own needs besides."""
    oldest: float
    """Seconds since 1970."""
    newest: float


class Kept:
    """A file of replies, to look into and to clear; it is not made where it is not there.

    Args:
        path: the file; by default the one that `Cached` uses.

    Errors: those of `Database`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_root() / FILE

    @property
    def files(self) -> list[Path]:
        """The file and its log, as far as they are there."""
        named = [self.path.with_name(self.path.name + end) for end in ("", "-wal", "-shm")]
        return [path for path in named if path.is_file()]

    @property
    def held(self) -> list[Held]:
        """By model."""
        if not self.path.exists():
            return []
        with self._opened() as connection:
            return [Held(*row) for row in connection.execute(HELD)]

    def clear(self, model: str | None = None) -> int:
        """Delete the replies of one model, or all; returns how many. Their room is given back."""
        if not self.path.exists():
            return 0
        with self._opened() as connection:
            deleted = connection.execute(
                "DELETE FROM replies WHERE ?1 IS NULL OR model = ?1", (model,)
            ).rowcount
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return deleted

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        database = Database(self.path, SCHEMA, VERSION, "cache of replies")
        try:
            with database.connected() as connection:
                yield connection
        finally:
            database.close()


Row = tuple[str, int]
"""An answer in JSON, and its tokens."""


def _answer(row: Row, usage: Usage) -> Answer:
    bare: Any = json.loads(row[0])
    if bare and isinstance(bare[0], str):
        return Completion(bare[0], bare[1], usage)
    return Scores(tuple(bare), usage)


def _again(answer: Answer) -> Answer:
    """The same answer for another who asked the same in one batch; it cost nothing more."""
    if isinstance(answer, Unanswered):
        return answer._replace(usage=Usage())
    spared = answer.usage.prompt + answer.usage.completion
    return answer._replace(usage=Usage(hits=1, spared=spared))
