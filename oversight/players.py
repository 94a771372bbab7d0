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

Batch: TypeAlias = Callable[[Sequence[Turn]], Sequence[Reply]]
"""Many turns' replies, in order: an agent's `act`, or a part of it."""

Cast: TypeAlias = Mapping[str, Agent]
"""Who sits where: seat name -> agent."""


def divided(
    turns: Sequence[Turn], belongs: Callable[[Turn], bool], one: Batch, other: Batch
) -> list[Reply]:
    """Turns that belong played by one, all others by another; each is asked once, if at all."""
    replies: list[Reply] = [None] * len(turns)
    mine = [belongs(turn) for turn in turns]
    for play, owns in ((one, True), (other, False)):
        places = [place for place, own in enumerate(mine) if own is owns]
        if places:
            played = play([turns[place] for place in places])
            for place, reply in zip(places, played, strict=True):
                replies[place] = reply
    return replies


class Judge(Agent):
    """An agent for the deciding seat that needs nothing but views: override one of the two."""

    def judge(self, view: View) -> Sequence[float]:
        """One probability an answer of `view.question`; checked when played, never repaired."""
        raise NotImplementedError(f"{type(self).__name__} must define judge or judge_all")

    def judge_all(self, views: Sequence[View]) -> Sequence[Sequence[float]]:
        """The same for many views at once, where that is faster."""
        return [self.judge(view) for view in views]

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The credences for each turn's view."""
        return [_as_reply(one) for one in self.judge_all([turn.view for turn in turns])]


class _Function(Agent):
    """A function of many turns as an agent."""

    def __init__(self, act: Callable[[Sequence[Turn]], Sequence[Reply]], label: str) -> None:
        self._act = act
        self._label = label

    def act(self, turns: Sequence[Turn]) -> Sequence[Reply]:
        return self._act(turns)

    @property
    def label(self) -> str:
        return self._label


def agent(reply: Callable[[Turn], Reply]) -> Agent:
    """Lift a plain function `turn -> reply` to an agent; usable as a decorator."""
    return _Function(lambda turns: [reply(turn) for turn in turns], _name_of(reply))


def judge(credences: Callable[[View], Sequence[float]]) -> Agent:
    """Lift a plain function `view -> one probability an answer` to a judge; usable as a decorator.

    What it returns is checked when it plays (length, finite, non-negative, sum), never repaired.
    """
    return _Function(
        lambda turns: [_as_reply(credences(turn.view)) for turn in turns], _name_of(credences)
    )


def batched_judge(credences: Callable[[Sequence[View]], Sequence[Sequence[float]]]) -> Agent:
    """Lift a function `views -> credences of each` to a judge; usable as a decorator."""
    return _Function(
        lambda turns: [_as_reply(one) for one in credences([turn.view for turn in turns])],
        _name_of(credences),
    )


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


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _as_reply(credences: Sequence[float]) -> Any:
    """Credences as they are: the turn's space checks them, whatever they turn out to be."""
    return credences
