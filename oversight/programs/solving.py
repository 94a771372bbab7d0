"""How a solver works a program, where it slips, and how often: sampled, and exactly.

A solver takes every step in one of a few manners, at random. How likely it slips depends on what
can be seen of the step (the operation, whether it carries, the manner) and on what cannot: some
steps of some questions are troublesome for it, however often it tries.

    logit P(slip) = b[operation, carry, manner] + z[question, step],    z ~ N(0, trouble²)

The table b belongs to the solver and is what a reward model can learn. A slip at a step is off by
an amount fixed by question and step, so that attempts that slip there agree on a wrong value, and
a vote among them can be wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from oversight import keys
from oversight.core import OversightError
from oversight.programs.program import OPERATIONS, Program

MANNERS = ("from memory", "on fingers", "on paper", "by parts")
CELLS = len(OPERATIONS) * 2 * len(MANNERS)
SHALLOW, CAREFUL = "shallow", "careful"


@dataclass(frozen=True, slots=True)
class Dials:
    """How often who errs."""

    slip: float = -2.5
    """Mean of b, in logits."""
    contrast: float = 1.5
    """Standard deviation of b over what can be seen of a step, in logits."""
    trouble: float = 1.5
    """Standard deviation of z, in logits."""
    profile: int = 0
    """Which solver: the seed of the table b."""
    shallow: float = 0.08  # ε₀, the judge's own glance at a step
    careful: float = 0.02  # η, its careful look

    def __post_init__(self) -> None:
        for name in ("shallow", "careful"):
            if not 0 <= getattr(self, name) <= 1:
                raise OversightError(f"{name} is a probability, got {getattr(self, name)}")
        if self.contrast < 0 or self.trouble < 0:
            raise OversightError("contrast and trouble are standard deviations, 0 or more")


@lru_cache(maxsize=64)
def table_of(dials: Dials) -> tuple[float, ...]:
    """b, by `cell`: (CELLS,) logits."""
    drawn = keys.generator(keys.root("solver", dials.profile)).standard_normal(CELLS)
    return tuple((dials.slip + dials.contrast * drawn).tolist())


def cell(program: Program, step: int, x: int, manner: int) -> int:
    """Which entry of b a step at x falls under."""
    seen = 2 * program.operations[step] + program.carries(step, x)
    return seen * len(MANNERS) + manner


class Attempt(NamedTuple):
    """One way of working a program, as whoever worked it has it in its head."""

    program: Program
    values: tuple[int, ...]
    """(steps,)"""
    manners: tuple[int, ...]
    """(steps,)"""
    shifts: tuple[int, ...]
    """(steps,) its own luck, which `flawed` needs. Players never look at it."""
    rate: float
    """How often it errs at a step, as it knows of itself."""

    @property
    def answer(self) -> int:
        """Its own answer."""
        return self.values[-1]

    def flawed(self, step: int, shift: int) -> tuple[int, ...]:
        """(steps,) its values with one more flaw and all that follows from it."""
        shifts = list(self.shifts)
        shifts[step] += shift
        return self.program.run(shifts)

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


class Luck:
    """All of nature's draws about one question's solver and judge. Nobody who plays has one."""

    def __init__(self, program: Program, dials: Dials, key: int) -> None:
        self.program, self.dials, self.key = program, dials, key
        drawn = keys.generator(keys.root(key, "trouble")).standard_normal(program.steps)
        self.trouble: tuple[float, ...] = tuple((dials.trouble * drawn).tolist())
        self.amounts = tuple(
            1 + keys.below(keys.root(key, "amount", step), program.m - 1)
            for step in range(program.steps)
        )
        self._attempts: dict[str, Attempt] = {}
        self._off: dict[str, tuple[int, ...]] = {}

    def slips(self, step: int, x: int, manner: int) -> float:
        """How likely the solver slips at a step."""
        logit = table_of(self.dials)[cell(self.program, step, x, manner)] + self.trouble[step]
        return 1 / (1 + math.exp(-logit))

    def attempt(self, who: str) -> Attempt:
        """How the solver works the program at one try; tries are told apart by `who`."""
        if who not in self._attempts:
            self._attempts[who] = self._attempt(who)
        return self._attempts[who]

    def _attempt(self, who: str) -> Attempt:
        program, steps = self.program, self.program.steps
        drawn = self._uniforms(who, 2 * steps)
        manners = tuple(int(u * len(MANNERS)) for u in drawn[:steps])
        shifts: list[int] = []
        x = program.start
        for step in range(steps):
            slipped = drawn[steps + step] < self.slips(step, x, manners[step])
            shifts.append(self.amounts[step] if slipped else 0)
            x = (program.apply(step, x) + shifts[-1]) % program.m
        return Attempt(program, program.run(shifts), manners, tuple(shifts), usual_rate(self.dials))

    def judges(self) -> Attempt:
        """The judge's own work, at a glance (ε₀)."""
        shifts = self._shifts(SHALLOW, self.dials.shallow)
        manners = (0,) * self.program.steps
        values = self.program.run(shifts)
        return Attempt(self.program, values, manners, shifts, self.dials.shallow)

    def glances(self, step: int, x: int) -> int:
        """What the judge makes of one step at a glance, from a claimed value."""
        off = self._shifts(SHALLOW, self.dials.shallow)[step]
        return (self.program.apply(step, x) + off) % self.program.m

    def careful(self, step: int, x: int) -> int:
        """What a careful look at one step finds, from a claimed value (error η)."""
        off = self._shifts(CAREFUL, self.dials.careful)[step]
        return (self.program.apply(step, x) + off) % self.program.m

    def _shifts(self, who: str, rate: float) -> tuple[int, ...]:
        if who not in self._off:
            steps, m = self.program.steps, self.program.m
            drawn = self._uniforms(who, 2 * steps)
            self._off[who] = tuple(
                1 + int(drawn[steps + step] * (m - 1)) if drawn[step] < rate else 0
                for step in range(steps)
            )
        return self._off[who]

    def _uniforms(self, who: str, n: int) -> list[float]:
        drawn: list[float] = keys.uniforms(
            np.array([keys.root(self.key, who)], np.uint64), n
        )[0].tolist()  # fmt: skip
        return drawn


