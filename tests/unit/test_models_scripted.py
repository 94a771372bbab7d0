"""Replies written down beforehand: whose, when, how often; a whole debate; broken files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from oversight.agents.chat import ChatAgent
from oversight.core import OversightError
from oversight.judges.language import LogProbJudge
from oversight.models.model import (
    Answer,
    Completion,
    Options,
    Request,
    Said,
    Sampling,
    Scores,
    Unanswered,
    Usage,
)
from oversight.models.scripted import Scripted
from oversight.record import Record
from oversight.registry import build, load
from oversight.rollout import rollout

USUAL = Sampling()


def script(path: Path, *rules: object) -> Scripted:
    file = path / "script.jsonl"
    file.write_text("\n".join(json.dumps(rule) for rule in rules))
    return Scripted(file)


def told(
    model: Scripted, text: str, seat: str = "", sampling: Sampling = USUAL
) -> Completion | Unanswered:
    [found] = model.generate([Request((Said("user", text),), sampling, 0, seat)])
    return found


def test_the_first_rule_that_fits_replies(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        {"seat": "debater_*", "when": "^Who.*fair", "say": "Ada."},
        {"seat": "judge", "refuse": "I will not say."},
        {"when": "silence", "fail": "nobody there"},
        {"say": "Hm."},
    )
    first = told(model, "Well.\nWho\nhosted the fair?", "debater_1")
    assert isinstance(first, Completion)
    assert first.text == "Ada."
    refused = told(model, "Who hosted the fair?", "judge")
    assert isinstance(refused, Completion)
    assert (refused.text, refused.finish) == ("I will not say.", "refusal")
    assert told(model, "silence please", "debater_0") == Unanswered("nobody there")
    last = told(model, "else")
    assert isinstance(last, Completion)
    assert last.text == "Hm."


def test_a_list_has_a_reply_for_each_time_that_the_seat_was_heard(tmp_path: Path) -> None:
    model = script(tmp_path, {"seat": "a", "say": ["first", "second"]}, {"say": "no more"})
    heard = "Transcript:\n[0] a, claim:\n| z\n[1] a, argue:\n| x\n[2] ab, argue:\n| [9] a, argue:\n"
    again = heard + "[3] a, argue:\n| y"
    texts = [told(model, text, "a") for text in ("", heard, again)]
    assert [one.text for one in texts if isinstance(one, Completion)] == [
        "first", "second", "no more"
    ]  # fmt: skip


def test_what_a_rule_found_stands_in_its_reply(tmp_path: Path) -> None:
    model = script(tmp_path, {"when": r"^(?P<it>[A-Z]):\n\| Ada$", "say": "REPLY: {it} {other}"})
    found = told(model, "A:\n| Bo\nB:\n| Ada")
    assert isinstance(found, Completion)
    assert found.text == "REPLY: B {other}"


def test_tokens_are_words_and_their_bound_holds(tmp_path: Path) -> None:
    found = told(script(tmp_path, {"say": "aa bb cc dd "}), "one two", sampling=Sampling(tokens=2))
    assert isinstance(found, Completion)
    assert (found.text, found.finish) == ("aa bb ", "length")
    assert (found.usage.prompt, found.usage.completion) == (2, 4)


def test_options_are_scored_by_their_own_rules(tmp_path: Path) -> None:
    model = script(tmp_path, {"say": "x"}, {"when": "(?P<a>A)", "scores": {"{a}": -1, "B": -2.5}})
    prompt = (Said("user", "A or B?"),)
    found = model.score([Options(prompt, (" B", " A")), Options(prompt, ("C",))])
    assert isinstance(found[0], Scores)
    assert found[0].logprobs == (-2.5, -1.0)
    assert found[1] == Unanswered("the script has no score for 'C'")


def test_what_no_rule_fits_is_unanswered(tmp_path: Path) -> None:
    found = told(script(tmp_path, {"seat": "judge", "say": "x"}), "hi", "debater_0")
    assert isinstance(found, Unanswered)
    assert found.reason.endswith("script.jsonl fits what debater_0 is asked")


def test_replies_and_scores_are_handed_over_in_their_places(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        {"seat": "judge", "scores": {"A": -1.0}},
        {"seat": "mute", "fail": "no voice"},
        {"say": "Two words."},
    )
    prompt = (Said("user", "Well?"),)
    request, options = Request(prompt, USUAL, 0, "judge"), Options(prompt, (" A",), "judge")
    asked = [options, request, options._replace(seat="mute"), request]
    heard: dict[int, Answer] = {}
    model.answer(asked, heard.__setitem__)
    said = Completion("Two words.", "stop", Usage(1, 2))
    assert heard == {0: Scores((-1.0,), Usage(1)), 1: said, 2: Unanswered("no voice"), 3: said}
    assert model.count(prompt) == 1


def test_a_script_may_be_plain_text(tmp_path: Path) -> None:
    file = tmp_path / "script.txt"
    file.write_text(
        "A comment.\n=== a\nfirst\nof two lines\n---\nsecond\n=== b: fair|market\nyes\n===\nelse\n"
    )
    model = Scripted(file)
    asked = [("", "a"), ("[1] a, argue:", "a"), ("the market", "b"), ("the house", "b")]
    texts = [told(model, text, seat) for text, seat in asked]
    assert [one.text for one in texts if isinstance(one, Completion)] == [
        "first\nof two lines", "second", "yes", "else"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("s.jsonl", '{"say": "x"}\n\n{"say": ', r"line 3 of .*s\.jsonl: Invalid JSON"),
        ("s.jsonl", '{"say": "x", "who": "judge"}', "line 1 .* who: Extra inputs"),
        ("s.jsonl", '{"say": "x", "fail": "y"}', "line 1 .* one of say, scores, refuse and fail"),
        ("s.jsonl", '{"seat": "judge"}', "line 1 .* one of say"),
        ("s.jsonl", '{"say": 3}', "line 1 .* say"),
        ("s.jsonl", '{"when": "(", "say": "x"}', r"line 1 .* '\(' is no regular expression"),
        ("s.txt", "nothing here", "line 1 .* no heading such as === debater_0"),
        ("s.txt", "=== a: [\nx", "line 1 .* no regular expression"),
        ("none.txt", None, "cannot read .*none.txt"),
    ],
)
def test_a_broken_file_names_its_line(
    tmp_path: Path, name: str, text: str | None, error: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(OversightError, match=error):
        Scripted(tmp_path / name)


def test_another_script_is_another_revision(tmp_path: Path) -> None:
    first, second = script(tmp_path, {"say": "x"}), script(tmp_path, {"say": "y"})
    assert first.name == second.name
    assert first.revision != second.revision


def played(model: Scripted, width: int, order: list[int]) -> list[Record]:
    """Debates of two rounds, all seats scripted."""
    world = build("worlds", "passages")
    debate = load("protocols", "debate").bind(rounds=2)
    chat = ChatAgent(model, world.material)
    cast = {"debater_0": chat, "debater_1": chat, "judge": LogProbJudge(model, world.material)}
    return sorted(rollout(debate, world, cast, order, width=width), key=lambda one: one.episode)


def test_a_whole_debate_is_scripted_the_same_in_any_batch(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        {"seat": "debater_0", "say": ["Zero opens.", "Zero rests."]},
        {"seat": "debater_1", "say": ["One opens.", "One rests."]},
        {"seat": "judge", "scores": dict.fromkeys("ABCD", -0.1)},
    )
    alone = played(model, 1, list(range(6)))
    assert [one.failure for one in alone] == [None] * 6
    said = [one.replies for one in alone]
    assert said[0] == ["Zero opens.", "One opens.", "Zero rests.", "One rests.", (0.25,) * 4]
    shuffled = list(range(6))
    random.Random(0).shuffle(shuffled)
    assert [one.replies for one in played(model, 4, shuffled)] == said
