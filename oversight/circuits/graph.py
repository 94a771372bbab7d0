"""A circuit: gates over the alphabet 0 … m−1, numbered so that every gate follows its inputs.

Layer l of a drawn circuit has min(2^(D−l), W) gates, a tree's 2^(D−l), a chain's one. Gates take
their children from the layer below, permuted, so that every gate reaches the root; a chain's gate
takes the gate below and a fresh input.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import numpy as np

from oversight import keys
from oversight.core import OversightError

Family = Literal["dag", "tree", "chain"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a drawn circuit is like."""

    depth: int = 5  # D
    width: int = 8  # W
    m: int = 2
    hard: float = 0.5
    """Probability that a gate is affine, which passes every change of a child on."""
    family: Family = "dag"

    def __post_init__(self) -> None:
        if self.depth < 1 or self.width < 2 or self.m < 2:
            raise OversightError(
                f"a circuit has depth ≥ 1, width ≥ 2 and m ≥ 2 values, got depth={self.depth}, "
                f"width={self.width}, m={self.m}"
            )
        if self.family == "tree" and self.depth > 12:
            raise OversightError(f"a tree of depth {self.depth} has 2^{self.depth} leaves; ≤ 12")
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
        wide = 2**self.depth if self.family == "tree" else self.width
        return tuple(min(2 ** (self.depth - level), wide) for level in range(1, self.depth + 1))

    @property
    def inputs(self) -> int:
        """How many inputs there are."""
        return {"chain": self.depth + 1, "tree": 2**self.depth, "dag": self.width}[self.family]

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
    left: tuple[int, ...]
    right: tuple[int, ...]
    """The wires that a gate takes."""
    table: tuple[tuple[int, ...], ...]
    """Operations: entry x·m + y is the gate's value at children x and y."""
    layer: tuple[int, ...]
    """The layer of every wire; inputs are in layer 0."""

    @property
    def gates(self) -> int:
        """How many gates there are."""
        return len(self.left)

    @property
    def wires(self) -> int:
        """How many inputs and gates there are."""
        return len(self.inputs) + len(self.left)

    def wire(self, gate: int) -> int:
        """The wire that a gate drives."""
        return len(self.inputs) + gate

    def gate(self, wire: int) -> int | None:
        """The gate that drives a wire; None for an input."""
        return wire - len(self.inputs) if wire >= len(self.inputs) else None

    def children(self, gate: int) -> tuple[int, int]:
        """The two wires that a gate takes."""
        return self.left[gate], self.right[gate]

    def evaluate(self, gate: int, x: int, y: int) -> int:
        """A gate's value at children x and y."""
        return self.table[gate][x * self.m + y]

    def run(self, shifts: Sequence[int] | None = None) -> tuple[int, ...]:
        """The value of every wire, each gate's shifted by `shifts[gate]` mod m: (wires,)."""
        values, m = list(self.inputs), self.m
        wrong = shifts or (0,) * len(self.left)
        for a, b, table, shift in zip(self.left, self.right, self.table, wrong, strict=True):
            values.append((table[values[a] * m + values[b]] + shift) % m)
        return tuple(values)

    def up_to(self, gate: int) -> Circuit:
        """The circuit with `gate` for a root, and every gate numbered below it."""
        end = gate + 1
        return Circuit(
            self.m, self.inputs, self.left[:end], self.right[:end], self.table[:end],
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
                    graph.edges[child, wire]["place"] = [0, 1]
                else:
                    graph.add_edge(child, wire, place=[place])
        return graph


def draw_circuit(shape: Shape, key: int) -> Circuit:
    """A random circuit of a shape, and uniform inputs; a function of the key alone."""
    luck = _Luck(key, shape)
    inputs = tuple(luck.below(shape.m) for _ in range(shape.inputs))
    left: list[int] = []
    right: list[int] = []
    layer = [0] * shape.inputs
    below = list(range(shape.inputs if shape.family != "chain" else 1))
    for level, width in enumerate(shape.layers, 1):
        first = shape.inputs + len(left)
        for a, b in _pairs(shape, luck, below, width, level):
            left.append(a)
            right.append(b)
        layer += [level] * width
        below = list(range(first, first + width))
    tables = tuple(_operation(shape, luck) for _ in left)
    return Circuit(shape.m, inputs, tuple(left), tuple(right), tables, tuple(layer))


def redrawn(circuit: Circuit, key: int) -> Circuit:
    """The same gates with uniform inputs, a function of the key alone."""
    drawn = keys.uniforms(np.array([key], np.uint64), len(circuit.inputs))[0] * circuit.m
    return replace(circuit, inputs=tuple(drawn.astype(int).tolist()))


def _pairs(
    shape: Shape, luck: _Luck, below: list[int], width: int, level: int
) -> Iterator[tuple[int, int]]:
    if shape.family == "chain":
        yield below[0], level
        return
    wide = len(below)
    order = luck.permutation(wide)
    step = width if width < wide else 1 + luck.below(wide - 1)
    for place in range(width):
        yield below[order[place % wide]], below[order[(place + step) % wide]]


def _operation(shape: Shape, luck: _Luck) -> tuple[int, ...]:
    m = shape.m
    if luck.unit() < shape.hard:
        a, b = (_units(m)[luck.below(len(_units(m)))] for _ in range(2))
        c = luck.below(m)
        return tuple((a * x + b * y + c) % m for x in range(m) for y in range(m))
    one, two, three = (luck.permutation(m) for _ in range(3))
    return tuple(three[min(one[x], two[y])] for x in range(m) for y in range(m))


@functools.cache
def _units(m: int) -> tuple[int, ...]:
    return tuple(a for a in range(1, m) if np.gcd(a, m) == 1)


class _Luck:
    """Uniforms of one key, taken in order."""

    def __init__(self, key: int, shape: Shape) -> None:
        most = shape.inputs * 2 + sum(shape.layers) * (4 + 3 * shape.m) + 2 * shape.depth
        most += (shape.inputs + sum(shape.layers)) if shape.family != "chain" else 0
        self._left = iter(keys.uniforms(np.array([key], np.uint64), most)[0].tolist())

    def unit(self) -> float:
        return next(self._left)

    def below(self, n: int) -> int:
        return int(next(self._left) * n)

    def permutation(self, n: int) -> list[int]:
        drawn = [next(self._left) for _ in range(n)]
        return sorted(range(n), key=drawn.__getitem__)


def read_circuit(path: Path) -> Circuit:
    """A circuit from a node-link JSON file, as `json.dump(networkx.node_link_data(c.graph))` gives.

    Nodes have `value` (inputs) or `table` (gates, m² entries), edges `place` ([0], [1] or both),
    the graph `m`. OversightError for a cycle, an undefined input, or a bad table.
    """
    try:
        graph: Any = nx.node_link_graph(json.loads(path.read_text()), edges="edges")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, nx.NetworkXError) as error:
        raise OversightError(
            f"cannot read a circuit from {path}: {error}; write one by json.dump("
            "networkx.node_link_data(circuit.graph, edges='edges'))"
        ) from error
    m = graph.graph.get("m")
    if not isinstance(m, int) or m < 2:
        raise OversightError(f"{path}: the graph needs m, the number of values, at least 2")
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " → ".join(str(edge[0]) for edge in nx.find_cycle(graph))
        raise OversightError(f"{path}: the gates {cycle} → … form a cycle; a circuit has none")
    return _from_graph(graph, m, path)


