"""A question taken apart: which nodes were asked, what each was taken apart into, the answers.

The protocols that decompose (`factored_cognition`, `amplification`) keep a `Tree` while they play;
what they say about it aloud are `Answered` messages, of which `graph_of` makes the graph that the
game's record keeps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import networkx as nx

from oversight.core import Case, Message, OversightError
from oversight.world import Decomposable


class Answered(NamedTuple):
    """The record of one node's answer: the data of the message that says it."""

    node: int
    parts: tuple[int, ...]
    """The nodes that it was taken apart into; () if it was answered as it is."""
    answer: int
    """Index among the node's own candidate answers."""


class Tree:
    """Nodes taken apart, within bounds. Identical questions are asked once."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.parts: dict[int, tuple[int, ...]] = {}
        """Node -> what it was taken apart into, in order."""
        self.read = 0
        """How much evidence a judge read where another protocol decided a node."""
        self.answers: dict[int, int] = {}
        self._graph: nx.DiGraph[int] = nx.DiGraph()
        self._graph.add_node(root)

    def above(self, node: int) -> set[int]:
        """The node and all that it is a part of: what it cannot be taken apart into."""
        return {node, *nx.ancestors(self._graph, node)}

    def take_apart(self, node: int, parts: Sequence[int]) -> list[int]:
        """Note a node's parts, none of them above it; returns those that were not asked before."""
        new = [part for part in dict.fromkeys(parts) if part not in self._graph]
        self._graph.add_edges_from((node, part) for part in parts)
        self.parts[node] = tuple(parts)
        return new

    def ready(self) -> list[int]:
        """Nodes without an answer whose parts all have one."""
        return [
            node
            for node in self._graph
            if node not in self.answers
            and all(part in self.answers for part in self.parts.get(node, ()))
        ]

    def forget(self, node: int) -> None:
        """Drop the answers of a node and of all that it is a part of."""
        for stale in self.above(node):
            self.answers.pop(stale, None)

    def __len__(self) -> int:
        return len(self._graph)


def nodes_of(world: Decomposable, case: Case) -> list[int]:
    """The numbers of the questions that a case has: a world may number more than it does."""
    found: list[int] = []
    for node in range(world.nodes):
        try:
            world.subquestion(case, node)
        except OversightError:
            continue
        found.append(node)
    return found


def graph_of(transcript: Sequence[Message]) -> nx.DiGraph[int]:
    """The decomposition that a transcript tells of: nodes with `answer` and `text`, part edges."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for message in _answered(transcript):
        graph.add_node(message.data.node, answer=message.data.answer, text=message.text)
        graph.add_edges_from((message.data.node, part) for part in message.data.parts)
    return graph


def written(transcript: Sequence[Message]) -> str | None:
    """The decomposition that a transcript tells of as node-link JSON; None if it tells of none."""
    if not any(isinstance(message.data, Answered) for message in transcript):
        return None
    return json.dumps(nx.node_link_data(graph_of(transcript), edges="edges"))


def read_back(text: str) -> nx.DiGraph[int]:
    """The graph that was `written`."""
    graph: nx.DiGraph[int] = nx.node_link_graph(json.loads(text), edges="edges")
    return graph


def _answered(transcript: Sequence[Message]) -> Iterator[Message]:
    return (message for message in transcript if isinstance(message.data, Answered))
