"""Who knows whom: networkx graphs by name, and each member's neighbours as arrays.

grid[:radius=R]                         everyone within R steps of a square's side (Euclidean);
                                        by default half of the side, as in Liu et al. 2023
watts_strogatz[:degree=K,rewired=P]     a ring of K neighbours, of which some are rewired
barabasi_albert[:edges=M]               newcomers befriend M, the well known the likelier
complete                                everyone knows everyone
file:PATH                               .graphml, .gml, .json (node-link) or a list of edges
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.core import OversightError
from oversight.registry import options, suggest

MOST = 20_000_000
"""Neighbours of all members together that are held at most: a hundred bytes each while building."""
NOBODY = -1

Graph: TypeAlias = Any
"""A `networkx.Graph` of members 0 … N−1; networkx ships no types."""


class Circles(NamedTuple):
    """Everyone's neighbours, one after the other."""

    starts: NDArray[np.int64]
    """(N + 1,): where each member's begin; the last is where all end."""
    others: NDArray[np.int32]

    @property
    def degrees(self) -> NDArray[np.int64]:
        """(N,) how many neighbours each has."""
        return np.diff(self.starts)

    def of(self, member: int) -> NDArray[np.int32]:
        """A member's neighbours."""
        return self.others[self.starts[member] : self.starts[member + 1]]

    def among(self, living: NDArray[np.bool_]) -> Circles:
        """The same without the dead."""
        authors = np.repeat(np.arange(len(living)), self.degrees)
        kept = living[self.others] & living[authors]
        counts = np.bincount(authors[kept], minlength=len(living))
        return Circles(np.concatenate([[0], counts.cumsum()]), self.others[kept])

    def chosen(
        self, members: NDArray[np.int64], most: NDArray[np.int64], luck: NDArray[np.uint64]
    ) -> NDArray[np.int32]:
        """(B, most.max()) neighbours of each member, none twice, at most `most` (B,) of them.

        `NOBODY` where there are no more. By Floyd's method: the cost does not grow with degrees.
        """
        degrees = self.degrees[members]
        wanted = np.minimum(most, degrees)
        width = int(wanted.max(initial=0))
        drawn = keys.uniforms(luck, max(width, 1))
        places = np.full((len(members), width), NOBODY, np.int64)
        for turn in range(width):
            top = degrees - wanted + turn  # the last place that may be drawn in this turn
            place = (drawn[:, turn] * (top + 1)).astype(np.int64)
            place = np.where((places == place[:, None]).any(axis=1), top, place)
            places[:, turn] = np.where(turn < wanted, place, NOBODY)
        at = self.starts[members][:, None] + np.maximum(places, 0)
        if not len(self.others):
            return np.full(places.shape, NOBODY, np.int32)
        found = self.others[np.minimum(at, len(self.others) - 1)]
        return np.where(places == NOBODY, np.int32(NOBODY), found)


class Shape(Protocol):
    """How members are put in touch."""

    def made(self, members: int, seed: int) -> Graph:
        """A graph of so many; OversightError for a number that it cannot have."""
        ...


def graph_of(spec: str, members: int, seed: int) -> Graph:
    """A graph by its spec (see the module).

    Errors: OversightError for an unknown name, a number of members that the graph cannot have, or a
    file that is no graph.
    """
    if members < 1:
        raise OversightError(f"a society has 1 member or more, got {members}")
    name, _, rest = spec.partition(":")
    if name not in SHAPES:
        raise OversightError(f"unknown graph {suggest(name, SHAPES, 'graphs')}")
    return SHAPES[name](**options(SHAPES[name], name, rest)).made(members, seed)


def circles(graph: Graph) -> Circles:
    """Everyone's neighbours, in the order of their numbers; nobody is a neighbour of themselves."""
    members, ends = graph.number_of_nodes(), 2 * graph.number_of_edges()
    if not members:
        raise OversightError("an empty graph has no society; give it a node at least")
    _bounded(ends)
    pairs = np.fromiter((end for edge in graph.edges() for end in edge), np.int64, ends)
    first, second = pairs[::2], pairs[1::2]
    apart = first != second
    authors = np.concatenate([first[apart], second[apart]])
    others = np.concatenate([second[apart], first[apart]])
    order = np.lexsort((others, authors))
    starts = np.concatenate([[0], np.bincount(authors, minlength=members).cumsum()])
    return Circles(starts, others[order].astype(np.int32))


