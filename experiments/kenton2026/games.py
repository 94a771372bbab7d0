"""The games in which a proposer meets the frozen judge, and who else sits there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from oversight.circuits.experts import CircuitExpert
from oversight.protocol import Protocol
from oversight.registry import load

SOURCE = "Kenton et al. 2026, arXiv:2608.17776, abstract"
RECOVERED = 0.45
"""The share of the performance gap that a critic recovered, as published."""
LIES = 0.25
"""How often the proposer, not yet optimised, proposes what it does not believe."""
STEPS = 4
"""Steps of its work that the proposer shows."""
JUDGE = "bayesian:selection_aware=false"
ALONE, CRITIC, DEBATE = "proposer alone", "with a critic", "in debate"


class Game(NamedTuple):
    """One arm."""

    protocol: str
    parameters: Mapping[str, Any]
    seat: str
    """Where the proposer sits."""

    def bound(self) -> Protocol:
        """The protocol with its parameters."""
        return load("protocols", self.protocol).bind(**self.parameters)


GAMES: Mapping[str, Game] = {
    ALONE: Game("critique", {"points": 0, "support": STEPS, "proposal": "own"}, "proposer"),
    CRITIC: Game("critique", {"points": 1, "support": STEPS, "proposal": "own"}, "proposer"),
    DEBATE: Game("debate", {"rounds": STEPS, "sides": "open"}, "debater_0"),
}


def proposer(draft: int = 0) -> CircuitExpert:
    """Who proposes before it is optimised; another draft, other draws."""
    return CircuitExpert("random", lies=LIES, salt=draft)
