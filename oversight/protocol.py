"""A protocol as a value, and the `@protocol` decorator that makes one from a script.

`protocols/debate.py` is the example to copy; `oversight.table` is what its script plays at.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, TypeAlias, TypeVar

import pydantic

from oversight.core import Case, OversightError, Script, Seats
from oversight.registry import load, pairs, suggest
from oversight.table import Table
from oversight.world import Askable, World

T = TypeVar("T")
Needs: TypeAlias = tuple[type, ...]

Count = Annotated[int, pydantic.Field(ge=0)]
"""A parameter that counts something."""
Positive = Annotated[int, pydantic.Field(ge=1)]
"""A parameter that counts one or more."""
Several = Annotated[int, pydantic.Field(ge=2)]
"""A parameter that counts two or more."""


@dataclass(frozen=True)
class Protocol:
    """A protocol as a value: a script with its parameters bound, that can be handed to another."""

    name: str
    paper: str
    script: Callable[..., Script]
    seat_plan: Seats | Callable[..., Seats]
    need_plan: Needs | Callable[..., Needs] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def seats(self) -> Seats:
        """Seat name -> what it does, under the bound parameters."""
        return self._given(self.seat_plan) if callable(self.seat_plan) else self.seat_plan

    @cached_property
    def needs(self) -> Needs:
        """The abilities it asks of a world, under the bound parameters."""
        return self._given(self.need_plan) if callable(self.need_plan) else self.need_plan

    def _given(self, plan: Callable[..., T]) -> T:
        wanted = inspect.signature(plan).parameters
        bound = {**self.defaults, **self.parameters}
        return plan(**{name: bound[name] for name in wanted})

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Every parameter's default, as the script's signature states it."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.script).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }

    @property
    def settings(self) -> dict[str, Any]:
        """Every parameter as a plain value, from which `bind` makes the same protocol."""
        bound = {**self.defaults, **self.parameters}
        return {name: v.spec if isinstance(v, Protocol) else v for name, v in bound.items()}

    @property
    def spec(self) -> str:
        """The protocol as a user writes it: `debate:rounds=2`; parts in parentheses."""
        shown = (
            f"{name}=({v.spec})" if isinstance(v, Protocol) else f"{name}={v}"
            for name, v in self.parameters.items()
        )
        return ":".join(filter(None, (self.name, ",".join(shown))))

    @property
    def parts(self) -> tuple[Protocol, ...]:
        """The protocols that were handed to this one."""
        return tuple(value for value in self.parameters.values() if isinstance(value, Protocol))

    def bind(self, **values: Any) -> Protocol:
        """The same protocol with parameters set; text is read by the parameter's own type.

        OversightError for an unknown parameter, a bad value, or a protocol handed to itself.
        """
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
        made = replace(self, parameters=bound)
        if self.name in _names_within(made):
            raise OversightError(
                f"{made.spec} recurses into itself: hand {self.name} a protocol that does not "
                "contain it"
            )
        return made

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


def _names_within(whole: Protocol) -> Iterator[str]:
    for part in whole.parts:
        yield part.name
        yield from _names_within(part)


def from_spec(spec: Any) -> Any:
    """The protocol that a spec names, such as `debate:rounds=2`; what is no text is left alone."""
    if not isinstance(spec, str):
        return spec
    if spec in ("", "None"):
        return None
    name, _, rest = spec.removeprefix("(").removesuffix(")").partition(":")
    return load("protocols", name).bind(**dict(pairs(rest, name)))


Part: TypeAlias = Annotated[
    pydantic.InstanceOf[Protocol] | None, pydantic.BeforeValidator(from_spec)
]
"""A parameter that is itself a protocol: a value, or its spec."""


def _unpickle(module: str, name: str, parameters: dict[str, Any]) -> Protocol:
    found: Protocol = getattr(importlib.import_module(module), name)
    return replace(found, parameters=parameters)


def protocol(
    *,
    paper: str,
    seats: Seats | Callable[..., Seats],
    needs: Needs | Callable[..., Needs] = (),
) -> Callable[[Callable[..., Script]], Protocol]:
    """Make a script `(case, table, *, parameters) -> Script` into a `Protocol`.

    `seats` is a mapping, or a function of those of the script's parameters that it names; so is
    `needs`, the abilities that a world must have.
    """

    def register(script: Callable[..., Script]) -> Protocol:
        made = Protocol(script.__name__, paper, script, seats, needs)
        object.__setattr__(made, "__doc__", script.__doc__)
        return made

    return register
