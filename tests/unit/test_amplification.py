"""The amplification protocol: what is asked of whom, what it counts, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from oversight.casting import cast_for
from oversight.circuits.workers import CircuitWorker
from oversight.core import OversightError, Turn
from oversight.decomposition import Answered, graph_of
from oversight.episode import Episode
from oversight.players import Agent, agent
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.spaces import Choose, Credences, Reply
from oversight.world import World

WILD = "algorithms:task=wildcard_search"


def protocol(**parameters: Any) -> Protocol:
    return load("protocols", "amplification").bind(**parameters)


def played(world: World, episodes: int = 60, agents: Any = None, **parameters: Any) -> list[Record]:
    bound = protocol(**parameters)
    cast = cast_for(bound, world, agents).cast
    return sorted(rollout(bound, world, cast, episodes), key=lambda record: record.episode)


def accuracy(records: list[Record]) -> float:
    assert not [record.failure for record in records if record.failure]
    return sum(record.correct or 0.0 for record in records) / len(records)


def watched(world: World, **parameters: Any) -> list[Turn]:
    """Every turn of one game by the world's own agents."""
    bound = protocol(**parameters)
    cast = cast_for(bound, world).cast
    episode, turns = Episode(bound, world, 0, 0), list[Turn]()
    while episode.pending:
        turns += episode.pending
        episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    return turns


def test_the_assistant_sees_one_subquestion_and_nothing_of_the_rest():
    turns = watched(build("worlds", WILD))
    helped = [turn for turn in turns if turn.seat == "assistant"]
    asked = [turn for turn in turns if turn.act == "subquestion"]
    assert len(helped) == 2
    assert all(turn.view.transcript == () for turn in helped)
    assert helped[0].view.question != asked[0].view.question
    assert [len(turn.view.transcript) for turn in asked] == [0, 1, 2]
    assert all(turn.view.private is None for turn in asked)


def test_a_wrong_assistant_is_heard_and_believed():
    right = played(build("worlds", WILD))
    wrong = played(build("worlds", f"{WILD},assistant_error=1"))
    assert accuracy(right) == 1.0
    assert accuracy(wrong) < 0.5
    assert {record.metrics["sub_accuracy"] for record in right} == {1.0}
    assert {record.metrics["sub_accuracy"] for record in wrong} == {0.0}


def test_calls_are_counted_by_hand():
    [record] = played(build("worlds", WILD), 1, depth=2)
    # the whole, its two halves; each half asks for two strings, which are facts
    assert record.metrics["overseer_calls"] == 3
    assert record.metrics["assistant_calls"] == 4


def test_votes_mend_failures_that_are_random_and_not_those_that_are_systematic():
    def at(votes: int, kind: str) -> float:
        world = build("worlds", f"{WILD},failure=0.3,failure_kind={kind}")
        return accuracy(played(world, 300, votes=votes))

    assert at(1, "random") == pytest.approx(0.7, abs=0.1)
    assert at(7, "random") > 0.93
    assert at(7, "systematic") == at(1, "systematic")


def test_everybody_is_paid_the_judges_score():
    for record in played(build("worlds", f"{WILD},failure=0.3"), 20):
        paid = 1.0 if record.correct else -1.0
        assert dict(record.rewards) == {"overseer": paid, "assistant": paid, "judge": paid}


def test_the_record_tells_the_decomposition():
    bound, world = protocol(depth=2), build("worlds", WILD)
    cast = cast_for(bound, world).cast
    episode = Episode(bound, world, 0, 0)
    while episode.pending:
        episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    said = [m.data for m in episode.table.transcript]
    assert all(isinstance(data, Answered) for data in said)
    assert len(graph_of(episode.table.transcript)) == 6
    assert all(m.audience == ("overseer", "judge") for m in episode.table.transcript)


class Insists(Agent):
    """Asks for one question, whatever it is asked."""

    def __init__(self, ask: Callable[[Turn], Reply]) -> None:
        self.ask = ask

    def act(self, turns: Any) -> list[Reply]:
        return [self.ask(turn) if turn.act == "subquestion" else 0 for turn in turns]


def itself(turn: Turn) -> Reply:
    return turn.view.question.data.node


def nothing_there(turn: Turn) -> Reply:
    return 10**6


def the_first(turn: Turn) -> Reply:
    assert isinstance(turn.space, Choose)
    return turn.space.options[0]


def silence(turn: Turn) -> Reply:
    return None


@pytest.mark.parametrize(("ask", "said"), [(itself, "no cycles"), (nothing_there, "outside")])
def test_its_own_question_and_questions_that_are_none_fail_the_game_with_the_reason(
    ask: Any, said: str
):
    world = build("worlds", WILD)
    for record in played(world, 3, {"overseer": Insists(ask)}):
        assert record.failure is not None
        assert record.failure.seat == "overseer"
        assert record.failure.act == "subquestion"
        assert said in record.failure.reason


class AsksBack(Agent):
    """Of the root it asks for a half; of the half, for the root again."""

    def act(self, turns: Any) -> list[Reply]:
        return [self._ask(turn) if turn.act == "subquestion" else 0 for turn in turns]

    def _ask(self, turn: Turn) -> Reply:
        assert isinstance(turn.space, Choose)
        node, world = turn.view.question.data.node, build("worlds", WILD)
        root = world.root(world.case(0, 0))
        return turn.space.options[0] if node == root else root


