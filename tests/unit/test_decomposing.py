"""Factored cognition: batches, bounds, cycles; and protocols handed to protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow.parquet as pq
import pytest

from oversight.casting import cast_for
from oversight.circuits.workers import CircuitWorker
from oversight.core import OversightError, Turn
from oversight.decomposition import Tree, graph_of
from oversight.episode import Episode
from oversight.players import agent
from oversight.protocol import from_spec
from oversight.record import Record, as_row, record_of
from oversight.registry import build, load
from oversight.report.transcripts import games_of
from oversight.rollout import rollout
from oversight.spaces import Reply
from oversight.store import Store, frame_of


class Counting(CircuitWorker):
    """A worker that counts how often it is asked to answer, and how many at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        answers = sum(turn.act == "answer" for turn in turns)
        if answers:
            self.batches.append(answers)
        return super().act(turns)


def test_a_tree_of_a_thousand_nodes_asks_its_workers_in_at_most_depth_batches() -> None:
    depth = 9
    world = build("worlds", f"circuits:family=tree,depth={depth}")
    protocol = load("protocols", "factored_cognition").bind(depth=depth)
    worker = Counting()
    cast = {**cast_for(protocol, world).cast, "worker": worker}
    [record] = rollout(protocol, world, cast, 1)
    assert record.failure is None
    assert record.metrics["nodes"] == 2 ** (depth + 1) - 1
    assert len(worker.batches) <= depth
    assert sum(worker.batches) == record.metrics["nodes"] - 1


def test_identical_questions_are_asked_once() -> None:
    world = build("worlds", "circuits")
    protocol = load("protocols", "factored_cognition").bind(depth=5)
    [record] = rollout(protocol, world, cast_for(protocol, world).cast, 1)
    assert record.metrics["nodes"] == world.nodes


@pytest.mark.parametrize(("attends", "budget"), [(3, 2000), (50, 7)])
def test_bounds_are_kept(attends: int, budget: int) -> None:
    world = build("worlds", "circuits")
    protocol = load("protocols", "factored_cognition").bind(attends=attends, budget=budget)
    for record in rollout(protocol, world, cast_for(protocol, world).cast, 10):
        assert record.failure is None
        assert record.metrics["attends"] <= attends
        assert record.metrics["nodes"] <= budget


def played(seat: str, reply: Callable[[Turn], Reply], **parameters: Any) -> str:
    world = build("worlds", "circuits")
    protocol = load("protocols", "factored_cognition").bind(**parameters)
    cast = {**cast_for(protocol, world).cast, seat: agent(reply)}
    [record] = rollout(protocol, world, cast, 1)
    assert record.failure is not None
    return record.failure.reason


def test_a_cycle_fails_its_episode_and_says_so() -> None:
    assert "no cycles" in played("decomposer", lambda turn: (turn.view.question.data.wire,))


def test_too_many_parts_fail_their_episode() -> None:
    assert "the most is 2" in played("decomposer", lambda turn: (0, 1, 2))


def test_an_ill_typed_answer_fails_its_episode() -> None:
    assert "expected an index below 2" in played("worker", lambda turn: "seven")


def test_the_tree_is_rebuilt_from_what_was_said() -> None:
    world = build("worlds", "circuits:depth=3,width=4")
    protocol = load("protocols", "factored_cognition").bind(depth=3)
    episode = Episode(protocol, world, 0, 0)
    cast = cast_for(protocol, world).cast
    while episode.pending:
        episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    graph = graph_of(episode.table.transcript)
    assert len(graph) == record_of(episode).metrics["nodes"]
    assert graph.in_degree(world.root(episode.case)) == 0
    assert all("answer" in graph.nodes[node] for node in graph)


def games(protocol: str, episodes: int = 5, **parameters: Any) -> list[Record]:
    world, bound = build("worlds", "circuits:depth=3,width=4"), load("protocols", protocol)
    bound = bound.bind(**parameters)
    records = rollout(bound, world, cast_for(bound, world).cast, episodes)
    return sorted(records, key=lambda record: record.episode)


DECOMPOSING: list[tuple[str, dict[str, Any]]] = [
    ("factored_cognition", {"depth": 3}),
    ("factored_cognition", {"depth": 1, "rule": "debate:rounds=1", "repair": 2}),
    ("amplification", {"depth": 2}),
    ("reward_modeling", {"candidates": 2}),
]


