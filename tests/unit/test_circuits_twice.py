"""The world `circuits` against a second, scalar implementation, written from its definition alone.

No code is shared and no luck: the two must agree as two samples of one distribution do.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from oversight.casting import cast_for
from oversight.registry import build, load
from oversight.rollout import rollout

DEPTH, WIDTH, HARD = 5, 8, 0.5
EXPERT, SHALLOW, CAREFUL, BUDGET = 0.005, 0.08, 0.02, 8
CASES = 3000
TOLERATED = 3.5
"""Standard errors: five rows, one chance in two thousand each."""


@dataclass
class Gate:
    """One gate over bits."""

    layer: int
    children: tuple[int, int]  # of the layer below, by place
    table: dict[tuple[int, int], int]


Layers = list[list[Gate]]
Trace = list[list[int]]  # layer 0 are the inputs


def operation(luck: random.Random) -> dict[tuple[int, int], int]:
    pairs = [(x, y) for x in (0, 1) for y in (0, 1)]
    if luck.random() < HARD:
        constant = luck.randint(0, 1)
        return {(x, y): (x + y + constant) % 2 for x, y in pairs}
    flips = [luck.randint(0, 1) for _ in range(3)]
    return {(x, y): min(x ^ flips[0], y ^ flips[1]) ^ flips[2] for x, y in pairs}


def circuit(luck: random.Random) -> Layers:
    layers: Layers = []
    below = WIDTH
    for level in range(1, DEPTH + 1):
        width = min(2 ** (DEPTH - level), WIDTH)
        order = list(range(below))
        luck.shuffle(order)
        step = width if width < below else luck.randint(1, below - 1)
        layers.append(
            [
                Gate(level, (order[i % below], order[(i + step) % below]), operation(luck))
                for i in range(width)
            ]
        )
        below = width
    return layers


def evaluate(layers: Layers, inputs: list[int], wrong: Callable[[int, int], bool]) -> Trace:
    trace = [inputs]
    for level, gates in enumerate(layers, 1):
        below = trace[-1]
        trace.append(
            [
                gate.table[below[gate.children[0]], below[gate.children[1]]] ^ wrong(level, i)
                for i, gate in enumerate(gates)
            ]
        )
    return trace


class Case:
    """A circuit and what everybody makes of it."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.layers = circuit(self.luck)
        self.inputs = [self.luck.randint(0, 1) for _ in range(WIDTH)]
        self.gates = [(lv, i) for lv, gs in enumerate(self.layers, 1) for i in range(len(gs))]
        self.truth = self.root({})
        self.glance = self.errors(SHALLOW)
        self.care = self.errors(CAREFUL)

    def errors(self, rate: float) -> dict[tuple[int, int], bool]:
        return {gate: self.luck.random() < rate for gate in self.gates}

    def trace(self, wrong: dict[tuple[int, int], bool]) -> Trace:
        return evaluate(self.layers, self.inputs, lambda lv, i: wrong.get((lv, i), False))

    def root(self, wrong: dict[tuple[int, int], bool]) -> int:
        return self.trace(wrong)[-1][0]

    def claim(self, side: int) -> Trace:
        """An expert's trace for a side: its own, or with the deepest flaw that makes it fit."""
        own = self.errors(EXPERT)
        if self.root(own) == side:
            return self.trace(own)
        for level in range(1, DEPTH + 1):
            fitting = [
                g for g in self.gates if g[0] == level and self.root({**own, g: not own[g]}) == side
            ]
            if fitting:
                flaw = self.luck.choice(fitting)
                return self.trace({**own, flaw: not own[flaw]})
        raise AssertionError("a flaw at the root always fits")

    def check(self, trace: Trace, gate: tuple[int, int]) -> int:
        """A careful look at a gate, its children as claimed."""
        level, i = gate
        a, b = self.layers[level - 1][i].children
        return (
            self.layers[level - 1][i].table[trace[level - 1][a], trace[level - 1][b]]
            ^ (self.care[gate])
        )


def prior(case: Case) -> float:
    return float(case.root(case.glance) == case.truth)


def expert(case: Case) -> float:
    return float(case.root(case.errors(EXPERT)) == case.truth)


