"""Variables in layers, where each is made of those in lower ones: how contexts get their depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oversight.algorithms.task import Ints


def shuffled_layers(generator: np.random.Generator, batch: int, size: int, layers: int) -> Ints:
    """(batch, size) the layer of each variable; every layer 0 … layers − 1 has one or more."""
    layer = generator.integers(0, layers, (batch, size))
    layer[:, :layers] = np.arange(layers)
    return generator.permuted(layer, axis=1)


def one_of(generator: np.random.Generator, allowed: NDArray[np.bool_]) -> Ints:
    """(…) an index below n drawn uniformly from those allowed, (…, n); any where none is."""
    return np.where(allowed, generator.random(allowed.shape), -1.0).argmax(axis=-1)
