"""People in a seat: what they answered is kept, and the page is sent nothing that is sealed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from oversight.core import OversightError, Turn
from oversight.people.desk import Desk, WebPerson, as_page
from oversight.people.journal import Journal, name_of
from oversight.people.server import LARGEST, application
from oversight.people.terminal import HumanAgent
from oversight.registry import build
from oversight.runs import simulate
from oversight.spaces import Choose, Credences, Number, Pick, Reply, Space, Write
from tests.unit.test_chat import turn

DECIDE = turn(Credences(3), "decide")
EVEN = (0.5, 0.25, 0.25)


# The journal


@pytest.mark.parametrize("reply", [EVEN, 3, None, "words", (1, 2), 0.5])
def test_an_answer_is_found_again_after_a_restart(tmp_path: Path, reply: Reply) -> None:
    file = tmp_path / "run" / "people.jsonl"
    Journal(file).keep(DECIDE, reply, 12.3456)
    found = Journal(file).find(DECIDE)
    assert found is not None
    assert (found.reply, found.seconds, found.seat) == (reply, 12.346, "debater_0")


def test_an_answer_belongs_to_its_turn_alone(tmp_path: Path) -> None:
    journal = Journal()
    journal.keep(DECIDE, EVEN, 1.0)
    assert journal.find(turn(Credences(3), "decide", key=2)) is None
    assert journal.find(DECIDE._replace(instruction="Decide otherwise.")) is None


def test_a_broken_journal_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    Journal(file).keep(DECIDE, EVEN, 1.0)
    file.write_text(file.read_text() + '{"turn": "x"')
    with pytest.raises(OversightError, match=r"people\.jsonl, line 2 .* delete that line"):
        Journal(file)


def test_at_the_terminal_nothing_is_asked_twice(tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    typed = iter(["0.5 0.25 0.25"])
    for _ in range(2):
        person = HumanAgent(
            lambda _: "", ask=lambda _: next(typed), show=lambda _: None, journal=Journal(file)
        )
        assert person.act([DECIDE]) == [EVEN]


# The desk


def answered_from_another_thread(desk: Desk, replies: list[Any]) -> threading.Thread:
    def run() -> None:
        left = list(replies)
        while left:
            found = desk.first()
            if found is not None:
                desk.answer(found[0], left.pop(0))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_turns_wait_until_they_are_answered() -> None:
    desk = Desk()
    person = WebPerson(desk)
    thread = answered_from_another_thread(desk, [[0.5, 0.25, 0.25], 4])
    assert person.act([DECIDE, turn(Choose(9), key=2)]) == [EVEN, 4]
    thread.join()
    assert desk.counts == {"answered": 2, "waiting": 0}
    assert person.act([DECIDE]) == [EVEN]  # from its journal


SPACES = [Credences(3), Choose(9, (1, 2)), Choose(3), Pick(9, 2), Number(0, 1), Write(40)]


@pytest.mark.parametrize("space", SPACES)
def test_every_space_has_a_form(space: Space) -> None:
    page = as_page("x", turn(space, "claim"), build("worlds", "digits"))
    assert page["reply"]["kind"]
    json.dumps(page)


# The server


def forget(turn: Turn, reply: Reply, seconds: float) -> None:
    """Nothing is kept."""


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    threading.Thread(target=desk.put, args=([DECIDE], forget), daemon=True).start()
    while desk.first() is None:
        pass
    return desk


@pytest.fixture
def page(desk: Desk) -> TestClient:
    app = application(desk, build("worlds", "digits"), "token", ["127.0.0.1"])
    return TestClient(app, base_url="http://127.0.0.1")


def test_the_page_and_its_files_are_there(page: TestClient) -> None:
    for file in ("", "page.js", "page.css", "serve.css"):
        answer = page.get(f"/token/{file}")
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("address", ["/", "/wrong/", "/wrong/turn", "/token/page.py",
                                     "/token/../server.py", "/token/%2e%2e/server.py"])  # fmt: skip
def test_no_other_address_is(page: TestClient, address: str) -> None:
    assert page.get(address).status_code == 404


def test_another_host_is_refused(page: TestClient) -> None:
    assert page.get("/token/", headers={"host": "evil.example"}).status_code == 400


def test_a_reply_is_taken_once(page: TestClient, desk: Desk) -> None:
    sent = {"turn": name_of(DECIDE), "reply": list(EVEN)}
    assert page.get("/token/turn").json()["turn"]["turn"] == sent["turn"]
    assert page.post("/token/reply", json=sent).status_code == 200
    assert page.post("/token/reply", json=sent).status_code == 409
    assert page.get("/token/turn").json()["turn"] is None


@pytest.mark.parametrize(
    ("reply", "status"),
    [([0.5, 0.5], 422), ([2, -1, 0], 422), ("A", 422), (None, 422), ([float("inf"), 0, 0], 422)],
)
def test_a_reply_outside_the_space_says_why(page: TestClient, reply: Any, status: int) -> None:
    content = json.dumps({"turn": name_of(DECIDE), "reply": reply})
    json_ = {"content-type": "application/json"}
    answer = page.post("/token/reply", content=content, headers=json_)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert page.get("/token/turn").json()["turn"] is not None  # it still waits


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ('{"turn": "none", "reply": 1}', "application/json", 409),
        ("x" * (LARGEST + 1), "application/json", 413),
        ('{"turn": "x", "reply": 1}', "text/plain", 415),
    ],
)
def test_a_tampered_request_is_refused(
    page: TestClient, content: str, kind: str, status: int
) -> None:
    answer = page.post("/token/reply", content=content, headers={"content-type": kind})
    assert answer.status_code == status


def test_nothing_sealed_is_sent() -> None:
    """Two games that differ in the sealed truth alone are the same page to a judge."""
    world = build("worlds", "digits")
    pages: list[list[dict[str, Any]]] = []

    class Spy(WebPerson):
        def act(self, turns: list[Turn]) -> list[Reply]:  # type: ignore[override]
            pages[-1] += [as_page(name_of(each), each, world) for each in turns]
            return [(0.1,) * 10 for _ in turns]

    original = type(world).case
    for shift in (0, 1):
        pages.append([])

        def case(self: Any, index: int, seed: int, shift: int = shift) -> Any:
            found = original(self, index, seed)
            return found.with_truth((found.truth.unseal() + shift) % 10)

        type(world).case = case  # type: ignore[method-assign]
        try:
            simulate("naive", world, judge=Spy(Desk()), episodes=5, controls=False)
        finally:
            type(world).case = original  # type: ignore[method-assign]
    assert pages[0]
    assert pages[0] == pages[1]
