"""A server of OpenAI's interface: everything that may go wrong, and where the key shows up."""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from oversight.agents.chat import ChatAgent
from oversight.core import OversightError
from oversight.models import openai_client
from oversight.models.cache import Cached
from oversight.models.ledger import Counted, Ledger
from oversight.models.model import (
    Answer,
    Completion,
    Unanswered,
)
from oversight.models.openai_api import OpenAI
from oversight.models.retrying import Again, retrying
from oversight.registry import build, load
from oversight.runs import run
from tests.stubs.asking import in_turn, one, request, why
from tests.stubs.openai_server import (
    Call,
    Reply,
    Server,
    as_json,
    complaint,
    said,
    served,
)

KEY = "sk-do-not-show-this-0123456789"


@pytest.fixture(autouse=True)
def _no_key_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] — pytest uses it
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(openai_client, "BACKOFF", 0.001)


# What another try may mend


@pytest.mark.parametrize(
    "fault",
    [
        complaint(429, "slow down"),
        complaint(500, "oops"),
        Reply(b"<html>bad gateway</html>", 502),
        complaint(503, "loading"),
        Reply(b'{"choices": [{"mess'),
        Reply(b"not json at all"),
        as_json({"choices": []}),
        as_json({"error": {"message": "no capacity"}}),
        as_json({"error": "no capacity"}, 503),
        as_json([1, 2]),
        said("x")._replace(cut=True),
    ],
)
def test_a_passing_fault_is_tried_again(fault: Reply) -> None:
    with served(in_turn(fault, fault, said("Ada."))) as server:
        found = one(server)
    assert isinstance(found, Completion)
    assert found.text == "Ada."
    assert len(server.calls) == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (complaint(429, "slow down"), "429: slow down"),
        (complaint(500, "oops"), "500: oops"),
        (Reply(b"not json"), "no JSON: 'not json'"),
        (said("x")._replace(cut=True), "the connection broke"),
        (said("x", delay=9), "no reply in 0.05 s"),
    ],
)
def test_one_that_does_not_pass_costs_its_own_request_only(fault: Reply, reason: str) -> None:
    def behaviour(call: Call) -> Reply:
        return fault if call.body["seed"] == 3 else said("Ada.")

    with served(behaviour) as server:
        model = OpenAI(f"m@{server.base}", tries=3, timeout=0.05 if "0.05" in reason else 5)
        found = model.generate([request(key) for key in range(6)])
        model.close()
    assert [isinstance(one, Unanswered) for one in found] == [key == 3 for key in range(6)]
    assert reason in why(found[3])
    assert "tried 3 times" in why(found[3])
    assert len(server.calls) == 5 + 3


def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    times: list[float] = []

    def behaviour(call: Call) -> Reply:
        times.append(time.monotonic())
        date = email.utils.formatdate(time.time() + 2, usegmt=True)  # whole seconds: 1 to 2 left
        return (
            complaint(429, "wait", Retry_After="0.3"),
            complaint(503, "wait", Retry_After=date),
            said("Ada."),
        )[call.number]

    with served(behaviour) as server:
        found = one(server)
    assert isinstance(found, Completion)
    first, second = times[1] - times[0], times[2] - times[1]
    assert first >= 0.3
    assert second >= 0.9


def test_a_server_that_asks_for_more_patience_than_there_is_is_not_waited_for() -> None:
    with served(lambda _: complaint(429, "come back", Retry_After="3600")) as server:
        start = time.monotonic()
        found = one(server, patience=60)
    assert "429: come back" in why(found)
    assert len(server.calls) == 1
    assert time.monotonic() - start < 5


def test_back_off_draws_from_a_range_that_doubles() -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async def fail() -> None:
        raise Again("no")

    async def often() -> None:
        for _ in range(60):
            tries = retrying(5, 1e9, 1.0).copy(sleep=note)
            with pytest.raises(Again):
                await tries(fail)

    asyncio.run(often())
    for retry, most in enumerate((1, 2, 4, 8)):
        drawn = waits[retry::4]
        assert max(drawn) <= most
        assert max(drawn) > most / 2  # all 60 draws in the lower half: 2^-60
        assert min(drawn) < most / 2


