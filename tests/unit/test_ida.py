"""Iterated distillation and amplification: its four processes, and that it goes on bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from envs.worlds.algorithms import Algorithms
from oversight.algorithms import TASKS, RuleOverseer, amplify
from oversight.algorithms.amplify import Overseer
from oversight.algorithms.task import STOP
from oversight.core import OversightError
from oversight.players import Agent
from oversight.registry import load
from oversight.rollout import rollout
from oversight.training.amplification import Distillation
from oversight.training.imitation import ImitatingOverseer, decisions, imitation_loss
from oversight.training.learning_curve import Point, accuracy_by_depth, examples_to, learn
from oversight.training.reading import Reader
from oversight.training.recipe import Recipe
from oversight.training.seats import LearnedAssistant, LearnedOverseer

TINY = Recipe(
    "union_find", symbols=4, difficulty=2, width=16, layers=1, batch=8, questions=8, reuse=2,
    first_calls=100, poll=4, imitation=32,
)  # fmt: skip


@pytest.fixture(scope="module")
def taught() -> Distillation:
    """Taught for a moment, so that H′ does something and X is often wrong."""
    training = Distillation(TINY)
    for _ in range(30):
        training.step()
    return training


def weights(training: Distillation) -> list[torch.Tensor]:
    nets = (training.student, training.teacher, training.imitator)
    return [parameter.detach().clone() for net in nets for parameter in net.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# The processes


def test_a_question_is_answered_alike_alone_and_among_others(taught: Distillation):
    task, draw = taught.task, np.random.default_rng(0)
    contexts = torch.from_numpy(task.contexts(draw, 3, 2))
    tokens = torch.from_numpy(task.table[task.questions(draw, 3, 5, 2)])
    with torch.no_grad():
        together = taught.student(contexts, tokens)
        alone = torch.cat([taught.student(contexts, tokens[:, [q]]) for q in range(5)], dim=1)
    assert torch.allclose(together, alone, atol=1e-5)


def test_the_order_of_facts_does_not_matter(taught: Distillation):
    task, draw = taught.task, np.random.default_rng(0)
    contexts = torch.from_numpy(task.contexts(draw, 3, 2))
    tokens = torch.from_numpy(task.table[task.questions(draw, 3, 5, 2)])
    with torch.no_grad():
        there, back = (taught.student(facts, tokens) for facts in (contexts, contexts.flip(1)))
    assert torch.allclose(there, back, atol=1e-5)


def test_what_was_read_is_answered_as_in_one_pass(taught: Distillation):
    task, draw = taught.task, np.random.default_rng(0)
    contexts = task.contexts(draw, 3, 2)
    nodes = task.questions(draw, 3, 9, 2)
    facts, tokens = torch.from_numpy(contexts), torch.from_numpy(task.table[nodes])
    with torch.no_grad():
        at_once = taught.student(facts, tokens)
        in_turn = taught.student.answer(taught.student.read(facts), tokens)
    assert torch.allclose(at_once, in_turn, atol=1e-5)
    told = Reader(taught.student, task, contexts)(contexts, nodes)
    assert told.tolist() == at_once.argmax(dim=-1).tolist()


def test_a_reader_computes_each_different_answer_once(taught: Distillation):
    task = taught.task
    contexts = task.contexts(np.random.default_rng(0), 2, 2)
    reader, computed = Reader(taught.student, task, contexts), list[int]()

    def counting(module: Any, tokens: Any) -> None:
        computed.append(tokens[0].shape[1])

    handle = taught.student.questions.register_forward_pre_hook(counting)
    last = task.nodes - 1
    first = reader(contexts, np.array([[4, last, 4], [5, STOP, STOP]]))
    again = reader(contexts, np.array([[last, 4], [5, 5]]))
    assert again.tolist() == [[first[0, 1], first[0, 0]], [first[1, 0], first[1, 0]]]
    assert first[0, 0] == first[0, 2]
    handle.remove()
    assert computed == [2]  # the two different questions about the first context, in one pass


def test_decisions_are_the_asks_then_the_conclusion():
    task = TASKS["union_find"](4, 2)
    contexts = np.array([[[0, 4 + 1], [1, 0], [2, 0], [3, 0]]])  # e0 is a root, of set 1

    def knows(facts: Any, nodes: Any) -> Any:
        return np.take_along_axis(task.solve(facts), nodes, axis=1)

    made = decisions(task, amplify(task, RuleOverseer(task), knows, contexts, np.array([[4, 6]])))
    # of e0: its link, then the conclusion; of e2: its link, e0's set, the conclusion
    stop, none_said = 2, 0
    rows = {tuple(row) for row in made.said.tolist()}
    assert rows == {(0, 0, 5), (0, 2, 5), (stop, none_said, 5), (1, 0, 5)}
    assert made.counts.sum(dim=1).tolist() == [2, 2, 2, 2, 2]
    assert len(made.read) == 5


def test_the_imitation_loss_by_hand():
    task = TASKS["union_find"](4, 2)
    training = Distillation(TINY)
    for parameter in training.imitator.parameters():
        torch.nn.init.zeros_(parameter)
    contexts = task.contexts(np.random.default_rng(0), 4, 1)
    made = decisions(
        task,
        amplify(task, RuleOverseer(task), lambda _, n: 0 * n, contexts, np.full((4, 1), 4)),
    )
    loss = imitation_loss(training.imitator, made)
    asks = np.log(3) + np.log(4)  # kind or stop; which element
    ends = np.log(3) + np.log(9)  # kind or stop; which answer
    assert loss.tolist() == pytest.approx([asks] * 4 + [ends] * 4)


def test_h_learns_what_the_overseer_does():
    training = Distillation(Recipe("union_find", 6, 1, width=16, layers=1, first_calls=400))
    training.step()
    task, draw = training.task, np.random.default_rng(5)
    contexts = task.contexts(draw, 100, 1)
    nodes = task.questions(draw, 100, 4, 1)

    def work(overseer: Overseer) -> Any:
        return amplify(task, overseer, lambda _, n: 0 * n, contexts, nodes)

    ours, theirs = work(ImitatingOverseer(task, training.imitator)), work(RuleOverseer(task))
    assert (ours.asked == theirs.asked).mean() > 0.98
    assert (ours.answers == theirs.answers).mean() > 0.98


def test_overseers_are_asked_less_as_h_learns():
    training = Distillation(TINY)
    rates: list[float] = []
    for loss in (1.0, 0.05, 0.005):
        training.loss = loss
        rates.append(training.thinning)
    assert rates == [1.0, 0.1, 0.01]


def test_difficulty_rises_when_the_teacher_agrees_with_its_targets():
    training = Distillation(TINY)
    for _ in range(4):
        training.raise_difficulty(0.8)
    assert training.difficulty == 1
    for _ in range(20):
        training.raise_difficulty(0.95)
    assert training.difficulty == 2  # and no more: that is the end
    assert training.arrived


def test_what_h_loses_on_harder_questions_is_unknown_until_it_is_measured():
    training = Distillation(TINY)
    training.step()
    training.loss = 0.001  # it has learned all there is at difficulty 1
    training.raise_difficulty(1.0, batches=4)
    assert training.difficulty == 2
    assert training.thinning == 1.0


def test_the_teacher_is_an_average_of_x():
    training = Distillation(TINY)
    draws = np.random.default_rng(0)
    task = training.task
    contexts = torch.from_numpy(task.contexts(draws, 4, 1))
    nodes = task.questions(draws, 4, 4, 1)
    batch = (contexts, torch.from_numpy(task.table[nodes]), torch.from_numpy(0 * nodes))
    seen: list[float] = []
    for step in range(3):
        training.steps = step
        training.train_student(*batch)
        seen.append(float(training.student.head.bias.detach()[0]))
    # within the horizon all steps weigh alike
    assert float(training.teacher.head.bias.detach()[0]) == pytest.approx(np.mean(seen), abs=1e-6)


def test_supervision_asks_no_overseer():
    curve = learn(Recipe("union_find", 4, 1, targets="true", width=16, layers=1), 6, every=3)
    assert [point.calls for point in curve.points] == [0, 0]
    assert curve.points[-1].examples == 2 * 32 * 16  # two batches at a time, eight steps of X


def test_a_curriculum_that_never_advances_says_so_and_stops():
    curve = learn(Recipe("shortest_path", 6, 3, width=16, layers=1), 8, every=4)
    assert not curve.arrived
    assert curve.points[-1].step == 8


# Going on


@pytest.mark.parametrize("arm", ["amplified", "true"])
def test_an_interrupted_training_goes_on_to_the_last_bit(arm: Any, tmp_path: Path):
    recipe = Recipe(
        "union_find", 4, 2, targets=arm, width=16, layers=1, batch=8, questions=8, reuse=3, ahead=3,
        first_calls=50, poll=4, votes=2, failure=0.1,
    )  # fmt: skip
    whole = Distillation(recipe)
    for _ in range(25):
        whole.step()
    broken = Distillation(recipe)
    for _ in range(13):
        broken.step()
    broken.save(tmp_path / "checkpoint.pt", [(1, 2.0)])
    resumed = Distillation(recipe)
    assert resumed.load(tmp_path / "checkpoint.pt") == [(1, 2.0)]
    for _ in range(12):
        resumed.step()
    assert same(weights(whole), weights(resumed))
    assert (whole.calls, whole.loss, whole.examples) == (
        resumed.calls, resumed.loss, resumed.examples,
    )  # fmt: skip


def test_a_learning_curve_resumes_as_if_nobody_had_interrupted_it(tmp_path: Path):
    whole = learn(TINY, 12, every=4)
    learn(TINY, 8, every=4, checkpoint=tmp_path / "c.pt", saves=6)  # the last checkpoint is at 6
    assert learn(TINY, 12, every=4, checkpoint=tmp_path / "c.pt", saves=100).points == whole.points


def test_checkpoints_of_another_recipe_are_refused(tmp_path: Path):
    Distillation(TINY).save(tmp_path / "c.pt")
    other = Distillation(Recipe("union_find", 5, 2))
    with pytest.raises(OversightError, match="another recipe"):
        other.load(tmp_path / "c.pt")
    (tmp_path / "c.pt").write_bytes(b"nothing")
    with pytest.raises(OversightError, match="cannot be read"):
        other.load(tmp_path / "c.pt")


# In the seats of the protocol


def played(world: Algorithms, cast: dict[str, Agent], width: int = 1024) -> list[Any]:
    protocol = load("protocols", "amplification").bind(subquestions=world.task.steps)
    records = rollout(protocol, world, cast, 60, width=width)
    return sorted(records, key=lambda record: record.episode)


def in_arrays(world: Algorithms, overseer: Overseer, training: Distillation) -> list[int]:
    """The same cases through the arrays that training goes by."""
    cases = [world.case(index, 0) for index in range(60)]
    contexts = np.asarray([case.private.facts for case in cases])
    nodes = np.array([[world.root(case)] for case in cases])

    reader = Reader(training.student, world.task, contexts)
    return amplify(world.task, overseer, reader, contexts, nodes).answers[:, 0].tolist()


def verdicts(records: list[Any]) -> list[int]:
    assert not [record.failure for record in records if record.failure]
    return [int(np.argmax(record.credences)) for record in records]


def test_arrays_and_engine_give_the_same_answers(taught: Distillation):
    world = Algorithms("union_find", 4, 2)
    seats = {
        "overseer": world.judge(), "judge": world.judge(),
        "assistant": LearnedAssistant(taught.task, taught.student),
    }  # fmt: skip
    engine = verdicts(played(world, seats))
    assert engine == in_arrays(world, RuleOverseer(world.task), taught)


def test_arrays_and_engine_agree_with_h_at_work_too(taught: Distillation):
    world = Algorithms("union_find", 4, 2)
    imitator = LearnedOverseer(taught.task, taught.imitator)
    seats: dict[str, Agent] = {
        "overseer": imitator, "judge": imitator,
        "assistant": LearnedAssistant(taught.task, taught.student),
    }  # fmt: skip
    engine = verdicts(played(world, seats))
    assert engine == in_arrays(world, ImitatingOverseer(world.task, taught.imitator), taught)


def test_learned_agents_play_the_same_at_any_width(taught: Distillation):
    world = Algorithms("union_find", 4, 2)
    imitator = LearnedOverseer(taught.task, taught.imitator)
    seats: dict[str, Agent] = {
        "overseer": imitator, "judge": imitator,
        "assistant": LearnedAssistant(taught.task, taught.student),
    }  # fmt: skip
    wide = [repr(record) for record in played(world, seats)]
    assert [repr(record) for record in played(world, seats, width=1)] == wide
    assert [repr(record) for record in played(world, seats, width=7)] == wide


def test_learned_agents_in_other_seats_say_so(taught: Distillation):
    world = Algorithms("union_find", 4, 2)
    assistant = LearnedAssistant(taught.task, taught.student)
    with pytest.raises(OversightError, match="overseer does not"):
        played(world, {"overseer": assistant, "judge": assistant, "assistant": assistant})


# Curves


def test_examples_to_an_accuracy_are_interpolated():
    points = (Point(1, 100, 0, 1, 0.5), Point(2, 200, 0, 1, 0.9))
    assert examples_to(points, 0.7) == pytest.approx(150)
    assert examples_to(points, 0.25) == pytest.approx(50)
    assert np.isnan(examples_to(points, 0.95))


def test_accuracy_by_depth_of_an_x_that_always_says_the_same():
    training = Distillation(TINY)
    task, net = training.task, training.student
    torch.nn.init.zeros_(net.head.weight)

    def accuracy(answer: int) -> Any:
        with torch.no_grad():
            net.head.bias.copy_(torch.nn.functional.one_hot(torch.tensor(answer), task.none + 1))
        return accuracy_by_depth(net, task, 0)

    assert (accuracy(task.none) == 0).all()
    one_of_four = accuracy(task.none - 1)
    assert one_of_four.shape == (128, 2)
    assert one_of_four.mean(axis=0) == pytest.approx([0.25, 0.25], abs=0.08)


def test_depths_that_a_context_does_not_have_are_left_out(monkeypatch: pytest.MonkeyPatch):
    task = TASKS["sequential_assignments"](6, 3)
    found = accuracy_by_depth(Recipe("sequential_assignments", 6, 3).answerer(), task, 0)
    assert np.isfinite(found).all()  # its contexts have every depth
    shallow = TASKS["union_find"](4, 2)
    easy = shallow.contexts(np.random.default_rng(0), 128, 1)

    def contexts(*_: Any) -> Any:
        return easy

    monkeypatch.setattr(shallow, "contexts", contexts)
    found = accuracy_by_depth(Recipe("union_find", 4, 2).answerer(), shallow, 0)
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()


@pytest.mark.long
def test_ida_learns_operations_that_no_fact_shows():
    curve = learn(Recipe("gates", 4, 2, width=48, rate=4e-3), 1200, every=20, enough=0.9)
    assert curve.points[-1].accuracy >= 0.9


@pytest.mark.slow
def test_ida_learns_without_a_true_answer():
    curve = learn(Recipe("union_find", 4, 2), 300, every=20, enough=0.9)
    assert curve.points[-1].accuracy >= 0.9
    assert curve.points[-1].calls < 2_000
