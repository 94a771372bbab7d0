"""Wildcard search: what do the strings that match a pattern sum to?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import ClassVar

import numpy as np

from oversight.algorithms.task import STOP, Ints, Task, chosen
from oversight.core import OversightError

WILD = 2
VALUES = (-1, 0, 1)


class WildcardSearch(Task):
    """Every string of bits is worth −1, 0 or 1; a pattern is worth the sum over its matches.

    Facts are (bits, value). The rule writes 0 and then 1 for the first wildcard and adds the two.
    Depth counts the wildcards; `size` is the number of strings, a power of two.
    """

    name: ClassVar[str] = "wildcard_search"
    steps: ClassVar[int] = 2

    def __init__(self, size: int, difficulty: int) -> None:
        if size & (size - 1):
            raise OversightError(f"{self.name}: size must be a power of two, got {size}")
        super().__init__(size, difficulty)
        self.length = size.bit_length() - 1
        self.facts = self.simple = size
        self.most = 2**difficulty  # the greatest sum
        self.question_widths = (3,) * self.length
        self.fact_widths = (2,) * self.length + (len(VALUES),)
        self.named_by = tuple(range(self.length))

    @classmethod
    def deepest(cls, size: int) -> int:
        """One wildcard a bit."""
        return size.bit_length() - 1

    def _answers(self) -> Sequence[str]:
        return [f"{total:+d}" if total else "0" for total in range(-self.most, self.most + 1)]

    def _tokens(self) -> Sequence[Sequence[int]]:
        patterns = product(range(3), repeat=self.length)
        fitting = [pattern for pattern in patterns if pattern.count(WILD) <= self.difficulty]
        return sorted(fitting, key=lambda pattern: (pattern.count(WILD), pattern))

    @cached_property
    def _wild(self) -> Ints:
        return (self.table == WILD).sum(axis=1)

    @cached_property
    def _matches(self) -> Ints:
        """(nodes, strings) 1 where the pattern matches the string."""
        strings = self.table[: self.simple]
        pattern = self.table[:, None, :]
        return ((pattern == WILD) | (pattern == strings)).all(axis=2).astype(np.int64)

    @cached_property
    def _halves(self) -> Ints:
        """(nodes, 2) the pattern with 0, and with 1, for its first wildcard; STOP without one."""
        halves = np.full((self.nodes, 2), STOP)
        for node in range(self.simple, self.nodes):
            for bit in (0, 1):
                tokens = self.table[node].copy()
                tokens[np.argmax(tokens == WILD)] = bit
                halves[node, bit] = self.number(tokens)
        return halves

    def prompt(self, node: int) -> str:
        """Such as "What do the strings 0*1 sum to?"."""
        pattern = "".join("01*"[token] for token in self.table[node])
        verb = "do the strings" if WILD in self.table[node] else "is the string"
        return f"What {verb} {pattern} {'sum to' if WILD in self.table[node] else 'worth'}?"

    def words(self, fact: Sequence[int]) -> str:
        """Such as "011: -1"."""
        return f"{''.join(map(str, fact[:-1]))}: {VALUES[fact[-1]]}"

    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """Each string's value uniformly drawn."""
        strings = np.broadcast_to(self.table[: self.simple], (batch, self.size, self.length))
        drawn = generator.integers(0, len(VALUES), (batch, self.size, 1))
        return np.concatenate([strings, drawn], axis=2)

    def askable(self, difficulty: int) -> Ints:
        """Patterns of one wildcard or more."""
        return np.flatnonzero((self._wild >= 1) & (self._wild <= difficulty))

    def _sum(self, total: Ints) -> Ints:
        return total + self.most

    def lookup(self, contexts: Ints) -> Ints:
        """The strings' own values."""
        return self._sum(contexts[:, :, -1] + VALUES[0])

    def solve(self, contexts: Ints) -> Ints:
        """Sums over the matching strings."""
        return self._sum((contexts[:, :, -1] + VALUES[0]) @ self._matches.T)

    def depths(self, contexts: Ints) -> Ints:
        """How many wildcards, whatever the context."""
        return np.broadcast_to(self._wild, (len(contexts), self.nodes))

    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """0, then 1, for the first wildcard."""
        step = heard.shape[1]
        return self._halves[nodes, step] if step < 2 else np.full(len(nodes), STOP)

    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """The sum of the halves, as far as there is a name for it."""
        known = ((heard >= 0) & (heard < self.none)).all(axis=1)
        total = heard.sum(axis=1) - 2 * self.most
        known &= np.abs(total) <= self.most
        return chosen([known], [self._sum(total)], self.none)
