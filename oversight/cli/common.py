"""What the commands share: their usual options, exit codes, and how they speak and stop."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from oversight.core import OversightError

WRONG_USAGE, NOT_WELL, INTERRUPTED = 2, 1, 130

Seed = Annotated[int, typer.Option(help="The root of all luck; the same seed, the same games.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
DataDir = Annotated[
    Path | None, typer.Option(help="The folder of the four MNIST files, gzipped or not.")
]
Processes = Annotated[int, typer.Option(help="How many processes play at once.")]


@contextmanager
def interruptible(out: Path | None) -> Generator[None]:
    """Say what Ctrl-C leaves, and exit with the shell's own code for it."""
    try:
        yield
    except KeyboardInterrupt:
        say(
            "interrupted; nothing was kept: name a directory with --out to go on another time"
            if out is None
            else f"interrupted; {out} keeps what was finished: run the same command to go on"
        )
        raise typer.Exit(INTERRUPTED) from None


def say(text: str) -> None:
    """A line on standard error; markup is read."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(text)


def command_line(*places: str) -> str:
    """The command as it was typed, without the options that only say where things are written."""
    words = list[str]()
    rest = iter(sys.argv[1:])
    for word in rest:
        if word in places:
            next(rest, None)
        elif not word.startswith(tuple(f"{place}=" for place in places)):
            words.append(word)
    return shlex.join(["oversight", *words])


def world_of(spec: str, data_dir: Path | None) -> Any:
    """The world that a spec names, told where its files are."""
    from oversight.registry import build

    name = spec.partition(":")[0]
    place = build("worlds", spec)
    if data_dir is not None:
        if not hasattr(place, "data_dir"):
            raise OversightError(f"--data-dir: {name} needs no files")
        place.data_dir = data_dir
    return place


def pairs(words: list[str] | None, option: str) -> dict[str, Any]:
    """Repeated `name=value` words as a mapping."""
    found: dict[str, Any] = {}
    for word in words or []:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise OversightError(f"{option} {word!r}: write name=value")
        found[name] = value
    return found


def one_of(value: str, known: tuple[str, ...], option: str) -> str:
    """The value, if it is one of those known."""
    from oversight.registry import suggest

    if value not in known:
        raise OversightError(f"{option} {suggest(value, known, 'values')}")
    return value


def positive(value: int, option: str) -> int:
    """The value, if it is 1 or more."""
    if value < 1:
        raise OversightError(f"{option} must be at least 1, got {value}")
    return value
