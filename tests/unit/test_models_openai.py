"""A server of OpenAI's interface: what it is sent, and what becomes of what it says."""

from __future__ import annotations

import math
import re
import threading
import time
from typing import Any

import pytest

from oversight.core import OversightError
from oversight.models import openai_client
from oversight.models.model import (
    Completion,
    Options,
    Scores,
    Unanswered,
    Usage,
)
from oversight.models.openai_api import OpenAI
from oversight.models.openai_wire import Malformed, completion, echoed_score, first_token, plain
from tests.stubs.asking import OPENED, in_turn, one, request, why
from tests.stubs.openai_server import (
    Call,
    Reply,
    Server,
    as_json,
    said,
    served,
)


@pytest.fixture(autouse=True)
def _no_key_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] — pytest uses it
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(openai_client, "BACKOFF", 0.001)


# What is sent, what comes back


def test_a_request_is_sent_with_all_that_makes_it() -> None:
    with served(lambda _: said("Ada.", cached=4)) as server:
        found = one(server, request(key=2**40 + 5, tokens=7, temperature=0.5, stop=("\n",)))
    assert isinstance(found, Completion)
    assert (found.text, found.finish) == ("Ada.", "stop")
    assert found.usage._replace(seconds=0) == Usage(10, 2, 4)
    assert found.usage.seconds > 0
    [call] = server.calls
    assert call.path == "/v1/chat/completions"
    assert call.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who hosted the fair?"},
        ],
        "max_tokens": 7, "temperature": 0.5, "top_p": 1.0, "seed": 5, "stop": ["\n"],
    }  # fmt: skip
    assert "authorization" not in call.headers


def test_answers_come_in_the_order_asked_though_not_in_the_order_had() -> None:
    def slower_first(call: Call) -> Reply:
        return said(str(call.body["seed"]), delay=0.05 * (call.body["seed"] == 0))

    with served(slower_first) as server:
        model = OpenAI(f"m@{server.base}")
        heard: list[int] = []
        model.answer([request(key) for key in range(5)], lambda place, _: heard.append(place))
        found = model.generate([request(key) for key in range(5)])
        model.close()
    assert [one.text for one in found if isinstance(one, Completion)] == list("01234")
    assert heard[-1] == 0
    assert sorted(heard) == list(range(5))


def test_no_more_calls_are_under_way_than_the_limit() -> None:
    under_way: list[float] = []
    lock = threading.Lock()
    most = 0

    def count(call: Call) -> Reply:
        nonlocal most
        with lock:
            now = time.monotonic()
            under_way[:] = [end for end in under_way if end > now] + [now + 0.02]
            most = max(most, len(under_way))
        return said("x", delay=0.02)

    with served(count) as server:
        model = OpenAI(f"m@{server.base}", concurrency=3)
        model.generate([request(key) for key in range(12)])
        model.close()
    assert most == 3
    assert len(server.calls) == 12


def test_the_seconds_of_a_batch_sum_to_what_it_took() -> None:
    with served(lambda _: said("x", delay=0.05)) as server:
        model = OpenAI(f"m@{server.base}", concurrency=2)
        start = time.perf_counter()
        found = model.generate([request(key) for key in range(6)])
        took = time.perf_counter() - start
        model.close()
    assert sum(one.usage.seconds for one in found) == pytest.approx(took, rel=0.2)


def test_tokens_are_estimated_where_the_server_does_not_count_them() -> None:
    reply = as_json({"choices": [{"message": {"content": "four"}, "finish_reason": "stop"}]})
    with served(lambda _: reply) as server:
        found = one(server)
    assert found.usage._replace(seconds=0) == Usage(prompt=3 + 4 + 5 + 4, completion=1)


def test_fields_that_a_server_will_not_have_are_left_out() -> None:
    with served(lambda _: said("x")) as server:
        model = OpenAI(f"m@{server.base}", omit="seed+top_p", bound="max_completion_tokens")
        model.generate([request()])
        model.close()
    body = server.calls[0].body
    assert set(body) == {"model", "messages", "max_completion_tokens", "temperature"}
    assert model.revision == "seed+top_p"


