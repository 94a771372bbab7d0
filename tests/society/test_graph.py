"""Who knows whom."""

import json
import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from oversight import keys
from oversight.core import OversightError
from oversight.society.graph import NOBODY, circles, graph_of


def test_a_grids_radius_is_half_of_its_side():
    graph = graph_of("grid", 100, 0)
    places = [(i // 10, i % 10) for i in range(100)]
    for member in (0, 44, 99):
        near = {o for o in range(100) if 0 < math.dist(places[member], places[o]) <= 5}
        assert set(graph.neighbors(member)) == near


def test_a_radius_may_be_named():
    assert sorted(dict(graph_of("grid:radius=1", 9, 0).degree()).values()) == [2] * 4 + [3] * 4 + [
        4
    ]


@pytest.mark.parametrize(
    ("spec", "edges"),
    [("watts_strogatz:degree=4", 40), ("barabasi_albert:edges=2", 36), ("complete", 190)],
)
def test_other_graphs_are_networkxs(spec: str, edges: int):
    graph = graph_of(spec, 20, 3)
    assert graph.number_of_edges() == edges
    assert nx.utils.graphs_equal(graph, graph_of(spec, 20, 3))


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".json", ".edges"])
def test_graphs_are_read_from_files(suffix: str, tmp_path: Path):
    drawn = nx.path_graph(4)
    path = tmp_path / f"village{suffix}"
    match suffix:
        case ".graphml":
            nx.write_graphml(drawn, path)
        case ".gml":
            nx.write_gml(drawn, path)
        case ".json":
            path.write_text(json.dumps(nx.node_link_data(drawn, edges="edges")))
        case _:
            nx.write_edgelist(drawn, path)
    assert sorted(dict(graph_of(f"file:{path}", 4, 0).degree()).values()) == [1, 1, 2, 2]
    with pytest.raises(OversightError, match="--members 4"):
        graph_of(f"file:{path}", 5, 0)


def test_what_is_no_graph_is_refused(tmp_path: Path):
    empty = tmp_path / "empty.edges"
    empty.write_text("")
    broken = tmp_path / "broken.gml"
    broken.write_text("graph [ node")
    for spec, members, told in (
        (f"file:{empty}", 3, "empty graph"), (f"file:{broken}", 3, "cannot be read"),
        (f"file:{tmp_path}/none.gml", 3, "cannot be read"), ("grid", 10, "9 or 16"),
        ("gird", 9, "did you mean 'grid'"), ("watts_strogatz:degree=9", 5, "degree < members"),
        ("barabasi_albert:edges=0", 5, "edges=0"), ("grid", 0, "1 member"),
        ("complete", 100_000, "smaller"), ("grid", 1_000_000, "radius=2"),
    ):  # fmt: skip
        with pytest.raises(OversightError, match=told):
            graph_of(spec, members, 0)


def test_chosen_neighbours_are_neighbours_once_each_and_evenly():
    known = circles(graph_of("grid:radius=2", 49, 0))
    members = np.repeat(np.arange(49), 200)
    luck = keys.folds(keys.root("test"), np.arange(len(members)))
    found = known.chosen(members, np.full(len(members), 4), luck)
    assert found.shape == (len(members), 4)
    for member, row in zip(members[::97], found[::97], strict=True):
        assert len(set(row.tolist())) == 4
        assert set(row.tolist()) <= set(known.of(int(member)).tolist())
    counts = np.unique(found[members == 24], return_counts=True)[1]  # of 12, each a third
    assert len(counts) == 12
    assert np.abs(counts - 200 / 3).max() < 4 * math.sqrt(200 * 2 / 9)


def test_who_has_few_neighbours_asks_them_all_and_the_lonely_nobody():
    drawn = nx.path_graph(3)
    drawn.add_node(3)
    known = circles(drawn)
    found = known.chosen(np.arange(4), np.full(4, 3), keys.folds(1, np.arange(4)))
    assert [sorted(set(row.tolist()) - {NOBODY}) for row in found] == [[1], [0, 2], [1], []]


def test_the_dead_are_nobodys_neighbours():
    known = circles(graph_of("complete", 4, 0)).among(np.array([True, False, True, True]))
    assert [known.of(member).tolist() for member in range(4)] == [[2, 3], [], [0, 3], [0, 2]]
