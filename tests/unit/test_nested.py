"""Nested oversight as a game: contests, chains of them, and chains of other protocols' games."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from envs.worlds.contests import (
    DOMAINS,
    Contests,
    FullEffort,
    bout_keys,
    guards_hold,
    matrix_of_wins,
)
from oversight import keys
from oversight.casting import cast_for
from oversight.core import Case, OversightError, Seat, Turn
from oversight.episode import Episode
from oversight.metrics.double_relu import DoubleRelu
from oversight.metrics.intervals import mean_interval
from oversight.metrics.nested import nested_success
from oversight.players import Agent, Cast
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.spaces import Choose, Credences, Reply
from oversight.world import World
from tests.contract import test_firewall as firewall
from tests.contract import test_same_episode as same
from tests.contract.games import Game
from tests.contract.plugin import COLOURS, Chatter, Colours

SEED = 3
KEYS = bout_keys(17, 4_000)


def nested(**parameters: Any) -> Protocol:
    return load("protocols", "nested").bind(**parameters)


def played(
    protocol: Protocol, world: World, episodes: int, cast: Cast | None = None
) -> list[Record]:
    seated = cast_for(protocol, world).cast if cast is None else cast
    records = rollout(protocol, world, seated, episodes, seed=SEED)
    return sorted(records, key=lambda record: record.episode)


# The world


def test_bouts_follow_the_elo_formula() -> None:
    """400 points below: 1/11; within Wilson's 99.9 % interval."""
    held = guards_hold(1000.0, 1400.0, KEYS)
    found = mean_interval(held, level=0.999)
    assert found.low <= 1 / 11 <= found.high


def test_half_the_effort_costs_120_points() -> None:
    tired = guards_hold(1000.0, 1000.0, KEYS, guard_effort=0.5)
    weaker = guards_hold(1000.0 + 400 * math.log10(0.5), 1000.0, KEYS)
    np.testing.assert_array_equal(tired, weaker)
    assert 400 * math.log10(0.5) == pytest.approx(-120.4, abs=0.05)


def test_no_effort_loses() -> None:
    assert not guards_hold(3000.0, 0.0, KEYS, guard_effort=0).any()
    assert guards_hold(0.0, 3000.0, KEYS, adversary_effort=0).all()
    assert not guards_hold(1000.0, 1000.0, KEYS, 0, 0).any()  # a guard that is away holds nothing


def test_one_bout_is_one_of_many_to_the_last_bit() -> None:
    world = Contests("backdoor")
    case, generator = world.case(0, 0), np.random.default_rng(0)
    levels, efforts = generator.random((2, 500)), generator.random((2, 500))
    together = world.bouts(levels[0], levels[1], KEYS[:500], *efforts)
    alone = [
        world.bout(case, (levels[0, i], levels[1, i]), (efforts[0, i], efforts[1, i]), int(key))
        for i, key in enumerate(KEYS[:500])
    ]
    assert together.tolist() == alone


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("steps", [1, 3])
def test_chains_at_once_follow_the_closed_form(domain: str, steps: int) -> None:
    held = Contests(domain).chains(bout_keys(5, 20_000, steps))
    exact = float(nested_success(400, steps, *DOMAINS[domain], 1103))
    found = mean_interval(held, level=0.9999)
    assert found.low <= exact <= found.high


def test_a_matrix_of_wins_counts_each_pairs_bouts() -> None:
    won = matrix_of_wins(np.array([1000.0, 1400.0]), np.array([1000.0, 1400.0, 5000.0]), 200, 1)
    assert won.shape == (2, 3)
    assert won[:, 2].tolist() == [0, 0]
    drawn = bout_keys(1, 2, 3, 200)[1, 0]
    assert won[1, 0] == guards_hold(1400.0, 1000.0, drawn).sum()


def test_truths_are_fair_and_belong_to_the_seed() -> None:
    world = Contests()
    truths = [world.case(index, 0).truth.unseal() for index in range(2_000)]
    assert abs(sum(truths) - 1000) < 4 * math.sqrt(500)
    assert truths == [world.case(index, 0).truth.unseal() for index in range(2_000)]
    assert truths != [world.case(index, 1).truth.unseal() for index in range(2_000)]


