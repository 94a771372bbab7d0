"""The page in a real browser: two games judged with the keyboard, one of them after a restart."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from oversight.people.desk import Desk, WebPerson
from oversight.people.journal import Journal
from oversight.people.server import PageServer
from oversight.registry import build
from oversight.runs import simulate

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


@pytest.fixture
def page() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser.new_page()
        browser.close()


class Sitting:
    """Games on a thread, and the page that they are played on."""

    def __init__(self, journal: Path, seat: str = "judge", episodes: int = 2) -> None:
        self.world = build("worlds", "digits")
        self.desk = Desk()
        self.server = PageServer(self.desk, self.world)
        self.frame: pd.DataFrame | None = None
        person = WebPerson(self.desk, Journal(journal))
        seats: dict[str, Any] = {"judge": person} if seat == "judge" else {}
        others: dict[str, Any] = {seat: person} if seat != "judge" else {}

        def play() -> None:
            found = simulate(
                "debate", self.world, judge=seats.get("judge"),
                agents={"debater": "random", **others}, episodes=episodes, controls=False, rounds=1,
            )  # fmt: skip
            self.frame = found.frames["main"]
            self.desk.over = True

        self.thread = threading.Thread(target=play, daemon=True)
        self.address = self.server.start()
        self.thread.start()


def test_a_judge_plays_with_the_keyboard_and_goes_on_after_a_restart(
    page: Any, tmp_path: Path
) -> None:
    journal = tmp_path / "people.jsonl"
    first = Sitting(journal)
    page.goto(first.address)
    page.wait_for_selector("#p3")
    assert "Which digit" in page.inner_text("#question")
    assert page.locator("#transcript li").count() == 4
    page.focus("#p3")
    page.keyboard.press("End")  # certain of 3
    page.keyboard.press("Enter")
    page.locator("#progress", has_text="1 answered").wait_for()
    first.server.stop()  # the machine goes down with one game judged

    second = Sitting(journal)
    page.goto(second.address)
    page.wait_for_selector("#p0")
    page.focus("#p8")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.locator("#progress", has_text="all games are over").wait_for()
    second.thread.join(10)
    second.server.stop()
    assert second.frame is not None
    verdicts = [list(each) for each in second.frame["credences"]]
    assert sorted(verdict.index(max(verdict)) for verdict in verdicts) == [3, 8]
    kept = Journal(journal)
    assert len(kept.answers) == 2
    assert all(answer.seconds > 0 for answer in kept.answers.values())


def test_a_debater_sees_the_image_and_chooses_a_pixel(page: Any, tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "people.jsonl", "debater_0", episodes=1)
    page.goto(sitting.address)
    page.wait_for_selector("#reply input[type=radio]")
    assert "You argue for" in page.inner_text("#side")
    assert page.locator("#picture svg").count() == 1
    page.click("#hide")
    assert not page.is_visible("#material")
    chosen = page.locator("#reply input[type=radio]").nth(2)
    move = int(chosen.get_attribute("value"))
    chosen.check()
    page.click("#send")
    sitting.thread.join(20)
    sitting.server.stop()
    assert sitting.frame is not None
    assert str(move) in sitting.frame["replies"][0]


def test_an_illegal_reply_is_explained_on_the_page(page: Any, tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "people.jsonl", episodes=1)
    page.goto(sitting.address)
    page.wait_for_selector("#p0")
    page.evaluate("read = () => [0.5]")
    page.click("#send")
    page.locator("#problem", has_text="expected 10 credences").wait_for()
    page.evaluate("show(shown)")
    page.click("#send")
    sitting.thread.join(20)
    sitting.server.stop()
    assert sitting.frame is not None
    assert sitting.frame["failure"].isna().all()
