"""The judge of the pixel debate: a classifier that sees a few of an image's pixels.

One hidden layer, additive over the revealed pixels (a set S of pixels p with values v_p):

    hidden = relu(bias + Σ_{p ∈ S} (mask_weight[p] + v_p · value_weight[p]))        # (H,)
    logits = head @ hidden + head_bias                                              # (C,)

It is trained on k random nonzero pixels of each image, as the judge of the paper is.

Reference: G. Irving, P. Christiano, D. Amodei, *AI safety via debate* (2018),
arXiv:1805.00899.

Deviations: the paper's judge is a convolutional net over two planes, the mask and the masked
values. Ours has one hidden layer over the same two planes, so that revealing a pixel adds one
row to the hidden sum and a search pays H additions a move. The paper trains with Adam at 1e-4,
for 30,000 batches of 128 at k = 6 and 50,000 at k = 4, which leaves a single layer short of the
paper's judge; `RECIPES` trains longer, from a higher rate that falls linearly to 0.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.data.pixels import NonzeroPixels, PixelData
from oversight.judges.array_cache import cache_root, content_key, load_arrays, store_arrays

CACHE_VERSION = 1  # raise it when training changes in a way that the recipe does not show
CHUNK = 64  # batches drawn at once
INITIAL_SCALE = 0.1  # of a pixel's row: small, so that Adam's first steps decide


@dataclass(frozen=True)
class Recipe:
    """How a judge is trained: `train_sparse_net`'s keywords.

    Attributes:
        hidden: hidden units, H; a search's cost grows with it.
        steps: batches.
        batch: images in each.
        lr: Adam's learning rate at the first step; it falls linearly to 0 at the last.
    """

    hidden: int
    steps: int
    batch: int = 128
    lr: float = 1e-4


RECIPES: Mapping[str, Recipe] = {
    "mnist": Recipe(hidden=128, steps=100_000, lr=3e-3),
    "digits": Recipe(hidden=32, steps=4_000, lr=3e-3),
}
"""By name of the data. MNIST's width is the least whose accuracy rounds to the paper's judge's."""


