"""What a party believes of every gate, and how well it looks at one.

Errors are draws of nature's, keyed by (case, who, gate): the same in every protocol, and the same
again when a gate is looked at twice (`Skills.systematic` sets the share of errors that are).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from oversight import keys
from oversight.circuits.graph import Circuit, Shape, draw_circuit, redrawn
from oversight.core import OversightError

T = TypeVar("T")

EXPERT, SHALLOW, CAREFUL, DISTILLED = "expert", "shallow", "careful", "distilled"


@dataclass(frozen=True, slots=True)
class Skills:
    """How often who errs, at one gate."""

    expert: float = 0.005  # ε
    shallow: float = 0.08  # ε₀, the judge's free trace
    careful: float = 0.02  # η, the judge's look at one gate
    distillation: float = 0.005  # δ
    systematic: float = 1.0  # ρ
    """The share of errors fixed by case, party and gate; the rest are drawn anew at each look."""
    shared: float = 0.0
    """The share of gates at which all experts have the same luck."""
    obfuscation: float = 0.0  # β
    """The share of gates whose check tells the judge nothing."""
    blind: Literal["silent", "declared"] = "silent"
    """Whether the judge knows that a check told it nothing; if not, it takes the step for right."""
    hidden: float = 0.0  # ω
    """The share of wires whose value the opponent of whoever claims it lacks and cannot scan."""

    def __post_init__(self) -> None:
        for name in ("expert", "shallow", "careful", "distillation", "systematic", "shared",
                     "obfuscation", "hidden"):  # fmt: skip
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise OversightError(f"{name} is a probability, got {value}")

    def at(self, level: float) -> float:
        """The error rate of a trace at a level: ε₀ at 0, ε at 1, geometric between."""
        if level == 1:
            return self.expert
        return self.shallow ** (1 - level) * self.expert**level


class Luck:
    """All of nature's draws about one case's parties. Nobody who plays is handed one."""

    __slots__ = ("_gates", "_made", "_shifts_of", "_traces", "circuit", "key", "skills")

    def __init__(
        self, circuit: Circuit, skills: Skills, key: int, gates: int | None = None
    ) -> None:
        """`gates`: of the whole circuit, where `circuit` is the lower part of one."""
        self.circuit, self.skills, self.key = circuit, skills, key
        self._gates = circuit.gates if gates is None else gates
        self._made: dict[Hashable, Any] = {}
        self._shifts_of: dict[tuple[str, float], tuple[int, ...]] = {}
        self._traces: dict[tuple[str, float], tuple[int, ...]] = {}

    def trace(self, who: str, rate: float) -> tuple[int, ...]:
        """(wires,) what `who` believes of every wire."""
        if (who, rate) not in self._traces:
            self._traces[who, rate] = self.circuit.run(self.shifts(who, rate))
        return self._traces[who, rate]

    def shifts(self, who: str, rate: float) -> tuple[int, ...]:
        """(gates,) how far each gate is off for `who`: 0, or a uniform shift at `rate`."""
        if (who, rate) not in self._shifts_of:
            drawn = self._shifts(who, rate)
            if who.startswith(EXPERT) and self.skills.shared > 0:
                common, same = self._shifts("all-experts", rate), self._uniforms("same")
                drawn = tuple(
                    c if u < self.skills.shared else d
                    for c, u, d in zip(common, same, drawn, strict=True)
                )
            self._shifts_of[who, rate] = drawn
        return self._shifts_of[who, rate]

    def _shifts(self, who: str, rate: float) -> tuple[int, ...]:
        m, drawn = self.circuit.m, self._uniforms(who, 2)
        return tuple(
            1 + int(drawn[self._gates + gate] * (m - 1)) if drawn[gate] < rate else 0
            for gate in range(self.circuit.gates)
        )

    def _uniforms(self, who: str, each: int = 1) -> list[float]:
        key = np.array([keys.root(self.key, who)], np.uint64)
        drawn: list[float] = keys.uniforms(key, each * self._gates)[0].tolist()
        return drawn

    def look(self, who: str, rate: float, gate: int, times: int = 0) -> int:
        """The error of look number `times` at a gate: fixed, or fresh for 1 − ρ of the looks."""
        if self.skills.systematic < 1:
            fresh = keys.root(self.key, who, "look", gate, times)
            if keys.unit(fresh) >= self.skills.systematic:
                m = self.circuit.m
                wrong = keys.unit(keys.fold(fresh, 1)) < rate
                return 1 + keys.below(keys.fold(fresh, 2), m - 1) if wrong else 0
        return self.shifts(who, rate)[gate]

    def careful(self, gate: int, *children: int, times: int = 0, who: str = CAREFUL) -> int:
        """What a careful look at one gate finds, given its children's claimed values (error η)."""
        shift = self.look(who, self.skills.careful, gate, times)
        return (self.circuit.evaluate(gate, *children) + shift) % self.circuit.m

    def chosen(self, name: str, share: float) -> frozenset[int]:
        """The gates that a dial's share picks out."""
        if share == 0:
            return frozenset()
        drawn = self._uniforms(name)[: self.circuit.gates]
        return frozenset(gate for gate, u in enumerate(drawn) if u < share)

    def distilled(self) -> tuple[int, ...]:
        """(wires,) what a learner of the layer below, amplified and distilled, says of every wire.

        Each gate is a careful look at what the learner says of its children, learned with error δ.
        """

        def run() -> tuple[int, ...]:
            human = self.shifts(CAREFUL, self.skills.careful)
            learned = self.shifts(DISTILLED, self.skills.distillation)
            return self.circuit.run([h + d for h, d in zip(human, learned, strict=True)])

        return self.remember(DISTILLED, run)

    def remember(self, what: Hashable, make: Callable[[], T]) -> T:
        """What was made under this name before, or is made now: it follows from the case alone."""
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    @property
    def hidden(self) -> frozenset[int]:
        """The gates whose value is hidden from an opponent (ω); never the root's."""
        return self.chosen("hidden", self.skills.hidden) - {self.circuit.gates - 1}

    def below(self, gate: int) -> Luck:
        """The same luck with the lower part of the circuit, whose root is `gate`."""
        return Luck(self.circuit.up_to(gate), self.skills, self.key, self._gates)


