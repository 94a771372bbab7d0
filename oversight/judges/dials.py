"""A judge with dials: any judge, made worse in known ways.

Every dial at its default leaves the base judge as it is. The dials are those of the literature on
judge weakness: lapses (skill), position and verbosity bias (first, last, longer), limited reading
(attention), over- and under-confidence (temperature).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.core import Message, OversightError, Turn, View
from oversight.players import Agent, as_judge
from oversight.registry import Setting, build
from oversight.reveal import claimed
from oversight.spaces import Reply

READING = ("argue", "look")
_TINY = 1e-12  # a credence of 0 still has a finite logarithm


class DialsJudge(Agent):
    """A base judge seen through dials.

    Args:
        base: the judge underneath.
        skill: probability that it follows the evidence; else it lapses, and its credences are dealt
            to the answers at random. 1 never lapses, 0 always.
        first, last: log-odds given to the answer claimed first, and last (nats).
        longer: log-odds given to the answer argued at the greatest length (nats).
        attention: how many pieces of evidence it reads, the most recent ones; None reads all.
        temperature: credences are raised to 1/temperature; above 1 is under-confident.
    """

    def __init__(
        self,
        base: Agent,
        *,
        skill: float = 1.0,
        first: float = 0.0,
        last: float = 0.0,
        longer: float = 0.0,
        attention: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        if not 0 <= skill <= 1:
            raise OversightError(f"skill is a probability, got {skill}")
        if temperature <= 0:
            raise OversightError(f"temperature must be above 0, got {temperature}")
        if attention is not None and attention < 0:
            raise OversightError(f"attention counts messages, got {attention}")
        self.base = base
        self.skill, self.temperature, self.attention = skill, temperature, attention
        self.first, self.last, self.longer = first, last, longer

    @property
    def label(self) -> str:
        """The base's label with the dials that are turned."""
        dials = ("skill", "first", "last", "longer", "attention", "temperature")
        usual = (1.0, 0.0, 0.0, 0.0, None, 1.0)
        turned = [
            f"{dial}={getattr(self, dial):g}"
            for dial, default in zip(dials, usual, strict=True)
            if getattr(self, dial) != default
        ]
        return f"dials({', '.join([self.base.label, *turned])})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The base judge's credences, through the dials."""
        read = [turn._replace(view=self._attend(turn.view)) for turn in turns]
        believed = self.base.act(read)
        return [
            self._through(np.asarray(turn.space.check(credences), np.float64), turn)
            for credences, turn in zip(believed, turns, strict=True)
        ]

    def _attend(self, view: View) -> View:
        if self.attention is None:
            return view
        evidence = [p for p, message in enumerate(view.transcript) if message.act in READING]
        dropped = set(evidence[: max(0, len(evidence) - self.attention)])
        kept = tuple(m for p, m in enumerate(view.transcript) if p not in dropped)
        return view._replace(transcript=kept)

    def _through(self, credences: NDArray[np.float64], turn: Turn) -> tuple[float, ...]:
        bias = self._bias(turn.view)
        if keys.unit(turn.key) >= self.skill:
            credences = _dealt(credences, turn)
        if self.temperature == 1 and not bias:
            return tuple(credences.tolist())
        logits = np.log(np.maximum(credences, _TINY)) / self.temperature
        for answer, nats in bias.items():
            logits[answer] += nats
        odds = np.exp(logits - logits.max())
        return tuple((odds / odds.sum()).tolist())

    def _bias(self, view: View) -> dict[int, float]:
        """Answer -> log-odds that form alone earns it."""
        claims = [message for message in view.transcript if message.act == "claim"]
        if not claims or not (self.first or self.last or self.longer):
            return {}
        bias = dict.fromkeys((claim.data for claim in claims), 0.0)
        bias[claims[0].data] += self.first
        bias[claims[-1].data] += self.last
        bias[max(claims, key=lambda claim: _length(view.transcript, claim.seat)).data] += (
            self.longer
        )
        return bias


def _dealt(credences: NDArray[np.float64], turn: Turn) -> NDArray[np.float64]:
    """A lapse: the credences dealt at random, among the claimed answers where two are claimed."""
    named = claimed(turn.view)
    places = np.asarray(named if len(named) > 1 else range(len(credences)))
    dealt = credences.copy()
    dealt[places] = keys.generator(turn.key).permutation(credences[places])
    return dealt


def _length(transcript: Sequence[Message], seat: str) -> int:
    return sum(len(m.text) for m in transcript if m.seat == seat and m.act == "argue")


def dials(
    setting: Setting,
    skill: float = 1.0,
    first: float = 0.0,
    last: float = 0.0,
    longer: float = 0.0,
    attention: int | None = None,
    temperature: float = 1.0,
    base: str = "",
) -> DialsJudge:
    """`dials[:skill]`: the world's own judge, or `base`, with dials."""
    return DialsJudge(
        base_judge(base, setting),
        skill=skill,
        first=first,
        last=last,
        longer=longer,
        attention=attention,
        temperature=temperature,
    )


def base_judge(spec: str, setting: Setting) -> Agent:
    """The judge that a wrapper wraps: what the spec names, or the world's own."""
    return as_judge(build("judges", spec, setting)) if spec else setting.world.judge()
