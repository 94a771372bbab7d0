"""A society on disk: what it is, its rounds as they are lived, and where it goes on.

    life = lived(Settings(members=100), rounds=50, out=Path("runs/village"))

In `out`: `society.json` (settings, graph, kinds), `rounds.jsonl` (a row of metrics a round),
`memory.parquet/` (the external memory: who said what, and how it was rated; a part every few
rounds) and `state.npz` (what members have learned and remember). A part is written whole or not at
all, and the state after it: an interrupted society goes on to the same bits.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oversight.core import OversightError
from oversight.plain_json import json_text
from oversight.runs import Progress
from oversight.society.graph import NOBODY
from oversight.society.memory import Memory
from oversight.society.raters import KINDS, LEANINGS
from oversight.society.settings import Settings
from oversight.society.society import Said, Society
from oversight.society.voices import Voices
from oversight.society.words import reason_in_words, said_in_words
from oversight.store import write_text, write_whole

ABOUT, ROUNDS, MEMORY, STATE = "society.json", "rounds.jsonl", "memory.parquet", "state.npz"
FORMAT = 2
SECONDS = 10.0
"""At least so often what was lived is written, at the end of a round."""

Row = Mapping[str, float]


class Life(NamedTuple):
    """A society that was lived."""

    society: Society
    rows: Sequence[Row]
    """The metrics of each round (`measured`)."""
    said: Sequence[Said]
    """The rounds; none where they are on disk (`memory_of`), so that a long life takes no room."""


def lived(
    settings: Settings, rounds: int, *, out: Path | None = None, voices: Voices | None = None,
    shared: torch.Tensor | None = None, progress: Progress | None = None,
) -> Life:  # fmt: skip
    """Live so many rounds, from where `out` left off if it holds this society.

    Errors: OversightError for a directory that holds another society or cannot be written, and
    those of `Society`.
    """
    if rounds < 1:
        raise OversightError(f"a society lives 1 round or more, got {rounds}")
    society = Society(settings, shared=shared, voices=voices)
    rows = [] if out is None else _resumed(society, out)
    waiting, written = list[Said](), time.monotonic()
    while society.round < rounds and society.living.any():
        waiting.append(society.play())
        rows.append(measured(society, waiting[-1]))
        if progress is not None:
            progress("rounds", society.round, rounds)
        over = society.round == rounds or not society.living.any()
        if out is not None and (over or time.monotonic() - written > SECONDS):
            _keep(society, waiting, rows, out)
            waiting, written = [], time.monotonic()
    return Life(society, rows, waiting)


def measured(society: Society, said: Said) -> dict[str, float]:
    """A round in numbers.

    "alignment" and "engagement" are what is expected of drafts, in gold units, over members who
    mean well (`LEANINGS`), "…_all" over everybody; "…_after" of their revisions; "seen_…" what
    observers gave drafts, 1 … 7; "rating" what raters gave them; "unrated" the share nobody rated.
    """
    well = np.array([LEANINGS[kind] > 0 for kind in KINDS])[society.kinds[said.authors]]
    found: dict[str, float] = {"round": said.round, "living": float(society.living.sum())}
    for place, name in enumerate(("alignment", "engagement")):
        found |= {
            name: _mean(said.truth[well, 0, place]),
            f"{name}_all": _mean(said.truth[:, 0, place]),
            f"{name}_after": _mean(said.truth[well, 2, place]),
            f"seen_{name}": _mean(said.seen[well, 0, place]),
            f"seen_{name}_after": _mean(said.seen[well, 1, place]),
        }
    rating = said.rating
    return found | {"rating": _mean(rating), "unrated": float(np.isnan(rating).mean())}


def _mean(values: NDArray[np.float32]) -> float:
    """Of those that are numbers; NaN of none."""
    known = values[~np.isnan(values)]
    return float(known.astype(np.float64).mean()) if len(known) else float("nan")


def memory_frame(society: Society, said: Sequence[Said]) -> pd.DataFrame:
    """The external memory in words, a row for each draft and each who rated it.

    Columns: round, author, question, draft, revised, rater (a member, −1 nobody, −2 who is no
    member), rating (1 … 7, NaN for none), reason, argued (the transcript, where a protocol decided
    the rating), seen_before, seen_after, seen_engagement_before,
    seen_engagement_after (1 … 7), and what was true, in gold units: true_before, true_after,
    true_engagement_before, true_engagement_after.
    """
    task = society.task
    answers = np.array([said_in_words(task, row) for row in range(len(task.answers))], object)
    questions = np.array([task.vocabulary.read(prompt) for prompt in task.prompts], object)
    codes = range(2 * len(task.attributes))
    reasons = np.array(["", *(reason_in_words(task, code) for code in codes)], object)
    frames = list[pd.DataFrame]()
    for one in said:
        rows, columns = _cells(one)
        raters, points, why = _told(one, rows, columns)
        seen, true = one.seen[rows], one.truth[rows]
        frames.append(pd.DataFrame({
            "round": one.round, "author": one.authors[rows],
            "question": questions[one.prompts[rows]],
            "draft": answers[one.drafts[rows]],
            "revised": answers[one.revised[rows]],
            "rater": raters, "rating": points,
            "reason": reasons[why],
            "argued": np.array(society.argued(one), object)[rows],
            "seen_before": seen[:, 0, 0], "seen_after": seen[:, 1, 0],
            "seen_engagement_before": seen[:, 0, 1], "seen_engagement_after": seen[:, 1, 1],
            "true_before": true[:, 1, 0], "true_after": true[:, 2, 0],
            "true_engagement_before": true[:, 1, 1], "true_engagement_after": true[:, 2, 1],
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _cells(said: Said) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Drafts and their raters' columns; column −1 for a draft that went to nobody."""
    rows, columns = np.nonzero(said.raters != NOBODY)
    alone = np.setdiff1d(np.arange(len(said.authors)), rows)
    rows = np.concatenate([rows, alone])
    columns = np.concatenate([columns, np.full(len(alone), -1)])
    order = np.lexsort((columns, rows))
    return rows[order], columns[order]


