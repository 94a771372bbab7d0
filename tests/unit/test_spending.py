"""Every command that may ask language models counts them, holds to the limit, and tells of it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import oversight
from oversight import registry
from oversight.accounts import Calls, opened
from oversight.bench import accuracy
from oversight.cli.app import app
from oversight.models.budget import CostReached
from oversight.people import server
from oversight.people.desk import Desk
from oversight.report.experiment_page import publish, write_results
from oversight.study import Experiment, Findings, Job, as_json, cell

WORLD = "passages:candidates=2,limit=60"
HEADING = "Calls to language models"
MADE = Calls("judge", "tiny:1", 1234, 0, 5, 6, 7, 1.5, 8, 9, 0.25)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OVERSIGHT_CACHE_DIR", str(tmp_path / "cache"))


def compared(out: Path, *words: str) -> dict[str, Any]:
    found = CliRunner().invoke(app, [
        "compare", "--protocols", "naive", "--episodes", "2", "--no-figures", "--out", str(out),
        "--json", *words,
    ])  # fmt: skip
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


# oversight compare


@pytest.mark.parametrize("processes", ["1", "2"])
def test_compare_counts_calls_of_all_processes_in_one_ledger(
    tmp_path: Path, processes: str
) -> None:
    words = ("--world", WORLD, "--judge", "tiny:1", "--price", "tiny:1=1000/1000", "--no-cache",
             "--processes", processes)  # fmt: skip
    [row] = compared(tmp_path / "out", *words)["calls"]
    assert (row["seat"], row["model"], row["calls"], row["hits"]) == ("judge", "tiny:1", 16, 0)
    assert row["price"] == pytest.approx((row["prompt"] + row["completion"]) / 1000)
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["calls"] == [row]
    page = (tmp_path / "out" / "report.html").read_text()
    assert HEADING in page
    assert f"<td>{row['prompt']:,}</td>" in page
    assert compared(tmp_path / "out", *words)["calls"] == [row]  # gone on with: nothing is asked


def test_compare_stops_before_it_costs_more(tmp_path: Path) -> None:
    words = ["compare", "--protocols", "naive", "--episodes", "2", "--world", WORLD, "--judge",
             "tiny:1", "--price", "tiny:1=1000/1000", "--max-cost", "0.1"]  # fmt: skip
    with pytest.raises(CostReached, match="higher limit"):
        app(words)


def test_without_models_a_comparison_shows_no_calls(tmp_path: Path) -> None:
    assert compared(tmp_path / "out", "--world", "circuits", "--processes", "1")["calls"] == []
    assert HEADING not in (tmp_path / "out" / "report.html").read_text()


# oversight serve


class Page:
    """In the server's place: answers every turn that waits on the desk."""

    def __init__(self, desk: Desk, *_: Any) -> None:
        self.desk = desk
        self._thread = threading.Thread(target=self._play)

    def start(self) -> str:
        self._thread.start()
        return "nowhere"

    def stop(self) -> None:
        self._thread.join()

    def _play(self) -> None:
        while not self.desk.over:
            found = self.desk.first()
            if found is None:
                time.sleep(0.01)
            else:
                self.desk.answer(found[0], [0.75, 0.25])


def test_serve_counts_whom_the_person_plays_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PageServer", Page)
    played = CliRunner().invoke(app, [
        "serve", "debate", "--world", WORLD, "--set", "rounds=1", "--episodes", "2", "--agent",
        "debater=tiny:1,tokens=6,words=5", "--price", "tiny:1=1000/1000", "--json",
    ])  # fmt: skip
    assert played.exit_code == 0, played.output
    rows = {row["seat"]: row for row in json.loads(played.stdout)["calls"]}
    assert rows.keys() == {"debater_0", "debater_1"}
    assert all(row["calls"] == 2 and row["price"] > 0 for row in rows.values())


# From Python


