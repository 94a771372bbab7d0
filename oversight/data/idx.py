"""The IDX format of the MNIST files: a magic number, the sizes, then the bytes.

Reference: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*,
"File formats for the MNIST database".
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oversight.core import OversightError

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTES = 0x08  # the only one of the format's element types that MNIST uses


class DataError(OversightError, ValueError):
    """A data file is absent or damaged; the message names the file and the remedy."""


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not.

    Args:
        path: the file; whether it is gzipped is told from its first bytes.
        dimensions: how many axes to expect: 3 for MNIST's images, 1 for its labels.

    Returns:
        The array, with the shape that the file states.

    Raises:
        DataError: missing, truncated, of another format or shape, not gzip in spite
            of its name, or with bytes left over.
    """
    content = _read_bytes(path)
    expected = bytes([0, 0, UNSIGNED_BYTES, dimensions])
    if len(content) >= 4 and content[:4] != expected:
        raise DataError(
            f"{path}: magic number 0x{content[:4].hex()}, not 0x{expected.hex()} "
            f"(unsigned bytes, axes: {dimensions}); check that images and labels are not "
            "swapped, or download the file again"
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(
            f"{path}: truncated in its header, {len(content)} bytes of {header}; "
            "download the file again"
        )
    shape: tuple[int, ...] = struct.unpack(f">{dimensions}I", content[4:header])
    missing = header + math.prod(shape) - len(content)
    if missing > 0:
        raise DataError(f"{path}: truncated, {missing} bytes missing; download the file again")
    if missing < 0:
        raise DataError(
            f"{path}: {-missing} trailing bytes after the {shape} array; download the file again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_labelled(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images, shape (N, height, width), and their labels, shape (N,).

    Raises:
        DataError: as `read_idx`, and where the two files differ in N.
    """
    pixels = read_idx(images, dimensions=3)
    classes = read_idx(labels, dimensions=1)
    if len(pixels) != len(classes):
        raise DataError(
            f"{images} holds {len(pixels)} images but {labels} holds {len(classes)} labels; "
            "take both files from the same split of the same release"
        )
    return pixels, classes


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"{path}: no such file; put it there or name another directory")
    content = path.read_bytes()
    if content.startswith(GZIP_MAGIC):
        try:
            return gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(
                f"{path}: truncated or damaged gzip ({error}); download the file again"
            ) from error
    if path.suffix == ".gz":
        raise DataError(
            f"{path}: named .gz but not gzip; drop the suffix if the file is already "
            "decompressed, else download it again"
        )
    return content
