"""A claim priced, taken apart into claims that back it, and contested down to one that is checked.

Doubt is 1 − price. A claim's doubt is shared out among the claims that back it, so prices cannot
contradict one another: exactly one of them is taken to be at fault, if any is. What the check of
the last claim shows its price to be off by is added to the first price: the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oversight.core import Message


class Priced(NamedTuple):
    """How likely the whole claim is right, as the estimator says first."""

    price: float


class Apportioned(NamedTuple):
    """The doubt about a claim, shared out among those that back it."""

    claim: int
    parts: tuple[int, ...]
    doubts: tuple[float, ...]


class Contest(NamedTuple):
    """The claim that the prover opens, and whether it is sounder than priced, or less sound."""

    claim: int
    sounder: bool
    doubt: float


def correction(doubt: float, passes: bool | None) -> float:
    """By how much a check shows a price to be too low; 0 if it told nothing.

    >>> correction(0.75, True), correction(0.75, False), correction(0.75, None)
    (0.75, -0.25, 0.0)
    """
    return 0.0 if passes is None else float(passes) - (1 - doubt)


def settled(transcript: Sequence[Message]) -> float | None:
    """What the claim is worth after its check; None where nothing was priced and checked."""
    first = next((m.data.price for m in transcript if isinstance(m.data, Priced)), None)
    contest = next((m.data for m in reversed(transcript) if isinstance(m.data, Contest)), None)
    if first is None or contest is None:
        return None
    passes: bool | None = transcript[-1].data.passes
    return min(1.0, max(0.0, first + correction(contest.doubt, passes)))
