"""What reveal worlds, additive judges and searching debaters say to each other.

In a reveal world an argument is a *move*: showing the judge one piece of the expert's material (a
pixel, later a sentence), published true. An additive judge sums one row a move; that is what lets a
debater search thousands of positions a move (`oversight.search`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.core import View
from oversight.players import Agent


class Reveal(NamedTuple):
    """The data of a message that shows a piece of evidence."""

    move: int
    value: float


class AdditiveJudge(Agent):
    """A judge with one hidden layer, additive over what is revealed; debaters can search it.

    hidden = relu(bias + Σ rows[move]); logits = head @ hidden + head_bias.
    """

    @property
    @abstractmethod
    def bias(self) -> NDArray[np.float32]:
        """(H,): the hidden sum when nothing is revealed."""

    @property
    @abstractmethod
    def head(self) -> NDArray[np.float32]:
        """(C, H): from the hidden layer to the logits."""

    @property
    @abstractmethod
    def head_bias(self) -> NDArray[np.float32]:
        """(C,)."""

    @abstractmethod
    def rows(self, private: Any) -> NDArray[np.float32]:
        """(A, H): what each move of an expert's material adds to the hidden sum."""

    @abstractmethod
    def belief(self, private: Sequence[Any]) -> NDArray[np.float64]:
        """(B, C): an expert's credences from the whole of each material."""


def revealed(view: View) -> list[Reveal]:
    """What the seat has seen revealed, in order."""
    return [message.data for message in view.transcript if isinstance(message.data, Reveal)]


def claimed(view: View) -> list[int]:
    """The different answers claimed so far, in order of claiming."""
    return list(dict.fromkeys(m.data for m in view.transcript if m.act == "claim"))


def standing(view: View, answers: int) -> NDArray[np.float32]:
    """(2·answers + 1,) where the game stands, as numbers: claims, the seat's own side, steps left.

    For worlds that write a view as numbers; what is revealed they write before it.
    """
    numbers = np.zeros(2 * answers + 1, np.float32)
    numbers[claimed(view)] = 1
    if view.side is not None:
        numbers[answers + view.side.answer] = 1 if view.side.supports else -1
    numbers[-1] = min(1.0, len(view.ahead) / 16)
    return numbers
