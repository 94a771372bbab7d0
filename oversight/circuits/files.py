"""Circuits read from files: node-link JSON of a graph, checked, so that a bad one is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx

from oversight.circuits.graph import Circuit
from oversight.core import OversightError


def read_circuit(path: Path) -> Circuit:
    """A circuit from a node-link JSON file, as `json.dump(networkx.node_link_data(c.graph))` gives.

    Nodes have `value` (inputs) or `table` (gates, m² entries), edges `place` ([0], [1] or both),
    the graph `m`; gates of b children have tables of m^b entries and places up to b − 1.
    OversightError for a cycle, an undefined input, a bad table, or gates of different size.
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
    if len({len(each) for each in children}) > 1:
        raise OversightError(f"{path}: all gates of a circuit take as many children; these do not")
    entries = m ** len(children[0])
    tables = [tuple(graph.nodes[node]["table"]) for node in gates]
    for node, table in zip(gates, tables, strict=True):
        if len(table) != entries or any(value not in range(m) for value in table):
            raise OversightError(
                f"{path}: the table of {node} must have {entries} values below {m}"
            )
    layer = dict.fromkeys(inputs, 0)
    for node, taken in zip(gates, children, strict=True):
        layer[node] = 1 + max(layer[child] for child in taken)
    return Circuit(
        m,
        tuple(graph.nodes[node]["value"] for node in inputs),
        tuple(tuple(number[child] for child in taken) for taken in children),
        tuple(tables),
        tuple(layer[node] for node in [*inputs, *gates]),
    )


def _children(graph: Any, node: Any, path: Path) -> tuple[Any, ...]:
    places: dict[int, Any] = {}
    for child, _, data in graph.in_edges(node, data=True):
        for place in data.get("place", ()):
            places[place] = child
    if len(places) < 2 or set(places) != set(range(len(places))):
        raise OversightError(
            f"{path}: gate {node} needs a child at place 0 and one at place 1, and so on if it has "
            "more"
        )
    return tuple(places[place] for place in range(len(places)))
