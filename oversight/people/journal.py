"""What people answered, and how long they took: kept the moment they do, found again after a crash.

A turn is known by its key (seed, case, seat, number) and by what was said before it, so an answer
is found again only where the very same thing is asked.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from oversight.core import OversightError, Turn
from oversight.spaces import Reply

FILE = "people.jsonl"
"""Beside a run's episodes."""


class Answer(NamedTuple):
    """One reply of a person's."""

    turn: str
    """`name_of` the turn."""
    seat: str
    act: str
    reply: Reply
    seconds: float
    """From when the turn was first shown to when it was answered."""


class Journal:
    """A file of answers, a line each; without a path it forgets when the process ends."""

    def __init__(self, path: Path | None = None) -> None:
        """Errors: OversightError, naming the line, for a file that cannot be read."""
        self.path = path
        self.answers: dict[str, Answer] = {}
        if path is not None and path.exists():
            for number, line in enumerate(path.read_text().splitlines(), 1):
                answer = _read(line, f"{path}, line {number}")
                self.answers[answer.turn] = answer

    def find(self, turn: Turn) -> Answer | None:
        """What was answered to this turn before, if it was."""
        return self.answers.get(name_of(turn))

    def keep(self, turn: Turn, reply: Reply, seconds: float) -> Answer:
        """Note an answer; it is on disk when this returns."""
        answer = Answer(name_of(turn), turn.seat, turn.act, reply, round(seconds, 3))
        self.answers[answer.turn] = answer
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a") as file:
                    file.write(json.dumps(answer._asdict()) + "\n")
            except OSError as error:
                raise OversightError(
                    f"cannot write {self.path}: {error.strerror or error}; the answers before this "
                    "one are safe: make room, then run the same command again"
                ) from error
        return answer


def name_of(turn: Turn) -> str:
    """A turn's name in the journal: its luck and a hash of all that its seat sees."""
    said = "\x1f".join(f"{m.seat}\x1e{m.act}\x1e{m.text}" for m in turn.view.transcript)
    seen = hashlib.blake2b(f"{turn.instruction}\x1f{said}".encode(), digest_size=8).hexdigest()
    return f"{turn.stream:016x}-{turn.number}-{seen}"


def _read(line: str, where: str) -> Answer:
    try:
        held: dict[str, Any] = json.loads(line)
        if isinstance(held["reply"], list):
            held["reply"] = tuple(held["reply"])
        return Answer(**held)
    except (ValueError, TypeError, KeyError) as error:
        raise OversightError(
            f"{where} is no answer of a person's ({error}); delete that line to go on"
        ) from None
