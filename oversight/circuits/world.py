"""Circuits as a world's cases, and what each party has in its head about them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from oversight import keys
from oversight.circuits import attempts
from oversight.circuits.cases import case_about
from oversight.circuits.files import read_circuit
from oversight.circuits.graph import Circuit, Shape, draw_circuit, redrawn
from oversight.circuits.steps import Check, in_words, listed
from oversight.circuits.traces import EXPERT, SHALLOW, Luck, Material, Skills, reliability
from oversight.circuits.workers import Glance
from oversight.core import Case, Message, Seat, View
from oversight.world import World

SECOND = ("critic", "debater_1", "consultant_1", "estimator")
"""Seats of a second expert, whose luck is another's than the first's."""
REMEMBERED = 20_000
"""Cases kept: the protocols of a comparison are played on the same ones."""


class CircuitWorld(World):
    """Questions on circuits, whatever may be said and done about them."""

    answers = 2

    def __init__(
        self, shape: Shape, skills: Skills, second: float | None, graph: str | Path | None
    ) -> None:
        """Circuits of a shape, or that of a file with its inputs drawn anew for each case.

        Args:
            shape: of drawn circuits.
            skills: how often who errs.
            second: ε of the second expert where it differs.
            graph: a circuit's file; read when a case is asked for.
        """
        self.shape, self.skills, self.second = shape, skills, second
        self.graph = None if graph is None else Path(graph)
        self._cases: dict[tuple[int, int], Case] = {}

    @property
    def files(self) -> Sequence[Path]:
        """The circuit's, if one is given."""
        return () if self.graph is None else (self.graph,)

    # Cases

    def case(self, index: int, seed: int) -> Case:
        """Circuit number `index` of a seed, its inputs, and everybody's luck with it."""
        if (index, seed) not in self._cases:
            if len(self._cases) >= REMEMBERED:
                self._cases.clear()
            self._cases[index, seed] = self._case(index, seed)
        return self._cases[index, seed]

    def _case(self, index: int, seed: int) -> Case:
        key = keys.root(seed, self.name, index)
        drawn = keys.root(key, "circuit")
        given = self._given
        circuit = draw_circuit(self.shape, drawn) if given is None else redrawn(given, drawn)
        return case_about(
            Luck(circuit, self.skills, keys.root(key, "luck")),
            f"{self.name}-{seed}-{index}",
            distractor=keys.root(key, "distractor"),
            public=keys.root(key, "public"),
        )

    # What a party believes

    def private(self, case: Case, seat: str, role: Seat) -> Material | None:
        """An expert's beliefs at an expert's seat, the judge's own at the others."""
        luck: Luck = case.private
        seen = ("private", seat, role.expert, role.level)
        return luck.remember(seen, lambda: self._in_mind(luck, seat, role))

    def _in_mind(self, luck: Luck, seat: str, role: Seat) -> Material | None:
        if not role.expert:
            return self._material(luck, SHALLOW, self.skills.at(role.level))
        other = seat in SECOND
        rate = self.skills.at(role.level)
        if other and self.second is not None:
            rate = self.second
        material = self._material(luck, f"{EXPERT}-{int(other)}", rate)
        if seat.startswith(attempts.SOLVER):
            shifts = attempts.attempt(luck, seat, material.rate)
            material = material._replace(values=luck.circuit.run(shifts), errors=shifts)
        blind = luck.chosen("blind", self.skills.obfuscation)
        judge = self._judges(luck).values
        return material._replace(blind=blind, judge=judge, hidden=luck.hidden)

    def _judges(self, luck: Luck) -> Material:
        return self._material(luck, SHALLOW, self.skills.shallow)

    def _material(self, luck: Luck, who: str, rate: float) -> Material:
        errors = luck.shifts(who, rate)
        care = self.skills.careful
        sure = reliability(self._given or self.shape, rate, care)
        return Material(luck.circuit, luck.trace(who, rate), rate, errors, sure, care)

    def material(self, view: View) -> str:
        """The seat's own value of every gate; a worker's of its own wire."""
        match view.private:
            case Material(circuit=circuit, values=values):
                return f"Your own evaluation, which may err: {listed(circuit, values)}."
            case Glance(value=value):
                return f"Your own glance at it, which may err: {value}."
            case _:
                return ""

    # What a look finds

    def _checked(
        self, luck: Luck, seat: str, act: str, gate: int, values: Sequence[int], *, own: bool
    ) -> Message:
        """One step of a trace, (wires,), and what the judge's careful look at it gives."""
        circuit = luck.circuit
        value = values[circuit.wire(gate)]
        children = tuple(values[wire] for wire in circuit.children(gate))
        found: int | None = luck.careful(gate, *children)
        if gate in luck.chosen("blind", self.skills.obfuscation):
            found = value if self.skills.blind == "silent" else None
        check = Check(gate, value, children, found, own)
        return Message(seat, act, in_words(check, circuit), check)

    # How large the circuits are

    @cached_property
    def _given(self) -> Circuit | None:
        return None if self.graph is None else read_circuit(self.graph)

    @cached_property
    def _gates(self) -> int:
        return self.shape.gates if self._given is None else self._given.gates

    @cached_property
    def _wires(self) -> int:
        return self.shape.inputs + self.shape.gates if self._given is None else self._given.wires

    @cached_property
    def _values(self) -> int:
        return self.shape.m if self._given is None else self._given.m

    @cached_property
    def _layers(self) -> int:
        return self.shape.depth if self._given is None else self._given.layer[-1]

    @cached_property
    def _fanin(self) -> int:
        return self.shape.fanin if self._given is None else self._given.fanin
