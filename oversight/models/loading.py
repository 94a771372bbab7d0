"""Loading a causal model with transformers: from a hub, a folder or a GGUF file.

On a CPU, bfloat16 is used only where the processor multiplies it by itself (AVX-512 BF16 or AMX);
elsewhere it is slower than float32: on a CPU with AVX2 alone, reading took two to three times as
long, and writing was no faster.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, Literal, NamedTuple

from oversight.core import OversightError

try:
    import torch
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]  # of whichever client it uses
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging
except ImportError as missing:
    raise OversightError(
        f"{missing.name} is not installed, and models in process need it: "
        "pip install 'oversight-lab[llm]'"
    ) from missing

from oversight.models.local import BATCH, KEPT, LocalModel

LOOK = 4.0
"""Seconds that the hub may take to say whether it has a model."""
Precision = Literal["auto", "float32", "bfloat16", "float16"]


class Loaded(NamedTuple):
    """A network and its tokenizer."""

    net: Any
    tokenizer: Any


def hf(
    path: str,
    device: str = "auto",
    dtype: Precision = "auto",
    kept: int = KEPT,
    batch: int = BATCH,
    revision: str = "main",
) -> LocalModel:
    """`hf:NAME_OR_PATH`: a causal model of a hub or a folder.

    `kept` is in MiB, `batch` in tokens, `revision` a branch, tag or commit of the hub's.
    Errors: OversightError for what cannot be loaded, with what to do about it.
    """
    where, kind = place(device, dtype)
    net, tokenizer = from_folder(path, kind, revision)
    return assembled(net, tokenizer, f"hf:{path}", where, kept, batch)


def gguf(
    path: Path,
    device: str = "auto",
    dtype: Precision = "auto",
    kept: int = KEPT,
    batch: int = BATCH,
) -> LocalModel:
    """`gguf:PATH`: a GGUF file, its weights unpacked into a plain network."""
    where, kind = place(device, dtype)
    net, tokenizer = from_gguf(path, kind)
    return assembled(net, tokenizer, f"gguf:{path}", where, kept, batch)


def assembled(
    net: Any, tokenizer: Any, name: str, device: torch.device, kept: int, batch: int
) -> LocalModel:
    """The model around a network, on its device."""
    revision = fingerprint(net, tokenizer)
    return LocalModel(net.to(device), tokenizer, name, revision, kept=kept, batch=batch)


def from_folder(path: str, dtype: torch.dtype, revision: str = "main") -> Loaded:
    """From a folder, or by a name on the hub."""
    folder = Path(path).expanduser()
    if path.startswith((".", "/", "~")) and not folder.is_dir():
        raise OversightError(f"no folder {path}; give a folder with config.json and the weights")
    where = str(folder) if folder.is_dir() else path
    with quiet(), _explained(path):
        if not folder.is_dir():
            _look_for(path, revision)
        return Loaded(
            AutoModelForCausalLM.from_pretrained(where, dtype=dtype, revision=revision),
            AutoTokenizer.from_pretrained(where, revision=revision),
        )


def from_gguf(path: Path, dtype: torch.dtype) -> Loaded:
    """From one file, as a plain network: no packed weights, nothing of the format is left."""
    if not path.is_file():
        raise OversightError(f"no file {path}; give the path to a .gguf file")
    folder, name = str(path.parent), path.name
    with quiet(), _explained(str(path)):
        packed: Any = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=dtype, quantization_config=GgufConfig(dequantize=True)
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        config = packed.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        net = type(packed)(config).to(dtype)
        net.load_state_dict(packed.state_dict())
        net.generation_config = packed.generation_config
    return Loaded(net, tokenizer)


def place(device: str, dtype: Precision) -> tuple[torch.device, torch.dtype]:
    """Where a model runs and in which precision; "auto" takes CUDA, then MPS, then the CPU."""
    if device == "auto":
        cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
        device = "cuda" if cuda else "mps" if mps else "cpu"
    try:
        where = torch.device(device)
    except RuntimeError as error:
        raise OversightError(
            f"no device {device!r}; known: auto, cpu, cuda, cuda:1, mps"
        ) from error
    try:
        torch.empty(0, device=where)
    except (AssertionError, RuntimeError) as error:  # AssertionError: a build without CUDA
        reason = str(error).partition("\n")[0]
        raise OversightError(f"cannot use {device}: {reason}; choose device=auto or cpu") from error
    if dtype != "auto":
        return where, getattr(torch, dtype)
    return where, torch.bfloat16 if _helped_by_bf16(where) else torch.float32


def _helped_by_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]  # there is no public way to ask
    return True


def fingerprint(net: Any, tokenizer: Any) -> str:
    """A hash of the weights (4096 numbers of each tensor, evenly spread) and the chat template.

    Training changes all of a tensor's numbers, so a sample of each tells two sets of weights apart,
    in milliseconds.
    """
    digest = hashlib.blake2b(digest_size=8)
    digest.update(str(tokenizer.chat_template).encode())
    for name, tensor in sorted(net.state_dict().items()):
        flat = tensor.detach().flatten()
        sample = flat[:: max(1, flat.numel() // 4096)].float().cpu().numpy()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(sample.tobytes())
    return digest.hexdigest()


def _look_for(name: str, revision: str) -> None:
    """Ask the hub once for what is not downloaded: it is loaded with tries that take half a minute.

    Errors: ConnectionError for a hub that cannot be reached.
    """
    if try_to_load_from_cache(name, constants.CONFIG_NAME, revision=revision) is not None:
        return
    try:
        get_hf_file_metadata(
            hf_hub_url(name, constants.CONFIG_NAME, revision=revision), timeout=LOOK
        )
    except OSError:
        pass  # it answers, or HF_HUB_OFFLINE forbids to ask: loading says what is wrong
    except HTTPError as error:
        raise ConnectionError(f"{constants.ENDPOINT} cannot be reached ({error})") from error


@contextmanager
def _explained(path: str) -> Generator[None]:
    """Whatever transformers and the hub raise, in a line that says what to do."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OversightError(
            f"cannot load {path}: {first}; give a folder with config.json and the weights, or a "
            "name on the hub with the network up (or HF_HUB_OFFLINE=1 for what is downloaded)"
        ) from error


@contextmanager
def quiet() -> Generator[None]:
    """Loading and saving print no bars and no hints; what goes wrong is raised all the same."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):  # one bar is out of reach of transformers' settings
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
