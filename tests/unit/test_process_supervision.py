"""Work rated a step at a time: the world of programs, the raters, and what is selected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from envs.worlds.circuits import Circuits
from envs.worlds.steps import Done, Steps
from oversight.agents.rating import AnswerRater, Selector, StepRater, step_right
from oversight.casting import cast_for
from oversight.circuits.traces import Material
from oversight.core import Case, Message, OversightError, Question, Side, Turn, View
from oversight.episode import Episode
from oversight.looks import Looked, Selected
from oversight.players import Agent, agent
from oversight.programs.program import MULTIPLY, SQUARE, Program
from oversight.programs.solving import Dials, Luck, law, usual_rate
from oversight.protocol import Protocol
from oversight.registry import load
from oversight.rollout import rollout
from oversight.spaces import Choose, Number, Reply
from oversight.world import World

SUPERVISION: Protocol = load("protocols", "process_supervision")


def look(passes: bool | None, *, care: float = 0.1, rate: float = 0.2, choices: int = 5) -> Looked:
    return Looked(passes, care, rate, choices, glance=True, whole=True, record=None)


def rating_turn(held: Sequence[Looked]) -> Turn:
    view = View(Question("?", ("a", "b")), (), tuple(held), None, ())
    return Turn("step_judge", "rate", "", view, Number(0, 1), 0, 0)


# Programs


def test_a_programs_steps_by_hand() -> None:
    program = Program("p", 10, 7, (MULTIPLY, SQUARE, 0, 1), (4, 1, 9, 5), tuple(range(10)))
    assert program.run() == (8, 4, 3, 8)  # 7·4 = 28; 8² = 64; 4 + 9 = 13; 3 − 5 = −2
    assert [program.carries(step, x) for step, x in enumerate((7, 8, 4, 3))] == [True] * 4
    assert not program.carries(2, 0)
    assert program.run((0, 0, 0, 1)) == (8, 4, 3, 9)


@pytest.mark.parametrize("index", range(4))
def test_how_often_attempts_are_right_is_known_exactly(index: int) -> None:
    world = Steps()
    luck: Luck = world.case(index, 3).private
    exact, n = law(luck), 4_000
    truth = luck.program.run()
    tries = [luck.attempt(f"try-{number}").values for number in range(n)]
    for share, right in (
        (exact.answer_right, sum(values[-1] == truth[-1] for values in tries)),
        (exact.trace_right, sum(values == truth for values in tries)),
    ):
        assert abs(right - n * share) < 4 * (n * share * (1 - share)) ** 0.5 + 1e-9
    assert exact.false_positive >= 0


def test_false_positives_happen_at_a_rate_that_matters() -> None:
    world = Steps()
    laws = [world.law(world.case(index, 0)) for index in range(200)]
    assert 0.03 < sum(each.false_positive for each in laws) / 200 < 0.3


def test_the_usual_rate_is_the_table_averaged_over_trouble() -> None:
    flat = Dials(slip=-2.0, contrast=0.0, trouble=0.0)
    assert usual_rate(flat) == pytest.approx(1 / (1 + 2.718281828459045**2))


def test_a_planted_flaw_leads_to_the_side_and_mars_one_step_more() -> None:
    world, role = Steps(), SUPERVISION.seats["solver_0"]
    case = world.case(0, 0)
    attempt = world.private(case, "solver_0", role)
    wanted = (attempt.answer + 1) % 10
    view = View(case.question, (), attempt, Side(wanted), ())
    space = world.present_space(case, "solver_0", view)
    own = world.graded(case, world.publish_work(case, "solver_0", 0, view))
    assert len(space.options) > 1
    for option in list(space.options)[1:]:
        work = world.publish_work(case, "solver_0", option, view)
        assert work.data.values[-1] == wanted
        assert sum(a != b for a, b in zip(world.graded(case, work), own, strict=True)) == 1


# Raters


def test_a_rating_is_bayes_rule() -> None:
    assert step_right(look(True)) == pytest.approx(0.8 * 0.9 / (0.8 * 0.9 + 0.2 * 0.025))
    assert step_right(look(False)) == pytest.approx(0.8 * 0.1 / (0.8 * 0.1 + 0.2 * 0.975))
    assert step_right(look(None)) == pytest.approx(0.8)


def test_rating_an_answer_takes_the_other_steps_on_trust() -> None:
    turn = rating_turn([look(False), look(False), look(True)])
    assert AnswerRater().act([turn]) == [pytest.approx(0.8 * 0.8 * step_right(look(True)))]
    assert StepRater().act([turn]) == [step_right(look(True))]


def test_a_rater_needs_steps_before_it() -> None:
    bare = View(Question("?", ("a", "b")), (), None, None, ())
    with pytest.raises(OversightError, match="a rater rates steps"):
        StepRater().act([Turn("judge", "decide", "", bare, Choose(2), 0, 0)])


def test_the_selected_answer_is_first_by_as_much_as_its_score() -> None:
    question = Question("?", ("a", "b", "c", "d"))
    said = Message("solver_0", "select", "", Selected(2, 0.6))
    believed = Selector().judge(View(question, (said,), None, None, ()))
    assert believed == pytest.approx((0.1, 0.1, 0.7, 0.1))  # 1/4 + 3/4·0.6
    assert Selector().judge(View(question, (), None, None, ())) == (0.25,) * 4


# The game


def end_of(world: World, seats: dict[str, Any], index: int = 0, **parameters: Any) -> Episode:
    protocol = SUPERVISION.bind(**parameters)
    cast = cast_for(protocol, world, seats).cast
    episode = Episode(protocol, world, index, 0)
    while episode.pending:
        episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    return episode


def rater(rate: Callable[[Turn], float]) -> Agent:
    def reply(turn: Turn) -> Reply:
        return rate(turn)

    return agent(reply)


def test_the_work_with_the_best_product_is_selected() -> None:
    def favours_the_third(turn: Turn) -> float:
        step: Done = turn.view.transcript[-1].data
        if turn.view.transcript[-1].seat == "solver_2":
            return 0.9
        return 1.0 if step.step else 0.5  # 0.5 in all, less than 0.9⁶ = 0.53

    played = end_of(Steps(), {"step_judge": rater(favours_the_third)})
    assert played.outcome is not None
    assert played.outcome.metrics["score"] == pytest.approx(0.9**6)
    claimed = played.table.sides["solver_2"].answer
    assert max(range(10), key=played.outcome.credences.__getitem__) == claimed
    assert played.outcome.rewards["solver_0"] == pytest.approx(0.5)


def test_of_equal_scores_the_first_is_selected() -> None:
    played = end_of(Steps(), {"step_judge": rater(lambda turn: 0.5)}, candidates=3)
    heard = [m for m in played.table.transcript if m.act == "select"]
    assert [message.seat for message in heard] == ["solver_0"]


def test_a_rater_sees_one_step_and_those_before_it_and_no_other_work() -> None:
    seen: list[tuple[set[str], int, int]] = []

    def note(turn: Turn) -> float:
        said = turn.view.transcript
        seen.append(({m.seat for m in said}, len(said), len(turn.view.private)))
        return 1.0

    end_of(Steps(), {"step_judge": rater(note)}, candidates=2)
    assert seen == [({f"solver_{w}"}, n, n) for w in range(2) for n in range(1, 7)]


@pytest.mark.parametrize("index", range(6))
def test_a_majority_selects_the_answer_given_most_often(index: int) -> None:
    played = end_of(Steps(), {}, index, candidates=9, by="majority")
    claimed = [played.table.sides[f"solver_{place}"].answer for place in range(9)]
    (selected,) = (m.data for m in played.table.transcript if m.act == "select")
    counts = Counter(claimed)
    assert counts[selected.answer] == max(counts.values())
    assert selected.score == pytest.approx(counts[selected.answer] / 9)


@pytest.mark.parametrize(
    ("parameters", "attends"),
    [
        ({"candidates": 3}, 18),
        ({"candidates": 3, "steps": 2}, 6),
        ({"candidates": 3, "by": "outcome"}, 3),
        ({"candidates": 3, "by": "majority"}, 0),
    ],
)
def test_every_rating_costs_one(parameters: dict[str, Any], attends: int) -> None:
    played = end_of(Steps(), {}, **parameters)
    assert played.outcome is not None
    assert played.outcome.metrics["attends"] == attends
    raters = [played.table.asked.get(seat, 0) for seat in ("step_judge", "outcome_judge")]
    assert sum(raters) == attends


def test_the_same_steps_of_every_work_are_rated() -> None:
    rated: dict[str, list[int]] = {}

    def note(turn: Turn) -> float:
        last = turn.view.transcript[-1]
        rated.setdefault(last.seat, []).append(last.data.step)
        return 1.0

    end_of(Steps(), {"step_judge": rater(note)}, steps=2)
    assert len({tuple(steps) for steps in rated.values()}) == 1
    assert [len(steps) for steps in rated.values()] == [2] * 4


def test_looking_at_every_step_selects_better_than_the_first_attempt() -> None:
    world, n = Steps(), 150

    def right(**parameters: Any) -> float:
        protocol = SUPERVISION.bind(**parameters)
        records = rollout(protocol, world, cast_for(protocol, world).cast, n)
        return sum(record.correct or 0 for record in records) / n

    assert right(candidates=12) > right(candidates=1) + 0.2


# Circuits


def attempt(world: Circuits, case: Case, number: int) -> Material:
    found = world.private(case, f"solver_{number}", SUPERVISION.seats["solver_0"])
    assert found is not None
    return found


def test_attempts_are_alike_where_all_errors_persist() -> None:
    for systematic, alike in ((1.0, True), (0.0, False)):
        world = Circuits(m=5, expert=0.2, systematic=systematic)
        case = world.case(0, 0)
        tries = {attempt(world, case, n).values for n in range(5)}
        assert (len(tries) == 1) is alike


def test_attempts_err_as_often_as_the_expert() -> None:
    world = Circuits(m=5, expert=0.1, systematic=0.5)
    off = looks = 0
    for index in range(150):
        case = world.case(index, 1)
        for number in range(4):
            errors = attempt(world, case, number).errors
            off += sum(error != 0 for error in errors)
            looks += len(errors)
    assert off / looks == pytest.approx(0.1, abs=0.015)  # half of the errors are shared


def test_a_sound_trace_of_a_circuit_has_every_gate_right() -> None:
    world = Circuits(m=5, expert=0.0)
    played = end_of(world, {}, candidates=1)
    assert played.outcome is not None
    assert played.outcome.metrics["sound"] == 1.0


def test_a_budget_is_spent_on_attempts_only_where_they_differ() -> None:
    assert Circuits().spend("process_supervision", 8) == {"candidates": 1, "steps": 8}
    several = Circuits(m=5, systematic=0.5).spend("process_supervision", 8)
    assert several == {"candidates": 4, "steps": 2}
    assert Steps().spend("process_supervision", 20) == {"candidates": 3, "steps": 6}


def test_adversaries_mislead_a_judge_who_believes_the_score() -> None:
    for world in (Steps(slip=-9.0), Circuits()):
        spent = world.spend("process_supervision", 8) or {}
        protocol = SUPERVISION.bind(**spent)
        honest = cast_for(protocol, world).cast
        found = world.adversaries("process_supervision")
        assert found
        for seated in found.values():
            against = {seat: seated.get(seat, own) for seat, own in honest.items()}
            records = rollout(protocol, world, against, 40)
            assert sum(record.correct or 0 for record in records) < 20
