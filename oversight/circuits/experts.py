"""Whoever knows more than the judge: one agent that plays any seat of an expert's on circuits.

What it does follows from the turn alone. With a side to argue for, it presents its own trace if the
root agrees, and else plants one flaw that makes it agree. Debaters are led down to the crux by the
world. A consultant that picks its steps avoids the flaw, a critic looks for it, and an adversary
points at the judge's own mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from oversight import keys
from oversight.circuits.judges import on_circuits
from oversight.circuits.steps import Asked, Work, checks, own_trace, works
from oversight.circuits.traces import Material, corrected
from oversight.core import OversightError, Turn
from oversight.decomposition import Answered
from oversight.players import Agent
from oversight.registry import Setting
from oversight.spaces import Choose, Reply

Placement = Literal["deep", "random", "blind"]
Aim = Literal["own", "against"]


class CircuitExpert(Agent):
    """An expert with dials.

    Args:
        placement: where a flaw is planted: as deep as it can be, anywhere, or where the judge is
            blind or the value hidden from the opponent if it can be there (else deep).
        honesty: the probability that it presents its own belief whatever its side.
        pointing: what a critic does that finds no flaw: points at something all the same (the game
            is zero-sum), or is silent, which tells the judge something.
        shows: which steps a consultant picks that may pick: any but the flaw, or from the root.
        aim: what it wants the judge to believe where the protocol gives it no side: what it
            believes itself, or something else.
        lies: how often it claims the opposite of what it aims at.
        salt: which of several drafts this is: another salt, other draws.
    """

    def __init__(
        self,
        placement: Placement = "deep",
        honesty: float = 0.0,
        pointing: Literal["always", "truthful"] = "always",
        shows: Literal["any", "root"] = "any",
        aim: Aim = "own",
        lies: float = 0.0,
        salt: int = 0,
    ) -> None:
        for name, value in (("honesty", honesty), ("lies", lies)):
            if not 0 <= value <= 1:
                raise OversightError(f"{name} is a probability, got {value}")
        self.placement: Placement = placement
        self.honesty = honesty
        self.pointing = pointing
        self.shows = shows
        self.aim: Aim = aim
        self.lies, self.salt = lies, salt

    @property
    def label(self) -> str:
        """Such as "expert(deep)"."""
        turned = [f"honesty={self.honesty:g}"] if self.honesty else []
        turned += ["truthful"] if self.pointing == "truthful" else []
        turned += ["from the root"] if self.shows == "root" else []
        turned += ["against its belief"] if self.aim == "against" else []
        turned += [f"lies={self.lies:g}"] if self.lies else []
        turned += [f"draft {self.salt}"] if self.salt else []
        return f"expert({', '.join([self.placement, *turned])})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself."""
        if self.salt:
            turns = [t._replace(stream=keys.root(t.stream, "draft", self.salt)) for t in turns]
        return [self._play(turn) for turn in turns]

    def _play(self, turn: Turn) -> Reply:
        material, space = turn.view.private, turn.space
        if not isinstance(material, Material) or not isinstance(space, Choose):
            raise OversightError(
                f"expert sits where an expert of circuits sits, not at {turn.seat} ({turn.act})"
            )
        plays: dict[str, Callable[[Turn, Material, Choose], Reply]] = {
            "claim": self._claim,
            "present": self._present,
            "argue": self._argue,
            "inspect": _inspect,
        }
        if turn.act not in plays:
            raise OversightError(f"an expert of circuits cannot {turn.act}; name another agent")
        return plays[turn.act](turn, material, space)

    def _claim(self, turn: Turn, material: Material, space: Choose) -> Reply:
        """The candidate that it wants believed; any, if its own answer is none of them."""
        asked: Asked = turn.view.question.data
        if material.root not in asked.values:
            return _any(turn, list(space.options))
        own = asked.values.index(material.root)
        opposite = keys.unit(keys.fold(turn.key, 2)) < self.lies
        return own if (self.aim == "own") is not opposite else 1 - own

    def _present(self, turn: Turn, material: Material, space: Choose) -> Reply:
        flaws = [option for option in space.options if option]
        asked: Asked = turn.view.question.data
        side = turn.view.side
        honest = keys.unit(keys.fold(turn.key, 1)) < self.honesty
        if side is None or honest or not flaws:
            return 0
        if (material.root == asked.values[side.answer]) is side.supports:
            return 0
        m, circuit = material.circuit.m, material.circuit

        def rank(option: int) -> tuple[int, ...]:
            gate = (option - 1) // (m - 1)
            unseen = material.blind | material.hidden
            seen = gate not in unseen if self.placement == "blind" else False
            deep = 0 if self.placement == "random" else circuit.layer[circuit.wire(gate)]
            return (int(seen), deep)

        best = min(map(rank, flaws))
        return _any(turn, [option for option in flaws if rank(option) == best])

    def _argue(self, turn: Turn, material: Material, space: Choose) -> Reply:
        options = list(space.options)
        if not options:
            return None
        held = works(turn.view.transcript)
        if len(options) == 1 and turn.seat in held:
            return options[0]
        if turn.seat in held:
            return self._show(turn, material, held[turn.seat], options)
        if held:
            return self._point(turn, material, next(iter(held.values())), options)
        return _expose(turn, material, options, self.aim)

    def _show(self, turn: Turn, material: Material, work: Work, options: list[int]) -> Reply:
        """A step of one's own, not the flawed one if there is another."""
        sound = [gate for gate in options if not _wrong(material, work, gate)] or options
        return sound[-1] if self.shows == "root" else _any(turn, sound)

    def _point(self, turn: Turn, material: Material, work: Work, options: list[int]) -> Reply:
        """A step of another's that it finds wrong."""
        wrong = [gate for gate in options if _wrong(material, work, gate)]
        if wrong:
            return wrong[0]
        if self.pointing == "truthful" or checks(turn.view.transcript):
            return None  # it has pointed already: more would tell the judge nothing
        return _any(turn, options)


