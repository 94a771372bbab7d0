"""Workers on parts of a circuit: each knows one wire, and what it was told of the wires below.

A worker that was told nothing answers at a glance. One that was told the values of a gate's
children looks at the gate with care. Both are luck of the judge's kind, so that a tree of workers
and a judge who attends to the same gates are the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oversight import keys
from oversight.circuits.graph import Circuit
from oversight.core import Message, OversightError, Turn
from oversight.decomposition import Answered
from oversight.players import Agent
from oversight.spaces import Choose, Credences, Pick, Reply


class Part(NamedTuple):
    """One wire of a circuit as a question's data: public."""

    circuit: Circuit
    wire: int
    values: tuple[int, ...]
    """The value that each candidate answer stands for."""
    case: str


class Glance(NamedTuple):
    """What a worker has in its head about its wire."""

    value: int
    """What it would say unaided."""
    off: int
    """How far off its careful look at the gate is. Workers never look at it but by `look`."""
    care: float
    """How often a careful look errs: η."""

    def look(self, part: Part, *children: int) -> int:
        """The gate's value at its children's values, as a careful look finds it."""
        gate = part.circuit.gate(part.wire)
        assert gate is not None  # inputs have no children to be told of
        return (part.circuit.evaluate(gate, *children) + self.off) % part.circuit.m


class CircuitWorker(Agent):
    """Takes a gate apart into its children, and answers by looking at it or at a glance.

    Args:
        lies: how often it gives another answer than the one it found. Never where its credences
            are asked for.
    """

    def __init__(self, lies: float = 0.0) -> None:
        if not 0 <= lies <= 1:
            raise OversightError(f"lies is a probability, got {lies}")
        self.lies = lies

    @property
    def label(self) -> str:
        """Such as "worker", or "worker(lies=0.5)"."""
        return f"worker(lies={self.lies:g})" if self.lies else "worker"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself."""
        return [self._play(turn) for turn in turns]

    def _play(self, turn: Turn) -> Reply:
        part, glance = turn.view.question.data, turn.view.private
        if not isinstance(part, Part) or not isinstance(glance, Glance):
            raise OversightError(f"a worker of circuits is given one wire; {turn.seat} is not")
        told, children = told_in(turn.view.transcript), _children(part)
        match turn.space:
            case Pick():
                return children
            case Choose(silence=True):
                return next((wire for wire in children if wire not in told), None)
            case Choose() | Credences():
                return self._answer(turn, part, glance)
            case _:
                raise OversightError(f"a worker of circuits cannot {turn.act}")

    def _answer(self, turn: Turn, part: Part, glance: Glance) -> Reply:
        value, n = concluded(part, glance, turn.view.transcript), len(part.values)
        answer = part.values.index(value) if value in part.values else turn.key % n
        if isinstance(turn.space, Choose):
            lies = keys.unit(keys.fold(turn.key, 1)) < self.lies
            return (answer + 1 + keys.below(keys.fold(turn.key, 2), n - 1)) % n if lies else answer
        sure = 1 - glance.care
        return tuple(sure if place == answer else glance.care / (n - 1) for place in range(n))


def concluded(part: Part, glance: Glance, transcript: Sequence[Message]) -> int:
    """The wire's value: by a careful look, if the children's are known, else at a glance."""
    told, children = told_in(transcript), _children(part)
    if children and all(wire in told for wire in children):
        return glance.look(part, *(told[wire] for wire in children))
    return glance.value


def _children(part: Part) -> tuple[int, ...]:
    gate = part.circuit.gate(part.wire)
    return () if gate is None else part.circuit.children(gate)


MISLEADING: Mapping[str, Mapping[str, Agent]] = {
    f"assistant lies, {lies:.0%} of its answers": {"assistant": CircuitWorker(lies)}
    for lies in (0.5, 1.0)
}
"""Casts that try to mislead whoever puts answers together."""


def told_in(transcript: Sequence[Message]) -> dict[int, int]:
    """Wire -> the value that another worker gave for it: parts have every value as a candidate."""
    return {m.data.node: m.data.answer for m in transcript if isinstance(m.data, Answered)}
