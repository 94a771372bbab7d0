"""Stochastic gates: the circuit as a computation over an oracle that is a fresh look at one gate.

A step asks for one gate at the bits that its children had, and finds the right value but for the
judge's error rate η, drawn anew each time. The whole circuit is worked out `runs` times over. The
last step reads the runs out: it is 1 with the probability that is the share of runs whose root was.

K is 1 + gates. A probability that is off by e moves a gate's bit, and so its run's root, by at most
e: one run's root by gates·e at most. The share is the mean over runs, however many there are, and
the last step's own error adds e.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oversight.circuits.graph import Circuit
from oversight.derived import derived
from oversight.oracles.machine import Machine


@dataclass(frozen=True, slots=True)
class Looks(Machine):
    """A circuit of bits, looked at gate by gate, `runs` times over."""

    circuit: Circuit
    error: float  # η
    runs: int

    @derived
    def steps(self) -> int:
        """Every gate in every run, and the readout."""
        return self.runs * self.circuit.gates + 1

    @derived
    def lipschitz(self) -> float:
        """K, the same however many runs there are."""
        return 1.0 + self.circuit.gates

    def probability(self, bits: Sequence[int]) -> float:
        """That the next look finds 1."""
        run, gate = divmod(len(bits), self.circuit.gates)
        if run == self.runs:
            return self._share(bits)
        children = (self._bit(bits, wire) for wire in self.circuit.children(gate))
        return 1 - self.error if self.circuit.evaluate(gate, *children) else self.error

    def _bit(self, bits: Sequence[int], wire: int) -> int:
        """What a wire was found to be in the run under way."""
        gate, gates = self.circuit.gate(wire), self.circuit.gates
        return (
            self.circuit.inputs[wire] if gate is None else bits[len(bits) // gates * gates + gate]
        )

    def _share(self, bits: Sequence[int]) -> float:
        return sum(bits[self.circuit.gates - 1 :: self.circuit.gates]) / self.runs

    def worth(self, bits: Sequence[int]) -> float:
        """The share if the run under way, and every later one, errs no more."""
        gates, circuit = self.circuit.gates, self.circuit
        done, held = divmod(len(bits), gates)
        if done == self.runs:
            return float(bits[-1]) if held else self._share(bits)
        values = [*circuit.inputs, *bits[done * gates :]]
        for gate in range(held, gates):
            values.append(circuit.at(gate, values))
        sure = (self.runs - done - 1) * circuit.run()[-1]
        return (sum(bits[gates - 1 : done * gates : gates]) + values[-1] + sure) / self.runs
