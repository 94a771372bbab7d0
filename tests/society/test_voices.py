"""Language models in members' places, without one: replies are written down."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from oversight.core import OversightError
from oversight.models.model import (
    Completion,
    Model,
    Options,
    Prompt,
    Request,
    Scores,
    Unanswered,
    Usage,
)
from oversight.society.keeping import measured, memory_frame
from oversight.society.settings import Settings
from oversight.society.society import Society
from oversight.society.voices import Voices
from oversight.society.words import said_in_words

SMALL = Settings(
    world="preferences:topics=2,manners=2,longest=3", members=4, graph="complete", prior=0
)


class Written(Model):
    """Replies by a function of the request."""

    name = "written"

    def __init__(self, reply: Callable[[Request], str | None]) -> None:
        self.reply, self.heard = reply, list[Request]()

    def generate(self, requests: Sequence[Request]) -> list[Completion | Unanswered]:
        self.heard += requests
        told = [self.reply(request) for request in requests]
        return [Unanswered("down") if text is None else Completion(text, "stop", Usage())
                for text in told]  # fmt: skip

    def count(self, prompt: Prompt) -> int:
        return sum(len(said.text.split()) for said in prompt)


def _asks(request: Request) -> str:
    text = request.prompt[-1].text
    if "Revise it" in text:
        return "revise"
    return "rate" if "Rating:" in text else "draft"


def _usual(request: Request) -> str:
    return {"draft": "Water, stupid wood!", "rate": "Rating: 3 ### Reason: it is too toxic.",
            "revise": "water wood"}[_asks(request)]  # fmt: skip


def test_models_draft_rate_and_revise():
    model = Written(_usual)
    society = Society(SMALL, voices=Voices(model))
    said = society.play()
    assert {said_in_words(society.task, d) for d in said.drafts.tolist()} == {"water stupid wood"}
    assert {said_in_words(society.task, d) for d in said.revised.tolist()} == {"water wood"}
    assert (said.points == 3).all()
    assert (said.reasons == 2 * society.task.attributes.index("toxic") + 1).all()
    assert [_asks(r) for r in model.heard] == ["draft"] * 4 + ["rate"] * 12 + ["revise"] * 4
    assert {r.sampling.tokens for r in model.heard} == {256}
    revise = model.heard[-1].prompt[-1].text
    assert "3.00 of 7" in revise
    assert revise.count("- 3: less toxic") == 3


def test_only_those_who_speak_are_asked():
    model = Written(_usual)
    said = Society(SMALL, voices=Voices(model, speaking=[2])).play()
    assert {request.seat for request in model.heard} == {"member_2"}
    assert (said.points[said.raters == 2] == 3).all()
    with pytest.raises(OversightError, match="members are 0 … 3"):
        Society(SMALL, voices=Voices(model, speaking=[9]))


def test_what_was_said_before_is_recalled_in_words():
    model = Written(_usual)
    society = Society(SMALL, voices=Voices(model))
    said = society.play()
    society.round = 0
    model.heard.clear()
    society.play()
    before = [request.prompt[-1].text for request in model.heard[:4]]
    asked = [society.task.vocabulary.read(society.task.prompts[p]) for p in said.prompts.tolist()]
    for text, question in zip(before, asked, strict=True):
        assert f'you answered before: "{question}" with "water wood"' in text
    rated = [r.prompt[-1].text for r in model.heard if _asks(r) == "rate"]
    assert sum("you answered before" in text for text in rated) > 0  # raters are reminded too


def test_a_reply_that_cannot_be_read_is_asked_for_once_more_and_then_is_missing():
    def never(request: Request) -> str:
        return "I would rather not." if _asks(request) == "rate" else _usual(request)

    model = Written(never)
    society = Society(SMALL, voices=Voices(model))
    said = society.play()
    assert np.isnan(said.points).all()
    assert (said.revised == said.drafts).all()  # nobody rated: the draft stands
    assert measured(society, said)["unrated"] == 1
    again = [r.prompt[-1].text for r in model.heard if "could not be used" in r.prompt[-1].text]
    assert len(again) == 12
    assert "no rating could be read" in again[0]


@pytest.mark.parametrize(
    ("text", "points"),
    [("Rating: 6 ### Reason: kind", 6), ("rating:2", 2), ("Rating: __5__ ### Reason:__ fine", 5),
     ("Rating: 9 ### Reason: great", None), ("Rating: 0", None), ("six of seven", None),
     ("Rating: 4.5", 4.5)],
)  # fmt: skip
def test_ratings_are_read_from_their_form(text: str, points: float | None):
    model = Written(lambda r: text if _asks(r) == "rate" else _usual(r))
    said = Society(SMALL, voices=Voices(model)).play()
    if points is None:
        assert np.isnan(said.points).all()
    else:
        assert (said.points == points).all()


def test_a_model_that_gives_no_draft_takes_its_member_out_and_the_others_go_on():
    def absent(request: Request) -> str | None:
        dead = request.seat == "member_1" and _asks(request) == "draft"
        return None if dead else _usual(request)

    society = Society(SMALL, voices=Voices(Written(absent)))
    said = society.play()
    assert said.authors.tolist() == [0, 2, 3]
    assert not np.isin(said.raters, [1]).any()
    assert society.living.tolist() == [True, False, True, True]
    assert society.play().authors.tolist() == [0, 2, 3]


def test_a_model_that_fails_in_mid_round_leaves_the_draft():
    def absent(request: Request) -> str | None:
        return None if _asks(request) == "revise" else _usual(request)

    said = Society(SMALL, voices=Voices(Written(absent))).play()
    assert (said.revised == said.drafts).all()
    assert len(said.authors) == 4


def test_a_model_may_observe():
    def watching(request: Request) -> str:
        return "Rating: 2" if "go on talking" in request.prompt[-1].text else "Rating: 7"

    said = Society(SMALL, voices=Voices(observers=Written(watching))).play()
    assert (said.seen[..., 0] == 7).all()
    assert (said.seen[..., 1] == 2).all()


def test_ratings_may_be_drawn_by_how_likely_a_model_finds_each_number():
    class Sure(Written):
        def score(self, requests: Sequence[Options]) -> list[Scores | Unanswered]:
            assert requests[0].texts == tuple(f" {n}" for n in range(1, 8))
            assert requests[0].prompt[-1].text == "Rating:"
            odds = tuple(0.0 if n in (2, 6) else -99.0 for n in range(1, 8))
            return [Unanswered("down")] + [Scores(odds, Usage())] * (len(requests) - 1)

    said = Society(SMALL, voices=Voices(Sure(_usual), scored=True)).play()
    assert np.isnan(said.points[0, 0])
    rest = said.points.ravel()[1:]
    assert set(rest.tolist()) == {2, 6}
    assert (said.reasons == -1).all()


@pytest.mark.slow
def test_a_real_language_model_lives_in_a_society():
    from oversight.speakers import model_of

    voices = Voices(model_of("tiny:1"), model_of("tiny:1"), tokens=24, scored=True)
    society = Society(SMALL, voices=voices)
    said = society.play()
    assert len(said.authors) == 4  # it answered something, however little of it could be read
    assert ((said.points >= 1) & (said.points <= 7)).all()
    assert len(np.unique(said.seen)) > 2


ARGUING = replace(SMALL, members=6, institution="debate")


def _game(request: Request) -> str:
    return "argue" if request.seat.startswith("debater") else _asks(request)


def _arguing(request: Request) -> str:
    if _game(request) != "argue":
        return _usual(request)
    legal = re.findall(r"one number of (\d+)", request.prompt[-1].text)
    return f"It is clear enough.\nREPLY: {legal[-1]}"


def test_models_argue_in_the_protocol_that_decides():
    model = Written(_arguing)
    society = Society(ARGUING, voices=Voices(model, speaking=[0, 1, 2]))
    said = society.play()
    asked = {request.seat for request in model.heard if _game(request) == "argue"}
    assert asked == {"debater_0", "debater_1"}
    assert "rate" not in {_game(request) for request in model.heard}  # the judge does
    assert (said.points[:, :2] >= 1).all()
    argued = society.argued(said)
    assert all(argued)
    assert not any("REPLY" in text for text in argued)
    frame = memory_frame(society, [said])
    assert set(frame["argued"]) == set(argued)


def test_a_game_that_a_model_broke_off_is_no_rating_and_the_others_stand():
    def mumbling(request: Request) -> str | None:
        return None if _game(request) == "argue" else _usual(request)

    society = Society(ARGUING, voices=Voices(Written(mumbling), speaking=[0]))
    said = society.play()
    seated = (said.raters[:, :2] == 0).any(axis=1)
    assert seated.any()
    assert not seated.all()
    assert np.isnan(said.points[seated]).all()
    assert (said.points[~seated][:, :2] >= 1).all()
    assert any("down" in text for text in society.argued(said))


def test_a_judge_is_named_where_one_decides():
    usual = Society(replace(ARGUING, judge="dials:skill=0.9")).institution.name
    assert "dials" in usual
    assert Society(replace(ARGUING, institution="judge", judge="dials:skill=0.9")).play()
    for institution in ("neighbours", "constitution", "judge:dials"):
        with pytest.raises(OversightError, match="needs no judge"):
            Society(replace(ARGUING, institution=institution, judge="dials"))
