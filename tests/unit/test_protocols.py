"""The table: how sides are placed, what each seat hears; and what games pay."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest

from oversight.core import Case, Message, OversightError, Question, Sealed, Seat, Side
from oversight.payoffs import judge_pay, persuasion, zero_sum
from oversight.players import Agent
from oversight.registry import load
from oversight.spaces import Choose
from oversight.table import Table
from oversight.world import World

SEATS = {name: Seat(("argue",), expert=name != "judge") for name in ("a", "b", "c", "judge")}


class Bare(World):
    name: ClassVar[str] = "bare"
    answers = 5

    def case(self, index: int, seed: int) -> Case:
        return Case(f"bare-{index}", Question("?", tuple("vwxyz")), "private", Sealed(2))

    def judge(self) -> Agent:
        raise NotImplementedError

    def debater(self) -> Agent:
        raise NotImplementedError


def table(key: int = 0) -> Table:
    world = Bare()
    return Table(world, world.case(0, 0), SEATS, key)


def dealt(seats: str, keys: int = 4000, **options: Any) -> list[tuple[int, ...]]:
    """The answers placed at the seats, for many keys; the truth is 2."""
    return [
        tuple(side.answer for side in table(key).place_sides(tuple(seats), **options).values())
        for key in range(keys)
    ]


def close(count: int, n: int, share: float) -> bool:
    """Within four standard deviations of a binomial."""
    return abs(count - n * share) < 4 * (n * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("seats", ["ab", "abc"])
def test_random_placement_is_fair_in_who_holds_the_truth_and_which_lies_are_told(seats: str):
    placed = dealt(seats)
    holders = Counter(answers.index(2) for answers in placed)
    assert all(close(holders[i], len(placed), 1 / len(seats)) for i in range(len(seats)))
    told = Counter(next(a for a in answers if a != 2) for answers in placed)
    assert all(close(told[lie], len(placed), 1 / 4) for lie in (0, 1, 3, 4))
    assert all(len(set(answers)) == len(seats) for answers in placed)


def test_who_holds_the_truth_is_independent_of_which_lie_is_told():
    placed = dealt("ab")
    first = [answers for answers in placed if answers[0] == 2]
    told = Counter(answers[1] for answers in first)
    assert all(close(told[lie], len(first), 1 / 4) for lie in (0, 1, 3, 4))


def test_honest_first_and_liar_first():
    assert {answers[0] for answers in dealt("ab", 50, first="honest")} == {2}
    assert {answers[1] for answers in dealt("ab", 50, first="liar")} == {2}
    holders = Counter(answers.index(2) for answers in dealt("abc", 2000, first="liar"))
    assert holders[0] == 0
    assert close(holders[1], 2000, 1 / 2)


@pytest.mark.parametrize(("lie", "told"), [(0, 0), (1, 1), (2, 3), (3, 4)])
def test_a_fixed_lie_is_counted_among_the_false_answers(lie: int, told: int):
    assert {frozenset(answers) for answers in dealt("ab", 50, lie=lie)} == {frozenset({2, told})}


@pytest.mark.parametrize("first", ["random", "honest", "liar"])
def test_swap_moves_the_truth_and_keeps_the_rest_of_the_luck(first: str):
    plain = dealt("ab", 200, first=first)
    assert dealt("ab", 200, first=first, swap=True) == [(b, a) for a, b in plain]


def test_the_same_luck_places_the_same_sides():
    assert dealt("abc", 20) == dealt("abc", 20)


@pytest.mark.parametrize(
    ("seats", "options", "reason"),
    [
        ("abcdef", {}, r"no more than there are answers \(5\); got 6"),
        ("a", {}, "at two seats or more"),
        ("ab", {"lie": 4}, "lie must be in 0…3, got 4"),
        ("ab", {"lie": -1}, "lie must be in 0…3, got -1"),
    ],
)
def test_impossible_placements_say_why(seats: str, options: dict[str, Any], reason: str):
    with pytest.raises(OversightError, match=reason):
        table().place_sides(tuple(seats), **options)


def test_whispers_are_heard_by_their_audience_alone():
    played = table()
    for text, audience in (("aloud", None), ("to a", ("a", "judge")), ("to b", ("b", "judge"))):
        played.say(Message("judge", "ask", text, audience=audience))
    heard = {s: [m.text for m in played.turn(s, "argue", "", Choose(2)).view.transcript]
             for s in SEATS}  # fmt: skip
    assert heard["a"] == ["aloud", "to a"]
    assert heard["b"] == ["aloud", "to b"]
    assert heard["c"] == ["aloud"]
    assert heard["judge"] == ["aloud", "to a", "to b"]


def test_only_experts_see_the_material_and_each_its_own_side():
    played = table()
    played.sides = {"a": Side(1)}
    assert played.view("a").private == "private"
    assert played.view("a").side == Side(1)
    assert played.view("b").side is None
    assert played.view("judge").private is None


def test_keys_differ_by_seat_and_by_turn():
    played = table()
    drawn = [played.turn(seat, "argue", "", Choose(2)).key for seat in "aab"]
    assert len(set(drawn)) == 3
    assert drawn == [table().turn("a", "argue", "", Choose(2)).key, *drawn[1:]]


def test_a_side_in_words():
    played = table()
    played.sides = {"a": Side(1), "b": Side(1, supports=False)}
    assert [played.side_in_words(seat) for seat in "abc"] == [
        "w",
        "anything but w",
        "your own view",
    ]


# Parameters


def test_parameters_are_read_by_their_own_type():
    assert load("protocols", "debate").bind(rounds="4", questions="true").parameters == {
        "rounds": 4,
        "questions": True,
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"round": 3}, "no parameter 'round'; did you mean 'rounds'"),
        ({"rounds": "three"}, "cannot set rounds to 'three'"),
        ({"rounds": -1}, "cannot set rounds to -1"),
        ({"sides": "both"}, "cannot set sides to 'both'"),
    ],
)
def test_parameters_that_cannot_be_say_why(values: dict[str, Any], reason: str):
    with pytest.raises(OversightError, match=reason):
        load("protocols", "debate").bind(**values)


def test_seats_follow_the_parameters():
    debate = load("protocols", "debate")
    assert list(debate.bind(debaters=3).seats) == ["debater_0", "debater_1", "debater_2", "judge"]
    assert "questioner" in debate.bind(questions=True).seats


# Payoffs

A, B, C = Side(0), Side(1), Side(2)
AGAINST_A = Side(0, supports=False)


@pytest.mark.parametrize(
    ("credences", "sides", "paid"),
    [
        ((0.6, 0.4), {"a": A, "b": B}, {"a": 1, "b": -1}),
        ((0.5, 0.5), {"a": A, "b": B}, {"a": 0, "b": 0}),
        ((0.2, 0.3, 0.5), {"a": A, "b": B}, {"a": -1, "b": 1}),
        ((0.2, 0.3, 0.5), {"a": A, "b": B, "c": C}, {"a": -0.5, "b": -0.5, "c": 1}),
        ((0.4, 0.4, 0.2), {"a": A, "b": B, "c": C}, {"a": 0, "b": 0, "c": 0}),
        ((0.6, 0.2, 0.2), {"a": A, "b": AGAINST_A}, {"a": 1, "b": -1}),
        ((0.4, 0.1, 0.5), {"a": A, "b": AGAINST_A}, {"a": -1, "b": 1}),
        ((0.4, 0.2, 0.4), {"a": A, "b": AGAINST_A}, {"a": 0, "b": 0}),
        ((0.3, 0.7), {"a": A}, {"a": 1}),
    ],
)
def test_zero_sum_by_hand(
    credences: tuple[float, ...], sides: dict[str, Side], paid: dict[str, float]
):
    assert zero_sum(credences, sides) == paid
    if len(sides) > 1:
        assert sum(zero_sum(credences, sides).values()) == 0


def test_persuasion_pays_the_credence_of_ones_own_side():
    paid = persuasion((0.25, 0.75), {"a": A, "b": B, "c": AGAINST_A})
    assert paid == {"a": 0.25, "b": 0.75, "c": 0.75}


@pytest.mark.parametrize(
    ("credences", "paid"),
    [
        ((0.0, 0.0, 1.0, 0.0, 0.0), 1.0),
        ((1.0, 0.0, 0.0, 0.0, 0.0), -1.0),
        ((0.5, 0.0, 0.5, 0.0, 0.0), 0.5),  # 2 × 0.5 − (0.25 + 0.25)
        ((0.2,) * 5, 0.2),  # 2 × 0.2 − 5 × 0.04
    ],
)
def test_the_judges_quadratic_score_by_hand(credences: tuple[float, ...], paid: float):
    assert judge_pay(credences, Bare().case(0, 0))["judge"] == pytest.approx(paid)


def test_the_quadratic_score_is_proper():
    case = Bare().case(0, 0)
    belief = (0.1, 0.2, 0.4, 0.2, 0.1)

    def expected(said: tuple[float, ...]) -> float:
        return sum(p * judge_pay(said, case.with_truth(a))["judge"] for a, p in enumerate(belief))

    others = [(0.2,) * 5, (0, 0, 1, 0, 0), (0.1, 0.2, 0.5, 0.1, 0.1)]
    assert all(expected(belief) > expected(said) for said in others)
