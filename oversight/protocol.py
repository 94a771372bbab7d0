"""How a protocol is written: the `@protocol` decorator, and the table its script plays at.

A script reads like the paper because the table does the bookkeeping: it builds turns with the right
view, numbers them for their keys, publishes what is said through the world, and keeps the
transcript. `protocols/debate.py` is the example to copy.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, cast

import pydantic

from oversight import keys
from oversight.core import (
    Case,
    Message,
    OversightError,
    Question,
    Script,
    Side,
    Step,
    Turn,
    View,
)
from oversight.registry import suggest
from oversight.spaces import Choose, Credences, Space
from oversight.world import Arguable, Askable, Unaided, World

Count = Annotated[int, pydantic.Field(ge=0)]
"""A parameter that counts something."""
Several = Annotated[int, pydantic.Field(ge=2)]
"""A parameter that counts two or more."""


First = Literal["random", "honest", "liar"]
"""Who holds the truth among seats in order: see `Table.place_sides`."""


class Seat(NamedTuple):
    """What a seat does in a protocol, and whether it sees the expert's material."""

    acts: tuple[str, ...]
    expert: bool = False
    spaces: Mapping[str, Space] = {}
    """The widest space of each act that is not the table's own (claim, argue, ask, decide)."""


Seats = Mapping[str, Seat]


