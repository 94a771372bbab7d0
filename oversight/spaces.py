"""What may be replied to a turn.

Small frozen values rather than Gymnasium spaces: an engine makes hundreds of thousands a second,
and a Gymnasium space carries a random generator. `oversight.encoding` turns them into Gymnasium
spaces for the environments.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class NoReply:
    """In place of a reply that could not be had: never legal, and its episode fails with `reason`.

    So an agent that is asked many things at once loses none of what it could answer.
    """

    reason: str


Reply: TypeAlias = int | float | str | tuple[float, ...] | tuple[int, ...] | NoReply | None
"""An index (Choose), several (Pick), a number, a text (Write), credences, or None for silence."""

ANSWERS = "the candidate answers"
TOLERANCE = 1e-6
"""How far credences may be from summing to one."""


def numbered(names: Iterable[str]) -> str:
    """What numbers stand for where each has a name.

    >>> numbered(["helpful", "honest"])
    '0 helpful, 1 honest'
    """
    return ", ".join(f"{number} {name}" for number, name in enumerate(names))


class IllegalReply(ValueError):
    """A reply outside the turn's space; the message says what would have been legal."""


@dataclass(frozen=True, slots=True)
class Choose:
    """Pick one of `n` numbered things; `legal` narrows them, and `silence` allows None."""

    n: int
    legal: tuple[int, ...] | None = None
    """The legal indices, ascending; None is all n."""
    silence: bool = False
    why: str = ""
    """Why the others are not legal."""
    of: str = ""
    """What the numbers stand for, in a few words, for who reads them; `ANSWERS` where they are the
    question's candidate answers."""

    def check(self, reply: Any) -> int | None:
        """The reply as a plain int (or None for silence); IllegalReply otherwise."""
        if type(reply) is int and self.legal is None and 0 <= reply < self.n:
            return reply
        if reply is None:
            if self.silence:
                return None
            raise IllegalReply("silence is not allowed here; reply one of the legal indices")
        if isinstance(reply, bool) or not isinstance(reply, numbers.Integral):
            raise IllegalReply(f"expected an index below {self.n}, got {reply!r}")
        index = int(reply)
        if not 0 <= index < self.n:
            raise IllegalReply(f"{index} is outside 0…{self.n - 1}")
        if self.legal is not None and index not in self.legal:
            why = f": {self.why}" if self.why else ""
            raise IllegalReply(f"{index} is not among the {len(self.legal)} legal replies{why}")
        return index

    @property
    def options(self) -> Sequence[int]:
        """The legal indices."""
        return range(self.n) if self.legal is None else self.legal


@dataclass(frozen=True, slots=True)
class Pick:
    """List at most `most` of `n` numbered things, in order, with repeats; () lists none."""

    n: int
    most: int
    barred: tuple[int, ...] = ()
    """Things that cannot be listed here."""
    why: str = ""
    """Why they cannot."""

    def check(self, reply: Any) -> tuple[int, ...]:
        """The reply as a tuple of plain ints; IllegalReply naming what is wrong with it."""
        if isinstance(reply, str) or not hasattr(reply, "__iter__"):
            raise IllegalReply(f"expected a list of indices below {self.n}, got {reply!r}")
        listed = tuple(reply)
        if len(listed) > self.most:
            raise IllegalReply(f"{len(listed)} things are listed; the most is {self.most}")
        one = Choose(self.n)
        items = tuple([int(one.check(item) or 0) for item in listed])
        for item in items:
            if item in self.barred:
                raise IllegalReply(f"{item} cannot be listed: {self.why or 'it is barred here'}")
        return items

    @property
    def options(self) -> Sequence[int]:
        """What can be listed."""
        return [item for item in range(self.n) if item not in self.barred]


@dataclass(frozen=True, slots=True)
class Credences:
    """One probability for each of `n` answers, checked and never repaired."""

    n: int

    def check(self, reply: Any) -> tuple[float, ...]:
        """The credences as a tuple of floats; IllegalReply naming what is wrong with them."""
        if isinstance(reply, str) or not hasattr(reply, "__len__"):
            raise IllegalReply(f"expected {self.n} credences, got {reply!r}")
        if len(reply) != self.n:
            raise IllegalReply(f"expected {self.n} credences, one an answer, got {len(reply)}")
        try:
            credences = tuple([float(value) for value in reply])
        except (TypeError, ValueError) as error:
            raise IllegalReply(f"credences must be numbers: {error}") from None
        if not all(map(math.isfinite, credences)):
            raise IllegalReply(f"credences must be finite, got {_short(credences)}")
        if min(credences) < 0:
            raise IllegalReply(f"credences must not be negative, got {_short(credences)}")
        if abs(sum(credences) - 1) > TOLERANCE:
            raise IllegalReply(
                f"credences must sum to 1 (within {TOLERANCE:g}), got {sum(credences):.6g}; "
                "normalise them in the judge"
            )
        return credences


@dataclass(frozen=True, slots=True)
class Number:
    """A real number in [low, high]: a price, a rating."""

    low: float
    high: float

    def check(self, reply: Any) -> float:
        """The reply as a float; IllegalReply if it is no number in the range."""
        if isinstance(reply, bool) or not isinstance(reply, numbers.Real):
            raise IllegalReply(f"expected a number in [{self.low:g}, {self.high:g}], got {reply!r}")
        value = float(reply)
        if not self.low <= value <= self.high:  # NaN fails both comparisons
            raise IllegalReply(f"expected a number in [{self.low:g}, {self.high:g}], got {value!r}")
        return value


@dataclass(frozen=True, slots=True)
class Write:
    """Free text of at most `limit` characters; `silence` allows None, and "" is then silence."""

    limit: int = 2000
    silence: bool = False

    def check(self, reply: Any) -> str | None:
        """The text (or None for silence); IllegalReply if it is no text or too long."""
        if reply is None and self.silence:
            return None
        if not isinstance(reply, str):
            raise IllegalReply(f"expected text, got {type(reply).__name__}")
        if len(reply) > self.limit:
            raise IllegalReply(f"text of {len(reply)} characters; the limit is {self.limit}")
        return reply or (None if self.silence else "")


Space: TypeAlias = Choose | Pick | Credences | Number | Write


def _short(values: tuple[float, ...]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:6])
    return f"({shown}{', …' if len(values) > 6 else ''})"
