"""A run's finished games, replayed one after the other: what every export is made from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from oversight.core import Message, OversightError, Side, View
from oversight.episode import Episode
from oversight.record import Record
from oversight.recorded import Recorded, reopen


class Game(NamedTuple):
    """A finished game: what was stored of it, and the game as it stood at its end."""

    record: Record
    episode: Episode
    judge: str
    """The deciding seat."""

    @property
    def heard(self) -> tuple[Message, ...]:
        """What the judge heard."""
        return self.episode.table.heard_by(self.judge)

    @property
    def verdict(self) -> tuple[float, ...]:
        """The judge's credences."""
        assert self.record.credences is not None  # it finished
        return self.record.credences

    @property
    def sides(self) -> dict[str, Side]:
        """Seat -> what it argued."""
        return dict(self.episode.table.sides)

    def opening(self, seat: str) -> View:
        """What a seat saw before anything was said."""
        return self.episode.table.view(seat)._replace(transcript=())


class Games(NamedTuple):
    """A run's arm, and its finished games."""

    run: Recorded
    games: Iterator[Game]


def games_of(directory: Path, arm: str = "main", data_dir: Path | None = None) -> Games:
    """The games of a run's arm. OversightError where nobody decides, or nothing was finished."""
    run = reopen(directory, arm, data_dir)
    judge = next((s for s, role in run.protocol.seats.items() if "decide" in role.acts), None)
    if judge is None:
        raise OversightError(f"nobody decides in {run.protocol.name}; there is nothing to export")
    finished = [record for record in run.store.records() if record.failure is None]
    if not finished:
        raise OversightError(f"{directory} holds no finished game of arm {arm}")

    def replayed() -> Iterator[Game]:
        for record in finished:
            yield Game(
                record,
                Episode.replay(run.protocol, run.world, record.episode, run.seed, record.replies),
                judge,
            )

    return Games(run, replayed())
