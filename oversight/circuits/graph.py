"""A circuit: gates over the alphabet 0 … m−1, numbered so that every gate follows its inputs.

Layer l of a drawn circuit has min(2^(D−l), W) gates, a tree's b^(D−l), a chain's one. Gates take
their children from the layer below, permuted, so that every gate reaches the root; a chain's gate
takes the gate below and a fresh input. Gates take two children each; a tree's take b of them.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import networkx as nx
import numpy as np

from oversight import keys
from oversight.core import OversightError

Family = Literal["dag", "tree", "chain"]
MOST = 4096
"""Leaves of a tree, and entries of a gate's table."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a drawn circuit is like."""

    depth: int = 5  # D
    width: int = 8  # W
    m: int = 2
    hard: float = 0.5
    """Probability that a gate is affine, which passes every change of a child on."""
    family: Family = "dag"
    fanin: int = 2  # b
    """How many children a gate has; more than two only in trees."""

    def __post_init__(self) -> None:
        if self.depth < 1 or self.width < 2 or self.m < 2:
            raise OversightError(
                f"a circuit has depth ≥ 1, width ≥ 2 and m ≥ 2 values, got depth={self.depth}, "
                f"width={self.width}, m={self.m}"
            )
        if self.fanin < 2 or (self.fanin > 2 and self.family != "tree"):
            raise OversightError(
                f"gates take two children, or more in trees; got fanin={self.fanin} and "
                f"family={self.family}: set family=tree"
            )
        if self.family == "tree" and self.fanin**self.depth > MOST:
            raise OversightError(
                f"a tree of depth {self.depth} has {self.fanin}^{self.depth} leaves; at most {MOST}"
            )
        if self.m**self.fanin > MOST:
            raise OversightError(
                f"a gate of {self.fanin} children has a table of {self.m}^{self.fanin} entries; "
                f"at most {MOST}"
            )
        if not 0 <= self.hard <= 1:
            raise OversightError(f"hard is a probability, got {self.hard}")
        if self.m == 2 and self.hard == 1 and self._shares_evenly:
            raise OversightError(
                "with m=2, affine gates alone and an even fan-out every path cancels and the root "
                "is constant; set hard below 1, or family=tree, or m above 2"
            )

    @property
    def _shares_evenly(self) -> bool:
        widths = [self.width, *self.layers]
        return self.family == "dag" and any(
            above == below for below, above in itertools.pairwise(widths)
        )

    @property
    def layers(self) -> tuple[int, ...]:
        """How many gates each layer has, from the inputs up; the last is the root alone."""
        if self.family == "chain":
            return (1,) * self.depth
        wide = self.width if self.family == "dag" else self.inputs
        levels = range(1, self.depth + 1)
        return tuple(min(self.fanin ** (self.depth - level), wide) for level in levels)

    @property
    def inputs(self) -> int:
        """How many inputs there are."""
        leaves = self.fanin**self.depth
        return {"chain": self.depth + 1, "tree": leaves, "dag": self.width}[self.family]

    @property
    def gates(self) -> int:
        """How many gates there are."""
        return sum(self.layers)


@dataclass(frozen=True, slots=True)
class Circuit:
    """Gates in an order in which each follows its children; wires are the inputs, then the gates.

    The root is the last gate. All tuples but `inputs` and `layer` have an entry a gate.
    """

    m: int
    inputs: tuple[int, ...]
    """The value of every input."""
    takes: tuple[tuple[int, ...], ...]
    """The wires that a gate takes, all gates as many."""
    table: tuple[tuple[int, ...], ...]
    """Operations: entry x·m + y is the gate's value at children x and y, and so on for more."""
    layer: tuple[int, ...]
    """The layer of every wire; inputs are in layer 0."""

    @property
    def gates(self) -> int:
        """How many gates there are."""
        return len(self.takes)

    @property
    def wires(self) -> int:
        """How many inputs and gates there are."""
        return len(self.inputs) + len(self.takes)

    @property
    def fanin(self) -> int:
        """How many children a gate has."""
        return len(self.takes[0])

    def wire(self, gate: int) -> int:
        """The wire that a gate drives."""
        return len(self.inputs) + gate

    def gate(self, wire: int) -> int | None:
        """The gate that drives a wire; None for an input."""
        return wire - len(self.inputs) if wire >= len(self.inputs) else None

    def children(self, gate: int) -> tuple[int, ...]:
        """The wires that a gate takes."""
        return self.takes[gate]

    def evaluate(self, gate: int, *children: int) -> int:
        """A gate's value at its children's."""
        entry = 0
        for value in children:
            entry = entry * self.m + value
        return self.table[gate][entry]

    def at(self, gate: int, values: Sequence[int]) -> int:
        """A gate's value where every wire has the one in `values`: (wires,)."""
        return self.evaluate(gate, *(values[wire] for wire in self.takes[gate]))

    def run(self, shifts: Sequence[int] | None = None) -> tuple[int, ...]:
        """The value of every wire, each gate's shifted by `shifts[gate]` mod m: (wires,)."""
        values, m = list(self.inputs), self.m
        wrong = shifts or (0,) * len(self.takes)
        for wires, table, shift in zip(self.takes, self.table, wrong, strict=True):
            entry = 0
            for wire in wires:
                entry = entry * m + values[wire]
            values.append((table[entry] + shift) % m)
        return tuple(values)

    def up_to(self, gate: int) -> Circuit:
        """The circuit with `gate` for a root, and every gate numbered below it."""
        end = gate + 1
        return Circuit(
            self.m, self.inputs, self.takes[:end], self.table[:end],
            self.layer[: len(self.inputs) + end],
        )  # fmt: skip

    def sensitivity(self) -> float:
        """The share of gates whose shift (by some amount) changes the root."""
        root, moved = self.run()[-1], 0
        for gate in range(self.gates):
            shifts = [0] * self.gates
            for shift in range(1, self.m):
                shifts[gate] = shift
                if self.run(shifts)[-1] != root:
                    moved += 1
                    break
        return moved / self.gates

    @property
    def graph(self) -> nx.DiGraph[int]:
        """Wires as nodes (`layer`, and `value` or `table`), child to gate as edges (`place`)."""
        graph: nx.DiGraph[int] = nx.DiGraph(m=self.m)
        for wire, value in enumerate(self.inputs):
            graph.add_node(wire, layer=0, value=value)
        for gate, table in enumerate(self.table):
            wire = self.wire(gate)
            graph.add_node(wire, layer=self.layer[wire], table=list(table))
            for place, child in enumerate(self.children(gate)):
                if graph.has_edge(child, wire):
                    graph.edges[child, wire]["place"].append(place)
                else:
                    graph.add_edge(child, wire, place=[place])
        return graph


