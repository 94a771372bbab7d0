"""Presented work on a circuit: a value for every gate, its steps, and the claims it consists of."""

from __future__ import annotations

from collections.abc import Sequence

from oversight.circuits import attempts
from oversight.circuits.graph import Circuit
from oversight.circuits.steps import Asked, Conceded, Given, Work, listed, wire_name
from oversight.circuits.traces import Luck, Material
from oversight.circuits.world import CircuitWorld
from oversight.core import Case, Message, View
from oversight.derived import derived
from oversight.looks import Looked
from oversight.spaces import Choose, Reply
from oversight.stepwise import Stepwise, works_that_fit
from oversight.world import Disputable


class PresentedCircuits(CircuitWorld, Stepwise, Disputable):
    """Circuits on which experts present work, which can be looked at and disputed step by step."""

    # A value for every gate

    def present_space(self, case: Case, seat: str, view: View) -> Choose:
        """0 is its own trace; 1 + gate·(m−1) + shift − 1 plants a flaw that makes the root fit."""
        material: Material = view.private
        asked: Asked = case.question.data
        works_there_are = Choose(1 + material.circuit.gates * (material.circuit.m - 1))
        wanted = None if view.side is None else asked.values[view.side.answer]
        return works_that_fit(
            works_there_are, view.side, lambda option: self._work(material, option)[-1], wanted
        )

    @property
    def present_bound(self) -> Choose:
        """One's own, or any one flaw."""
        return Choose(1 + self._gates * (self._values - 1))

    def publish_work(self, case: Case, seat: str, reply: Reply, view: View) -> Message:
        """A value for every gate."""
        assert isinstance(reply, int)  # the space is a Choose
        material: Material = view.private
        values = self._work(material, reply)
        return Message(seat, "present", listed(material.circuit, values), Work(values))

    def conceded(self, case: Case, work: Message, view: View) -> Message | None:
        """The root's value, where it is not what the seat's side needs."""
        asked: Asked = case.question.data
        root = work.data.values[-1]
        if view.side is None or (root == asked.values[view.side.answer]) is view.side.supports:
            return None
        words = f"The work comes to {root}, against its own side."
        return Message(work.seat, "concede", words, Conceded(root))

    def _work(self, material: Material, option: int) -> tuple[int, ...]:
        if not option:
            return material.values
        gate, shift = divmod(option - 1, self._values - 1)
        return material.flawed(gate, shift + 1)

    # Its steps

    @derived
    def steps(self) -> int:
        """Every gate is a step."""
        return self._gates

    @derived
    def signs(self) -> int:
        """Layers, with and without the judge's glance agreeing, and a few more."""
        return 2 * self._layers + attempts.EXTRA

    def steps_of(self, case: Case, work: Message) -> Sequence[Message]:
        """Every gate with its children's values, as claimed."""
        return attempts.steps_of(case.private.circuit, work)

    def looked(self, case: Case, work: Message) -> Sequence[Looked]:
        """The judge's careful look and its glance at every gate."""
        luck: Luck = case.private
        return attempts.looked(luck, self._judges(luck), self.skills.expert, work)

    def signs_of(self, view: View, place: int) -> Sequence[int]:
        """A gate's layer, and whether the judge's glance at it agrees."""
        return attempts.signs_of(view, place, self._layers)

    def graded(self, case: Case, work: Message) -> Sequence[bool]:
        """Whether each value follows from the children's."""
        return attempts.graded(case.private.circuit, work.data)

    # Claims that back one another: a value a wire, and that a gate's follows

    @derived
    def backing(self) -> int:
        """A value rests on its gate's step, and on the children's values."""
        return 1 + self._fanin

    @derived
    def claims(self) -> int:
        """The value of every wire; then, numbered on, that each gate's follows from its inputs'."""
        return self._wires + self._gates

    def whole(self, case: Case) -> int:
        """The root's value."""
        return case.private.circuit.wires - 1

    def backed_by(self, case: Case, claim: int) -> tuple[int, ...]:
        """A gate's value rests on its step and on its children's values."""
        circuit: Circuit = case.private.circuit
        gate = circuit.gate(claim) if claim < circuit.wires else None
        return () if gate is None else (circuit.wires + gate, *circuit.children(gate))

    def claim_in_words(self, case: Case, work: Message, claim: int) -> str:
        """`g3 = 1`, or that it follows."""
        circuit: Circuit = case.private.circuit
        if claim < circuit.wires:
            return f"{wire_name(circuit, claim)} = {work.data.values[claim]}"
        return f"the value of g{claim - circuit.wires} follows"

    def check(self, case: Case, work: Message, claim: int) -> Message:
        """A careful look at a step; inputs are given, and what is claimed of them holds."""
        luck: Luck = case.private
        wires = luck.circuit.wires
        if claim < wires:
            words = f"{self.claim_in_words(case, work, claim)} is given."
            return Message(work.seat, "argue", words, Given())
        return self._checked(luck, work.seat, "argue", claim - wires, work.data.values, own=False)
