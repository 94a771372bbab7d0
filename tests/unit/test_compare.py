"""One table for every protocol: what is in a row, what beside it, what is left out and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oversight.bench import Bench
from oversight.claims import beats, rises, sign_test
from oversight.cli.app import app
from oversight.compare import as_json, compare, fitting, swept
from oversight.core import OversightError
from oversight.registry import build

FIELDS = {"protocol", "accuracy", "low", "high", "brier", "log_score", "asd", "pgr", "judge_cost",
          "agent_cost", "net_gain", "exploited_accuracy", "n", "failed"}  # fmt: skip
FEW = ["naive", "expert", "debate", "market_making"]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(build("worlds", "circuits"), 8, 120)


@pytest.mark.slow
def test_every_row_has_every_field_and_the_same_cases(bench: Bench) -> None:
    table = as_json(compare(bench, FEW))
    assert [row["protocol"] for row in table["rows"]] == FEW
    for row in table["rows"]:
        assert row.keys() >= FIELDS
        assert (row["n"], row["failed"]) == (120, 0)
        assert row["low"] <= row["accuracy"] <= row["high"]
        assert row["judge_cost"] <= 8
    by_name = {row["protocol"]: row for row in table["rows"]}
    assert (by_name["naive"]["pgr"], by_name["expert"]["pgr"]) == (0, 1)
    assert by_name["debate"]["net_gain_over"] == "random"
    assert by_name["market_making"]["exploited_accuracy"] < by_name["market_making"]["low"]
    json.dumps(table)


def test_protocols_that_do_not_fit_are_left_out_with_the_reason() -> None:
    chosen, left_out = fitting(build("worlds", "contests"), 8)
    assert [protocol.name for protocol in chosen] == ["expert", "nested"]
    assert "Arguable" in left_out["debate"]


def test_an_unknown_protocol_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(OversightError, match="did you mean 'debate'"):
        compare(bench, ["debat"])


def test_a_dial_that_a_world_lacks_sweeps_nothing() -> None:
    assert swept(Bench(build("worlds", "contests"), 8, 5), "gap", ["nested"]) == []


@pytest.mark.slow
def test_the_command_prints_json_writes_a_page_and_goes_on(tmp_path: Path) -> None:
    words = ["compare", "--world", "circuits", "--episodes", "20", "--protocols", "naive,debate",
             "--out", str(tmp_path), "--no-figures", "--processes", "1", "--json"]  # fmt: skip
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(app, words)
    assert json.loads(again.stdout) == json.loads(first.stdout)
    page = (tmp_path / "report.html").read_text()
    assert "debate" in page
    assert json.loads((tmp_path / "compare.json").read_text())["budget"] == 8


def test_sign_tests_and_slopes_by_hand(bench: Bench) -> None:
    alone = bench.run("alone", "naive", evidence=0)
    expert = bench.run("expert", "expert")
    test = sign_test(expert, alone)
    assert test.wins > test.losses
    assert beats("better", expert, alone).holds
    assert not beats("worse", alone, expert).holds
    assert sign_test(alone, alone) == (0, 0, 1.0)
    assert rises("rises", [0.0, 1.0], [alone, expert]).holds
    assert rises("falls", [1.0, 0.0], [alone, expert], falls=True).holds
    assert not rises("flat", [0.0, 1.0], [alone, alone]).holds