# What ends the run


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (complaint(401, "no"), "OPENAI_API_KEY is not set: set it"),
        (complaint(403, "no"), "name a variable with key="),
        (complaint(402, "pay"), "what was answered is kept"),
        (complaint(429, "no money", "insufficient_quota"), "what was answered is kept"),
        (Reply(b"", 307, {"Location": "https://elsewhere/v1"}), "write that URL after @"),
    ],
)
def test_what_the_user_can_mend_ends_the_run(fault: Reply, remedy: str) -> None:
    with served(lambda _: fault) as server, pytest.raises(OversightError, match=remedy) as error:
        one(server)
    assert server.base in str(error.value)
    assert len(server.calls) == 1


def test_a_model_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    def behaviour(call: Call) -> Reply:
        if call.path == "/v1/models":
            return as_json({"data": [{"id": "qwen"}, {"id": "llama"}]})
        return complaint(404, "the model `m` does not exist")

    with served(behaviour) as server, pytest.raises(OversightError, match=r"models: llama, qwen$"):
        one(server)


def test_a_url_that_is_no_such_server_is_an_error_that_names_what_it_lacks() -> None:
    with served(lambda _: complaint(404, "not found")) as server:
        where = f"does it have /chat/completions below {re.escape(server.base)}"
        with pytest.raises(OversightError, match=where):
            one(server)


def test_a_fault_of_our_own_costs_its_own_request_only_and_shows_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: object) -> Completion:
        raise KeyError(KEY)

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = OpenAI("m@http://localhost:1/v1")
    monkeypatch.setattr(model, "ask", broken)
    assert why(model.generate([request()])[0]) == "KeyError: '[key]'"


def test_no_server_at_all_is_an_error_that_names_the_url() -> None:
    with served(lambda _: said("x")) as server:
        base = server.base
    model = OpenAI(f"m@{base}")
    with pytest.raises(OversightError, match=f"no server answers at {re.escape(base)}"):
        model.generate([request()])
    model.close()


def test_a_server_that_goes_away_and_comes_back_costs_nothing() -> None:
    with served(lambda _: said("one")) as server:
        model = OpenAI(f"m@{server.base}", tries=20)
        model.generate([request()])
        port = int(server.base.rpartition(":")[2].partition("/")[0])
    found: list[Answer] = []
    asking = threading.Thread(target=lambda: found.extend(model.generate([request(2)])))
    asking.start()
    with served(lambda _: said("two"), port):
        asking.join(20)
    model.close()
    assert [one.text for one in found if isinstance(one, Completion)] == ["two"]


def test_a_server_that_went_away_for_good_ends_the_run() -> None:
    with served(lambda _: said("one")) as server:
        model = OpenAI(f"m@{server.base}", tries=3)
        model.generate([request()])
    with pytest.raises(OversightError, match="what was answered is kept"):
        model.generate([request(2)])
    model.close()


def test_what_was_answered_before_the_end_of_the_run_was_heard() -> None:
    def behaviour(call: Call) -> Reply:
        return said("x") if call.number < 4 else complaint(401, "expired")

    heard: list[int] = []
    with served(behaviour) as server:
        model = OpenAI(f"m@{server.base}", concurrency=1)
        with pytest.raises(OversightError, match="expired"):
            model.answer([request(n) for n in range(9)], lambda place, _: heard.append(place))
        model.close()
    assert heard == [0, 1, 2, 3]


# A context that does not fit


@pytest.mark.parametrize(
    "fault",
    [
        complaint(400, "This model's maximum context length is 4096 tokens, however you", "x"),
        complaint(400, "the request exceeds the available context size (2048 tokens)"),
        complaint(400, "too much", "context_length_exceeded"),
    ],
)
def test_a_context_that_does_not_fit_says_whose_how_long_and_what_to_do(fault: Reply) -> None:
    with served(lambda _: fault) as server:
        found = one(server)
    assert "debater_0 has about 16 tokens: use fewer rounds, a lower tokens=" in why(found)
    assert len(server.calls) == 1


def test_a_known_context_is_kept_to_without_a_call() -> None:
    with served(lambda _: said("x")) as server:
        found = one(server, request(tokens=90), context=100)
    assert "the prompt has 16 tokens and the reply may have 90" in why(found)
    assert not server.calls


def test_another_complaint_about_one_request_costs_that_one_only() -> None:
    with served(lambda _: complaint(400, "temperature must be 1")) as server:
        found = one(server)
    assert "400: temperature must be 1" in why(found)
    assert len(server.calls) == 1


# Keys


