"""What every registered judge and every registered agent owes to every game."""

from __future__ import annotations

import io
import itertools
import sys

import pytest

from oversight.agents.simple import RandomAgent
from oversight.casting import cast_for
from oversight.core import OversightError, Turn
from oversight.episode import Episode
from oversight.players import Agent, Cast
from oversight.registry import names
from oversight.rollout import rollout
from oversight.runs import prepare
from tests.contract.games import Game, every_game
from tests.contract.plugin import Chatter

SEED = 2


def turns_before(game: Game, seat_acts: str, count: int = 6) -> list[Turn]:
    """Turns that ask for an act, from games that were played at random up to there."""
    found: list[Turn] = []
    for index in range(count):
        episode = Episode(game.protocol, game.world, index, SEED)
        while episode.pending:
            found += [turn for turn in episode.pending if turn.act == seat_acts]
            episode.send(Chatter().act(episode.pending))
    return found


def seated(game: Game, spec: str, deciding: bool) -> Cast:
    """The cast with a spec in the deciding seat, or in every arguing one."""
    if deciding:
        cast = cast_for(game.protocol, game.world, judge=spec).cast
        prepare(game.protocol, game.world, cast, episodes=10, seed=SEED)
        return cast
    arguing = {seat: spec for seat, role in game.protocol.seats.items() if "argue" in role.acts}
    if not arguing:
        pytest.skip("nobody argues")
    return cast_for(game.protocol, game.world, arguing).cast


def cast_or_skip(game: Game, spec: str, deciding: bool) -> Cast:
    """Some players need a kind of world; that they say so is all that is asked of them there."""
    try:
        return seated(game, spec, deciding)
    except OversightError as misfit:
        pytest.skip(str(misfit))


class Typing(io.TextIOBase):
    """Somebody who types nothing, then every number in turn: a reply is legal sooner or later."""

    def __init__(self) -> None:
        self._lines = itertools.cycle(["", *map(str, range(784))])

    def readline(self, size: int | None = -1, /) -> str:
        return next(self._lines) + "\n"


@pytest.fixture(autouse=True)
def somebody_at_the_terminal(monkeypatch: pytest.MonkeyPatch):
    """A person who never tires."""
    monkeypatch.setattr(sys, "stdin", Typing())


@every_game
@pytest.mark.parametrize("name", names("judges"))
def test_judges_return_legal_credences_whatever_the_batch(game: Game, name: str):
    spec = "calibrated:cases=10" if name == "calibrated" else name
    cast = cast_or_skip(game, spec, deciding=True)
    deciding = next(seat for seat, role in game.protocol.seats.items() if "decide" in role.acts)
    judge = cast[deciding]
    turns = turns_before(game, "decide")
    assert turns
    together = judge.act(turns)
    assert len(together) == len(turns)
    for turn, credences in zip(turns, together, strict=True):
        turn.space.check(credences)
    if judge.replayable:
        assert list(judge.act(turns)) == list(together)
        for turn, credences in zip(turns, together, strict=True):
            assert list(judge.act([turn])) == [credences]
        assert list(judge.act(turns[::-1])) == list(together)[::-1]


@every_game
@pytest.mark.parametrize("name", names("agents"))
def test_agents_play_every_arguing_seat_without_a_failure(game: Game, name: str):
    spec = "mcts:8" if name == "mcts" else name
    cast = cast_or_skip(game, spec, deciding=False)
    for record in rollout(game.protocol, game.world, cast, 2, seed=SEED):
        assert record.failure is None


@every_game
@pytest.mark.parametrize("agent", [RandomAgent(), Chatter()], ids=["random", "chatter"])
def test_agents_that_can_play_anything_do(game: Game, agent: Agent):
    cast = dict.fromkeys(game.protocol.seats, agent)
    for record in rollout(game.protocol, game.world, cast, 30, seed=SEED):
        assert record.failure is None
        assert record.credences is not None
        assert sum(record.credences) == pytest.approx(1)
