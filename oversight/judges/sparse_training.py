"""Training the sparse judge on k random nonzero pixels of each image, once: the cache remembers.

Reference: G. Irving, P. Christiano, D. Amodei, *AI safety via debate* (2018),
arXiv:1805.00899.

Deviations: the paper trains with Adam at 1e-4, for 30,000 batches of 128 at k = 6 and 50,000 at
k = 4, which leaves a single layer short of the paper's judge; `RECIPES` trains longer, from a
higher rate that falls linearly to 0.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oversight.cache_dir import cache_root
from oversight.data.pixels import NonzeroPixels, PixelData
from oversight.judges.array_cache import content_key, load_arrays, store_arrays
from oversight.judges.sparse_net import SparseNet
from oversight.threads import one_thread

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
    with one_thread():
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
            indices.reshape(batches, batch, -1),
            weights.reshape(batches, batch, -1),
            labels.reshape(batches, batch),
            strict=True,
        )


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
