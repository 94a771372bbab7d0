"""Scalable oversight, simulated: weak judges, strong agents, any protocol on any world.

`simulate("debate", world="digits", judge=mine)` plays a protocol with its controls beside it. What
is exported here is imported on first use, so that `import oversight` stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oversight.core import (
        Case,
        Message,
        Outcome,
        Question,
        Script,
        Sealed,
        Seat,
        Turn,
        View,
        together,
    )
    from oversight.episode import Episode
    from oversight.models.ledger import Prices
    from oversight.players import Agent, Judge, agent, batched_judge, judge
    from oversight.protocol import Protocol
    from oversight.runs import run, simulate
    from oversight.table import Table
    from oversight.world import World

__all__ = [
    "Agent",
    "Case",
    "Episode",
    "Judge",
    "Message",
    "Outcome",
    "Prices",
    "Protocol",
    "Question",
    "Script",
    "Sealed",
    "Seat",
    "Table",
    "Turn",
    "View",
    "World",
    "agent",
    "batched_judge",
    "judge",
    "run",
    "simulate",
    "together",
]

_HOMES = {
    "oversight.players": ("Agent", "Judge", "agent", "batched_judge", "judge"),
    "oversight.core": (
        "Case", "Message", "Outcome", "Question", "Script", "Sealed", "Seat", "Turn", "View",
        "together",
    ),
    "oversight.episode": ("Episode",),
    "oversight.models.ledger": ("Prices",),
    "oversight.protocol": ("Protocol",),
    "oversight.table": ("Table",),
    "oversight.runs": ("run", "simulate"),
    "oversight.world": ("World",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, held in _HOMES.items():
        if name in held:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'oversight' has no attribute {name!r}")
