"""A chain of gates as an induction: who knows the value below a gate needs to look at that gate.

In a chain each gate takes the gate below and a public input, so with its input it is a map of the m
values. A judge H can look at one gate with care. An argument points it at the next gate from the
root down, and H is quoted the market's price of the value below (`oversight.market`): its belief is
the quote, moved by the map as it looked to H. So its belief about n gates hangs on the market's
prices of n − 1, and a market that predicts H learns chains of 1, then of 2, … gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.circuits.graph import Circuit
from oversight.core import OversightError, Question, Turn, View
from oversight.market import Quote
from oversight.players import Agent, Judge
from oversight.spaces import Choose, Credences, Reply

Belief = NDArray[np.float64]
"""(m,) probabilities of a gate's value."""


class Link(NamedTuple):
    """What is asked: the value of a gate of a chain. Public."""

    circuit: Circuit
    gate: int


class Look(NamedTuple):
    """The data of an argument: what a careful look makes of a gate."""

    gate: int
    found: tuple[int, ...]
    """(m,) the gate's value, by the value below."""


class Outlook(NamedTuple):
    """What one party makes of every gate: private."""

    maps: tuple[tuple[int, ...], ...]
    """(gates, m) each gate's value, by the value below."""


def asking(link: Link) -> Question:
    """A gate's value as it is asked; the answers are all m values."""
    circuit, m = link.circuit, link.circuit.m
    values = "".join(map(str, range(m)))
    gates = [
        f"g{gate} takes {values} to {''.join(map(str, mapped(circuit, gate)))}"
        for gate in range(link.gate + 1)
    ]
    start, taken = f"Start from {circuit.inputs[0]}.", "; ".join(gates)
    prompt = f"{start} {taken}. What is the value of g{link.gate}?"
    return Question(prompt, tuple(map(str, range(m))), link)


def mapped(circuit: Circuit, gate: int, shift: int = 0) -> tuple[int, ...]:
    """(m,) what a gate makes of each value below, given its public input; `shift`: an error."""
    y, m = circuit.inputs[gate + 1], circuit.m
    return tuple((circuit.evaluate(gate, x, y) + shift) % m for x in range(m))


class ChainJudge(Judge):
    """H: what it was quoted, and its own glance at what lies below, moved by its careful looks.

    Args:
        careful, shallow: how often a careful look and a glance err at a gate, which it knows.
    """

    def __init__(self, careful: float, shallow: float) -> None:
        self.careful, self.shallow = careful, shallow

    @property
    def label(self) -> str:
        """Such as "looks at gates(0.02)"."""
        return f"looks at gates({self.careful:g})"

    def judge(self, view: View) -> Sequence[float]:
        """One credence a value. A question that it is only quoted on it has not even glanced at."""
        link: Link = view.question.data
        looks = looks_at(view)
        lowest = min(looks, default=link.gate + 1)
        belief = self._below(view, link, lowest)
        for gate in range(lowest, link.gate + 1):
            belief = moved_on(belief, looks[gate], self.careful)
        return belief.tolist()

    def _below(self, view: View, link: Link, gate: int) -> Belief:
        """Its belief in the value that a gate takes: the quote, times its own glance's odds."""
        m, outlook = link.circuit.m, view.private
        belief = np.eye(m)[link.circuit.inputs[0]]
        if gate == 0:
            return belief
        if not isinstance(outlook, Outlook):
            belief = np.full(m, 1 / m)
        else:
            for below in range(gate):
                belief = moved_on(belief, outlook.maps[below], self.shallow)
        belief = belief * quoted_on(view, gate - 1)
        return belief / belief.sum()


class ChainExpert(Agent):
    """Works the chain out as it sees the gates; leads the judge down as far as it may."""

    @property
    def label(self) -> str:
        """ "follows chains"."""
        return "follows chains"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself."""
        return [self._play(turn) for turn in turns]

    def _play(self, turn: Turn) -> Reply:
        link, outlook = turn.view.question.data, turn.view.private
        if not isinstance(link, Link) or not isinstance(outlook, Outlook):
            raise OversightError(f"an expert of chains sits where one does, not at {turn.seat}")
        value = link.circuit.inputs[0]
        for gate in range(link.gate + 1):
            value = outlook.maps[gate][value]
        match turn.space:
            case Credences(n=n):
                return tuple(float(answer == value) for answer in range(n))
            case Choose() if turn.act == "claim":
                return value
            case Choose() as space:
                return max(space.options, default=None)
            case _:
                raise OversightError(f"an expert of chains cannot {turn.act}; name another agent")


def looks_at(view: View) -> dict[int, tuple[int, ...]]:
    """Gate -> what a careful look at it was said to give."""
    return {m.data.gate: m.data.found for m in view.transcript if isinstance(m.data, Look)}


def quoted_on(view: View, gate: int) -> Belief:
    """(m,) the market's price of a gate's value, as it was last quoted; without one, all alike."""
    circuit: Circuit = view.question.data.circuit
    prices = [
        message.data.price
        for message in view.transcript
        if isinstance(message.data, Quote) and message.data.question.data.gate == gate
    ]
    return np.asarray(prices[-1]) if prices else np.full(circuit.m, 1 / circuit.m)


def moved_on(belief: Belief, found: Sequence[int], error: float) -> Belief:
    """(m,) belief in a gate's value by that in the value below: 1 − e on what the map gives."""
    after = np.zeros(len(belief))
    np.add.at(after, np.array(found), belief)
    return (1 - error) * after + error * (1 - after) / (len(belief) - 1)


def settled(gates: int, m: int, error: float) -> float:
    """The fixed point's price of the truth: 1/m + (1 − 1/m)·λ^{2n}, λ = 1 − η·m/(m − 1).

    For n affine gates, which pass every doubt on, and a judge without a glance. λ comes in twice a
    gate: once because its look errs, which the market cannot foresee, once because H allows for it.
    """
    kept = 1 - error * m / (m - 1)
    return 1 / m + (1 - 1 / m) * kept ** (2 * gates)
