"""What a judge of circuits has read, summed up: claims, checks, looks of its own, a concession."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oversight import keys
from oversight.circuits.steps import Asked, Check, Conceded, checks, claims, own_looks
from oversight.circuits.traces import Material, corrected
from oversight.core import OversightError, View


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
    asked, material = known(view)
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
    _, material = known(view)
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


def known(view: View) -> tuple[Asked, Material]:
    """The question and the judge's own trace; OversightError where it does not judge circuits."""
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
