"""The pages and figures: complete, escaped, self-contained, and the same every time."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from envs.worlds.digits import Digits
from oversight.casting import cast_for
from oversight.core import Case, Message, Turn, View
from oversight.metrics.intervals import Interval
from oversight.metrics.scores import expected_calibration_error
from oversight.players import agent
from oversight.protocol import Protocol
from oversight.registry import load
from oversight.report import figures, pages
from oversight.report.experiment_page import as_markdown, publish, write_results
from oversight.report.run_page import write_run_page
from oversight.report.transcripts import games_of, transcripts_of
from oversight.runs import MAIN, RunResult, run
from oversight.spaces import Choose, Reply
from oversight.study import (
    Cell,
    Claim,
    Experiment,
    Figure,
    Findings,
    Job,
    Transcript,
    as_json,
    timed,
)
from oversight.summary import comparison_as_json
from oversight.world import World

HOSTILE = '<script>alert("x")</script>'
OPEN, SHUT = Interval(0.84, 0.81, 0.87, 1000), Interval(0.5, 0.5, 0.5, 1)


# Figures


def _forest() -> Figure:
    rows = [
        figures.Row("judge alone", Interval(0.48, 0.45, 0.51, 900), 0.482, "k = 4"),
        figures.Row("debate", OPEN, None, "k = 4"),
        figures.Row("debate", SHUT, 0.874, "k = 6"),
    ]
    return figures.forest("forest", "Ours & theirs.", rows, references={"a guess": 0.1})


def _curve() -> Figure:
    return figures.curve(
        "curve",
        "More search.",
        {"k = 4": [(0, SHUT), (10, OPEN), (1000, OPEN)]},
        xlabel="rollouts",
        log_x=True,
        references={"k = 4": 0.85, "judge alone": 0.48},
        published={"k = 4": [(1000, 0.838)]},
    )


def _reliability() -> Figure:
    bins = expected_calibration_error([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]], [0, 0, 1]).bins
    return figures.reliability("reliability", "Sure and right.", bins)


@pytest.mark.parametrize("draw", [_forest, _curve, _reliability])
def test_the_same_numbers_give_the_same_picture_byte_for_byte(draw: Any) -> None:
    first, again = draw(), draw()
    assert first == again
    assert first.png.startswith(b"\x89PNG")
    assert "<dc:date>" not in first.svg


def test_a_published_point_is_drawn_beside_ours() -> None:
    ours = figures.forest("f", "", [figures.Row("a", OPEN)])
    both = figures.forest("f", "", [figures.Row("a", OPEN, 0.838)])
    colour = f"stroke: {figures.PALETTE[1]}"
    assert colour in both.svg
    assert colour not in ours.svg


def test_a_curve_needs_no_zero_no_reference_and_no_logarithm() -> None:
    figure = figures.curve("c", "", {"a": [(1, OPEN), (2, SHUT)]}, xlabel="x", percent=False)
    assert figure.svg.count("<svg") == 1


def test_inlined_figures_keep_their_ids_apart_and_take_the_page_s_colours() -> None:
    svg = pages.inline(_forest())
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert ids
    assert all(name.startswith("forest-") for name in ids)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    assert used <= set(ids)
    assert "var(--ink)" in svg
    assert figures.INK not in svg
    assert 'aria-label="Ours &amp; theirs."' in svg


# A run's page


class Outspoken(Digits):
    """Digits whose pixels speak HTML."""

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The pixel, with markup in what is said of it."""
        return super().publish(case, seat, act, reply, transcript)._replace(text=HOSTILE)

    def draw_html(self, view: View) -> str:
        """Nothing."""
        return ""


def _stumbling(turn: Turn) -> Reply:
    if turn.view.side is not None and turn.view.side.answer % 3 == 0:
        raise ValueError(HOSTILE)
    assert isinstance(turn.space, Choose)
    return turn.space.options[0]


Played = tuple[Protocol, World, RunResult, dict[str, Any]]


def _played(world: World, episodes: int, agents: dict[str, Any] | None = None) -> Played:
    protocol = load("protocols", "debate").bind(rounds=2)
    casting = cast_for(protocol, world, agents)
    result = run(protocol, world, casting.cast, episodes=episodes, names=casting.names)
    found = {
        "protocol": protocol.name,
        "world": world.name,
        "cast": dict(casting.names),
        **comparison_as_json(result.comparison),
    }
    return protocol, world, result, found


@pytest.fixture(scope="module")
def played() -> Played:
    return _played(Digits(rollouts=5), 16)


