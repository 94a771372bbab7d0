"""Chains of gates: the judge's one look, what it is quoted, the fixed point of the induction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from envs.worlds.chains import Chains
from oversight.casting import cast_for
from oversight.circuits.chains import (
    ChainJudge,
    Link,
    Look,
    Outlook,
    asking,
    looks_at,
    mapped,
    moved_on,
    settled,
)
from oversight.core import Case, Message, OversightError, Question, Turn, View
from oversight.episode import Episode
from oversight.market import Quote
from oversight.players import Agent, agent
from oversight.protocol import Protocol
from oversight.registry import load
from oversight.spaces import Credences, Reply

MAKING: Protocol = load("protocols", "market_making")
SURE = Chains(careful=0.0, expert=0.0)


def ended(world: Chains, index: int, market: Agent | None = None, rounds: int = 1) -> Episode:
    protocol = MAKING.bind(rounds=rounds)
    cast = {**cast_for(protocol, world).cast, **({} if market is None else {"market": market})}
    episode = Episode(protocol, world, index, 3)
    while episode.pending:
        episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    return episode


def of_depth(world: Chains, gates: int) -> Case:
    return next(
        case
        for case in (world.case(index, 0) for index in range(100))
        if case.question.data.gate == gates - 1
    )


def said(case: Case, *messages: Message, private: Any = None) -> View:
    return View(case.question, messages, private, None, ())


def look(case: Case, gate: int) -> Message:
    found = mapped(case.question.data.circuit, gate)
    return Message("adversary", "argue", "", Look(gate, found))


def believed(world: Chains, view: View) -> Sequence[float]:
    return ChainJudge(world.skills.careful, world.skills.shallow).judge(view)


def price_of_truth(worth: dict[int, float]) -> Agent:
    """A market that gives a chain's true value so much, by its number of gates."""

    def reply(turn: Turn) -> Reply:
        link: Link = turn.view.question.data
        assert isinstance(turn.space, Credences)
        n, right = turn.space.n, link.circuit.run()[link.circuit.wire(link.gate)]
        given = worth[link.gate + 1]
        return tuple(given if a == right else (1 - given) / (n - 1) for a in range(n))

    return agent(reply)


def test_a_look_moves_the_quote_by_the_map_and_allows_for_its_error() -> None:
    world = Chains(careful=0.12)
    case = of_depth(world, 2)
    link: Link = case.question.data
    quoted = (0.7, 0.1, 0.2, 0.0)
    heard = Message("market", "quote", "", Quote(asking(Link(link.circuit, 0)), quoted))
    credences = believed(world, said(case, look(case, 1), heard))
    for below, price in enumerate(quoted):
        value = mapped(link.circuit, 1)[below]
        assert credences[value] == pytest.approx(0.88 * price + 0.04 * (1 - price))


def test_without_a_glance_the_judge_knows_nothing_that_it_is_not_told() -> None:
    case = of_depth(SURE, 3)
    credences = believed(SURE, said(case))
    assert credences == [0.25] * 4
    after = believed(SURE, said(case, look(case, 2)))
    assert after == pytest.approx((0.25,) * 4)
    every = [look(case, gate) for gate in (2, 1, 0)]
    sure = believed(SURE, said(case, *every))
    assert sure[case.truth.unseal()] == 1


def test_a_glance_is_the_prior_that_a_quote_is_weighed_with() -> None:
    world = Chains(shallow=0.09, careful=0.0)
    case = of_depth(world, 2)
    link: Link = case.question.data
    outlook = Outlook(tuple(mapped(link.circuit, gate) for gate in range(4)))
    glance = moved_on(np.eye(4)[link.circuit.inputs[0]], outlook.maps[0], 0.09)
    quoted = np.array([0.4, 0.3, 0.2, 0.1])
    heard = Message("market", "quote", "", Quote(asking(Link(link.circuit, 0)), tuple(quoted)))
    credences = believed(world, said(case, look(case, 1), heard, private=outlook))
    wanted = glance * quoted / (glance * quoted).sum()
    assert credences == pytest.approx(moved_on(wanted, outlook.maps[1], 0.0).tolist())


def test_arguments_lead_from_the_root_down_and_are_quoted_on_what_lies_below() -> None:
    world = SURE
    for index in range(12):
        played = ended(world, index, rounds=6)
        link: Link = played.case.question.data
        assert list(looks_at(played.table.view("judge"))) == list(range(link.gate, -1, -1))
        quotes = [m.data.question for m in played.table.transcript if m.act == "quote"]
        below = range(link.gate - 1, -1, -1)
        assert quotes == [asking(Link(link.circuit, gate)) for gate in below]


def test_a_quoted_question_is_asked_like_one_of_its_own() -> None:
    case = of_depth(SURE, 3)
    link: Link = case.question.data
    (part,) = SURE.referred(case.question, look(case, 2))
    assert part == asking(link._replace(gate=1))
    assert isinstance(part, Question)
    assert "g2" not in part.prompt
    assert SURE.referred(case.question, look(case, 0)) == ()


@pytest.mark.parametrize("m", [2, 4])
def test_the_price_of_the_truth_settles_at_the_closed_form(m: int) -> None:
    """A market that prices n − 1 gates at the fixed point is told, on average, that of n."""
    world = Chains(careful=0.1, m=m)
    market = price_of_truth({gates: settled(gates, m, 0.1) for gates in range(1, 5)})
    found: dict[int, list[float]] = {gates: [] for gates in range(1, 5)}
    for index in range(500):
        played = ended(world, index, market)
        assert played.outcome is not None
        credence = played.outcome.credences[played.case.truth.unseal()]
        found[played.case.question.data.gate + 1].append(credence)
    for gates, each in found.items():
        off = 4 * np.std(each) / np.sqrt(len(each))
        assert np.mean(each) == pytest.approx(settled(gates, m, 0.1), abs=off)


def test_the_fixed_point_by_hand() -> None:
    assert settled(1, 2, 0.1) == pytest.approx(0.9 * 0.9 + 0.1 * 0.1)
    assert settled(3, 4, 0.0) == 1
    assert settled(5, 4, 0.75) == 0.25


def test_the_judges_belief_is_linear_in_the_numbers() -> None:
    world = Chains(careful=0.08)
    for index in range(12):
        played = ended(world, index, price_of_truth(dict.fromkeys(range(1, 5), 0.7)))
        view = played.table.view("market")
        row = world.encode(view)
        assert row.shape == (world.features,)
        heard = row[4 * 16 + 4 : 4 * 16 + 4 + 16].reshape(4, 4).sum(axis=0)
        assert played.outcome is not None
        wanted = 0.92 * heard + 0.08 * (1 - heard) / 3
        assert played.outcome.credences == pytest.approx(wanted.tolist(), abs=1e-6)


def test_rates_worse_than_a_guess_are_refused() -> None:
    with pytest.raises(OversightError, match="worse than a guess"):
        Chains(m=2, careful=0.6)
