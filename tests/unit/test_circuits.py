"""Circuits: how they are drawn and read, what parties know of them, how two works are compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

import envs
from oversight.casting import cast_for
from oversight.circuits.files import read_circuit
from oversight.circuits.graph import Circuit, Shape, draw_circuit
from oversight.circuits.judges import CircuitJudge
from oversight.circuits.reading import read
from oversight.circuits.steps import Asked, Work, descent
from oversight.circuits.traces import CAREFUL, EXPERT, Luck, Skills, corrected, from_the_root
from oversight.core import OversightError, Seat
from oversight.episode import Episode
from oversight.registry import build, load
from oversight.rollout import rollout

XOR, AND = (0, 1, 1, 0), (0, 0, 0, 1)
SMALL = Circuit(2, (1, 0), ((0, 1), (2, 0)), (XOR, AND), (0, 0, 1, 2))
"""g0 = x0 xor x1, g1 = g0 and x0."""


@pytest.mark.parametrize("family", ["dag", "tree", "chain"])
def test_a_drawn_circuit_is_of_its_shape(family: Any) -> None:
    shape = Shape(4, 6, 3, 0.5, family)
    for key in range(20):
        circuit = draw_circuit(shape, key)
        assert (circuit.gates, len(circuit.inputs)) == (shape.gates, shape.inputs)
        graph = circuit.graph
        assert nx.is_directed_acyclic_graph(graph)
        root = circuit.wires - 1
        assert all(nx.has_path(graph, circuit.wire(g), root) for g in range(circuit.gates))
        for gate in range(circuit.gates):
            a, b = circuit.children(gate)
            assert a != b
            assert max(circuit.layer[a], circuit.layer[b]) == circuit.layer[circuit.wire(gate)] - 1


@pytest.mark.parametrize("hard", [0.0, 1.0])
def test_a_tree_of_wider_gates_uses_every_wire_once(hard: float, tmp_path: Path) -> None:
    shape = Shape(depth=3, m=3, hard=hard, family="tree", fanin=4)
    assert (shape.gates, shape.inputs) == (1 + 4 + 16, 64)
    for circuit in (draw_circuit(shape, key) for key in range(5)):
        taken = [wire for gate in range(circuit.gates) for wire in circuit.children(gate)]
        assert sorted(taken) == list(range(circuit.wires - 1))
        assert all(len(table) == 3**4 for table in circuit.table)
        assert circuit.sensitivity() == 1.0 or not hard
        back = read_circuit(written(tmp_path, circuit.graph))
        assert (back.fanin, back.run()[-1]) == (4, circuit.run()[-1])


def test_a_gate_of_three_by_hand() -> None:
    total = tuple((x + y + z) % 3 for x in range(3) for y in range(3) for z in range(3))
    circuit = Circuit(3, (2, 1, 1), ((0, 1, 2),), (total,), (0, 0, 0, 1))
    assert circuit.run() == (2, 1, 1, 1)
    assert circuit.evaluate(0, 2, 2, 1) == 2
    assert [table.count(value) for table in circuit.table for value in range(3)] == [9, 9, 9]


def test_a_wider_gate_in_a_dag_is_refused_with_the_remedy() -> None:
    with pytest.raises(OversightError, match="set family=tree"):
        build("worlds", "circuits:fanin=3")


@pytest.mark.parametrize(
    "name", ["amplification", "consultancy", "critique", "debate", "factored_cognition",
             "market_making", "naive", "process_supervision", "prover_estimator",
             "reward_modeling", "sandwiching"],
)  # fmt: skip
def test_every_protocol_plays_on_wider_gates(name: str) -> None:
    world = build("worlds", "circuits:family=tree,fanin=3,depth=2,m=3")
    bound = load("protocols", name).bind(**(world.spend(name, 4) or {}))
    records = list(rollout(bound, world, cast_for(bound, world).cast, 20))
    assert not [record.failure for record in records if record.failure]
    assert sum(record.correct or 0.0 for record in records) > 0.5 * len(records)


def test_gates_of_different_size_are_refused_by_name(tmp_path: Path) -> None:
    graph = SMALL.graph
    graph.add_node(9, value=0)
    graph.add_edge(9, 2, place=[2])
    with pytest.raises(OversightError, match="take as many children"):
        read_circuit(written(tmp_path, graph))


def test_values_by_hand() -> None:
    assert SMALL.run() == (1, 0, 1, 1)
    assert SMALL.run([1, 0]) == (1, 0, 0, 0)
    assert SMALL.sensitivity() == 1.0
    assert from_the_root(SMALL) == [1, 0]


def test_a_look_mends_the_gate_and_what_follows() -> None:
    assert corrected(SMALL, (1, 0, 0, 0), {0: 0}) == (1, 0, 1, 1)
    assert corrected(SMALL, (1, 0, 1, 1), {1: 1}) == (1, 0, 1, 0)


def test_constant_roots_are_refused_with_the_remedy() -> None:
    with pytest.raises(OversightError, match="root is constant; set hard below 1"):
        Shape(5, 8, 2, 1.0, "dag")
    Shape(5, 8, 3, 1.0, "dag")
    Shape(5, 8, 2, 1.0, "tree")


@pytest.mark.parametrize(
    ("settings", "said"),
    [("depth=0", "depth"), ("expert=2", "probability"), ("hard=-1", "probability"),
     ("family=tree,depth=20", "leaves"), ("honesty=3", "probability")],
)  # fmt: skip
def test_bad_settings_say_what_is_wrong(settings: str, said: str) -> None:
    with pytest.raises(OversightError, match=said):
        build("worlds", f"circuits:{settings}")


# Files


def written(path: Path, graph: Any) -> Path:
    target = path / "circuit.json"
    target.write_text(json.dumps(nx.node_link_data(graph, edges="edges")))
    return target


def test_a_circuit_comes_back_from_its_file(tmp_path: Path) -> None:
    circuit = draw_circuit(Shape(3, 4), 5)
    back = read_circuit(written(tmp_path, circuit.graph))
    assert back.run()[-1] == circuit.run()[-1]
    assert sorted(back.run()) == sorted(circuit.run())


def test_a_world_of_one_given_circuit_plays(tmp_path: Path) -> None:
    target = written(tmp_path, draw_circuit(Shape(3, 4), 5).graph)
    world, protocol = build("worlds", f"circuits:graph={target}"), load("protocols", "debate")
    records = list(rollout(protocol, world, cast_for(protocol, world).cast, 20))
    assert not [record for record in records if record.failure]
    assert len({record.truth for record in records}) == 2


def test_a_given_circuit_deeper_than_the_default_is_judged_by_its_own_reliability(
    tmp_path: Path,
) -> None:
    target = written(tmp_path, draw_circuit(Shape(8, 8), 5).graph)
    world = build("worlds", f"circuits:graph={target}")
    for name, rounds in (("naive", {"evidence": 4}), ("debate", {"rounds": 2})):
        protocol = load("protocols", name).bind(**rounds)
        records = rollout(protocol, world, cast_for(protocol, world).cast, 20)
        assert not [record.failure for record in records if record.failure]


def test_a_given_circuit_of_three_values_has_workers_of_three_answers(tmp_path: Path) -> None:
    target = written(tmp_path, draw_circuit(Shape(3, 4, 3), 5).graph)
    env: Any = envs.make("factored_cognition", f"circuits:graph={target}")
    assert env.action_space("worker").n == 3


def test_a_cycle_is_refused_by_name(tmp_path: Path) -> None:
    graph = SMALL.graph
    graph.remove_edge(1, 2)
    graph.add_edge(3, 2, place=[1])
    with pytest.raises(OversightError, match="form a cycle"):
        read_circuit(written(tmp_path, graph))


def test_an_undefined_input_is_refused_by_name(tmp_path: Path) -> None:
    graph = SMALL.graph
    del graph.nodes[0]["value"]
    with pytest.raises(OversightError, match="0 has no table, so it is an input and needs a value"):
        read_circuit(written(tmp_path, graph))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"nodes": 3}'])
def test_what_is_no_graph_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(OversightError):
        read_circuit(tmp_path / "broken.json")


# Luck


def test_luck_is_a_parties_own_and_the_same_at_every_look() -> None:
    circuit = draw_circuit(Shape(), 1)
    luck = Luck(circuit, Skills(), 7)
    assert luck.shifts("expert-0", 0.3) != luck.shifts("expert-1", 0.3)
    assert luck.careful(3, 0, 1) == luck.careful(3, 0, 1, times=5)
    shared = Luck(circuit, Skills(shared=1.0), 7)
    assert shared.shifts("expert-0", 0.3) == shared.shifts("expert-1", 0.3)
    assert luck.below(5).shifts(EXPERT, 0.3) == luck.shifts(EXPERT, 0.3)[:6]


def test_fresh_errors_differ_between_looks() -> None:
    luck = Luck(draw_circuit(Shape(), 1), Skills(careful=0.5, systematic=0.0), 7)
    looks = [luck.look(CAREFUL, 0.5, 0, times) for times in range(40)]
    assert {0, 1} == set(looks)


def test_levels_grade_the_error_rate() -> None:
    skills = Skills(expert=0.01, shallow=0.16)
    assert (skills.at(1), skills.at(0)) == (0.01, 0.16)
    assert skills.at(0.5) == pytest.approx(0.04)


# Steps


def test_the_descent_ends_at_the_crux() -> None:
    world = build("worlds", "circuits")
    found = 0
    for index in range(40):
        case = world.case(index, 0)
        asked: Asked = case.question.data
        material = world.private(case, "debater_0", Seat(("argue",), expert=True))
        for gate in range(material.circuit.gates):
            flawed = Work(material.flawed(gate, 1))
            path = descent(asked, Work(material.values), flawed)
            if path:
                found += 1
                assert path[0] == material.circuit.gates - 1
                assert path[-1] == gate
    assert found > 100


def test_every_flaw_offered_makes_the_root_fit_and_breaks_one_step() -> None:
    world, protocol = build("worlds", "circuits"), load("protocols", "debate")
    for index in range(10):
        episode = Episode(protocol, world, index, 0)
        for turn in episode.pending:
            material, side = turn.view.private, turn.view.side
            assert side is not None
            for option in turn.space.options[1:]:  # type: ignore[union-attr]  # a Choose
                work = world.publish_work(episode.case, turn.seat, option, turn.view).data
                assert work.values[-1] == turn.view.question.data.values[side.answer]
                broken = [
                    gate
                    for gate in range(material.circuit.gates)
                    if material.evaluate(gate, *_children(material, work, gate))
                    != work.values[material.circuit.wire(gate)]
                ]
                assert len(broken) == 1


def _children(material: Any, work: Work, gate: int) -> tuple[int, int]:
    a, b = material.circuit.children(gate)
    return work.values[a], work.values[b]


def test_a_reading_mirrored_twice_is_itself() -> None:
    world, protocol = build("worlds", "circuits"), load("protocols", "debate").bind(rounds=5)
    seen = 0
    for index in range(20):
        episode = Episode(protocol, world, index, 0)
        while episode.pending[0].act != "decide":
            episode.send([agent_reply(world, protocol, turn) for turn in episode.pending])
        reading = read(episode.pending[0].view)
        assert reading.mirrored().mirrored() == reading
        seen += reading.dispute is not None
        nats = CircuitJudge().log_odds(episode.pending[0].view)
        assert abs(nats) < 20
    assert seen == 20


def agent_reply(world: Any, protocol: Any, turn: Any) -> Any:
    return cast_for(protocol, world).cast[turn.seat].act([turn])[0]
