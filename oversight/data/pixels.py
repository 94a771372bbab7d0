"""Small grey images as flat rows of pixel values: the digits of the pixel debate."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from oversight.data.idx import DataError, read_labelled

DATA_DIR_VARIABLE = "OVERSIGHT_DATA_DIR"
HUB_ID = "ylecun/mnist"
DIGITS_TRAINING_IMAGES = 1_200
DIGITS_SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class PixelData:
    """Labelled images, split into training and test.

    Attributes:
        name: what the data are called, "digits" or "mnist".
        side: pixels along an edge; a row of values has P = side² of them.
        train_values: (N, P) grey levels in [0, 1], row by row from the top left.
        train_labels: (N,) classes, counted from 0.
        test_values: (M, P).
        test_labels: (M,).
    """

    name: str
    side: int
    train_values: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_values: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    @property
    def classes(self) -> int:
        """How many classes the training labels count, C."""
        return int(self.train_labels.max()) + 1


@dataclass(frozen=True, eq=False)
class NonzeroPixels:
    """Each image's nonzero pixels, in compressed sparse rows.

    Attributes:
        pixels: the images' nonzero pixels one after the other, and a closing −1.
        offsets: (N + 1,) where each image's pixels begin; the last is where they end.
    """

    pixels: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Self:
        """List the nonzero pixels of images of shape (N, P)."""
        counts = np.count_nonzero(values, axis=1)
        pixels = np.flatnonzero(values) % values.shape[1]
        return cls(
            pixels=np.append(pixels, -1).astype(np.int32),
            offsets=np.concatenate([[0], np.cumsum(counts)]),
        )

    def draw(
        self, images: NDArray[np.int64], k: int, generator: np.random.Generator
    ) -> NDArray[np.int32]:
        """Draw k different nonzero pixels of each image, every k-set equally likely.

        Floyd's algorithm, one step for the whole batch at a time: no rejection, k steps.

        Args:
            images: (B,) which images; repeats are drawn independently.
            k: pixels for each; an image that has fewer yields all of them.
            generator: the source of the draws; uses B·k uniforms.

        Returns:
            (B, k) pixels in no particular order; −1 where the image has run out. Where no image
            has more than k, as many columns as the richest needs.

        Raises:
            ValueError: if k < 1.
        """
        if k < 1:
            raise ValueError(f"k = {k}: a judge sees at least one pixel; take k >= 1")
        starts = self.offsets[images]
        counts = self.offsets[images + 1] - starts
        if k >= counts.max(initial=0):  # every image yields all it has: nothing to draw
            every = np.arange(counts.max(initial=1))
            return self.pixels[np.where(every < counts[:, None], starts[:, None] + every, -1)]
        uniforms = generator.random((len(images), k))
        places = np.full((len(images), k), -1)
        for step in range(k):
            last = counts - k + step  # negative until the set still to fill fits the image
            place = (uniforms[:, step] * (last + 1)).astype(np.int64)
            taken = (places[:, :step] == place[:, None]).any(axis=1)
            places[:, step] = np.where(last < 0, -1, np.where(taken, last, place))
        return self.pixels[np.where(places < 0, -1, starts[:, None] + places)]


def load_digits() -> PixelData:
    """Load scikit-learn's 1,797 handwritten digits of 8×8 pixels.

    The grey levels 0..16 are divided by 16. The split is fixed: the images are permuted by
    `RandomState(0)`, whose stream NumPy has frozen; the first 1,200 are for training and
    the other 597 for testing.

    Reference: E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI (1998).
    """
    bunch: Any = importlib.import_module("sklearn.datasets").load_digits()
    values: NDArray[np.float32] = (bunch.data / 16).astype(np.float32)
    labels: NDArray[np.int64] = bunch.target.astype(np.int64)
    order = np.random.RandomState(DIGITS_SPLIT_SEED).permutation(len(labels))
    train, test = np.split(order, [DIGITS_TRAINING_IMAGES])
    return PixelData("digits", 8, values[train], labels[train], values[test], labels[test])


class _Split(NamedTuple):
    values: NDArray[np.float32]  # (N, 784)
    labels: NDArray[np.int64]  # (N,)


def load_mnist(data_dir: Path | None = None) -> PixelData:
    """Load MNIST: 60,000 training and 10,000 test images of 28×28 pixels, bytes over 255.

    Args:
        data_dir: the directory of the four IDX files, gzipped or not, under their usual
            names (`train-images-idx3-ubyte`, …). Given, it is the only place looked in.
            Otherwise `mnist/` under the environment's OVERSIGHT_DATA_DIR, if it is there;
            otherwise the Hugging Face hub, through the package `datasets`.

    Raises:
        DataError: a file is missing or damaged, or no source has the data; the message
            names the remedies.
    """
    read = _mnist_source(data_dir)
    train, test = read("train"), read("test")
    return PixelData("mnist", 28, train.values, train.labels, test.values, test.labels)


def _mnist_source(data_dir: Path | None) -> Callable[[str], _Split]:
    if data_dir is not None:
        if not data_dir.is_dir():
            raise DataError(f"{data_dir}: no such directory; {_MNIST_REMEDIES}")
        return lambda split: _read_mnist(data_dir, split)
    root = os.environ.get(DATA_DIR_VARIABLE)
    if root and (directory := Path(root) / "mnist").is_dir():
        return lambda split: _read_mnist(directory, split)
    return _download_mnist


def _read_mnist(directory: Path, split: str) -> _Split:
    prefix = {"train": "train", "test": "t10k"}[split]
    images, labels = read_labelled(
        _find(directory, f"{prefix}-images-idx3-ubyte"),
        _find(directory, f"{prefix}-labels-idx1-ubyte"),
    )
    return _scaled(images, labels)


def _find(directory: Path, name: str) -> Path:
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{directory}: neither {name} nor {name}.gz is there; {_MNIST_REMEDIES}")


def _download_mnist(split: str) -> _Split:
    try:
        rows: Any = importlib.import_module("datasets").load_dataset(HUB_ID, split=split)
    except Exception as error:  # offline, refused or not installed: the remedies are the same
        raise DataError(f"MNIST is not at hand ({error}); {_MNIST_REMEDIES}") from error
    images = np.stack([np.asarray(image, np.uint8) for image in rows["image"]])
    return _scaled(images, np.asarray(rows["label"]))


def _scaled(images: NDArray[np.uint8], labels: NDArray[Any]) -> _Split:
    values = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return _Split(values, labels.astype(np.int64))


_MNIST_REMEDIES = (
    "pass the directory of the four IDX files as data_dir, or put them in mnist/ under "
    f"${DATA_DIR_VARIABLE}, or install the package datasets and go online"
)