@pytest.mark.parametrize(("protocol", "parameters"), DECOMPOSING)
def test_a_record_holds_its_tree_and_the_store_gives_it_back(
    tmp_path: Path, protocol: str, parameters: dict[str, Any]
) -> None:
    records = games(protocol, **parameters)
    with Store(tmp_path / "run", {"protocol": protocol}) as store:
        for record in records:
            store.append(record)
    back = Store(tmp_path / "run").records()
    assert back == records
    world, bound = build("worlds", "circuits:depth=3,width=4"), load("protocols", protocol)
    for record, kept in zip(records, back, strict=True):
        again = Episode.replay(bound.bind(**parameters), world, record.episode, 0, kept.replies)
        told = graph_of(again.table.transcript)
        assert kept.tree is not None
        assert isinstance(kept.tree, nx.DiGraph)
        assert nx.is_directed_acyclic_graph(kept.tree)
        assert {n: kept.tree.nodes[n] for n in kept.tree} == {n: told.nodes[n] for n in told}
        assert list(kept.tree.edges) == list(told.edges)
        assert as_row(kept)["tree"]["nodes"]


def test_games_that_take_nothing_apart_have_no_tree(tmp_path: Path) -> None:
    records = games("debate")
    with Store(tmp_path / "run", {}) as store:
        for record in records:
            store.append(record)
    assert [record.tree for record in Store(tmp_path / "run").records()] == [None] * 5
    assert Store(tmp_path / "run").frame()["decomposition"].isna().all()
    assert "tree" not in as_row(records[0])


def test_a_store_from_before_there_were_trees_is_read_and_gone_on_with(tmp_path: Path) -> None:
    old, new = games("factored_cognition", 2)
    with Store(tmp_path / "run", {}) as store:
        store.append(old)
    part = tmp_path / "run" / "part-000000.parquet"
    pq.write_table(pq.read_table(part).drop_columns(["decomposition"]), part)
    with Store(tmp_path / "run", {}) as store:
        store.append(new)
    assert Store(tmp_path / "run").records() == [old._replace(decomposition=None), new]


def test_the_page_draws_the_tree_that_the_record_holds() -> None:
    world, protocol = build("worlds", "circuits:depth=3,width=4"), load("protocols", "debate")
    asked = load("protocols", "factored_cognition")
    [shown] = games_of(asked, world, frame_of(games("factored_cognition", 1)), 0)
    [bare] = games_of(protocol, world, frame_of(games("debate", 1)), 0)
    assert 'class="tree"' in shown.picture
    assert 'class="tree"' not in bare.picture


def test_repair_answers_anew_what_is_above_the_part() -> None:
    tree = Tree(9)
    tree.take_apart(9, [7, 8])
    tree.take_apart(7, [1, 2])
    tree.answers |= dict.fromkeys((9, 8, 7, 1, 2), 0)
    tree.forget(1)
    assert set(tree.answers) == {8, 2}


def accuracy(**parameters: Any) -> float:
    world = build("worlds", "circuits:shallow=0.2")
    protocol = load("protocols", "factored_cognition").bind(depth=2, **parameters)
    records = list(rollout(protocol, world, cast_for(protocol, world).cast, 400))
    assert not [record for record in records if record.failure]
    return sum(record.correct or 0 for record in records) / len(records)


@pytest.mark.slow
def test_repair_and_a_debate_at_the_leaves_both_help() -> None:
    bare = accuracy()
    assert accuracy(repair=4) > bare + 0.05
    assert accuracy(rule="debate:rounds=3") > bare + 0.05


# Protocols handed to protocols


def test_a_part_is_written_read_and_handed_on() -> None:
    whole = load("protocols", "factored_cognition").bind(rule="debate:rounds=2")
    assert whole.parts[0].parameters == {"rounds": 2}
    assert whole.spec == "factored_cognition:rule=(debate:rounds=2)"
    assert whole.settings["rule"] == "debate:rounds=2"
    assert from_spec(whole.spec).settings == whole.settings


def test_a_composition_that_contains_itself_is_refused() -> None:
    nested = load("protocols", "nested")
    with pytest.raises(OversightError, match="recurses into itself"):
        nested.bind(inner="nested:inner=(debate:rounds=1)")
    with pytest.raises(OversightError, match="recurses into itself"):
        nested.bind(inner=load("protocols", "factored_cognition").bind(rule="nested"))


def test_a_part_that_is_no_protocol_is_refused_by_name() -> None:
    with pytest.raises(OversightError, match="debate"):
        load("protocols", "nested").bind(inner="debat")
