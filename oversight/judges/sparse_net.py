"""The judge of the pixel debate: a classifier that sees a few of an image's pixels.

One hidden layer, additive over the revealed pixels (a set S of pixels p with values v_p):

    hidden = relu(bias + Σ_{p ∈ S} (mask_weight[p] + v_p · value_weight[p]))        # (H,)
    logits = head @ hidden + head_bias                                              # (C,)

Reference: G. Irving, P. Christiano, D. Amodei, *AI safety via debate* (2018),
arXiv:1805.00899.

Deviations: the paper's judge is a convolutional net over two planes, the mask and the masked
values. Ours has one hidden layer over the same two planes, so that revealing a pixel adds one
row to the hidden sum and a search pays H additions a move. `sparse_training` trains it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.data.pixels import NonzeroPixels


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
