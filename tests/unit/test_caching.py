"""`oversight cache`: what is kept of models' replies, and how it is cleared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from oversight.cache_dir import rooms
from oversight.cli.app import app
from oversight.core import OversightError
from oversight.models.cache import FILE, Cached, Kept
from oversight.models.model import (
    Answering,
    Asked,
    Completion,
    Heard,
    Prompt,
    Request,
    Said,
    Sampling,
    Usage,
)


class Saying(Answering):
    """Says the same to everybody."""

    def __init__(self, name: str) -> None:
        self.name = name

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        for place in range(len(asked)):
            heard(place, Completion("It was Ada. " * 400, "stop", Usage(10, 3)))

    def count(self, prompt: Prompt) -> int:
        return len(prompt)


def fill(name: str, number: int) -> None:
    model = Cached(Saying(name))
    prompt = (Said("user", "Who hosted the fair?"),)
    model.generate([Request(prompt, Sampling(), key) for key in range(number)])
    model.close()


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Three replies of one model, five of another, and two nets."""
    monkeypatch.setenv("OVERSIGHT_CACHE_DIR", str(tmp_path))
    fill("ada:1", 3)
    fill("bo", 5)
    for hashed in ("0" * 32, "f" * 32):
        (tmp_path / f"net-k6-{hashed}.npz").write_bytes(b"x" * 50)
    return tmp_path


def called(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["cache", *words], input=typed)


def entries() -> dict[str, int]:
    return {held.model: held.entries for held in Kept().held}


def test_it_tells_what_is_kept(root: Path) -> None:
    found: dict[str, Any] = json.loads(called("--json").stdout)
    assert found["directory"] == str(root)
    assert found["replies"]["file"] == str(root / FILE)
    ada, bo = found["replies"]["models"]
    assert (ada["model"], ada["entries"], bo["model"], bo["entries"]) == ("ada:1", 3, "bo", 5)
    assert 5 * 4800 < bo["bytes"] < 5 * 5200
    assert ada["oldest"] <= ada["newest"] <= bo["oldest"]
    assert found["others"] == [{"name": "net-k6-*.npz", "files": 2, "bytes": 100}]
    assert found["deleted"] is None
    shown = called().stdout
    assert "ada:1" in shown
    assert "net-k6-*.npz" in shown


def test_one_models_replies_are_cleared_and_their_room_is_given_back(root: Path) -> None:
    before = sum(path.stat().st_size for path in Kept().files)
    found = json.loads(called("--clear", "--model", "bo", "--yes", "--json").stdout)
    assert found["deleted"] == 5
    assert entries() == {"ada:1": 3}
    assert found["replies"]["bytes"] < before - 5 * 4800


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, 0), ("n\n", 0, 2), ("", 130, 2)])
def test_it_asks_before_it_clears(typed: str, code: int, left: int) -> None:
    done = called("--clear", typed=typed)
    assert "Delete 8 replies of all models?" in done.stderr
    assert (done.exit_code, len(entries())) == (code, left)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--clear", "--json"], "add --yes"),
        (["--model", "bo"], "go with --clear"),
        (["--yes"], "go with --clear"),
        (["--clear", "--yes", "--model", "boo"], "did you mean 'bo'"),
    ],
)
def test_wrong_usage_names_the_remedy_and_deletes_nothing(words: list[str], why: str) -> None:
    with pytest.raises(OversightError, match=why):
        app(["cache", *words])
    assert entries() == {"ada:1": 3, "bo": 5}


def test_looking_makes_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERSIGHT_CACHE_DIR", str(root / "elsewhere"))
    assert "no replies" in called().stdout
    assert json.loads(called("--clear", "--yes", "--json").stdout)["deleted"] == 0
    assert rooms() == []
    assert not (root / "elsewhere").exists()


def test_its_help_has_examples() -> None:
    shown = called("--help")
    assert shown.exit_code == 0
    assert "oversight cache --clear --model" in shown.stdout
