"""Sequential assignments: what is a variable worth at the end of a program?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from oversight.algorithms.layers import one_of, shuffled_layers
from oversight.algorithms.task import STOP, Ints, Task, chosen

FIRST, SECOND, VALUE = range(3)


class SequentialAssignments(Task):
    """Variables are set to constants or to the sum of two earlier ones, modulo `modulus`.

    Facts are (variable, first, second): a variable or a constant, and a variable or nothing. The
    rule asks for the two operands, which are facts, and then for their values.
    """

    name: ClassVar[str] = "sequential_assignments"
    steps: ClassVar[int] = 4
    modulus: ClassVar[int] = 4

    def __init__(self, size: int, difficulty: int) -> None:
        super().__init__(size, difficulty)
        self.facts = size
        self.simple = 2 * size
        self.question_widths = (3, size)
        self.fact_widths = (size, size + self.modulus, size + 1)
        self.named_by = (None, 0)

    def _answers(self) -> Sequence[str]:
        return [*(f"v{v}" for v in range(self.size)), *map(str, range(self.modulus))]

    def _tokens(self) -> Sequence[Sequence[int]]:
        return [[kind, v] for kind in (FIRST, SECOND, VALUE) for v in range(self.size)]

    def prompt(self, node: int) -> str:
        """Such as "What is v3 worth?"."""
        kind, v = divmod(node, self.size)
        return (
            f"What is v{v} first made of?",
            f"What is added to it in v{v}?",
            f"What is v{v} worth?",
        )[kind]

    def words(self, fact: Sequence[int]) -> str:
        """Such as "v3 = v0 + v1"."""
        v, first, second = fact
        added = "" if second == self.size else f" + v{second}"
        return f"v{v} = {self.answers[first]}{added}"

    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """Programs with constants on the first of `difficulty` layers.

        One operand is of the layer below, the other of any layer below.
        """
        layer = shuffled_layers(generator, batch, self.size, difficulty)
        below = layer[:, None, :] < layer[:, :, None]  # [b, v, w]: w may be an operand of v
        next_below = layer[:, None, :] == layer[:, :, None] - 1
        one, other = one_of(generator, next_below), one_of(generator, below)
        swap = generator.integers(0, 2, one.shape) == 1
        constant = self.size + generator.integers(0, self.modulus, one.shape)
        first = np.where(layer == 0, constant, np.where(swap, other, one))
        second = np.where(layer == 0, self.size, np.where(swap, one, other))
        return np.stack([np.broadcast_to(np.arange(self.size), one.shape), first, second], axis=2)

    def askable(self, difficulty: int) -> Ints:
        """Every variable's value."""
        return np.arange(VALUE * self.size, self.nodes)

    def lookup(self, contexts: Ints) -> Ints:
        """The operands as they are written."""
        second = contexts[:, :, 2]
        return np.concatenate(
            [contexts[:, :, 1], np.where(second == self.size, self.none, second)], axis=1
        )

    def solve(self, contexts: Ints) -> Ints:
        """Runs the program: every variable again and again until all are known."""
        first, second = contexts[:, :, 1], contexts[:, :, 2]
        constant = first >= self.size
        value = np.where(constant, first - self.size, 0)
        for _ in range(self.difficulty):
            left = np.take_along_axis(value, np.where(constant, 0, first), axis=1)
            right = np.take_along_axis(value, np.where(constant, 0, second), axis=1)
            value = np.where(constant, value, (left + right) % self.modulus)
        return np.concatenate([self.lookup(contexts), self.size + value], axis=1)

    def depths(self, contexts: Ints) -> Ints:
        """1 for a constant, else one more than the deeper operand."""
        first, second = contexts[:, :, 1], contexts[:, :, 2]
        constant = first >= self.size
        depth = np.ones_like(first)
        for _ in range(self.difficulty):
            left = np.take_along_axis(depth, np.where(constant, 0, first), axis=1)
            right = np.take_along_axis(depth, np.where(constant, 0, second), axis=1)
            depth = np.where(constant, 1, 1 + np.maximum(left, right))
        return np.concatenate([np.zeros((len(first), self.simple), np.int64), depth], axis=1)

    def _is_variable(self, answer: Ints) -> np.ndarray:
        return (answer >= 0) & (answer < self.size)

    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """The first operand; if it is a variable the second, then the value of either."""
        kind, v = np.divmod(nodes, self.size)
        step = heard.shape[1]
        goes_on = kind == VALUE
        if step == 0:
            return chosen([goes_on], [v], STOP)
        goes_on &= self._is_variable(heard[:, 0])
        if step == 1:
            return chosen([goes_on], [SECOND * self.size + v], STOP)
        goes_on &= self._is_variable(heard[:, 1])
        if step < 4:
            return chosen([goes_on], [VALUE * self.size + heard[:, step - 2]], STOP)
        return np.full(len(nodes), STOP)

    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """The constant, or the sum of the two values."""
        low, high = self.size, self.size + self.modulus
        constant = (heard[:, 0] >= low) & (heard[:, 0] < high)
        values = ((heard[:, 2:4] >= low) & (heard[:, 2:4] < high)).all(axis=1)
        total = low + (heard[:, 2] + heard[:, 3] - 2 * low) % self.modulus
        return chosen([constant, values], [heard[:, 0], total], self.none)
