"""Prover–estimator debate: the descent, the correction, who knows what of the hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envs.worlds.circuits import Circuits
from oversight.casting import cast_for
from oversight.circuits.estimators import CircuitEstimator, CircuitProver, suspicion
from oversight.circuits.steps import Check, Work, descent
from oversight.core import Message, OversightError, Turn
from oversight.episode import Episode
from oversight.players import Agent
from oversight.pricing import Contest, Priced, correction, settled
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import load
from oversight.rollout import rollout
from oversight.spaces import Reply

TREE = Circuits(family="tree", hard=1, depth=2, expert=0, careful=0)
"""Three gates, g2 the root; wires 0 to 3 are inputs; claims 7 to 9 say that a gate's follows."""


def prover_estimator(**parameters: Any) -> Protocol:
    protocol: Protocol = load("protocols", "prover_estimator")
    return protocol.bind(**parameters)


def scripted(contests: list[int]) -> Callable[[Turn], Reply]:
    left = iter(contests)

    def reply(turn: Turn) -> Reply:
        replies: dict[str, Reply] = {
            "present": 0, "price": 0.1, "apportion": (0.5, 0.25, 0.25), "decide": (0.25, 0.75)
        }  # fmt: skip
        return next(left) if turn.act == "contest" else replies[turn.act]

    return reply


def finished(protocol: Protocol, reply: Callable[[Turn], Reply]) -> Episode:
    episode = Episode(protocol, TREE, 0, 0)
    while episode.pending:
        episode.send([reply(turn) for turn in episode.pending])
    return episode


def test_doubt_is_shared_out_down_to_a_leaf():
    # into the left child's value (part 1, sounder), then that its value follows (part 0, sounder)
    episode = finished(prover_estimator(first="honest"), scripted([3, 1]))
    contests = [m.data for m in episode.table.transcript if isinstance(m.data, Contest)]
    assert [c.doubt for c in contests] == pytest.approx([0.9 / 4, 0.9 / 8])
    assert contests[-1].claim == 7 + TREE.case(0, 0).private.circuit.gate(contests[0].claim)
    assert isinstance(episode.table.transcript[-1].data, Check)
    assert episode.outcome is not None
    assert episode.outcome.metrics == pytest.approx(
        {"price": 0.1, "leaf_price": 1 - 0.9 / 8, "levels": 2}
    )


@pytest.mark.parametrize(("pick", "sign"), [(1, 1), (0, -1)])
def test_the_direction_decides_who_is_paid_for_a_price_that_is_off(pick: int, sign: int):
    episode = finished(prover_estimator(first="honest"), scripted([pick]))
    assert episode.outcome is not None
    side = episode.table.sides["prover"].answer
    belief = (0.25, 0.75)[side]
    # the true claim's root step passes a look that never errs: its price was 0.45 too low
    assert episode.outcome.rewards["prover"] == pytest.approx(belief + sign * 0.45)
    assert episode.outcome.rewards["estimator"] == -episode.outcome.rewards["prover"]


@pytest.mark.parametrize(
    ("price", "doubt", "passes", "worth"),
    [(0.1, 0.9, True, 1.0), (0.1, 0.3, True, 0.4), (0.6, 0.3, False, 0.0), (0.6, 0.3, None, 0.6)],
)
def test_a_claim_is_worth_its_price_and_what_the_check_shows_it_off_by(
    price: float, doubt: float, passes: bool | None, worth: float
):
    found = {True: 1, False: 0, None: None}[passes]
    said = [
        Message("estimator", "price", "", Priced(price)),
        Message("prover", "contest", "", Contest(9, sounder=True, doubt=doubt)),
        Message("prover", "argue", "", Check(2, 1, (0, 0), found)),
    ]
    assert settled(said) == pytest.approx(worth)
    assert settled(said[:1]) is None
    assert correction(doubt, passes) == pytest.approx(0.0 if found is None else found - 1 + doubt)


def played(protocol: Protocol, cast: dict[str, Agent], games: int = 30) -> list[Record]:
    seated = {**cast_for(protocol, TREE).cast, **cast}
    return list(rollout(protocol, TREE, seated, games, seed=3))


def test_an_estimator_that_scans_everything_finds_the_flaw():
    records = played(prover_estimator(first="liar"), {})
    assert all(record.correct == 1 for record in records)


def test_even_doubt_over_n_steps_concedes_one_nth():
    """Three steps, a look that never errs: the true claim is worth 1/3."""
    for record in played(
        prover_estimator(first="honest"), {"estimator": CircuitEstimator("spreads")}
    ):
        assert record.credences is not None
        assert record.credences[record.truth] == pytest.approx(1 / 3)


def test_doubt_on_one_way_down_is_refuted():
    for record in played(
        prover_estimator(first="honest"), {"estimator": CircuitEstimator("denies")}
    ):
        assert record.correct == 1


def test_a_prover_that_knows_its_flaw_keeps_away_from_it():
    cast: dict[str, Agent] = {"estimator": CircuitEstimator("spreads")}
    informed = played(prover_estimator(first="liar"), {**cast, "prover": CircuitProver()})
    ignorant = played(
        prover_estimator(first="liar"), {**cast, "prover": CircuitProver(knows=False)}
    )
    believed = [[r.credences[1 - r.truth] for r in arm] for arm in (informed, ignorant)]  # type: ignore[index]
    assert believed[0] == pytest.approx([1 / 3] * 30)  # a sound step, each time
    assert {round(value, 6) for value in believed[1]} == {0.0, round(1 / 3, 6)}


def test_a_step_that_needs_a_hidden_value_cannot_be_scanned():
    world = Circuits(family="tree", hard=1, depth=2, expert=0, hidden=1)
    protocol = prover_estimator(first="liar")
    case = world.case(0, 0)
    material = world.private(case, "estimator", protocol.seats["estimator"])
    assert material is not None
    assert material.hidden == {0, 1}  # never the root
    lie = material.flawed(0, 1)
    assert suspicion(material, Work(lie)) == (1.0, 1.0, 1.0)
    seen = material._replace(hidden=frozenset[int]())
    weights = suspicion(seen, Work(lie))
    assert max(range(3), key=weights.__getitem__) == 0


def test_in_debate_nothing_leads_down_a_hidden_wire():
    world = Circuits(family="tree", hard=1, depth=2, expert=0)
    case = world.case(0, 0)
    trace = case.private.circuit.run()
    material = world.private(case, "estimator", prover_estimator().seats["estimator"])
    assert material is not None
    works = (Work(trace), Work(material.flawed(0, 1)))
    assert descent(case.question.data, *works) == (2, 0)
    assert descent(case.question.data, *works, frozenset({0})) == (2,)


def test_another_number_of_parts_is_refused():
    with pytest.raises(OversightError, match="set parts=3"):
        Episode(prover_estimator(parts=2), TREE, 0, 0)
