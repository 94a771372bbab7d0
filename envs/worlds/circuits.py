"""Random computation graphs: one world on which every protocol can be played at the same budget.

The question is the value at the root of a circuit that everybody sees. Parties differ in how well
they evaluate gates: experts hardly err (ε), the judge's free glance often does (ε₀), and its
careful look at one gate seldom (η). A claim is backed by a value for every gate; a lie differs
from its teller's beliefs by one flawed gate and what follows from it. Reading and checking one step
is the unit of the judge's budget. `oversight.circuits` has the mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from oversight import keys
from oversight.agents.rating import AnswerRater, Selector, StepRater
from oversight.circuits import attempts
from oversight.circuits.adversaries import ATTEMPTS, adversaries
from oversight.circuits.cases import case_about
from oversight.circuits.estimators import CircuitEstimator, CircuitProver
from oversight.circuits.experts import CircuitExpert, Placement
from oversight.circuits.files import read_circuit
from oversight.circuits.graph import Circuit, Family, Shape, draw_circuit, redrawn
from oversight.circuits.judges import INQUIRER, CircuitJudge
from oversight.circuits.machines import Looks
from oversight.circuits.steps import (
    Asked,
    Check,
    Given,
    Work,
    checks,
    descent,
    in_words,
    own_trace,
    wire_name,
    works,
)
from oversight.circuits.traces import (
    CAREFUL,
    EXPERT,
    SHALLOW,
    Luck,
    Material,
    Skills,
    from_the_root,
    reliability,
)
from oversight.circuits.workers import MISLEADING, CircuitWorker, Glance, Part
from oversight.core import SILENCE, Case, Message, OversightError, Question, Sealed, Seat, View
from oversight.looks import Looked
from oversight.oracles.machine import least_looks
from oversight.oracles.players import STOCHASTIC
from oversight.players import Agent
from oversight.spaces import Choose, Reply
from oversight.stepwise import Stepwise, works_that_fit
from oversight.world import (
    Arguable,
    Askable,
    Disputable,
    Separable,
    Stochastic,
    Unaided,
    World,
)

SECOND = ("critic", "debater_1", "consultant_1", "estimator")
"""Seats of a second expert, whose luck is another's than the first's."""
REMEMBERED = 20_000
"""Cases kept: the protocols of a comparison are played on the same ones."""


class Circuits(World, Arguable, Askable, Stepwise, Separable, Unaided, Stochastic, Disputable):
    """Random computation graphs whose root value is the question; the common world."""

    name: ClassVar[str] = "circuits"
    answers = 2

    def __init__(
        self,
        depth: int = 5,
        width: int = 8,
        m: int = 2,
        hard: float = 0.5,
        family: Family = "dag",
        expert: float = 0.005,
        second: float | None = None,
        shallow: float = 0.08,
        careful: float = 0.02,
        distillation: float = 0.005,
        systematic: float = 1.0,
        shared: float = 0.0,
        obfuscation: float = 0.0,
        blind: Literal["silent", "declared"] = "silent",
        hidden: float = 0.0,
        placement: Placement = "deep",
        honesty: float = 0.0,
        credulity: float = 0.0,
        selection_aware: bool = True,
        trust: float = 0.0,
        pointing: Literal["dispute", "random"] = "dispute",
        graph: Path | None = None,
        fanin: int = 2,
    ) -> None:
        """Dials, all of which the manifest keeps.

        Args:
            depth, width, m, hard, family, fanin: what circuits are drawn
                (`oversight.circuits.graph`).
            expert, shallow, careful, distillation: error rates ε, ε₀, η, δ at a gate.
            second: ε of the second expert (a critic, an opponent) where it differs.
            systematic, shared, obfuscation, blind, hidden: ρ, and the dials of
                `oversight.circuits.traces.Skills`.
            placement, honesty: of the default expert.
            credulity, selection_aware, trust: of the default judge.
            pointing: where two opposed works are compared: from the root down to the crux, or, as
                a control, at random gates.
            graph: a circuit's file (`read_circuit`); its inputs are drawn anew for each case.
        """
        self.shape = Shape(depth, width, m, hard, family, fanin)
        self.skills = Skills(
            expert, shallow, careful, distillation, systematic, shared, obfuscation, blind, hidden
        )
        self._expert = CircuitExpert(placement, honesty)
        self._judge = CircuitJudge(credulity, selection_aware, trust)
        self._worker = CircuitWorker()
        self._prover = CircuitProver("blind" if hidden else placement, honesty)
        self.second = second
        self.pointing = pointing
        self.graph = graph
        self._cases: dict[tuple[int, int], Case] = {}
        self._settings = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self._settings["graph"] = None if graph is None else str(graph)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return self._settings

    # Cases

    @cached_property
    def _given(self) -> Circuit | None:
        return None if self.graph is None else read_circuit(self.graph)

    def case(self, index: int, seed: int) -> Case:
        """Circuit number `index` of a seed, its inputs, and everybody's luck with it."""
        if (index, seed) not in self._cases:
            if len(self._cases) >= REMEMBERED:
                self._cases.clear()
            self._cases[index, seed] = self._case(index, seed)
        return self._cases[index, seed]

    def _case(self, index: int, seed: int) -> Case:
        key = keys.root(seed, self.name, index)
        drawn = keys.root(key, "circuit")
        given = self._given
        circuit = draw_circuit(self.shape, drawn) if given is None else redrawn(given, drawn)
        return case_about(
            Luck(circuit, self.skills, keys.root(key, "luck")),
            f"{self.name}-{seed}-{index}",
            distractor=keys.root(key, "distractor"),
            public=keys.root(key, "public"),
        )

    def private(self, case: Case, seat: str, role: Seat) -> Material | None:
        """An expert's beliefs at an expert's seat, the judge's own at the others."""
        luck: Luck = case.private
        seen = ("private", seat, role.expert, role.level)
        return luck.remember(seen, lambda: self._in_mind(luck, seat, role))

    def _in_mind(self, luck: Luck, seat: str, role: Seat) -> Material | None:
        if not role.expert:
            return self._material(luck, SHALLOW, self.skills.at(role.level))
        other = seat in SECOND
        rate = self.skills.at(role.level)
        if other and self.second is not None:
            rate = self.second
        material = self._material(luck, f"{EXPERT}-{int(other)}", rate)
        if seat.startswith(attempts.SOLVER):
            shifts = attempts.attempt(luck, seat, material.rate)
            material = material._replace(values=luck.circuit.run(shifts), errors=shifts)
        blind = luck.chosen("blind", self.skills.obfuscation)
        judge = self._judges(luck).values
        return material._replace(blind=blind, judge=judge, hidden=luck.hidden)

    def _judges(self, luck: Luck) -> Material:
        return self._material(luck, SHALLOW, self.skills.shallow)

    def _material(self, luck: Luck, who: str, rate: float) -> Material:
        errors = luck.shifts(who, rate)
        care = self.skills.careful
        sure = reliability(self._given or self.shape, rate, care)
        return Material(luck.circuit, luck.trace(who, rate), rate, errors, sure, care)

    # Who plays

    def judge(self) -> Agent:
        """Bayes' rule, knowing how often a careful look errs."""
        return self._judge

    def debater(self) -> Agent:
        """An expert that plants one flaw where its side asks for one."""
        return self._expert

    def agent(self, seat: str, role: Seat) -> Agent:
        """Workers where parts of the circuit are worked on; judges and experts elsewhere."""
        if {"decompose", "subquestion", "answer"} & set(role.acts) and "decide" not in role.acts:
            return self._worker
        if role.acts == ("ask",) and seat.startswith(INQUIRER):
            return self._judge
        if seat in STOCHASTIC:
            return STOCHASTIC[seat]
        if "contest" in role.acts:
            return self._prover
        if "apportion" in role.acts:
            return CircuitEstimator()
        if "rate" in role.acts:
            return AnswerRater() if seat.startswith("outcome") else StepRater()
        return Selector() if seat == "selector" else super().agent(seat, role)

    def spend(self, protocol: str, budget: int) -> Mapping[str, Any] | None:
        """Steps that the judge reads and checks; a debate's two of each level both count."""
        match protocol:
            case "consultancy":
                return {"rounds": budget, "questions": True}
            case "critique":
                return {"points": budget, "support": 0}
            case "factored_cognition":
                return {"depth": self._layers, "attends": budget}
            case "nested":
                return {"steps": 2, "inner": f"debate:rounds={max(1, budget // 4)}"}
            case "sandwiching":
                return {"messages": budget}
            case "reward_modeling":
                return {"critiques": max(0, budget - 1)}  # the judge looks at the question itself
            case "doubly_efficient":
                least = self.least(protocol)
                return None if least is None or budget < least else {}
            case "prover_estimator" if self.branching > 2:
                return {"parts": self.backing}
            case "process_supervision":
                # attempts of a solver whose errors all persist are the same: one is enough. The
                # form is the same for m=2, where a right answer often rests on a wrong trace.
                several = min(ATTEMPTS, budget) if self.skills.systematic < 1 else 1
                return {"candidates": several, "steps": max(1, budget // several)}
            case _:
                return super().spend(protocol, budget)

    def least(self, protocol: str) -> int | None:
        """Doubly-efficient debate asks for O(K²) looks at one step, and for bits."""
        if protocol != "doubly_efficient":
            return super().least(protocol)
        return None if self._values > 2 else least_looks(1.0 + self._gates)

    def adversaries(self, protocol: str) -> Mapping[str, Mapping[str, Agent]]:
        """See `oversight.circuits.adversaries`; an amplification's assistant may lie."""
        return MISLEADING if protocol == "amplification" else adversaries(protocol)

    def dial(self, name: str) -> Mapping[float, World]:
        """The judge's glance from an expert's to worse than the default; gates it cannot check."""
        match name:
            case "gap":
                values = [self.skills.expert, 0.02, 0.04, 0.08, 0.16]
                return {rate: self._with(shallow=rate) for rate in sorted(set(values))}
            case "obfuscation":
                return {share: self._with(obfuscation=share) for share in (0.0, 0.1, 0.2, 0.4, 0.8)}
            case "pointing":
                return {0.0: self._with(pointing="random")}
            case _:
                return {}

    def _with(self, **changed: Any) -> Circuits:
        settings = {k: v for k, v in self._settings.items() if k != "graph"} | changed
        return Circuits(**settings, graph=self.graph)

    def material(self, view: View) -> str:
        """The seat's own value of every gate; a worker's of its own wire."""
        match view.private:
            case Material(values=values) as own:
                return f"Your own evaluation, which may err: {_listed(own, values)}."
            case Glance(value=value):
                return f"Your own glance at it, which may err: {value}."
            case _:
                return ""

    # Work

    def present_space(self, case: Case, seat: str, view: View) -> Choose:
        """0 is its own trace; 1 + gate·(m−1) + shift − 1 plants a flaw that makes the root fit."""
        material: Material = view.private
        asked: Asked = case.question.data
        works_there_are = Choose(1 + material.circuit.gates * (material.circuit.m - 1))
        wanted = None if view.side is None else asked.values[view.side.answer]
        return works_that_fit(
            works_there_are, view.side, lambda option: self._work(material, option)[-1], wanted
        )

    @property
    def present_bound(self) -> Choose:
        """One's own, or any one flaw."""
        return Choose(1 + self._gates * (self._values - 1))

    def publish_work(self, case: Case, seat: str, reply: Reply, view: View) -> Message:
        """A value for every gate."""
        assert isinstance(reply, int)  # the space is a Choose
        material: Material = view.private
        values = self._work(material, reply)
        return Message(seat, "present", _listed(material, values), Work(values))

    def _work(self, material: Material, option: int) -> tuple[int, ...]:
        if not option:
            return material.values
        gate, shift = divmod(option - 1, self._values - 1)
        return material.flawed(gate, shift + 1)

    # Steps

    def argue_space(self, case: Case, seat: str, view: View) -> Choose:
        """Which step it may bring up now.

        Two opposed works are compared from the root down to the crux, whoever is to speak. Else it
        is a step not checked yet: the one last asked for, any of its own work, of the work it
        criticises, or of the judge's own trace.
        """
        said = view.transcript
        held, gates = works(said), self._gates
        if len(held) > 1 and seat in held:
            path = self._compared(case, *list(held.values())[:2])
            turn = sum(m.seat == seat and m.act == "argue" for m in said)
            legal = (path[turn],) if turn < len(path) else ()
            return Choose(gates, legal, silence=not legal)
        legal = _unchecked(case, said)
        asked = next((m.data for m in reversed(said) if m.act == "ask"), None)
        if asked in legal and seat in held:
            return Choose(gates, (asked,))
        return Choose(gates, legal, silence=True)

    def _compared(self, case: Case, one: Work, other: Work) -> Sequence[int]:
        """The gates at which two opposed works are compared, in order."""
        asked: Asked = case.question.data
        if self.pointing == "dispute" or one.values[-1] == other.values[-1]:
            return descent(asked, one, other, case.private.hidden)
        return keys.generator(asked.key).permutation(asked.circuit.gates).tolist()

    @property
    def argue_bound(self) -> Choose:
        """Any gate, or silence."""
        return Choose(self._gates, silence=True)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message]
    ) -> Message:
        """The step, and what the judge's careful look at it gives."""
        if reply is None:
            return Message(seat, act, SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        held = works(transcript)
        work = held.get(seat) or next(iter(held.values()), None)
        luck: Luck = case.private
        values = (
            own_trace(luck.circuit, self._judges(luck).values, transcript)
            if work is None
            else work.values
        )
        return self._checked(luck, seat, act, reply, values, own=work is None)

    def _checked(
        self, luck: Luck, seat: str, act: str, gate: int, values: Sequence[int], *, own: bool
    ) -> Message:
        circuit = luck.circuit
        value = values[circuit.wire(gate)]
        children = tuple(values[wire] for wire in circuit.children(gate))
        found: int | None = luck.careful(gate, *children)
        if gate in luck.chosen("blind", self.skills.obfuscation):
            found = value if self.skills.blind == "silent" else None
        check = Check(gate, value, children, found, own)
        return Message(seat, act, in_words(check, circuit), check)

    def ask_space(self, case: Case, seat: str, view: View) -> Choose:
        """A gate not checked yet."""
        return Choose(self._gates, _unchecked(case, view.transcript), silence=True)

    @property
    def ask_bound(self) -> Choose:
        """Any gate, or silence."""
        return Choose(self._gates, silence=True)

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The gate that is to be shown."""
        if reply is None:
            return Message(seat, "ask", SILENCE)
        return Message(seat, "ask", f"Show me gate g{reply}.", reply)

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """Careful looks at the judge's own trace, from the root down."""
        luck: Luck = case.private
        said: list[Message] = []
        own = self._judges(luck).values
        for gate in from_the_root(luck.circuit)[:budget]:
            trace = own_trace(luck.circuit, own, said)
            said.append(self._checked(luck, "nature", "look", gate, trace, own=True))
        return said

    # Steps of presented work

    @property
    def steps(self) -> int:  # type: ignore[override]  # follows from the settings
        """Every gate is a step."""
        return self._gates

    @property
    def signs(self) -> int:  # type: ignore[override]  # follows from the settings
        """Layers, with and without the judge's glance agreeing, and a few more."""
        return 2 * self._layers + attempts.EXTRA

    def steps_of(self, case: Case, work: Message) -> Sequence[Message]:
        """Every gate with its children's values, as claimed."""
        return attempts.steps_of(case.private.circuit, work)

    def looked(self, case: Case, work: Message) -> Sequence[Looked]:
        """The judge's careful look and its glance at every gate."""
        luck: Luck = case.private
        return attempts.looked(luck, self._judges(luck), self.skills.expert, work)

    def signs_of(self, view: View, place: int) -> Sequence[int]:
        """A gate's layer, and whether the judge's glance at it agrees."""
        return attempts.signs_of(view, place, self._layers)

    def graded(self, case: Case, work: Message) -> Sequence[bool]:
        """Whether each value follows from the children's."""
        return attempts.graded(case.private.circuit, work.data)

    @cached_property
    def _layers(self) -> int:
        return self.shape.depth if self._given is None else self._given.layer[-1]

    # Parts

    @property
    def nodes(self) -> int:  # type: ignore[override]  # follows from the settings
        """Every wire is a question."""
        if self._given is not None:
            return self._given.wires
        return self.shape.inputs + self.shape.gates

    @property
    def branching(self) -> int:  # type: ignore[override]  # follows from the settings
        """A wire rests on the children of its gate."""
        return self.shape.fanin if self._given is None else self._given.fanin

    @property
    def choices(self) -> int:  # type: ignore[override]  # follows from the settings
        """A wire has any of the m values."""
        return self._values

    def root(self, case: Case) -> int:
        """The last wire."""
        return case.private.circuit.wires - 1

    def subquestion(self, case: Case, node: int) -> Question:
        """The value of one wire, over all m values; the root's over the case's candidates."""
        circuit: Circuit = case.private.circuit
        if not 0 <= node < circuit.wires:
            raise OversightError(f"{case.id} has wires 0 to {circuit.wires - 1}, not {node}")
        asked: Asked = case.question.data
        values = asked.values if node == circuit.wires - 1 else tuple(range(circuit.m))
        prompt = f"What is the value of {wire_name(circuit, node)}?"
        return Question(prompt, tuple(map(str, values)), Part(circuit, node, values, asked.case))

    def node_truth(self, case: Case, node: int) -> Sealed[int]:
        """The wire's true value, among its question's candidates."""
        value = case.private.circuit.run()[node]
        return Sealed(self.subquestion(case, node).data.values.index(value))

    def node_private(self, case: Case, node: int, seat: str, role: Seat) -> Glance:
        """A worker's glance at its wire: shallow, or for an assistant what it has distilled."""
        luck: Luck = case.private
        own = luck.distilled() if seat == "assistant" else luck.trace(SHALLOW, self.skills.shallow)
        gate = luck.circuit.gate(node)
        off = 0 if gate is None else luck.look(CAREFUL, self.skills.careful, gate)
        return Glance(own[node], off, self.skills.careful)

    def subcase(self, case: Case, node: int) -> Case | None:
        """The circuit below one gate; inputs are given."""
        luck: Luck = case.private
        gate = luck.circuit.gate(node)
        if gate is None:
            return None
        asked: Asked = case.question.data
        return case_about(
            luck.below(gate),
            f"{asked.case}/g{gate}",
            distractor=keys.root(asked.key, "distractor", gate),
            public=asked.key,
        )

    # A work as claims that back one another: a value a wire, and that a gate's follows

    @property
    def backing(self) -> int:  # type: ignore[override]  # follows from the settings
        """A value rests on its gate's step, and on the children's values."""
        return 1 + self.branching

    @property
    def claims(self) -> int:  # type: ignore[override]  # follows from the settings
        """The value of every wire; then, numbered on, that each gate's follows from its inputs'."""
        return self.nodes + self._gates

    def whole(self, case: Case) -> int:
        """The root's value."""
        return self.root(case)

    def backed_by(self, case: Case, claim: int) -> tuple[int, ...]:
        """A gate's value rests on its step and on its children's values."""
        circuit: Circuit = case.private.circuit
        gate = circuit.gate(claim) if claim < circuit.wires else None
        return () if gate is None else (circuit.wires + gate, *circuit.children(gate))

    def claim_in_words(self, case: Case, work: Message, claim: int) -> str:
        """`g3 = 1`, or that it follows."""
        circuit: Circuit = case.private.circuit
        if claim < circuit.wires:
            return f"{wire_name(circuit, claim)} = {work.data.values[claim]}"
        return f"the value of g{claim - circuit.wires} follows"

    def check(self, case: Case, work: Message, claim: int) -> Message:
        """A careful look at a step; inputs are given, and what is claimed of them holds."""
        luck: Luck = case.private
        wires = luck.circuit.wires
        if claim < wires:
            words = f"{self.claim_in_words(case, work, claim)} is given."
            return Message(work.seat, "argue", words, Given())
        return self._checked(luck, work.seat, "argue", claim - wires, work.data.values, own=False)

    # The circuit as a computation of coins

    def machine(self, case: Case, runs: int) -> Looks:
        """Fresh careful looks at every gate, `runs` times over. OversightError unless m = 2."""
        if self._values != 2:
            raise OversightError(
                f"bits are looked at here, and circuits of {self._values} values have none; set m=2"
            )
        return Looks(case.private.circuit, self.skills.careful, runs)

    @cached_property
    def _gates(self) -> int:
        return self.shape.gates if self._given is None else self._given.gates

    @cached_property
    def _values(self) -> int:
        return self.shape.m if self._given is None else self._given.m


def _unchecked(case: Case, said: Sequence[Message]) -> tuple[int, ...]:
    """The gates that nobody has brought up yet."""
    done = {check.gate for _, check in checks(said)}
    return tuple(g for g in range(case.private.circuit.gates) if g not in done)


def _listed(material: Material, values: Sequence[int]) -> str:
    """The value of every gate, in words."""
    return ", ".join(f"g{g}={v}" for g, v in enumerate(values[len(material.circuit.inputs) :]))
