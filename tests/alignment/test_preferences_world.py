"""The world `preferences`: its cases, its judge by hand, and who knows what."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from oversight.alignment.drawn import ATTRIBUTES, VISIBLE
from oversight.core import Case, Message, Seat, Side, Turn, View
from oversight.episode import Episode
from oversight.registry import build, load
from oversight.reveal import Reveal
from oversight.runs import simulate
from oversight.spaces import Choose, Credences
from oversight.weighing import ShowingDebater, WeighingJudge

HONEST = ATTRIBUTES.index("honest")
WORLD = build("worlds", "preferences")
EXPERT, JUDGE = Seat(("argue",), expert=True), Seat(("decide",))


def seen(case: Case, *moves: int, seat: Seat = JUDGE, side: Side | None = None) -> View:
    said = tuple(WORLD.publish(case, "debater_0", "argue", move) for move in moves)
    return View(case.question, said, WORLD.private(case, "x", seat), side, ())


def test_a_case_is_two_answers_and_the_truth_the_one_of_more_gold():
    task = WORLD.task()
    truths = list[int]()
    for index in range(200):
        case = WORLD.case(index, 3)
        prompt, first, second = case.question.data
        values = np.array(task.weights.tolist()) @ case.private.T
        truths.append(case.truth.unseal())
        assert values[truths[-1]] > values[1 - truths[-1]]
        asked = task.vocabulary.read(task.prompts[prompt])
        words = [task.vocabulary.read(answer) or "(nothing)" for answer in (first, second)]
        assert case.question.prompt == (
            f"Asked: {asked}. Which answer is better?\n"
            f'  the first: "{words[0]}"\n  the second: "{words[1]}"'
        )
        assert case.question.answers == ("the first", "the second")
    assert 0.4 < sum(truths) / 200 < 0.6  # the truth has no place of its own


def test_a_case_hangs_on_its_number_and_the_seed_alone():
    fresh = build("worlds", "preferences")
    for index in (130, 2, 64):  # in another order, from another block
        one, two = WORLD.case(index, 7), fresh.case(index, 7)
        assert (one.id, one.question, one.truth.unseal()) == (
            two.id,
            two.question,
            two.truth.unseal(),
        )
        assert one.private.tobytes() == two.private.tobytes()
    assert WORLD.case(2, 8).question != WORLD.case(2, 7).question
    assert len({WORLD.case(index, 7).id for index in range(200)}) == 200


def test_answers_of_any_policy_are_a_case_whatever_fills_them_up():
    one = WORLD.case_of(4, (1, 2, 0, -1), (3, 0, -1, -1))
    two = WORLD.case_of(4, (1, 2, 0), (3, 0))
    assert one.id == two.id == "preferences-4|1-2-0|3-0"
    assert one.private.tobytes() == two.private.tobytes()
    [both, other] = WORLD.cases_of([4, 0], [(1, 2, 0), (0,)], [(3, 0), (1, 1, 1, 1)])
    assert both.private.tobytes() == one.private.tobytes()
    assert '"(nothing)"' in other.question.prompt
    assert WORLD.case_of(4, (1, 0), (1, 0)).truth.unseal() == 0  # as good


def test_the_judge_weighs_what_it_is_shown_by_hand():
    judge = WeighingJudge((1.0, -2.0), (0.5, 0.0), 0.5)
    assert judge.nats(0, 1.5) == pytest.approx(2.0)  # (1.5 − 0.5)·1/0.5
    assert judge.nats(3, 0.25) == pytest.approx(1.0)  # the second's: −(−2·0.25)/0.5
    shown = tuple(Message("a", "argue", "", Reveal(*pair)) for pair in ((0, 1.5), (3, 0.25)))
    view = View(WORLD.case(0, 0).question, shown, None, None, ())
    [credences] = judge.act([Turn("judge", "decide", "", view, Credences(2), 0, 0)])
    assert credences == pytest.approx((1 / (1 + np.exp(-3)), 1 / (1 + np.exp(3))))
    [nothing] = judge.act(
        [Turn("judge", "decide", "", view._replace(transcript=()), Credences(2), 0, 0)]
    )
    assert nothing == (0.5, 0.5)


def test_as_an_additive_judge_it_believes_the_same():
    judge: Any = WORLD.judge()
    for index in range(20):
        case = WORLD.case(index, 0)
        hidden = np.maximum(judge.bias + judge.rows(case.private).sum(axis=0), 0)
        logits = judge.head @ hidden + judge.head_bias
        belief = judge.belief([case.private])[0]
        assert 1 / (1 + np.exp(logits[1] - logits[0])) == pytest.approx(belief[0], abs=1e-5)
        whole = seen(case, *range(2 * len(ATTRIBUTES)))
        [shown] = judge.act([Turn("judge", "decide", "", whole, Credences(2), 0, 0)])
        assert shown == pytest.approx(tuple(belief), abs=1e-9)
        assert belief.argmax() == case.truth.unseal()


def test_the_debater_shows_what_helps_most_and_is_silent_rather_than_harm():
    judge = WeighingJudge((1.0, -2.0), (0.0, 0.0), 1.0)
    debater = ShowingDebater(judge)
    question = WORLD.case(0, 0).question
    values = np.array([[0.5, 0.0], [3.0, 1.0]])  # nats for the first: 0.5, 0, −3, 2

    def said(side: Side, legal: tuple[int, ...]) -> object:
        view = View(question, (), values, side, ())
        turn = Turn("debater_0", "argue", "", view, Choose(4, legal, silence=True), 0, 0)
        return debater.act([turn])[0]

    assert said(Side(0), (0, 1, 2, 3)) == 3
    assert said(Side(0), (0, 1, 2)) == 0
    assert said(Side(0), (1, 2)) is None
    assert said(Side(1), (0, 1, 2, 3)) == 2
    assert said(Side(1, supports=False), (0, 1, 2, 3)) == 3
    assert said(Side(1), ()) is None


def test_a_question_binds_what_is_shown_next():
    case = WORLD.case(0, 0)
    asked = WORLD.publish_question(case, "questioner", HONEST)
    assert asked.text == "How honest are they?"
    view = seen(case)._replace(transcript=(asked,))
    width = len(ATTRIBUTES)
    assert WORLD.argue_space(case, "debater_0", view).legal == (HONEST, width + HONEST)
    both = [WORLD.publish(case, "debater_0", "argue", m) for m in (HONEST, width + HONEST)]
    rest = WORLD.argue_space(case, "debater_0", view._replace(transcript=(asked, *both)))
    assert len(rest.legal) == 2 * width - 2


def test_alone_the_judge_sees_what_is_visible_and_no_more():
    width = len(ATTRIBUTES)
    shown = {
        message.data.move % width
        for index in range(30) for message in WORLD.unaided(WORLD.case(index, 0), 99, index)
    }  # fmt: skip
    assert shown == {attribute for attribute in range(width) if VISIBLE[attribute]}
    assert len(WORLD.unaided(WORLD.case(0, 0), 3, 1)) == 3


@pytest.mark.parametrize("name", ["debate", "consultancy", "naive", "critique"])
def test_nothing_hidden_reaches_the_judge_before_it_is_shown(name: str):
    """Change what is hidden: until it is revealed, the judge's turns are the same to the byte."""
    protocol = load("protocols", name)
    shown_hidden = 0
    for index in range(20):
        case = WORLD.case(index, 0)
        values = case.private.copy()
        values[:, HONEST] += 5
        other = Case(case.id, case.question, values, case.truth)
        one, two = (Episode(protocol, WORLD, index, 0, each) for each in (case, other))
        cast = {seat: WORLD.agent(seat, role) for seat, role in protocol.seats.items()}
        while one.pending:
            replies = [cast[turn.seat].act([turn])[0] for turn in one.pending]
            for turn, twin in zip(one.pending, two.pending, strict=True):
                if not protocol.seats[turn.seat].expert:
                    texts = [m.text for m in turn.view.transcript]
                    revealed = any("for honest" in text for text in texts)
                    shown_hidden += revealed
                    assert (pickle.dumps(turn.view) == pickle.dumps(twin.view)) is not revealed
            one.send(replies)
            two.send(replies)
    assert (shown_hidden > 0) is (name != "naive")


