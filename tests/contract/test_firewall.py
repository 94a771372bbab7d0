"""Nothing that a seat is shown says what is true.

Change the sealed truth and play the same replies: every byte shown to every seat must stay the
same, wherever the script's own placement of sides did not change.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

import envs
from oversight.core import Case, Turn
from oversight.episode import Episode, case_of
from oversight.players import Cast
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.rollout import rollout
from tests.contract.games import GAMES, Game, every_game
from tests.contract.plugin import Chatter

SEED, EPISODES = 11, 3


def shown(turn: Turn) -> bytes:
    """Every byte that a seat is shown at its turn."""
    parts = (turn.seat, turn.act, turn.instruction, turn.view, turn.space, turn.key, turn.number)
    return b"".join(map(pickle.dumps, parts))


def recorded(game: Game, protocol: Protocol | None = None) -> list[Record]:
    cast: Cast = dict.fromkeys(game.protocol.seats, Chatter())
    records = rollout(protocol or game.protocol, game.world, cast, EPISODES, seed=SEED)
    return sorted(records, key=lambda record: record.episode)


def other_truths(case: Case) -> Iterator[int]:
    truth = case.truth.unseal()
    return (answer for answer in range(len(case.question.answers)) if answer != truth)


def placed(episode: Episode) -> object:
    """What the script made of the truth: the sides it dealt and the claims it announced."""
    claims = [(m.seat, m.data) for m in episode.table.transcript if m.act == "claim"]
    return dict(episode.table.sides), claims


@every_game
def test_the_truth_changes_no_byte_that_any_seat_is_shown(game: Game):
    compared = 0
    for record in recorded(game):
        case = case_of(game.world, record.episode, SEED)
        for truth in other_truths(case):
            compared += _same_bytes(
                Episode(game.protocol, game.world, record.episode, SEED, case),
                Episode(game.protocol, game.world, record.episode, SEED, case.with_truth(truth)),
                record,
            )
    if not _places_sides(game.protocol):
        truths = len(case_of(game.world, 0, SEED).question.answers) - 1
        assert compared >= truths * EPISODES * len(game.protocol.seats)


def _places_sides(protocol: Protocol) -> bool:
    bound = {**protocol.defaults, **protocol.parameters}
    own = (bound.get("form"), bound.get("sides"), bound.get("proposal"))
    return "lie" in bound and not {"open", "own", 0} & {*own}


def _same_bytes(one: Episode, other: Episode, record: Record) -> int:
    """Compare turn by turn for as long as the placement is the same; how many turns that was."""
    compared = 0
    while one.pending and placed(one) == placed(other):
        assert len(other.pending) == len(one.pending)
        for turn, counterpart in zip(one.pending, other.pending, strict=True):
            assert shown(turn) == shown(counterpart), f"{turn.seat} at its {turn.act}"
            compared += 1
        given = record.replies[len(one.replies) : len(one.replies) + len(one.pending)]
        one.send(given)
        other.send(given)
    return compared


def _with_a_holder(protocol: Protocol) -> str | None:
    """The parameter that says who holds the truth, where sides are assigned to be argued for."""
    bound = {**protocol.defaults, **protocol.parameters}
    if bound.get("sides") in ("none", "open") or not _places_sides(protocol):
        return None
    return next((name for name in ("first", "holds") if name in bound), None)


HELD = [param for param in GAMES if _with_a_holder(param.values[0].protocol)]


@pytest.mark.parametrize("game", HELD)
def test_truth_and_lie_exchanged_with_their_holders_change_no_byte(game: Game):
    """The same declared sides, honest or not: the first seat argues for A, the second for B."""
    if game.protocol.parameters.get("debaters", 2) > 2:
        pytest.skip("with a third side the remaining lies move to other seats")
    holder = _with_a_holder(game.protocol)
    assert holder is not None
    for index in range(EPISODES):
        case = case_of(game.world, index, SEED)
        truth = case.truth.unseal()
        for lie in other_truths(case):
            honest = game.protocol.bind(**{holder: "honest"}, lie=lie - (lie > truth))
            lying = game.protocol.bind(**{holder: "liar"}, lie=truth - (truth > lie))
            record = recorded(game, honest)[index]
            one = Episode(honest, game.world, index, SEED, case)
            other = Episode(lying, game.world, index, SEED, case.with_truth(lie))
            assert placed(one) == placed(other)
            assert _same_bytes(one, other, record) == len(record.replies)


@every_game
def test_no_turn_carries_the_seal(game: Game):
    for record in recorded(game):
        episode = Episode(game.protocol, game.world, record.episode, SEED)
        while episode.pending:
            for turn in episode.pending:
                assert b"Sealed" not in pickle.dumps(tuple(turn))
            at = len(episode.replies)
            episode.send(record.replies[at : at + len(episode.pending)])


@every_game
def test_observations_and_infos_of_every_seat_do_not_know_the_truth(game: Game):
    """Through the environment, every seat is looked at before every action."""
    if _places_sides(game.protocol):
        pytest.skip("the script itself places sides by the truth")
    for record in recorded(game):
        case = case_of(game.world, record.episode, SEED)
        seen = [
            list(_seen(game, record, case)),
            list(_seen(game, record, case.with_truth(next(other_truths(case))))),
        ]
        assert seen[0] == seen[1]


def _seen(game: Game, record: Record, case: Case) -> Iterator[bytes]:
    env = envs.make(game.protocol, game.world)
    env.reset(seed=SEED, options={"episode": record.episode})
    # the same episode on the given case: what the environment would play were that the truth
    env.stage.episode = Episode(game.protocol, game.world, record.episode, SEED, case)
    for reply in record.replies:
        for agent in env.agents:
            seen = env.observe(agent)
            yield b"".join(pickle.dumps((key, seen[key])) for key in sorted(seen))
            yield pickle.dumps(env.infos[agent])
            assert env.rewards[agent] == 0.0
        assert env.turn is not None
        env.step(env.stage.encodings[env.agent_selection].encode(reply, env.turn))


@every_game
def test_infos_say_what_the_protocol_makes_public_and_no_more(game: Game):
    env = envs.make(game.protocol, game.world)
    for record in recorded(game):
        env.reset(seed=SEED, options={"episode": record.episode})
        for reply in record.replies:
            for agent in env.agents:
                asked = agent == env.agent_selection
                assert env.infos[agent].keys() == ({"act"} if asked else set())
            assert env.turn is not None
            env.step(env.stage.encodings[env.agent_selection].encode(reply, env.turn))
        assert record.credences is not None
        for agent in env.agents:
            assert env.infos[agent] == {"verdict": list(record.credences)}
