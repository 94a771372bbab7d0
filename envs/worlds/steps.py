"""Chains of checkable reasoning steps: the world of process and outcome supervision.

A question is a program of modular arithmetic; a solution is the value after every step. A solver
slips at steps of some kinds more often than at others (`oversight.programs.solving`), so that a
reward model can learn where, and errors may cancel, so that a right answer can rest on a wrong
trace. Every step's truth is exact, and so is the rate of such false positives (`law`).

Deviations: Uesato et al. 2022 and Lightman et al. 2023 sample solutions of school mathematics from
language models. Here the solver's law is known, which is what makes the rates exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from oversight import keys
from oversight.agents.rating import AnswerRater, StepRater
from oversight.core import Case, Message, OversightError, Question, Sealed, Seat, View
from oversight.looks import Looked
from oversight.players import Agent
from oversight.programs.players import ProgramJudge, ProgramSolver
from oversight.programs.program import OPERATIONS, Program, draw_program
from oversight.programs.solving import (
    CELLS,
    MANNERS,
    Attempt,
    Dials,
    Law,
    Luck,
    cell,
    law,
    usual_rate,
)
from oversight.spaces import Choose, Reply
from oversight.stepwise import Stepwise, works_that_fit
from oversight.world import World

REMEMBERED = 20_000
"""Cases kept: rules of selection are compared on the same ones."""
CANDIDATES = 64
"""Solvers that an adversary may sit in for."""
SHARED = len(OPERATIONS) + 2 + len(MANNERS)
"""Signs of a step's operation, carry and manner each; then one sign a combination of them."""
KINDS = SHARED + CELLS
"""Signs of a step's kind; four more say what a glance tells."""
Reading = Literal["glance", "kinds"]


class Done(NamedTuple):
    """One step as it was written: the data of its message."""

    step: int
    x: int
    """The value before it, as written."""
    value: int
    manner: int


class Written(NamedTuple):
    """A whole solution as it was written: (steps,) each."""

    values: tuple[int, ...]
    manners: tuple[int, ...]


