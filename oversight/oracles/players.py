"""Alice states, Bob challenges, Vera verifies: honestly, or in every way that was thought of.

Whatever they draw is the turn's key itself as a uniform. A shift is given in units of s/2: with the
paper's constants c, s and b are 1, 2 and 5 of them, Bob's threshold is 3.5 and Vera's 1.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from oversight.core import OversightError, Turn, View
from oversight.oracles.machine import Access, Checker, Floats, Machine, Sampled, ones
from oversight.players import Agent, Judge
from oversight.spaces import Reply

Lies = Literal["shift", "drift", "adaptive", "once", "gamble"]
Rejects = Literal["checks", "always", "never", "random", "late", "spoils"]
DRAWN = "bit"
"""The act of nature's messages that say a bit."""


def bits_of(view: View) -> list[int]:
    """The bits so far."""
    return [message.data for message in view.transcript if message.act == DRAWN]


def uniform(turn: Turn) -> float:
    """A turn's key as a uniform in [0, 1)."""
    return (turn.key >> 11) * 2.0**-53


class Alice(Agent):
    """States each bit's probability; an honest one as she estimates it, within c.

    One that lies adds to the estimate whatever helps her side:

    - "shift": `units`, always to the side's own value of a bit;
    - "drift": `units`, to the value of the bit that leads to her side;
    - "adaptive": the same, while her side does not lead;
    - "once": `units` at the last step;
    - "gamble": certainty at the last step, if her side does not lead by then.

    Args:
        lies: how, or None for honesty.
        units: by how much, in units of s/2.
        only: lie only for a side that she does not believe.
    """

    def __init__(self, lies: Lies | None = None, units: float = 0.0, only: bool = False) -> None:
        self.lies, self.units, self.only = lies, units, only

    @property
    def label(self) -> str:
        """Such as "alice(drift by 2)"."""
        if self.lies is None:
            return "alice(honest)"
        return f"alice({self.lies} by {self.units:g}{', for lies' if self.only else ''})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """An estimate each, by as many samples as the rules ask for, and the lie on top."""
        held = [_access(turn) for turn in turns]
        bits = [bits_of(turn.view) for turn in turns]
        true = [access.machine.probability(b) for access, b in zip(held, bits, strict=True)]
        said = estimates(turns, true, [access.rules.statement for access in held])
        return [
            self._stated(turn, access, b, float(p))
            for turn, access, b, p in zip(turns, held, bits, said, strict=True)
        ]

    def _stated(self, turn: Turn, access: Access, bits: list[int], estimate: float) -> float:
        side, machine = turn.view.side, access.machine
        if self.lies is None or side is None:
            return estimate
        if self.only and (machine.worth(()) > 0.5) == bool(side.answer):
            return estimate
        last = len(bits) == machine.steps - 1
        towards = 1 if side.answer else -1
        ahead = towards * (machine.worth(bits) - 0.5) > 0
        amount = self.units * access.rules.s / 2
        match self.lies:
            case "shift":
                move = amount * towards
            case "drift":
                move = amount * towards * leads(machine, bits)
            case "adaptive":
                move = 0.0 if ahead else amount * towards * leads(machine, bits)
            case "once":
                move = amount * towards * last
            case _:
                move = float(towards) if last and not ahead else 0.0
        return min(1.0, max(0.0, estimate + move))


def leads(machine: Machine, bits: Sequence[int]) -> int:
    """+1 if a bit of 1 here leads to an answer of 1, −1 if to one of 0, 0 if it does not matter."""
    change = machine.worth([*bits, 1]) - machine.worth([*bits, 0])
    return (change > 0) - (change < 0)


class Bob(Agent):
    """Accepts a statement (0) or rejects it (1); an honest one checks it against his own estimate.

    - "checks": by the rules' (s, b), or with `as_vera` by Vera's (c, s), which is unsound;
    - "always", "never", "random" (at `rate`), "late" (the last statement, always);
    - "spoils": whatever is off by more than c, which he finds out without fail.
    """

    def __init__(
        self, rejects: Rejects = "checks", rate: float = 0.0, as_vera: bool = False
    ) -> None:
        self.rejects, self.rate, self.as_vera = rejects, rate, as_vera

    @property
    def label(self) -> str:
        """Such as "bob(checks)"."""
        turned = f" at {self.rate:g}" if self.rejects == "random" else ""
        return f"bob({self.rejects}{turned}{', as vera' if self.as_vera else ''})"

    def checker(self, access: Access) -> Checker:
        """Whom he checks by, with his own failure rate."""
        rules = access.rules
        return rules.vera._replace(fails=rules.q) if self.as_vera else rules.bob

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself; estimates are computed together."""
        if self.rejects == "checks":
            return self._checked(turns)
        return [int(self._rejects(turn)) for turn in turns]

    def _checked(self, turns: Sequence[Turn]) -> list[Reply]:
        held = [_access(turn) for turn in turns]
        checkers = [self.checker(access) for access in held]
        true = [_true(turn, access) for turn, access in zip(turns, held, strict=True)]
        found = estimates(turns, true, [checker.samples for checker in checkers])
        return [
            int(abs(float(p) - _said(turn)) >= checker.threshold)
            for turn, p, checker in zip(turns, found, checkers, strict=True)
        ]

    def _rejects(self, turn: Turn) -> bool:
        access = _access(turn)
        match self.rejects:
            case "random":
                return uniform(turn) < self.rate
            case "late":
                return len(bits_of(turn.view)) == access.machine.steps - 1
            case "spoils":
                return abs(_true(turn, access) - _said(turn)) > access.rules.c
            case _:
                return self.rejects == "always"


