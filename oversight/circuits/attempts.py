"""A solver's several attempts at one circuit, and the steps of what it presents.

An attempt is another look by the same expert at every gate. The share ρ of its errors is the same
at every attempt (`Skills.systematic`, all of them by default); the rest are drawn anew, and only
those can be voted or selected away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oversight.circuits.graph import Circuit
from oversight.circuits.steps import Check, Work, step_in_words
from oversight.circuits.traces import EXPERT, Luck, Material
from oversight.core import Message, View
from oversight.looks import Looked

SOLVER = "solver_"
"""How the seats of attempts begin; their number follows."""
EXTRA = 4
"""Signs that are not a layer: the glance agrees or not; the answer is the rater's own or not."""


class Claimed(NamedTuple):
    """One step of a presented work, not looked at yet: the data of its message."""

    gate: int
    value: int
    children: tuple[int, ...]


def attempt(luck: Luck, seat: str, rate: float) -> tuple[int, ...]:
    """(gates,) how far each gate is off at the attempt that a solver's seat stands for."""
    number = int(seat.removeprefix(SOLVER))
    who = f"{EXPERT}-0"
    return tuple(luck.look(who, rate, gate, number) for gate in range(luck.circuit.gates))


def steps_of(circuit: Circuit, work: Message) -> list[Message]:
    """Every gate with its children's values, as claimed."""
    return [
        Message(work.seat, "step", step_in_words(circuit, *step), step)
        for step in _claimed(circuit, work.data)
    ]


def _claimed(circuit: Circuit, work: Work) -> list[Claimed]:
    values = work.values
    return [
        Claimed(gate, values[circuit.wire(gate)], tuple(values[wire] for wire in wires))
        for gate, wires in enumerate(circuit.takes)
    ]


def looked(luck: Luck, judge: Material, rate: float, work: Message) -> tuple[Looked, ...]:
    """The judge's careful look and its glance at every step; `rate` is the solver's own ε."""
    circuit, care = luck.circuit, luck.skills.careful
    blind = luck.chosen("blind", luck.skills.obfuscation)
    whole = work.data.values[-1] == judge.root
    found: list[Looked] = []
    for step in _claimed(circuit, work.data):
        value: int | None = luck.careful(step.gate, *step.children)
        if step.gate in blind:
            value = None if luck.skills.blind == "declared" else step.value
        check = Check(*step, value)
        glance = judge.evaluate(step.gate, *step.children) == step.value
        found.append(Looked(check.passes, care, rate, circuit.m, glance, whole, check))
    return tuple(found)


def signs_of(view: View, place: int, layers: int) -> tuple[int, ...]:
    """A step's layer, with and without the glance; at the root, whether the answer is one's own.

    Signs 0 … layers − 1: the layer; then those that disagree at a glance, by layer; then `EXTRA`.
    """
    circuit: Circuit = view.question.data.circuit
    held: Sequence[Looked] = view.private
    step, look = view.transcript[place].data, held[place]
    layer = circuit.layer[circuit.wire(step.gate)] - 1
    signs = [layer, 2 * layers + look.glance]
    if not look.glance:
        signs.append(layers + layer)
    if step.gate == circuit.gates - 1:
        signs.append(2 * layers + 2 + look.whole)
    return tuple(signs)


def graded(circuit: Circuit, work: Work) -> tuple[bool, ...]:
    """Whether each gate's value is its operation at its children's claimed values."""
    return tuple(
        circuit.evaluate(step.gate, *step.children) == step.value
        for step in _claimed(circuit, work)
    )
