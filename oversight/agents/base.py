"""The one contract of everything that plays: turns in, replies out, many at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from oversight.core import OversightError, Turn, View
from oversight.spaces import Reply


class Agent(ABC):
    """Plays any seat it can: replies to a batch of turns, from possibly different games.

    A reply may depend on its own turn alone (its view and its key), never on the batch it comes
    in: that is what makes episodes the same at any width.
    """

    replayable: bool = True
    """False for back ends that cannot promise the same reply twice (a language model)."""

    @abstractmethod
    def act(self, turns: Sequence[Turn]) -> Sequence[Reply]:
        """One reply a turn, in order."""

    def prepare(self, rehearse: Rehearsal) -> None:  # noqa: B027 — most agents need nothing
        """Learn what it must before a run; `rehearse` plays games that the run does not count."""

    @property
    def label(self) -> str:
        """How manifests and reports name it."""
        return type(self).__name__


Rehearsal: TypeAlias = Callable[[Agent, int], Sequence[Any]]
"""`(judge, episodes) -> records` of the coming run's own game, on cases kept apart from it."""

Cast: TypeAlias = Mapping[str, Agent]
"""Who sits where: seat name -> agent."""


class OneByOne(Agent):
    """A plain function of one turn, lifted to an agent."""

    def __init__(self, reply: Callable[[Turn], Reply], label: str) -> None:
        self._reply = reply
        self._label = label

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The function's reply to each turn."""
        return [self._reply(turn) for turn in turns]

    @property
    def label(self) -> str:
        """The function's name."""
        return self._label


def agent(reply: Callable[[Turn], Reply]) -> Agent:
    """Lift a plain function `turn -> reply` to an agent; usable as a decorator."""
    return OneByOne(reply, getattr(reply, "__name__", type(reply).__name__))


def judge(credences: Callable[[View], Sequence[float]]) -> Agent:
    """Lift a plain function `view -> one probability an answer` to a judge; usable as a decorator.

    What it returns is checked when it plays (length, finite, non-negative, sum), never repaired.
    """
    label = getattr(credences, "__name__", type(credences).__name__)
    return OneByOne(lambda turn: credences(turn.view), label)  # type: ignore[arg-type,return-value]


def as_agent(thing: Any) -> Agent:
    """An agent from whatever a user may name for a playing seat."""
    return _lift(thing, agent)


def as_judge(thing: Any) -> Agent:
    """A judge from whatever a user may name: a function of the view, a class, or an agent."""
    return _lift(thing, judge)


def _lift(thing: Any, lift: Callable[[Any], Agent]) -> Agent:
    if isinstance(thing, type) and issubclass(thing, Agent):
        thing = thing()
    if isinstance(thing, Agent):
        return thing
    if callable(thing):
        return lift(thing)
    raise OversightError(
        f"{thing!r} cannot play: give a function, an Agent, or a class of Agent without arguments"
    )
