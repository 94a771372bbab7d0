"""The nouns: what is asked, what is said, who is to move, and how a game ends.

A protocol is a **script**: a generator that yields turns and receives replies. Everything that
runs one (the rollout, a PettingZoo environment, a replay, a person at the terminal) speaks only in
these types. Neighbours: `spaces` (what may be replied), `protocol` (how scripts are written),
`episode` (one script under way).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from oversight import keys
from oversight.spaces import Reply, Space

T = TypeVar("T")


class OversightError(Exception):
    """Something the user can mend; the message says how. The command line prints it and exits 2."""


class Question(NamedTuple):
    """What everybody sees: a prompt and two or more candidate answers."""

    prompt: str
    answers: tuple[str, ...]
    data: Any = None
    """The world's own record of what is asked (a circuit, tokens), for agents that know it."""


class Sealed(Generic[T]):
    """A value that only trusted code opens: scripts that place sides, and the scorer.

    It prints as `<sealed>`, so that no log line and no prompt carries it by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def unseal(self) -> T:
        """The value. Never call this from an agent, a judge or a view."""
        return self._value

    def __repr__(self) -> str:
        return "<sealed>"


@dataclass(frozen=True, slots=True)
class Case:
    """One item of a world: the public question, the expert's material, and the sealed truth."""

    id: str
    question: Question
    private: Any = field(repr=False)
    """What an expert seat sees (an image, a passage); never the answer itself."""
    truth: Sealed[int] = field(repr=False)
    """Index of the true answer."""

    def with_truth(self, answer: int) -> Case:
        """The same case with another sealed truth; the firewall's tests are made of these."""
        return replace(self, truth=Sealed(answer))


SILENCE = "(silence)"
"""The text of a message by a seat that chose to say nothing."""


class Message(NamedTuple):
    """Something said aloud, as the world published it."""

    seat: str
    act: str
    text: str
    data: Any = None
    """The world's own record of it: a claimed answer's index, a revealed pixel, a checked quote."""
    audience: tuple[str, ...] | None = None
    """The seats that hear it; None is everybody."""


class Side(NamedTuple):
    """What a seat was told to argue: for an answer, or (`supports=False`) against it."""

    answer: int
    supports: bool = True


class View(NamedTuple):
    """All that a seat sees when it moves."""

    question: Question
    transcript: tuple[Message, ...]
    private: Any
    """The expert's material for seats that have it, else None."""
    side: Side | None
    """What this seat argues, if the protocol assigned it a side."""
    ahead: tuple[tuple[str, ...], ...]
    """Who argues from here on, as the protocol has fixed it: one tuple of seats a step."""


class Seat(NamedTuple):
    """What a seat does in a protocol, and whether it sees the expert's material."""

    acts: tuple[str, ...]
    expert: bool = False
    spaces: Mapping[str, Space] = {}
    """The widest space of each act that is neither the table's own nor the world's."""
    graded: float | None = None
    """A level of skill other than the seat's own, where a world can grade it; see `level`."""

    @property
    def level(self) -> float:
        """How far up from the judge's skill (0) to the expert's (1)."""
        return float(self.expert) if self.graded is None else self.graded


Seats: TypeAlias = Mapping[str, Seat]
"""Seat name -> what it does."""


class Turn(NamedTuple):
    """A seat is to move: what it is asked to do, what it sees, what it may reply."""

    seat: str
    act: str
    """One of the field's words: claim, argue, ask, decide, price, rate, decompose, …"""
    instruction: str
    view: View
    space: Space
    stream: int
    number: int

    @property
    def key(self) -> int:
        """64 random bits of this turn, a hash of (seed, case, seat, turn number).

        Whatever a seat draws, it draws from this: no state, so any order gives the same game.
        """
        return keys.fold(self.stream, self.number)


class Outcome(NamedTuple):
    """How a game ended."""

    credences: tuple[float, ...]
    """The verdict: one probability an answer."""
    rewards: Mapping[str, float]
    """What the protocol pays each seat. What was true is recorded apart from what was paid."""
    metrics: Mapping[str, float] = {}


Step: TypeAlias = Turn | tuple[Turn, ...]
Script: TypeAlias = Generator[Step, Any, Outcome]
"""Yields a turn (or a tuple of simultaneous turns), receives its reply (or a tuple of them)."""

R = TypeVar("R")


def together(*scripts: Generator[Any, Any, R]) -> Generator[tuple[Turn, ...], Any, tuple[R, ...]]:
    """Advance sub-scripts side by side: each round yields every script's pending turns at once.

    Returns their results in the order given. Scripts may end at different times, and may
    themselves be made of `together`.
    """
    results: dict[int, R] = {}
    waiting: dict[int, tuple[Generator[Any, Any, R], Step]] = {}

    def advance(place: int, script: Generator[Any, Any, R], answer: Any) -> None:
        try:
            waiting[place] = (script, script.send(answer))
        except StopIteration as stop:
            waiting.pop(place, None)
            results[place] = stop.value

    for place, script in enumerate(scripts):
        advance(place, script, None)
    while waiting:
        steps = list(waiting.items())
        flat = tuple(turn for _, (_, step) in steps for turn in turns_of(step))
        replies: Iterator[Reply] = iter((yield flat))
        answers: list[Any] = [
            next(replies) if isinstance(step, Turn) else tuple(next(replies) for _ in step)
            for _, (_, step) in steps
        ]
        for (place, (script, _)), answer in zip(steps, answers, strict=True):
            advance(place, script, answer)
    return tuple(results[place] for place in range(len(scripts)))


def turns_of(step: Step) -> tuple[Turn, ...]:
    """The turns of a step, one or several."""
    return (step,) if isinstance(step, Turn) else step