def alone(case: Case) -> float:
    seen = sorted(case.gates, key=lambda gate: -gate[0])[:BUDGET]
    return float(case.root({**case.glance, **{g: case.care[g] for g in seen}}) == case.truth)


def consultancy(case: Case, sure: float) -> float:
    side = case.truth if case.luck.random() < 0.5 else 1 - case.truth
    trace = case.claim(side)
    shown = case.luck.sample(case.gates, BUDGET)
    passes = sum(case.check(trace, g) == trace[g[0]][g[1]] for g in shown)
    odds = CAREFUL / (1 - CAREFUL)
    lie = (len(case.gates) - BUDGET + passes * odds + (BUDGET - passes) / odds) / len(case.gates)
    nats = math.log(sure / (1 - sure)) * (1 if case.root(case.glance) == side else -1)
    believed = side if nats - math.log(lie) > 0 else 1 - side
    return float(believed == case.truth)


def debate(case: Case, by_layer: list[float]) -> float:
    sides = [case.truth, 1 - case.truth]
    one, other = (case.claim(side) for side in sides)
    if one[-1] == other[-1]:
        return 0.5
    gate, shown = (DEPTH, 0), 0
    own = case.trace(case.glance)
    while True:
        if shown == BUDGET:
            return _by_prior(own, one, gate, case)
        shown += 2
        children = case.layers[gate[0] - 1][gate[1]].children
        parted = [
            (gate[0] - 1, c) for c in children if one[gate[0] - 1][c] != other[gate[0] - 1][c]
        ]
        if not parted:
            break
        gate = case.luck.choice(parted)
    found = case.check(one, gate)
    evidence = math.log((1 - CAREFUL) / CAREFUL)
    before = math.log(by_layer[gate[0]] / (1 - by_layer[gate[0]]))
    nats = evidence * (1 if found == one[gate[0]][gate[1]] else -1)
    nats += before * (1 if own[gate[0]][gate[1]] == one[gate[0]][gate[1]] else -1)
    return float(nats > 0)


def _by_prior(own: Trace, honest: Trace, gate: tuple[int, int], case: Case) -> float:
    return float(own[gate[0]][gate[1]] == honest[gate[0]][gate[1]])


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [Case(seed) for seed in range(CASES)]


@pytest.fixture(scope="module")
def by_layer(cases: list[Case]) -> list[float]:
    right = [0] * (DEPTH + 1)
    seen = [0] * (DEPTH + 1)
    for case in cases:
        for level, (own, true) in enumerate(
            zip(case.trace(case.glance), case.trace({}), strict=True)
        ):
            right[level] += sum(a == b for a, b in zip(own, true, strict=True))
            seen[level] += len(own)
    return [r / s for r, s in zip(right, seen, strict=True)]


def played(name: str, **parameters: object) -> float:
    world, protocol = build("worlds", "circuits"), load("protocols", name).bind(**parameters)
    records = list(rollout(protocol, world, cast_for(protocol, world).cast, CASES, seed=99))
    assert not [record.failure for record in records if record.failure]
    return sum(record.correct or 0.0 for record in records) / CASES


@pytest.mark.slow
@pytest.mark.parametrize("row", ["prior", "alone", "expert", "consultancy", "debate"])
def test_a_row_of_the_world_agrees_with_the_scalar_one(
    row: str, cases: list[Case], by_layer: list[float]
) -> None:
    rows: dict[str, Callable[[Case], float]] = {
        "prior": prior,
        "alone": alone,
        "expert": expert,
        "consultancy": lambda case: consultancy(case, by_layer[DEPTH]),
        "debate": lambda case: debate(case, by_layer),
    }
    ours = {
        "prior": lambda: played("naive", evidence=0),
        "alone": lambda: played("naive", evidence=BUDGET),
        "expert": lambda: played("expert"),
        "consultancy": lambda: played("consultancy", rounds=BUDGET, questions=True),
        "debate": lambda: played("debate", rounds=BUDGET // 2),
    }[row]()
    theirs = sum(map(rows[row], cases)) / CASES
    spread = math.sqrt(2 * theirs * (1 - theirs) / CASES)
    assert abs(ours - theirs) < TOLERATED * spread, f"{row}: engine {ours:.3f}, scalar {theirs:.3f}"
