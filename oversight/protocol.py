"""A protocol as a value, and the `@protocol` decorator that makes one from a script.

`protocols/debate.py` is the example to copy; `oversight.table` is what its script plays at.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any

import pydantic

from oversight.core import Case, OversightError, Script, Seats
from oversight.registry import suggest
from oversight.table import Table
from oversight.world import Askable, World

Count = Annotated[int, pydantic.Field(ge=0)]
"""A parameter that counts something."""
Several = Annotated[int, pydantic.Field(ge=2)]
"""A parameter that counts two or more."""


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