def test_a_question_that_closes_a_cycle_is_refused_with_that_reason():
    [record] = played(build("worlds", WILD), 1, {"overseer": AsksBack()}, depth=2)
    assert record.failure is not None
    assert "those that it is a part of, would close a cycle" in record.failure.reason


def test_a_question_above_cannot_be_asked_below():
    world = build("worlds", WILD)
    root = world.root(world.case(0, 0))
    [record] = played(world, 1, {"overseer": Insists(the_first)}, depth=3)
    assert record.failure is None
    spaces = [t.space for t in watched(world, depth=2) if t.act == "subquestion"]
    assert all(isinstance(s, Choose) and root not in s.options for s in spaces)


def test_the_budget_of_subquestions_ends_the_asking():
    [record] = played(build("worlds", WILD), 1, {"overseer": Insists(the_first)}, subquestions=3)
    assert record.metrics["assistant_calls"] == 3


def test_an_overseer_who_asks_nothing_hands_the_question_on():
    records = played(build("worlds", WILD), 20, {"overseer": Insists(silence)})
    assert accuracy(records) == 1.0
    assert {record.metrics["assistant_calls"] for record in records} == {1.0}


def test_votes_are_averaged():
    shares = iter([(1.0,) + (0.0,) * 9, (0.0, 1.0) + (0.0,) * 8])

    @agent
    def differs(turn: Turn) -> Reply:
        assert isinstance(turn.space, Credences)
        return next(shares)

    [record] = played(build("worlds", WILD), 1, {"judge": differs}, votes=2)
    assert record.credences is not None
    assert record.credences[:2] == (0.5, 0.5)


def test_circuits_play_it_too():
    world = build("worlds", "circuits:depth=2,width=3")
    shallow, deep = (accuracy(played(world, 100, depth=depth)) for depth in (1, 2))
    assert min(shallow, deep) > 0.6


# Cross-examined


CRITIQUE = "critique:points=1,support=0,proposal=own"


def test_a_cross_examined_assistant_may_lie_and_is_overturned():
    world = build("worlds", "circuits")
    lying = {"assistant": CircuitWorker(lies=1)}
    bare, checked = (played(world, 200, lying, check=check) for check in (None, CRITIQUE))
    assert accuracy(checked) > accuracy(bare) + 0.2
    assert min(record.metrics["overturned"] for record in checked) >= 0
    assert sum(record.metrics["overturned"] for record in checked) > 0.7 * len(checked)
    assert "overturned" not in bare[0].metrics


def test_the_assistants_answer_is_the_claim_and_nobody_else_is_asked_for_one():
    world, bound = build("worlds", "circuits"), protocol(check=CRITIQUE)
    cast = cast_for(bound, world, {"assistant": CircuitWorker(lies=1)}).cast
    episode, given, sides = Episode(bound, world, 0, 0), list[Reply](), dict[str, int]()
    while episode.pending:
        assert all(turn.act != "claim" for turn in episode.pending)
        replies = [cast[turn.seat].act([turn])[0] for turn in episode.pending]
        for turn, reply in zip(episode.pending, replies, strict=True):
            if turn.act == "answer":
                assert isinstance(reply, int)
                given.append(turn.view.question.answers[reply])
            if turn.act == "present" and turn.view.side is not None:
                sides[turn.view.question.prompt] = turn.view.side.answer
                assert turn.view.question.answers[turn.view.side.answer] == given[-1]
        episode.send(replies)
    assert len(given) == len(sides) == 2


def test_what_the_judge_read_and_what_examinations_paid_is_counted():
    [record] = played(build("worlds", "circuits"), 1, check="debate:rounds=1")
    assert record.metrics["attends"] == 1 + 2 * 2  # the root, and two sides' steps for each part
    assert record.rewards["debater_0"] == -record.rewards["debater_1"]
    assert record.rewards["overseer"] == record.rewards["assistant"] == record.rewards["judge"]
    [bare] = played(build("worlds", "circuits"), 1)
    assert bare.metrics["attends"] == 1


def test_inputs_are_given_and_not_examined():
    world = build("worlds", "circuits:depth=1")
    [record] = played(world, 1, check=CRITIQUE)
    assert record.metrics["attends"] == 1
    assert record.metrics["overturned"] == 0
    assert record.rewards["critic"] == 0


def test_answers_of_more_than_two_values_are_named_as_the_node_names_them():
    world = build("worlds", "circuits:m=4,family=tree,depth=3,expert=0,shallow=0,careful=0")
    for rule in ({"check": "debate:rounds=3"}, {"check": CRITIQUE}):
        assert accuracy(played(world, 40, **rule)) == 1.0


def test_a_check_with_a_seat_of_the_games_own_is_refused_by_name():
    with pytest.raises(OversightError, match="sandwiching cannot check an amplification"):
        _ = protocol(check="sandwiching").seats


def test_a_check_asks_more_of_the_world():
    missing = protocol(check=CRITIQUE).missing(build("worlds", WILD))
    assert "Separable" in missing
    assert "Arguable" in missing
    assert not protocol().missing(build("worlds", WILD))


@pytest.mark.parametrize("values", [{"votes": 0}, {"depth": 0}, {"subquestions": 0}])
def test_counts_are_positive(values: dict[str, int]):
    with pytest.raises(OversightError, match="cannot set"):
        protocol(**values)


def test_records_are_plain_values():
    [record] = played(build("worlds", WILD), 1)
    assert json.loads(json.dumps(record.metrics)) == record.metrics
