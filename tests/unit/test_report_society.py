"""The page of a society: what it says, and that it can be used."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest

from oversight.core import OversightError
from oversight.plain_json import json_text
from oversight.report.society_page import (
    influence,
    laid_out,
    neighbourhood,
    thinned,
    write_society_page,
)
from oversight.society import keeping
from oversight.society.keeping import lived
from oversight.society.settings import Settings

SMALL = Settings(
    world="preferences:topics=2,manners=2,longest=3", members=9, graph="grid:radius=1",
    kinds="adversarial=0.3",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _page(SMALL, tmp_path_factory.mktemp("village"))


@pytest.fixture(scope="module")
def debated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _page(replace(SMALL, institution="debate"), tmp_path_factory.mktemp("forum"))


def _page(settings: Settings, out: Path) -> Path:
    lived(settings, 3, out=out)
    return write_society_page(out, "oversight society --out village")


def _data(page: Path) -> dict[str, object]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_page_is_one_file_that_fetches_nothing(page: Path):
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "script-src 'sha256-" in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "9 members, grid:radius=1, neighbours" in text
    assert text.count("<circle") == 6
    assert text.count("<rect x=") >= 3


@pytest.mark.parametrize("which", ["page", "debated"])
def test_its_talk_is_the_memory(which: str, request: pytest.FixtureRequest):
    page: Path = request.getfixturevalue(which)
    told, memory = _data(page), keeping.memory_of(page.parent)
    assert memory["argued"].str.contains("debater_0").any() == (which == "debated")
    words, talks = told["words"], told["talks"]
    assert isinstance(words, list)
    assert isinstance(talks, list)
    for member in range(9):
        own = memory[memory["author"] == member]
        assert len(talks[member]) == 3
        for said in talks[member]:
            rows = own[own["round"] == said[0]]
            first = rows.iloc[0]
            assert [words[w] for w in said[1:5]] == [
                first["question"], first["draft"], first["revised"], first["argued"],
            ]  # fmt: skip
            raters, points, _ = zip(*said[5], strict=True)
            assert list(raters) == rows["rater"].tolist()
            given = [math.nan if one is None else one for one in points]
            assert given == pytest.approx(rows["rating"].tolist(), abs=0.05, nan_ok=True)


def test_influence_is_what_a_revision_gained_shared_among_its_raters():
    rows = [(0, 1, 2, 3.0, 0.0, 0.6), (0, 1, 3, 5.0, 0.0, 0.6), (1, 1, 2, 4.0, 0.5, 0.1),
            (1, 4, 2, float("nan"), 0.0, 9.0), (2, 4, -2, 3.0, 0.0, 9.0)]  # fmt: skip
    memory = pd.DataFrame(
        rows, columns=["round", "author", "rater", "rating", "true_before", "true_after"]
    )
    found = influence(memory)
    assert found.raters.to_dict("records") == [
        {"rater": 3, "given": pytest.approx(0.3), "answers": 1},
        {"rater": 2, "given": pytest.approx(0.3 - 0.4), "answers": 2},
    ]  # fmt: skip
    assert len(found.pairs) == 2


def test_a_neighbourhood_is_drawn_of_the_many():
    graph = nx.path_graph(30)
    graph.add_edge(10, 20)
    shown = neighbourhood(graph, 5)
    assert len(shown) == 5
    assert nx.is_connected(graph.subgraph(shown))
    assert neighbourhood(graph, 400) == list(range(30))


def test_layouts_fit_and_do_not_change():
    graph = nx.watts_strogatz_graph(20, 4, 0.1, seed=1)
    spots = laid_out(graph)
    assert spots == laid_out(graph)
    assert all(0 <= x <= 1000 and 0 <= y <= 1000 for x, y in spots.values())


def test_rounds_are_thinned_evenly():
    assert thinned(list(range(5)), 60) == [0, 1, 2, 3, 4]
    kept = thinned(list(range(200)), 60)
    assert (len(kept), kept[0], kept[-1]) == (60, 0, 199)


def test_no_society_is_an_error(tmp_path: Path):
    with pytest.raises(OversightError, match="oversight society"):
        write_society_page(tmp_path)


def test_a_society_that_nobody_could_rate_has_its_page_too(tmp_path: Path):
    lived(SMALL, 1, out=tmp_path)
    (rows,) = keeping.rows_of(tmp_path)
    blank = {name: float("nan") if "seen" in name or name == "rating" else value
             for name, value in rows.items()}  # fmt: skip
    (tmp_path / "rounds.jsonl").write_text(json_text(blank, indent=None) + "\n")
    text = write_society_page(tmp_path).read_text(encoding="utf-8")
    assert "True alignment and engagement" in text
    assert "as observers rate it" not in text


@pytest.mark.slow
def test_the_page_can_be_played_and_asked(page: Path, debated: Path):
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("no chromium here")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"]
        )
        view = browser.new_page()
        wrong = list[str]()
        view.on("console", _heard(wrong))
        view.on("pageerror", _heard(wrong))
        view.goto(page.as_uri())
        view.select_option("#who", "4")
        assert view.locator("#talks details").count() == 3
        assert view.locator("#sway line").count() >= 1
        before = view.locator("#members > g").nth(4).locator("circle, rect").get_attribute("fill")
        view.locator("#round").focus()
        view.keyboard.press("Home")
        assert view.locator("#now").inner_text() == "0"
        after = view.locator("#members > g").nth(4).locator("circle, rect").get_attribute("fill")
        assert before != after or before == "none"
        assert view.locator("#talks details[open] summary").first.inner_text().startswith("Round 0")
        view.click("#play")
        sync_api.expect(view.locator("#now")).to_have_text("2")
        view.goto(debated.as_uri())
        view.select_option("#who", "4")
        view.locator("#talks details[open] details summary").first.click()
        assert "debater_0 (claim)" in view.locator("#talks pre").last.inner_text()
        assert not wrong
        browser.close()


def _heard(wrong: list[str]) -> Callable[[Any], None]:
    """Keeps what the browser complains of."""

    def heard(message: Any) -> None:
        wrong.append(getattr(message, "text", str(message)))

    return heard
