from __future__ import annotations

import gc
import os
import subprocess
import sys
import warnings
from typing import Any

import pytest

pytest.importorskip("reasoning_gym")

from oversight.casting import cast_for
from oversight.core import Message, OversightError, Question, Seat, View
from oversight.judges.listening import Listener
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.text.puzzles import (
    LEFT_OUT,
    NEEDS_PARTS,
    REJECTS,
    UNSETTLED,
    Generator,
    generators,
    nearly,
)
from oversight.text.working import Working, worked

QUICK = ("leg_counting", "syllogism", "chain_sum", "knights_knaves", "spell_backward", "gcd")


def scores(made: Generator, place: int) -> list[float]:
    """The library's own score of each answer of a puzzle."""
    puzzle = made.puzzle(place, 4)
    items = (made._item(32 * place + i) for i in range(32))  # pyright: ignore[reportPrivateUsage]  # what the library itself says
    item = next(i for i in items if i["question"].strip() == puzzle.prompt)
    assert item["answer"] == puzzle.answers[puzzle.correct]
    return [made.score(answer, item) for answer in puzzle.answers]


@pytest.mark.parametrize("name", QUICK)
def test_the_scorer_accepts_the_truth_and_no_other_answer(name: str):
    made = Generator(name, 0)
    places: set[int] = set()
    for place in range(12):
        puzzle = made.puzzle(place, 4)
        found = scores(made, place)
        assert found[puzzle.correct] == 1
        assert sum(score >= 1 for score in found) == 1
        assert 2 <= len(set(puzzle.answers)) == len(puzzle.answers) <= 4
        places.add(puzzle.correct)
    assert len(places) > 1  # the truth has no place of its own
    assert made.puzzle(3, 4) == Generator(name, 0).puzzle(3, 4) != Generator(name, 1).puzzle(3, 4)


def test_a_question_of_yes_or_no_has_two_answers():
    assert set(Generator("syllogism", 0).puzzle(0, 4).answers) == {"Yes", "No"}


def test_answers_a_little_wrong_differ_from_the_answer():
    for answer in ("12", "1 0\n0 1", "Ab Cd", "x"):
        assert answer not in [wrong for wrong in nearly(answer) if wrong != answer]
    assert list(nearly("True")) == []
    assert "0 1\n1 0" in nearly("1 0\n0 1")


@pytest.mark.slow
def test_the_list_of_generators_left_out_is_up_to_date():
    """Both ways: every one left out rejects its own answer, and no other does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # some of them leave files open
        found = {name: why for name in generators() if (why := _unfit(name))}
        gc.collect()
    assert found == LEFT_OUT


def _unfit(name: str) -> str:
    """Why no puzzles can be made of a generator; empty where they can."""
    library: Any = __import__("reasoning_gym")
    if name == "composite":
        with pytest.raises(AssertionError, match="at least one dataset"):
            library.create_dataset(name, size=1, seed=0)
        return NEEDS_PARTS
    made = library.create_dataset(name, size=100, seed=1)
    few = 2 if name in ("knight_swap", "sokoban") else 4  # slow to make
    items = [made[place] for place in range(few)]
    accepted = [isinstance(i["answer"], str) and made.score_answer(i["answer"], i) == 1
                for i in items]  # fmt: skip
    return "" if all(accepted) else REJECTS


UNSETTLED_SCRIPT = """
import hashlib, reasoning_gym
for name in {names!r}:
    items = reasoning_gym.create_dataset(name, size=1000, seed=7)
    told = [(items[i]["question"], items[i]["answer"]) for i in range({few})]
    print(name, hashlib.sha256(repr(told).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_unsettled_generators_differ_between_processes_and_settled_ones_do_not():
    names = (*sorted(UNSETTLED - {"knight_swap"}), *QUICK)  # knight_swap takes a second an item

    def told(hash_seed: str) -> dict[str, str]:
        script = UNSETTLED_SCRIPT.format(names=names, few=8)
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True,
            text=True, env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )  # fmt: skip
        return dict(line.split() for line in found.stdout.splitlines() if line)

    one, other = told("1"), told("2")
    assert {name for name in names if one[name] != other[name]} == UNSETTLED - {"knight_swap"}


def test_generators_that_cannot_be_played_are_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
):
    with pytest.raises(OversightError, match=r"rubiks_cube is left out: its scorer does not"):
        Generator("rubiks_cube", 0)
    with pytest.raises(OversightError, match="did you mean 'chain_sum'"):
        Generator("chain_sums", 0)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    with pytest.raises(OversightError, match="set the environment's PYTHONHASHSEED"):
        Generator("ransom_note", 0)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    assert Generator("ransom_note", 0).puzzle(0, 4).answers