@pytest.fixture(scope="module")
def page(played: Played, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    return write_run_page(out, *played, seed=0, command="oversight run debate --world digits")


def test_the_page_of_a_run_has_every_arm_seat_and_number(page: Path, played: Played) -> None:
    text = page.read_text()
    result = played[2]
    for name, summary in result.comparison.controls.items():
        assert name.replace("_", " ") in text
        assert pages.percent(summary.accuracy).split(" ")[1] in text
    assert "mcts:5" in text
    assert pages.points(result.comparison.net_gain).split(" ")[0] in text
    assert "oversight run debate --world digits" in text
    assert "revision" in text
    assert json.loads((page.parent / "summary.json").read_text()) == json.loads(
        json.dumps(played[3])
    )


def test_the_page_is_self_contained(page: Path) -> None:
    _assert_self_contained(page.read_text())


def test_the_page_is_the_same_every_time(page: Path, played: Played, tmp_path: Path) -> None:
    again = write_run_page(tmp_path, *played, seed=0, command="oversight run debate --world digits")
    assert again.read_text().replace(str(tmp_path), str(page.parent)) == page.read_text()


def test_games_are_replayed_with_their_pixels_numbered_by_turn(page: Path, played: Played) -> None:
    protocol, world, result, _ = played
    games = games_of(protocol, world, result.frames[MAIN], 0)
    assert 0 < len(games) <= 12
    for game in games:
        assert [x.number for x in game.lines if x.number is not None] == [1, 2, 3, 4]
        assert sum(bar.credence for bar in game.bars) == pytest.approx(1)
        assert [bar.answer for bar in game.bars if bar.true] == [game.truth]
        assert game.picture.count("<title>") == 4
    assert page.read_text().count('<svg class="digit"') == len(games)


def test_right_and_wrong_verdicts_are_mixed() -> None:
    protocol, world, result, _ = _played(Digits(rollouts=5), 60, {"debater_0": "greedy"})
    frame = result.frames[MAIN].copy()
    frame["correct"] = [0.0] * 10 + [0.5] * 2 + [1.0] * 48
    kinds = [game.kind for game in games_of(protocol, world, frame, 0)]
    assert kinds == ["wrong"] * 5 + ["tied"] * 2 + ["right"] * 5


def test_failures_are_shown_first_and_hostile_text_is_escaped(tmp_path: Path) -> None:
    played = _played(Outspoken(rollouts=5), 24, {"debater_0": agent(_stumbling)})
    played[3]["cast"]["debater_0"] = HOSTILE
    text = write_run_page(tmp_path, *played, seed=0).read_text()
    assert played[2].failed > 0
    assert f"{played[2].failed} of" in text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert (
        text.index('class="game failed"') < text.index('class="game ', text.index("Games to")) + 1
    )
    _assert_self_contained(text)


def test_a_run_in_which_every_game_fails_still_has_its_page(tmp_path: Path) -> None:
    def refuse(turn: Turn) -> Reply:
        raise ValueError("no")

    text = write_run_page(
        tmp_path, *_played(Digits(rollouts=5), 3, {"debater": agent(refuse)}), seed=0
    ).read_text()
    assert "All 3 games failed" in text


# An experiment's page


def _findings() -> Findings:
    cells = [
        Cell(
            {"k": 4, "order": "honest first"}, "accuracy", 0.8412, 0.81, 0.87, 1000, 0.838, "Them"
        ),
        Cell({"k": 6, "order": HOSTILE}, "accuracy", 0.9034, 0.88, 0.92, 999, 0.874, "Others"),
        Cell({"k": 4, "rollouts": 30}, "Brier|score", 0.1234, 0.11, 0.13, 77),
    ]
    claims = [Claim("Debate helps", True, "+36 points"), Claim(HOSTILE, False, "off by 7")]
    lines = ["debater_0 (argue): " + HOSTILE]
    shown = Transcript("k=4", '<svg class="digit"></svg>', lines, "4 & no more")
    return Findings(cells, claims, [_forest()], [shown], ["Eight by eight, " + HOSTILE])


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Path]:
    experiment, job, findings = _experiment(), _job(tmp_path), _findings()
    results = as_json(experiment, job, findings, 12.34)
    paths = write_results(
        experiment, job, findings, results, "oversight reproduce it --scale quick"
    )
    return {path.name: path for path in paths}


def _experiment() -> Experiment:
    return Experiment("it2018", "It et al. 2018", "Why & how.", ("digits",), lambda _: _findings())


def _job(out: Path) -> Job:
    return Job("quick", "digits", 7, out)


def test_an_experiment_writes_its_numbers_figures_and_pages(written: dict[str, Path]) -> None:
    assert set(written) == {
        "results.json", "cells.csv", "forest.svg", "forest.png", "results.md", "report.html",
    }  # fmt: skip
    assert all(path.exists() for path in written.values())
    rows = list(csv.DictReader(io.StringIO(written["cells.csv"].read_text())))
    assert [row["value"] for row in rows] == ["0.8412", "0.9034", "0.1234"]
    assert [row["published"] for row in rows] == ["0.838", "0.874", ""]
    assert json.loads(written["results.json"].read_text())["seconds"] == 12.3


