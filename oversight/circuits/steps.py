"""What is said about gates aloud, and what follows from it.

Whoever claims an answer presents a `Work`, a value for every wire, which experts read and the judge
does not. A judge reads single steps, and checks each: a `Check`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oversight import keys
from oversight.circuits.graph import Circuit
from oversight.circuits.traces import corrected
from oversight.core import Message


class Asked(NamedTuple):
    """What the question is about: public, and the same for everybody."""

    circuit: Circuit
    case: str
    values: tuple[int, ...]
    """The root value that each candidate answer stands for."""
    key: int
    """The luck of whatever both sides may know: which of two disputed wires is followed."""


class Work(NamedTuple):
    """A value for every wire, as somebody claims it: (wires,)."""

    values: tuple[int, ...]


class Check(NamedTuple):
    """One step, read and checked: a gate with its children's values as claimed."""

    gate: int
    value: int
    """The value claimed."""
    children: tuple[int, ...]
    """The values claimed of its children."""
    found: int | None
    """What a careful look gave; None if the judge saw that it sees nothing there."""
    own: bool = False
    """Whether the step is of the judge's own trace, not of anybody's claim."""

    @property
    def passes(self) -> bool | None:
        """Whether the look agreed; None if it told nothing."""
        return None if self.found is None else self.found == self.value


class Conceded(NamedTuple):
    """A work that was presented comes to another answer than the one it was to back."""

    value: int
    """The root's, in the work."""


class Given(NamedTuple):
    """An input, which needs no check."""

    passes: bool = True


def works(transcript: Sequence[Message]) -> dict[str, Work]:
    """Who presented what."""
    return {m.seat: m.data for m in transcript if isinstance(m.data, Work)}


def checks(transcript: Sequence[Message]) -> list[tuple[str, Check]]:
    """Every step checked so far, and who brought it up."""
    return [(m.seat, m.data) for m in transcript if isinstance(m.data, Check)]


def claims(transcript: Sequence[Message]) -> dict[str, int]:
    """Who claims which answer."""
    return {m.seat: m.data for m in transcript if m.act == "claim"}


def own_trace(
    circuit: Circuit, values: tuple[int, ...], transcript: Sequence[Message]
) -> tuple[int, ...]:
    """(wires,) the judge's own trace, `values` at first, after the looks it has taken at it."""
    looks = own_looks(circuit, transcript)
    return corrected(circuit, values, looks) if looks else values


def own_looks(circuit: Circuit, transcript: Sequence[Message]) -> Mapping[int, int]:
    """Gate -> how far off the judge's own look was from the operation at the children it took."""
    return {
        check.gate: (check.found - circuit.evaluate(check.gate, *check.children)) % circuit.m
        for _, check in checks(transcript)
        if check.own and check.found is not None
    }


def descent(
    asked: Asked, one: Work, other: Work, hidden: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """The gates at which two works are compared, from the root down to the crux.

    Each is a child of the one before on which the works differ, a random one if they differ on
    both. The last is the crux: the works agree on its children and not on it. Empty if the works
    agree on the root. Where they differ at gates of `hidden` nobody knows that they do, and
    nothing leads down there.
    """
    circuit = asked.circuit
    if one.values[-1] == other.values[-1]:
        return ()
    gate = circuit.gates - 1
    path = [gate]
    while True:
        differing = [
            circuit.gate(wire)
            for wire in circuit.children(gate)
            if one.values[wire] != other.values[wire]
        ]
        below = [child for child in differing if child is not None and child not in hidden]
        if not below:
            return tuple(path)
        pick = keys.below(keys.root(asked.key, "descend", gate), len(below))
        gate = below[pick]
        path.append(gate)


def in_words(check: Check, circuit: Circuit) -> str:
    """`g7 = 1 from 0 and 1; a careful look gives 1.`"""
    said = step_in_words(circuit, check.gate, check.value, check.children)
    if check.found is None:
        return f"{said}; a careful look tells nothing."
    return f"{said}; a careful look gives {check.found}."


def step_in_words(circuit: Circuit, gate: int, value: int, children: Sequence[int]) -> str:
    """`g7 = 1, from g2 = 0 and g4 = 1`."""
    wires = circuit.children(gate)
    taken = [f"{wire_name(circuit, w)} = {v}" for w, v in zip(wires, children, strict=True)]
    return f"g{gate} = {value}, from {', '.join(taken[:-1])} and {taken[-1]}"


def listed(circuit: Circuit, values: Sequence[int]) -> str:
    """`g0=1, g1=0, …`: of a trace, (wires,), the value of every gate."""
    return ", ".join(f"g{gate}={v}" for gate, v in enumerate(values[len(circuit.inputs) :]))


def wire_name(circuit: Circuit, wire: int) -> str:
    """x3 for an input, g7 for a gate."""
    gate = circuit.gate(wire)
    return f"x{wire}" if gate is None else f"g{gate}"
