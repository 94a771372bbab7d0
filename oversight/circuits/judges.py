"""Judges of circuits: from what was read to credences in the two candidates.

`oversight.circuits.reading` sums a transcript up. `CircuitJudge` weighs it by Bayes' rule, knowing
only how often a careful look errs; its dials make it credulous, blind to selection, or trusting of
claims. The judge that is calibrated instead, by tabulating what was read against what was true, is
`oversight.circuits.tabulated`, and takes its features from here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from oversight.circuits.reading import Speaker, known, looked, read
from oversight.circuits.steps import Asked, checks, claims
from oversight.circuits.traces import corrected
from oversight.circuits.workers import Glance, Part, concluded
from oversight.core import OversightError, Turn, View
from oversight.players import Agent
from oversight.pricing import settled
from oversight.registry import Setting
from oversight.spaces import Choose, Reply


class CircuitJudge(Agent):
    """Weighs what it read by Bayes' rule.

    Its prior is its own shallow answer, as reliable as such answers are. A claim that is a lie has
    one flawed step, any gate alike; a check passes a sound step but for η, and a flawed one with η.
    What one of two opposed sides concedes it takes for true, but for η.

    Args:
        credulity: log-odds given to a side for every step shown for it, sound or not (κ, nats).
        selection_aware: whether it knows that a claimant who picks the steps avoids the flaw.
        trust: log-odds given to every claim, as a share of an expert's own reliability.
    """

    def __init__(
        self, credulity: float = 0.0, selection_aware: bool = True, trust: float = 0.0
    ) -> None:
        self.credulity, self.selection_aware, self.trust = credulity, selection_aware, trust

    @property
    def label(self) -> str:
        """Such as "bayesian(credulity=0.5)"."""
        turned = [f"credulity={self.credulity:g}"] if self.credulity else []
        turned += [] if self.selection_aware else ["blind to selection"]
        turned += [f"trust={self.trust:g}"] if self.trust else []
        return f"bayesian({', '.join(turned)})" if turned else "bayesian"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """A verdict where it is to decide; where it is to ask, the next gate in dispute."""
        return [_next_question(t) if t.act == "ask" else self._decide(t) for t in turns]

    def _decide(self, turn: Turn) -> Reply:
        """A part is believed as far as a careful look can be, its own parts being right.

        A claim that was priced and contested is believed as its price was corrected.
        """
        part, glance = turn.view.question.data, turn.view.private
        if isinstance(part, Part) and isinstance(glance, Glance):
            value = concluded(part, glance, turn.view.transcript)
            sure = 1 - glance.care if value in part.values else 0.5
            return (sure, 1 - sure) if value == part.values[0] else (1 - sure, sure)
        worth = settled(turn.view.transcript)
        if worth is not None:
            answer = next(iter(claims(turn.view.transcript).values()))
            return (1 - worth, worth) if answer else (worth, 1 - worth)
        nats = self.log_odds(turn.view)
        return (1 / (1 + math.exp(nats)), 1 / (1 + math.exp(-nats)))

    def features(self, turn: Turn) -> tuple[Hashable, Hashable]:
        """What was read, and the same with the answers exchanged: what a calibration tabulates."""
        part, glance = turn.view.question.data, turn.view.private
        if isinstance(part, Part) and isinstance(glance, Glance):
            value = concluded(part, glance, turn.view.transcript)
            side = {part.values[1]: 1, part.values[0]: -1}.get(value, 0)
            return side, -side
        reading = read(turn.view)
        worth = settled(turn.view.transcript)
        if worth is not None:
            side, tenth = next(speaker.side for speaker in reading.speakers), round(10 * worth)
            return (side, tenth, reading.vote), (-side, tenth, -reading.vote)
        return reading, reading.mirrored()

    def log_odds(self, view: View) -> float:
        """Nats in favour of answer 1."""
        _, material = known(view)
        reading = read(view)
        care, circuit = material.care, material.circuit
        given = self.credulity * sum(
            s.side * (s.passes + s.fails + s.told_nothing) for s in reading.speakers
        )
        sure = material.reliability
        given += self.trust * _logit(sure.by_looks[0]) * sum(s.side for s in reading.speakers)
        if reading.dispute is not None:
            at = reading.dispute
            return (
                given
                + at.vote * _logit(sure.by_layer[at.layer])
                + (at.crux or 0) * _logit(1 - care)
            )
        if reading.conceded:
            return given + reading.conceded * _logit(1 - care)
        looks = min(reading.looks, len(sure.by_looks) - 1)
        top = circuit.layer[-1]  # lower than the whole circuit's where only a part is in question
        whole = top == len(sure.by_layer) - 1
        right = sure.by_looks[looks] if whole else sure.by_layer[top]
        prior = reading.vote * _logit(right)
        return (
            given
            + prior
            + sum(
                speaker.side * self._support(speaker, care, circuit.m, circuit.gates)
                for speaker in reading.speakers
            )
        )

    def _support(self, speaker: Speaker, care: float, m: int, gates: int) -> float:
        """Nats in favour of a claim, by how its steps fared."""
        sound, flawed = 1 - care, care / (m - 1)  # how often a check passes
        sound, flawed = min(max(sound, _TINY), 1 - _TINY), min(max(flawed, _TINY), 1 - _TINY)
        passed, failed = flawed / sound, (1 - flawed) / (1 - sound)
        n = speaker.passes + speaker.fails
        if n == 0:
            return 0.0
        if speaker.pointed:
            return -math.log((speaker.passes * passed + speaker.fails * failed) / n)
        if speaker.own_choice and self.selection_aware:
            passed = 1.0
        rest = max(0, gates - n)
        return -math.log((rest + speaker.passes * passed + speaker.fails * failed) / (rest + n))


def _next_question(turn: Turn) -> Reply:
    """Follow the disagreement with the assistant from its root down; fix the crux; begin again."""
    _, material = known(turn.view)
    space = turn.space
    assert isinstance(space, Choose)  # what circuits are asked by
    circuit = material.circuit
    answered = {check.gate: check for _, check in checks(turn.view.transcript)}
    trace = corrected(circuit, material.values, looked(turn.view))
    gate = circuit.gates - 1
    while gate in answered:
        said = answered[gate]
        if said.value == trace[circuit.wire(gate)]:
            return None  # they agree as far as it can see
        parted = [
            circuit.gate(wire)
            for wire, value in zip(circuit.children(gate), said.children, strict=True)
            if trace[wire] != value and circuit.gate(wire) is not None
        ]
        below = [child for child in parted if child is not None]
        if not below:
            return None  # it has looked at the crux and sees it another way
        gate = below[0]
    return gate if gate in space.options else None


_TINY = 1e-9


def _logit(p: float) -> float:
    bounded = min(max(p, _TINY), 1 - _TINY)
    return math.log(bounded / (1 - bounded))


def bayesian(
    setting: Setting, credulity: float = 0.0, selection_aware: bool = True, trust: float = 0.0
) -> CircuitJudge:
    """`bayesian[:credulity]`: a judge of circuits that knows how often a careful look errs."""
    on_circuits(setting, "bayesian")
    return CircuitJudge(credulity, selection_aware, trust)


def on_circuits(setting: Setting, name: str) -> None:
    """OversightError unless the world asks about circuits."""
    if not isinstance(setting.world.case(0, 0).question.data, Asked):
        raise OversightError(
            f"{name} knows circuits, and {setting.world.name} asks about something else; "
            "name another player, or the world circuits"
        )
