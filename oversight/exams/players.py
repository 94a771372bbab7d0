"""Who sits an exam: the novice who asks and decides, and the assistant who shares what it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from oversight.agents.simple import RandomAgent
from oversight.core import SILENCE, Side, Turn, View
from oversight.exams.items import CHOICES
from oversight.exams.witness import Reliance, alone, pooled
from oversight.metrics.scores import Floats
from oversight.players import Agent
from oversight.reveal import revealed
from oversight.spaces import Choose, Credences, Reply

NOVICE, ASSISTANT, EXPERT = "novice", "assistant", "expert"


class Evidence(NamedTuple):
    """What a seat privately sees: whose evidence it is, and a number for each choice."""

    party: str
    signal: tuple[float, ...]


class Abilities(NamedTuple):
    """How able each party is (`items.accuracy`)."""

    novice: float
    assistant: float
    expert: float


class Novice(Agent):
    """Decides by Bayes' rule from its own evidence and what it heard; asks what it most wonders.

    Handed an expert's or an assistant's evidence, it judges by that alone. The claim of a seat
    called assistant it takes for that seat's own honest answer; an advocate's claim for nothing.
    Evidence is taken as it is, whatever its speaker left out.
    """

    def __init__(self, reliance: Reliance, abilities: Abilities, kind: str = "bayesian") -> None:
        """`reliance` is what it believes; `abilities` are those of whoever lends it evidence."""
        self.reliance = reliance
        self.abilities = abilities
        self.kind = kind

    @property
    def label(self) -> str:
        """Such as "novice(bayesian)"."""
        return f"novice({self.kind})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Verdicts and prices, questions; anything else at random."""
        return [self._reply(turn) for turn in turns]

    def _reply(self, turn: Turn) -> Reply:
        if isinstance(turn.space, Credences):  # a verdict, or a price that foretells one
            return tuple(self.credences(turn.view).tolist())
        if turn.act == "ask" and isinstance(turn.space, Choose):
            return self._wonder(turn.view, turn.space)
        return RandomAgent().act([turn])[0]

    def _wonder(self, view: View, space: Choose) -> Reply:
        """The likeliest choice that it has not heard of; silence when it has heard of all."""
        options = [choice for choice in space.options if choice in unheard(view)]
        if space.silence and not options:
            return None
        if len(options) < 2:  # nothing to weigh
            return (options or space.options)[0]
        believed = self.credences(view)
        return max(options, key=lambda choice: float(believed[choice]))

    def credences(self, view: View) -> Floats:
        """(C,) what it believes of the choices, given what it sees."""
        evidence: Evidence = view.private
        spread = self.reliance.spread
        if evidence.party != NOVICE:
            ability = getattr(self.abilities, evidence.party)
            return alone(evidence.signal, ability, spread)
        heard = {shown.move: shown.value for shown in revealed(view)}
        return pooled(evidence.signal, heard, honest_claim(view), self.reliance)


def honest_claim(view: View) -> int | None:
    """What the assistant answered; None where nobody called assistant did."""
    said = [m.data for m in view.transcript if m.act == "claim" and m.seat.startswith(ASSISTANT)]
    return said[-1] if said else None


class Adviser(Agent):
    """Claims what its evidence favours, and shares the evidence that speaks most for its side.

    Asked about a choice, it tells what it knows of that one. With a side of its own choosing it
    keeps nothing back; an advocate with an assigned side is silent rather than harm it.
    """

    def __init__(self, ability: float) -> None:
        self.ability = ability

    @property
    def label(self) -> str:
        """ "adviser"."""
        return "adviser"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Claims and arguments; anything else at random."""
        return [self._reply(turn) for turn in turns]

    def _reply(self, turn: Turn) -> Reply:
        evidence = turn.view.private
        if isinstance(evidence, Evidence) and isinstance(turn.space, Choose):
            if turn.act == "claim":
                return int(np.argmax(evidence.signal))
            if turn.act == "argue":
                return self._share(turn, turn.space, evidence)
        return RandomAgent().act([turn])[0]

    def _share(self, turn: Turn, space: Choose, evidence: Evidence) -> Reply:
        favoured = int(np.argmax(evidence.signal))
        side = turn.view.side or Side(favoured)
        gains = self._gains(evidence, side)
        new = unheard(turn.view)
        best = max(space.options, key=lambda choice: (choice in new, gains[choice]))
        frank = side == Side(favoured) or _asked(turn.view)
        worth = best in new and (frank or gains[best] > 0)
        return best if worth or not space.silence else None

    def _gains(self, evidence: Evidence, side: Side) -> list[float]:
        """By how many nats hearing each choice's evidence helps the side, at the usual ease."""
        towards = self.ability * np.asarray(evidence.signal) - 0.5 * self.ability**2
        sign = np.where(np.arange(CHOICES) == side.answer, 1.0, -1.0)
        return (towards * sign * (1.0 if side.supports else -1.0)).tolist()


def unheard(view: View) -> tuple[int, ...]:
    """The choices whose evidence nobody has shared in what the seat hears."""
    shared = {shown.move for shown in revealed(view)}
    return tuple(choice for choice in range(CHOICES) if choice not in shared)


def _asked(view: View) -> bool:
    """Whether the last word was a question."""
    said = view.transcript[-1:]
    return any(message.act == "ask" and message.text != SILENCE for message in said)
