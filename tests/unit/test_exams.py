"""Exams: what accuracies the evidence has, alone and together, and what the parties make of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from envs.worlds.exams import NOVICES, PUBLISHED, Exams, Notes
from oversight.casting import cast_for
from oversight.core import Case, Message, OversightError, Seat, Side, Turn, View
from oversight.exams.items import (
    CHOICES,
    Weighing,
    ability_for,
    accuracy,
    best_weighing,
    eases,
    pooled_ability,
    vote_accuracy,
    weighed_ability,
)
from oversight.exams.players import Adviser, Evidence
from oversight.exams.witness import Reliance, alone, pooled
from oversight.registry import load
from oversight.reveal import Reveal
from oversight.rollout import rollout
from oversight.spaces import Choose, Credences

DECIDES, EXPERT = Seat(("decide",)), Seat(("decide",), expert=True)
ARGUES = Seat(("claim", "argue"), expert=True)


def cases(world: Exams, count: int) -> list[Case]:
    return [world.case(index, 7) for index in range(count)]


def within(share: float, wanted: float, n: int) -> bool:
    """Four standard deviations of a binomial."""
    return abs(share - wanted) < 4 * (wanted * (1 - wanted) / n) ** 0.5


# How often a party is right


def test_accuracy_at_chance_at_certainty_and_by_simulation_between():
    assert accuracy(0.0, 0.7) == pytest.approx(0.25)
    assert accuracy(1e3, 0.0) == pytest.approx(1.0)
    drawn = np.random.default_rng(0).standard_normal((400_000, CHOICES))
    drawn[:, 0] += 1.0
    assert within(float((drawn.argmax(axis=1) == 0).mean()), accuracy(1.0, 0.0), 400_000)


def test_spread_averages_over_the_grades_of_ease():
    by_hand = np.mean([accuracy(1.2 * ease, 0.0) for ease in eases(0.6)])
    assert accuracy(1.2, 0.6) == pytest.approx(by_hand)
    assert np.median(eases(0.6)) == 1.0


@pytest.mark.parametrize("share", [0.25, 0.3, 0.572, 0.935])
@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_an_ability_is_found_for_every_accuracy(share: float, spread: float):
    assert accuracy(ability_for(share, spread), spread) == pytest.approx(share, abs=1e-8)


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_accuracies_that_no_ability_has_are_refused(share: float):
    with pytest.raises(OversightError, match="between chance and 1"):
        ability_for(share, 0.5)


def test_independent_witnesses_add_in_squares_and_twins_add_nothing():
    assert pooled_ability(3.0, 4.0, 0.0) == pytest.approx(5.0)
    assert pooled_ability(1.0, 1.0, 0.5) == pytest.approx((2 / 1.5) ** 0.5)
    assert pooled_ability(1.0, 1.0, 1 - 1e-9) == pytest.approx(1.0)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_no_weighing_beats_the_bayesian_one(correlation: float):
    best = best_weighing(0.7, 1.1, correlation)
    most = weighed_ability(0.7, 1.1, correlation, best)
    assert most == pytest.approx(pooled_ability(0.7, 1.1, correlation))
    for angle in np.linspace(0, np.pi / 2, 20):
        other = Weighing(float(np.cos(angle)), float(np.sin(angle)))
        assert weighed_ability(0.7, 1.1, correlation, other) <= most + 1e-12


def test_weights_that_cancel_are_refused():
    with pytest.raises(OversightError, match="leave no evidence"):
        weighed_ability(1.0, 1.0, 0.0, Weighing(0.0, 0.0))
    with pytest.raises(OversightError, match=r"correlation must be in \[0, 1\)"):
        best_weighing(1.0, 1.0, 1.0)


def test_a_vote_by_hand():
    answers = np.array([[0, 0, 1], [0, 1, 2], [1, 1, 0], [0, 1, 1]])
    assert vote_accuracy(answers).tolist() == [1.0, pytest.approx(1 / 3), 0.0, 0.0]


# What a novice concludes

RELIANCE = Reliance(own=0.8, assistant=1.1, correlation=0.3, spread=0.6)
OWN = (0.4, -0.2, 1.0, 0.1)
THEIRS = (1.9, 0.3, -0.5, 0.2)


def by_hand(heard: dict[int, float]) -> np.ndarray:
    """p(c | x_n, x_a[S]) from the normal densities themselves, grade by grade."""
    covariance = np.array([[1, RELIANCE.correlation], [RELIANCE.correlation, 1]])
    total = np.zeros(CHOICES)
    for ease in eases(RELIANCE.spread):
        for right in range(CHOICES):
            log = 0.0
            for c in range(CHOICES):
                mean = np.array([RELIANCE.own, RELIANCE.assistant]) * ease * (c == right)
                if c in heard:
                    off = np.array([OWN[c], heard[c]]) - mean
                    log -= 0.5 * off @ np.linalg.inv(covariance) @ off
                else:
                    log -= 0.5 * (OWN[c] - mean[0]) ** 2
            total[right] += np.exp(log)
    return total / total.sum()


@pytest.mark.parametrize("heard", [{}, {0: 1.9}, {1: 0.3, 2: -0.5}, dict(enumerate(THEIRS))])
def test_pooling_is_bayes_rule_on_the_densities(heard: dict[int, float]):
    assert pooled(OWN, heard, None, RELIANCE) == pytest.approx(by_hand(heard))


def test_one_party_alone_is_bayes_rule_too():
    assert alone(OWN, RELIANCE.own, RELIANCE.spread) == pytest.approx(by_hand({}))


@pytest.mark.parametrize("heard", [(), (1,), (0,), (1, 2)])
def test_a_claim_counts_for_what_an_honest_assistants_is_worth(heard: tuple[int, ...]):
    """Against rejection sampling: keep the draws whose greatest evidence is the claimed choice's.

    Draws are weighed by the density of what was seen and heard, so that all that is left to chance
    is what was not heard.
    """
    rng, n = np.random.default_rng(1), 60_000
    rho, claim = RELIANCE.correlation, 0
    weight = np.zeros(CHOICES)
    for ease in eases(RELIANCE.spread):
        for right in range(CHOICES):
            is_right = np.arange(CHOICES) == right
            off = np.array(OWN) - RELIANCE.own * ease * is_right
            mean = RELIANCE.assistant * ease * is_right + rho * off
            theirs = mean + (1 - rho**2) ** 0.5 * rng.standard_normal((n, CHOICES))
            density = np.exp(-0.5 * (off**2).sum())
            for c in heard:
                theirs[:, c] = THEIRS[c]
                density *= np.exp(-0.5 * (THEIRS[c] - mean[c]) ** 2 / (1 - rho**2))
            weight[right] += density * (theirs.argmax(axis=1) == claim).mean()
    found = pooled(OWN, {c: THEIRS[c] for c in heard}, claim, RELIANCE)
    assert found == pytest.approx(weight / weight.sum(), abs=0.004)


def test_a_claim_adds_nothing_once_everything_was_heard_or_where_it_is_no_honest_one():
    heard = dict(enumerate(THEIRS))
    assert pooled(OWN, heard, 0, RELIANCE) == pytest.approx(by_hand(heard))
    assert pooled(OWN, heard, 1, RELIANCE) == pytest.approx(by_hand(heard))  # not its greatest


def test_the_claims_tail_by_hand():
    """No own ability, one choice heard, one grade: the claim's factor is a product of tails."""
    blind = Reliance(0.0, 1.0, 0.0, 0.0)
    odds = np.array([np.exp(1.9 - 0.5) * ndtr(1.9) ** 3, *[ndtr(1.9) ** 2 * ndtr(0.9)] * 3])
    assert pooled(OWN, {0: 1.9}, 0, blind) == pytest.approx(odds / odds.sum())


