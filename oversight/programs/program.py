"""A program: a start and a list of operations, all modulo m."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oversight import keys

OPERATIONS = ("add", "subtract", "multiply", "square")
ADD, SUBTRACT, MULTIPLY, SQUARE = range(len(OPERATIONS))


@dataclass(frozen=True, slots=True)
class Program:
    """Start from a value and apply one operation after the other, modulo m. Public."""

    case: str
    m: int
    start: int
    operations: tuple[int, ...]
    operands: tuple[int, ...]
    """In 1 … m−1; squaring has none, and ignores its own."""
    values: tuple[int, ...]
    """The value that each candidate answer stands for: all of them."""

    @property
    def steps(self) -> int:
        """How many operations there are."""
        return len(self.operations)

    def plain(self, step: int, x: int) -> int:
        """What a step makes of x before it is reduced modulo m."""
        c = self.operands[step]
        return (x + c, x - c, x * c, x * x)[self.operations[step]]

    def apply(self, step: int, x: int) -> int:
        """What a step makes of x."""
        return self.plain(step, x) % self.m

    def carries(self, step: int, x: int) -> bool:
        """Whether the result must be reduced: the harder kind of step."""
        return not 0 <= self.plain(step, x) < self.m

    def run(self, shifts: Sequence[int] | None = None) -> tuple[int, ...]:
        """(steps,) the value after every step, each shifted by `shifts[step]` modulo m."""
        values: list[int] = []
        x = self.start
        for step in range(self.steps):
            x = (self.apply(step, x) + (shifts[step] if shifts else 0)) % self.m
            values.append(x)
        return tuple(values)

    def words(self, step: int) -> str:
        """Such as "multiply by 7"."""
        operation, c = OPERATIONS[self.operations[step]], self.operands[step]
        joined = " by" if self.operations[step] == MULTIPLY else ""
        return operation if self.operations[step] == SQUARE else f"{operation}{joined} {c}"


def draw_program(case: str, m: int, steps: int, key: int) -> Program:
    """A uniform program; a function of the key alone."""
    drawn = keys.generator(key)
    return Program(
        case,
        m,
        int(drawn.integers(m)),
        tuple(drawn.integers(len(OPERATIONS), size=steps).tolist()),
        tuple(drawn.integers(1, m, size=steps).tolist()),
        tuple(range(m)),
    )
