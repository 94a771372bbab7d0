"""Random computation graphs: one world on which every protocol can be played at the same budget.

The question is the value at the root of a circuit that everybody sees. Parties differ in how well
they evaluate gates: experts hardly err (ε), the judge's free glance often does (ε₀), and its
careful look at one gate seldom (η). A claim is backed by a value for every gate; a lie differs
from its teller's beliefs by one flawed gate and what follows from it. Reading and checking one step
is the unit of the judge's budget. `oversight.circuits` has the mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from oversight import keys
from oversight.agents.rating import AnswerRater, Selector, StepRater
from oversight.circuits.adversaries import ATTEMPTS, adversaries
from oversight.circuits.compared import ComparedCircuits
from oversight.circuits.estimators import CircuitEstimator, CircuitProver
from oversight.circuits.experts import CircuitExpert, Placement
from oversight.circuits.graph import Family, Shape
from oversight.circuits.judges import CircuitJudge
from oversight.circuits.machines import Looks
from oversight.circuits.parts import CircuitParts
from oversight.circuits.reading import INQUIRER
from oversight.circuits.steps import Asked, Work, checks, descent, own_trace, works
from oversight.circuits.traces import Luck, Skills, from_the_root
from oversight.circuits.workers import MISLEADING, CircuitWorker
from oversight.core import SILENCE, Case, Message, OversightError, Seat, View
from oversight.oracles.machine import least_looks
from oversight.oracles.players import STOCHASTIC
from oversight.players import Agent
from oversight.spaces import Choose, Reply
from oversight.world import Arguable, Askable, Stochastic, Unaided, World


class Circuits(ComparedCircuits, CircuitParts, Arguable, Askable, Unaided, Stochastic):
    """Random computation graphs whose root value is the question; the common world."""

    name: ClassVar[str] = "circuits"

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
        graph: str | Path | None = None,
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
        skills = Skills(
            expert, shallow, careful, distillation, systematic, shared, obfuscation, blind, hidden
        )
        super().__init__(Shape(depth, width, m, hard, family, fanin), skills, second, graph)
        self._expert = CircuitExpert(placement, honesty)
        self._judge = CircuitJudge(credulity, selection_aware, trust)
        self._worker = CircuitWorker()
        self._prover = CircuitProver("blind" if hidden else placement, honesty)
        self.pointing = pointing
        kept = {k: v for k, v in locals().items() if k not in ("self", "__class__", "skills")}
        self._settings: dict[str, Any] = kept | {"graph": None if graph is None else str(graph)}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return self._settings

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
            return Choose(gates, legal, silence=not legal, of=GATES)
        legal = _unchecked(case, said)
        asked = next((m.data for m in reversed(said) if m.act == "ask"), None)
        if asked in legal and seat in held:
            return Choose(gates, (asked,), of=GATES)
        return Choose(gates, legal, silence=True, of=GATES)

    def _compared(self, case: Case, one: Work, other: Work) -> Sequence[int]:
        """The gates at which two opposed works are compared, in order."""
        asked: Asked = case.question.data
        if self.pointing == "dispute" or one.values[-1] == other.values[-1]:
            return descent(asked, one, other, case.private.hidden)
        return keys.generator(asked.key).permutation(asked.circuit.gates).tolist()

    @property
    def argue_bound(self) -> Choose:
        """Any gate, or silence."""
        return Choose(self._gates, silence=True, of=GATES)

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

    def ask_space(self, case: Case, seat: str, view: View) -> Choose:
        """A gate not checked yet."""
        return Choose(self._gates, _unchecked(case, view.transcript), silence=True, of=GATES)

    @property
    def ask_bound(self) -> Choose:
        """Any gate, or silence."""
        return Choose(self._gates, silence=True, of=GATES)

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

    # The circuit as a computation of coins

    def machine(self, case: Case, runs: int) -> Looks:
        """Fresh careful looks at every gate, `runs` times over. OversightError unless m = 2."""
        if self._values != 2:
            raise OversightError(
                f"bits are looked at here, and circuits of {self._values} values have none; set m=2"
            )
        return Looks(case.private.circuit, self.skills.careful, runs)


def _unchecked(case: Case, said: Sequence[Message]) -> tuple[int, ...]:
    """The gates that nobody has brought up yet."""
    done = {check.gate for _, check in checks(said)}
    return tuple(g for g in range(case.private.circuit.gates) if g not in done)


GATES = "gates, by their numbers"
