"""Questions on passages, in one schema, read line by line.

One JSON object a line (`Item`):

| field | |
|---|---|
| `id` | text, different on every line |
| `passage` | the text that only experts see |
| `question` | what is asked about it |
| `answers` | two or more candidate answers, all different |
| `correct` | the index of the right one, counted from 0 |
| `source` | optional: the data set it comes from |
| `split` | optional: train, validation, … |
| `hard` | optional: whether people in a hurry found it hard (QuALITY's `difficult`) |

With `hard=true` a world plays the questions marked `hard` and no others.

Other fields are refused: a misspelt name would otherwise pass unnoticed. So are texts that hold one
of the framework's own marks (`oversight.text.quotes`).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import pydantic

from oversight.core import OversightError
from oversight.text.quotes import UNVERIFIED, VERIFIED

MARKS = tuple(f"<{end}{name}>" for name in (VERIFIED, UNVERIFIED) for end in ("", "/"))


class DataError(OversightError):
    """Data that cannot be used; the message says where, why and what to do."""


def _clean(text: str) -> str:
    if any(mark in text for mark in MARKS):
        raise ValueError(f"holds a mark that only the framework writes ({', '.join(MARKS)})")
    return unicodedata.normalize("NFC", text).strip()


Text = Annotated[str, pydantic.AfterValidator(_clean), pydantic.Field(min_length=1)]


class Identified(pydantic.BaseModel):
    """What a line of a file holds: nothing but the fields named, each of its type."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Text


Line = TypeVar("Line", bound=Identified)


class Item(Identified):
    """A question on a passage with its candidate answers."""

    passage: Text
    question: Text
    answers: Annotated[list[Text], pydantic.Field(min_length=2)]
    correct: Annotated[int, pydantic.Field(ge=0)]
    source: str = ""
    split: str = ""
    hard: bool | None = None

    @pydantic.model_validator(mode="after")
    def _one_is_right(self) -> Item:
        if len(set(self.answers)) < len(self.answers):
            raise ValueError("answers must all be different")
        if self.correct >= len(self.answers):
            raise ValueError(
                f"correct is {self.correct}, but answers are numbered 0 to {len(self.answers) - 1}"
            )
        return self


class Fault(NamedTuple):
    """Why something of a file was left out."""

    place: str
    """The file and the line, or the row."""
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class Items(NamedTuple):
    """What was read, and what was not."""

    items: tuple[Item, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def told(self) -> str:
        """How many were kept and left out, and why the first was."""
        if not self.faults:
            return f"{len(self.items)} items"
        return f"{len(self.items)} items; {len(self.faults)} left out, first {self.faults[0]}"


REMEDY = "mend it, or set keep_going=true to leave such lines out"


def read_jsonl(path: Path, *, keep_going: bool = False) -> Items:
    """Read a file of `Item`s, one a line; empty lines are skipped.

    DataError at the first line that is broken, with its number, field and remedy; with
    `keep_going` such lines are listed in `faults` instead. DataError too where nothing is left.
    """
    return gather(parsed_lines(path), keep_going=keep_going, whence=str(path))


def parsed_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Where each line of a JSONL file is, and the object on it, or the Fault that it is."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        place = f"{path}, line {number}"
        if line.strip():
            try:
                yield place, json.loads(line)
            except json.JSONDecodeError as error:
                reason = f"not JSON ({error.msg} at column {error.colno})"
                yield place, Fault(place, reason)


def read_text(path: Path) -> str:
    """A file's text; DataError with a remedy where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path given as data=") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text ({error})") from error


def gather(
    rows: Iterable[tuple[str, Any]], *, keep_going: bool = False, whence: str = "the data"
) -> Items:
    """Validate rows, each with its place: an `Item`'s fields, or a Fault found earlier."""
    return Items(*sifted(rows, Item, keep_going=keep_going, whence=whence))


def sifted(
    rows: Iterable[tuple[str, Any]], kind: type[Line], *, keep_going: bool, whence: str
) -> tuple[tuple[Line, ...], tuple[Fault, ...]]:
    """Rows as values of a kind that has an `id`, and the faults of those that are none.

    DataError at the first fault, unless it is to keep going; and where nothing is left.
    """
    kept: dict[str, Line] = {}
    faults: list[Fault] = []
    for place, row in rows:
        made = row if isinstance(row, Fault) else _validated(place, row, kind)
        if not isinstance(made, Fault) and made.id in kept:
            made = Fault(place, f"id: {made.id!r} is taken by an earlier line")
        if not isinstance(made, Fault):
            kept[made.id] = made
        elif keep_going:
            faults.append(made)
        else:
            raise DataError(f"{made}; {REMEDY}")
    if not kept:
        why = f"; first {faults[0]}" if faults else ""
        raise DataError(f"{whence} holds nothing that can be used{why}")
    return tuple(kept.values()), tuple(faults)


def _validated(place: str, row: Any, kind: type[Line]) -> Line | Fault:
    try:
        return kind.model_validate(row)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        return Fault(place, f"{field}: {first['msg'].removeprefix('Value error, ')}")
