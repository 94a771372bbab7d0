"""Data sets that people have made, mapped to `Item`s: from the hub, or from their own files.

| name | from the hub | from a file (`NAME:PATH`) | answers |
|---|---|---|---|
| `quality` | `emozilla/quality` | `QuALITY.v1.0.1.htmlstripped.dev`, articles a line | four |
| `boolq` | `google/boolq` | `dev.jsonl` | yes, no |
| `squad` | `rajpurkar/squad` | `dev-v1.1.json`, or version 2.0 | the span, up to three others |
| `scifact` | `allenai/scifact_entailment` | `claims_dev.jsonl`, `corpus.jsonl` beside it | claims |
| `fever` | `copenlu/fever_gold_evidence` | its `valid.jsonl` | claims |

References: Pang et al. 2022 (arXiv:2112.08608), Clark et al. 2019 (arXiv:1905.10044), Rajpurkar et
al. 2016 (arXiv:1606.05250), Wadden et al. 2020 (arXiv:2004.14974), Thorne et al. 2018
(arXiv:1803.05355).

A claim's answers are "supported" and "refuted"; claims that the evidence does not decide are
skipped, as are questions that a passage does not answer and those without a published label.

SQuAD has no wrong answers. Ours are, in this order: the right answers to other questions on the
same passage, then names and numbers of the passage; none that contains an accepted answer or is
contained in one, those nearest to the right answer in number of words first. A question for which
none is found is skipped.
"""

from __future__ import annotations

import importlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from oversight import keys
from oversight.registry import suggest
from oversight.text.data import DataError, Fault, Items, gather, parsed_lines, read_jsonl, read_text

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Iterable[tuple[str, Any]]
"""Where each row is, and its fields, or the Fault that it is."""

WRONG = 3
"""How many wrong answers are made for a question that has none."""


class Source(NamedTuple):
    """A data set: its place on the hub, and how its rows become items."""

    hub: str
    rows: Callable[[Rows], Rows]
    """From the hub's rows to items' fields."""
    local: Callable[[Path], Rows]
    """The hub's rows, read from a file as its authors publish it."""
    beside: tuple[str, ...] = ()
    """Files in the same folder that are read as well."""


def files_of(data: str) -> tuple[Path, ...]:
    """The user's files that `load_items` reads; none for a data set from the hub."""
    name, colon, path = data.partition(":")
    if name not in SOURCES:
        return (Path(data),) if data else ()
    own = Path(path)
    return (own, *(own.parent / other for other in SOURCES[name].beside)) if colon else ()


def load_items(
    data: str, *, split: str = "validation", keep_going: bool = False, hard: bool = False
) -> Items:
    """Read `FILE.jsonl`, a data set by name from the hub, or `NAME:PATH` from its own file.

    With `hard`, questions marked so alone. DataError where there is nothing of that name or so
    marked, or it cannot be read; see `read_jsonl`.
    """
    found = _load(data, split, keep_going)
    if not hard:
        return found
    kept = tuple(item for item in found.items if item.hard)
    if not kept:
        raise DataError(f"{data} marks no question as hard; leave hard=true out")
    return found._replace(items=kept)


def _load(data: str, split: str, keep_going: bool) -> Items:
    name, colon, path = data.partition(":")
    if name not in SOURCES:
        if data.endswith((".jsonl", ".json")):
            return read_jsonl(Path(data), keep_going=keep_going)
        known = suggest(name, SOURCES, "data sets")
        raise DataError(f"no data set {known}; or give the path of a FILE.jsonl")
    source = SOURCES[name]
    raw = source.local(Path(path)) if colon else _from_hub(source.hub, split)
    labelled = _with_origin(source.rows(raw), name, "" if colon else split)
    return gather(labelled, keep_going=keep_going, whence=data)


def _from_hub(hub: str, split: str) -> Rows:
    try:
        rows: Any = importlib.import_module("datasets").load_dataset(hub, split=split)
    except Exception as error:  # offline, refused or not installed: the remedies are the same
        raise DataError(
            f"{hub} is not at hand ({type(error).__name__}: {error}); install the package datasets "
            "and go online, or download the data set and give data=NAME:PATH"
        ) from error
    return ((f"{hub}, {split} row {number}", row) for number, row in enumerate(rows))


