"""Games to open in a page: which ones, and each as it was played, replayed from its replies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from oversight.core import Message, View
from oversight.decomposition import read_back
from oversight.episode import Episode, EpisodeFailed
from oversight.protocol import Protocol
from oversight.report.trees import drawn_tree
from oversight.reveal import Reveal
from oversight.study import Transcript
from oversight.world import World

MOST = 12
"""Games a page shows unless asked for more."""

FAILED, WRONG, TIED, RIGHT = "failed", "wrong", "tied", "right"
KINDS = (FAILED, WRONG, TIED, RIGHT)
"""How a game ends, the order in which a page shows them."""


class Line(NamedTuple):
    """One message, as a page shows it."""

    number: int | None
    """Its number in the world's picture; None if it reveals nothing."""
    seat: str
    act: str
    text: str
    audience: str
    """Who heard it; empty when everybody did."""


class Bar(NamedTuple):
    """One answer of the verdict."""

    answer: str
    credence: float
    true: bool
    argued_by: tuple[str, ...]


class Game(NamedTuple):
    """One game, as a page shows it."""

    episode: int
    case: str
    kind: str
    """One of `KINDS`."""
    question: str
    truth: str
    picture: str
    """The world's own HTML; may be empty."""
    lines: Sequence[Line]
    seats: Mapping[str, int]
    """Seat that spoke -> its place among the colours."""
    bars: Sequence[Bar]
    """The verdict; empty when the game failed."""
    rewards: Mapping[str, float]
    failure: str

    @property
    def verdict(self) -> str:
        """The verdict in words; of a game that failed, why it did."""
        if not self.bars:
            return self.failure
        top = max(bar.credence for bar in self.bars)
        first = " and ".join(bar.answer for bar in self.bars if bar.credence == top)
        return f"{first} at {100 * top:.0f} %; the truth is {self.truth}"


def games_of(
    protocol: Protocol, world: World, frame: pd.DataFrame, seed: int, most: int = MOST
) -> list[Game]:
    """A mix of a run's games: failed ones first, then wrong, tied and right, in the order played.

    `frame` is an arm's episodes, as `play_arm` gives them. The same frame gives the same games.
    """
    return [_game(protocol, world, row, seed) for row in _chosen(frame, most)]


def transcripts_of(
    protocol: Protocol,
    world: World,
    frame: pd.DataFrame,
    seed: int,
    most: int = MOST,
    label: str = "",
) -> list[Transcript]:
    """The same, as an experiment reports them; `label` says of which setting they are."""
    shown: list[Transcript] = []
    for game in games_of(protocol, world, frame, seed, most):
        title = f"{game.kind}: {game.case}, {game.verdict}"
        lines = [_in_words(line) for line in game.lines]
        shown.append(
            Transcript(f"{label}, {title}" if label else title, game.picture, lines, game.verdict)
        )
    return shown


def _chosen(frame: pd.DataFrame, most: int) -> Iterator[Any]:
    """Failures take at most a third; each other kind an equal share of what is left, if it can."""
    by_kind: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    rows: list[Any] = frame.sort_values("episode").to_dict("records")
    for row in rows:
        by_kind[_kind(row)].append(row)
    taken = {FAILED: min(len(by_kind[FAILED]), max(1, most // 3))}
    others = sorted((WRONG, TIED, RIGHT), key=lambda kind: len(by_kind[kind]))
    for place, kind in enumerate(others):  # the scarcest first: what it leaves goes to the others
        left = most - sum(taken.values())
        taken[kind] = min(len(by_kind[kind]), -(-left // (len(others) - place)))
    for kind in KINDS:
        yield from by_kind[kind][: taken[kind]]


def _kind(row: Mapping[str, Any]) -> str:
    if isinstance(row["failure"], str):
        return FAILED
    return RIGHT if row["correct"] == 1 else WRONG if row["correct"] == 0 else TIED


def _game(protocol: Protocol, world: World, row: Mapping[str, Any], seed: int) -> Game:
    replies = [tuple(r) if isinstance(r, list) else r for r in json.loads(row["replies"])]
    played = Episode.replay(protocol, world, int(row["episode"]), seed, replies)
    said, answers = played.table.transcript, played.case.question.answers
    lines = list(_lines(said))
    truth = int(row["truth"])
    failure = json.loads(row["failure"]) if isinstance(row["failure"], str) else None
    return Game(
        int(row["episode"]),
        str(row["case"]),
        _kind(row),
        played.case.question.prompt,
        answers[truth],
        world.draw_html(View(played.case.question, said, played.case.private, None, ()))
        + _tree(row),
        lines,
        _places(lines),
        [] if failure else _bars(row, answers, truth),
        json.loads(row["rewards"]),
        str(EpisodeFailed(**failure)) if failure else "",
    )


def _tree(row: Mapping[str, Any]) -> str:
    """The decomposition that the record keeps, drawn; empty if there was none."""
    held = row["decomposition"]
    return drawn_tree(read_back(held)) if isinstance(held, str) else ""


def _bars(row: Mapping[str, Any], answers: Sequence[str], truth: int) -> list[Bar]:
    sides: Mapping[str, int] = json.loads(row["sides"])
    return [
        Bar(answer, float(credence), place == truth, tuple(s for s in sides if sides[s] == place))
        for place, (answer, credence) in enumerate(zip(answers, row["credences"], strict=True))
    ]


def _lines(said: Sequence[Message]) -> Iterator[Line]:
    revealed = 0
    for message in said:
        shows = isinstance(message.data, Reveal)
        revealed += shows
        heard = "" if message.audience is None else ", ".join(message.audience)
        yield Line(revealed if shows else None, message.seat, message.act, message.text, heard)


def _places(lines: Sequence[Line]) -> dict[str, int]:
    """Seats in the order in which a world's picture colours them: those that reveal come first."""
    revealing = [line.seat for line in lines if line.number is not None]
    return {seat: i for i, seat in enumerate(dict.fromkeys([*revealing, *(x.seat for x in lines)]))}


def _in_words(line: Line) -> str:
    number = "" if line.number is None else f"{line.number}. "
    return f"{number}{line.seat} ({line.act}): {line.text}"
