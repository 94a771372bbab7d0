"""Turns and replies as Gymnasium spaces: what every environment shares.

**Actions.** A seat has one action space, wide enough for all its acts on every case of the world:

- `Choose` is a `Discrete`, masked by what the turn allows; where any act of the seat may be
  silent, the last index is silence;
- `Credences` is a `Box` of weights in [0, 1], one an answer (float64: a judge's credences pass
  through unchanged). Weights that sum to 1 are taken as they are, others are divided by their sum,
  all zeros are uniform, and weights of answers that the case has not are left out;
- `Number` is a `Box` of one number, `Write` a `Text` (empty is silence, where silence is allowed);
- a seat that chooses and writes has a `Dict` of `choice` and `text`; the entry that its act does
  not ask for is ignored. Any other mixture is refused: a role that acts in two ways is two seats.

**Observations** are a `Dict`. Worlds that are `Numeric` give `observation`: the view as numbers,
then one number an act of the seat, 1 for the act it is to do now. Others give `prompt`, `answers`,
`material`, `transcript` and `instruction` as `Text`. A seat whose action is a `Discrete` also has
`action_mask` (in a `Dict`, `choice_mask`): 1 where the action is legal, and 1 everywhere while the
seat has nothing to do, because its action is then ignored.
"""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from gymnasium import spaces as gym_spaces
from numpy.typing import NDArray

from oversight.core import OversightError, Seat, Turn, View
from oversight.protocol import Protocol
from oversight.record import script_text
from oversight.spaces import (
    TOLERANCE,
    Choose,
    Credences,
    IllegalReply,
    Number,
    Reply,
    Space,
    Write,
)
from oversight.world import Arguable, Askable, Numeric, World

LONGEST = 100_000
"""Characters that a text observation holds: transcripts keep their end, other texts their start."""

Observation = dict[str, Any]
"""One value for each key of the seat's observation space."""


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


class ChoiceAndWords(Actions):
    """A seat that chooses in some acts and writes in others."""

    mask_key = "choice_mask"

    def __init__(self, choices: Sequence[Choose], writes: Sequence[Write]) -> None:
        self.choice, self.text = Choices(choices), Words(writes)
        self.space = gym_spaces.Dict({"choice": self.choice.space, "text": self.text.space})

    def decode(self, action: Any, space: Space) -> Any:
        """What the entry that the act asks for means."""
        if not isinstance(action, Mapping):
            raise TypeError(f"expected a mapping of choice and text, got {action!r}")
        if isinstance(space, Choose):
            return self.choice.decode(action.get("choice"), space)
        return self.text.decode(action.get("text"), space)

    def encode(self, reply: Reply, space: Space) -> dict[str, Any]:
        """The entry that is not asked for is 0, or empty."""
        if isinstance(space, Choose):
            return {"choice": self.choice.encode(reply, space), "text": ""}
        return {"choice": np.int64(0), "text": self.text.encode(reply, space)}

    def mask(self, space: Space | None) -> NDArray[np.int8]:
        """The mask of `choice`; all 1 while the seat writes."""
        return self.choice.mask(space)