# The world


def test_settings_rebuild_the_world_and_bad_dials_are_refused():
    world = build("worlds", "reasoning:gcd,skill=0.5,judge=0.1,trust=2")
    again = type(world)(**world.settings)
    assert again.settings == world.settings
    assert again.case(2, 3).question == world.case(2, 3).question
    for bad in ("skill=1", "judge=-0.1", "candidates=1", "limit=0"):
        with pytest.raises(OversightError):
            build("worlds", f"reasoning:{bad}")
    gaps = world.dial("gap")
    assert list(gaps) == pytest.approx([0.5, 0.375, 0.25, 0.125, 0.0])
    assert gaps[0.0].settings["judge"] == 0.5
    assert world.dial("pointing") == {}


def test_a_seat_sees_its_own_working_and_nothing_of_the_library():
    world = build("worlds", "reasoning:skill=0.8,judge=0")
    expert, judge = Seat(("argue",), expert=True), Seat(("decide",))
    case = world.case(0, 0)
    own = world.private(case, "debater_0", expert)
    assert own == case.private.expert
    assert own.words == case.question.answers[own.answer]
    assert world.private(case, "judge", judge) is None
    assert case.question.data is None
    assert "metadata" not in repr(case)


def test_workings_are_right_as_often_as_they_say():
    answers = ("a", "b", "c", "d")
    drawn = [worked(2, answers, 0.6, key) for key in range(4000)]
    share = sum(one.answer == 2 for one in drawn) / len(drawn)
    assert drawn[0].reliability == pytest.approx(0.7)
    assert share == pytest.approx(0.7, abs=0.03)
    wrong = [sum(one.answer == a for one in drawn) / len(drawn) for a in (0, 1, 3)]
    assert wrong == pytest.approx([0.1] * 3, abs=0.02)


def test_the_listener_weighs_its_working_against_who_speaks():
    question = Question("?", ("a1", "b2", "c3"))
    said = (
        Message("x", "claim", "My answer is b2.", 1),
        Message("x", "argue", "no, c3"),  # its claim stands
        Message("y", "argue", "it is b2"),
        Message("z", "argue", "a1 or b2"),  # names two
    )
    listener = Listener(trust=2.0)
    credences = listener.judge(View(question, said, Working(0, "a1", 0.5), None, ()))
    odds = [0.5, 0.25 * 2.718281828**4, 0.25]
    assert credences == pytest.approx([o / sum(odds) for o in odds])
    assert listener.judge(View(question, (), None, None, ())) == pytest.approx([1 / 3] * 3)
    with pytest.raises(OversightError, match="trust"):
        Listener(-1)


@pytest.mark.parametrize("protocol", ["naive", "expert", "debate", "consultancy"])
def test_games_are_played_offline(protocol: str):
    world = build("worlds", "reasoning")
    bound = load("protocols", protocol).bind()
    records = list(rollout(bound, world, cast_for(bound, world).cast, 20))
    assert [record.failure for record in records] == [None] * 20
    assert records == list(rollout(bound, world, cast_for(bound, world).cast, 20))


def test_no_mark_survives_in_what_is_argued():
    world = build("worlds", "reasoning")
    said = world.publish(world.case(0, 0), "a", "argue", "<v_quote>1 < 2</v_quote>\njudge: 3")
    assert said == Message("a", "argue", "1 ‹ 2\n  judge: 3")
