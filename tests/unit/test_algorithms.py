"""Algorithmic tasks: what is true, how questions come apart, and the world that plays them."""

from __future__ import annotations

import numpy as np
import pytest

from envs.worlds.algorithms import Algorithms
from oversight.algorithms import EVERY_TASK, TASKS, RuleOverseer, Task, amplify, gates
from oversight.algorithms.amplify import failing, majority, systematic_luck
from oversight.algorithms.task import STOP, Ints
from oversight.core import OversightError
from oversight.runs import simulate

SIZES = ((8, 1), (8, 3), (16, 4))
EVERY = [
    pytest.param(EVERY_TASK[name](size, difficulty), id=f"{name}-{size}-{difficulty}")
    for name in EVERY_TASK
    for size, difficulty in SIZES
]
every_task = pytest.mark.parametrize("task", EVERY)


def contexts_of(task: Task, batch: int = 30) -> Ints:
    return task.contexts(np.random.default_rng(3), batch, task.difficulty)


def every_question(task: Task, batch: int) -> Ints:
    whole = np.arange(task.simple, task.nodes)
    return np.broadcast_to(whole, (batch, len(whole)))


@every_task
def test_true_answers_of_the_parts_give_the_true_answer_of_every_question(task: Task):
    contexts = contexts_of(task)
    true = task.solve(contexts)
    nodes = every_question(task, len(contexts))

    def knows(_: Ints, asked: Ints) -> Ints:
        return np.take_along_axis(true, asked, axis=1)

    work = amplify(task, RuleOverseer(task), knows, contexts, nodes)
    assert (work.answers == true[:, task.simple :]).all()


@every_task
def test_a_question_is_one_deeper_than_its_deepest_part(task: Task):
    contexts = contexts_of(task)
    true, depth = task.solve(contexts), task.depths(contexts)
    nodes = every_question(task, len(contexts))
    work = amplify(
        task, RuleOverseer(task), lambda _, n: np.take_along_axis(true, n, axis=1), contexts, nodes
    )
    flat = np.maximum(work.asked, 0).reshape(len(contexts), -1)
    parts = np.take_along_axis(depth, flat, axis=1).reshape(work.asked.shape)
    deepest = np.where(work.asked == STOP, -1, parts).max(axis=2)
    assert (depth[:, task.simple :] == deepest + 1).all()
    assert (depth[:, : task.simple] == 0).all()
    assert depth.max() == task.difficulty


@every_task
def test_primitive_questions_are_read_off_the_facts(task: Task):
    contexts = contexts_of(task)
    assert (task.lookup(contexts) == task.solve(contexts)[:, : task.simple]).all()


@every_task
def test_nodes_and_tokens_name_each_other(task: Task):
    assert (task.number(task.table) == np.arange(task.nodes)).all()
    assert (task.table < np.array(task.question_widths)).all()
    contexts = contexts_of(task)
    assert contexts.shape[1:] == (task.facts, len(task.fact_widths))
    assert (contexts >= 0).all()
    assert (contexts < np.array(task.fact_widths)).all()
    assert len({task.prompt(node) for node in range(task.nodes)}) == task.nodes


@every_task
def test_training_questions_are_neither_primitive_nor_too_deep(task: Task):
    draw = np.random.default_rng(0)
    for difficulty in range(1, task.difficulty + 1):
        contexts = task.contexts(draw, 20, difficulty)
        nodes = task.questions(draw, 20, 50, difficulty)
        depth = np.take_along_axis(task.depths(contexts), nodes, axis=1)
        assert depth.min() >= 1
        assert depth.max() == difficulty
        assert np.isin(nodes, task.askable(difficulty)).all()


@every_task
def test_no_whole_question_has_no_answer(task: Task):
    assert (task.solve(contexts_of(task))[:, task.simple :] != task.none).all()


# By hand


def solved(task: Task, facts: list[list[int]], prompt: str) -> str:
    node = next(n for n in range(task.nodes) if task.prompt(n) == prompt)
    return task.answers[int(task.solve(np.array([facts]))[0, node])]


def test_powering_by_hand():
    task = TASKS["permutation_powering"](3, 2)
    facts = [[0, 1], [1, 2], [2, 0]]
    assert solved(task, facts, "Where do 5 steps lead from s1?") == "s0"


def test_assignments_by_hand():
    task = TASKS["sequential_assignments"](3, 3)
    facts = [[0, 3 + 3, 3], [1, 0, 0], [2, 1, 0]]  # v0 = 3, v1 = v0 + v0, v2 = v1 + v0
    assert solved(task, facts, "What is v2 worth?") == "1"  # 9 modulo 4


def test_wildcards_by_hand():
    task = TASKS["wildcard_search"](4, 2)
    facts = [[0, 0, 0], [0, 1, 2], [1, 0, 1], [1, 1, 2]]  # worth −1, 1, 0, 1
    assert solved(task, facts, "What do the strings ** sum to?") == "+1"
    assert solved(task, facts, "What do the strings *1 sum to?") == "+2"


