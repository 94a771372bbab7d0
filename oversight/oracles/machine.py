"""A stochastic computation bit by bit, and what it costs to know one of its probabilities.

Brown-Cohen, Irving, Piliouras 2023, arXiv:2311.14125. Sampling is never looped over: how many of n
samples are 1 is one binomial draw, the inverse of its distribution at one uniform. That is exact,
and the same alone as in an array.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


class Machine(ABC):
    """Steps 0 … t, each a bit that is 1 with a probability set by the bits before it.

    The last bit is the answer. Values are pickled with the turns that show them: keep them plain.
    """

    steps: int
    """t + 1."""
    lipschitz: float
    """K: if every probability moves by at most e, that of a last bit of 1 moves by at most K·e."""

    @abstractmethod
    def probability(self, bits: Sequence[int]) -> float:
        """That bit number len(bits) is 1, given the bits before it: the oracle."""

    def worth(self, bits: Sequence[int]) -> float:
        """The last bit's probability of being 1, if each bit till then takes its likelier value."""
        ahead = list(bits)
        while len(ahead) < self.steps - 1:
            ahead.append(int(self.probability(ahead) > 0.5))
        return self.probability(ahead) if len(ahead) < self.steps else float(ahead[-1])


class Rules(NamedTuple):
    """How far off who may be, and how often estimates may fail: public."""

    c: float
    """Alice's error."""
    s: float
    b: float
    q: float
    """How often an estimate of Alice's or Bob's fails."""
    v: float
    """How often Vera's does."""

    @property
    def bob(self) -> Checker:
        """Bob never minds s and always minds b."""
        return Checker(self.s, self.b, self.q)

    @property
    def vera(self) -> Checker:
        """Vera never minds c and always minds s."""
        return Checker(self.c, self.s, self.v)

    @property
    def statement(self) -> int:
        """Samples behind one honest statement."""
        return samples(self.c, self.q)


class Checker(NamedTuple):
    """Accepts a stated probability that is off by `low`, rejects one that is off by `high`."""

    low: float
    high: float
    fails: float

    @property
    def samples(self) -> int:
        """How many it draws: its estimate is within half the distance of the two."""
        return samples((self.high - self.low) / 2, self.fails)

    @property
    def threshold(self) -> float:
        """It rejects a statement that is this far from its estimate, or farther."""
        return (self.low + self.high) / 2


class Access(NamedTuple):
    """What a player has in hand: the oracle, and the rules."""

    machine: Machine
    rules: Rules


class Sampled(NamedTuple):
    """What nature shows the verifier: samples of the oracle at the challenged step."""

    stated: float
    ones: int
    checker: Checker

    @property
    def passes(self) -> bool:
        """Whether the statement is near enough to the estimate."""
        return abs(self.ones / self.checker.samples - self.stated) < self.checker.threshold


@functools.cache
def samples(error: float, fails: float) -> int:
    """⌈ln(2/q)/(2e²)⌉: an estimate by so many samples is within e but for a probability of q.

    >>> samples(0.1, 0.05)
    185
    """
    return math.ceil(math.log(2 / fails) / (2 * error * error))


def formulas(lipschitz: float, steps: int) -> Rules:
    """The paper's constants for a K-Lipschitz machine of t + 1 steps."""
    unit = 1 / (100 * lipschitz)
    return Rules(unit, 2 * unit, 5 * unit, 1 / (100 * steps), 1 / 100)


def least_looks(lipschitz: float) -> int:
    """The samples that Vera draws by the paper's constants: with fewer nothing is promised.

    About 106,000·K², however long the computation is.

    >>> least_looks(1)
    105967
    """
    return formulas(lipschitz, steps=1).vera.samples


def ones(uniform: ArrayLike, n: ArrayLike, probability: ArrayLike) -> Floats:
    """How many of n samples are 1: the binomial's quantile at a uniform draw."""
    return np.asarray(stats.binom.ppf(uniform, n, probability), np.float64)
