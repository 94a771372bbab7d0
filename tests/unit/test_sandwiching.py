"""Sandwiching: who hears what, when a dialogue ends, how votes count, what is paid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from envs.worlds.exams import Exams
from oversight.agents.simple import RandomAgent
from oversight.core import SILENCE, OversightError, Turn
from oversight.episode import Episode
from oversight.players import Cast, agent
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import load
from oversight.rollout import rollout
from oversight.spaces import Reply
from oversight.world import World
from tests.contract.plugin import Colours

WORLD = Exams()


def sandwiching(**parameters: Any) -> Protocol:
    protocol: Protocol = load("protocols", "sandwiching")
    return protocol.bind(**parameters)


def played(protocol: Protocol, reply: Callable[[Turn], Reply], index: int = 0) -> Episode:
    episode = Episode(protocol, WORLD, index, 0)
    while episode.pending:
        episode.send([reply(turn) for turn in episode.pending])
    return episode


def scripted(turn: Turn) -> Reply:
    """Claims B, asks for and tells the first legal choice, and believes in B at 0.7."""
    if turn.act == "decide":
        return (0.1, 0.7, 0.1, 0.1)
    return 1 if turn.act == "claim" else turn.space.options[0]  # type: ignore[union-attr]


def acts(episode: Episode, seat: str) -> list[str]:
    return [m.act for m in episode.table.heard_by(seat)]


@pytest.mark.parametrize("messages", [0, 1, 3])
def test_the_budget_is_that_many_questions_each_with_its_answer(messages: int):
    episode = played(sandwiching(messages=messages), scripted)
    assert acts(episode, "novice") == ["claim", *["ask", "argue"] * messages]
    assert episode.outcome is not None
    assert episode.outcome.metrics == {"messages": messages}


def test_silence_ends_the_questions():
    asked = 0

    def quiet(turn: Turn) -> Reply:
        nonlocal asked
        asked += turn.act == "ask"
        return None if turn.act == "ask" and asked == 3 else scripted(turn)

    episode = played(sandwiching(messages=4), quiet)
    assert acts(episode, "novice") == ["claim", "ask", "argue", "ask", "argue", "ask"]
    assert episode.table.transcript[-1].text == SILENCE
    assert episode.outcome is not None
    assert episode.outcome.metrics["messages"] == 2


def test_an_answer_is_bound_by_the_question():
    def asks_for_c(turn: Turn) -> Reply:
        if turn.act == "argue":
            assert turn.space.options == (2,)  # type: ignore[union-attr]
        return 2 if turn.act == "ask" else scripted(turn)

    episode = played(sandwiching(messages=1), asks_for_c)
    assert episode.table.transcript[-1].data.move == 2


def test_each_novice_hears_its_own_dialogue_and_no_other():
    episode = played(sandwiching(novices=3, messages=2), scripted)
    for place in range(3):
        for seat in ("novice", "inquirer", "assistant"):
            heard = episode.table.heard_by(f"{seat}_{place}")
            assert {m.seat for m in heard} == {f"inquirer_{place}", f"assistant_{place}"}
    assert len(episode.table.transcript) == 3 * len(episode.table.heard_by("novice_0"))


def test_dialogues_go_on_side_by_side():
    episode = Episode(sandwiching(novices=3), WORLD, 0, 0)
    assert [turn.seat for turn in episode.pending] == [f"assistant_{i}" for i in range(3)]


@pytest.mark.parametrize(
    ("verdicts", "shares"),
    [
        (((0.6, 0.4, 0, 0), (0.9, 0.1, 0, 0), (0, 0.2, 0.3, 0.5)), (2 / 3, 0, 0, 1 / 3)),
        (((0.5, 0.5, 0, 0), (0, 1, 0, 0)), (1 / 4, 3 / 4, 0, 0)),  # a tie is shared
        (((0.25,) * 4, (0, 0, 1, 0)), (1 / 8, 1 / 8, 5 / 8, 1 / 8)),
    ],
)
def test_votes_by_hand(verdicts: Sequence[tuple[float, ...]], shares: tuple[float, ...]):
    def votes(turn: Turn) -> Reply:
        return verdicts[int(turn.seat[-1])] if turn.act == "decide" else scripted(turn)

    protocol = sandwiching(novices=len(verdicts), messages=0)
    episode = played(protocol, votes)
    assert episode.outcome is not None
    assert episode.outcome.credences == pytest.approx(shares)


def test_assistant_and_inquirer_share_their_novices_score():
    def votes(turn: Turn) -> Reply:
        sure: Reply = (1.0, 0.0, 0.0, 0.0) if turn.seat == "novice_0" else (0.5, 0.5, 0.0, 0.0)
        return sure if turn.act == "decide" else scripted(turn)

    protocol = sandwiching(novices=2, messages=0)
    for index in range(12):
        episode = played(protocol, votes, index)
        assert episode.outcome is not None
        # the quadratic score, 2·p(true) − Σp²
        first = {0: 1.0}.get(episode.case.truth.unseal(), -1.0)
        second = 0.5 if episode.case.truth.unseal() in (0, 1) else -0.5
        paid = episode.outcome.rewards
        assert {paid[f"{seat}_0"] for seat in ("novice", "inquirer", "assistant")} == {first}
        assert {paid[f"{seat}_1"] for seat in ("novice", "inquirer", "assistant")} == {second}


def test_a_single_novices_credences_are_the_verdict_as_they_are():
    outcome = played(sandwiching(), scripted).outcome
    assert outcome is not None
    assert outcome.credences == (0.1, 0.7, 0.1, 0.1)


@pytest.mark.parametrize(
    ("parameters", "seats"),
    [
        ({}, ["assistant", "inquirer", "novice"]),
        ({"form": "novice_alone"}, ["novice"]),
        ({"form": "novice_alone", "novices": 2}, ["novice_0", "novice_1"]),
        ({"form": "assistant_alone"}, ["assistant"]),
        ({"via": "debate:rounds=1"}, ["debater_0", "debater_1", "judge"]),
    ],
)
def test_seats_follow_the_form(parameters: dict[str, Any], seats: list[str]):
    assert list(sandwiching(**parameters).seats) == seats


def test_alone_the_assistant_decides_by_its_own_evidence():
    episode = Episode(sandwiching(form="assistant_alone"), WORLD, 0, 0)
    assert episode.pending[0].view.private.signal == episode.case.private.assistant


def test_left_alone_a_novice_looks_for_itself_as_often_as_it_could_have_asked():
    episode = Episode(sandwiching(form="novice_alone", messages=3), Colours(), 0, 0)
    assert [m.act for m in episode.pending[0].view.transcript] == ["look"] * 3


def records(protocol: Protocol, world: World, cast: Cast | None = None) -> list[Record]:
    seats = cast or dict.fromkeys(protocol.seats, RandomAgent())
    return sorted(rollout(protocol, world, seats, 5, seed=1), key=lambda record: record.episode)


@pytest.mark.parametrize("spec", ["debate:rounds=2", "consultancy:form=open,rounds=3"])
def test_another_protocol_between_them_is_played_as_it_is(spec: str):
    via = sandwiching(via=spec)
    name, _, rest = spec.partition(":")
    itself = load("protocols", name).bind(**dict(p.split("=") for p in rest.split(",")))
    assert via.needs == itself.needs
    for ours, theirs in zip(records(via, WORLD), records(itself, WORLD), strict=True):
        assert ours.metrics == {"messages": ours.arguments}
        assert ours._replace(metrics={}) == theirs


def test_what_cannot_be_combined_says_why():
    with pytest.raises(OversightError, match="set novices=1"):
        _ = sandwiching(via="debate", novices=2).seats
    with pytest.raises(OversightError, match="recurses into itself"):
        sandwiching(via="sandwiching")
    with pytest.raises(OversightError, match="cannot set novices to 0"):
        sandwiching(novices=0)


def test_a_novice_that_asks_nothing_has_the_claim_alone():
    @agent
    def never_asks(turn: Turn) -> Reply:
        return None

    cast = {s: WORLD.agent(s, role) for s, role in sandwiching().seats.items()}
    silent = records(sandwiching(), WORLD, {**cast, "inquirer": never_asks})
    claimed = records(sandwiching(messages=0), WORLD, cast)
    assert [r.credences for r in silent] == [r.credences for r in claimed]
