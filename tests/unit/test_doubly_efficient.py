"""Doubly-efficient debate: constants, sample counts, checkers, machines, and who ends the game."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from envs.worlds.circuits import Circuits
from experiments.browncohen2023.arrays import play
from oversight.casting import cast_for
from oversight.circuits.machines import Looks
from oversight.compare import fitting
from oversight.core import OversightError
from oversight.oracles.machine import Checker, Rules, Sampled, formulas, least_looks, ones, samples
from oversight.oracles.players import Alice, Bob, Lies, Rejects, Vera, leads
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import load
from oversight.rollout import rollout

CHAIN = Circuits(family="chain", hard=1, depth=3, careful=0.14)


def doubly_efficient(**parameters: Any) -> Protocol:
    protocol: Protocol = load("protocols", "doubly_efficient")
    return protocol.bind(**parameters)


def played(
    protocol: Protocol, cast: Mapping[str, Agent], games: int = 20, **how: Any
) -> list[Record]:
    seated = {**cast_for(protocol, CHAIN).cast, **cast}
    records = rollout(protocol, CHAIN, seated, games, seed=5, **how)
    return sorted(records, key=lambda record: record.episode)


def test_the_constants_are_the_papers():
    rules = formulas(lipschitz=4, steps=31)
    assert rules == pytest.approx(Rules(c=1 / 400, s=2 / 400, b=5 / 400, q=1 / 3100, v=1 / 100))
    assert rules.bob == Checker(rules.s, rules.b, rules.q)
    assert rules.vera == Checker(rules.c, rules.s, rules.v)


@pytest.mark.parametrize(("error", "fails"), [(0.1, 0.05), (0.01, 0.01), (1 / 800, 1 / 100)])
def test_samples_are_the_ceiling_of_hoeffdings_bound(error: float, fails: float):
    n = samples(error, fails)
    assert 2 * math.exp(-2 * n * error**2) <= fails < 2 * math.exp(-2 * (n - 1) * error**2)


def test_veras_samples_by_hand():
    # within half of 1/400, failing once in a hundred: ln(200)·2·400² = 5.2983·320,000
    assert formulas(4, 31).vera.samples == 1_695_462
    assert formulas(4, 3001).vera.samples == 1_695_462
    assert formulas(8, 31).vera.samples == pytest.approx(4 * 1_695_462, abs=4)


@pytest.mark.parametrize(("ones_found", "passes"), [(649, True), (650, False), (351, True)])
def test_a_checker_rejects_from_the_middle_of_its_two_limits_on(ones_found: int, passes: bool):
    checker = Checker(0.1, 0.2, 2 * math.exp(-5))  # within 0.05: 1000 samples; the middle is 0.15
    assert checker.samples == 1000
    assert checker.threshold == pytest.approx(0.15)
    assert Sampled(0.5, ones_found, checker).passes is passes


def test_ones_are_binomial_and_the_same_alone():
    uniform = (np.arange(4000) + 0.5) / 4000
    drawn = ones(uniform, 1_000_000, 0.14)
    assert drawn.mean() == pytest.approx(140_000, rel=1e-4)
    assert drawn.std() == pytest.approx(math.sqrt(1e6 * 0.14 * 0.86), rel=0.01)
    assert float(ones(uniform[17], 1_000_000, 0.14)) == drawn[17]


def test_below_veras_samples_a_budget_has_no_form():
    least = CHAIN.least("doubly_efficient")
    assert least is not None
    assert least == least_looks(4) == formulas(4, 31).vera.samples
    assert CHAIN.spend("doubly_efficient", least - 1) is None
    assert CHAIN.spend("doubly_efficient", least) == {}
    assert Circuits(m=3).least("doubly_efficient") is None
    assert CHAIN.least("debate") == 0


def test_the_comparison_says_what_budget_it_would_need():
    chosen, left_out = fitting(CHAIN, 8, ["doubly_efficient", "debate"])
    assert [protocol.name for protocol in chosen] == ["debate"]
    assert left_out == {"doubly_efficient": "it needs a budget of at least 1,695,462 on circuits"}


def looks(runs: int) -> Looks:
    return Looks(CHAIN.case(0, 0).private.circuit, 0.14, runs)


def test_moving_every_probability_moves_the_last_bit_by_at_most_k_times_as_much():
    machine, moved = looks(1), 0.001

    def last(shift: float) -> float:
        total = 0.0
        for word in range(8):
            bits = [word >> place & 1 for place in range(3)]
            weight = 1.0
            for place, bit in enumerate(bits):
                p = machine.probability(bits[:place]) + shift
                weight *= p if bit else 1 - p
            total += weight * (machine.probability(bits) + shift)
        return total

    assert abs(last(moved) - last(0)) <= machine.lipschitz * moved
    right = CHAIN.case(0, 0).truth.unseal()
    assert (last(0) if right else 1 - last(0)) == pytest.approx((1 + 0.72**3) / 2)


def test_the_last_bit_is_the_share_of_runs_and_k_does_not_grow():
    machine = looks(3)
    assert machine.steps == 10
    assert machine.lipschitz == looks(1).lipschitz == 4
    assert machine.probability([0, 0, 1, 0, 0, 1, 1, 1, 0]) == pytest.approx(2 / 3)
    assert machine.worth([0, 0, 1, 0, 0, 1, 1, 1, 0]) == pytest.approx(2 / 3)
    assert leads(machine, [0] * 8) == 1  # the root's own bit
    assert abs(leads(machine, [0] * 6)) == 1  # affine gates pass every change on


def test_unchallenged_the_last_bit_is_the_answer_and_costs_the_verifier_nothing():
    for record in played(doubly_efficient(runs=2), {"bob": Bob("never")}):
        assert record.metrics["verifier_samples"] == 0
        assert record.metrics["steps"] == 7
        assert record.metrics["prover_samples"] == 7 * formulas(4, 7).statement


def test_an_honest_statement_survives_a_challenge_and_a_gross_one_does_not():
    first = {"bob": Bob("always")}
    honest = played(doubly_efficient(first="honest"), first)
    assert all(record.correct == 1 for record in honest)
    gross = played(doubly_efficient(first="liar"), {**first, "alice": Alice("shift", 50)})
    assert all(record.correct == 1 for record in gross)
    assert {r.metrics["verifier_samples"] for r in honest + gross} == {1_695_462}


@pytest.mark.parametrize(
    ("lies", "rejects"),
    [(None, "checks"), ("shift", "checks"), ("drift", "checks"), ("adaptive", "checks"),
     ("once", "checks"), ("gamble", "checks"), (None, "late"), (None, "spoils"),
     (None, "random")],
)  # fmt: skip
def test_arrays_play_the_engines_games(lies: Lies | None, rejects: Rejects):
    alice, bob = Alice(lies, 3.4), Bob(rejects, 0.2)
    for honest in (True, False):
        arrays = play(CHAIN, 5, 20, 2, alice, bob, honest=honest)
        protocol = doubly_efficient(runs=2, first="honest" if honest else "liar")
        engine = played(protocol, {"alice": alice, "bob": bob})
        assert [r.correct == 1 for r in engine] == arrays.right.tolist()
        assert [r.metrics["challenged"] == 1 for r in engine] == arrays.challenged.tolist()
        assert [r.metrics["steps"] for r in engine] == arrays.steps.tolist()


def test_games_are_the_same_at_any_width():
    protocol = doubly_efficient(runs=2, first="liar")
    cast: dict[str, Agent] = {"alice": Alice("drift", 3.4), "bob": Bob(as_vera=True)}
    wide = played(protocol, cast, width=1024)
    assert wide == played(protocol, cast, width=1) == played(protocol, cast, width=7)


def test_misuse_is_explained():
    with pytest.raises(OversightError, match="thresholds must rise"):
        played(doubly_efficient(c=0.5, s=0.1), {}, 1)
    with pytest.raises(OversightError, match="set m=2"):
        Circuits(m=3).machine(Circuits(m=3).case(0, 0), 1)
    assert Circuits(m=3).spend("doubly_efficient", 8) is None
    naive: Protocol = load("protocols", "naive")
    with pytest.raises(OversightError, match="name another judge"):
        list(rollout(naive, CHAIN, {"judge": Vera()}, 1))
