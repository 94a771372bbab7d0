"""Circuit evaluation: what is a gate worth, when only the overseer knows what its operation does?

No task of the paper's. It is there to measure how a learner's errors compound by the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from oversight.algorithms.task import STOP, Ints, Task, chosen

OPERATION, FIRST, SECOND, VALUE = range(4)
MODULUS = 3
NAMES = ("f", "g")
HIDDEN = ((1, 1, 0), (2, 2, 1))
"""Each operation's a, b, c: it gives a·x + b·y + c modulo 3. No fact and no question shows them.

Neither a nor b is 0, so that a wrong operand always makes the result wrong.
"""


def table() -> Ints:
    """(operations, x, y) what each operation gives."""
    a, b, c = np.array(HIDDEN).T[:, :, None, None]
    x, y = np.arange(MODULUS)[:, None], np.arange(MODULUS)
    return (a * x + b * y + c) % MODULUS


class Gates(Task):
    """Gates in layers over inputs; each applies an operation to two gates of the layer below.

    Facts are (gate, operation or an input's value, first operand, second operand). The rule asks
    for the operation and the operands, which are facts, then for the operands' values, and applies
    the operation's table, which is in no fact: who answers must learn it from such work. All
    contexts have the same tables. Depth counts the layers, inputs among them.
    """

    name: ClassVar[str] = "gates"
    steps: ClassVar[int] = 5
    smallest: ClassVar[int] = 4

    def __init__(self, size: int, difficulty: int) -> None:
        super().__init__(size, difficulty)
        self.facts = size
        self.simple = VALUE * size
        self.question_widths = (4, size)
        self.fact_widths = (size, len(NAMES) + MODULUS, size + 1, size + 1)
        self.named_by = (None, 0)
        self.facts_named_by = (None, None, 0, 0)
        self._table = table()
        self._low = size + len(NAMES)  # the answer "0"

    @classmethod
    def deepest(cls, size: int) -> int:
        """Two gates a layer, so that operands differ."""
        return size // 2

    def _answers(self) -> Sequence[str]:
        return [*(f"g{v}" for v in range(self.size)), *NAMES, *map(str, range(MODULUS))]

    def _tokens(self) -> Sequence[Sequence[int]]:
        return [[kind, v] for kind in range(4) for v in range(self.size)]

    def prompt(self, node: int) -> str:
        """Such as "What is g3 worth?"."""
        kind, v = divmod(node, self.size)
        return (
            f"What operation is at g{v}?",
            f"What is the first operand of g{v}?",
            f"What is the second operand of g{v}?",
            f"What is g{v} worth?",
        )[kind]

    def words(self, fact: Sequence[int]) -> str:
        """Such as "g3 = f(g0, g1)"."""
        v, what, first, second = fact
        shown = self.answers[self.size + what]
        return f"g{v} = {shown}" + ("" if first == self.size else f"(g{first}, g{second})")

    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """Circuits of `difficulty` layers of about the same size, their gates named at random."""
        even = np.arange(self.size) * difficulty // self.size
        layer = generator.permuted(np.broadcast_to(even, (batch, self.size)), axis=1)
        below = layer[:, None, :] == layer[:, :, None] - 1  # [b, v, w]: w may be an operand of v
        luck = np.where(below, generator.random(below.shape), -1.0)
        first, second = np.moveaxis(np.argsort(luck, axis=2)[:, :, -2:], 2, 0)
        inputs = layer == 0
        what = np.where(
            inputs,
            len(NAMES) + generator.integers(0, MODULUS, layer.shape),
            generator.integers(0, len(NAMES), layer.shape),
        )
        operands = (np.where(inputs, self.size, operand) for operand in (first, second))
        gates = np.broadcast_to(np.arange(self.size), layer.shape)
        return np.stack([gates, what, *operands], axis=2)

    def askable(self, difficulty: int) -> Ints:
        """Every gate's value, and every input's."""
        return np.arange(VALUE * self.size, self.nodes)

    def lookup(self, contexts: Ints) -> Ints:
        """Operations and operands as they are written; an input's value in place of the first."""
        operands = contexts[:, :, 2:]
        named = np.where(operands == self.size, self.none, operands)
        return np.concatenate([self.size + contexts[:, :, 1], named[:, :, 0], named[:, :, 1]], 1)

    def solve(self, contexts: Ints) -> Ints:
        """Evaluates the circuit: every gate again and again until all are known."""
        what, first, second = np.moveaxis(contexts[:, :, 1:], 2, 0)
        inputs = first == self.size
        value = np.where(inputs, what - len(NAMES), 0)
        operation = np.where(inputs, 0, what)
        for _ in range(self.difficulty - 1):
            left = np.take_along_axis(value, np.where(inputs, 0, first), axis=1)
            right = np.take_along_axis(value, np.where(inputs, 0, second), axis=1)
            value = np.where(inputs, value, self._table[operation, left, right])
        return np.concatenate([self.lookup(contexts), self._low + value], axis=1)

    def depths(self, contexts: Ints) -> Ints:
        """1 for an input, else one more than the operands."""
        first = contexts[:, :, 2]
        inputs = first == self.size
        depth = np.ones_like(first)
        for _ in range(self.difficulty - 1):
            below = np.take_along_axis(depth, np.where(inputs, 0, first), axis=1)
            depth = np.where(inputs, 1, 1 + below)
        return np.concatenate([np.zeros((len(first), self.simple), np.int64), depth], axis=1)

    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """The operation; if it is no input's value the operands, then what they are worth."""
        kind, v = np.divmod(nodes, self.size)
        step = heard.shape[1]
        goes_on = kind == VALUE
        if step == 0:
            return chosen([goes_on], [v], STOP)
        goes_on &= (heard[:, 0] >= self.size) & (heard[:, 0] < self._low)
        if step < 3:
            return chosen([goes_on], [step * self.size + v], STOP)
        operand = heard[:, 1:3]
        goes_on &= ((operand >= 0) & (operand < self.size)).all(axis=1)
        if step < 5:
            return chosen([goes_on], [VALUE * self.size + heard[:, step - 2]], STOP)
        return np.full(len(nodes), STOP)

    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """The input's value, or what the operation makes of the operands' values."""
        what, values = heard[:, 0], heard[:, 3:5] - self._low
        known = (values >= 0) & (values < MODULUS)
        x, y = np.where(known, values, 0).T
        gate = (what >= self.size) & (what < self._low) & known.all(axis=1)
        made = self._low + self._table[np.where(gate, what - self.size, 0), x, y]
        return chosen([self._is_value(what), gate], [what, made], self.none)

    def _is_value(self, answer: Ints) -> np.ndarray:
        return (answer >= self._low) & (answer < self._low + MODULUS)
