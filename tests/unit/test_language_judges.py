"""Language models in the judge's seat, and agents that think twice."""

from __future__ import annotations

import math

import pytest

from oversight.agents.chat import ChatAgent, Manner
from oversight.agents.choosing import BestOf, CritiqueAndRefine
from oversight.agents.words import labels
from oversight.core import Message, OversightError, Side, Turn, View
from oversight.judges.language import LogProbJudge, StatedJudge, VoteJudge, shares
from oversight.models.model import Completion, Unanswered, Usage
from oversight.players import judge
from oversight.registry import build
from oversight.spaces import Choose, Credences, NoReply, Write
from oversight.world import World
from tests.unit.test_chat import QUESTION, Told, turn

DECIDE = turn(Credences(3), "decide")


def nothing(_: View) -> str:
    """A seat that sees nothing of its own."""
    return ""


def test_log_probabilities_are_averaged_over_both_orders() -> None:
    likes_the_first = (math.log(0.6), math.log(0.3), math.log(0.1))
    model = Told(scores=[likes_the_first, likes_the_first])
    [verdict] = LogProbJudge(model, nothing).act([DECIDE])
    assert verdict == pytest.approx((0.35, 0.3, 0.35))  # a liking for a place cancels
    forward, backward = (each.prompt[1].text for each in model.scored)
    assert forward.index("| Ada") < forward.index("| Cy")
    assert backward.index("| Cy") < backward.index("| Ada")
    shared = forward.partition("The candidate answers")[0]
    assert backward.startswith(shared)
    assert model.scored[0].texts == (" A", " B", " C")


def test_a_judge_that_prefers_an_answer_keeps_it_in_both_orders() -> None:
    sure = (0.0, -20.0, -20.0)
    model = Told(scores=[sure, sure[::-1]])
    [verdict] = LogProbJudge(model, nothing).act([DECIDE])
    assert isinstance(verdict, tuple)
    assert verdict[0] > 0.999


def test_a_judge_without_log_probabilities_says_so() -> None:
    class Mute(Told):
        score = Told.__mro__[1].score  # the contract's own

    [verdict] = LogProbJudge(Mute(), nothing).act([DECIDE])
    assert isinstance(verdict, NoReply)
    assert "form=stated or form=vote" in verdict.reason


def test_votes_are_counted_over_both_orders() -> None:
    model = Told("REPLY: A", "REPLY: A", "REPLY: A", "Hm. REPLY: C", "REPLY: C")
    [verdict] = VoteJudge(model, nothing, n=4).act([DECIDE])
    # A as it is, C when turned round, A; the fourth was read only when asked again: turned round
    assert verdict == (0.75, 0.0, 0.25)
    assert len({request.key for request in model.asked}) == 5


def test_a_vote_that_cannot_be_had_leaves_no_verdict() -> None:
    model = Told("REPLY: A", Unanswered("it is down"))
    [verdict] = VoteJudge(model, nothing, n=2).act([DECIDE])
    assert verdict == NoReply("told: it is down")


def test_a_refused_vote_is_not_asked_for_again() -> None:
    model = Told("REPLY: A", Completion("I will not say.", "refusal", Usage()))
    [verdict] = VoteJudge(model, nothing, n=2).act([DECIDE])
    assert verdict == NoReply("told refused: 'I will not say.'")


def test_a_vote_that_is_twice_no_legal_reply_leaves_no_verdict() -> None:
    model = Told("REPLY: A", "A", "A")
    [verdict] = VoteJudge(model, nothing, n=2).act([DECIDE])
    assert isinstance(verdict, NoReply)
    assert verdict.reason.startswith("a vote that is no legal reply, in two tries: expected one")


def test_a_judge_foretells_what_it_asks() -> None:
    by_labels, by_votes = Told(scores=[(0.0,) * 3] * 2), Told(*["REPLY: A"] * 4)
    judges = LogProbJudge(by_labels, nothing), VoteJudge(by_votes, nothing, n=4)
    foretold = [each.calls(DECIDE) for each in judges]
    for each in judges:
        each.act([DECIDE])
    assert foretold == [by_labels.scored, by_votes.asked]
    ask = turn(Write(), "ask")
    for each in judges:
        assert each.calls(ask) == ChatAgent(each.model, nothing).calls(ask)


def test_the_stated_form_reads_percentages() -> None:
    [verdict] = StatedJudge(Told("REPLY: A=20, B=30, C=50"), nothing).act([DECIDE])
    assert verdict in ((0.2, 0.3, 0.5), (0.5, 0.3, 0.2))  # by the order shown


