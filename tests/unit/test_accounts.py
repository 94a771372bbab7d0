"""What models cost: by seat, known before it is paid, never paid twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oversight.accounts import current, opened
from oversight.casting import cast_for
from oversight.cli import app
from oversight.core import OversightError
from oversight.models.budget import CostReached
from oversight.models.ledger import Prices
from oversight.registry import build, load
from oversight.runs import run

WORLD = "passages:candidates=2,limit=60"
SPEC = "tiny:1,tokens=8"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OVERSIGHT_CACHE_DIR", str(tmp_path / "cache"))


def play(out: Path | None = None, **options: Any) -> list[Any]:
    """One-round debates of one game, with models in all seats; returns what was counted."""
    protocol, world = load("protocols", "debate").bind(rounds=1), build("worlds", WORLD)
    with opened(out, **options) as account:
        cast = cast_for(protocol, world, {"debater": SPEC}, "tiny:2").cast
        run(protocol, world, cast, episodes=2, controls=False, out=out)
        return account.entries


def test_calls_are_counted_by_seat() -> None:
    entries = {entry.seat: entry for entry in play()}
    assert set(entries) == {"debater_0", "debater_1", "judge"}
    assert entries["judge"].calls == 4  # two orders a game
    assert entries["debater_0"].calls == 2
    assert 0 < entries["debater_0"].usage.completion <= 16


def test_the_same_again_is_read_back() -> None:
    first = sum(entry.usage.prompt for entry in play())
    again = play()
    assert first > 0
    assert all(entry.usage.hits == entry.calls for entry in again)
    assert sum(entry.usage.prompt for entry in again) == 0
    assert sum(entry.usage.prompt for entry in play(cached=False)) > 0


def test_without_models_no_ledger_is_made(tmp_path: Path) -> None:
    with opened(tmp_path) as account:
        assert current() is account
        assert account.entries == []
    assert current() is None
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_asks_nobody_and_is_an_upper_bound() -> None:
    dry = {entry.seat: entry for entry in play(dry=True)}
    paid = {entry.seat: entry for entry in play()}
    for seat, entry in paid.items():
        assert dry[seat].calls == entry.calls
        assert dry[seat].usage.completion >= entry.usage.completion or seat == "judge"
    assert dry["debater_0"].usage.completion == 16


def test_a_limit_needs_prices_only_of_models_that_charge() -> None:
    assert play(limit=0.0)  # a model in process charges nothing


def test_the_limit_stops_a_run_that_then_goes_on(tmp_path: Path) -> None:
    prices = {"tiny:1": Prices(1e3, 1e3), "tiny:2": Prices(1e3, 1e3)}
    out = tmp_path / "run"
    with pytest.raises(CostReached, match="higher limit to go on"):
        play(out, prices=prices, limit=12.0)
    spent = play(out, prices=prices, limit=1e6)
    assert sum(entry.calls - entry.usage.hits for entry in spent) == 8  # each was paid once


def test_the_commands_show_and_estimate_calls(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    usual = ["--world", WORLD, "--set", "rounds=1", "--agent", f"debater={SPEC}", "--judge",
             "tiny:2", "--no-controls", "--episodes", "2", "--json"]  # fmt: skip
    for command in ("run", "estimate"):
        with pytest.raises(SystemExit):
            app.app([command, "debate", *usual, "--price", "tiny:1=1000/1000"])
        printed = json.loads(capsys.readouterr().out)
        rows = {row["seat"]: row for row in printed["calls"]}
        assert rows["debater_0"]["price"] > 0
        assert rows["judge"]["price"] is None
    assert printed["price"] == pytest.approx(
        sum(row["price"] for row in rows.values() if row["price"])
    )


def test_an_estimate_without_models_says_so() -> None:
    with pytest.raises(OversightError, match="no seat is a language model's"):
        app.app(["estimate", "debate", "--world", "circuits", "--episodes", "2"])


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "estimate",
        "rejudge",
        "reproduce",
        "compare",
        "serve",
        "export",
        "show",
        "list",
        "cache",
    ],
)
def test_every_command_has_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app.app([command, "--help"])
    assert ended.value.code == 0
    assert "Usage" in capsys.readouterr().out