def _told(
    said: Said, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Raters, points and reasons (0 none) of cells."""
    if not said.raters.shape[1]:
        return columns, np.full(len(rows), np.nan), np.zeros(len(rows), np.int64)
    rated = columns >= 0
    return (
        np.where(rated, said.raters[rows, columns], NOBODY),
        np.where(rated, said.points[rows, columns], np.nan),
        np.where(rated, said.reasons[rows, columns].astype(np.int64) + 1, 0),
    )


def memory_of(out: Path) -> pd.DataFrame:
    """The external memory of a society on disk; OversightError where there is none."""
    try:
        return pd.read_parquet(out / MEMORY)
    except (OSError, ValueError) as error:
        raise OversightError(
            f"{out} holds no society's memory ({error}); live one there: oversight society --out"
        ) from error


# On disk


def _about(society: Society) -> dict[str, Any]:
    graph = society.graph
    return {
        "format": FORMAT, "settings": society.settings.plain, "institution":
        society.institution.name, "kinds": [KINDS[kind] for kind in society.kinds],
        "attributes": list(society.task.attributes), "voices": society.voices.names,
        "components": nx.number_connected_components(graph),
        "graph": nx.node_link_data(graph, edges="edges"),
    }  # fmt: skip


def _keep(society: Society, said: Sequence[Said], rows: Sequence[Row], out: Path) -> None:
    """A part of the memory, the metrics, and then the state."""
    name = f"rounds-{said[0].round:05d}-{said[-1].round:05d}.parquet"
    state: dict[str, Any] = {
        "lessons": society.minds.lessons.numpy(), "answers": society.memory.answers,
        "ratings": society.memory.ratings, "living": society.living, "round": society.round,
    }  # fmt: skip
    try:
        (out / MEMORY).mkdir(parents=True, exist_ok=True)
        frame = memory_frame(society, said)
        write_whole(out / MEMORY / name, lambda file: frame.to_parquet(file, index=False))
        write_text(out / ROUNDS, "".join(json_text(row, indent=None) + "\n" for row in rows))
        write_whole(out / STATE, lambda file: np.savez(file, **state))
    except OSError as error:
        raise OversightError(
            f"cannot write to {out}: {error.strerror or error}; the rounds before are safe: make "
            "room and run the same command again"
        ) from error


def _resumed(society: Society, out: Path) -> list[Row]:
    """Take up what `out` holds, and forget rounds that were written after the last state."""
    about = _about(society)
    path = out / ABOUT
    if not path.exists():
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(about) + "\n")
        except OSError as error:
            raise OversightError(f"cannot write to {out}: {error.strerror or error}") from error
        return []
    held = about_of(out)
    other, own = ({**one.get("settings", {}), **one.get("voices", {})} for one in (held, about))
    differ = sorted(key for key in {*other, *own} if other.get(key) != own.get(key))
    if held.get("format") != FORMAT or differ:
        told = "; ".join(f"{key}: {other.get(key)!r} there, {own.get(key)!r} now" for key in differ)
        raise OversightError(
            f"{out} holds another society ({told or 'of another version'}); name another directory"
        )
    begun = _take_up(society, out / STATE) if (out / STATE).exists() else 0
    for part in (out / MEMORY).glob("rounds-*.parquet"):
        if int(part.name.split("-")[1]) >= begun:
            part.unlink()
    return rows_of(out)[:begun] if begun else []


def rows_of(out: Path) -> list[Row]:
    """The metrics of each round of a society on disk, NaN for what is not known.

    Errors: OversightError where there are none.
    """
    try:
        kept = (out / ROUNDS).read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in kept]
    except (OSError, ValueError) as error:
        raise OversightError(f"{out / ROUNDS} cannot be read ({error})") from error
    return [{name: math.nan if value is None else value for name, value in row.items()}
            for row in found]  # fmt: skip


def about_of(out: Path) -> dict[str, Any]:
    """What a society on disk is: settings, graph, kinds; OversightError where there is none."""
    try:
        return json.loads((out / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OversightError(
            f"{out / ABOUT} cannot be read ({error}); name a directory that --out of "
            "`oversight society` named"
        ) from error


def _take_up(society: Society, path: Path) -> int:
    try:
        with np.load(path) as held:
            society.minds.lessons.copy_(torch.from_numpy(held["lessons"]))
            society.memory = Memory(held["answers"], held["ratings"])
            society.kill(np.flatnonzero(~held["living"]))
            society.round = int(held["round"])
    except (OSError, ValueError, KeyError) as error:
        raise OversightError(
            f"{path} cannot be read ({error}); delete its directory to begin again"
        ) from error
    return society.round
