"""Transcripts as JSONL, one game a line (`Transcript`): to take games elsewhere, and in from there.

| field | |
|---|---|
| `id` | text, different on every line |
| `question` | what was asked |
| `answers` | two or more candidate answers, all different |
| `correct` | the index of the right one, counted from 0 |
| `messages` | what the judge heard, in order: `seat`, `act` (claim, argue, ask, …), `text` |
| `sides` | optional: seat -> index of the answer that it argued for |
| `verdict` | optional: a judge's probability of each answer |
| `source` | optional: where the game is from |

The world `transcripts` (`oversight run reading --world transcripts:FILE`) lets any judge read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import pydantic

from oversight.core import Message
from oversight.exchange.games import Game
from oversight.text.data import Fault, Identified, parsed_lines, sifted

Text = Annotated[str, pydantic.Field(min_length=1)]


class Utterance(pydantic.BaseModel):
    """One message."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    seat: Text
    act: Text = "argue"
    text: str

    def message(self, answers: list[str]) -> Message:
        """As a judge hears it; a claim that names an answer is a claim of that answer."""
        claimed = None
        if self.act == "claim":
            claimed = next((a for a, words in enumerate(answers) if words in self.text), None)
        return Message(self.seat, self.act, self.text, claimed)


class Transcript(Identified):
    """One game, as a line of a file holds it."""

    question: Text
    answers: Annotated[list[Text], pydantic.Field(min_length=2)]
    correct: Annotated[int, pydantic.Field(ge=0)]
    messages: list[Utterance]
    sides: dict[str, int] = pydantic.Field(default_factory=dict[str, int])
    verdict: list[float] | None = None
    source: str = ""

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Transcript:
        if len(set(self.answers)) < len(self.answers):
            raise ValueError("answers must all be different")
        for name, index in {"correct": self.correct, **self.sides}.items():
            if not 0 <= index < len(self.answers):
                raise ValueError(
                    f"{name} is {index}, but answers are numbered 0 to {len(self.answers) - 1}"
                )
        if self.verdict is not None and len(self.verdict) != len(self.answers):
            raise ValueError(f"verdict has {len(self.verdict)} of {len(self.answers)} numbers")
        return self


class Read(NamedTuple):
    """What a file held, and the lines that were left out."""

    transcripts: tuple[Transcript, ...]
    faults: tuple[Fault, ...] = ()


def transcript_of(game: Game, source: str = "") -> Transcript:
    """A recorded game as a line of a file."""
    question = game.episode.case.question
    return Transcript(
        id=f"{game.record.case}-{game.record.episode}",
        question=question.prompt,
        answers=list(question.answers),
        correct=game.record.truth,
        messages=[Utterance(seat=m.seat, act=m.act, text=m.text) for m in game.heard],
        sides={seat: side.answer for seat, side in game.sides.items() if side.supports},
        verdict=list(game.verdict),
        source=source,
    )


def lines(transcripts: Iterable[Transcript]) -> Iterator[str]:
    """One JSON object a line."""
    for transcript in transcripts:
        yield json.dumps(transcript.model_dump(), ensure_ascii=False) + "\n"


def read_transcripts(path: Path, *, keep_going: bool = False) -> Read:
    """Read a file of transcripts; empty lines are skipped.

    DataError at the first line that is broken, with its number, field and remedy; with
    `keep_going` such lines are listed in `faults` instead. DataError too where nothing is left.
    """
    rows = parsed_lines(path)
    return Read(*sifted(rows, Transcript, keep_going=keep_going, whence=str(path)))
