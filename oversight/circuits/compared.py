"""What a seat sees of each thing that it may present or bring up on a circuit, as numbers.

They are what an expert has in its head (`oversight.circuits.traces.Material`), and no more: its own
values, the judge's glance, which gates the judge is blind at. What to make of them is for who
learns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oversight.circuits.presented import PresentedCircuits
from oversight.circuits.steps import checks, works
from oversight.circuits.traces import Material
from oversight.core import OversightError, Turn
from oversight.derived import derived
from oversight.world import Comparable

SIGNS = (
    "claiming",
    "presenting",  # neither is bringing up a step
    "silence",
    "own",  # its own answer; its own trace, as it is; a step of its own work
    "height",  # the gate's layer, of all
    "checked",  # how many steps have been brought up, of all gates
    "blind",  # the judge's look tells nothing there
    "hidden",  # the opponent lacks the value
    "glance",  # the judge's own glance agrees with what is claimed
    "wrong",  # what is claimed does not follow, as this seat sees it
    "changed",  # share of gates whose value differs from its own trace
    "agrees",  # share of gates at which the judge's glance agrees with the work
    "fits",  # the work's root is the answer of its side
)
"""One number each, 0 where it makes no sense."""


class ComparedCircuits(PresentedCircuits, Comparable):
    """Circuits whose replies nets can score."""

    @derived
    def signs_of_replies(self) -> int:
        """One number a sign."""
        return len(SIGNS)

    def compare_replies(self, turn: Turn, replies: Sequence[int | None]) -> NDArray[np.float32]:
        """The signs of each reply. OversightError for a seat that is no expert's."""
        material = turn.view.private
        if not isinstance(material, Material):
            raise OversightError(f"{turn.seat} sees no trace of the circuit; seat it as an expert")
        kinds = {"claim": self._claimed, "present": self._presented}
        told = kinds.get(turn.act, self._brought_up)
        rows = np.zeros((len(replies), len(SIGNS)), np.float32)
        for row, reply in zip(rows, replies, strict=True):
            signs = {"silence": 1.0} if reply is None else told(turn, material, reply)
            row[[SIGNS.index(name) for name in signs]] = list(signs.values())
        return rows

    def _claimed(self, turn: Turn, material: Material, answer: int) -> dict[str, float]:
        """An answer: its own, or the judge's at a glance."""
        value = turn.view.question.data.values[answer]
        glance = (material.judge or material.values)[-1]
        return {
            "claiming": 1.0, "own": float(value == material.root), "glance": float(value == glance),
        }  # fmt: skip

    def _presented(self, turn: Turn, material: Material, option: int) -> dict[str, float]:
        """A work: one's own trace, or one with a flaw."""
        values = self._work(material, option)
        signs = {
            "presenting": 1.0,
            "own": float(not option),
            "changed": _differing(material.values, values),
            "agrees": 1 - _differing(material.judge or values, values),
        }
        side, asked = turn.view.side, turn.view.question.data
        if side is not None:
            signs["fits"] = float((values[-1] == asked.values[side.answer]) is side.supports)
        if option:
            signs |= self._at_gate(material, (option - 1) // (self._values - 1), values)
        return signs

    def _brought_up(self, turn: Turn, material: Material, gate: int) -> dict[str, float]:
        """A step of a work: one's own, or else the one that is criticised."""
        said = turn.view.transcript
        held = works(said)
        work = held.get(turn.seat) or next(iter(held.values()), None)
        values = (material.judge or material.values) if work is None else work.values
        done = {check.gate for _, check in checks(said)}
        signs = {"own": float(turn.seat in held), "checked": len(done) / material.circuit.gates}
        return signs | self._at_gate(material, gate, values)

    def _at_gate(self, material: Material, gate: int, values: Sequence[int]) -> dict[str, float]:
        circuit = material.circuit
        wire = circuit.wire(gate)
        judge = material.judge or values
        return {
            "height": circuit.layer[wire] / max(1, circuit.layer[-1]),
            "blind": float(gate in material.blind),
            "hidden": float(gate in material.hidden),
            "glance": float(judge[wire] == values[wire]),
            "wrong": float(material.at(gate, values) != values[wire]),
        }


def _differing(one: Sequence[int], other: Sequence[int]) -> float:
    """The share of wires that differ."""
    return float(np.not_equal(one, other).mean())
