"""From what a user names to who sits where."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from oversight.core import OversightError
from oversight.players import Agent, Cast, as_agent, as_judge
from oversight.protocol import Protocol
from oversight.registry import Setting, build, suggest
from oversight.world import World

Named = str | object
"""A spec (see `registry`), or the thing itself: an agent, or a function to be lifted."""


class Casting(NamedTuple):
    """A cast, and how a manifest names each of its members."""

    cast: Cast
    names: Mapping[str, str]


def cast_for(
    protocol: Protocol,
    world: World,
    agents: Mapping[str, Named] | None = None,
    judge: Named | None = None,
) -> Casting:
    """Seat everybody: the judge first, then whoever is named, then the world's own agents.

    `agents` maps a seat, or several at once by their common name (`debater` for `debater_0` and
    `debater_1`), to a spec or an object. Seats given the same spec share one agent and are asked
    together. Errors: a seat the protocol has not, and those of the registry.
    """
    seats = protocol.seats
    named = _by_seat(protocol, agents or {})
    deciding = [seat for seat, role in seats.items() if "decide" in role.acts]
    judging = deciding[0] if deciding else None
    if judge is not None and judging is None:
        raise OversightError(f"nobody decides in {protocol.name}: leave the judge out")
    if judge is not None:
        named |= dict.fromkeys(deciding, judge)
    cast: dict[str, Agent] = {}
    names: dict[str, str] = {}
    shared: dict[Named, Agent] = {}
    for seat in [*deciding, *(seat for seat in seats if seat not in deciding)]:
        kind = "judges" if seat in deciding else "agents"
        if seat in named:
            thing = named[seat]
            if thing not in shared:
                setting = Setting(world, seat, cast.get(judging) if judging else None)
                made = build(kind, thing, setting) if isinstance(thing, str) else thing
                shared[thing] = as_judge(made) if kind == "judges" else as_agent(made)
            cast[seat] = shared[thing]
            names[seat] = _name(thing, cast[seat])
        else:
            cast[seat] = world.agent(seat, seats[seat])
            names[seat] = cast[seat].label
    return Casting({seat: cast[seat] for seat in seats}, {seat: names[seat] for seat in seats})


def _by_seat(protocol: Protocol, agents: Mapping[str, Named]) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for name, thing in agents.items():
        seats = [s for s in protocol.seats if s == name or s.rpartition("_")[0] == name]
        if not seats:
            raise OversightError(
                f"{protocol.name} has no seat {suggest(name, protocol.seats, 'seats')}"
            )
        found |= dict.fromkeys(seats, thing)
    return found


def _name(thing: Named, agent: Agent) -> str:
    """The spec, with the content's hash where it names a file: another file is another judge."""
    if not isinstance(thing, str):
        return agent.label
    source = Path(thing.partition(":")[0])
    if source.suffix == ".py" and source.is_file():
        return f"{thing}#{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    return thing
