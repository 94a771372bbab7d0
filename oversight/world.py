"""Worlds: where questions come from, what may be said about them, and who plays by default.

A world is a `World` plus the abilities it has. A protocol names the abilities it needs, so an
impossible pairing is refused before a game begins, with the worlds that do fit. Adding a world is
one file in `envs/worlds/` and one line in the registry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight.core import Case, Message, Seat, View
from oversight.spaces import Choose, Reply, Space, Write

if TYPE_CHECKING:
    from oversight.players import Agent


class World(ABC):
    """A source of cases. Constructors take keyword settings only and do no work until asked."""

    name: ClassVar[str]
    answers: int
    """The largest number of candidate answers a case of this world has."""
    size: int | None = None
    """How many distinct cases there are; None is endless."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the world was made with: plain values that rebuild it, kept in the manifest."""
        return {}

    @abstractmethod
    def case(self, index: int, seed: int) -> Case:
        """Case number `index` (0 ≤ index < size) in the order that `seed` puts them."""

    @abstractmethod
    def judge(self) -> Agent:
        """The weak judge that sits here unless the user names another."""

    @abstractmethod
    def debater(self) -> Agent:
        """The agent that plays every other seat unless the user names another."""

    def agent(self, seat: str, role: Seat) -> Agent:
        """Who plays `seat` by default: the judge where it decides, a keyed choice where it asks."""
        if "decide" in role.acts:
            return self.judge()
        if role.acts == ("ask",):
            from oversight.agents.simple import RandomAgent

            return RandomAgent()
        return self.debater()

    def draw(self, view: View) -> str:
        """The game so far, for a terminal."""
        lines = [view.question.prompt]
        lines += [f"  {message.seat}: {message.text}" for message in view.transcript]
        return "\n".join(lines)

    def draw_html(self, view: View) -> str:
        """A picture of the game so far as an HTML fragment; empty when there is nothing to see.

        Trusted as it is. Its colours may be the page's: `--seat-0` to `--seat-3`, by who first
        revealed something.
        """
        return ""


class Arguable(ABC):
    """Ability: seats can argue here, and what they say is published by the world."""

    @abstractmethod
    def argue_space(self, case: Case, transcript: Sequence[Message]) -> Space:
        """What may be said next: a `Choose` over the world's moves, or a `Write`."""

    @abstractmethod
    def publish(self, case: Case, seat: str, act: str, reply: Reply) -> Message:
        """What everybody hears when `seat` replies so: true to the case, whoever speaks."""

    @property
    @abstractmethod
    def argue_bound(self) -> Choose | Write:
        """The widest `argue_space` of any case; the environments size their actions by it."""


class Askable(ABC):
    """Ability: a judge can ask, and the next arguments are bound by the question."""

    @abstractmethod
    def ask_space(self, case: Case, transcript: Sequence[Message]) -> Choose | Write:
        """What may be asked."""

    @property
    @abstractmethod
    def ask_bound(self) -> Choose | Write:
        """The widest `ask_space` of any case; the environments size their actions by it."""

    @abstractmethod
    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The question as everybody hears it."""


class Unaided(ABC):
    """Ability: a judge left alone can look at the case by itself, at a price."""

    @abstractmethod
    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """What nature shows a judge who looks `budget` times; drawn from `key` alone."""


class Numeric(ABC):
    """Ability: a view can be written as numbers, so that agents can learn from it."""

    features: int
    """How many numbers a view becomes."""

    @abstractmethod
    def encode(self, view: View) -> NDArray[np.float32]:
        """The view as (features,) numbers in [-1, 1]."""
