"""`oversight cache`: what is kept of models' replies, where, and how to be rid of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oversight.cli import show
from oversight.cli.common import INTERRUPTED, AsJson, say
from oversight.core import OversightError
from oversight.plain_json import json_text

if TYPE_CHECKING:
    from oversight.models.cache import Kept


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete replies; asks first.")] = False,
    model: Annotated[
        str | None, typer.Option(help="With --clear: this model's replies only.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --clear: do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is kept of language models' replies, or clear it; OVERSIGHT_CACHE_DIR moves it."""
    from oversight.models.cache import Kept

    if (model is not None or yes) and not clear:
        raise OversightError("--model and --yes go with --clear")
    if clear and as_json and not yes:
        raise OversightError("--clear asks first, which --json cannot: add --yes")
    kept = Kept()
    deleted = _cleared(kept, model, yes) if clear else None
    found = _found(kept, deleted)
    if as_json:
        print(json_text(found))
    else:
        _show(found)


def _cleared(kept: Kept, model: str | None, yes: bool) -> int:
    """How many replies were deleted; the command ends where the user would rather not."""
    from oversight.registry import suggest

    held = {each.model: each.entries for each in kept.held}
    if model is not None and model not in held:
        raise OversightError(f"no reply is kept of {suggest(model, held, 'models')}")
    number = sum(held.values()) if model is None else held[model]
    whose = "all models" if model is None else model
    if number and not yes and not _sure(f"Delete {number:,} replies of {whose}?"):
        say("nothing was deleted")
        raise typer.Exit(0)
    return kept.clear(model)


def _sure(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C, or nobody to answer
        say("\nnothing was deleted; --yes deletes without asking")
        raise typer.Exit(INTERRUPTED) from None


def _found(kept: Kept, deleted: int | None) -> dict[str, Any]:
    """Everything as plain values."""
    from oversight.cache_dir import cache_root, rooms

    models = [
        {**each._asdict(), "oldest": _time(each.oldest), "newest": _time(each.newest)}
        for each in kept.held
    ]
    files = kept.files
    return {
        "directory": str(cache_root()),
        "replies": {
            "file": str(kept.path),
            "bytes": sum(path.stat().st_size for path in files),
            "models": models,
        },
        "others": [room._asdict() for room in rooms(files)],
        "deleted": deleted,
    }


def _show(found: dict[str, Any]) -> None:
    if found["deleted"] is not None:
        say(f"deleted {found['deleted']:,} replies")
    replies = found["replies"]
    title = f"replies in {replies['file']}, {_size(replies['bytes'])}"
    if replies["models"]:
        rows = [
            [each["model"], f"{each['entries']:,}", _size(each["bytes"]), each["oldest"],
             each["newest"]]
            for each in replies["models"]
        ]  # fmt: skip
        show.compared(show.plain(title), ("model", "entries", "size", "oldest", "newest"), rows, ())
    else:
        print(f"no replies in {replies['file']}")
    others: Sequence[Any] = found["others"]
    if others:
        rows = [[each["name"], f"{each['files']:,}", _size(each["bytes"])] for each in others]
        title = f"others in {found['directory']}"
        show.compared(
            show.plain(title), ("name", "files", "size"), rows, ["They are made anew when needed."]
        )


def _time(seconds: float) -> str:
    """As ISO 8601 has it, in the time of this machine's place."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(" ", "seconds")


def _size(number: int) -> str:
    """Bytes as people read them: decimal units, three figures.

    >>> _size(512), _size(20_480), _size(1_234_567), _size(2 * 10**9)
    ('512 B', '20.5 kB', '1.23 MB', '2 GB')
    """
    size, unit = float(number), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"
