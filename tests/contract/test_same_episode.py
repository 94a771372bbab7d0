"""A game played through an environment is the engine's own game."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import pytest

import envs
from oversight.casting import cast_for
from oversight.core import OversightError
from oversight.episode import Episode
from oversight.players import Agent, Cast
from oversight.record import Record, record_of
from oversight.rollout import rollout
from tests.contract.games import Game, every_game
from tests.contract.plugin import Chatter

SEED, EPISODES = 5, 3


def random_cast(game: Game) -> Cast:
    return dict.fromkeys(game.protocol.seats, Chatter())


def engine_records(game: Game, cast: Cast, episodes: int = EPISODES) -> list[Record]:
    played = rollout(game.protocol, game.world, cast, episodes, seed=SEED)
    return sorted(played, key=lambda record: record.episode)


def paid(game: Game, record: Record) -> dict[str, float]:
    assert record.failure is None
    return {seat: record.rewards.get(seat, 0.0) for seat in game.protocol.seats}


@every_game
def test_the_engines_replies_give_the_same_game_through_aec(game: Game):
    env = envs.make(game.protocol, game.world)
    for record in engine_records(game, random_cast(game)):
        env.reset(seed=SEED, options={"episode": record.episode})
        for reply in record.replies:
            assert env.turn is not None
            env.step(env.stage.encodings[env.agent_selection].encode(reply, env.turn))
        assert record_of(env.stage.episode) == record
        assert dict(env.rewards) == paid(game, record)
        assert all(env.terminations.values())


@every_game
def test_the_engines_replies_give_the_same_game_in_parallel(game: Game):
    env = envs.parallel_env(game.protocol, game.world)
    for record in engine_records(game, random_cast(game)):
        env.reset(seed=SEED, options={"episode": record.episode})
        replies = iter(record.replies)
        rewards: Mapping[str, float] = {}
        while env.agents:
            ignored = {seat: env.action_space(seat).sample() for seat in env.agents}
            asked = {
                seat: env.stage.encodings[seat].encode(next(replies), turn)
                for seat, turn in env.turns.items()
            }
            rewards = env.step({**ignored, **asked})[1]
        assert record_of(env.stage.episode) == record
        assert dict(rewards) == paid(game, record)


@every_game
def test_a_learner_that_plays_the_engines_replies_has_the_same_game(game: Game):
    cast = random_cast(game)
    records = engine_records(game, cast)
    for seat in game.protocol.seats:
        env = envs.gym_env(game.protocol, game.world, seat=seat, cast=cast)
        for record in records:
            env.reset(seed=SEED, options={"episode": record.episode})
            own = iter(_replies_of(game, record, seat))
            over, reward = False, 0.0
            while not over:
                assert env.turn is not None
                action = env.stage.encodings[seat].encode(next(own), env.turn)
                _, reward, over, truncated, _ = env.step(action)
                assert not truncated
            assert record_of(env.stage.episode) == record
            assert reward == record.rewards.get(seat, 0.0)


def _replies_of(game: Game, record: Record, seat: str) -> list[Any]:
    """The seat's own replies, in order."""
    episode = Episode(game.protocol, game.world, record.episode, SEED)
    replies: list[Any] = []
    while episode.pending:
        at = len(episode.replies)
        given = record.replies[at : at + len(episode.pending)]
        replies += [r for t, r in zip(episode.pending, given, strict=True) if t.seat == seat]
        episode.send(given)
    return replies


@every_game
def test_agents_that_act_from_the_environments_turn_choose_the_same(game: Game):
    cast = random_cast(game)
    env = envs.make(game.protocol, game.world)
    for record in engine_records(game, cast):
        env.reset(seed=SEED, options={"episode": record.episode})
        while (turn := env.turn) is not None:
            [reply] = cast[turn.seat].act([turn])
            env.step(env.stage.encodings[turn.seat].encode(reply, turn))
        assert record_of(env.stage.episode) == record


@every_game
def test_reset_without_a_seed_goes_on_to_the_next_episode(game: Game):
    env = envs.make(game.protocol, game.world)
    env.reset(seed=SEED)
    seen = [env.stage.episode.case.id]
    env.reset()
    seen.append(env.stage.episode.case.id)
    wanted = [Episode(game.protocol, game.world, index, SEED).case.id for index in (0, 1)]
    assert seen == wanted


@every_game
def test_width_and_processes_never_change_a_game(game: Game):
    cast = cast_for(game.protocol, game.world).cast
    episodes = 12 if game.place == "mnist" else 40

    def played(**how: int) -> str:
        records = rollout(game.protocol, game.world, cast, episodes, seed=SEED, **how)
        ordered = sorted(records, key=lambda record: record.episode)
        assert not [record.failure for record in ordered if record.failure]
        return repr(ordered)  # a float's repr is all of its bits

    wide = played(width=1024)
    assert played(width=1) == wide
    assert played(width=7) == wide
    assert played(width=16, processes=2) == wide


@every_game
def test_fork_pickle_and_replay_in_the_middle_go_on_the_same(game: Game):
    [record] = engine_records(game, random_cast(game), 1)
    middle = Episode(game.protocol, game.world, 0, SEED)
    while len(middle.replies) < len(record.replies) // 2:
        at = len(middle.replies)
        middle.send(record.replies[at : at + len(middle.pending)])
    copies = [
        middle.fork(),
        pickle.loads(pickle.dumps(middle)),
        Episode.replay(game.protocol, game.world, 0, SEED, middle.replies),
        middle,
    ]
    for episode in copies:
        while episode.pending:
            at = len(episode.replies)
            episode.send(record.replies[at : at + len(episode.pending)])
        assert record_of(episode) == record


class Raises(Agent):
    def act(self, turns: Any) -> list[Any]:
        raise RuntimeError("out of order")


class Wrong(Agent):
    def act(self, turns: Any) -> list[Any]:
        return ["not an index"] * len(turns)


def test_a_broken_opponent_truncates_the_learners_game():
    seats = {"debater_1": Raises()}
    env: Any = envs.gym_env("debate", world="digits", seat="debater_0", cast=seats)
    seen, info = env.reset(seed=0)
    assert info["act"] == "argue"
    legal = int(seen["action_mask"].argmax())
    _, reward, terminated, truncated, info = env.step(legal)
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert "Raises raised RuntimeError: out of order" in info["failure"]


def test_an_opponent_outside_its_space_truncates_the_learners_game():
    env: Any = envs.gym_env("debate", world="digits", seat="debater_0", cast={"debater_1": Wrong()})
    seen, _ = env.reset(seed=0)
    _, reward, _, truncated, info = env.step(int(seen["action_mask"].argmax()))
    assert (reward, truncated) == (0.0, True)
    assert "expected an index" in info["failure"]


def test_a_broken_opponent_that_opens_stops_the_reset():
    env = envs.gym_env("debate", world="digits", seat="debater_1", cast={"debater_0": Raises()})
    with pytest.raises(OversightError, match="out of order"):
        env.reset(seed=0)


def test_a_judge_that_must_prepare_is_prepared():
    env = envs.gym_env("naive", "digits", seat="judge", cast={"judge": "calibrated:cases=5"})
    env.reset(seed=0)
    judge: Any = env.cast["judge"]
    assert judge.temperature > 0