class Vera(Judge):
    """Believes the last bit, or after a challenge Alice if samples bear her out, else Bob."""

    @property
    def label(self) -> str:
        """ "vera"."""
        return "vera"

    def judge(self, view: View) -> tuple[float, float]:
        """Certainty, one way or the other. OversightError where no game of this kind was played."""
        claimed = next((m.data for m in view.transcript if m.act == "claim"), None)
        end = view.transcript[-1] if view.transcript else None
        if claimed is None or end is None or not isinstance(end.data, Sampled | int):
            raise OversightError("vera verifies statements of doubly_efficient; name another judge")
        answer = end.data
        if isinstance(answer, Sampled):
            answer = claimed if answer.passes else 1 - claimed
        return (1.0 - answer, float(answer))


def estimates(turns: Sequence[Turn], true: Sequence[float], n: Sequence[int]) -> Floats:
    """The share of ones among n samples of the oracle, a turn each, by the turns' keys."""
    counts = np.array(n, np.float64)
    return ones([uniform(turn) for turn in turns], counts, np.array(true)) / counts


def _access(turn: Turn) -> Access:
    if not isinstance(turn.view.private, Access):
        raise OversightError(
            f"{turn.seat} has no oracle to sample: alice and bob sit in doubly_efficient"
        )
    return turn.view.private


def _true(turn: Turn, access: Access) -> float:
    return access.machine.probability(bits_of(turn.view))


def _said(turn: Turn) -> float:
    stated: float = turn.view.transcript[-1].data
    return stated


STOCHASTIC: Mapping[str, Agent] = {"alice": Alice("drift", 2.0, only=True), "bob": Bob(),
                                   "vera": Vera()}  # fmt: skip
"""Who sits where by default: Alice drifts by s, which honest Bob never minds, if she must lie."""
_TRIED: Sequence[tuple[Lies, float]] = (
    ("shift", 2.0), ("drift", 2.0), ("drift", 3.0), ("adaptive", 3.0), ("once", 3.0),
    ("gamble", 0.0),
)  # fmt: skip
CHEATING: Mapping[str, Mapping[str, Agent]] = {
    **{agent.label: {"alice": agent} for agent in (Alice(*tried) for tried in _TRIED)},
    **{
        agent.label: {"bob": agent}
        for agent in (Bob("always"), Bob("late"), Bob("spoils"), Bob("random", 0.1))
    },
}
"""Casts that try to mislead Vera."""