def test_a_world_is_rebuilt_from_its_settings() -> None:
    own = build("worlds", "contests:domain=debate,gap=200,guard=(1.5,-600),adversary=(1,0,900,1e3)")
    again = Contests(**own.settings)
    assert again.lines == own.lines == (DoubleRelu(1.5, -600), DoubleRelu(1, 0, 900, 1000))
    assert again.settings == own.settings
    assert Contests("debate").lines == DOMAINS["debate"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"domain": "mafai"}, "did you mean 'mafia'"),
        ({"gap": -1.0}, "0 or more Elo"),
        ({"gap": math.nan}, "0 or more Elo"),
        ({"start": math.inf}, "start is the weakest"),
        ({"guard": "1"}, "write slope,intercept"),
        ({"guard": "one,two"}, "write slope,intercept"),
        ({"adversary": "nan,3"}, "finite slope"),
        ({"guard": DoubleRelu(math.nan, 0.0)}, "finite slope"),
    ],
)
def test_worlds_that_cannot_be_say_why(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(OversightError, match=reason):
        Contests(**settings)


def test_full_effort_says_what_it_cannot_do() -> None:
    turn = Episode(load("protocols", "expert"), Contests(), 0, SEED).pending[0]
    with pytest.raises(OversightError, match="name another agent"):
        FullEffort().act([turn])


# Chains of contests


@pytest.mark.parametrize("steps", [1, 3])
def test_the_engine_plays_the_bouts_that_the_arrays_play(steps: int) -> None:
    world = Contests("debate")
    records = played(nested(steps=steps), world, 300)
    nature = [keys.root(SEED, record.case, record.episode) for record in records]
    drawn = [[keys.root(key, "nature", "bout", i) for i in range(steps)] for key in nature]
    expected = world.chains(np.array(drawn, np.uint64))
    assert [record.correct == 1 for record in records] == expected.tolist()
    assert 0 < expected.sum() < 300


def test_the_verdict_the_rewards_and_the_metrics_of_a_chain() -> None:
    for record in played(nested(steps=2), Contests("debate"), 50):
        held = record.metrics["held_steps"] == 2
        assert record.metrics["held"] == record.correct == held
        assert record.credences is not None
        assert record.credences[record.truth] == held
        assert record.rewards == {"guard": 2 * held - 1, "adversary": 1 - 2 * held}
        assert len(record.replies) == 2 * min(2, record.metrics["held_steps"] + 1)


class Lazy(Agent):
    """Makes no effort."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        return [0.0] * len(turns)


def test_efforts_decide() -> None:
    full, lazy = FullEffort(), Lazy()
    for guard, adversary, held in ((lazy, full, 0), (full, lazy, 1), (lazy, lazy, 0)):
        cast = {"guard": guard, "adversary": adversary}
        records = played(nested(steps=2), Contests(), 20, cast)
        assert {record.metrics["held"] for record in records} == {held}


def test_guard_and_adversary_move_at_once_and_hear_how_bouts_ended() -> None:
    episode = Episode(nested(steps=20), Contests("backdoor", gap=0.0), 0, SEED)
    assert [turn.seat for turn in episode.pending] == ["guard", "adversary"]
    episode.send([1.0, 0.0])
    assert [m.text for m in episode.pending[0].view.transcript] == ["Step 1 of 20: the guard held."]


def test_misfits_are_refused() -> None:
    with pytest.raises(OversightError, match="cannot set steps to 0"):
        nested(steps=0)
    with pytest.raises(OversightError, match="worlds that fit: contests"):
        rollout(nested(), Colours(), {}, 1)
    with pytest.raises(OversightError, match="recurses into itself"):
        nested(inner="nested")


# Chains of other protocols

INNER = ("debate:rounds=2", "critique:points=2", "critique:points=2,proposal=own")


@pytest.fixture(scope="module")
def digits() -> World:
    return build("worlds", "digits:rollouts=8")


@pytest.mark.parametrize("inner", INNER)
def test_one_step_is_the_inner_game(inner: str, digits: World) -> None:
    chain = nested(inner=inner)
    assert chain.parts[0].seats == chain.seats
    for ours, theirs in zip(
        played(chain, digits, 30), played(chain.parts[0], digits, 30), strict=True
    ):
        assert ours.metrics.keys() - theirs.metrics.keys() == {"held", "held_steps"}
        assert ours._replace(metrics=theirs.metrics) == theirs


class Sure(Agent):
    """Judges by a script: which answer it is how sure of, step by step."""

    def __init__(self, verdicts: Sequence[tuple[int, float]]) -> None:
        self.verdicts = verdicts

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        return [self._credences(turn) for turn in turns]

    def _credences(self, turn: Turn) -> tuple[float, ...]:
        answer, sure = self.verdicts[turn.number]
        n = len(turn.view.question.answers)
        return tuple(sure if a == answer else (1 - sure) / (n - 1) for a in range(n))


def judged(world: World, verdicts: Sequence[tuple[int, float]]) -> Record:
    protocol = nested(inner="critique:points=1", steps=len(verdicts))
    agents: Mapping[str, Any] = {"proposer": "random", "critic": "random"}
    cast = cast_for(protocol, world, agents, judge=Sure(verdicts)).cast
    (record,) = played(protocol, world, 1, cast)
    assert record.failure is None
    return record


def test_the_credence_in_the_trusted_answer_is_the_product_along_the_chain(digits: World) -> None:
    truth = digits.case(0, SEED).truth.unseal()
    record = judged(digits, [(truth, 0.8), (truth, 0.7), (truth, 0.5)])
    assert record.credences is not None
    assert record.credences[truth] == pytest.approx(0.8 * 0.7 * 0.5)
    # the others: what the last hearing left them, 0.56 · 0.5 / 9, and the doubt below, 0.44 / 9
    others = [p for answer, p in enumerate(record.credences) if answer != truth]
    assert others == pytest.approx([(0.56 * 0.5 + 0.44) / 9] * 9)
    assert record.metrics == {"held_steps": 3, "held": 1}
    # the judge's quadratic score of each verdict by hand: 2p − p² − (1 − p)²/9
    scores = [2 * p - p * p - (1 - p) ** 2 / 9 for p in (0.8, 0.7, 0.5)]
    assert record.rewards["judge"] == pytest.approx(sum(scores) / 3)


def test_the_first_lie_that_is_trusted_is_passed_on(digits: World) -> None:
    truth = digits.case(0, SEED).truth.unseal()
    lie = (truth + 1) % 10
    record = judged(digits, [(truth, 0.9), (lie, 0.6), (truth, 0.99)])
    assert record.credences is not None
    assert record.credences[lie] == max(record.credences) == pytest.approx(0.9 * 0.6)
    assert record.metrics == {"held_steps": 1, "held": 0}
    assert record.correct == 0


def test_a_tie_is_nobodys(digits: World) -> None:
    """Judges who know nothing trust each answer equally often."""
    protocol = nested(inner="critique:points=1", steps=2)
    cast: Cast = {"proposer": Chatter(), "critic": Chatter(), "judge": Sure([(0, 0.1), (0, 0.1)])}
    records = played(protocol, digits, 400, cast)
    first = sum(record.metrics["held_steps"] > 0 for record in records)
    assert abs(first - 40) < 4 * math.sqrt(400 * 0.1 * 0.9)


class Graded(Colours):
    """Shows every expert its level."""

    def private(self, case: Case, seat: str, role: Seat) -> Any:
        return f"{role.level:.3f}"


def test_levels_climb_from_step_to_step() -> None:
    protocol = nested(inner="debate:rounds=1,questions=true", steps=3)
    seen: dict[str, list[str]] = {seat: [] for seat in protocol.seats}
    episode = Episode(protocol, Graded(), 0, SEED)
    while episode.pending:
        for turn in episode.pending:
            seen[turn.seat].append(turn.view.private)
        episode.send(Chatter().act(episode.pending))
    assert seen["judge"] == seen["questioner"] == ["0.000", "0.333", "0.667"]
    assert seen["debater_0"] == seen["debater_1"] == ["0.333", "0.667", "1.000"]


def test_each_step_is_heard_afresh_and_with_luck_of_its_own() -> None:
    protocol = nested(inner="debate:rounds=1", steps=40)
    episode = Episode(protocol, Colours(), 0, SEED)
    holders: list[Any] = []
    while episode.pending:
        heard = episode.pending[0].view.transcript
        assert len(heard) <= 4  # two claims and two arguments, never those of a step before
        if len(heard) == 2:
            holders.append(heard[0].data)
        episode.send(Chatter().act(episode.pending))
    assert set(holders) == {0, 1}
    said = episode.table.transcript
    assert next(m.text for m in said if m.act == "trust").startswith("Step 1 of 40: ")
    assert sum(m.act == "argue" for m in said) == 80


class Knowing(Agent):
    """Says nothing; judges the first answer true."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        return [
            (1.0,) + (0.0,) * (turn.space.n - 1) if isinstance(turn.space, Credences)
            else 0 if isinstance(turn.space, Choose) and not turn.space.silence else None
            for turn in turns
        ]  # fmt: skip