def _with_origin(rows: Rows, name: str, split: str) -> Rows:
    for place, row in rows:
        if isinstance(row, Fault):
            yield place, row
        else:
            yield place, {**row, "source": name, "split": split}


def _each(convert: Callable[[str, Row], Row | None]) -> Callable[[Rows], Rows]:
    """Convert row by row; None skips one, and a missing field is its fault."""

    def converted(rows: Rows) -> Rows:
        for place, row in rows:
            made = row if isinstance(row, Fault) else _try(convert, place, row)
            if made is not None:
                yield place, made

    return converted


def _try(convert: Callable[[str, Row], Row | None], place: str, row: Any) -> Row | Fault | None:
    try:
        return convert(place, row)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        return Fault(place, f"not as the data set publishes it ({type(error).__name__}: {error})")


def _name(row: Row, *fields: str) -> str:
    """The row's own id where it has one, else one made from its content."""
    own = next((row[field] for field in fields if row.get(field) not in (None, "")), None)
    return str(own) if own is not None else f"{keys.root(json.dumps(dict(row), default=str)):016x}"


# QuALITY


def _quality(place: str, row: Row) -> Row | None:
    hard = row.get("hard")
    return {
        "id": _name(row, "question_unique_id"), "passage": row["article"],
        "question": row["question"].strip(), "answers": [each.strip() for each in row["options"]],
        "correct": int(row["answer"]), "hard": None if hard is None else bool(hard),
    }  # fmt: skip


def _quality_file(path: Path) -> Rows:
    """An article a line, its questions within; gold labels count from 1."""
    for place, line in parsed_lines(path):
        if isinstance(line, Fault):
            yield place, line
            continue
        try:
            for question in line["questions"]:
                if "gold_label" in question:
                    yield place, {
                        "question_unique_id": question["question_unique_id"],
                        "article": line["article"], "question": question["question"],
                        "options": question["options"], "answer": question["gold_label"] - 1,
                        "hard": bool(question["difficult"]),
                    }  # fmt: skip
        except (KeyError, TypeError) as error:
            yield place, Fault(place, f"no line of QuALITY ({type(error).__name__}: {error})")


# BoolQ


def _boolq(place: str, row: Row) -> Row:
    question = row["question"].strip().rstrip("?")
    return {
        "id": _name(row), "passage": row["passage"],
        "question": f"{question[:1].upper()}{question[1:]}?",
        "answers": ["yes", "no"], "correct": 0 if row["answer"] else 1,
    }  # fmt: skip


# SQuAD


def _squad(rows: Rows) -> Rows:
    """Grouped by passage, for the wrong answers; in the order of the rows."""
    held = list(rows)
    others: dict[str, list[str]] = defaultdict(list)
    for _, row in held:
        if not isinstance(row, Fault):
            others[row.get("context", "")] += row.get("answers", {}).get("text", [])[:1]

    def convert(place: str, row: Row) -> Row | None:
        accepted = list(dict.fromkeys(row["answers"]["text"]))
        wrong = wrong_spans(row["context"], accepted, others[row["context"]]) if accepted else []
        if not wrong:
            return None
        correct = keys.below(keys.root("squad", row["id"]), len(wrong) + 1)
        answers = [*wrong[:correct], accepted[0], *wrong[correct:]]
        return {
            "id": row["id"], "passage": row["context"], "question": row["question"].strip(),
            "answers": answers, "correct": correct,
        }  # fmt: skip

    return _each(convert)(held)


_NAMES = re.compile(r"\b[A-Z][\w’'-]*(?:\s[A-Z][\w’'-]*)*\b|\b\d[\d,.]*\b")