# The world


@pytest.mark.parametrize("fit", ["mmlu", "quality"])
@pytest.mark.parametrize("model", ["single", "best_of_20"])
def test_everyone_alone_is_right_as_often_as_published(fit: str, model: str):
    world, n = Exams(fit, model), 2_000  # type: ignore[arg-type]  # parametrized literals
    known = PUBLISHED[fit]
    drawn = cases(world, n)
    truth = np.array([case.truth.unseal() for case in drawn])

    def share(seat: str, role: Seat) -> float:
        seen = np.array([world.private(case, seat, role).signal for case in drawn])
        return float((seen.argmax(axis=1) == truth).mean())

    assert within(share("novice_3", DECIDES), known.novice / 100, n)
    assert within(share("assistant", ARGUES), getattr(known, model) / 100, n)
    assert within(share("judge", EXPERT), known.expert / 100, n)


def test_noise_is_correlated_as_the_dials_say():
    world, n = Exams(correlation=0.3, kinship=0.6, spread=0.0), 3_000
    drawn = cases(world, n)
    wrong = [np.arange(CHOICES) != case.truth.unseal() for case in drawn]

    def off(pick: int | str) -> np.ndarray:
        rows = []
        for case, mask in zip(drawn, wrong, strict=True):
            notes: Notes = case.private
            signal = notes.novices[pick] if isinstance(pick, int) else getattr(notes, pick)
            rows.append(np.array(signal)[mask])
        return np.concatenate(rows)

    table = np.corrcoef([off(0), off(5), off("assistant"), off("expert")])
    wanted = [[1, 0.6, 0.3, 0], [0.6, 1, 0.3, 0], [0.3, 0.3, 1, 0], [0, 0, 0, 1]]
    assert table == pytest.approx(np.array(wanted), abs=0.04)


@pytest.mark.slow
def test_joint_accuracy_in_the_engine_is_the_closed_form():
    world, protocol, n = Exams(), load("protocols", "sandwiching"), 2_000
    cast = cast_for(protocol, world).cast
    played = [record.correct for record in rollout(protocol, world, cast, n, seed=3)]
    able = world.abilities
    wanted = accuracy(pooled_ability(able.novice, able.assistant, 0.25), 0.5)
    assert within(float(np.mean([p for p in played if p is not None])), wanted, n)


