"""Replies as Gymnasium actions, one kind a class.

A seat has one action space, wide enough for all its acts on every case of the world:

- `Choose` is a `Discrete`, masked by what the turn allows; where any act of the seat may be
  silent, the last index is silence;
- `Credences` is a `Box` of weights in [0, 1], one an answer (float64: a judge's credences pass
  through unchanged). Weights that sum to 1 are taken as they are, others are divided by their sum,
  all zeros are uniform, and weights of answers that the case has not are left out;
- `Number` is a `Box` of one number, `Write` a `Text` (empty is silence, where silence is allowed);
- `Pick` is a `MultiDiscrete`, an entry a place in the list; the last index leaves a place empty;
- a seat that acts in several ways has a `Dict` of them (`choice`, `list`, `credences`, `number`,
  `text`); the entries that its act does not ask for are ignored.
"""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from gymnasium import spaces as gym_spaces
from numpy.typing import NDArray

from oversight.core import OversightError
from oversight.spaces import TOLERANCE, Choose, Credences, Number, Pick, Reply, Space, Write


class Actions(ABC):
    """How one seat's replies are written as actions, and read back."""

    space: gym_spaces.Space[Any]
    mask_key: str | None = None
    """Where observations carry the mask; None has no mask."""

    @abstractmethod
    def decode(self, action: Any, space: Space) -> Any:
        """The reply that an action means; unchecked. TypeError or ValueError if it means none."""

    @abstractmethod
    def encode(self, reply: Reply, space: Space) -> Any:
        """The action that means this legal reply: the inverse of `decode`."""

    def mask(self, space: Space | None) -> NDArray[np.int8]:
        """(n,) 1 where an action is legal; `space` is None while the seat has nothing to do."""
        raise NotImplementedError(f"{type(self).__name__} has no mask")


class Choices(Actions):
    """An index below `n`; where there is silence, it is the last index, `n` itself."""

    mask_key = "action_mask"

    def __init__(self, bounds: Sequence[Choose]) -> None:
        self.n = max(bound.n for bound in bounds)
        self.silence = any(bound.silence for bound in bounds)
        self.width = self.n + self.silence
        self.space = gym_spaces.Discrete(self.width)

    def decode(self, action: Any, space: Space) -> int | None:
        """The index, or None for silence."""
        index = operator.index(action)
        return None if self.silence and index == self.n else index

    def encode(self, reply: Reply, space: Space) -> np.int64:
        """The index as a NumPy integer."""
        return np.int64(self.n if reply is None else cast(int, reply))

    def mask(self, space: Space | None) -> NDArray[np.int8]:
        """(n,) or, where there is silence, (n + 1,)."""
        if not isinstance(space, Choose):
            return np.ones(self.width, np.int8)
        mask = np.zeros(self.width, np.int8)
        if space.legal is None:
            mask[: space.n] = 1
        elif space.legal:
            mask[list(space.legal)] = 1
        if space.silence:
            mask[self.n] = 1
        return mask


class Weights(Actions):
    """Credences up to a factor."""

    def __init__(self, bounds: Sequence[Credences]) -> None:
        self.n = max(bound.n for bound in bounds)
        self.space = gym_spaces.Box(0.0, 1.0, (self.n,), np.float64)

    def decode(self, action: Any, space: Space) -> tuple[float, ...]:
        """Credences over the answers that the case has."""
        weights: list[float] = np.asarray(action, np.float64).ravel().tolist()
        if len(weights) != self.n:
            raise ValueError(f"expected {self.n} weights, one an answer, got {len(weights)}")
        weights = weights[: cast(Credences, space).n]
        total = sum(weights)
        if abs(total - 1) <= TOLERANCE or not 0 <= min(weights) <= total < np.inf:
            return tuple(weights)  # as they are: legal already, or for the check to refuse
        if total == 0:
            return (1.0 / len(weights),) * len(weights)
        return tuple([weight / total for weight in weights])

    def encode(self, reply: Reply, space: Space) -> NDArray[np.float64]:
        """(n,), 0 for answers that the case has not."""
        weights = np.zeros(self.n)
        credences = cast(tuple[float, ...], reply)
        weights[: len(credences)] = credences
        return weights


class Value(Actions):
    """One real number."""

    def __init__(self, bounds: Sequence[Number]) -> None:
        low, high = min(bound.low for bound in bounds), max(bound.high for bound in bounds)
        self.space = gym_spaces.Box(low, high, (1,), np.float64)

    def decode(self, action: Any, space: Space) -> float:
        """The number."""
        return float(np.asarray(action, np.float64).reshape(()))

    def encode(self, reply: Reply, space: Space) -> NDArray[np.float64]:
        """(1,)."""
        return np.array([reply], np.float64)


