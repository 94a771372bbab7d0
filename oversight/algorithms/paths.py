"""Shortest path: how far is it from one vertex to another?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from oversight.algorithms.task import STOP, Ints, Task, chosen

DEGREE = 2


class ShortestPath(Task):
    """The distance in a directed graph, as far as k steps; every vertex has two ways out.

    Facts are (vertex, one neighbour, other neighbour). The rule asks for the neighbours, which are
    facts, and from each the distance within k − 1 steps. Depth is k.
    """

    name: ClassVar[str] = "shortest_path"
    steps: ClassVar[int] = 2 * DEGREE

    def __init__(self, size: int, difficulty: int) -> None:
        super().__init__(size, difficulty)
        self.facts = size
        self.simple = DEGREE * size
        self.far = size + difficulty + 1
        self.question_widths = (DEGREE + difficulty, size, size + 1)
        self.fact_widths = (size,) * (1 + DEGREE)
        self.named_by = (None, 0, None)  # where from; where to is compared, not looked up

    def _answers(self) -> Sequence[str]:
        vertices = [f"p{v}" for v in range(self.size)]
        return [*vertices, *map(str, range(self.difficulty + 1)), "further"]

    def _tokens(self) -> Sequence[Sequence[int]]:
        n, within = self.size, range(1, self.difficulty + 1)
        neighbours = [[way, a, n] for way in range(DEGREE) for a in range(n)]
        distances = [[DEGREE + k - 1, a, b] for k in within for a in range(n) for b in range(n)]
        return neighbours + distances

    def _parts(self, nodes: Ints) -> tuple[Ints, Ints, Ints]:
        """k, a, b of the distance nodes; k is 0 or less at primitive ones."""
        rest = nodes - self.simple
        return rest // self.size**2 + 1, rest // self.size % self.size, rest % self.size

    def prompt(self, node: int) -> str:
        """Such as "How far is it from p0 to p3, within 2 steps?"."""
        if node < self.simple:
            way, a = divmod(node, self.size)
            return f"Where does way {way} lead from p{a}?"
        k, a, b = self._parts(np.asarray(node))
        return f"How far is it from p{a} to p{b}, within {k} step{'s' if k > 1 else ''}?"

    def words(self, fact: Sequence[int]) -> str:
        """Such as "p3 -> p0, p1"."""
        return f"p{fact[0]} -> {', '.join(f'p{v}' for v in fact[1:])}"

    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """Each way leads to a uniformly drawn vertex."""
        vertices = np.broadcast_to(np.arange(self.size)[:, None], (batch, self.size, 1))
        ways = generator.integers(0, self.size, (batch, self.size, DEGREE))
        return np.concatenate([vertices, ways], axis=2)

    def askable(self, difficulty: int) -> Ints:
        """Distances within 1 … difficulty steps."""
        return np.arange(self.simple, self.simple + difficulty * self.size**2)

    def lookup(self, contexts: Ints) -> Ints:
        """Where the first ways lead, then the second ones."""
        return np.concatenate([contexts[:, :, 1 + way] for way in range(DEGREE)], axis=1)

    def solve(self, contexts: Ints) -> Ints:
        """Breadth first: who can be reached in exactly 0, 1, … steps."""
        batch, n = len(contexts), self.size
        edges = np.zeros((batch, n, n), np.int64)
        np.put_along_axis(edges, contexts[:, :, 1:], 1, axis=2)
        reached = np.broadcast_to(np.eye(n, dtype=np.int64), (batch, n, n))
        distance = np.where(reached > 0, n, self.far)
        found = [self.lookup(contexts)]
        for k in range(1, self.difficulty + 1):
            reached = (reached @ edges > 0).astype(np.int64)
            distance = np.where((reached > 0) & (distance == self.far), n + k, distance)
            found.append(distance.reshape(batch, -1))
        return np.concatenate(found, axis=1)

    def depths(self, contexts: Ints) -> Ints:
        """k, whatever the context."""
        k, _, _ = self._parts(np.arange(self.nodes))
        return np.broadcast_to(np.maximum(k, 0), (len(contexts), self.nodes))

    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """The neighbours, then how far each of them is within one step less."""
        k, a, b = self._parts(nodes)
        step = heard.shape[1]
        if step < DEGREE:
            return chosen([k >= 1], [step * self.size + a], STOP)
        if step < 2 * DEGREE:
            via = heard[:, step - DEGREE]
            goes_on = (k > 1) & (heard[:, :DEGREE] >= 0).all(axis=1)
            goes_on &= (heard[:, :DEGREE] < self.size).all(axis=1)
            return chosen(
                [goes_on], [self.simple + ((k - 2) * self.size + via) * self.size + b], STOP
            )
        return np.full(len(nodes), STOP)

    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """0 at the goal itself, else one more than the nearer neighbour, if that is near enough."""
        k, a, b = self._parts(nodes)
        via, beyond = heard[:, :DEGREE], heard[:, DEGREE:]
        arrived = np.where(via == b[:, None], self.size, self.far)
        known = np.where(k[:, None] > 1, beyond, arrived)
        sound = ((known >= self.size) & (known <= self.far)).all(axis=1)
        near = known.min(axis=1)
        within = near < self.size + k  # the names of distances ascend, to `far`
        return chosen([a == b, ~sound, within], [self.size, self.none, near + 1], self.far)
