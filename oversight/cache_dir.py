"""Where what can be made anew is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

CACHE_DIR_VARIABLE = "OVERSIGHT_CACHE_DIR"


def cache_root(cache_dir: Path | None = None) -> Path:
    """The directory asked for, else the environment's OVERSIGHT_CACHE_DIR, else the user's."""
    if cache_dir is not None:
        return cache_dir
    named = os.environ.get(CACHE_DIR_VARIABLE)
    return Path(named) if named else user_cache_path("oversight-lab", appauthor=False)


class Room(NamedTuple):
    """What files of one kind take."""

    name: str
    """Under the cache directory; `*` stands for the hashes that tell them apart."""
    files: int
    bytes: int


def rooms(besides: Collection[Path] = (), cache_dir: Path | None = None) -> list[Room]:
    """What is kept in the cache directory, by name, but for the files named."""
    root, found = cache_root(cache_dir), dict[str, Room]()
    for path in root.rglob("*"):
        if path in besides or not path.is_file():
            continue
        try:
            size = path.stat().st_size
        except FileNotFoundError:  # another process's, and only passing
            continue
        name = re.sub(r"[0-9a-f]{32,}", "*", "/".join(path.relative_to(root).parts[:2]))
        before = found.get(name, Room(name, 0, 0))
        found[name] = Room(name, before.files + 1, before.bytes + size)
    return [found[name] for name in sorted(found)]
