"""One episode under way: it is its replies, and what it refuses it names."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from oversight.core import OversightError
from oversight.episode import Episode, EpisodeFailed, case_of
from oversight.record import credit, record_of
from oversight.registry import load
from tests.contract.plugin import Chatter, Colours

DEBATE = load("protocols", "debate").bind(order="simultaneous", rounds=2)


def begun(index: int = 0, seed: int = 0) -> Episode:
    return Episode(DEBATE, Colours(), index, seed)


def test_a_simultaneous_move_is_asked_at_once():
    episode = begun()
    assert [turn.seat for turn in episode.pending] == ["debater_0", "debater_1"]
    episode.send(["red", "blue"])
    heard = [m.text for m in episode.pending[0].view.transcript if m.act == "argue"]
    assert heard == ["red", "blue"]


def test_it_ends_with_an_outcome():
    episode = begun()
    for replies in (["a", "b"], ["c", None], [(0.25, 0.75)]):
        episode.send(replies)
    assert episode.outcome is not None
    assert episode.outcome.credences == (0.25, 0.75)
    assert episode.pending == ()
    assert episode.replies == ["a", "b", "c", None, (0.25, 0.75)]


@pytest.mark.parametrize("replies", [[], ["a"], ["a", "b", "c"]])
def test_the_wrong_number_of_replies_is_refused(replies: list[Any]):
    with pytest.raises(ValueError, match=f"2 turns are pending, got {len(replies)} replies"):
        begun().send(replies)


def test_an_illegal_reply_names_the_seat_the_turn_and_the_reason():
    episode = begun()
    episode.send(["a", "b"])
    with pytest.raises(EpisodeFailed) as caught:
        episode.send(["c", 5])
    failed = caught.value
    assert (failed.seat, failed.act, failed.number) == ("debater_1", "argue", 1)
    assert failed.reason == "expected text, got int"
    assert str(failed) == "debater_1 at its turn 1 (argue): expected text, got int"
    assert str(pickle.loads(pickle.dumps(failed))) == str(failed)


def test_an_illegal_reply_leaves_the_episode_as_it_was():
    episode = begun()
    with pytest.raises(EpisodeFailed):
        episode.send(["fine", 5])
    assert episode.replies == []
    episode.send(["fine", "too"])
    assert len(episode.replies) == 2


def test_a_fork_goes_its_own_way():
    episode = begun()
    episode.send(["a", "b"])
    other = episode.fork()
    other.send(["c", "d"])
    assert len(episode.replies) == 2
    assert len(episode.table.transcript) + 2 == len(other.table.transcript)


def test_replies_of_another_game_are_refused():
    with pytest.raises(OversightError, match="belongs to another protocol, world or version"):
        Episode.replay(DEBATE, Colours(), 0, 0, ["a", "b", "c"])
    with pytest.raises(OversightError, match="the script stops asking after 5"):
        Episode.replay(DEBATE, Colours(), 0, 0, ["a", "b", "c", "d", (1.0, 0.0), "e"])


def test_pickled_in_the_middle_it_goes_on_with_the_same_luck():
    episode = begun(3, 7)
    episode.send(Chatter().act(episode.pending))
    revived = pickle.loads(pickle.dumps(episode))
    assert [turn.key for turn in revived.pending] == [turn.key for turn in episode.pending]
    while episode.pending:
        for one in (episode, revived):
            one.send(Chatter().act(one.pending))
    assert record_of(revived) == record_of(episode)


def test_worlds_of_finite_size_are_gone_round_again_with_other_luck():
    world: Any = Colours()
    world.size = 4
    assert case_of(world, 5, 0).id == case_of(world, 1, 0).id
    keys = [Episode(DEBATE, world, index, 0).pending[0].key for index in (1, 5)]
    assert keys[0] != keys[1]


def test_a_record_names_a_side_only_where_it_argues_for_it():
    critique = load("protocols", "critique")
    record = record_of(Episode(critique, Colours(), 0, 0))
    assert set(record.sides) == {"proposer"}


@pytest.mark.parametrize(
    ("credences", "truth", "due"),
    [((0.6, 0.4), 0, 1.0), ((0.6, 0.4), 1, 0.0), ((0.4, 0.4, 0.2), 1, 0.5), ((0.5, 0.5), 0, 0.5)],
)
def test_a_shared_first_place_is_shared_credit(
    credences: tuple[float, ...], truth: int, due: float
):
    assert credit(credences, truth) == due
