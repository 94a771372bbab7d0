"""What an overseer's feedback is made of: one kind of signal a value, rows aligned.

Prompts are numbers into `Task.prompts`; answers are (…, T) tokens, `PAD` after their end.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar

from jaxtyping import Bool, Float, Int
from torch import Tensor

Signal = Literal["demonstration", "preference", "list", "scalar", "critique", "attribute"]
SIGNALS: tuple[Signal, ...] = (
    "demonstration", "preference", "list", "scalar", "critique", "attribute",
)  # fmt: skip


class Demonstrations(NamedTuple):
    """Answers that somebody gave, to be imitated."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]


class Preferences(NamedTuple):
    """Of two answers to one prompt, which the overseer took for the better."""

    prompts: Int[Tensor, "rows"]
    chosen: Int[Tensor, "rows length"]
    rejected: Int[Tensor, "rows length"]


class Lists(NamedTuple):
    """Several answers to one prompt, the best first, as the overseer put them."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows items length"]
    scores: Float[Tensor, "rows items"]
    """What the overseer gave each, falling; its ranks, negated, where it gave no numbers."""


class Scored(NamedTuple):
    """Answers and what the overseer gave each for itself."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    rewards: Float[Tensor, "rows"]


class Unpaired(NamedTuple):
    """Answers and whether the overseer would have them."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    desirable: Bool[Tensor, "rows"]


class Critiqued(NamedTuple):
    """Answers, what is said against each, and several that heed it."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    faults: Int[Tensor, "rows"]
    """Which attribute the critique is about, a number into `Task.attributes`."""
    refined: Int[Tensor, "rows items length"]


class Attributed(NamedTuple):
    """Answers and the values of what the overseer sees of them."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    values: Float[Tensor, "rows attributes"]


Rows = TypeVar("Rows", bound=tuple[Tensor, ...])
"""Any of these, or another NamedTuple of columns."""


def take(data: Rows, rows: Int[Tensor, "some"]) -> Rows:
    """Some of the rows."""
    columns = (column[rows] for column in data)
    return type(data)(*columns)  # pyright: ignore[reportCallIssue] — a NamedTuple takes its columns