def test_experts_and_others_are_encoded_within_bounds():
    case = WORLD.case(5, 0)
    for view in (seen(case, 1, 7), seen(case, 1, seat=EXPERT, side=Side(1, supports=False))):
        numbers = WORLD.encode(view)
        assert numbers.shape == (WORLD.features,)
        assert np.abs(numbers).max() <= 1
    width = 2 * len(ATTRIBUTES)
    blind, expert = WORLD.encode(seen(case, 1, 7)), WORLD.encode(seen(case, seat=EXPERT))
    assert np.flatnonzero(blind[:width]).tolist() == [1, 7]
    assert not blind[2 * width : 3 * width].any()
    assert expert[2 * width : 3 * width].any()


def test_debate_tells_the_judge_more_than_it_sees_alone_and_a_consultant_less():
    def correct(protocol: str, **parameters: Any) -> float:
        done = simulate(protocol, WORLD, episodes=400, controls=False, **parameters)
        assert not done.failed
        return float(done.frames["main"]["correct"].mean())

    alone, debate, consultancy = correct("naive"), correct("debate"), correct("consultancy")
    assert debate > alone + 0.1  # a standard error is about 0.02
    assert alone > consultancy + 0.05
    assert correct("expert") == 1


def test_naming_the_world_imports_no_torch():
    code = (
        "import sys; from oversight.registry import load; "
        "load('worlds', 'preferences')(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
