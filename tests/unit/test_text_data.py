from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oversight.text.data import DataError, Item, read_jsonl
from oversight.text.passage import split_sentences
from oversight.text.sources import SOURCES, load_items

GOOD: dict[str, Any] = {
    "id": "1", "passage": "It rained. They stayed in.", "question": "Why did they stay in?",
    "answers": ["rain", "snow"], "correct": 0,
}  # fmt: skip


def write(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_line_becomes_an_item(tmp_path: Path):
    path = write(
        tmp_path / "d.jsonl", {**GOOD, "hard": True, "source": "mine"}, "", GOOD | {"id": "2"}
    )
    items, faults = read_jsonl(path)
    assert [item.id for item in items] == ["1", "2"]
    assert items[0] == Item(**GOOD, hard=True, source="mine")
    assert faults == ()


BROKEN = {
    "not JSON": ("{", "not JSON"),
    "no passage": ({k: v for k, v in GOOD.items() if k != "passage"}, "passage: Field required"),
    "empty question": (GOOD | {"question": " "}, "question: "),
    "one answer": (GOOD | {"answers": ["rain"]}, "answers: "),
    "answers alike": (GOOD | {"answers": ["rain", "rain"]}, "must all be different"),
    "no such answer": (GOOD | {"correct": 2}, "numbered 0 to 1"),
    "answer by name": (GOOD | {"correct": "rain"}, "correct: "),
    "misspelt": (GOOD | {"correkt": 0}, "correkt: "),
    "a mark": (GOOD | {"passage": "It <v_quote>rained</v_quote>."}, "only the framework writes"),
    "a list": ([1, 2], "the line: "),
    "id again": (GOOD | {"id": "0"}, "taken by an earlier line"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_line_is_named_with_its_number_and_a_remedy(tmp_path: Path, fault: str):
    line, reason = BROKEN[fault]
    path = write(tmp_path / "d.jsonl", GOOD | {"id": "0"}, line, GOOD)
    with pytest.raises(DataError) as told:
        read_jsonl(path)
    assert f"{path}, line 2: " in str(told.value)
    assert reason in str(told.value)
    assert "keep_going=true" in str(told.value)
    kept = read_jsonl(path, keep_going=True)
    assert [item.id for item in kept.items] == ["0", "1"]
    assert len(kept.faults) == 1
    assert kept.told.startswith(f"2 items; 1 left out, first {path}, line 2: ")


def test_nothing_left_and_nothing_there_are_told(tmp_path: Path):
    with pytest.raises(DataError, match=r"holds nothing.*first .*line 1: not JSON"):
        read_jsonl(write(tmp_path / "d.jsonl", "{"), keep_going=True)
    with pytest.raises(DataError, match="no such file"):
        read_jsonl(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="did you mean 'quality'"):
        load_items("qualty")


HUB: Mapping[str, list[dict[str, Any]]] = {
    "quality": [
        {"article": "Long ago.\n\nIt rained.", "question": "When? ", "answer": 2, "hard": True,
         "options": ["a", "b", "c", "d"]},
    ],
    "boolq": [{"question": "is rain wet", "passage": "Rain is wet.", "answer": True}],
    "squad": [
        {"id": "s1", "title": "T", "context": "Ann Low met Bo Fry in 1901 in Orlby.",
         "question": "When?", "answers": {"text": ["1901", "in 1901"], "answer_start": [0, 0]}},
        {"id": "s2", "title": "T", "context": "Ann Low met Bo Fry in 1901 in Orlby.",
         "question": "Who met Bo?", "answers": {"text": ["Ann Low"], "answer_start": [0]}},
        {"id": "s3", "title": "T", "context": "Ann Low met Bo Fry in 1901 in Orlby.",
         "question": "Why?", "answers": {"text": [], "answer_start": []}},
    ],
    "scifact": [
        {"claim_id": 1, "claim": "Rain is wet.", "abstract_id": 7, "title": "Rain",
         "abstract": ["Rain falls. ", "It is wet."], "verdict": "SUPPORT", "evidence": [1]},
        {"claim_id": 2, "claim": "Rain is dry.", "abstract_id": 7, "title": "Rain",
         "abstract": ["Rain falls. ", "It is wet."], "verdict": "CONTRADICT", "evidence": [1]},
        {"claim_id": 3, "claim": "Rain is old.", "abstract_id": 7, "title": "Rain",
         "abstract": ["Rain falls. ", "It is wet."], "verdict": "NEI", "evidence": []},
    ],
    "fever": [
        {"claim": "Orlby is a town.", "label": "SUPPORTS", "id": 5, "verifiable": "VERIFIABLE",
         "original_id": 5, "evidence": [["Orlby", "0", "Orlby is a town."]]},
        {"claim": "Orlby is a lake.", "label": "REFUTES", "id": 6, "verifiable": "VERIFIABLE",
         "original_id": 6, "evidence": [["Orlby", "0", "Orlby is a town."]]},
        {"claim": "Orlby is old.", "label": "NOT ENOUGH INFO", "id": 7, "original_id": 7,
         "verifiable": "NOT VERIFIABLE", "evidence": [["Orlby", "0", "Orlby is a town."]]},
    ],
}  # fmt: skip
"""Rows as the hub has them; the fields are those of the data sets' cards."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    by_id = {SOURCES[name].hub: rows for name, rows in HUB.items()}

    def load_dataset(path: str, *, split: str) -> Any:
        assert split == "validation"
        return datasets.Dataset.from_list(by_id[path])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", SOURCES)
def test_the_hubs_rows_become_items(name: str):
    items = load_items(name).items
    asked = {item.question: item.answers[item.correct] for item in items}
    assert (
        asked
        == {
            "quality": {"When?": "c"},
            "boolq": {"Is rain wet?": "yes"},
            "squad": {"When?": "1901", "Who met Bo?": "Ann Low"},
            "scifact": {
                "Does the passage support or refute this claim? Rain is wet.": "supported",
                "Does the passage support or refute this claim? Rain is dry.": "refuted",
            },
            "fever": {
                "Does the passage support or refute this claim? Orlby is a town.": "supported",
                "Does the passage support or refute this claim? Orlby is a lake.": "refuted",
            },
        }[name]
    )
    assert {(item.source, item.split) for item in items} == {(name, "validation")}
    assert items[0].hard is (True if name == "quality" else None)


def squad_file(path: Path) -> Path:
    rows = HUB["squad"]
    asked = [{"id": r["id"], "question": r["question"],
              "answers": [{"text": t, "answer_start": 0} for t in r["answers"]["text"]]}
             for r in rows]  # fmt: skip
    paragraph = {"context": rows[0]["context"], "qas": asked}
    return write(path, {"version": "1.1", "data": [{"title": "T", "paragraphs": [paragraph]}]})


def local_file(name: str, folder: Path) -> Path:
    path = folder / "file.jsonl"
    match name:
        case "quality":
            question = {"question": "When?", "question_unique_id": "q1", "options": list("abcd"),
                        "gold_label": 3, "writer_label": 3, "difficult": 1}  # fmt: skip
            hidden = {"question": "Who?", "question_unique_id": "q2", "options": list("abcd")}
            return write(path, {"article_id": "1", "article": HUB[name][0]["article"],
                                "questions": [question, hidden]})  # fmt: skip
        case "squad":
            return squad_file(path)
        case "scifact":
            row = HUB[name][0]
            write(folder / "corpus.jsonl", {"doc_id": 7, "title": "Rain", "structured": False,
                                            "abstract": row["abstract"]})  # fmt: skip
            labels = ("SUPPORT", "CONTRADICT", "")
            claims = [
                {"id": r["claim_id"], "claim": r["claim"], "cited_doc_ids": [7],
                 "evidence": {"7": [{"sentences": [1], "label": label}]} if label else {}}
                for r, label in zip(HUB[name], labels, strict=True)
            ]  # fmt: skip
            return write(path, *claims)
        case _:
            return write(path, *HUB[name])


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", SOURCES)
def test_a_file_as_its_authors_publish_it_gives_the_same_items(name: str, tmp_path: Path):
    def plain(items: tuple[Item, ...]) -> list[dict[str, Any]]:
        return [item.model_dump(exclude={"id", "split"}) for item in items]

    local = load_items(f"{name}:{local_file(name, tmp_path)}")
    assert plain(local.items) == plain(load_items(name).items)


@pytest.mark.parametrize("name", SOURCES)
def test_a_row_of_another_format_is_told_with_its_place(name: str, tmp_path: Path):
    if name == "scifact":
        write(tmp_path / "corpus.jsonl", {"doc_id": 7, "title": "Rain", "abstract": []})
    path = write(tmp_path / "x.jsonl", {"evidence": {"8": []}} if name == "scifact" else {"a": 1})
    with pytest.raises(DataError, match=str(path)):
        load_items(f"{name}:{path}")


def test_offline_the_remedies_are_named(monkeypatch: pytest.MonkeyPatch):
    datasets = pytest.importorskip("datasets")

    def refuse(*_: Any, **__: Any) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(DataError, match=r"not at hand.*no route.*data=NAME:PATH"):
        load_items("quality")


def test_wrong_spans_of_squad_never_contain_an_accepted_answer():
    items = {item.id: item for item in load_squad()}
    assert "1901" in items["s1"].answers
    for item in items.values():
        right = item.answers[item.correct].lower()
        others = [a.lower() for a in item.answers if a.lower() != right]
        assert 1 <= len(others) <= 3
        assert all(right not in other and other not in right for other in others)


def load_squad() -> tuple[Item, ...]:
    from oversight.text.data import gather

    rows = [(f"row {place}", row) for place, row in enumerate(HUB["squad"])]
    return gather(SOURCES["squad"].rows(rows)).items


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two!  Three?", ("One.", "Two!", "Three?")),
        ("Mr. Low met J. Fry. He left.", ("Mr. Low met J. Fry.", "He left.")),
        ("A title\n\nThen it began.\nIt went on.", ("A title", "Then it began.", "It went on.")),
        ("She said “No.” and left. Yes.", ("She said “No.” and left.", "Yes.")),
        ("Again. Again.", ("Again.",)),
        ("no stop", ("no stop",)),
    ],
)
def test_where_sentences_end(text: str, sentences: tuple[str, ...]):
    assert split_sentences(text) == sentences
