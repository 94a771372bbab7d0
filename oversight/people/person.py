"""What people have in common wherever they sit: what they answered once is not asked again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from oversight.core import Turn
from oversight.people.journal import Journal
from oversight.players import Agent
from oversight.spaces import Reply

Answered = Callable[[Turn, Reply, float], None]
"""`(turn, reply, seconds)`, to be called as soon as a turn is answered."""


class Person(Agent):
    """A person in a seat; `journal` keeps every answer and its seconds."""

    replayable = False

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal or Journal()

    @property
    def label(self) -> str:
        """ "human"."""
        return "human"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """What is in the journal, and the rest as the person answers it."""
        found = [self.journal.find(turn) for turn in turns]
        open_ = [turn for turn, answer in zip(turns, found, strict=True) if answer is None]
        new = iter(self.asked(open_, self._keep) if open_ else [])
        return [next(new) if answer is None else answer.reply for answer in found]

    def _keep(self, turn: Turn, reply: Reply, seconds: float) -> None:
        self.journal.keep(turn, reply, seconds)

    @abstractmethod
    def asked(self, turns: Sequence[Turn], answered: Answered) -> list[Reply]:
        """A legal reply to each turn; `answered` is told of each as it is given."""
