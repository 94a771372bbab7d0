"""The episode store: nothing finished is lost, nothing is half written, nothing is mixed up."""

import errno
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from oversight.computed import computed
from oversight.core import OversightError
from oversight.record import Failure, Record
from oversight.store import Store, frame_of

CONFIGURATION = {"protocol": "debate", "seed": 0}


def record(episode: int, failure: Failure | None = None) -> Record:
    credences = None if failure else (0.25, 0.75)
    return Record(
        episode, f"case-{episode}", 1, credences, None if failure else 1.0, {"judge": 0.1 + 0.2},
        {"length": 3.0}, {"debater_0": 1}, 2, 1, {"judge": 1},
        [4, None, "word", (0.25, 0.75)], "a\nb", failure,
    )  # fmt: skip


def test_records_come_back_as_they_were_in_order(tmp_path: Path) -> None:
    failed = record(1, Failure("judge", "decide", 0, "it raised"))
    with Store(tmp_path / "run", CONFIGURATION) as store:
        for each in (record(2), failed, record(0)):
            store.append(each)
    assert Store(tmp_path / "run").records() == [record(0), failed, record(2)]
    assert Store(tmp_path / "run").done == {0, 1, 2}
    assert frame_of([record(2), record(0)])["episode"].tolist() == [0, 2]


def test_what_was_finished_survives_an_exception(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Store(tmp_path / "run", CONFIGURATION) as store:
            store.append(record(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Store(tmp_path / "run", CONFIGURATION).done == {0}


def test_another_configuration_is_refused_and_says_what_differs(tmp_path: Path) -> None:
    Store(tmp_path / "run", CONFIGURATION)
    with pytest.raises(OversightError, match=r"seed: 0 there, 1 now.*choose another --out"):
        Store(tmp_path / "run", {"protocol": "debate", "seed": 1})


def test_a_full_disk_leaves_whole_shards_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "run", CONFIGURATION)
    store.append(record(0))
    store.flush()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store.append(record(1))
    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", full)
        with pytest.raises(OversightError, match=r"No space left.*make room"):
            store.flush()
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "manifest.json",
        "part-000000.parquet",
    ]
    store.flush()  # there is room again, and the record was kept
    assert store.done == {0, 1}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OversightError, match="cannot write"):
        Store(tmp_path / "file" / "run", CONFIGURATION)


def test_a_damaged_shard_is_named_with_its_remedy(tmp_path: Path) -> None:
    with Store(tmp_path / "run", CONFIGURATION) as store:
        store.append(record(0))
    part = tmp_path / "run" / "part-000000.parquet"
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(OversightError, match="delete that file"):
        Store(tmp_path / "run").records()


def test_a_shard_is_never_overwritten_after_another_was_deleted(tmp_path: Path) -> None:
    for episode in range(2):
        with Store(tmp_path / "run", CONFIGURATION) as store:
            store.append(record(episode))
    (tmp_path / "run" / "part-000000.parquet").unlink()
    with Store(tmp_path / "run", CONFIGURATION) as store:
        store.append(record(0))
    assert Store(tmp_path / "run").done == {0, 1}


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_what_is_no_run_is_said_to_be_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(OversightError, match=r"manifest\.json"):
        Store(tmp_path, None if content != "[]" else CONFIGURATION)


def test_the_manifest_says_what_was_run_and_with_what(tmp_path: Path) -> None:
    Store(tmp_path / "run", CONFIGURATION)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["configuration"] == CONFIGURATION
    assert {"created", "revision", "python", "versions"} <= manifest.keys()


def test_a_table_goes_on_where_it_stopped(tmp_path: Path) -> None:
    asked: list[int] = []

    def row(number: int) -> dict[str, int]:
        if number == 25 and 25 not in asked:
            asked.append(number)
            raise RuntimeError("the power went")
        asked.append(number)
        return {"square": number**2}

    with pytest.raises(RuntimeError):
        computed(tmp_path / "table", CONFIGURATION, row, 40)
    table = computed(tmp_path / "table", CONFIGURATION, row, 40)
    assert table["square"].tolist() == [n**2 for n in range(40)]
    assert asked.count(0) == 1  # the first shard was kept