def test_a_judge_asks_in_words_whatever_its_form() -> None:
    model = Told("Who was there?")
    ask = turn(Write(), "ask")
    assert LogProbJudge(model, nothing).act([ask]) == ["Who was there?"]


@pytest.mark.parametrize("logprobs", [(0.0, 0.0), (-800.0, -801.0), (-3.0, -1e9)])
def test_shares_sum_to_one(logprobs: tuple[float, ...]) -> None:
    assert sum(shares(logprobs)) == pytest.approx(1)


# Thinking twice


def digits_turn(side: Side | None) -> tuple[World, Turn]:
    world: World = build("worlds", "digits")
    case = world.case(0, 0)
    view = View(case.question, (), case.private, side, ())
    asked = turn(Choose(64, silence=True))._replace(view=view)
    return world, asked


@judge
def counts_bars(view: View) -> list[float]:
    """Believes answer 3 the more, the larger the number of the pixel last shown."""
    move = view.transcript[-1].data.move
    rest = (1 - move / 64) / 9
    return [move / 64 if answer == 3 else rest for answer in range(10)]


def test_best_of_says_what_the_judge_believes_most() -> None:
    world, asked = digits_turn(Side(3))
    model = Told("REPLY: 10", "REPLY: 42", "REPLY: 27")
    wrapped = BestOf(ChatAgent(model, nothing), 3, counts_bars, world)
    assert wrapped.act([asked]) == [42]
    world, against = digits_turn(Side(3, supports=False))
    model = Told("REPLY: 10", "REPLY: 42", "REPLY: 27")
    wrapped = BestOf(ChatAgent(model, nothing), 3, counts_bars, world)
    assert wrapped.act([against]) == [10]


def test_best_of_passes_over_candidates_that_could_not_be_had() -> None:
    world, asked = digits_turn(Side(3))
    model = Told("REPLY: 10", Unanswered("down"), Unanswered("down"))
    wrapped = BestOf(ChatAgent(model, nothing), 3, counts_bars, world)
    assert wrapped.act([asked]) == [10]


def test_without_a_side_there_is_one_candidate() -> None:
    world, asked = digits_turn(None)
    model = Told("REPLY: 10")
    wrapped = BestOf(ChatAgent(model, nothing), 3, counts_bars, world)
    assert wrapped.act([asked]) == [10]


def test_a_candidate_that_the_judge_says_nothing_of_is_believed_least() -> None:
    world, asked = digits_turn(Side(3))
    likes_9 = "REPLY: " + ", ".join(f"{name}={91 if name == 'J' else 1}" for name in labels(10))
    unsure = StatedJudge(Told(Unanswered("down"), likes_9), nothing)
    wrapped = BestOf(ChatAgent(Told("REPLY: 10", "REPLY: 42"), nothing), 2, unsure, world)
    assert wrapped.act([asked]) == [42]


def test_fewer_than_one_candidate_or_round_is_refused() -> None:
    agent, world = ChatAgent(Told(), nothing), build("worlds", "digits")
    with pytest.raises(OversightError, match="n of at least 1, got 0"):
        BestOf(agent, 0, counts_bars, world)
    with pytest.raises(OversightError, match="rounds of at least 1, got 0"):
        CritiqueAndRefine(agent, agent, 0)


def test_best_of_needs_a_world_where_arguments_can_be_foreseen() -> None:
    with pytest.raises(OversightError, match="cannot foresee"):
        BestOf(ChatAgent(Told(), nothing), 3, counts_bars, build("worlds", "circuits"))


def test_a_draft_is_criticised_and_written_anew() -> None:
    writer, critic = Told("A draft.", "Better."), Told("Too short.")
    wrapped = CritiqueAndRefine(ChatAgent(writer, nothing), ChatAgent(critic, nothing, Manner()))
    said = [Message("debater_1", "argue", "No.")]
    assert wrapped.act([turn(Write(), said=said)]) == ["Better."]
    assert "| A draft." in critic.asked[0].prompt[1].text
    final = writer.asked[1].prompt[1].text
    assert "[3] critic, critique:\n| Too short." in final
    assert QUESTION.prompt in final


def test_what_is_no_text_is_not_refined() -> None:
    writer = Told("REPLY: 4")
    wrapped = CritiqueAndRefine(ChatAgent(writer, nothing), ChatAgent(Told(), nothing))
    assert wrapped.act([turn(Choose(9))]) == [4]
