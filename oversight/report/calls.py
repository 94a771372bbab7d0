"""Calls to language models as people read them: in the terminal, on pages, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

COLUMNS = (
    "seat", "model", "calls", "read back", "prompt", "cached", "completion", "seconds", "price",
)  # fmt: skip
NOTE = (
    "Over all games, resumed parts included; prompt, cached (a part of it) and completion count "
    "tokens. Replies read back from the cache cost nothing."
)


def cells_of(row: Mapping[str, Any]) -> list[str]:
    """A row of `oversight.accounts.Calls`, as plain values, under `COLUMNS`."""
    counts = [f"{row[name]:,}" for name in ("calls", "hits", "prompt", "cached", "completion")]
    price = "–" if row["price"] is None else f"{row['price']:.4g}"
    return [row["seat"], row["model"], *counts, f"{row['seconds']:,.1f}", price]


def rows_of(calls: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """All of them."""
    return [cells_of(row) for row in calls]


def notes_of(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sum of what has a price."""
    priced = [row["price"] for row in calls if row["price"] is not None]
    return [f"In all {sum(priced):.4g}."] if priced else []