class Words(Actions):
    """Free text. Any characters are understood, also those that the space does not sample."""

    def __init__(self, bounds: Sequence[Write]) -> None:
        self.space = text_space(max(bound.limit for bound in bounds))

    def decode(self, action: Any, space: Space) -> str:
        """The text."""
        if not isinstance(action, str):
            raise TypeError(f"expected text, got {type(action).__name__}")
        return action

    def encode(self, reply: Reply, space: Space) -> str:
        """The text; empty for silence."""
        return "" if reply is None else cast(str, reply)


class Lists(Actions):
    """Several indices below `n` in a row; index `n` leaves its place empty."""

    def __init__(self, bounds: Sequence[Pick]) -> None:
        self.n, self.most = max(b.n for b in bounds), max(b.most for b in bounds)
        self.space = gym_spaces.MultiDiscrete([self.n + 1] * self.most)

    def decode(self, action: Any, space: Space) -> tuple[int, ...]:
        """The listed indices, in order."""
        places = np.asarray(action)
        if places.shape != (self.most,):
            raise ValueError(f"expected {self.most} places, an index or {self.n} in each")
        listed = [operator.index(item) for item in places.tolist()]
        return tuple([item for item in listed if item != self.n])

    def encode(self, reply: Reply, space: Space) -> NDArray[np.int64]:
        """(most,), empty places last."""
        places = np.full(self.most, self.n, np.int64)
        listed = cast(tuple[int, ...], reply)
        places[: len(listed)] = listed
        return places


class Mixture(Actions):
    """A seat that acts in several ways: an entry a way, of which its act asks for one."""

    def __init__(self, ways: Mapping[type, tuple[str, Actions]]) -> None:
        self.ways = ways
        self.entries = [entry for entry, _ in ways.values()]
        self.space = gym_spaces.Dict({entry: way.space for entry, way in ways.values()})
        self.mask_key = "choice_mask" if Choose in ways else None

    def decode(self, action: Any, space: Space) -> Any:
        """What the entry that the act asks for means."""
        if not isinstance(action, Mapping):
            raise TypeError(f"expected a mapping of {', '.join(self.entries)}, got {action!r}")
        entry, way = self.ways[type(space)]
        return way.decode(action.get(entry), space)

    def encode(self, reply: Reply, space: Space) -> dict[str, Any]:
        """The entries that are not asked for are 0, or empty."""
        return {
            entry: way.encode(reply, space) if kind is type(space) else _nothing(way.space)
            for kind, (entry, way) in self.ways.items()
        }

    def mask(self, space: Space | None) -> NDArray[np.int8]:
        """The mask of `choice`; all 1 while the seat does something else."""
        return self.ways[Choose][1].mask(space)


_WAYS: Mapping[type, tuple[str, Callable[[Sequence[Any]], Actions]]] = {
    Choose: ("choice", Choices),
    Pick: ("list", Lists),
    Credences: ("credences", Weights),
    Number: ("number", Value),
    Write: ("text", Words),
}
"""Kind of space -> the name of its entry in a mixture, and how it is acted."""


def actions_of(seat: str, bounds: Sequence[Space]) -> Actions:
    """The one way of acting that covers all of a seat's spaces; OversightError if it has none."""
    ways = {
        kind: (entry, way(held))
        for kind, (entry, way) in _WAYS.items()
        if (held := [bound for bound in bounds if isinstance(bound, kind)])
    }
    if not ways:
        raise OversightError(f"{seat} has nothing to do; give it an act, or leave it out")
    [(_, only), *others] = ways.values()
    return Mixture(ways) if others else only


def _nothing(space: gym_spaces.Space[Any]) -> Any:
    """An action that stands where none is asked for."""
    match space:
        case gym_spaces.Text():
            return ""
        case gym_spaces.Discrete():
            return np.int64(0)
        case _:
            return np.zeros(space.shape or (), space.dtype)


# Texts

_BLOCKS = (
    (0x09, 0x0A),  # tab, newline
    (0x20, 0x7E),
    (0xA0, 0x24F),  # Latin
    (0x370, 0x4FF),  # Greek, Cyrillic
    (0x2010, 0x205E),  # punctuation
    (0x2190, 0x22FF),  # arrows, mathematics
    (0x2500, 0x259F),  # boxes and blocks
    (0xFFFD, 0xFFFD),  # stands for every other character
)
_CHARACTERS = frozenset(chr(code) for first, last in _BLOCKS for code in range(first, last + 1))
_STRANGE = re.compile(f"[^{''.join(f'{chr(first)}-{chr(last)}' for first, last in _BLOCKS)}]")


def text_space(longest: int) -> gym_spaces.Text:
    """Texts of up to `longest` characters, in the scripts that `readable` keeps."""
    return gym_spaces.Text(longest, min_length=0, charset=_CHARACTERS)


def readable(text: str) -> str:
    """The text with every character that text spaces do not hold replaced by U+FFFD."""
    return _STRANGE.sub("\ufffd", text)
