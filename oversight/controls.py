"""What stands beside every protocol: the same cases with the protocol's work taken away.

- `judge_alone`: the judge looks for itself, as often as it would have been argued to;
- `sides_declared`: the same after the sides are declared, and nobody argues. One random lie then
  takes the judge of Irving et al. 2018 from 55.51 to 88.31 % (precommit analysis, 2019);
- `silent`, `random`: the protocol itself with debaters that say nothing, or anything;
- `order_swapped`: the sides dealt the other way round. Not a weaker form of the protocol, so the
  net gain is not taken over it; the difference it makes is reported apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oversight.agents.simple import ArguesLike, RandomAgent, SilentAgent
from oversight.players import Agent, Cast
from oversight.protocol import Protocol
from oversight.registry import load
from oversight.world import Arguable, Unaided, World

SWAPPED = "order_swapped"


class Arm(NamedTuple):
    """One run of a comparison: a protocol and who plays it."""

    name: str
    protocol: Protocol
    cast: Cast


class Budget(NamedTuple):
    """What the judge got in the run that the controls stand beside."""

    arguments: int
    claims: int


def controls(protocol: Protocol, world: World, cast: Cast, budget: Budget) -> list[Arm]:
    """The controls that make sense for this protocol on this world, at the same budget."""
    arms: list[Arm] = []
    judge = _judge_of(protocol, cast)
    if isinstance(world, Unaided) and judge is not None and protocol.name != "naive":
        alone = load("protocols", "naive").bind(evidence=budget.arguments)
        if budget.arguments:
            arms.append(Arm("judge_alone", alone, {"judge": judge}))
        if budget.claims:
            lie = protocol.parameters.get("lie")
            declared = alone.bind(sides=budget.claims, lie=lie)
            arms.append(Arm("sides_declared", declared, {"judge": judge}))
    if any("argue" in seat.acts for seat in protocol.seats.values()):
        if isinstance(world, Arguable) and world.argue_bound.silence:
            arms.append(Arm("silent", protocol, arguing_like(protocol, cast, SilentAgent())))
        arms.append(Arm("random", protocol, arguing_like(protocol, cast, RandomAgent())))
    if "swap" in protocol.defaults:
        swapped = not protocol.parameters.get("swap", protocol.defaults["swap"])
        arms.append(Arm(SWAPPED, protocol.bind(swap=swapped), cast))
    return arms


def strongest(accuracy: Mapping[str, float]) -> str | None:
    """The control that the gain is taken over: the most accurate that is no mere reordering."""
    candidates = {name: value for name, value in accuracy.items() if name != SWAPPED}
    return max(candidates, key=lambda name: candidates[name]) if candidates else None


def _judge_of(protocol: Protocol, cast: Cast) -> Agent | None:
    deciding = [name for name, seat in protocol.seats.items() if "decide" in seat.acts]
    expert = any(protocol.seats[name].expert for name in deciding)
    return None if expert or not deciding else cast[deciding[0]]


def arguing_like(protocol: Protocol, cast: Cast, other: Agent) -> Cast:
    """The same cast, but whoever argues argues as `other` does."""
    like: dict[int, Agent] = {}

    def arguing(agent: Agent) -> Agent:
        return like.setdefault(id(agent), ArguesLike(agent, other))

    seats: Sequence[str] = list(protocol.seats)
    return {s: arguing(cast[s]) if "argue" in protocol.seats[s].acts else cast[s] for s in seats}