def test_who_sees_whose_evidence():
    world = Exams()
    case = world.case(0, 0)
    notes: Notes = case.private
    for seat, role, party, signal in (
        ("judge", DECIDES, "novice", notes.novices[0]),
        ("novice_4", DECIDES, "novice", notes.novices[4]),
        ("questioner_4", Seat(("ask",)), "novice", notes.novices[4]),
        ("judge", EXPERT, "expert", notes.expert),
        ("assistant", EXPERT, "assistant", notes.assistant),
        ("debater_1", ARGUES, "assistant", notes.assistant),
    ):
        assert world.private(case, seat, role) == Evidence(party, signal)
    with pytest.raises(OversightError, match="9 novices at most"):
        world.private(case, f"novice_{NOVICES}", DECIDES)


def test_impossible_correlations_are_refused():
    with pytest.raises(OversightError, match=r"kinship in \[correlation², 1\]"):
        Exams(correlation=0.5, kinship=0.2)
    with pytest.raises(OversightError, match="spread is a standard deviation"):
        Exams(spread=-0.1)


def test_left_alone_a_novice_finds_nothing_new():
    assert Exams().unaided(Exams().case(0, 0), 5, 0) == []


# The players


def view(*said: Message, evidence: Evidence, side: Side | None = None) -> View:
    return View(Exams().case(0, 0).question, said, evidence, side, ())


def shared(choice: int, value: float = 0.0) -> Message:
    return Message("assistant", "argue", "", Reveal(choice, value))


def turn(act: str, seen: View) -> Turn:
    decides = act in ("decide", "price")
    space = Credences(CHOICES) if decides else Choose(CHOICES, silence=act != "claim")
    return Turn("x", act, "", seen, space, 0, 0)


THEIR_EVIDENCE = Evidence("assistant", THEIRS)
ASKED = Message("questioner", "ask", "And C?", 2)


@pytest.mark.parametrize(
    ("side", "said", "reply"),
    [
        (None, (), 0),  # its own favourite, whose evidence speaks most for it
        (Side(0), (shared(0),), 2),  # then the rival that the evidence speaks most against
        (Side(0), tuple(map(shared, range(CHOICES))), None),  # all is said
        (Side(2), (shared(0), shared(1), shared(3)), None),  # an advocate keeps what harms it back
        (Side(2), (shared(0), shared(1), shared(3), ASKED), 2),  # unless it is asked
        # 1.1·x − 0.605 is 1.485, −0.275, −1.155, −0.385: hearing any would help A
        (Side(0, supports=False), (), None),
        (Side(2, supports=False), (), 0),
    ],
)
def test_what_an_adviser_shares(side: Side | None, said: tuple[Message, ...], reply: int | None):
    seen = view(*said, evidence=THEIR_EVIDENCE, side=side)
    assert Adviser(1.1).act([turn("argue", seen)]) == [reply]


def test_an_adviser_claims_what_its_evidence_favours():
    assert Adviser(1.1).act([turn("claim", view(evidence=THEIR_EVIDENCE))]) == [0]


def test_a_novice_asks_about_the_likeliest_choice_it_has_not_heard_of():
    novice, own = Exams().judge(), Evidence("novice", OWN)
    assert novice.act([turn("ask", view(evidence=own))]) == [2]
    assert novice.act([turn("ask", view(shared(2, -3.0), evidence=own))]) == [0]
    everything = tuple(map(shared, range(CHOICES)))
    assert novice.act([turn("ask", view(*everything, evidence=own))]) == [None]


def test_a_novice_prices_what_it_would_decide():
    novice, seen = Exams().judge(), view(shared(0, 1.9), evidence=Evidence("novice", OWN))
    assert novice.act([turn("price", seen)]) == novice.act([turn("decide", seen)])


def test_only_an_assistants_claim_is_taken_for_an_honest_answer():
    novice, own = Exams().judge(), Evidence("novice", OWN)
    [untold] = novice.act([turn("decide", view(evidence=own))])
    for seat, moves in (("consultant", False), ("assistant", True), ("assistant_2", True)):
        said = Message(seat, "claim", "A", 0)
        [told] = novice.act([turn("decide", view(said, evidence=own))])
        assert (told != untold) is moves


@pytest.mark.slow
def test_trusting_and_overconfident_novices_are_worse():
    def score(kind: str) -> float:
        world = Exams("quality", novice=kind, correlation=0.0, spread=0.0)  # type: ignore[arg-type]
        protocol = load("protocols", "sandwiching")
        cast = cast_for(protocol, world).cast
        paid = [r.rewards["novice"] for r in rollout(protocol, world, cast, 500, seed=2)]
        return float(np.mean(paid))

    assert score("bayesian") > max(score("trusting"), score("overconfident"))
