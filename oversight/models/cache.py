"""Replies kept on disk, so that a run that is repeated or resumed pays for none of them twice.

A reply is kept under everything that changes it: the model's name and revision, the whole prompt,
the sampling and the request's key; scores under the prompt and the options. Who asked is no part of
it. What went unanswered is never kept: the next run asks again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
