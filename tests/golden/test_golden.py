"""Recorded games must come out the same: replayed from their replies, and played anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oversight.episode import Episode
from oversight.record import record_of
from tests.golden.record import EPISODES, GOLDEN, HERE, SEED, as_plain, path_of, played

every_golden_game = pytest.mark.parametrize("name", GOLDEN)


def held(name: str) -> list[dict[str, Any]]:
    path = path_of(name)
    assert path.exists(), f"no {path.name}: run python -m tests.golden.record"
    return json.loads(path.read_text())


@every_golden_game
def test_its_replies_give_the_same_transcript_and_outcome(name: str):
    game = GOLDEN[name]
    for row in held(name):
        replies = [tuple(r) if isinstance(r, list) else r for r in row["replies"]]
        episode = Episode.replay(game.protocol, game.world, row["episode"], SEED, replies)
        assert as_plain([record_of(episode)]) == [row]


@every_golden_game
def test_it_is_played_the_same_today(name: str):
    assert as_plain(played(GOLDEN[name])) == held(name)


@every_golden_game
def test_it_is_a_whole_game(name: str):
    rows = held(name)
    assert [row["episode"] for row in rows] == list(range(EPISODES))
    assert not any(row["failure"] for row in rows)


def test_no_file_is_left_over():
    assert {path.stem for path in HERE.glob("*.json")} == set(GOLDEN)