class SeatEncoding:
    """One seat's spaces on one world: `observe` writes what it sees, `decode` reads its action.

    Spaces carry a random generator, so every environment builds its own.
    """

    observation_space: gym_spaces.Dict

    def __init__(self, seat: str, role: Seat, world: World) -> None:
        self.acts = {act: place for place, act in enumerate(role.acts)}
        self.actions = _actions(seat, [bound_of(seat, act, role, world) for act in role.acts])
        self._world = world
        self._numeric = isinstance(world, Numeric)
        self._features = world.features if isinstance(world, Numeric) else 0
        self.action_space = self.actions.space
        self.observation_space = gym_spaces.Dict(self._observed())

    def observe(self, view: View, turn: Turn | None) -> Observation:
        """A view as an observation; `turn` is None while the seat has nothing to do."""
        seen = self._as_numbers(view, turn) if self._numeric else _as_text(view, turn)
        if self.actions.mask_key is not None:
            seen[self.actions.mask_key] = self.mask(turn)
        return seen

    def decode(self, action: Any, turn: Turn) -> Reply:
        """The legal reply that an action means at this turn.

        IllegalReply if the action means nothing, or something that is not allowed here.
        """
        try:
            reply = self.actions.decode(action, turn.space)
        except (TypeError, ValueError) as error:
            raise IllegalReply(f"no action: {error}") from None
        return turn.space.check(reply)

    def encode(self, reply: Reply, turn: Turn) -> Any:
        """The action that means this reply: what turns recorded games into demonstrations."""
        return self.actions.encode(reply, turn.space)

    def mask(self, turn: Turn | None) -> NDArray[np.int8]:
        """(n,) the mask of the seat's discrete action. NotImplementedError if it has none."""
        return self.actions.mask(None if turn is None else turn.space)

    def _observed(self) -> dict[str, gym_spaces.Space[Any]]:
        observed: dict[str, gym_spaces.Space[Any]] = {}
        if self._numeric:
            width = self._features + len(self.acts)
            observed["observation"] = gym_spaces.Box(-1.0, 1.0, (width,), np.float32)
        else:
            observed |= {name: text_space(LONGEST) for name in TEXTS}
        if self.actions.mask_key is not None:
            width = len(self.actions.mask(None))
            observed[self.actions.mask_key] = gym_spaces.Box(0, 1, (width,), np.int8)
        return observed

    def _as_numbers(self, view: View, turn: Turn | None) -> Observation:
        numbers = np.zeros(self._features + len(self.acts), np.float32)
        numbers[: self._features] = cast(Numeric, self._world).encode(view)
        if turn is not None:
            numbers[self._features + self.acts[turn.act]] = 1
        return {"observation": numbers}


def encodings(protocol: Protocol, world: World) -> dict[str, SeatEncoding]:
    """Seat -> how it sees and acts. OversightError for a seat that has no action space."""
    return {seat: SeatEncoding(seat, role, world) for seat, role in protocol.seats.items()}


def bound_of(seat: str, act: str, role: Seat, world: World) -> Space:
    """The widest space that an act can have on this world.

    OversightError for an act that is not the table's own and that the seat gives no space.
    """
    if act in role.spaces:
        return role.spaces[act]
    match act:
        case "claim":
            return Choose(world.answers)
        case "decide":
            return Credences(world.answers)
        case "argue":
            return cast(Arguable, world).argue_bound
        case "ask":
            return cast(Askable, world).ask_bound
        case _:
            raise OversightError(
                f"nothing says what {seat} may reply when it is to {act}; "
                f"give its seat the widest space: Seat(…, spaces={{{act!r}: Number(0, 1)}})"
            )


def _actions(seat: str, bounds: Sequence[Space]) -> Actions:
    choices = [bound for bound in bounds if isinstance(bound, Choose)]
    credences = [bound for bound in bounds if isinstance(bound, Credences)]
    numbers = [bound for bound in bounds if isinstance(bound, Number)]
    writes = [bound for bound in bounds if isinstance(bound, Write)]
    match bool(choices), bool(credences), bool(numbers), bool(writes):
        case True, False, False, False:
            return Choices(choices)
        case False, True, False, False:
            return Weights(credences)
        case False, False, True, False:
            return Value(numbers)
        case False, False, False, True:
            return Words(writes)
        case True, False, False, True:
            return ChoiceAndWords(choices, writes)
        case _:
            kinds = sorted({type(bound).__name__ for bound in bounds})
            raise OversightError(
                f"{seat} acts in ways that share no action space ({', '.join(kinds) or 'none'}); "
                "a role that acts in two ways is two seats"
            )


# Texts

TEXTS = ("prompt", "answers", "material", "transcript", "instruction")

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


def _as_text(view: View, turn: Turn | None) -> Observation:
    texts = {
        "prompt": view.question.prompt,
        "answers": "\n".join(view.question.answers),
        "material": "" if view.private is None else str(view.private),
        "instruction": "" if turn is None else turn.instruction,
    }
    seen: Observation = {name: readable(text)[:LONGEST] for name, text in texts.items()}
    seen["transcript"] = readable(script_text(view.transcript))[-LONGEST:]
    return seen