def test_every_cell_and_claim_is_on_the_page(written: dict[str, Path]) -> None:
    text = written["report.html"].read_text()
    for words in ("0.841 [0.810, 0.870]", "0.838ᵃ", "+0.003", "0.903 [0.880, 0.920]", "0.874ᵇ",
                  "0.123 [0.110, 0.130]", "ᵃ Them; ᵇ Others", "Debate helps", "+36 points",
                  "does not hold", "off by 7", "1 of 2", "oversight reproduce it --scale quick",
                  "Why &amp; how.", "4 &amp; no more"):  # fmt: skip
        assert words in text
    assert HOSTILE not in text
    assert text.count("&lt;script&gt;") == 4
    assert '<svg class="digit"></svg>' in text
    _assert_self_contained(text)


def test_the_markdown_page_has_the_same_tables_and_names_the_figures(tmp_path: Path) -> None:
    experiment, job, findings = _experiment(), _job(tmp_path), _findings()
    results = as_json(experiment, job, findings, 1234.5)
    text = as_markdown(experiment, job, findings, results, "oversight reproduce it", "it/")
    assert "1,234.5 seconds, seed 7" in text
    assert "](it/forest.png)" in text
    assert "- **holds**: Debate helps. +36 points" in text
    assert (
        "| 4 | honest first | accuracy | 0.841 [0.810, 0.870] | 1,000 | 0.838ᵃ | +0.003 |" in text
    )
    assert "Brier\\|score" in text


def test_transcripts_of_an_experiment_say_which_setting_they_are_of(played: Played) -> None:
    protocol, world, result, _ = played
    shown = transcripts_of(protocol, world, result.frames[MAIN], 0, 3, "k=6")
    assert len(shown) == 3
    assert all(one.title.startswith("k=6, ") for one in shown)
    assert shown[0].lines[2].startswith("1. debater_0 (argue): The pixel")


# What the tests ask


class Fetches(HTMLParser):
    """Collects whatever a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note tags that load something, and attributes that do."""
        if tag in ("script", "link", "iframe", "object", "embed", "img"):
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(f"{tag} {name}")
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#"):
                self.found.append(f"{tag} {name}={value}")


def _assert_self_contained(text: str) -> None:
    parser = Fetches()
    parser.feed(text)
    assert parser.found == []
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src 'none'" in text


def test_publishing_writes_the_page_its_json_and_the_figures_it_shows(tmp_path: Path) -> None:
    experiment, job, findings = _experiment(), _job(tmp_path), _findings()
    results = as_json(experiment, job, findings, 12.0)
    written = publish(experiment, job, findings, results, "oversight reproduce it", tmp_path)
    assert all(path.exists() for path in written)
    shown = re.findall(r"\]\(([^)]+\.png)\)", (tmp_path / f"{experiment.name}.md").read_text())
    assert shown
    assert all((tmp_path / name).exists() for name in shown)
    kept = json.loads((tmp_path / f"{experiment.name}.json").read_text())
    assert kept["cells"] == results["cells"]


def test_pages_of_two_worlds_stand_side_by_side(tmp_path: Path) -> None:
    experiment, job = replace(_experiment(), data=("digits", "mnist")), _job(tmp_path)
    drawn = _findings().figures[0]
    named = [drawn._replace(name="it2018"), drawn._replace(name="it2018-effort")]
    findings = _findings()._replace(figures=named)
    pages: list[set[Path]] = []
    for each in (job, job._replace(data="mnist")):
        results = as_json(experiment, each, findings, 12.0)
        pages.append(set(publish(experiment, each, findings, results, "it", tmp_path)))
    usual, other = pages
    assert not usual & other
    assert {path.name for path in other} == {
        "it2018-mnist.md", "it2018-mnist.json", "it2018-mnist.png", "it2018-mnist-effort.png",
    }  # fmt: skip
    text = (tmp_path / "it2018-mnist.md").read_text()
    assert re.findall(r"\]\(([^)]+\.png)\)", text) == [
        "it2018-mnist.png",
        "it2018-mnist-effort.png",
    ]


def test_time_adds_up_over_the_times_a_job_was_gone_on_with(tmp_path: Path) -> None:
    def interrupted() -> None:
        with timed(tmp_path) as seconds:
            assert seconds() >= 100
            raise KeyboardInterrupt

    (tmp_path / "seconds.json").write_text('{"seconds": 100.0}')
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert json.loads((tmp_path / "seconds.json").read_text())["seconds"] >= 100
