"""Arrays kept on disk under a hash of what they were made from."""

import hashlib
import json
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oversight.cache_dir import CACHE_DIR_VARIABLE


def content_key(settings: Mapping[str, Any], arrays: Iterable[NDArray[Any]]) -> str:
    """Hash settings that JSON can write and the arrays' types, shapes and bytes (SHA-256)."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def load_arrays(
    path: Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]] | None:
    """Read float32 arrays by name; None where there is no file, or not the arrays expected."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, NDArray[np.float32]] = {name: stored[name] for name in shapes}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    sound = all(
        array.shape == shapes[name] and array.dtype == np.float32 for name, array in arrays.items()
    )
    return arrays if sound else None


def store_arrays(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Write beside the path, then rename: a reader sees the whole file or none.

    Where the directory cannot be written, warn: the arrays are only a saving of time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as directory:
            temporary = Path(directory) / path.name
            contents: dict[str, Any] = dict(arrays)
            np.savez(temporary, **contents)
            temporary.replace(path)
    except OSError as error:
        warnings.warn(
            f"{path.name} was computed but not cached ({error}); set ${CACHE_DIR_VARIABLE} to a "
            "directory that can be written",
            RuntimeWarning,
            stacklevel=3,
        )