class Steps(World, Stepwise):
    """Programs of modular arithmetic, worked step by step by a solver that slips at some kinds."""

    name: ClassVar[str] = "steps"
    answers = 10
    """Of the default modulus; each world has its own number."""
    signs = KINDS + 4

    def __init__(
        self,
        steps: int = 6,
        m: int = 10,
        slip: float = -2.5,
        contrast: float = 1.5,
        trouble: float = 1.5,
        profile: int = 0,
        shallow: float = 0.08,
        careful: float = 0.02,
        reading: Reading = "glance",
    ) -> None:
        """Dials, all of which the manifest keeps.

        Args:
            steps, m: how long programs are, and the modulus.
            slip, contrast, trouble, profile, shallow, careful: see
                `oversight.programs.solving.Dials`.
            reading: what reward models see of a step: its kind alone, or also whether the judge's
                glance at it agrees, and at the last whether the answer is the judge's own.
        """
        if steps < 1 or m < 2:
            raise OversightError(f"programs have steps ≥ 1 and m ≥ 2, got {steps} and {m}")
        self.steps = steps
        self.reading: Reading = reading
        self.answers = m
        self.dials = Dials(slip, contrast, trouble, profile, shallow, careful)
        self._settings = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self._cases: dict[tuple[int, int], Case] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return self._settings

    # Cases

    def case(self, index: int, seed: int) -> Case:
        """Program number `index` of a seed, and everybody's luck with it."""
        if (index, seed) not in self._cases:
            if len(self._cases) >= REMEMBERED:
                self._cases.clear()
            self._cases[index, seed] = self._case(index, seed)
        return self._cases[index, seed]

    def _case(self, index: int, seed: int) -> Case:
        key = keys.root(seed, self.name, index)
        name = f"{self.name}-{seed}-{index}"
        program = draw_program(name, self.answers, self.steps, keys.root(key, "program"))
        question = Question(_prompt(program), tuple(map(str, program.values)), program)
        luck = Luck(program, self.dials, keys.root(key, "luck"))
        return Case(name, question, luck, Sealed(program.run()[-1]))

    def law(self, case: Case) -> Law:
        """How a case's attempts come out, exactly: for scorers alone."""
        return law(case.private)

    def private(self, case: Case, seat: str, role: Seat) -> Attempt:
        """An expert's own try, another for every seat; elsewhere the judge's work at a glance."""
        luck: Luck = case.private
        return luck.attempt(seat) if role.expert else luck.judges()

    # Who plays

    def judge(self) -> Agent:
        """Believes what was selected as far as its score."""
        return ProgramJudge()

    def debater(self) -> Agent:
        """The solver."""
        return ProgramSolver()

    def agent(self, seat: str, role: Seat) -> Agent:
        """Raters where steps or answers are rated."""
        if "rate" in role.acts:
            return AnswerRater() if seat.startswith("outcome") else StepRater()
        return super().agent(seat, role)

    def spend(self, protocol: str, budget: int) -> Mapping[str, Any] | None:
        """Whole solutions, every step rated; at least some steps of a single one."""
        if protocol != "process_supervision":
            return super().spend(protocol, budget)
        return {"candidates": max(1, budget // self.steps), "steps": min(budget, self.steps)}

    def adversaries(self, protocol: str) -> Mapping[str, Mapping[str, Agent]]:
        """Solvers that present work for another answer than their own, with one flaw in it."""
        if protocol != "process_supervision":
            return {}
        tried = (ProgramSolver("against", "late"), ProgramSolver("against", "random"))
        return {
            agent.label: {f"solver_{place}": agent for place in range(CANDIDATES)}
            for agent in tried
        }

    # Work

    def present_space(self, case: Case, seat: str, view: View) -> Choose:
        """0 is its own work; 1 + step·(m−1) + shift − 1 plants a flaw that leads to its side."""
        attempt: Attempt = view.private
        wanted = None if view.side is None else view.side.answer
        return works_that_fit(
            self.present_bound, view.side, lambda o: self._values(attempt, o)[-1], wanted
        )

    @property
    def present_bound(self) -> Choose:
        """One's own, or any one flaw."""
        return Choose(1 + self.steps * (self.answers - 1))

    def publish_work(self, case: Case, seat: str, reply: Reply, view: View) -> Message:
        """A value and a manner for every step."""
        assert isinstance(reply, int)  # the space is a Choose
        attempt: Attempt = view.private
        values = self._values(attempt, reply)
        return Message(
            seat, "present", " → ".join(map(str, values)), Written(values, attempt.manners)
        )

    def _values(self, attempt: Attempt, option: int) -> tuple[int, ...]:
        if not option:
            return attempt.values
        step, shift = divmod(option - 1, self.answers - 1)
        return attempt.flawed(step, shift + 1)

    # Steps

    def steps_of(self, case: Case, work: Message) -> list[Message]:
        """Every step with the value that it started from."""
        program: Program = case.question.data
        return [
            Message(
                work.seat,
                "step",
                f"{program.words(step)}: from {x} to {value}, {MANNERS[manner]}",
                Done(step, x, value, manner),
            )
            for step, (x, value, manner) in enumerate(_done(program, work))
        ]

    def looked(self, case: Case, work: Message) -> tuple[Looked, ...]:
        """A careful look and a glance at every step, and the judge's own answer."""
        luck: Luck = case.private
        program, dials = luck.program, luck.dials
        whole = luck.judges().answer == work.data.values[-1]
        return tuple(
            Looked(
                luck.careful(step, x) == value, dials.careful, usual_rate(dials), program.m,
                luck.glances(step, x) == value, whole, None,
            )
            for step, (x, value, _) in enumerate(_done(program, work))
        )  # fmt: skip

    def signs_of(self, view: View, place: int) -> tuple[int, ...]:
        """The operation, whether it carries, the manner, the three together; and a glance."""
        program: Program = view.question.data
        done: Done = view.transcript[place].data
        operation, carries = program.operations[done.step], program.carries(done.step, done.x)
        kind = (
            operation,
            len(OPERATIONS) + carries,
            len(OPERATIONS) + 2 + done.manner,
            SHARED + cell(program, done.step, done.x, done.manner),
        )
        if self.reading == "kinds":
            return kind
        look: Looked = view.private[place]
        last = (KINDS + 2 + look.whole,) if done.step == program.steps - 1 else ()
        return (*kind, KINDS + look.glance, *last)

    def graded(self, case: Case, work: Message) -> tuple[bool, ...]:
        """Whether each value follows from the one before it."""
        program: Program = case.question.data
        return tuple(
            program.apply(step, x) == value
            for step, (x, value, _) in enumerate(_done(program, work))
        )


def _done(program: Program, work: Message) -> Iterator[tuple[int, int, int]]:
    """Every step's value before it, value and manner."""
    written: Written = work.data
    before = (program.start, *written.values[:-1])
    return zip(before, written.values, written.manners, strict=True)


def _prompt(program: Program) -> str:
    steps = "; ".join(program.words(step) for step in range(program.steps))
    return f"Work modulo {program.m}. Start with {program.start}; {steps}. What is the result?"
