"""A finished episode, as it is stored: its replies, how it ended, what was true, and its tree."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import networkx as nx

from oversight.core import Message
from oversight.decomposition import read_back, written
from oversight.episode import Episode, EpisodeFailed
from oversight.spaces import Reply
from oversight.table import evidence


class Failure(NamedTuple):
    """Why an episode could not go on."""

    seat: str
    act: str
    number: int
    """Which of the seat's turns it was, counted from 0."""
    reason: str


class Record(NamedTuple):
    """One episode. What the protocol paid and what was true are kept apart."""

    episode: int
    case: str
    truth: int
    credences: tuple[float, ...] | None
    """The verdict; None when the episode failed."""
    correct: float | None
    """1 when the judge's first answer is the true one, 1/m when it ties with m−1 others, else 0."""
    rewards: Mapping[str, float]
    metrics: Mapping[str, float]
    sides: Mapping[str, int]
    """The answer each seat argued for; seats that argued *against* an answer are left out."""
    arguments: int
    """How much evidence the judge read, argued or looked up: the budget of comparisons."""
    claims: int
    """How many different answers were claimed aloud."""
    turns: Mapping[str, int]
    """How often each seat was asked."""
    replies: Sequence[Reply]
    transcript: str
    failure: Failure | None = None
    decomposition: str | None = None
    """The questions that were taken apart, as node-link JSON: see `tree`. None if none was."""

    @property
    def tree(self) -> nx.DiGraph[int] | None:
        """Questions with their `answer` and `text`, an edge from each to each of its parts."""
        return None if self.decomposition is None else read_back(self.decomposition)


def record_of(episode: Episode, failed: EpisodeFailed | None = None) -> Record:
    """The record of an episode that has ended, or that `failed`."""
    said = episode.table.transcript
    outcome = episode.outcome
    truth = episode.case.truth.unseal()
    credences = None if outcome is None else outcome.credences
    return Record(
        episode.index,
        episode.case.id,
        truth,
        credences,
        None if credences is None else credit(credences, truth),
        {} if outcome is None else outcome.rewards,
        {} if outcome is None else outcome.metrics,
        {seat: side.answer for seat, side in episode.table.sides.items() if side.supports},
        evidence(said),
        len({m.data for m in said if m.act == "claim"}),
        episode.table.asked,
        episode.replies,
        script_text(said),
        None if failed is None else Failure(failed.seat, failed.act, failed.number, failed.reason),
        written(said),
    )


def record_of_nothing(index: int, failed: EpisodeFailed) -> Record:
    """The record of an episode that broke before it had a case or a turn."""
    why = Failure(failed.seat, failed.act, failed.number, failed.reason)
    return Record(index, f"episode-{index}", -1, None, None, {}, {}, {}, 0, 0, {}, [], "", why)


def credit(credences: Sequence[float], truth: int) -> float:
    """1 if the truth is believed most, 1/m if it shares the first place with m−1 others, else 0."""
    best = max(credences)
    return 1.0 / credences.count(best) if credences[truth] == best else 0.0


def script_text(messages: Sequence[Message]) -> str:
    """The transcript as lines `seat (act): text`."""
    return "\n".join([f"{m.seat} ({m.act}): {m.text}" for m in messages])


def as_row(record: Record) -> dict[str, Any]:
    """The record as plain values, for JSON; its `tree`, if it has one, as node-link data."""
    row = record._asdict()
    row["failure"] = None if record.failure is None else record.failure._asdict()
    held = row.pop("decomposition")
    return row if held is None else {**row, "tree": json.loads(held)}
