"""Runs on a user's files: what the files held is kept, and a changed one is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from oversight.core import OversightError
from oversight.fingerprints import fingerprints
from oversight.recorded import reopen
from oversight.registry import build
from oversight.runs import simulate
from oversight.store import read_manifest

GAMES = Path(__file__).parents[1] / "contract" / "transcripts.jsonl"


@pytest.fixture
def games(tmp_path: Path) -> Path:
    return Path(shutil.copy(GAMES, tmp_path / "games.jsonl"))


def played(games: Path, episodes: int) -> pd.DataFrame:
    world, out = f"transcripts:{games}", games.parent / "run"
    found = simulate("reading", world, episodes=episodes, out=out, controls=False)
    return found.frames["main"]


def test_a_run_keeps_what_its_file_held_and_goes_on_while_it_does(games: Path) -> None:
    played(games, 1)
    held = read_manifest(games.parent / "run" / "main")["configuration"]
    assert held["files"] == {"games.jsonl": hashlib.sha256(GAMES.read_bytes()).hexdigest()}
    assert len(played(games, 2)) == 2
    assert reopen(games.parent / "run").world.size == build("worlds", f"transcripts:{games}").size


def test_a_changed_file_is_neither_gone_on_with_nor_replayed(games: Path) -> None:
    played(games, 1)
    first, *rest = games.read_text().splitlines()
    games.write_text("\n".join([json.dumps(json.loads(first) | {"question": "What?"}), *rest]))
    with pytest.raises(OversightError, match=r"games\.jsonl has changed since it began; bring"):
        played(games, 2)
    with pytest.raises(OversightError, match=r"games\.jsonl has changed since the run was played"):
        reopen(games.parent / "run")


def test_a_run_that_kept_no_fingerprints_is_taken_at_its_word(games: Path) -> None:
    played(games, 1)
    manifest = games.parent / "run" / "main" / "manifest.json"
    held = json.loads(manifest.read_text())
    del held["configuration"]["files"]
    manifest.write_text(json.dumps(held))
    assert len(played(games, 2)) == 2
    reopen(games.parent / "run")


def test_worlds_that_read_nothing_name_nothing_and_data_sets_name_all_they_read(
    tmp_path: Path,
) -> None:
    assert fingerprints(build("worlds", "passages")) == {}
    evidence = {"7": [{"sentences": [0], "label": "SUPPORT"}]}
    document = {"doc_id": 7, "title": "Rain", "abstract": ["Rain is wet."]}
    claim = {"id": 1, "claim": "Rain is wet.", "cited_doc_ids": [7], "evidence": evidence}
    for name, row in (("corpus.jsonl", document), ("claims.jsonl", claim)):
        (tmp_path / name).write_text(json.dumps(row))
    world = build("worlds", f"sentences:data=scifact:{tmp_path / 'claims.jsonl'}")
    assert set(fingerprints(world)) == {"claims.jsonl", "corpus.jsonl"}
    (tmp_path / "corpus.jsonl").unlink()
    with pytest.raises(OversightError, match=r"cannot read .*corpus\.jsonl"):
        fingerprints(world)
