"""The engine: what breaks costs one episode, and what a user gets wrong is explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from oversight.agents.simple import RandomAgent
from oversight.casting import cast_for
from oversight.core import Case, Outcome, OversightError, Script, Seat, Turn
from oversight.payoffs import judge_pay
from oversight.players import Agent, agent, judge
from oversight.protocol import protocol
from oversight.record import Record
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.spaces import Reply
from oversight.table import Table
from oversight.world import World
from tests.contract.plugin import Colours, appraisal, counting

DEBATE = load("protocols", "debate").bind(rounds=1)
WORLD = Colours()


def played(
    cast: dict[str, Any], episodes: int = 40, game: Any = DEBATE, **how: int
) -> list[Record]:
    seated = {**dict.fromkeys(game.seats, RandomAgent()), **cast}
    records = rollout(game, WORLD, seated, episodes, **how)
    return sorted(records, key=lambda record: record.episode)


def unlucky(turn: Turn) -> bool:
    """One turn in four, by its key."""
    return turn.key % 4 == 0


class RaisesInTheBatch(Agent):
    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        if any(unlucky(turn) for turn in turns):
            raise RuntimeError("lost the thread")
        return ["fine"] * len(turns)


@agent
def raises_one_by_one(turn: Turn) -> Reply:
    if unlucky(turn):
        raise RuntimeError("lost the thread")
    return "fine"


@pytest.mark.parametrize("width", [1, 7, 1024])
@pytest.mark.parametrize("broken", [RaisesInTheBatch(), raises_one_by_one])
def test_an_agent_that_raises_fails_its_own_episodes_alone(broken: Agent, width: int):
    records = played({"debater_1": broken}, width=width)
    failed = [record for record in records if record.failure]
    assert 0 < len(failed) < len(records) == 40
    for record in failed:
        assert record.failure is not None
        assert record.failure[:3] == ("debater_1", "argue", 0)
        assert record.failure.reason.endswith("raised RuntimeError: lost the thread")
        assert record.credences is None
        assert record.correct is None
        assert record.rewards == {}
    assert records == played({"debater_1": broken}, width=3)


def test_failures_are_the_same_in_other_processes():
    cast = {"debater_1": RaisesInTheBatch()}
    assert played(cast, processes=2, width=8) == played(cast)


class Short(Agent):
    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        return [None] * (len(turns) - 1)


def test_too_few_replies_fail_the_episode_with_the_count():
    for record in played({"debater_0": Short()}, 5):
        assert record.failure is not None
        assert record.failure.reason == "Short gave 0 replies to 1 turns"


@pytest.mark.parametrize(
    ("credences", "reason"),
    [
        ((float("nan"), 1.0), "finite"),
        ((-0.5, 1.5), "negative"),
        ((1.0,), "expected 2 credences"),
        ((0.5, 0.6), "sum to 1"),
        ("guilty", "expected 2 credences"),
        (None, "expected 2 credences"),
    ],
)
def test_a_judge_outside_the_simplex_fails_with_the_reason(credences: Any, reason: str):
    for record in played({"judge": judge(lambda view: credences)}, 3):
        assert record.failure is not None
        assert record.failure[:2] == ("judge", "decide")
        assert reason in record.failure.reason


class UserMistake(Agent):
    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        raise OversightError("set the dial first")


def test_what_the_user_can_mend_stops_the_run():
    with pytest.raises(OversightError, match="set the dial first"):
        played({"judge": UserMistake()})


@protocol(paper="only a test", seats={"judge": Seat(("decide",))})
def brittle(case: Case, table: Table) -> Script:
    """Breaks after the verdict on every other case."""
    credences = yield from table.decide("judge", "How likely?")
    if case.id.endswith(("0", "2", "4", "6", "8")):
        raise ZeroDivisionError("no payoff")
    return Outcome(credences, judge_pay(credences, case))


def test_a_script_that_raises_costs_one_episode():
    records = played({}, 4, game=brittle)
    reasons = [record.failure.reason for record in records if record.failure]
    assert reasons == ["brittle raised ZeroDivisionError: no payoff"] * 2


class Moody(Colours):
    """A world whose every third case cannot be made."""

    def case(self, index: int, seed: int) -> Case:
        if index % 3 == 0:
            raise KeyError("the page is missing")
        return super().case(index, seed)


def test_a_case_that_cannot_be_made_costs_one_episode():
    seated = dict.fromkeys(DEBATE.seats, RandomAgent())
    records = sorted(rollout(DEBATE, Moody(), seated, 9), key=lambda record: record.episode)
    assert [record.failure is not None for record in records] == [True, False, False] * 3
    assert records[0].failure
    assert "the page is missing" in records[0].failure.reason


@protocol(paper="none", seats={"judge": Seat(("decide",))})
def forgetful(case: Case, table: Table) -> Script:
    yield from table.decide("judge", "decide")
    return None  # type: ignore[return-value]  # the mistake that is tested


def test_a_script_without_an_outcome_fails_with_the_reason():
    (record,) = rollout(forgetful, WORLD, {"judge": RandomAgent()}, 1)
    assert record.failure
    assert "a script returns an Outcome, not None" in record.failure.reason


def test_one_agent_in_several_seats_is_asked_once_a_round():
    calls: list[int] = []

    class Counts(RandomAgent):
        def act(self, turns: Sequence[Turn]) -> list[Reply]:
            calls.append(len(turns))
            return super().act(turns)

    both = Counts()
    simultaneous = DEBATE.bind(order="simultaneous")
    played({"debater_0": both, "debater_1": both}, 10, game=simultaneous)
    assert calls == [20]


# What a user gets wrong


@pytest.mark.parametrize("episodes", [0, -3])
def test_no_episodes_is_refused(episodes: int):
    with pytest.raises(OversightError, match=f"episodes must be at least 1, got {episodes}"):
        rollout(DEBATE, WORLD, dict.fromkeys(DEBATE.seats, RandomAgent()), episodes)


@pytest.mark.parametrize("how", [{"width": 0}, {"processes": 0}, {"processes": -1}])
def test_width_and_processes_count_from_one(how: dict[str, int]):
    with pytest.raises(OversightError, match="width and processes must be at least 1"):
        played({}, **how)


def test_an_empty_seat_is_named():
    with pytest.raises(OversightError, match="nobody sits at debater_1, judge"):
        rollout(DEBATE, WORLD, {"debater_0": RandomAgent()}, 1)


def test_a_seat_that_is_not_there_is_named():
    cast = {**dict.fromkeys(DEBATE.seats, RandomAgent()), "debater_2": RandomAgent()}
    with pytest.raises(OversightError, match="debate has no seat 'debater_2'; did you mean"):
        rollout(DEBATE, WORLD, cast, 1)


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("protocols", "debat", "debate"),
        ("worlds", "digit", "digits"),
        ("judges", "sparce", "sparse"),
        ("agents", "randon", "random"),
    ],
)
def test_unknown_names_suggest_the_nearest(kind: str, name: str, near: str):
    with pytest.raises(OversightError, match=f"did you mean '{near}'") as caught:
        load(kind, name)
    assert f"known {kind}: " in str(caught.value)


def test_an_unknown_option_suggests_the_nearest():
    with pytest.raises(OversightError, match="digits has no option 'pixel'; did you mean 'pixels'"):
        build("worlds", "digits:pixel=4")


class Mute(World):
    """A world in which nothing can be said."""

    name: ClassVar[str] = "mute"
    answers = 2

    def case(self, index: int, seed: int) -> Case:
        return WORLD.case(index, seed)

    def judge(self) -> Agent:
        return counting

    def debater(self) -> Agent:
        return RandomAgent()


def test_a_misfit_names_what_is_missing_and_the_worlds_that_fit():
    world = Mute()
    with pytest.raises(OversightError, match="debate cannot be played on mute: it is not Arguable"):
        rollout(DEBATE, world, cast_for(DEBATE, world).cast, 1)
    asking = DEBATE.bind(questions=True)
    with pytest.raises(OversightError, match=r"not Arguable, Askable; worlds that fit: .*digits"):
        rollout(asking, world, cast_for(asking, world).cast, 1)


def test_a_seat_asked_twice_at_once_is_answered_twice():
    [record] = played({"appraiser": agent(lambda turn: len(turn.instruction) / 100)}, 1, appraisal)
    assert record.replies[:2] == [0.18, 0.19]