@dataclass(frozen=True)
class Grid:
    """A square; `radius` 0 is half of its side, rounded down, and 1 at least."""

    radius: float = 0.0

    def made(self, members: int, seed: int) -> Graph:
        """Each knows those within the radius; nodes carry their "pos"."""
        side = math.isqrt(members)
        if side * side != members:
            near = f"{side * side} or {(side + 1) ** 2}"
            raise OversightError(f"a grid is a square; {members} members are none, take {near}")
        reach = self.radius or max(1, side // 2)
        far = min(int(reach), side - 1)
        steps = [(down, right) for down in range(far + 1) for right in range(-far, far + 1)
                 if (down > 0 or right > 0) and math.hypot(down, right) <= reach]  # fmt: skip
        _bounded(2 * len(steps) * members)
        graph = nx.Graph()
        places = np.arange(members).reshape(side, side)
        for row, column in np.ndindex(side, side):
            graph.add_node(int(places[row, column]), pos=(column, -row))
        for down, right in steps:
            here = places[: side - down, max(0, -right) : side - max(0, right)].ravel()
            there = places[down:, max(0, right) : side + min(0, right)].ravel()
            graph.add_edges_from(zip(here.tolist(), there.tolist(), strict=True))
        return graph


@dataclass(frozen=True)
class WattsStrogatz:
    """A small world (Watts and Strogatz 1998)."""

    degree: int = 4
    rewired: float = 0.1

    def made(self, members: int, seed: int) -> Graph:
        """A ring of `degree` neighbours, a share of whose edges lead elsewhere."""
        if not 0 < self.degree < members or not 0 <= self.rewired <= 1:
            raise OversightError(
                "a small world needs 0 < degree < members and rewired in 0 … 1; got "
                f"degree={self.degree}, {members} members, rewired={self.rewired:g}"
            )
        return nx.watts_strogatz_graph(members, self.degree, self.rewired, seed=_luck(seed))


@dataclass(frozen=True)
class BarabasiAlbert:
    """Preferential attachment (Barabási and Albert 1999)."""

    edges: int = 2

    def made(self, members: int, seed: int) -> Graph:
        """Each newcomer befriends `edges`, the well known the likelier."""
        if not 1 <= self.edges < members:
            raise OversightError(
                f"newcomers befriend 1 … {members - 1} others, got edges={self.edges}"
            )
        return nx.barabasi_albert_graph(members, self.edges, seed=_luck(seed))


@dataclass(frozen=True)
class Complete:
    """Everyone beside everyone."""

    def made(self, members: int, seed: int) -> Graph:
        """All edges there can be."""
        _bounded(members * (members - 1))
        return nx.complete_graph(members)


@dataclass(frozen=True)
class File:
    """A graph that somebody drew; its nodes are numbered in their order."""

    path: Path

    def made(self, members: int, seed: int) -> Graph:
        """As it was read; `members` must agree with it."""
        graph = self._read()
        if not graph:
            raise OversightError(
                f"{self.path} holds an empty graph; a society has 1 member or more"
            )
        if len(graph) != members:
            raise OversightError(f"{self.path} has {len(graph)} nodes; say --members {len(graph)}")
        return nx.convert_node_labels_to_integers(graph)

    def _read(self) -> Graph:
        readers: Mapping[str, Callable[[Path], Graph]] = {
            ".graphml": nx.read_graphml, ".gml": nx.read_gml, ".json": _node_link,
        }  # fmt: skip
        try:
            return nx.Graph(readers.get(self.path.suffix, nx.read_edgelist)(self.path))
        except (OSError, ValueError, TypeError, KeyError, nx.NetworkXException) as error:
            raise OversightError(
                f"{self.path} cannot be read as a graph ({error}); give .graphml, .gml, node-link "
                ".json, or a line with two names for each edge"
            ) from error


SHAPES: Mapping[str, Callable[..., Shape]] = {
    "grid": Grid, "watts_strogatz": WattsStrogatz, "barabasi_albert": BarabasiAlbert,
    "complete": Complete, "file": File,
}  # fmt: skip


def _luck(seed: int) -> int:
    return keys.root(seed, "society", "graph") % 2**32


def _bounded(ends: int) -> None:
    if ends > MOST:
        raise OversightError(
            f"{ends:,} neighbours in all are more than the {MOST:,} that are held; name a smaller "
            "radius, such as grid:radius=2, or a sparse graph such as watts_strogatz"
        )


def _node_link(path: Path) -> Graph:
    return nx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")