def draw_circuit(shape: Shape, key: int) -> Circuit:
    """A random circuit of a shape, and uniform inputs; a function of the key alone."""
    luck = _Luck(key, shape)
    inputs = tuple(luck.below(shape.m) for _ in range(shape.inputs))
    takes: list[tuple[int, ...]] = []
    layer = [0] * shape.inputs
    below = list(range(shape.inputs if shape.family != "chain" else 1))
    for level, width in enumerate(shape.layers, 1):
        first = shape.inputs + len(takes)
        takes += _taken(shape, luck, below, width, level)
        layer += [level] * width
        below = list(range(first, first + width))
    tables = tuple(_operation(shape, luck) for _ in takes)
    return Circuit(shape.m, inputs, tuple(takes), tables, tuple(layer))


def redrawn(circuit: Circuit, key: int) -> Circuit:
    """The same gates with uniform inputs, a function of the key alone."""
    drawn = keys.uniforms(np.array([key], np.uint64), len(circuit.inputs))[0] * circuit.m
    return replace(circuit, inputs=tuple(drawn.astype(int).tolist()))


def _taken(
    shape: Shape, luck: _Luck, below: list[int], width: int, level: int
) -> Iterator[tuple[int, ...]]:
    """What each gate of a layer takes."""
    if shape.family == "chain":
        yield below[0], level
        return
    wide = len(below)
    order = luck.permutation(wide)
    step = width if width < wide else 1 + luck.below(wide - 1)
    for place in range(width):
        yield tuple(below[order[(place + nth * step) % wide]] for nth in range(shape.fanin))


def _operation(shape: Shape, luck: _Luck) -> tuple[int, ...]:
    """a·x + b·y + c mod m with units a, b, or π₃(min(π₁x, π₂y)); with more children, more of it."""
    m, fanin = shape.m, shape.fanin
    entries = itertools.product(range(m), repeat=fanin)
    if luck.unit() < shape.hard:
        units = [_units(m)[luck.below(len(_units(m)))] for _ in range(fanin)]
        c = luck.below(m)
        return tuple((sum(map(operator.mul, units, entry)) + c) % m for entry in entries)
    *orders, last = (luck.permutation(m) for _ in range(fanin + 1))
    return tuple(last[min(order[x] for order, x in zip(orders, e, strict=True))] for e in entries)


@functools.cache
def _units(m: int) -> tuple[int, ...]:
    return tuple(a for a in range(1, m) if np.gcd(a, m) == 1)


class _Luck:
    """Uniforms of one key, taken in order."""

    def __init__(self, key: int, shape: Shape) -> None:
        each = 2 + shape.fanin + (shape.fanin + 1) * shape.m  # an operation, of either kind
        most = shape.inputs * 2 + sum(shape.layers) * each + 2 * shape.depth
        most += (shape.inputs + sum(shape.layers)) if shape.family != "chain" else 0
        self._left = iter(keys.uniforms(np.array([key], np.uint64), most)[0].tolist())

    def unit(self) -> float:
        return next(self._left)

    def below(self, n: int) -> int:
        return int(next(self._left) * n)

    def permutation(self, n: int) -> list[int]:
        drawn = [next(self._left) for _ in range(n)]
        return sorted(range(n), key=drawn.__getitem__)
