"""Views and turns as Gymnasium spaces: what every environment shares.

**Observations** are a `Dict`. Worlds that are `Numeric` give `observation`: the view as numbers,
then one number an act of the seat, 1 for the act it is to do now. Others give `prompt`, `answers`,
`material`, `transcript` and `instruction` as `Text`. A seat whose action is a `Discrete` also has
`action_mask` (in a `Dict`, `choice_mask`): 1 where the action is legal, and 1 everywhere while the
seat has nothing to do, because its action is then ignored.

How seats act is in `oversight.actions`.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from gymnasium import spaces as gym_spaces
from numpy.typing import NDArray

from oversight.actions import actions_of, readable, text_space
from oversight.core import OversightError, Seat, Turn, View
from oversight.protocol import Protocol
from oversight.record import script_text
from oversight.spaces import Choose, Credences, IllegalReply, Pick, Reply, Space
from oversight.world import Arguable, Askable, Decomposable, Numeric, Presentable, World

LONGEST = 100_000
"""Characters that a text observation holds: transcripts keep their end, other texts their start."""

Observation = dict[str, Any]
"""One value for each key of the seat's observation space."""

TEXTS = ("prompt", "answers", "material", "transcript", "instruction")


class SeatEncoding:
    """One seat's spaces on one world: `observe` writes what it sees, `decode` reads its action.

    Spaces carry a random generator, so every environment builds its own.
    """

    observation_space: gym_spaces.Dict

    def __init__(self, seat: str, role: Seat, world: World) -> None:
        acts = acts_on(role, world)
        self.acts = {act: place for place, act in enumerate(acts)}
        self.actions = actions_of(seat, [bound_of(seat, act, role, world) for act in acts])
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


def acts_on(role: Seat, world: World) -> tuple[str, ...]:
    """What a seat does on this world: work is presented only where claims have any."""
    presents = isinstance(world, Presentable)
    return tuple(act for act in role.acts if presents or act != "present")


def bound_of(seat: str, act: str, role: Seat, world: World) -> Space:
    """The widest space that an act can have on this world.

    OversightError for an act that is not the table's own and that the seat gives no space.
    """
    if act in role.spaces:
        return role.spaces[act]
    match act:
        case "claim":
            return Choose(world.answers)
        case "decide" | "price":
            return Credences(world.answers)
        case "argue":
            return cast(Arguable, world).argue_bound
        case "ask":
            return cast(Askable, world).ask_bound
        case "present":
            return cast(Presentable, world).present_bound
        case "decompose":
            return Pick(cast(Decomposable, world).nodes, cast(Decomposable, world).branching)
        case "subquestion" | "inspect":
            return Choose(cast(Decomposable, world).nodes, silence=True)
        case "answer":
            return Choose(cast(Decomposable, world).choices)
        case _:
            raise OversightError(
                f"nothing says what {seat} may reply when it is to {act}; "
                f"give its seat the widest space: Seat(…, spaces={{{act!r}: Number(0, 1)}})"
            )


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
