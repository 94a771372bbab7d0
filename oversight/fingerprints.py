"""What a world's files held: kept in a run's manifest, so that a run never mixes two versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from oversight.core import OversightError
from oversight.world import World


def fingerprints(world: World) -> dict[str, str]:
    """File name -> SHA-256 of the file, for every file that the world's cases are read from.

    OversightError for one that cannot be read.
    """
    found: dict[str, str] = {}
    for path in world.files:
        try:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise OversightError(f"cannot read {path}: {error.strerror or error}") from error
    return found


def check_files(world: World, configuration: Mapping[str, Any]) -> None:
    """OversightError, with the remedy, where a file is not what a run's configuration says it was.

    A run that kept no fingerprints is taken at its word.
    """
    kept: Mapping[str, str] = configuration.get("files", {})
    now = fingerprints(world) if kept else {}
    changed = sorted(name for name in kept if now.get(name) != kept[name])
    if changed:
        raise OversightError(
            f"{', '.join(changed)} has changed since the run was played; bring the file back as it "
            "was, or play a new run"
        )