def test_simulate_returns_the_calls_and_reads_replies_back() -> None:
    def play(**named: Any) -> Calls:
        [called] = oversight.simulate(
            "naive", WORLD, judge="tiny:1", episodes=2, controls=False, **named
        ).calls
        return called

    first = play(prices={"tiny:1": oversight.Prices(1000, 1000)})
    assert (first.seat, first.model, first.calls, first.hits) == ("judge", "tiny:1", 4, 0)
    assert first.price == pytest.approx((first.prompt + first.completion) / 1000)
    assert play().hits == 4
    assert play(cache=False).hits == 0
    with pytest.raises(CostReached):
        play(prices={"tiny:1": oversight.Prices(1000, 1000)}, max_cost=0.1, cache=False)


def test_simulate_goes_through_the_account_that_is_open() -> None:
    with opened(None) as account:
        for judge in ("tiny:1", "tiny:2"):
            oversight.simulate("naive", WORLD, judge=judge, episodes=2, controls=False)
        assert [called.model for called in account.calls] == ["tiny:1", "tiny:2"]


# oversight reproduce


def _run(job: Job) -> Findings:
    judge = job.judges[0] if job.judges else None
    found = oversight.simulate("naive", WORLD, judge=judge, episodes=2, controls=False)
    ours = accuracy(found.frames["main"])
    assert ours is not None
    return Findings([cell({"judge": judge}, "accuracy", ours)], [])


CASTABLE = Experiment("it2018", "It et al. 2018", "Why.", ("passages", "b"), _run, castable=True)


def test_reproduce_shows_and_publishes_the_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load = registry.load

    def loaded(kind: str, name: str) -> Any:
        return CASTABLE if name == CASTABLE.name else load(kind, name)

    monkeypatch.setattr(registry, "load", loaded)
    printed = CliRunner().invoke(app, [
        "reproduce", "it2018", "--judge", "tiny:1", "--out", str(tmp_path / "out"), "--publish",
        str(tmp_path / "pages"), "--json",
    ])  # fmt: skip
    [row] = json.loads(printed.stdout)["calls"]
    assert (row["seat"], row["calls"]) == ("judge", 4)
    for written in ("out/results.md", "pages/it2018-tiny-1.md"):
        text = (tmp_path / written).read_text()
        assert f"| judge | tiny:1 | 4 | 0 | {row['prompt']:,} |" in text
        assert "- who judges: `tiny:1`" in text
    assert json.loads((tmp_path / "pages" / "it2018-tiny-1.json").read_text())["calls"] == [row]
    assert f"<td>{row['prompt']:,}</td>" in (tmp_path / "out" / "report.html").read_text()


def test_without_calls_a_page_has_no_table_of_them(tmp_path: Path) -> None:
    for calls in ((), (MADE,)):
        job, findings = Job("quick", "passages", 0, tmp_path), Findings([], [])
        results = as_json(CASTABLE, job, findings, 1.0, calls)
        paths = write_results(CASTABLE, job, findings, results, "oversight reproduce it2018")
        texts = [path.read_text() for path in paths if path.suffix in (".md", ".html")]
        assert len(texts) == 2
        assert all((HEADING in text) == bool(calls) for text in texts)
        assert all(("1,234" in text) == bool(calls) for text in texts)
        assert not any("who judges" in text for text in texts)


def test_a_cast_of_its_own_never_overwrites_another_page(tmp_path: Path) -> None:
    usual = Job("quick", "passages", 0, tmp_path)
    long = "openai:gpt@https://example.org/v1,words=100,temperature=0"
    jobs = {
        "it2018": usual,
        "it2018-b": usual._replace(data="b"),
        "it2018-smollm2": usual._replace(judges=("smollm2",)),
        "it2018-with-smollm2": usual._replace(agent="smollm2"),
        "it2018-b-hf-A-B-tiny-1-with-smollm2": usual._replace(
            data="b", judges=("hf:A/B", "tiny:1"), agent="smollm2"
        ),
    }
    for name, job in jobs.items():
        results = as_json(CASTABLE, job, Findings([], []), 1.0)
        page, *_ = publish(CASTABLE, job, Findings([], []), results, "it", tmp_path)
        assert page.name == f"{name}.md"
    assert len(list(tmp_path.glob("*.md"))) == len(jobs)
    one, other = (usual._replace(agent=long + end).cast for end in ("", ".5"))
    assert one != other
    assert max(map(len, (one, other))) < 60
