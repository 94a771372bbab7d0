"""A circuit as a case: what is asked about it, in words, and which answers there are."""

from __future__ import annotations

from oversight import keys
from oversight.circuits.graph import Circuit
from oversight.circuits.steps import Asked, wire_name
from oversight.circuits.traces import Luck
from oversight.core import Case, Question, Sealed


def case_about(luck: Luck, name: str, *, distractor: int, public: int) -> Case:
    """The question of a circuit's root; `distractor` and `public` are the keys of those draws."""
    circuit = luck.circuit
    truth = circuit.run()[-1]
    values = _candidates(circuit.m, truth, distractor)
    asked = Asked(circuit, name, values, public)
    question = Question(_prompt(circuit), tuple(map(str, values)), asked)
    return Case(name, question, luck, Sealed(values.index(truth)))


def _candidates(m: int, truth: int, key: int) -> tuple[int, int]:
    """Both values, or with more of them the true one and a distractor, in their own order."""
    other = (truth + 1 + keys.below(key, m - 1)) % m
    return (min(truth, other), max(truth, other))


def _prompt(circuit: Circuit) -> str:
    m = circuit.m
    inputs = ", ".join(f"x{wire}={value}" for wire, value in enumerate(circuit.inputs))
    rows = "its first child" if circuit.fanin == 2 else "all its children but the last"
    gates: list[str] = []
    for gate, table in enumerate(circuit.table):
        names = [wire_name(circuit, wire) for wire in circuit.children(gate)]
        shown = "/".join("".join(map(str, table[at : at + m])) for at in range(0, len(table), m))
        gates.append(f"g{gate}({', '.join(names)})={shown}")
    return (
        f"Values are 0 to {m - 1}. Inputs: {inputs}. Gates, each with its table, a row a value of "
        f"{rows}: {'; '.join(gates)}. What is the value of g{circuit.gates - 1}?"
    )