@dataclass(frozen=True, eq=False)
class SparseNet:
    """The trained judge, as float32 arrays: P pixels, H hidden units, C classes.

    Attributes:
        mask_weight: (P, H) what a pixel's being revealed adds to the hidden sum.
        value_weight: (P, H) what it adds besides, per unit of its value.
        bias: (H,) the hidden sum when nothing is revealed.
        head: (C, H).
        head_bias: (C,).
    """

    mask_weight: NDArray[np.float32]
    value_weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    head: NDArray[np.float32]
    head_bias: NDArray[np.float32]

    def rows(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What revealing each pixel would add to the hidden sum: values (…, P) to (…, P, H)."""
        shades = values.astype(np.float32)[..., None]
        return np.asarray(self.mask_weight + shades * self.value_weight, np.float32)

    def logits(
        self, values: NDArray[np.float32], pixels: NDArray[np.integer[Any]]
    ) -> NDArray[np.float32]:
        """Judge each image on the set of its revealed pixels.

        An item's logits are the same to the last bit whatever the batch it comes in and
        whatever the order or repetition of its pixels: they are summed in ascending order.

        Args:
            values: (B, P) whole images; only revealed values are read.
            pixels: (B, k) revealed pixels, 0 to P − 1; negative entries are padding.

        Returns:
            (B, C) unnormalised log-probabilities, nats.

        Raises:
            ValueError: if the shapes disagree or a pixel lies outside the image.
        """
        size = len(self.mask_weight)
        if values.ndim != 2 or pixels.ndim != 2 or values.shape != (len(pixels), size):
            raise ValueError(
                f"values {values.shape} and pixels {pixels.shape} do not fit a judge of {size} "
                f"pixels; pass values (B, {size}) and pixels (B, k)"
            )
        if pixels.size and pixels.max() >= size:
            raise ValueError(f"pixel {pixels.max()} of an image of {size}; count from 0")
        return _logits(
            np.ascontiguousarray(values, np.float32),
            np.sort(pixels.astype(np.int64), axis=1),
            self.mask_weight,
            self.value_weight,
            self.bias,
            self.head,
            self.head_bias,
        )


@njit(cache=True)
def _logits(
    values: NDArray[np.float32],
    pixels: NDArray[np.int64],
    mask_weight: NDArray[np.float32],
    value_weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    head: NDArray[np.float32],
    head_bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """One item at a time in a fixed order of additions; a matrix product would not keep one."""
    logits = np.empty((len(pixels), len(head_bias)), np.float32)
    for item in range(len(pixels)):
        hidden = bias.copy()
        previous = np.int64(-1)
        for pixel in pixels[item]:  # ascending: padding first, repeats side by side
            if pixel > previous:
                value = values[item, pixel]
                for unit in range(len(hidden)):
                    hidden[unit] += mask_weight[pixel, unit] + value * value_weight[pixel, unit]
                previous = pixel
        for label in range(len(head_bias)):
            total = head_bias[label]
            for unit in range(len(hidden)):
                total += head[label, unit] * max(hidden[unit], np.float32(0))
            logits[item, label] = total
    return logits


def train_sparse_net(
    data: PixelData,
    k: int,
    seed: int,
    *,
    hidden: int,
    steps: int,
    batch: int = 128,
    lr: float = 1e-4,
    progress: Callable[[int, int], None] | None = None,
) -> SparseNet:
    """Train a judge by cross-entropy on k random nonzero pixels of each image.

    Images are drawn with replacement; one with fewer than k nonzero pixels shows them all.
    On one machine the same arguments give the same bytes; nothing global is seeded, and
    PyTorch, imported here, is held to one thread meanwhile.

    Args:
        data: the images; only the training half is read.
        k: pixels revealed.
        seed: of the initial weights and of every draw.
        hidden: hidden units, H.
        steps: batches.
        batch: images in each.
        lr: Adam's learning rate at the first step; it falls linearly to 0 at the last.
        progress: called with (steps done, steps) every few batches.

    Raises:
        ValueError: if k < 1.
    """
    import torch

    generator = np.random.default_rng(seed)
    batches = _batches(data, k, steps, batch, generator)
    size = data.train_values.shape[1]
    with _one_thread():
        rows, bias, head, head_bias = (
            torch.from_numpy(array).requires_grad_()
            for array in _initial_weights(size, hidden, data.classes, generator)
        )
        optimizer = torch.optim.Adam([rows, bias, head, head_bias], lr, fused=True)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
        for step, (indices, weights, labels) in enumerate(batches, start=1):
            sums = torch.nn.functional.embedding_bag(
                torch.from_numpy(indices),
                rows,
                mode="sum",
                per_sample_weights=torch.from_numpy(weights),
            )
            logits = torch.relu(sums + bias) @ head.T + head_bias
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None and (step % CHUNK == 0 or step == steps):
                progress(step, steps)
    arrays = [
        tensor.detach().numpy() for tensor in (rows[:size], rows[size:], bias, head, head_bias)
    ]
    return SparseNet(*arrays)


def _initial_weights(
    size: int, hidden: int, classes: int, generator: np.random.Generator
) -> tuple[NDArray[np.float32], ...]:
    """The two planes' rows (2P, H), the bias (H,), the head (C, H) and its bias (C,)."""
    rows = INITIAL_SCALE * generator.standard_normal((2 * size, hidden), np.float32)
    head = generator.standard_normal((classes, hidden), np.float32) / np.sqrt(np.float32(hidden))
    return rows, np.zeros(hidden, np.float32), head, np.zeros(classes, np.float32)


def _batches(
    data: PixelData, k: int, steps: int, batch: int, generator: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]]:
    """Rows of the two planes to sum (batch, 2k), their weights (batch, 2k), labels (batch,)."""
    nonzero = NonzeroPixels.of(data.train_values)
    size = data.train_values.shape[1]
    for start in range(0, steps, CHUNK):
        batches = min(CHUNK, steps - start)
        images = generator.integers(0, len(data.train_labels), batches * batch)
        pixels = nonzero.draw(images, k, generator).astype(np.int64)
        revealed = pixels >= 0
        pixels[~revealed] = 0  # any row: its weight is 0
        shades = data.train_values[images[:, None], pixels] * revealed
        indices = np.concatenate([pixels, pixels + size], axis=1)
        weights = np.concatenate([revealed.astype(np.float32), shades], axis=1)
        labels = data.train_labels[images]
        yield from zip(
            indices.reshape(batches, batch, 2 * k),
            weights.reshape(batches, batch, 2 * k),
            labels.reshape(batches, batch),
            strict=True,
        )


