"""The prover and the estimator of circuits: who contests a claim, and who prices it.

The estimator has a trace of its own, and reads the prover's work but for the hidden gates (ω): of
those it has no value, neither the prover's nor its own, and no step that needs one can it scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from oversight import keys
from oversight.circuits.experts import CircuitExpert, Placement
from oversight.circuits.graph import Circuit
from oversight.circuits.steps import Asked, Work, works
from oversight.circuits.traces import Material
from oversight.core import OversightError, Turn, View
from oversight.players import Agent
from oversight.pricing import Apportioned, Contest
from oversight.spaces import Reply

Style = Literal["honest", "spreads", "denies"]


class CircuitProver(CircuitExpert):
    """An expert that contests: whatever is doubted most, as sounder than priced.

    Args:
        placement, honesty: as an expert's.
        knows: whether, backing a lie, it knows where its flaw is and keeps away from it.
    """

    def __init__(
        self, placement: Placement = "deep", honesty: float = 0.0, knows: bool = True
    ) -> None:
        super().__init__(placement, honesty)
        self.knows = knows

    @property
    def label(self) -> str:
        """Such as "prover(deep, informed)"."""
        return f"prover({self.placement}, {'informed' if self.knows else 'ignorant'})"

    def _play(self, turn: Turn) -> Reply:
        material, shared = turn.view.private, _last(turn.view, Apportioned)
        if turn.act != "contest" or not isinstance(shared, Apportioned):
            return super()._play(turn)
        work = works(turn.view.transcript)[turn.seat]
        flawed = _flaws(material, work) if self.knows else frozenset[int]()
        cones = [_cone(material.circuit, part) for part in shared.parts]
        kept = [place for place, cone in enumerate(cones) if not cone & flawed] or range(len(cones))
        most = max(shared.doubts[place] for place in kept)
        best = [place for place in kept if shared.doubts[place] == most]
        return 2 * best[keys.below(turn.key, len(best))] + 1


class CircuitEstimator(Agent):
    """Prices the claim by its own root, and shares the doubt out by where the flaw can be.

    A step that it can scan is suspect if it comes out otherwise than claimed. One that it cannot
    scan is, if a way leads there from the root over values that differ from its own or are hidden.

    Args:
        style: "spreads" prices every claim at `price` and shares the doubt evenly over all steps;
            "denies" puts it all on one way down, drawn from the key: both misprice true claims.
        price: of whoever is not honest.
    """

    def __init__(self, style: Style = "honest", price: float = 0.0) -> None:
        self.style: Style = style
        self.price = price

    @property
    def label(self) -> str:
        """Such as "estimator(honest)"."""
        return f"estimator({self.style})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself."""
        return [self._play(turn) for turn in turns]

    def _play(self, turn: Turn) -> Reply:
        material, held = turn.view.private, works(turn.view.transcript)
        if not isinstance(material, Material) or not held:
            raise OversightError("an estimator of circuits prices a work that was presented")
        work = next(iter(held.values()))
        if turn.act == "price":
            return self._price(turn.view, material, work)
        return self._share(turn, material, work)

    def _price(self, view: View, material: Material, work: Work) -> float:
        if self.style != "honest":
            return self.price
        asked: Asked = view.question.data
        sure = max(0.5, (1 - material.rate) ** asked.circuit.gates)
        return sure if work.values[-1] == material.root else 1 - sure

    def _share(self, turn: Turn, material: Material, work: Work) -> tuple[float, ...]:
        circuit, contest = material.circuit, _last(turn.view, Contest)
        claim = contest.claim if isinstance(contest, Contest) else circuit.wires - 1
        gate = circuit.gate(claim)
        assert gate is not None  # only a gate's value rests on others
        parts = (circuit.wires + gate, *circuit.children(gate))
        if self.style == "denies":
            picked = keys.below(turn.key, len(parts))
            return tuple(float(place == picked) for place in range(len(parts)))
        weigh = (1.0,) * circuit.gates if self.style == "spreads" else suspicion(material, work)
        masses = [sum(weigh[g - circuit.wires] for g in _cone(circuit, part)) for part in parts]
        return tuple(mass / sum(masses) for mass in masses)


def suspicion(material: Material, work: Work) -> tuple[float, ...]:
    """(gates,) how likely each step is the flaw, up to a factor, to a reader who lacks some wires.

    1 for a step that cannot be scanned; times or over the reader's own error rate for one that can.
    """
    circuit, hidden = material.circuit, material.hidden
    rate = max(material.rate, 1e-6)
    suspect = _reached(material, work)
    weights: list[float] = []
    for gate in range(circuit.gates):
        if hidden & {gate, *map(circuit.gate, circuit.children(gate))}:
            weights.append(1.0 if gate in suspect else rate)
        else:
            found = material.at(gate, work.values)
            weights.append(rate if found == work.values[circuit.wire(gate)] else 1 / rate)
    return tuple(weights)


def _reached(material: Material, work: Work) -> set[int]:
    """Gates that a way from the root leads to over values that differ or are hidden."""
    circuit = material.circuit
    ways, found = [circuit.gates - 1], set[int]()
    while ways:
        gate = ways.pop()
        wire = circuit.wire(gate)
        differs = work.values[wire] != material.values[wire]
        if gate in found or not (differs or gate in material.hidden):
            continue
        found.add(gate)
        ways += [g for g in map(circuit.gate, circuit.children(gate)) if g is not None]
    return found


def _flaws(material: Material, work: Work) -> frozenset[int]:
    """The claims that a step follows which its own teller knows not to."""
    circuit = material.circuit
    return frozenset(
        circuit.wires + gate
        for gate in range(circuit.gates)
        if material.at(gate, work.values) != work.values[circuit.wire(gate)]
    )


def _cone(circuit: Circuit, claim: int) -> frozenset[int]:
    """The claims that a step follows on which a claim rests."""
    if claim >= circuit.wires:
        return frozenset((claim,))
    ways, found = [claim], set[int]()
    while ways:
        gate = circuit.gate(ways.pop())
        if gate is not None and circuit.wires + gate not in found:
            found.add(circuit.wires + gate)
            ways += circuit.children(gate)
    return frozenset(found)


def _last(view: View, kind: type[Apportioned] | type[Contest]) -> Apportioned | Contest | None:
    """The last message of a kind."""
    return next((m.data for m in reversed(view.transcript) if isinstance(m.data, kind)), None)


CONTESTING: Mapping[str, Mapping[str, Agent]] = {
    "prover that knows its flaw": {"prover": CircuitProver("deep")},
    "prover that knows its hidden flaw": {"prover": CircuitProver("blind")},
    "prover that does not know its flaw": {"prover": CircuitProver("deep", knows=False)},
    "estimator that spreads doubt": {"estimator": CircuitEstimator("spreads")},
    "estimator that denies one way down": {"estimator": CircuitEstimator("denies")},
}
"""Casts that try to mislead the judge: liars that prove, and estimators that doubt what is true."""
