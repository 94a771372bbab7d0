"""Who gives feedback on answers: simulated annotators, or any judge and protocol of the house.

An overseer says which signals it gives; a method that needs another is refused before it begins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple, NoReturn

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from oversight.alignment.signals import Signal
from oversight.core import OversightError


class Critique(NamedTuple):
    """What is said against answers."""

    faults: Int[Tensor, "batch"]
    """The attribute that is most wanting, a number into `Task.attributes`."""
    refined: Int[Tensor, "batch items length"]
    """Answers that heed it, edited from the one criticised."""


class Overseer(ABC):
    """Gives feedback; what it does not give, its methods refuse.

    Prompts are (B,) numbers into `Task.prompts`, answers (B, T) tokens. `draw` is the luck of who
    answers: the same generator gives the same feedback.
    """

    name: str
    gives: frozenset[Signal]

    @abstractmethod
    def esteem(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """What it makes of answers in expectation, without luck: the proxy reward of metrics."""

    def credence(
        self, prompts: Int[Tensor, "batch"], first: Int[Tensor, "batch length"],
        second: Int[Tensor, "batch length"], draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """How likely it finds the first the better of two answers, shown in this order."""
        self._refuse("preference")

    def prefers(
        self, prompts: Int[Tensor, "batch"], first: Int[Tensor, "batch length"],
        second: Int[Tensor, "batch length"], draw: torch.Generator,
    ) -> Bool[Tensor, "batch"]:  # fmt: skip
        """Its vote for the first, drawn by its credence."""
        credence = self.credence(prompts, first, second, draw)
        return torch.rand(len(prompts), generator=draw) < credence

    def score(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """A number for each answer by itself, more for the better."""
        self._refuse("scalar")

    def rank(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch items length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch items"]:  # fmt: skip
        """Numbers that put several answers in order, more for the better."""
        self._refuse("list")

    def critique(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"], items: int,
        draw: torch.Generator,
    ) -> Critique:  # fmt: skip
        """What is wrong with each answer, and `items` refinements of it."""
        self._refuse("critique")

    def label(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch attributes"]:  # fmt: skip
        """The attributes of each answer that it sees, as it sees them; 0 for the others."""
        self._refuse("attribute")

    def lacking(self, needs: Iterable[Signal]) -> str | None:
        """What of the signals needed it does not give, and who does; None if it gives all."""
        missing = [signal for signal in needs if signal not in self.gives]
        return f"needs {missing[0]} signals, and {self.name} {self._offers}" if missing else None

    @property
    def _offers(self) -> str:
        gives = ", ".join(sorted(self.gives)) or "nothing"
        return f"gives {gives}; the annotators of the world preferences give every signal"

    def _refuse(self, signal: Signal) -> NoReturn:
        raise OversightError(f"{self.name} gives no {signal} signal: it {self._offers}")