def test_the_key_is_sent_as_a_header_and_shows_up_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)

    def parrot(call: Call) -> Reply:
        told = f"you sent {call.headers['authorization']}"
        kinds = (said(told), complaint(400, told), Reply(told.encode(), 500), said(told, delay=9),
                 Reply(told.encode()), complaint(401, told))  # fmt: skip
        return kinds[call.body["seed"]]

    shown: list[str] = []
    with served(parrot) as server:
        model = OpenAI(f"m@{server.base}", "MY_KEY", timeout=0.2, tries=2)
        shown += map(repr, model.generate([request(key) for key in range(5)]))
        with pytest.raises(OversightError, match="the key in MY_KEY is refused") as error:
            model.generate([request(5)])
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
        assert all(KEY not in json.dumps(call.body) for call in server.calls)
        shown += [str(error.value), repr(vars(model)), model.name, model.revision]
        shown += [pickle.dumps(model).decode(errors="replace")]
        model.close()
    shown += [caplog.text, *capfd.readouterr()]
    assert not [text for text in shown if KEY in text]
    assert any("[key]" in text for text in shown)


def test_the_key_is_in_no_file_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def parrot(call: Call) -> Reply:
        told = f"My key is {call.headers['authorization']}"
        return complaint(400, told) if call.number % 5 == 4 else said(told)

    world = build("worlds", "passages")
    with served(parrot) as server:
        ledger = Ledger(tmp_path / "calls.sqlite")
        model = Counted(Cached(OpenAI(f"m@{server.base}"), tmp_path / "replies.sqlite"), ledger)
        cast = dict.fromkeys(("debater_0", "debater_1"), ChatAgent(model, world.material))
        debate = load("protocols", "debate").bind(rounds=1)
        result = run(debate, world, {**cast, "judge": build("agents", "random")}, episodes=6,
                     out=tmp_path / "run", controls=False)  # fmt: skip
        used = sum(entry.calls for entry in ledger.entries)
        model.close()
        ledger.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    records = result.frames["main"].to_csv()
    assert KEY not in records
    assert "[key]" in records
    assert result.failed >= 1
    assert used == len(server.calls) >= 8


def test_a_variable_that_is_named_must_be_set() -> None:
    with pytest.raises(OversightError, match="variable NO_SUCH_KEY is not set; set it, or leave"):
        OpenAI("m@http://localhost:1/v1", "NO_SUCH_KEY")


def test_the_usual_variable_is_used_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with served(lambda _: said("x")) as server:
        one(server)
    assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"


# Loops, forks, interruptions


def test_it_works_where_a_loop_runs_already() -> None:
    async def main(server: Server) -> Completion | Unanswered:
        return one(server)

    with served(lambda _: said("Ada.")) as server:
        assert isinstance(asyncio.run(main(server)), Completion)


def _asked_in_child(model: OpenAI, answers: multiprocessing.Queue[str], key: int) -> None:
    [found] = model.generate([request(key)])
    answers.put(found.text if isinstance(found, Completion) else found.reason)


def test_forked_processes_make_their_own_connections() -> None:
    fork = multiprocessing.get_context("fork")
    with served(lambda call: said(str(call.body["seed"]), delay=0.01)) as server:
        model = OpenAI(f"m@{server.base}")
        model.generate([request(1)])  # so that there is a connection to inherit
        answers = fork.Queue()
        workers = [fork.Process(target=_asked_in_child, args=(model, answers, n)) for n in (2, 3)]
        for worker in workers:
            worker.start()
        told = sorted(answers.get(timeout=20) for _ in workers)
        for worker in workers:
            worker.join(20)
        [after] = model.generate([request(4)])
        model.close()
    assert told == ["2", "3"]
    assert isinstance(after, Completion)


def test_an_interruption_keeps_what_is_under_way_and_begins_nothing_more() -> None:
    with served(lambda _: said("x", delay=0.3)) as server:
        model = OpenAI(f"m@{server.base}", concurrency=4)
        heard: list[int] = []
        timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            model.answer([request(n) for n in range(40)], lambda place, _: heard.append(place))
        timer.join()
        model.close()
    assert sorted(heard) == [0, 1, 2, 3]
    assert len(server.calls) == 4


def test_importing_the_package_brings_no_client() -> None:
    code = "import sys, oversight, oversight.models; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [("openai_api", "aiohttp", "api"), ("openai_api", "tenacity", "api"),
     ("inspect_ai", "inspect_ai", "inspect")],
)  # fmt: skip
def test_a_package_that_is_missing_is_an_error_that_names_the_extra(
    module: str, package: str, extra: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; from oversight.core import OversightError\n"
        f"try: import oversight.models.{module}\n"
        "except OversightError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"{package}" in done.stdout
    assert f"pip install 'oversight-lab[{extra}]'" in done.stdout