@contextmanager
def _one_thread() -> Generator[None]:
    """Hold PyTorch to one thread, so that sums keep one order; then give the others back."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def accuracy(
    net: SparseNet,
    values: NDArray[np.float32],
    labels: NDArray[np.int64],
    k: int,
    seed: int,
    draws: int = 1,
) -> float:
    """Share of images, (N, P), whose top logit on k random nonzero pixels is their label.

    Args:
        net: the judge.
        values: (N, P).
        labels: (N,).
        k: pixels revealed; an image that has fewer shows them all.
        seed: of the draws.
        draws: independent k-sets for each image, averaged.

    Raises:
        ValueError: if k < 1 or draws < 1.
    """
    if draws < 1:
        raise ValueError(f"draws = {draws}: nothing to average; take draws >= 1")
    generator = np.random.default_rng(seed)
    nonzero = NonzeroPixels.of(values)
    images = np.arange(len(values))
    hits = [
        np.mean(net.logits(values, nonzero.draw(images, k, generator)).argmax(axis=1) == labels)
        for _ in range(draws)
    ]
    return float(np.mean(hits))


def cached_sparse_net(
    data: PixelData,
    k: int,
    seed: int,
    *,
    recipe: Recipe | None = None,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SparseNet:
    """Train a judge once, and read it from the cache from then on.

    The file is found by content: a hash of the training arrays, k, the seed, the recipe and
    `CACHE_VERSION`. A damaged file is trained anew; a directory that cannot be written only
    warns.

    Args:
        data: the images.
        k: pixels revealed.
        seed: of the training.
        recipe: how to train; by default `RECIPES[data.name]`.
        cache_dir: where the file lies; by default the environment's OVERSIGHT_CACHE_DIR, or
            else the user's cache directory.
        progress: passed to `train_sparse_net`.

    Raises:
        ValueError: if k < 1, or there is no recipe for these data.
    """
    if recipe is None:
        if data.name not in RECIPES:
            known = ", ".join(sorted(RECIPES))
            raise ValueError(f"no recipe for {data.name!r}; known: {known}; or pass recipe=")
        recipe = RECIPES[data.name]
    size, hidden, classes = data.train_values.shape[1], recipe.hidden, data.classes
    settings = {"version": CACHE_VERSION, "k": k, "seed": seed, **asdict(recipe)}
    key = content_key(settings, (data.train_values, data.train_labels))
    path = cache_root(cache_dir) / f"sparse-net-k{k}-{key[:32]}.npz"
    shapes: dict[str, tuple[int, ...]] = {
        "mask_weight": (size, hidden),
        "value_weight": (size, hidden),
        "bias": (hidden,),
        "head": (classes, hidden),
        "head_bias": (classes,),
    }
    if (stored := load_arrays(path, shapes)) is not None:
        return SparseNet(**stored)
    net = train_sparse_net(data, k, seed, progress=progress, **asdict(recipe))
    store_arrays(path, vars(net))
    return net
