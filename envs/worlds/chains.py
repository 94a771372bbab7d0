"""Chains of gates: market making's induction on circuits (Hubinger 2020), one gate after another.

A question is the value of a gate of a circuit of the family "chain" (`oversight.circuits`), with 1
to `depth` gates from the input up. The judge looks at one gate with care (error η); an argument
points it at the next gate from the root down, and the market's price of what lies below is read
out. `oversight.circuits.chains` has the judge and the fixed point.

Beside the world `circuits`, where a chain has one depth and two candidate answers, the truth and a
distractor: a price on two candidates of a part would tell most of it. Here every value is one. By
default the judge has no glance of its own (`shallow`): with one, a market that predicts it averages
the glance's errors away over questions, and needs no induction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.circuits.chains import (
    ChainExpert,
    ChainJudge,
    Link,
    Look,
    Outlook,
    asking,
    looks_at,
    mapped,
    quoted_on,
)
from oversight.circuits.graph import Shape, draw_circuit
from oversight.circuits.traces import EXPERT, SHALLOW, Luck, Skills
from oversight.core import SILENCE, Case, Message, OversightError, Question, Sealed, Seat, View
from oversight.market import Quotable
from oversight.players import Agent
from oversight.spaces import Choose, Reply
from oversight.world import Arguable, Numeric, World


class Chains(World, Arguable, Quotable, Numeric):
    """Chains of one to `depth` gates over m values."""

    name: ClassVar[str] = "chains"
    answers = 4  # by default: m

    def __init__(
        self,
        depth: int = 4,
        m: int = 4,
        hard: float = 1.0,
        careful: float = 0.02,
        shallow: float | None = None,
        expert: float = 0.005,
    ) -> None:
        """Dials.

        Args:
            depth, m, hard: of the circuits (`oversight.circuits.graph`); every number of gates from
                1 to `depth` is as likely. With hard=1 all are affine, and pass every doubt on.
            careful, shallow, expert: error rates η, ε₀, ε at a gate. Without `shallow` the judge's
                glance is a guess.
        """
        guess = (m - 1) / m
        shallow = guess if shallow is None else shallow
        if shallow > guess or careful > guess:
            raise OversightError(f"an error rate above {guess:g} is worse than a guess at m={m}")
        self.shape = Shape(depth, 2, m, hard, "chain")
        self.skills = Skills(expert, shallow, careful)
        self.answers = m
        self.features = (depth + 1) * m * m + 2 * m
        self._judge, self._expert = ChainJudge(careful, shallow), ChainExpert()

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        shape, skills = self.shape, self.skills
        return {
            "depth": shape.depth, "m": shape.m, "hard": shape.hard, "careful": skills.careful,
            "shallow": skills.shallow, "expert": skills.expert,
        }  # fmt: skip

    def case(self, index: int, seed: int) -> Case:
        """Chain number `index` of a seed."""
        key = keys.root(seed, self.name, index)
        circuit = draw_circuit(self.shape, keys.root(key, "circuit"))
        link = Link(circuit, keys.below(keys.root(key, "gate"), circuit.gates))
        truth = circuit.run()[circuit.wire(link.gate)]
        luck = Luck(circuit, self.skills, keys.root(key, "luck"))
        return Case(f"{self.name}-{seed}-{index}", asking(link), luck, Sealed(truth))

    def private(self, case: Case, seat: str, role: Seat) -> Outlook:
        """What a seat makes of every gate: an expert's view, or the judge's glance."""
        luck: Luck = case.private
        who, rate = SHALLOW, self.skills.shallow
        if role.expert:
            who, rate = f"{EXPERT}-{seat}", self.skills.expert
        shifts = luck.shifts(who, rate)
        return Outlook(tuple(mapped(luck.circuit, gate, s) for gate, s in enumerate(shifts)))

    # Who plays

    def judge(self) -> Agent:
        """H: looks at one gate with care. As a market it prices what it can do unaided."""
        return self._judge

    def debater(self) -> Agent:
        """Works the chain out, and leads the judge down."""
        return self._expert

    # What may be said

    def argue_space(self, case: Case, seat: str, view: View) -> Choose:
        """The next gate from the root down."""
        looks = looks_at(view)
        lowest = min(looks, default=case.question.data.gate + 1)
        return Choose(self.shape.depth, (lowest - 1,) if lowest else (), silence=True, of=GATES)

    @property
    def argue_bound(self) -> Choose:
        """Any gate, or silence."""
        return Choose(self.shape.depth, silence=True, of=GATES)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """What the judge's careful look makes of the gate, whatever is below."""
        if reply is None:
            return Message(seat, act, SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        luck: Luck = case.private
        y = luck.circuit.inputs[reply + 1]
        found = tuple(luck.careful(reply, x, y) for x in range(luck.circuit.m))
        values = "".join(map(str, range(luck.circuit.m)))
        words = f"A careful look at g{reply}: it takes {values} to {''.join(map(str, found))}."
        return Message(seat, act, words, Look(reply, found))

    def referred(self, question: Question, argument: Message) -> Sequence[Question]:
        """The gate below; what the lowest gate takes is given."""
        if not isinstance(argument.data, Look) or argument.data.gate == 0:
            return ()
        return [asking(Link(question.data.circuit, argument.data.gate - 1))]

    # As numbers

    def encode(self, view: View) -> NDArray[np.float32]:
        """Every gate's map and the input, one-hot; the last quote over the map above; the price.

        (depth·m·m + m + m·m + m,), zeros for whatever there is none of. Entry (x, v) of the quote's
        square is its price of x where the looked-at gate takes x to v: the judge's belief is linear
        in it.
        """
        link: Link = view.question.data
        circuit, m = link.circuit, link.circuit.m
        maps = np.zeros((self.shape.depth, m, m), np.float32)
        for gate in range(link.gate + 1):
            maps[gate, np.arange(m), mapped(circuit, gate)] = 1
        start = np.eye(m, dtype=np.float32)[circuit.inputs[0]]
        heard = np.zeros((m, m), np.float32)
        looks = looks_at(view)
        if looks:
            lowest = min(looks)
            held = quoted_on(view, lowest - 1) if lowest else start
            heard[np.arange(m), looks[lowest]] = held
        price = np.zeros(m, np.float32)
        for message in view.transcript:
            if message.act == "price":
                price = np.asarray(message.data, np.float32)
        return np.concatenate([maps.ravel(), start, heard.ravel(), price])


GATES = "gates, by their numbers"
