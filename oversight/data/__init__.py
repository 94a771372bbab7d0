"""Images with labels, read from disk or from the packages that carry them.

Nothing is opened, downloaded or imported until a loader is called.
"""

from oversight.data.idx import DataError, read_idx, read_labelled
from oversight.data.pixels import NonzeroPixels, PixelData, load_digits, load_mnist

__all__ = [
    "DataError",
    "NonzeroPixels",
    "PixelData",
    "load_digits",
    "load_mnist",
    "read_idx",
    "read_labelled",
]