def _inspect(turn: Turn, material: Material, space: Choose) -> Reply:
    """A gate that a worker answered at a glance, and wrongly; the nearest to the root."""
    said = (m.data for m in turn.view.transcript if isinstance(m.data, Answered))
    answers = {answered.node: answered for answered in said}  # the last answer counts
    failing = [
        node
        for node, answered in answers.items()
        if not answered.parts
        and material.circuit.gate(node) is not None
        and answered.answer != material.values[node]
    ]
    return max(failing, default=None)


def _expose(turn: Turn, material: Material, options: list[int], aim: Aim) -> Reply:
    """A gate of the judge's own trace whose correction, as this expert sees it, flips its root.

    One that means to mislead keeps silent about corrections that lead to what it believes itself.
    """
    if material.judge is None:
        return None
    circuit = material.circuit
    trace = own_trace(circuit, material.judge, turn.view.transcript)
    for gate in options:
        right = material.at(gate, trace)
        if right == trace[circuit.wire(gate)]:
            continue
        after = _root_after(material, trace, gate, right)
        if after != trace[-1] and (aim == "own" or after != material.root):
            return gate
    return None


def _root_after(material: Material, trace: tuple[int, ...], gate: int, value: int) -> int:
    """The judge's root once one gate of its trace has another value."""
    circuit = material.circuit
    shift = (value - circuit.at(gate, trace)) % circuit.m
    return corrected(circuit, trace, {gate: shift})[-1]


def _wrong(material: Material, work: Work, gate: int) -> bool:
    return material.at(gate, work.values) != work.values[material.circuit.wire(gate)]


def _any(turn: Turn, options: list[int]) -> int:
    return options[keys.below(turn.key, len(options))]


def expert(
    setting: Setting,
    placement: Placement = "deep",
    honesty: float = 0.0,
    pointing: Literal["always", "truthful"] = "always",
    shows: Literal["any", "root"] = "any",
    aim: Aim = "own",
) -> CircuitExpert:
    """`expert[:placement]`: an expert of the world `circuits`, with dials."""
    on_circuits(setting, "expert")
    return CircuitExpert(placement, honesty, pointing, shows, aim)