def wrong_spans(passage: str, accepted: list[str], others: Iterable[str]) -> list[str]:
    """Up to `WRONG` spans of a passage that answer another question than the one asked.

    >>> wrong_spans("Ann met Bo Lee in May 1901.", ["1901"], ["Bo Lee"])
    ['Bo Lee', 'Ann', 'May']
    """
    right = [answer.lower() for answer in accepted]
    length = len(accepted[0].split())

    def differs(span: str) -> bool:
        low = span.lower()
        return all(low not in answer and answer not in low for answer in right)

    def nearest(spans: Iterable[str]) -> list[str]:
        return sorted(dict.fromkeys(spans), key=lambda span: abs(len(span.split()) - length))

    names = (found[0].strip(" ,.") for found in _NAMES.finditer(passage))
    chosen: dict[str, str] = {}
    for span in filter(differs, [*nearest(others), *nearest(names)]):
        chosen.setdefault(span.lower(), span)
    return list(chosen.values())[:WRONG]


def _squad_file(path: Path) -> Rows:
    """One JSON document: articles, paragraphs, questions."""
    try:
        articles = json.loads(read_text(path))["data"]
        for article in articles:
            for number, paragraph in enumerate(article["paragraphs"]):
                for asked in paragraph["qas"]:
                    place = f"{path}, {article['title']}, paragraph {number}"
                    texts = [answer["text"] for answer in asked["answers"]]
                    yield place, {
                        "id": asked["id"], "context": paragraph["context"],
                        "question": asked["question"], "answers": {"text": texts},
                    }  # fmt: skip
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        yield str(path), Fault(str(path), f"no file of SQuAD ({type(error).__name__}: {error})")


# Claims and evidence

_CORPUS = "corpus.jsonl"
_VERDICTS = {"SUPPORT": 0, "SUPPORTS": 0, "CONTRADICT": 1, "REFUTES": 1}
_CLAIM = "Does the passage support or refute this claim? {claim}"


def _judged(name: str, claim: str, evidence: str, verdict: str) -> Row | None:
    if verdict not in _VERDICTS:
        return None
    return {
        "id": name, "passage": evidence, "question": _CLAIM.format(claim=claim.strip()),
        "answers": ["supported", "refuted"], "correct": _VERDICTS[verdict],
    }  # fmt: skip


def _scifact(place: str, row: Row) -> Row | None:
    name = f"{row['claim_id']}-{row['abstract_id']}"
    text = "\n".join([row["title"], "", *map(str.strip, row["abstract"])])
    return _judged(name, row["claim"], text, row["verdict"])


def _scifact_file(path: Path) -> Rows:
    """Claims a line, each with its verdict on the abstracts of `corpus.jsonl`."""
    corpus = path.parent / _CORPUS
    abstracts = {
        str(row["doc_id"]): row for _, row in parsed_lines(corpus) if not isinstance(row, Fault)
    }
    for place, claim in parsed_lines(path):
        if isinstance(claim, Fault):
            yield place, claim
            continue
        for document, rationales in claim.get("evidence", {}).items():
            if document not in abstracts:
                yield place, Fault(place, f"{corpus} has no document {document}")
                continue
            yield place, {
                "claim_id": claim.get("id"), "claim": claim.get("claim"), "abstract_id": document,
                "title": abstracts[document]["title"], "abstract": abstracts[document]["abstract"],
                "verdict": rationales[0]["label"],
            }  # fmt: skip


def _fever(place: str, row: Row) -> Row | None:
    sentences = dict.fromkeys(evidence[2].strip() for evidence in row["evidence"])
    return _judged(_name(row, "id"), row["claim"], "\n".join(sentences), row["label"])


SOURCES: Mapping[str, Source] = {
    "quality": Source("emozilla/quality", _each(_quality), _quality_file),
    "boolq": Source("google/boolq", _each(_boolq), parsed_lines),
    "squad": Source("rajpurkar/squad", _squad, _squad_file),
    "scifact": Source("allenai/scifact_entailment", _each(_scifact), _scifact_file, (_CORPUS,)),
    "fever": Source("copenlu/fever_gold_evidence", _each(_fever), parsed_lines),
}
"""Name -> data set."""
