"""A circuit taken apart: every wire is a question of its own, and every gate a case."""

from __future__ import annotations

from oversight import keys
from oversight.circuits.cases import case_about
from oversight.circuits.graph import Circuit
from oversight.circuits.steps import Asked, wire_name
from oversight.circuits.traces import CAREFUL, SHALLOW, Luck
from oversight.circuits.workers import Glance, Part
from oversight.circuits.world import CircuitWorld
from oversight.core import Case, OversightError, Question, Sealed, Seat
from oversight.derived import derived
from oversight.world import Separable


class CircuitParts(CircuitWorld, Separable):
    """Circuits whose question rests on those of the wires below."""

    @derived
    def nodes(self) -> int:
        """Every wire is a question."""
        return self._wires

    @derived
    def branching(self) -> int:
        """A wire rests on the children of its gate."""
        return self._fanin

    @derived
    def choices(self) -> int:
        """A wire has any of the m values."""
        return self._values

    def root(self, case: Case) -> int:
        """The last wire."""
        return case.private.circuit.wires - 1

    def subquestion(self, case: Case, node: int) -> Question:
        """The value of one wire, over all m values; the root's over the case's candidates."""
        circuit: Circuit = case.private.circuit
        if not 0 <= node < circuit.wires:
            raise OversightError(f"{case.id} has wires 0 to {circuit.wires - 1}, not {node}")
        asked: Asked = case.question.data
        values = asked.values if node == circuit.wires - 1 else tuple(range(circuit.m))
        prompt = f"What is the value of {wire_name(circuit, node)}?"
        return Question(prompt, tuple(map(str, values)), Part(circuit, node, values, asked.case))

    def node_truth(self, case: Case, node: int) -> Sealed[int]:
        """The wire's true value, among its question's candidates."""
        value = case.private.circuit.run()[node]
        return Sealed(self.subquestion(case, node).data.values.index(value))

    def node_private(self, case: Case, node: int, seat: str, role: Seat) -> Glance:
        """A worker's glance at its wire: shallow, or for an assistant what it has distilled."""
        luck: Luck = case.private
        own = luck.distilled() if seat == "assistant" else luck.trace(SHALLOW, self.skills.shallow)
        gate = luck.circuit.gate(node)
        off = 0 if gate is None else luck.look(CAREFUL, self.skills.careful, gate)
        return Glance(own[node], off, self.skills.careful)

    def subcase(self, case: Case, node: int) -> Case | None:
        """The circuit below one gate; inputs are given."""
        luck: Luck = case.private
        gate = luck.circuit.gate(node)
        if gate is None:
            return None
        asked: Asked = case.question.data
        return case_about(
            luck.below(gate),
            f"{asked.case}/g{gate}",
            distractor=keys.root(asked.key, "distractor", gate),
            public=asked.key,
        )
