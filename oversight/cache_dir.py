"""Where what can be made anew is kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE_DIR_VARIABLE = "OVERSIGHT_CACHE_DIR"


def cache_root(cache_dir: Path | None = None) -> Path:
    """The directory asked for, else the environment's OVERSIGHT_CACHE_DIR, else the user's."""
    if cache_dir is not None:
        return cache_dir
    named = os.environ.get(CACHE_DIR_VARIABLE)
    return Path(named) if named else user_cache_path("oversight-lab", appauthor=False)