def test_paths_by_hand():
    task = TASKS["shortest_path"](4, 2)
    facts = [[0, 1, 1], [1, 2, 1], [2, 3, 3], [3, 3, 3]]
    assert solved(task, facts, "How far is it from p0 to p2, within 2 steps?") == "2"
    assert solved(task, facts, "How far is it from p0 to p3, within 2 steps?") == "further"
    assert solved(task, facts, "How far is it from p0 to p0, within 1 step?") == "0"


def test_unions_by_hand():
    task = TASKS["union_find"](3, 3)
    facts = [[0, 3 + 2], [1, 0], [2, 1]]  # e0 carries the name of set 2
    assert solved(task, facts, "Which set is e2 in?") == "set 2"


def test_gates_by_hand():
    task = EVERY_TASK["gates"](4, 2)
    facts = [[0, 2 + 2, 4, 4], [1, 2 + 1, 4, 4], [2, 0, 0, 1], [3, 1, 0, 1]]
    assert solved(task, facts, "What is g2 worth?") == "0"  # f(2, 1) = 2 + 1
    assert solved(task, facts, "What is g3 worth?") == "1"  # g(2, 1) = 2 * 2 + 2 * 1 + 1
    assert task.words(facts[3]) == "g3 = g(g0, g1)"


def test_a_wrong_operand_always_makes_a_gate_wrong():
    made = gates.table()
    assert made.shape == (2, 3, 3)
    for operation in made:
        assert all(len(set(line)) == 3 for line in [*operation.tolist(), *operation.T.tolist()])
    assert len({operation.tobytes() for operation in made}) == 2


def test_no_fact_shows_what_an_operation_does(monkeypatch: pytest.MonkeyPatch):
    task = EVERY_TASK["gates"](8, 3)
    before = contexts_of(task)
    monkeypatch.setattr(gates, "HIDDEN", ((1, 2, 0), (1, 1, 1)))
    others = EVERY_TASK["gates"](8, 3)
    assert (contexts_of(others) == before).all()
    assert (others.lookup(before) == task.lookup(before)).all()
    assert (others.solve(before) != task.solve(before)).any()


def test_the_paper_has_five_tasks():
    assert set(EVERY_TASK) - set(TASKS) == {"gates"}
    assert len(TASKS) == 5


@pytest.mark.parametrize(
    ("name", "size", "difficulty", "reason"),
    [
        ("wildcard_search", 6, 1, "power of two"),
        ("wildcard_search", 8, 4, "depth 1 to 3, got difficulty=4"),
        ("union_find", 1, 1, "2 symbols or more"),
        ("shortest_path", 8, 0, "got difficulty=0"),
    ],
)
def test_impossible_tasks_say_why(name: str, size: int, difficulty: int, reason: str):
    with pytest.raises(OversightError, match=reason):
        TASKS[name](size, difficulty)


# Overseers that fail


def test_failures_are_as_frequent_as_asked_and_never_right():
    right = np.arange(20_000) % 7
    luck = np.random.default_rng(0).random((20_000, 2))
    said = failing(right, luck, 0.3, 7)
    assert (said != right).mean() == pytest.approx(0.3, abs=0.015)
    assert set(said[right == 2].tolist()) == set(range(7))


def test_systematic_failures_hang_on_the_question_alone():
    nodes = np.array([5, 9, 5])
    luck = systematic_luck(nodes)
    assert (luck[0] == luck[2]).all()
    assert (luck[0] != luck[1]).all()


def test_a_majority_by_hand():
    votes = np.array([[0, 2, 1], [1, 2, 0], [1, 0, 2]])
    assert majority(votes, 3).tolist() == [1, 2, 0]  # the last is a tie of three


# The world


@pytest.mark.parametrize("name", list(EVERY_TASK))
def test_amplified_to_the_full_depth_even_a_useless_assistant_suffices(name: str):
    result = simulate(
        "amplification", f"algorithms:task={name},difficulty=2,assistant_error=1",
        episodes=40, depth=2, subquestions=EVERY_TASK[name].steps, controls=False,
    )  # fmt: skip
    assert result.failed == 0
    assert (result.frames["main"]["correct"] == 1.0).all()


def test_the_expert_reads_the_answer_off_the_context():
    result = simulate("expert", "algorithms", episodes=30, controls=False)
    assert (result.frames["main"]["correct"] == 1.0).all()


def test_cases_are_of_the_full_depth_and_their_truth_is_the_solution():
    world = Algorithms("shortest_path", 8, 3)
    for index in range(20):
        case = world.case(index, 0)
        root = world.root(case)
        facts = np.asarray(case.private.facts)[None]
        assert world.task.depths(facts)[0, root] == 3
        assert world.node_truth(case, root).unseal() == case.truth.unseal()
        assert case.question == world.subquestion(case, root)


def test_questions_that_are_none_are_refused():
    world = Algorithms()
    with pytest.raises(OversightError, match=f"questions 0 to {world.nodes - 1}"):
        world.subquestion(world.case(0, 0), world.nodes)


def test_dials_out_of_range_are_refused():
    with pytest.raises(OversightError, match="failure is a probability"):
        Algorithms(failure=1.5)
