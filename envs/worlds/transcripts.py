"""Games that were played elsewhere, from a file; `oversight.exchange.transcripts` has the format.

Any judge can read them (`oversight run reading --world transcripts:FILE`). The expert's material
did not come along, so nothing can be argued anew. The judge that sits here by default believes the
answer that was claimed last, a control that any reader should beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from oversight import keys
from oversight.core import Case, Message, OversightError, Question, Sealed, View
from oversight.derived import derived
from oversight.exchange.transcripts import Transcript, read_transcripts
from oversight.players import Agent, Judge
from oversight.world import Transcribed, World


class Transcripts(World, Transcribed):
    """Recorded games, for any judge to read."""

    name: ClassVar[str] = "transcripts"

    def __init__(self, file: str | Path | None = None, keep_going: bool = False) -> None:
        """`keep_going` leaves lines out that cannot be read, instead of stopping at the first."""
        self.file = None if file is None else Path(file)
        self.keep_going = keep_going

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return {"file": None if self.file is None else str(self.file),
                "keep_going": self.keep_going}  # fmt: skip

    @property
    def files(self) -> Sequence[Path]:
        """The file of the games."""
        return () if self.file is None else (self.file,)

    @cached_property
    def _games(self) -> Sequence[Transcript]:
        if self.file is None:
            raise OversightError(
                "the world transcripts needs a file: write --world transcripts:FILE.jsonl"
            )
        return read_transcripts(self.file, keep_going=self.keep_going).transcripts

    @cached_property
    def _by_id(self) -> Mapping[str, Transcript]:
        return {game.id: game for game in self._games}

    @derived
    def size(self) -> int:
        """How many games there are."""
        return len(self._games)

    @derived
    def answers(self) -> int:
        """The most candidate answers of any game."""
        return self._widest

    @cached_property
    def _widest(self) -> int:
        return max(len(game.answers) for game in self._games)

    def case(self, index: int, seed: int) -> Case:
        """Game number `index` in the order that `seed` shuffles them into."""
        order = keys.generator(keys.root(seed, "order")).permutation(self.size)
        game = self._games[int(order[index])]
        question = Question(game.question, tuple(game.answers))
        return Case(game.id, question, None, Sealed(game.correct))

    def said(self, case: Case) -> Sequence[Message]:
        """All that the file has of the game."""
        game = self._by_id[case.id]
        return [each.message(game.answers) for each in game.messages]

    def judge(self) -> Agent:
        """Believes the last claim."""
        return LastClaim()

    def debater(self) -> Agent:
        """Nobody debates here."""
        raise OversightError("nobody argues on the world transcripts: its games are over")


class LastClaim(Judge):
    """Believes the answer that was claimed last; each as much where none was."""

    @property
    def label(self) -> str:
        """ "last claim"."""
        return "last claim"

    def judge(self, view: View) -> Sequence[float]:
        """All or nothing."""
        n = len(view.question.answers)
        named = [m.data for m in view.transcript if m.act == "claim" and m.data is not None]
        return [float(a == named[-1]) for a in range(n)] if named else [1 / n] * n
