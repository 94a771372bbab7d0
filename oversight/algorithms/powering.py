"""Permutation powering: where does a permutation take a symbol in k steps?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from oversight.algorithms.task import STOP, Ints, Task, chosen


class PermutationPowering(Task):
    """σᵏ(x) by halving: m = ⌊k/2⌋ steps, m steps again, and one more if k is odd.

    Facts are (x, σ(x)). Depth is the leading bit of k, so difficulty d has k up to 2^(d+1) − 1.
    Training questions have each leading bit alike, then each k of that leading bit.
    """

    name: ClassVar[str] = "permutation_powering"
    steps: ClassVar[int] = 3

    def __init__(self, size: int, difficulty: int) -> None:
        super().__init__(size, difficulty)
        self.most = 2 ** (difficulty + 1) - 1  # the greatest exponent
        self.facts = self.simple = size
        self.question_widths = (2,) * (difficulty + 1) + (size,)
        self.fact_widths = (size, size)
        self.named_by = (None,) * (difficulty + 1) + (0,)

    @classmethod
    def deepest(cls, size: int) -> int:
        """Powers are cheap: beyond the size too."""
        return 8

    def _answers(self) -> Sequence[str]:
        return [f"s{x}" for x in range(self.size)]

    def _tokens(self) -> Sequence[Sequence[int]]:
        bits = range(self.difficulty, -1, -1)
        return [
            [*(k >> bit & 1 for bit in bits), x]
            for k in range(1, self.most + 1)
            for x in range(self.size)
        ]

    def _parts(self, nodes: Ints) -> tuple[Ints, Ints]:
        return nodes // self.size + 1, nodes % self.size

    def _node(self, k: Ints, x: Ints) -> Ints:
        return (k - 1) * self.size + x

    def prompt(self, node: int) -> str:
        """Such as "Where do 5 steps lead from s3?"."""
        k, x = divmod(node, self.size)
        return f"Where do {k + 1} steps lead from s{x}?" if k else f"What comes after s{x}?"

    def words(self, fact: Sequence[int]) -> str:
        """Such as "s3 -> s0"."""
        return f"s{fact[0]} -> s{fact[1]}"

    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """Uniform permutations."""
        symbols = np.broadcast_to(np.arange(self.size), (batch, self.size))
        return np.stack([symbols, generator.permuted(symbols, axis=1)], axis=2)

    def askable(self, difficulty: int) -> Ints:
        """Every k from 2 on."""
        return np.arange(self.simple, self.size * (2 ** (difficulty + 1) - 1))

    def questions(
        self, generator: np.random.Generator, batch: int, count: int, difficulty: int
    ) -> Ints:
        """A leading bit, then the bits below it, then a symbol."""
        lead = 2 ** generator.integers(1, difficulty + 1, (batch, count))
        k = lead + generator.integers(0, lead)
        return self._node(k, generator.integers(0, self.size, (batch, count)))

    def lookup(self, contexts: Ints) -> Ints:
        """σ itself."""
        return contexts[:, :, 1]

    def solve(self, contexts: Ints) -> Ints:
        """One step after the other."""
        step = contexts[:, :, 1]
        powers = [step]
        for _ in range(self.most - 1):
            powers.append(np.take_along_axis(step, powers[-1], axis=1))
        return np.concatenate(powers, axis=1)

    def depths(self, contexts: Ints) -> Ints:
        """⌊log₂ k⌋, whatever the context."""
        k, _ = self._parts(np.arange(self.nodes))
        return np.broadcast_to(np.log2(k).astype(np.int64), (len(contexts), self.nodes))

    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """Half of the steps, the other half from where that leads, and one more if k is odd."""
        k, x = self._parts(nodes)
        step = heard.shape[1]
        here = x if step == 0 else heard[:, -1]
        goes_on = (k > 1) & (here >= 0) & (here < self.size)
        if step < 2:
            return chosen([goes_on], [self._node(k // 2, here)], STOP)
        if step == 2:
            return chosen([goes_on & (k % 2 == 1)], [here], STOP)
        return np.full(len(nodes), STOP)

    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """Where the last of the steps led; none if they stopped short."""
        k, _ = self._parts(nodes)
        last = np.where(k % 2 == 1, heard[:, 2], heard[:, 1])
        return chosen([last >= 0], [last], self.none)
