"""Judges of circuits: from what was read to credences in the two candidates.

`read` sums a transcript up. `CircuitJudge` weighs it by Bayes' rule, knowing only how often a
careful look errs; its dials make it credulous, blind to selection, or trusting of claims. The judge
that is calibrated instead, by tabulating what was read against what was true, is
`oversight.judges.tabulated`, and takes its features from here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from oversight import keys
from oversight.circuits.steps import Asked, Check, Conceded, checks, claims, own_looks
from oversight.circuits.traces import Material, corrected
from oversight.circuits.workers import Glance, Part, concluded
from oversight.core import OversightError, Turn, View
from oversight.players import Agent
from oversight.pricing import settled
from oversight.registry import Setting
from oversight.spaces import Choose, Reply


class Speaker(NamedTuple):
    """A claim, and how the steps behind it fared."""

    side: int
    """+1 if it claims answer 1, −1 for answer 0."""
    passes: int
    fails: int
    told_nothing: int
    pointed: bool
    """Whether somebody who argues against the claim picked the steps."""
    own_choice: bool
    """Whether the claimant picked them."""


class Dispute(NamedTuple):
    """Where two works part."""

    layer: int
    vote: int
    """Whose value the judge's own trace has there: +1 answer 1's, −1 answer 0's, 0 neither's."""
    crux: int | None
    """Whose value a careful look gave; 0 neither's (or nothing), None if the crux was not seen."""


class Reading(NamedTuple):
    """What a judge has read, summed up."""

    vote: int
    """Its own trace's answer, after its own looks: +1 answer 1, −1 answer 0, 0 neither."""
    looks: int
    speakers: tuple[Speaker, ...]
    dispute: Dispute | None
    conceded: int = 0
    """What opposed claimants' works agree on, one of them against its own claim; 0 if they part."""

    def mirrored(self) -> Reading:
        """The same with the two answers exchanged."""
        return Reading(
            -self.vote,
            self.looks,
            tuple(speaker._replace(side=-speaker.side) for speaker in self.speakers),
            self.dispute and Dispute(
                self.dispute.layer,
                -self.dispute.vote,
                None if self.dispute.crux is None else -self.dispute.crux,
            ),
            -self.conceded,
        )  # fmt: skip


def read(view: View) -> Reading:
    """Sum up what a judge has before it."""
    asked, material = _known(view)
    claimed, brought = claims(view.transcript), checks(view.transcript)
    looks = looked(view)
    trace = corrected(material.circuit, material.values, looks) if looks else material.values
    dispute = _dispute(asked, material, claimed, brought)
    speakers: tuple[Speaker, ...] = ()
    if dispute is None:
        asking = {m.seat for m in view.transcript if m.act == "ask"}
        speakers = tuple(
            _speaker(name, answer, claimed, brought, bool(asking))
            for name, answer in claimed.items()
        )
    conceded = _conceded(asked, view, claimed) if dispute is None else 0
    return Reading(_side(asked, trace[-1]), len(looks), speakers, dispute, conceded)


INQUIRER = "inquirer"
"""Who asks for a novice, along its own disagreement; other questioners ask at random."""


def looked(view: View) -> dict[int, int]:
    """Gate -> how far off the judge's careful look was, for looks that mend its own trace.

    Looks at its own trace do; so does one at an assistant's step that it asked for itself, when the
    step's children are its own too.
    """
    _, material = _known(view)
    circuit = material.circuit
    looks = dict(own_looks(circuit, view.transcript))
    if not any(m.act == "ask" and m.seat.startswith(INQUIRER) for m in view.transcript):
        return looks
    for _, check in checks(view.transcript):
        trace = corrected(circuit, material.values, looks)
        own = tuple(trace[wire] for wire in circuit.children(check.gate))
        if check.found is not None and own == check.children:
            right = circuit.evaluate(check.gate, *own)
            looks[check.gate] = (check.found - right) % circuit.m
    return looks


def _known(view: View) -> tuple[Asked, Material]:
    if not isinstance(view.question.data, Asked) or not isinstance(view.private, Material):
        raise OversightError("this judge judges circuits, seated where a judge sits")
    return view.question.data, view.private


def _side(asked: Asked, value: int) -> int:
    return {asked.values[1]: 1, asked.values[0]: -1}.get(value, 0)


def _conceded(asked: Asked, view: View, claimed: dict[str, int]) -> int:
    """The side that both works of two opposed claimants are on; 0 where they are not."""
    if len(claimed) != 2 or len(set(claimed.values())) != 2:
        return 0
    turned = {m.seat: m.data.value for m in view.transcript if isinstance(m.data, Conceded)}
    backed = {turned.get(seat, asked.values[answer]) for seat, answer in claimed.items()}
    return _side(asked, backed.pop()) if len(backed) == 1 else 0


def _speaker(
    name: str,
    answer: int,
    claimed: dict[str, int],
    brought: Sequence[tuple[str, Check]],
    asking: bool,
) -> Speaker:
    """A claimant's steps; those that somebody without a claim brought up are about the first."""
    first = next(iter(claimed)) == name
    shown = [(who, c) for who, c in brought if who == name or (first and who not in claimed)]
    results = [check.passes for _, check in shown if not check.own]
    return Speaker(
        1 if answer == 1 else -1,
        results.count(True),
        results.count(False),
        results.count(None),
        any(who != name for who, _ in shown),
        not asking,
    )


def _dispute(
    asked: Asked,
    material: Material,
    claimed: dict[str, int],
    brought: Sequence[tuple[str, Check]],
) -> Dispute | None:
    """Where two opposed claimants' works part, as far as both showed the same gates."""
    if len(claimed) != 2 or len(set(claimed.values())) != 2:
        return None
    one, other = ({c.gate: c for who, c in brought if who == name} for name in claimed)
    if not one or one.keys() != other.keys():
        return None
    sides = [1 if answer == 1 else -1 for answer in claimed.values()]
    circuit = material.circuit
    parting = [g for g in one if one[g].children != other[g].children]
    cruxes = [g for g in one if g not in parting and one[g].value != other[g].value]
    if not cruxes and not parting:
        return None
    gate = (cruxes or parting)[-1]
    a, b = one[gate], other[gate]

    def whose(value: int | None, first: int, second: int) -> int:
        if first == second or value not in (first, second):
            return 0
        return sides[0] if value == first else sides[1]

    if a.children == b.children:
        wire = circuit.wire(gate)
        vote = whose(material.values[wire], a.value, b.value)
        return Dispute(circuit.layer[wire], vote, whose(a.found, a.value, b.value))
    wires = circuit.children(gate)
    parted = [
        (wire, p, q)
        for wire, p, q in zip(wires, a.children, b.children, strict=True)
        if p != q and circuit.gate(wire) is not None
    ]
    pick = keys.below(keys.root(asked.key, "descend", gate), len(parted))
    wire, p, q = parted[pick]
    return Dispute(circuit.layer[wire], whose(material.values[wire], p, q), None)


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
        _, material = _known(view)
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
    _, material = _known(turn.view)
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
