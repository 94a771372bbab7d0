"""Randomness as a key, not a state.

Every draw of a game is a pure function of a 64-bit key, so neither the order of play, nor the
width of a batch, nor the number of processes can change an episode. Scalar keys are folded with
SplitMix64 (Steele, Lea, Flood 2014); arrays of keys become uniforms by the same counter-based
hash, vectorised.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB


def root(*parts: object) -> int:
    """The 64-bit key of a tuple of names and numbers; stable across machines and versions."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def fold(key: int, number: int) -> int:
    """The `number`-th child of a key (SplitMix64's output function at that counter)."""
    z = (key + (number + 1) * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
    return z ^ (z >> 31)


def folds(key: int, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """`fold` of one key at many counters, (B,) -> (B,)."""
    z = np.uint64(key) + (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    return _mixed(z)


def unit(key: int) -> float:
    """A uniform in [0, 1) from a key."""
    return (fold(key, 0) >> 11) * 2.0**-53


def below(key: int, n: int) -> int:
    """A uniform whole number in [0, n)."""
    if n < 1:
        raise ValueError(f"cannot draw from {n} things; n must be at least 1")
    return fold(key, 0) % n


def uniforms(key: NDArray[np.uint64], n: int) -> NDArray[np.float64]:
    """Uniforms in [0, 1): (B,) keys -> (B, n). Row b depends on key b alone."""
    counters = (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    z = _mixed(key.astype(np.uint64)[:, None] + counters[None, :])
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's output function."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX_2)
    return z ^ (z >> np.uint64(31))


def generator(key: int) -> np.random.Generator:
    """A NumPy generator seeded by a key, for draws that need a distribution."""
    return np.random.Generator(np.random.Philox(key=key))