def _from_graph(graph: Any, m: int, path: Path) -> Circuit:
    order: list[Any] = list(nx.lexicographical_topological_sort(graph, key=str))
    inputs = [n for n in order if "table" not in graph.nodes[n]]
    gates = [n for n in order if "table" in graph.nodes[n]]
    roots = [n for n in gates if graph.out_degree(n) == 0]
    if len(roots) != 1:
        raise OversightError(f"{path}: a circuit has one root gate, this has {len(roots)}")
    for node in inputs:
        if graph.in_degree(node) or graph.nodes[node].get("value") not in range(m):
            raise OversightError(
                f"{path}: {node} has no table, so it is an input and needs a value in 0…{m - 1}"
            )
    gates = [n for n in gates if n != roots[0]] + roots
    number = {node: place for place, node in enumerate([*inputs, *gates])}
    children = [_children(graph, node, path) for node in gates]
    tables = [tuple(graph.nodes[node]["table"]) for node in gates]
    for node, table in zip(gates, tables, strict=True):
        if len(table) != m * m or any(value not in range(m) for value in table):
            raise OversightError(f"{path}: the table of {node} must have {m * m} values below {m}")
    layer = dict.fromkeys(inputs, 0)
    for node, pair in zip(gates, children, strict=True):
        layer[node] = 1 + max(layer[child] for child in pair)
    return Circuit(
        m,
        tuple(graph.nodes[node]["value"] for node in inputs),
        tuple(number[a] for a, _ in children),
        tuple(number[b] for _, b in children),
        tuple(tables),
        tuple(layer[node] for node in [*inputs, *gates]),
    )


def _children(graph: Any, node: Any, path: Path) -> tuple[Any, Any]:
    places: dict[int, Any] = {}
    for child, _, data in graph.in_edges(node, data=True):
        for place in data.get("place", ()):
            places[place] = child
    if set(places) != {0, 1}:
        raise OversightError(f"{path}: gate {node} needs a child at place 0 and one at place 1")
    return places[0], places[1]
