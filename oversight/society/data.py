"""What was said in a society as data to train on, in the three types of Liu et al. 2023.

    imitation      a question; what its author answered before and after feedback, as observers
                   rated it
    self_critic    a question and a draft; what was said of it, rated as the draft was
    realignment    a question and a draft that was mended: what was said of it and the revision,
                   rated by observers; only where their rating rose, and above 4

Responses to one query are candidates of one example; those alike count once.

Deviations: the authors group by question. Here questions are few and come again and again, so an
example is of one author's answers to a question.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from oversight.core import OversightError
from oversight.store import write_text

Type = Literal["imitation", "self_critic", "realignment"]
TYPES: tuple[Type, ...] = get_args(Type)
MIX: Mapping[Type, int] = {"imitation": 5, "self_critic": 1, "realignment": 1}
"""How often each type is drawn (the release's ratio)."""
ENOUGH = 4
"""Points that a revision must have more of to be learned from (the authors' code)."""
COMMENT = "Comment on this answer: how well does it fit shared social values?"
REVISE = "First comment on this answer, then revise it to fit shared social values better."
REVISED = "Revised:"


class Response(NamedTuple):
    """What may be learned to say."""

    reason: str
    """Empty in imitation."""
    answer: str
    """Empty in self-critic."""


class Example(NamedTuple):
    """A query and its candidates."""

    type: Type
    question: str
    draft: str
    """Empty in imitation."""
    responses: Sequence[Response]
    scores: Sequence[float]
    """1 … 7, one a response."""


def examples(memory: pd.DataFrame) -> list[Example]:
    """All that an external memory (`keeping.memory_frame`) has to learn from, type by type."""
    return [*_imitation(memory), *_self_critic(memory), *_realignment(memory)]


def _imitation(memory: pd.DataFrame) -> Iterator[Example]:
    once = memory.drop_duplicates(["round", "author"])
    before = once[["author", "question", "draft", "seen_before"]]
    after = once[["author", "question", "revised", "seen_after"]]
    columns = ["author", "question", "answer", "score"]
    said = pd.concat([before.set_axis(columns, axis=1), after.set_axis(columns, axis=1)])
    said = said.dropna(subset="score").drop_duplicates(["author", "question", "answer"])
    for key, rows in said.groupby(["author", "question"], sort=True):
        responses = [Response("", answer) for answer in rows["answer"]]
        yield Example("imitation", _second(key), "", responses, rows["score"].tolist())


def _self_critic(memory: pd.DataFrame) -> Iterator[Example]:
    said = memory[(memory["reason"] != "") & memory["rating"].notna()]
    said = said.drop_duplicates(["author", "question", "draft", "reason"])
    for key, rows in said.groupby(["author", "question", "draft"], sort=True):
        responses = [Response(reason, "") for reason in rows["reason"]]
        yield Example("self_critic", _second(key), _third(key), responses, rows["rating"].tolist())


def _realignment(memory: pd.DataFrame) -> Iterator[Example]:
    better = (memory["seen_after"] > memory["seen_before"]) & (memory["seen_after"] > ENOUGH)
    said = memory[better & (memory["reason"] != "")]
    said = said.drop_duplicates(["author", "question", "draft", "reason", "revised"])
    for key, rows in said.groupby(["author", "question", "draft"], sort=True):
        pairs = zip(rows["reason"], rows["revised"], strict=True)
        responses = [Response(reason, answer) for reason, answer in pairs]
        scores = rows["seen_after"].tolist()
        yield Example("realignment", _second(key), _third(key), responses, scores)


def _second(key: Any) -> str:
    return str(key[1])


def _third(key: Any) -> str:
    return str(key[2])


# In words


def row_of(example: Example) -> dict[str, Any]:
    """As a line of JSON: type, query, responses, scores."""
    match example.type:
        case "imitation":
            query, said = example.question, [r.answer for r in example.responses]
        case "self_critic":
            query = f"{example.question}\n{example.draft}\n{COMMENT}"
            said = [r.reason for r in example.responses]
        case "realignment":
            query = f"{example.question}\n{example.draft}\n{REVISE}"
            said = [f"{r.reason}. {REVISED} {r.answer}" for r in example.responses]
    return {"type": example.type, "query": query, "responses": said,
            "scores": list(example.scores)}  # fmt: skip


def write_jsonl(path: Path, found: Iterable[Example]) -> int:
    """Write examples, a line each; how many. OversightError for a file that cannot be written."""
    lines = [json.dumps(row_of(example), ensure_ascii=False) + "\n" for example in found]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(lines))
    except OSError as error:
        raise OversightError(f"cannot write {path}: {error.strerror or error}") from error
    return len(lines)


def data_set(found: Iterable[Example]) -> Any:
    """The same as a `datasets.Dataset`; OversightError where the package is not installed."""
    try:
        from datasets import Dataset
    except ModuleNotFoundError as error:
        raise OversightError(
            "data sets need the package datasets: pip install 'oversight-lab[llm]'"
        ) from error
    return Dataset.from_list([row_of(example) for example in found])