class Reliability(NamedTuple):
    """How often a party's beliefs are right, over circuits of a shape."""

    by_layer: tuple[float, ...]
    """A wire's value, by its layer; inputs are always right."""
    by_looks: tuple[float, ...]
    """The root, after so many careful looks from the root down."""


class Material(NamedTuple):
    """What one party has in its head about a case: the world gives it to the seat privately."""

    circuit: Circuit
    values: tuple[int, ...]
    """(wires,) what it believes."""
    rate: float
    """How often it errs at a gate."""
    errors: tuple[int, ...]
    """(gates,) its own luck, which `evaluate` needs. Players never look at it."""
    reliability: Reliability
    """How far it may rely on what it believes."""
    care: float
    """How often a careful look of the judge errs: η."""
    blind: frozenset[int] = frozenset()
    """Gates at which the judge sees nothing, known to experts."""
    judge: tuple[int, ...] | None = None
    """(wires,) the judge's own shallow trace, which experts can foresee."""
    hidden: frozenset[int] = frozenset()
    """Gates whose claimed value an opponent lacks and cannot scan, nor anything that needs it."""

    def evaluate(self, gate: int, *children: int) -> int:
        """What this party makes of one gate, given its children's values."""
        return (self.circuit.evaluate(gate, *children) + self.errors[gate]) % self.circuit.m

    def at(self, gate: int, values: Sequence[int]) -> int:
        """The same where every wire has the value in `values`: (wires,)."""
        return (self.circuit.at(gate, values) + self.errors[gate]) % self.circuit.m

    @property
    def root(self) -> int:
        """Its own answer."""
        return self.values[-1]

    def flawed(self, gate: int, shift: int) -> tuple[int, ...]:
        """(wires,) its trace with one flaw planted and all that follows recomputed."""
        circuit, m = self.circuit, self.circuit.m
        values = list(self.values)
        first = circuit.wire(gate)
        values[first] = (values[first] + shift) % m
        moved = {first}
        for later in range(gate + 1, circuit.gates):
            if not moved.isdisjoint(circuit.children(later)):
                wire, value = circuit.wire(later), self.at(later, values)
                if value != values[wire]:
                    values[wire] = value
                    moved.add(wire)
        return tuple(values)

    def __str__(self) -> str:
        circuit = self.circuit
        believed = [f"g{gate} = {self.values[circuit.wire(gate)]}" for gate in range(circuit.gates)]
        return ", ".join(believed)


def corrected(circuit: Circuit, values: Sequence[int], looks: Mapping[int, int]) -> tuple[int, ...]:
    """(wires,) a trace after careful looks: `looks[gate]` is how far that look was off.

    The looked-at gate is then evaluated as the look evaluated it, whatever its children become;
    the others as the trace evaluated them.
    """
    shifts = [
        looks[gate]
        if gate in looks
        else (values[circuit.wire(gate)] - circuit.at(gate, values)) % circuit.m
        for gate in range(circuit.gates)
    ]
    return circuit.run(shifts)


MOST_LOOKS = 32
"""How many looks from the root down `reliability` goes."""


@functools.lru_cache(maxsize=256)
def reliability(source: Shape | Circuit, rate: float, careful: float) -> Reliability:
    """Measured on circuits of a seed of their own, which no game is played on.

    They are drawn in the source's shape, or are the source with other inputs.
    """
    circuits = min(600, max(100, 20_000 // source.gates))
    most = min(source.gates, MOST_LOOKS)
    depth = source.depth if isinstance(source, Shape) else source.layer[-1]
    right = np.zeros(depth + 1)
    seen = np.zeros(depth + 1)
    looked = np.zeros(most + 1)
    skills = Skills(shallow=rate, careful=careful)
    for number in range(circuits):
        key = keys.root("reliability", number)
        shaped = isinstance(source, Shape)
        circuit = draw_circuit(source, key) if shaped else redrawn(source, key)
        luck = Luck(circuit, skills, key)
        truth, errors = circuit.run(), luck.shifts(SHALLOW, rate)
        believed = circuit.run(errors)
        layers = np.array(circuit.layer)
        np.add.at(right, layers, np.equal(truth, believed))
        np.add.at(seen, layers, 1)
        sure = list(errors)
        looked[0] += believed[-1] == truth[-1]
        careful_errors = luck.shifts(CAREFUL, careful)
        for looks, gate in enumerate(from_the_root(circuit)[:most], 1):
            sure[gate] = careful_errors[gate]
            looked[looks] += circuit.run(sure)[-1] == truth[-1]
    return Reliability(tuple((right / seen).tolist()), tuple((looked / circuits).tolist()))


def from_the_root(circuit: Circuit) -> list[int]:
    """The gates from the root down, a layer at a time: where a look is worth most comes first."""
    return sorted(range(circuit.gates), key=lambda gate: (-circuit.layer[circuit.wire(gate)], gate))