@dataclass(frozen=True)
class Protocol:
    """A protocol as a value: a script with its parameters bound, that can be handed to another."""

    name: str
    paper: str
    script: Callable[..., Script]
    seat_plan: Seats | Callable[..., Seats]
    needs: tuple[type, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def seats(self) -> Seats:
        """Seat name -> what it does, under the bound parameters."""
        if callable(self.seat_plan):
            wanted = inspect.signature(self.seat_plan).parameters
            bound = {**self.defaults, **self.parameters}
            return self.seat_plan(**{name: bound[name] for name in wanted})
        return self.seat_plan

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Every parameter's default, as the script's signature states it."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.script).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }

    def bind(self, **values: Any) -> Protocol:
        """The same protocol with parameters set; text is read by the parameter's own type."""
        hints = typing.get_type_hints(self.script, include_extras=True)
        bound = dict(self.parameters)
        for name, value in values.items():
            if name not in self.defaults:
                raise OversightError(
                    f"{self.name} has no parameter {suggest(name, self.defaults, 'parameters')}"
                )
            try:
                bound[name] = pydantic.TypeAdapter(hints[name]).validate_python(value)
            except pydantic.ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise OversightError(
                    f"{self.name}: cannot set {name} to {value!r}: {reason}"
                ) from None
        return replace(self, parameters=bound)

    def missing(self, world: World | type[World]) -> tuple[str, ...]:
        """The abilities this protocol needs and the world lacks; empty when they fit."""
        kind = world if isinstance(world, type) else type(world)
        needs = set(self.needs)
        if any("ask" in seat.acts for seat in self.seats.values()):
            needs.add(Askable)
        return tuple(sorted(need.__name__ for need in needs if not issubclass(kind, need)))

    def __reduce__(self) -> tuple[Any, ...]:
        # The decorated name is this object, not the script, so pickle goes by the name.
        return (_unpickle, (self.script.__module__, self.name, dict(self.parameters)))

    def play(self, case: Case, table: Table) -> Script:
        """The script for one case at one table; `yield from` it to play inside another."""
        return self.script(case, table, **self.parameters)


def _unpickle(module: str, name: str, parameters: dict[str, Any]) -> Protocol:
    found: Protocol = getattr(importlib.import_module(module), name)
    return replace(found, parameters=parameters)


def protocol(
    *,
    paper: str,
    seats: Seats | Callable[..., Seats],
    needs: tuple[type, ...] = (),
) -> Callable[[Callable[..., Script]], Protocol]:
    """Make a script `(case, table, *, parameters) -> Script` into a `Protocol`.

    `seats` is a mapping, or a function of those of the script's parameters that it names.
    """

    def register(script: Callable[..., Script]) -> Protocol:
        made = Protocol(script.__name__, paper, script, seats, needs)
        object.__setattr__(made, "__doc__", script.__doc__)
        return made

    return register


class Table:
    """Where one episode is played: builds turns, publishes replies, keeps the transcript."""

    def __init__(self, world: World, case: Case, seats: Seats, key: int) -> None:
        self.world = world
        self.case = case
        self.key = key
        """Nature's key: hashed from the seed and the case, the same for every protocol."""
        self.transcript: tuple[Message, ...] = ()
        self.sides: dict[str, Side] = {}
        self._seats = seats
        self._ahead: tuple[tuple[str, ...], ...] = ()
        self._streams = {seat: keys.root(key, seat) for seat in seats}
        self._numbers = dict.fromkeys(seats, 0)
        self._whispers = False

    # What is drawn by nature

    def chance(self, *name: object) -> int:
        """A 64-bit key for a draw of nature's; the same name always gives the same luck."""
        return keys.root(self.key, "nature", *name)

    def place_sides(
        self,
        seats: Sequence[str],
        *,
        first: First = "random",
        lie: int | None = None,
        swap: bool = False,
    ) -> dict[str, Side]:
        """Give one seat the true answer and each of the others a false one of its own.

        `first` says who holds the truth: "honest" the first seat, "liar" a later one, "random" a
        fair coin of nature's. `lie` picks which false answer (counted from 0) the first liar gets;
        None draws it. `swap` turns the coin over, the rest of the luck unchanged.
        """
        truth = self.case.truth.unseal()
        lies = [a for a in range(len(self.case.question.answers)) if a != truth]
        if not 2 <= len(seats) <= len(lies) + 1:
            raise OversightError(
                f"sides are placed at two seats or more, and no more than there are answers "
                f"({len(lies) + 1}); got {len(seats)}"
            )
        if lie is not None and not 0 <= lie < len(lies):
            raise OversightError(f"lie must be in 0…{len(lies) - 1}, got {lie}")
        draw = keys.below(self.chance("lie"), len(lies)) if lie is None else lie
        lies = lies[draw:] + lies[:draw]
        match first:
            case "honest":
                place = 0
            case "liar":
                place = 1 + keys.below(self.chance("place"), len(seats) - 1)
            case "random":
                place = keys.below(self.chance("first"), len(seats))
        if swap:
            place = (place + 1) % len(seats)
        answers = [*lies[:place], truth, *lies[place:]]
        self.sides = {seat: Side(a) for seat, a in zip(seats, answers, strict=False)}
        return self.sides

    # Turns

    def turn(self, seat: str, act: str, instruction: str, space: Space) -> Turn:
        """A turn for `seat`, with everything it may see and nothing else."""
        number = self._numbers[seat]
        self._numbers[seat] = number + 1
        view = self.view(seat)
        return Turn(seat, act, instruction, view, space, self._streams[seat], number)

    def view(self, seat: str) -> View:
        """What `seat` sees now, whether or not it is to move."""
        return View(
            self.case.question,
            self.heard_by(seat) if self._whispers else self.transcript,
            self.case.private if self._seats[seat].expert else None,
            self.sides.get(seat),
            self._ahead,
        )

    def heard_by(self, seat: str) -> tuple[Message, ...]:
        """The part of the transcript that `seat` hears."""
        return tuple(m for m in self.transcript if m.audience is None or seat in m.audience)

    def say(self, message: Message) -> None:
        """Put a message on the transcript."""
        self.transcript = (*self.transcript, message)
        self._whispers = self._whispers or message.audience is not None

    def plan(self, steps: Sequence[Sequence[str]]) -> None:
        """Announce who argues from here on; seats that look ahead see it in their view."""
        self._ahead = tuple(tuple(step) for step in steps)

    # Acts

    def declare(self, seat: str, answer: int, audience: tuple[str, ...] | None = None) -> None:
        """Announce the side that a seat was assigned, as its claim."""
        text = f"My answer is {self.case.question.answers[answer]}."
        self.say(Message(seat, "claim", text, answer, audience))

    def claim(self, seat: str, instruction: str) -> Generator[Turn, Any, int]:
        """Let a seat pick its own answer; it becomes its side and its public claim."""
        answer = yield self.turn(seat, "claim", instruction, Choose(len(self.question.answers)))
        self.sides[seat] = Side(answer)
        self.declare(seat, answer)
        return answer

    def argue(
        self,
        seats: str | Sequence[str],
        instruction: str,
        audience: tuple[str, ...] | None = None,
    ) -> Generator[Step, Any, None]:
        """One argument by one seat, or one by each of several seats at the same moment.

        `instruction` may use {side}, the seat's own answer in words.
        """
        world = cast(Arguable, self.world)
        speakers = (seats,) if isinstance(seats, str) else tuple(seats)
        space = world.argue_space(self.case, self.transcript)
        turns = tuple(
            self.turn(seat, "argue", instruction.format(side=self.side_in_words(seat)), space)
            for seat in speakers
        )
        replies = (yield turns) if len(speakers) > 1 else ((yield turns[0]),)
        for seat, reply in zip(speakers, replies, strict=True):
            message = world.publish(self.case, seat, "argue", reply)
            self.say(message if audience is None else message._replace(audience=audience))
        self._ahead = self._ahead[1:]

    def ask(
        self, seat: str, instruction: str, audience: tuple[str, ...] | None = None
    ) -> Generator[Turn, Any, None]:
        """One question from the judge's side of the table, published by the world."""
        world = cast(Askable, self.world)
        reply = yield self.turn(
            seat, "ask", instruction, world.ask_space(self.case, self.transcript)
        )
        self.say(world.publish_question(self.case, seat, reply)._replace(audience=audience))

    def look(self, budget: int) -> None:
        """Nature shows the judge what it would find alone in `budget` looks."""
        world = cast(Unaided, self.world)
        for message in world.unaided(self.case, budget, self.chance("look")):
            self.say(message)

    def decide(self, seat: str, instruction: str) -> Generator[Turn, Any, tuple[float, ...]]:
        """The verdict: one credence an answer."""
        credences: tuple[float, ...] = yield self.turn(
            seat, "decide", instruction, Credences(len(self.question.answers))
        )
        return credences

    # Words

    @property
    def question(self) -> Question:
        """The public question."""
        return self.case.question

    def side_in_words(self, seat: str) -> str:
        """The seat's side as it is told to it."""
        side = self.sides.get(seat)
        if side is None:
            return "your own view"
        answer = self.case.question.answers[side.answer]
        return answer if side.supports else f"anything but {answer}"
