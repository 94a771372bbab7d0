"""Judges that wrap judges: each dial by hand, panels, calibration, a person at the terminal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from oversight import keys
from oversight.core import Message, OversightError, Question, Turn, View
from oversight.judges.calibrated import CalibratedJudge, at_temperature, fit_temperature
from oversight.judges.dials import DialsJudge
from oversight.judges.panel import PanelJudge
from oversight.people.terminal import HumanAgent
from oversight.players import Agent, Judge, as_judge, batched_judge, judge
from oversight.record import Record
from oversight.spaces import Choose, Credences, IllegalReply, Reply

QUESTION = Question("which?", ("a", "b", "c"))
CLAIMS = (
    Message("debater_0", "claim", "My answer is a.", 0),
    Message("debater_1", "claim", "My answer is b.", 1),
)
SPEECHES = (
    Message("debater_0", "argue", "short"),
    Message("debater_1", "argue", "at much greater length"),
)


def turn(*said: Message, number: int = 0) -> Turn:
    view = View(QUESTION, said, None, None, ())
    return Turn("judge", "decide", "decide", view, Credences(3), keys.root("test"), number)


@judge
def steady(view: View) -> Sequence[float]:
    return (0.5, 0.3, 0.2)


def reply(agent: Agent, asked: Turn) -> np.ndarray:
    (credences,) = agent.act([asked])
    return np.asarray(credences)


def test_dials_at_their_defaults_change_nothing() -> None:
    assert tuple(reply(DialsJudge(steady), turn(*CLAIMS))) == (0.5, 0.3, 0.2)


@pytest.mark.parametrize(("dial", "favoured"), [("first", 0), ("last", 1), ("longer", 1)])
def test_a_bias_adds_its_log_odds_to_one_answer(dial: str, favoured: int) -> None:
    turned: dict[str, Any] = {dial: 0.7}
    biased = reply(DialsJudge(steady, **turned), turn(*CLAIMS, *SPEECHES))
    odds = np.array([0.5, 0.3, 0.2])
    odds[favoured] *= np.exp(0.7)
    assert biased == pytest.approx(odds / odds.sum())


def test_temperature_flattens() -> None:
    flat = reply(DialsJudge(steady, temperature=2.0), turn())
    roots = np.sqrt([0.5, 0.3, 0.2])
    assert flat == pytest.approx(roots / roots.sum())


def test_attention_keeps_the_latest_evidence_and_every_claim() -> None:
    seen: list[tuple[Message, ...]] = []

    @judge
    def spy(view: View) -> Sequence[float]:
        seen.append(view.transcript)
        return (1.0, 0.0, 0.0)

    reply(DialsJudge(spy, attention=1), turn(*CLAIMS, *SPEECHES))
    reply(DialsJudge(spy, attention=0), turn(*CLAIMS, *SPEECHES))
    assert seen == [(*CLAIMS, SPEECHES[1]), CLAIMS]


def test_skill_is_how_often_the_judge_follows_the_evidence() -> None:
    turns = [turn(number=number) for number in range(2000)]
    replies = DialsJudge(steady, skill=0.7).act(turns)
    followed = np.mean([credences == (0.5, 0.3, 0.2) for credences in replies])
    assert followed == pytest.approx(0.7 + 0.3 / 6, abs=0.03)  # a deal may fall as it was


def test_a_lapse_stays_among_the_claimed_answers() -> None:
    replies = [reply(DialsJudge(steady, skill=0), turn(*CLAIMS, number=n)) for n in range(50)]
    assert all(credences[2] == 0.2 for credences in replies)
    assert {float(credences[0]) for credences in replies} == {0.5, 0.3}


@pytest.mark.parametrize("bad", [{"skill": 1.1}, {"temperature": 0.0}, {"attention": -1}])
def test_a_dial_out_of_range_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(OversightError):
        DialsJudge(steady, **bad)


def test_a_panel_pools_by_mean_or_by_vote() -> None:
    other = judge(lambda view: (0.1, 0.8, 0.1))
    assert reply(PanelJudge([steady, other]), turn()) == pytest.approx([0.3, 0.55, 0.15])
    assert reply(PanelJudge([steady, other, other], "vote"), turn()) == pytest.approx(
        [1 / 3, 2 / 3, 0]
    )


def test_members_of_a_panel_have_luck_of_their_own() -> None:
    lapsing = DialsJudge(steady, skill=0)
    replies = [reply(PanelJudge([lapsing, lapsing]), turn(number=n)) for n in range(20)]
    assert any(0.5 not in credences for credences in replies)


def test_a_panel_needs_a_member() -> None:
    with pytest.raises(OversightError, match="at least one"):
        PanelJudge([])


def test_calibration_finds_the_temperature_that_was_planted() -> None:
    draw = np.random.default_rng(0)
    honest = draw.dirichlet((1, 1, 1), 20_000)
    truth = np.array([draw.choice(3, p=row) for row in honest])
    assert fit_temperature(at_temperature(honest, 0.4), truth) == pytest.approx(1 / 0.4, rel=0.05)


def test_a_calibrated_judge_rehearses_before_it_plays() -> None:
    calibrated = CalibratedJudge(steady, cases=3)
    with pytest.raises(OversightError, match="calibrate first"):
        calibrated.act([turn()])

    def rehearse(agent: Agent, games: int) -> list[Record]:
        assert (agent, games) == (steady, 3)
        blank = Record(0, "x", 0, (0.5, 0.3, 0.2), 1.0, {}, {}, {}, 0, 0, {}, [], "")
        return [blank] * 3

    calibrated.prepare(rehearse)
    assert reply(calibrated, turn())[0] > 0.99  # the first answer was always true


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("b", (0.0, 1.0, 0.0)), ("0.2 0.3 0.5", (0.2, 0.3, 0.5)), ("1", (0.0, 1.0, 0.0))],
)
def test_a_person_may_name_an_answer_or_give_probabilities(typed: str, expected: Reply) -> None:
    assert _person([typed]).act([turn()]) == [expected]


def test_a_person_is_asked_again_with_the_reason() -> None:
    shown: list[str] = []
    person = _person(["0.9 0.9 0.9", "nonsense", "a"], shown)
    assert person.act([turn()]) == [(1.0, 0.0, 0.0)]
    assert [line for line in shown if "sum to 1" in line]
    assert [line for line in shown if "Not possible" in line][1]


def test_a_person_may_argue_or_stay_silent() -> None:
    asked = turn()._replace(act="argue", space=Choose(9, (2, 5), silence=True))
    assert _person(["3", "5"]).act([asked]) == [5]
    assert _person([""]).act([asked]) == [None]


def test_a_closed_terminal_ends_the_run_with_a_reason() -> None:
    def closed(prompt: str) -> str:
        raise EOFError

    with pytest.raises(OversightError, match="terminal was closed"):
        HumanAgent(_board, closed, lambda text: None).act([turn()])


class Eager(Judge):
    def judge_all(self, views: Sequence[View]) -> list[tuple[float, ...]]:
        return [(1.0, 0.0, 0.0)] * len(views)


def test_a_judge_may_be_a_class_or_a_function_of_many_views() -> None:
    both = batched_judge(lambda views: [(0.0, 1.0, 0.0) for _ in views])
    assert as_judge(Eager).act([turn(), turn()]) == [(1.0, 0.0, 0.0)] * 2
    assert as_judge(both).act([turn(), turn()]) == [(0.0, 1.0, 0.0)] * 2
    with pytest.raises(NotImplementedError, match="must define judge or judge_all"):
        Judge().act([turn()])


def test_what_cannot_judge_is_refused() -> None:
    with pytest.raises(OversightError, match="cannot play"):
        as_judge(3)
    assert as_judge(steady) is steady


def test_a_wrapped_judge_is_checked_like_any_other() -> None:
    broken = judge(lambda view: (float("nan"), 0.5, 0.5))
    with pytest.raises(IllegalReply, match="finite"):
        DialsJudge(broken).act([turn()])


def _board(view: View) -> str:
    return "the board"


def _person(lines: list[str], shown: list[str] | None = None) -> HumanAgent:
    typed = iter(lines)
    told = [] if shown is None else shown
    return HumanAgent(_board, lambda prompt: next(typed), told.append)
