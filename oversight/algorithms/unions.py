"""Union find: which set is an element in, when each points to another one of its set?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from oversight.algorithms.layers import one_of, shuffled_layers
from oversight.algorithms.task import STOP, Ints, Task, chosen

LINK, SET = range(2)


class UnionFind(Task):
    """A forest in which each root carries the name of its set, one of `sets`.

    Facts are (element, parent), or (root, name of its set). The rule asks what an element points
    to, and then which set that is in.
    """

    name: ClassVar[str] = "union_find"
    steps: ClassVar[int] = 2
    sets: ClassVar[int] = 4

    def __init__(self, size: int, difficulty: int) -> None:
        super().__init__(size, difficulty)
        self.facts = self.simple = size
        self.question_widths = (2, size)
        self.fact_widths = (size, size + self.sets)
        self.named_by = (None, 0)

    def _answers(self) -> Sequence[str]:
        return [*(f"e{e}" for e in range(self.size)), *(f"set {s}" for s in range(self.sets))]

    def _tokens(self) -> Sequence[Sequence[int]]:
        return [[kind, e] for kind in (LINK, SET) for e in range(self.size)]

    def prompt(self, node: int) -> str:
        """Such as "Which set is e3 in?"."""
        kind, e = divmod(node, self.size)
        return f"Which set is e{e} in?" if kind == SET else f"What does e{e} point to?"

    def words(self, fact: Sequence[int]) -> str:
        """Such as "e3 -> e0"."""
        return f"e{fact[0]} -> {self.answers[fact[1]]}"

    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """Forests of `difficulty` layers: roots on the first, each other points one layer down."""
        layer = shuffled_layers(generator, batch, self.size, difficulty)
        parent = one_of(generator, layer[:, None, :] == layer[:, :, None] - 1)
        named = self.size + generator.integers(0, self.sets, parent.shape)
        elements = np.broadcast_to(np.arange(self.size), parent.shape)
        return np.stack([elements, np.where(layer == 0, named, parent)], axis=2)

    def askable(self, difficulty: int) -> Ints:
        """Every element's set."""
        return np.arange(SET * self.size, self.nodes)

    def lookup(self, contexts: Ints) -> Ints:
        """What each element points to."""
        return contexts[:, :, 1]

    def solve(self, contexts: Ints) -> Ints:
        """Sets are merged edge by edge until all of a tree carry its root's name."""
        link = contexts[:, :, 1]
        root = link >= self.size
        name = np.where(root, link, self.none)
        for _ in range(self.difficulty):
            name = np.where(root, name, np.take_along_axis(name, np.where(root, 0, link), axis=1))
        return np.concatenate([link, name], axis=1)

    def depths(self, contexts: Ints) -> Ints:
        """1 for a root, else one more than what it points to."""
        link = contexts[:, :, 1]
        root = link >= self.size
        depth = np.ones_like(link)
        for _ in range(self.difficulty):
            above = np.take_along_axis(depth, np.where(root, 0, link), axis=1)
            depth = np.where(root, 1, 1 + above)
        return np.concatenate([np.zeros_like(link), depth], axis=1)

    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """What it points to; if that is an element, the set of that."""
        kind, e = np.divmod(nodes, self.size)
        step = heard.shape[1]
        if step == 0:
            return chosen([kind == SET], [e], STOP)
        if step == 1:
            element = (heard[:, 0] >= 0) & (heard[:, 0] < self.size)
            return chosen([(kind == SET) & element], [SET * self.size + heard[:, 0]], STOP)
        return np.full(len(nodes), STOP)

    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """The name that it points to, or the set of what it points to."""
        low, high = self.size, self.size + self.sets
        named = (heard >= low) & (heard < high)
        return chosen([named[:, 0], named[:, 1]], [heard[:, 0], heard[:, 1]], self.none)