class Law(NamedTuple):
    """How one question's attempts come out, exactly."""

    answer_right: float
    trace_right: float

    @property
    def false_positive(self) -> float:
        """P(right answer and some wrong step): errors that a later step undid or made up for."""
        return self.answer_right - self.trace_right


def law(luck: Luck) -> Law:
    """By dynamic programming over the value so far and whether every step was right."""
    program = luck.program
    sound = {program.start: 1.0}
    marred: dict[int, float] = {}
    for step in range(program.steps):
        after: tuple[dict[int, float], dict[int, float]] = ({}, {})
        for kept, masses in ((True, sound), (False, marred)):
            for x, mass in masses.items():
                slips = float(np.mean([luck.slips(step, x, h) for h in range(len(MANNERS))]))
                right = program.apply(step, x)
                wrong = (right + luck.amounts[step]) % program.m
                _add(after[0 if kept else 1], right, mass * (1 - slips))
                _add(after[1], wrong, mass * slips)
        sound, marred = after
    truth = program.run()[-1]
    whole = sound.get(truth, 0.0)
    return Law(whole + marred.get(truth, 0.0), whole)


def _add(masses: dict[int, float], value: int, mass: float) -> None:
    masses[value] = masses.get(value, 0.0) + mass


@lru_cache(maxsize=64)
def usual_rate(dials: Dials) -> float:
    """How often this solver slips at a step, over what it meets: what is known of it beforehand.

    The mean of σ(b + z) over the table's entries, all alike, and z by Gauss–Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    logits = np.array(table_of(dials))[:, None] + dials.trouble * nodes[None, :]
    by_cell = (1 / (1 + np.exp(-logits))) @ (weights / weights.sum())
    return float(by_cell.mean())
