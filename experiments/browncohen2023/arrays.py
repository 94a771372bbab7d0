"""Many games at once: the protocol with its players, array by array, game for game the engine's.

For circuits of one shape. What a player does is read off the agent that would sit there; a test
plays the same games by the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.worlds.circuits import Circuits
from oversight import keys
from oversight.circuits.graph import Circuit
from oversight.core import Case
from oversight.oracles.machine import Floats, Rules, formulas, ones
from oversight.oracles.players import Alice, Bob

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Games(NamedTuple):
    """How each game ended: (B,) each."""

    right: Flags
    challenged: Flags
    steps: Ints
    """Statements made."""


class Sheet:
    """The machines of B cases, `runs` times over, and where each game has come to."""

    def __init__(self, cases: Sequence[Case], error: float, runs: int) -> None:
        circuits: list[Circuit] = [case.private.circuit for case in cases]
        self.error, self.runs, self.gates = error, runs, circuits[0].gates
        self.steps = runs * self.gates + 1
        self.inputs = len(circuits[0].inputs)
        pairs = np.array([c.takes for c in circuits], np.int64)  # (games, gates, 2)
        self.left, self.right = pairs[..., 0], pairs[..., 1]
        self.table = np.array([c.table for c in circuits], np.int64)  # (B, gates, 4)
        self.values = np.zeros((len(cases), self.inputs + self.gates), np.int64)
        self.values[:, : self.inputs] = [c.inputs for c in circuits]
        self.roots = np.zeros(len(cases), np.int64)  # runs so far whose root was 1
        self.sure = np.array([c.run()[-1] for c in circuits], np.int64)

    def probability(self, step: int) -> Floats:
        """(B,) the oracle at a step."""
        if step == self.steps - 1:
            return self.roots / self.runs
        right = self._gate(self.values, step % self.gates)
        return np.where(right == 1, 1 - self.error, self.error)

    def _gate(self, values: Ints, gate: int) -> Ints:
        """(B,) a gate without error, at values of its children."""
        rows = np.arange(len(values))
        x, y = values[rows, self.left[:, gate]], values[rows, self.right[:, gate]]
        return self.table[rows, gate, 2 * x + y]

    def take(self, step: int, bits: Ints) -> None:
        """Note the bits of a step, other than the last."""
        gate = step % self.gates
        self.values[:, self.inputs + gate] = bits
        if gate == self.gates - 1:
            self.roots += bits

    def worth(self, step: int, bit: int | None = None) -> Floats:
        """(B,) the last bit's probability if nobody errs from here on, bit `step` being `bit`."""
        if step == self.steps - 1:
            return self.roots / self.runs if bit is None else np.full(len(self.roots), float(bit))
        run, gate = divmod(step, self.gates)
        values = self.values.copy()
        if bit is not None:
            values[:, self.inputs + gate] = bit
            gate += 1
        for later in range(gate, self.gates):
            values[:, self.inputs + later] = self._gate(values, later)
        left = (self.runs - run - 1) * self.sure
        return (self.roots + values[:, -1] + left) / self.runs

    def leads(self, step: int) -> Floats:
        """(B,) +1 where a bit of 1 leads to an answer of 1, −1 where to one of 0, else 0."""
        return np.sign(self.worth(step, 1) - self.worth(step, 0))


def play(
    world: Circuits, seed: int, games: int, runs: int, alice: Alice, bob: Bob, *, honest: bool
) -> Games:
    """Games 0 … games−1 of a seed; `honest` says whether Alice is dealt the truth."""
    cases = [world.case(index, seed) for index in range(games)]
    sheet = Sheet(cases, world.skills.careful, runs)
    rules = formulas(1.0 + sheet.gates, sheet.steps)
    roots = [keys.root(seed, case.id, index) for index, case in enumerate(cases)]
    draws = {name: _uniforms(roots, sheet.steps, name) for name in ("alice", "bob")}
    bits = _uniforms(roots, sheet.steps, "nature", "bits")
    looks = _uniforms(roots, 1, "nature", "verify")[:, 0]
    truth = np.array([case.truth.unseal() for case in cases])
    side = truth if honest else 1 - truth
    answer, steps = np.full(games, -1), np.zeros(games, np.int64)
    alive, drawn = np.ones(games, bool), np.zeros(games, np.int64)
    for step in range(sheet.steps):
        at, true = np.flatnonzero(alive), sheet.probability(step)
        steps[at] += 1
        stated = np.zeros(games)
        moved = _moved(sheet, step, alice, rules, side)[at]
        found = ones(draws["alice"][at, step], rules.statement, true[at]) / rules.statement
        stated[at] = np.minimum(1.0, np.maximum(0.0, found + moved))
        rejected = _rejected(bob, rules, step == sheet.steps - 1, true[at], stated[at],
                             draws["bob"][at, step])  # fmt: skip
        out = at[rejected]
        checker = rules.vera
        seen = ones(looks[out], checker.samples, true[out]) / checker.samples
        near = np.abs(seen - stated[out]) < checker.threshold
        answer[out] = np.where(near, side[out], 1 - side[out])
        alive[out] = False
        drawn = (bits[:, step] < stated).astype(np.int64)
        if step < sheet.steps - 1:
            sheet.take(step, drawn)
    answer[alive] = drawn[alive]
    return Games(answer == truth, ~alive, steps)


def _moved(sheet: Sheet, step: int, alice: Alice, rules: Rules, side: Ints) -> Floats:
    """(B,) what Alice adds to her estimate."""
    towards = np.where(side == 1, 1.0, -1.0)
    amount, last = alice.units * rules.s / 2, step == sheet.steps - 1
    ahead = towards * (sheet.worth(step) - 0.5) > 0
    match alice.lies:
        case None:
            return np.zeros(len(side))
        case "shift":
            return amount * towards
        case "drift":
            return amount * towards * sheet.leads(step)
        case "adaptive":
            return np.where(ahead, 0.0, amount * towards * sheet.leads(step))
        case "once":
            return amount * towards * last
        case _:
            return np.where(ahead, 0.0, towards * last)


def _rejected(
    bob: Bob, rules: Rules, last: bool, true: Floats, stated: Floats, drawn: Floats
) -> Flags:
    """(n,) whether Bob rejects."""
    match bob.rejects:
        case "checks":
            checker = rules.vera._replace(fails=rules.q) if bob.as_vera else rules.bob
            found = ones(drawn, checker.samples, true) / checker.samples
            return np.abs(found - stated) >= checker.threshold
        case "random":
            return drawn < bob.rate
        case "spoils":
            return np.abs(true - stated) > rules.c
        case _:
            return np.full(len(true), bob.rejects == "always" or (bob.rejects == "late" and last))


def _uniforms(roots: Sequence[int], n: int, *name: str) -> Floats:
    """(B, n) the uniforms of one stream of each game."""
    streams = np.array([keys.root(root, *name) for root in roots], np.uint64)
    return keys.uniforms(streams, n)
