"""`oversight society` as it is typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oversight.cli.app import app
from oversight.core import OversightError

RUN = ["society", "--world", "preferences:topics=2,manners=2,longest=3", "--members", "9",
       "--graph", "grid:radius=1"]  # fmt: skip


def test_a_society_from_the_command_line(tmp_path: Path):
    words = [*RUN, "--rounds", "2", "--kinds", "lazy=0.2", "--set", "taught_by=raters", "--out",
             str(tmp_path / "v"), "--data", str(tmp_path / "said.jsonl"), "--json"]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["settings"]["taught_by"] == "raters"
    assert [row["round"] for row in found["rounds"]] == [0, 1]
    assert (tmp_path / "v" / "society.html").exists()
    lines = (tmp_path / "said.jsonl").read_text().splitlines()
    assert len(lines) == found["examples"]
    words[words.index("--rounds") + 1] = "4"
    more = json.loads(CliRunner().invoke(app, words).stdout)
    assert more["rounds"][:2] == found["rounds"]
    assert more["examples"] >= found["examples"]


def test_what_is_amiss_is_said(tmp_path: Path):
    (tmp_path / "apart.edges").write_text("a b\nc d\n")
    words = ["society", "--world", RUN[2], "--members", "4", "--graph",
             f"file:{tmp_path}/apart.edges", "--rounds", "2", "--kinds", "colluding=1"]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "in 2 parts" in done.output
    assert "Every draft was rated 7" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--set", "nere=1"], "did you mean 'near'"), (["--set", "near=x"], "cannot set near"),
     (["--rounds", "0"], "--rounds"), (["--kinds", "mean=1"], "unknown kind"),
     (["--model", "smol"], "unknown model")],
)  # fmt: skip
def test_wrong_words_are_refused(words: list[str], told: str):
    with pytest.raises(OversightError, match=told):
        CliRunner().invoke(app, [*RUN, *words], catch_exceptions=False)


def test_what_is_not_known_is_null(tmp_path: Path):
    words = [*RUN, "--rounds", "2", "--set", "scatter=false", "--out", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout, parse_constant=pytest.fail)["rounds"]
    assert [row["rating"] for row in rows] == [None, None]
    kept = (tmp_path / "rounds.jsonl").read_text()
    assert json.loads(kept.splitlines()[0], parse_constant=pytest.fail)["unrated"] == 1