def test_what_changes_a_reply_is_in_the_name_or_the_revision() -> None:
    base = "m@http://localhost:1/v1"
    plain_model = OpenAI(base)
    assert (plain_model.name, plain_model.revision) == ("openai:m@http://localhost:1/v1", "")
    others = [OpenAI(base, prefill="sent"), OpenAI(base, scoring="echo"),
              OpenAI(base, revision="v2"), OpenAI(base, omit="seed")]  # fmt: skip
    assert len({model.revision for model in (plain_model, *others)}) == 5


def test_without_a_url_it_is_the_environments_else_the_hosted_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosted = OpenAI("m")
    assert hosted.name == "openai:m"
    assert hosted.bound == "max_completion_tokens"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1/")
    assert OpenAI("m").name == "openai:m@http://localhost:8000/v1"


@pytest.mark.parametrize(
    "model", ["@http://h/v1", "m@http://user:pw@h/v1", "m@http://h/v1?key=abc", "m@http://"]
)
def test_a_url_that_is_none_or_holds_a_secret_is_refused(model: str) -> None:
    with pytest.raises(OversightError, match="write MODEL@BASE_URL") as error:
        OpenAI(model)
    assert "pw" not in str(error.value)
    assert "abc" not in str(error.value)


@pytest.mark.parametrize("option", ["concurrency", "tries", "timeout", "patience"])
def test_nobody_is_asked_never_or_nowhere(option: str) -> None:
    none: dict[str, Any] = {option: 0}
    with pytest.raises(OversightError, match="concurrency, tries and seconds must be positive"):
        OpenAI("m@http://localhost:1/v1", **none)


# A reply's beginning


def test_a_beginning_is_put_in_words_and_dropped_where_it_is_repeated() -> None:
    with served(in_turn(said("It was Ada."), said(" Ada."))) as server:
        first = one(server, request(prompt=OPENED))
        second = one(server, request(prompt=OPENED))
    assert isinstance(first, Completion)
    assert isinstance(second, Completion)
    assert (first.text, second.text) == (" Ada.", " Ada.")
    messages = server.calls[0].body["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[-1]["content"].startswith("Who hosted the fair?\n\n")
    assert messages[-1]["content"].endswith(": It was")


@pytest.mark.parametrize("prefill", ["sent", "vllm"])
def test_a_beginning_is_sent_as_it_is_where_the_server_goes_on_from_it(prefill: str) -> None:
    with served(lambda _: said(" Ada.")) as server:
        one(server, request(prompt=OPENED), prefill=prefill)
    body = server.calls[0].body
    assert body["messages"][-1] == {"role": "assistant", "content": "It was"}
    assert body.get("continue_final_message") == (True if prefill == "vllm" else None)


# How replies end


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (said("Ada", "length"), ("Ada", "length")),
        (said("Ada", None), ("Ada", "stop")),
        (said(None, refusal="I will not."), ("I will not.", "refusal")),
        (said("I", "content_filter"), ("I", "refusal")),
        (said(None, "stop", content=[{"type": "text", "text": "Ada"}]), ("Ada", "stop")),
        (said("aaaabbbb", completion=200), ("aaaa", "length")),  # twice the tokens it may have
        (said("Ada. END Bo."), ("Ada. ", "stop")),  # the stop string was ignored
    ],
)
def test_a_reply_ends_as_it_ended(reply: Reply, expected: tuple[str, str]) -> None:
    with served(lambda _: reply) as server:
        found = one(server, request(tokens=100, stop=("END",)))
    assert isinstance(found, Completion)
    assert (found.text, found.finish) == expected


@pytest.mark.parametrize("text", ["", None, " \n", "END of it"])
def test_an_empty_reply_is_no_reply_and_is_not_asked_for_again(text: str | None) -> None:
    with served(lambda _: said(text, "length")) as server:
        found = one(server, request(stop=("END",)))
    assert "an empty reply (it ended by 'length')" in why(found)
    assert found.usage.prompt == 10
    assert len(server.calls) == 1


# Scores

TOP = {" A": math.log(0.5), "A": math.log(0.125), "B": math.log(0.25), "It": math.log(0.125)}


def scored(server: Server, texts: tuple[str, ...], **options: Any) -> Scores | Unanswered:
    model = OpenAI(f"m@{server.base}", **options)
    [found] = model.score([Options(OPENED, texts, "judge")])
    model.close()
    return found


