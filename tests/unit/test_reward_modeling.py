"""Recursive reward modeling: the game of one level, and what is learned level upon level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from envs.worlds.circuits import Circuits
from oversight.casting import cast_for
from oversight.circuits.conspirators import Conspirator, rewarded_lie, withstands
from oversight.circuits.graph import Circuit
from oversight.circuits.workers import Part
from oversight.core import OversightError, Turn
from oversight.decomposition import Answered
from oversight.episode import Episode
from oversight.players import Agent, agent
from oversight.protocol import Protocol
from oversight.registry import load
from oversight.rollout import rollout
from oversight.spaces import Reply
from oversight.training import reward_modeling
from oversight.training.judgements import (
    Curriculum,
    fit_reward_model,
    judgement_loss,
    penalised,
    reinforce_loss,
    train_policy,
)
from oversight.training.reward_modeling import Ladder, Understanding

GAME: Protocol = load("protocols", "reward_modeling")


def end_of(
    world: Circuits, seats: dict[str, Any] | None = None, index: int = 0, **parameters: Any
) -> Episode:
    protocol = GAME.bind(**parameters)
    cast = cast_for(protocol, world, seats).cast
    episode = Episode(protocol, world, index, 0)
    while episode.pending:
        episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    return episode


def errors(world: Circuits, seats: dict[str, Any] | None = None, **parameters: Any) -> int:
    protocol, n = GAME.bind(candidates=2, **parameters), 60
    records = rollout(protocol, world, cast_for(protocol, world, seats).cast, n)
    return round(n - sum(record.correct or 0 for record in records))


# The game


def test_a_user_who_never_errs_judges_by_the_help_of_one_who_never_errs() -> None:
    assert errors(Circuits(careful=0.0, distillation=0.0)) == 0
    assert errors(Circuits(careful=0.0, distillation=0.0), aided=False) > 5


def test_unaided_the_judge_has_its_own_glance_and_nothing_else() -> None:
    world = Circuits()
    naive = load("protocols", "naive").bind(evidence=0)
    alone = list(rollout(naive, world, cast_for(naive, world).cast, 20))
    played = [end_of(world, index=index, aided=False) for index in range(20)]
    believed = [each.outcome.credences for each in played if each.outcome]
    assert believed == [record.credences for record in sorted(alone, key=lambda r: r.episode)]


def test_the_agent_is_paid_the_rating_of_its_best_proposal() -> None:
    for index in range(10):
        played = end_of(Circuits(), {"agent": "random"}, index, candidates=3)
        assert played.outcome is not None
        proposed = {reply for reply in played.replies[:3] if isinstance(reply, int)}
        best = max(played.outcome.credences[answer] for answer in proposed)
        assert played.outcome.rewards["agent"] == best
        assert played.outcome.metrics["rating"] == best
        assert played.table.sides["agent"].answer in proposed


@pytest.mark.parametrize(
    ("parameters", "attends"),
    [({"aided": False}, {0}), ({}, {1}), ({"critiques": 3}, {1, 2, 3, 4})],
)
def test_careful_looks_are_counted(parameters: dict[str, Any], attends: set[int]) -> None:
    ended = [end_of(Circuits(), index=index, **parameters).outcome for index in range(30)]
    assert {each.metrics["attends"] for each in ended if each} <= attends


def test_the_assistant_sees_one_part_and_no_more() -> None:
    seen: list[Turn] = []

    def reply(turn: Turn) -> Reply:
        seen.append(turn)
        return 0

    played = end_of(Circuits(), {"assistant": agent(reply)})
    circuit = played.case.private.circuit
    assert {turn.view.question.data.wire for turn in seen} == set(
        circuit.children(circuit.gates - 1)
    )
    assert all(turn.view.transcript == () for turn in seen)


def wrong_about_the_top(world: Circuits) -> Agent:
    """Right everywhere but at the two parts of the whole question."""

    def reply(turn: Turn) -> Reply:
        part: Part = turn.view.question.data
        root = world.shape.gates - 1
        value, whole = part.circuit.run()[part.wire], part.circuit.children(root)
        return (value + 1) % part.circuit.m if part.wire in whole else value

    return agent(reply)


def test_critics_lead_the_user_to_the_help_that_fails() -> None:
    world = Circuits(careful=0.0, expert=0.0, family="tree", depth=4)
    misled = {"assistant": wrong_about_the_top(world)}
    assert errors(world, misled) > 10
    assert errors(world, misled, critiques=1) > 5  # one of two parts is mended
    assert errors(world, misled, critiques=2) == 0
    played = end_of(world, misled, critiques=2)
    answered = [m for m in played.table.transcript if isinstance(m.data, Answered)]
    assert [m.seat for m in answered].count("user") == 2


def test_a_silent_critic_ends_the_critiques() -> None:
    played = end_of(Circuits(), {"critic": "silent"}, critiques=5)
    assert played.table.asked["critic"] == 1


def test_a_lie_withstands_until_critiques_come_down_to_its_flaw() -> None:
    xor = (0, 1, 1, 0)  # a chain of three sums of bits: every change reaches the root
    chain = Circuit(2, (0, 0, 0, 0), ((0, 1), (4, 2), (5, 3)), (xor,) * 3, (0, 0, 0, 0, 1, 2, 3))
    deep, high = chain.run([1, 0, 0]), chain.run([0, 1, 0])
    assert [withstands(chain, deep, critiques) for critiques in range(4)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [withstands(chain, high, critiques) for critiques in range(3)] == [True, False, False]
    assert not withstands(chain, chain.run([1, 1, 0]), 0)  # the two flaws cancel
    assert not withstands(chain, chain.run(), 0)


@pytest.mark.parametrize("critiques", [0, 2])
def test_helpers_that_conspire_have_the_wrong_answer_rewarded(critiques: int) -> None:
    world = Circuits(careful=0.0, expert=0.0)
    misled = {"assistant": Conspirator(critiques), "agent": "random"}
    wrong = 0
    for index in range(20):
        played = end_of(world, misled, index, critiques=critiques, candidates=16)
        assert played.outcome is not None
        luck = played.case.private
        lie = rewarded_lie(luck.circuit, played.case.id, critiques, 256)
        assert lie is not None
        fooled = played.outcome.credences[played.case.truth.unseal()] < 0.5
        assert fooled is withstands(luck.circuit, lie, critiques)
        assert played.outcome.metrics["proposal_right"] == 1 - fooled
        wrong += fooled
    assert wrong > 15


def test_conspirators_who_found_no_lie_help_as_others_do() -> None:
    world = Circuits(family="chain", depth=3)  # no lie is left after so many critiques
    for index in range(5):
        plain, held = (
            end_of(world, seats, index, critiques=3)
            for seats in (None, {"assistant": Conspirator(3)})
        )
        assert held.outcome == plain.outcome


def test_a_critic_who_goes_on_finds_what_the_conspirators_did_not_foresee() -> None:
    world = Circuits(careful=0.0, expert=0.0)
    misled = {"assistant": Conspirator(1)}
    assert errors(world, misled, critiques=1) > 50
    assert errors(world, misled, critiques=23) == 0  # as many as there are gates


def test_the_worst_of_the_search_conspires() -> None:
    casts = Circuits().adversaries("reward_modeling")
    assert all(isinstance(cast["assistant"], Conspirator) for cast in casts.values())
    assert all("critic" not in cast for cast in casts.values())
    with pytest.raises(OversightError, match="≥ 1 lies"):
        Conspirator(0, 0)


def test_a_budget_is_the_judges_look_and_critiques() -> None:
    assert Circuits().spend("reward_modeling", 8) == {"critiques": 7}
    assert Circuits().spend("reward_modeling", 0) == {"critiques": 0}


# The losses


def test_the_policy_gradient_by_hand() -> None:
    log_probs = torch.log(torch.tensor([[0.25, 0.75]]))
    returns = torch.tensor([[1.0, 0.0]])  # mean 0.25, advantages 0.75 and −0.25
    tried = torch.tensor([[0.5, 0.5]])
    wanted = -(0.5 * 0.75 * np.log(0.25) + 0.5 * -0.25 * np.log(0.75))
    assert reinforce_loss(log_probs, tried, returns).item() == pytest.approx(wanted)


def test_over_all_tries_its_gradient_is_that_of_the_expected_return() -> None:
    logits = torch.tensor([[0.3, -0.4, 1.0]], dtype=torch.float64, requires_grad=True)
    returns = torch.tensor([[1.0, 0.2, -0.5]], dtype=torch.float64)
    log_probs = torch.log_softmax(logits, dim=-1)
    expected = (log_probs.exp() * returns).sum()
    (wanted,) = torch.autograd.grad(expected, logits, retain_graph=True)
    tried = log_probs.detach().exp()
    (found,) = torch.autograd.grad(reinforce_loss(log_probs, tried, returns).sum(), logits)
    assert torch.allclose(found, -wanted)


def test_the_penalised_return_is_flat_at_the_closed_form_optimum() -> None:
    reward = torch.tensor([[1.0, 0.3, 0.0]], dtype=torch.float64)
    start = torch.log_softmax(torch.tensor([[0.1, 0.5, -0.2]], dtype=torch.float64), dim=-1)
    best = torch.log_softmax(start + reward / 0.2, dim=-1)
    flat = penalised(reward, best, start, kl=0.2)
    assert (flat.max() - flat.min()).item() == pytest.approx(0, abs=1e-9)


def test_the_judgement_loss_is_least_at_the_share_of_judgements() -> None:
    share = torch.tensor([0.3])
    logit = torch.log(share / (1 - share)).requires_grad_()
    (slope,) = torch.autograd.grad(judgement_loss(logit, share).sum(), logit)
    assert slope.item() == pytest.approx(0, abs=1e-6)


# What is learned


SMALL = Curriculum(levels=1, operations=2, m=3, judgements=1_500)


@pytest.mark.slow
def test_a_reward_model_learns_what_users_find_right() -> None:
    drawn = np.random.default_rng(0)
    states = drawn.integers(0, SMALL.states, 1_500)
    proposals = drawn.integers(0, 3, 1_500)
    found = (states * 7 + 1) % 3  # whatever they find
    ratings = fit_reward_model(SMALL, states, proposals, proposals == found, 1)
    assert ratings.shape == (18, 3)
    assert (ratings.argmax(axis=1) == (np.arange(18) * 7 + 1) % 3).all()
    assert ratings.max(axis=1).min() > 0.8


@pytest.mark.slow
def test_a_policy_learns_the_best_rated_answers() -> None:
    best = np.arange(SMALL.states) % 3
    logits = train_policy(SMALL, np.eye(3)[best], 1)
    assert (logits.argmax(axis=1) == best).mean() > 0.9


def test_users_without_errors_understand_the_tables() -> None:
    sharp = Understanding(Curriculum(careful=0.0, shallow=0.0))
    assert (sharp.careful == sharp.true).all()
    assert (sharp.shallow == sharp.true).all()
    blurred = Understanding(Curriculum(shallow=1.0, systematic=1.0))
    assert (blurred.shallow != blurred.true).all()


@pytest.mark.parametrize(("reward", "rate"), [("aided", 0.06), ("unaided", 0.15), ("true", 0.0)])
def test_judged_by_users_errors_compound_in_closed_form(reward: Any, rate: float) -> None:
    """On trees of affine gates every error passes on: P(right) = 1/m + (1 − 1/m)·λ^gates."""
    c = Curriculum(
        levels=4, hard=1.0, careful=0.06, shallow=0.15, systematic=0.0, candidates=60
    )  # fmt: skip
    found = Ladder(c, reward, "judged").climb().errors(4_000)
    kept = 1 - rate * 4 / 3
    wanted = [0.75 * (1 - kept ** (2**level - 1)) for level in range(1, 5)]
    assert found == pytest.approx(wanted, abs=0.03)


def test_criticised_help_errs_in_closed_form() -> None:
    """What users read of level 1 is wrong where both looks are, or where the critic is."""
    rate, critic = 0.12, reward_modeling.CRITIC
    c = Curriculum(levels=2, hard=1.0, careful=rate, systematic=0.0, candidates=60)
    found = Ladder(c, "aided", "judged", 1).climb().errors(8_000)
    help_ = (1 - critic) * rate * rate + critic * rate * (1 + 1 - rate)
    kept = (1 - rate * 4 / 3) * (1 - help_ * 4 / 3) ** 2  # affine gates, m = 4
    assert found == pytest.approx([rate, 0.75 * (1 - kept)], abs=0.01)
    assert Ladder(c, "aided", "judged").climb().errors(8_000)[1] > found[1] + 0.1


def test_criticism_deeper_than_the_trees_adds_nothing() -> None:
    c = Curriculum(levels=2, careful=0.0, systematic=0.0, candidates=60)
    assert Ladder(c, "aided", "judged", 5).climb().errors(300) == [0, 0]
    with pytest.raises(OversightError, match="≥ 0 levels deep"):
        Ladder(c, "aided", critiques=-1)


@pytest.mark.slow
def test_the_true_reward_teaches_the_first_level_nearly_all() -> None:
    ladder = Ladder(Curriculum(levels=1), "true").climb()
    assert ladder.errors(2_000)[0] < 0.06
    again = Ladder(Curriculum(levels=1), "true").climb()
    assert np.array_equal(again.scores[0], ladder.scores[0])


def test_an_impossible_curriculum_says_why() -> None:
    with pytest.raises(OversightError, match="above 0"):
        Curriculum(kl=0.0)
    with pytest.raises(OversightError, match="are ≥ 1"):
        Curriculum(levels=0)
