"""The command line: what it prints, its exit codes, and what it says when words are wrong."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from oversight.cli import main
from oversight.cli.common import command_line
from oversight.store import Store

DIGITS = ("--world", "digits:rollouts=5", "--episodes", "12")


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Oversight:
    """The command, called in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["oversight", *words])
        with pytest.raises(SystemExit) as exit:
            main()
        out, err = self._capsys.readouterr()
        return Said(int(exit.value.code or 0), out, " ".join(err.split()))


@pytest.fixture
def oversight(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Oversight:
    monkeypatch.setenv("COLUMNS", "200")
    return Oversight(monkeypatch, capsys)


def test_run_prints_the_documented_json(oversight: Oversight) -> None:
    said = oversight("run", "debate", *DIGITS, "--json")
    assert said.code == 0
    assert {"protocol", "world", "episodes", "failed", "accuracy"} <= said.json.keys()
    assert said.json["accuracy"].keys() == {"value", "low", "high", "n"}
    assert said.json["controls"].keys() == {
        "judge_alone", "sides_declared", "silent", "random", "order_swapped",
    }  # fmt: skip
    assert said.json["net_gain_over"] in said.json["controls"]


def test_run_prints_a_table_with_the_controls_and_the_net_gain(oversight: Oversight) -> None:
    said = oversight("run", "debate", *DIGITS)
    assert said.code == 0
    for words in ("judge_alone", "sides_declared", "net gain over", "agent score difference"):
        assert words in said.out


def test_list_names_everything_as_documented(oversight: Oversight) -> None:
    held = oversight("list", "--json").json
    kinds = {"protocols", "worlds", "judges", "agents", "models", "methods", "experiments"}
    assert held.keys() == kinds
    debate = next(p for p in held["protocols"] if p["name"] == "debate")
    assert debate["seats"] == ["debater_0", "debater_1", "judge"]
    assert "digits" in debate["worlds"]
    assert "debate" in oversight("list").out


def test_a_kept_run_can_be_shown_rejudged_and_gone_on_with(
    oversight: Oversight, tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    first = oversight("run", "debate", *DIGITS, "--out", run, "--json").json
    assert oversight("run", "debate", *DIGITS, "--out", run, "--json").json == first
    assert (tmp_path / "run" / "report.html").exists()
    assert "The truth" in oversight("show", run, "--episode", "3").out
    assert oversight("show", run, "--episode", "3", "--json").json["episode"] == 3
    again = oversight("rejudge", run, "--judge", "sparse", "--json").json
    assert again["before"] == again["after"]
    assert again["change"]["value"] == 0
    worse = oversight("rejudge", run, "--judge", "dials:skill=0", "--out", run + "2", "--json").json
    assert worse["change"]["value"] < 0
    assert len(Store(Path(run + "2") / "main").done) == 12


def test_a_judge_that_prepares_can_rejudge(oversight: Oversight, tmp_path: Path) -> None:
    oversight("run", "debate", *DIGITS, "--no-controls", "--out", str(tmp_path / "run"))
    said = oversight("rejudge", str(tmp_path / "run"), "--judge", "calibrated:cases=50", "--json")
    assert said.code == 0
    assert said.json["change"]["value"] == 0  # a temperature never changes the first answer
    assert said.json["after"]["log_score"] != said.json["before"]["log_score"]


def test_a_custom_judge_by_its_file(oversight: Oversight, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def first(view):\n    return [1.0] + [0.0] * 9\n")
    said = oversight("run", "debate", *DIGITS, "--judge", f"{file}:first", "--json")
    assert said.code == 0
    assert said.json["cast"]["judge"].startswith(f"{file}:first#")


BROKEN = {
    "nan": ("[float('nan')] + [0.1] * 9", "finite"),
    "negative": ("[-1.0, 2.0] + [0.0] * 8", "negative"),
    "short": ("[1.0]", "10 credences"),
    "unnormalised": ("[0.5] * 10", "sum to 1"),
    "raises": ("1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_judge_fails_its_episodes_and_the_exit_code_says_so(
    oversight: Oversight, tmp_path: Path, fault: str
) -> None:
    source, reason = BROKEN[fault]
    (tmp_path / "mine.py").write_text(f"def broken(view):\n    return {source}\n")
    judge = f"{tmp_path / 'mine.py'}:broken"
    run = tmp_path / "run"
    said = oversight("run", "debate", *DIGITS, "--judge", judge, "--out", str(run), "--json")
    assert said.code == 1
    assert (said.json["episodes"], said.json["failed"]) == (12, 12)
    assert said.json["accuracy"] is None
    kept = Store(run / "main").records()
    assert all(r.failure is not None and reason in r.failure.reason for r in kept)
    assert all(r.replies for r in kept)  # the arguments were not lost


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("run", "debat", *DIGITS), "did you mean 'debate'"),
        (("run", "debate", "--world", "digit"), "did you mean 'digits'"),
        (("run", "debate", *DIGITS, "--judge", "sparce"), "did you mean 'sparse'"),
        (("run", "debate", *DIGITS, "--agent", "debater_7=mcts"), "known seats"),
        (("run", "debate", *DIGITS, "--agent", "mcts"), "write name=value"),
        (("run", "debate", *DIGITS, "--agent", "debater=mcts:0"), "at least 1"),
        (("run", "debate", *DIGITS, "--set", "round=3"), "did you mean 'rounds'"),
        (("run", "debate", *DIGITS, "--set", "rounds=-1"), "greater than or equal to 0"),
        (("run", "debate", *DIGITS, "--set", "lie=9"), "lie must be in 0…8"),
        (("run", "debate", "--world", "digits", "--episodes", "0"), "at least 1, got 0"),
        (("run", "debate", "--world", "digits", "--episodes", "-3"), "at least 1, got -3"),
        (("run", "debate", "--world", "digits:pixels=0"), "at least one pixel"),
        (("run", "debate", *DIGITS, "--judge", "nowhere.py:judge"), "no file nowhere.py"),
        (("run", "debate", *DIGITS, "--judge", "json:nothing"), "has no 'nothing'"),
        (("run", "debate", *DIGITS, "--judge", "json:__name__"), "cannot play"),
        (("run", "debate", *DIGITS, "--data-dir", "here"), "needs no files"),
        (("run", "debate", "--world", "mnist", "--data-dir", "nowhere"), "no such directory"),
        (("run", "debate", *DIGITS, "--processes", "0"), "at least 1"),
        (("reproduce", "irving2017"), "did you mean 'irving2018'"),
        (("reproduce", "irving2018", "--scale", "huge"), "is not one of"),
        (("show", "nowhere"), "is not a run"),
        (("run", "debate"), "Missing option '--world'"),
        (("run", "debate", *DIGITS, "--nonsense"), "No such option"),
    ],
)
def test_wrong_usage_exits_2_and_names_the_remedy(
    oversight: Oversight, words: tuple[str, ...], remedy: str
) -> None:
    said = oversight(*words)
    assert said.code == 2
    assert remedy in said.err.replace("│ ", "")


def test_a_judge_file_that_does_not_import_says_why(oversight: Oversight, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import a_module_that_is_not_there\n")
    said = oversight("run", "debate", *DIGITS, "--judge", f"{tmp_path / 'mine.py'}:judge")
    assert said.code == 2
    assert "ModuleNotFoundError" in said.err


def test_a_directory_of_another_run_is_refused(oversight: Oversight, tmp_path: Path) -> None:
    run = str(tmp_path)
    oversight("run", "naive", *DIGITS, "--out", run)
    said = oversight("run", "naive", *DIGITS, "--seed", "1", "--out", run)
    assert said.code == 2
    assert "another configuration" in said.err


@pytest.mark.slow
def test_an_interrupted_run_goes_on_bit_identically(tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"  # two seconds of judging at least, however fast the machine
    slow.write_text(
        "import time\ndef judge(view):\n    time.sleep(0.02)\n    return [1.0] + [0.0] * 9\n"
    )
    command = [
        str(Path(sys.executable).with_name("oversight")), "run", "debate", "--world", "digits",
        "--agent", "debater=mcts:50", "--judge", f"{slow}:judge", "--episodes", "120",
        "--width", "4", "--no-controls", "--out",
    ]  # fmt: skip
    cut = subprocess.Popen([*command, str(tmp_path / "cut")], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "cut" / "main" / "manifest.json").exists():
        time.sleep(0.05)
    time.sleep(1)
    cut.send_signal(signal.SIGINT)
    _, err = cut.communicate()
    assert cut.returncode == 130
    assert "run the same command to go on" in " ".join(err.split())
    kept = Store(tmp_path / "cut" / "main").done
    assert len(kept) < 120
    for name in ("cut", "whole"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    cut_short, whole = (Store(tmp_path / name / "main").frame() for name in ("cut", "whole"))
    pd.testing.assert_frame_equal(cut_short, whole, check_exact=True)


def test_pages_name_the_command_without_where_it_wrote(monkeypatch: pytest.MonkeyPatch):
    typed = "oversight reproduce liu2023 --out /tmp/x --publish=results --scale full"
    monkeypatch.setattr("sys.argv", typed.split())
    assert command_line("--out", "--publish") == "oversight reproduce liu2023 --scale full"
    assert command_line() == typed