def test_labels_are_scored_by_the_first_token_in_all_its_forms() -> None:
    with served(lambda _: said(" A", logprobs=TOP)) as server:
        found = scored(server, (" A", " B"))
    assert isinstance(found, Scores)
    assert found.logprobs == pytest.approx((math.log(0.625), math.log(0.25)))
    body = server.calls[0].body
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)


def test_a_label_that_cannot_be_has_no_share() -> None:
    with served(lambda _: said(" A", logprobs={" A": 0.0, "B": -math.inf})) as server:
        found = scored(server, (" A", " B"))
    assert isinstance(found, Scores)
    assert found.logprobs == (0.0, -math.inf)


def test_scores_too_keep_to_a_known_context_without_a_call() -> None:
    with served(lambda _: said(" A", logprobs=TOP)) as server:
        found = scored(server, (" A", " B"), context=20)
    assert "the prompt has 22 tokens and the reply may have 1" in why(found)
    assert not server.calls


def test_an_option_that_the_server_does_not_show_is_never_guessed_at() -> None:
    with served(lambda _: said(" A", logprobs=TOP)) as server:
        found = scored(server, (" A", " C"))
    assert "no log-probability of 'C'" in why(found)
    assert "form=stated or form=vote" in why(found)


def test_a_server_without_log_probabilities_says_what_to_do_instead() -> None:
    with served(lambda _: said(" A")) as server:
        assert "gave no log-probabilities; judge by form=stated" in why(scored(server, (" A",)))
        assert "gives no log-probabilities" in why(scored(server, (" A",), scoring="none"))
    assert len(server.calls) == 1


def echo(call: Call) -> Reply:
    """Word tokens, each as likely as its length says: -len nats; one more word is generated."""
    text = call.body["prompt"] + " more"
    tokens = re.findall(r"\s*\S+", text)
    offsets = [sum(map(len, tokens[:n])) for n in range(len(tokens))]
    logprobs = [None, *(-float(len(token)) for token in tokens[1:])]
    named = {"tokens": tokens, "text_offset": offsets, "token_logprobs": logprobs}
    usage = {"prompt_tokens": len(tokens) - 1, "completion_tokens": 1}
    return as_json({"choices": [{"text": text, "logprobs": named}], "usage": usage})


def test_echoed_options_are_scored_over_all_their_tokens() -> None:
    with served(echo) as server:
        found = scored(server, (" Ada", " Bo Diddley"), scoring="echo")
    assert isinstance(found, Scores)
    assert found.logprobs == (-4.0, -3.0 - 8.0)
    assert found.usage.completion == 2
    assert {call.path for call in server.calls} == {"/v1/completions"}
    assert server.calls[0].body["prompt"] == plain(OPENED) + " Ada"


def test_a_token_across_the_boundary_belongs_to_the_continuation() -> None:
    reply = {"choices": [{"text": "ab", "logprobs": {
        "tokens": ["ab"], "text_offset": [0], "token_logprobs": [-1.5]}}]}  # fmt: skip
    assert echoed_score(reply, 1, 2)[0] == -1.5


@pytest.mark.parametrize(
    "reply",
    [{}, {"choices": [{}]}, {"choices": [{"logprobs": {}}]}, {"choices": [{"logprobs": {
        "tokens": ["a", "b"], "text_offset": [0, 1], "token_logprobs": [None, -1.0]}}]}],
)  # fmt: skip
def test_an_echo_without_its_numbers_is_malformed(reply: object) -> None:
    with pytest.raises(Malformed):
        echoed_score(reply, 0, 1)


@pytest.mark.parametrize("shown", [{}, {"token": "A"}, {"token": "A", "logprob": None}])
def test_a_label_without_its_number_is_malformed(shown: object) -> None:
    with pytest.raises(Malformed):
        first_token({"choices": [{"logprobs": {"content": [shown]}}]}, (" A",))


@pytest.mark.parametrize("reply", [None, 3, {}, {"choices": {}}, {"choices": [{"message": 1}]},
                                   {"choices": [{"message": {"content": 3}}]}])  # fmt: skip
def test_nonsense_is_malformed(reply: object) -> None:
    with pytest.raises(Malformed):
        completion(reply, request())