def test_that_a_step_is_played_at_all_tells_nobody_what_was_true() -> None:
    """The same replies: as many turns, and the same bytes, whichever answer is the truth."""
    protocol, world = nested(inner="critique:points=1,proposal=own", steps=3), Colours()
    case = world.case(0, SEED)
    shown: list[list[bytes]] = []
    for truth in range(len(COLOURS)):
        episode = Episode(protocol, world, 0, SEED, case.with_truth(truth))
        shown.append([])
        while episode.pending:
            shown[-1] += [pickle.dumps(tuple(turn)) for turn in episode.pending]
            episode.send(Knowing().act(episode.pending))
        assert episode.outcome is not None
        assert episode.outcome.metrics["held"] == (truth == 0)
    assert shown[0] == shown[1]


CONTRACT = [
    same.test_the_engines_replies_give_the_same_game_through_aec,
    same.test_the_engines_replies_give_the_same_game_in_parallel,
    same.test_width_and_processes_never_change_a_game,
    same.test_fork_pickle_and_replay_in_the_middle_go_on_the_same,
    firewall.test_no_turn_carries_the_seal,
    firewall.test_infos_say_what_the_protocol_makes_public_and_no_more,
]


@pytest.mark.parametrize("check", CONTRACT)
@pytest.mark.parametrize("inner", [INNER[0], INNER[2]])
@pytest.mark.parametrize("place", ["digits", "colours"])
def test_chains_of_games_keep_the_contract(check: Any, inner: str, place: str) -> None:
    check(Game(nested(inner=inner, steps=2), place))
