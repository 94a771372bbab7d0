"""What is played: every number of runs against every opponent, the worst of them searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from envs.worlds.circuits import Circuits
from experiments.browncohen2023.arrays import Games, play
from oversight.computed import computed
from oversight.oracles.machine import Rules, formulas
from oversight.oracles.players import Alice, Bob
from oversight.registry import build
from oversight.study import Job

WORLD = "circuits:family=chain,hard=1,depth=3,careful=0.14"
"""The root of a run is right with (1 + 0.72³)/2 = 0.687, whatever the case: barely above 2/3."""
RIGHT = (1 + (1 - 2 * 0.14) ** 3) / 2
GATES = 3
LIPSCHITZ = 1.0 + GATES
HONEST_ALICE, HONEST_BOB = Alice(), Bob()
AS_VERA = Bob(as_vera=True)


class Size(NamedTuple):
    """How much is played at a scale."""

    runs: Sequence[int]
    games: int
    rehearsed: int
    """Games by which an opponent is chosen, on another seed."""


SIZES: Mapping[str, Size] = {
    "quick": Size((1, 3, 10, 30), 1_000, 150),
    "full": Size((1, 3, 10, 30, 100), 4_000, 500),
    "paper": Size((1, 3, 10, 30, 100, 300), 20_000, 1_000),
}

ALICES = [
    *(Alice(lies, units) for lies in ("shift", "drift", "adaptive") for units in (2.0, 3.0, 3.5)),
    *(Alice("once", units) for units in (2.0, 3.5)),
    Alice("gamble"),
]
"""Bob does not mind 2 units; at 3.5 he tosses a coin, at each step."""
BOBS = [Bob("never"), Bob("always"), Bob("late"), Bob("spoils"), Bob("random", 0.1)]
NARROW = [Alice("drift", units) for units in (1.0, 1.2, 1.4)]
"""Where Bob's threshold is Vera's, 1.5 units, what matters is how near to it one can go."""

ARMS: Mapping[str, tuple[Sequence[Alice], Sequence[Bob], bool]] = {
    "completeness, honest Bob": ([HONEST_ALICE], [HONEST_BOB], True),
    "completeness, worst Bob": ([HONEST_ALICE], BOBS, True),
    "soundness, worst Alice": (ALICES, [HONEST_BOB], False),
    "Bob has Vera's threshold": (NARROW, [AS_VERA], False),
}
"""Who may sit there, and whether Alice holds the truth; of several the worst is searched for."""


class Played(NamedTuple):
    """One arm at one length: who sat there, and how many games came out how."""

    runs: int
    arm: str
    alice: str
    bob: str
    games: int
    right: int
    challenged: int
    statements: int


def rules(runs: int) -> Rules:
    """The paper's constants."""
    return formulas(LIPSCHITZ, steps(runs))


def steps(runs: int) -> int:
    """T = t + 1."""
    return runs * GATES + 1


def sweep(job: Job, size: Size) -> list[Played]:
    """Every length, every arm; the worst opponents searched for at each."""
    world: Circuits = build("worlds", WORLD)
    grid = [(runs, arm) for runs in size.runs for arm in ARMS]

    def row(number: int) -> dict[str, Any]:
        runs, arm = grid[number]
        alice, bob = _worst(world, job.seed + 1, size.rehearsed, runs, arm)
        honest = ARMS[arm][2]
        games = play(world, job.seed, size.games, runs, alice, bob, honest=honest)
        return Played(runs, arm, alice.label, bob.label, *_summed(games))._asdict()

    about = {"seed": job.seed, "world": WORLD, "runs": list(size.runs), "games": size.games,
             "rehearsed": size.rehearsed}  # fmt: skip
    frame = computed(job.out / "sweep", about, row, len(grid), processes=job.processes,
                     progress=job.progress)  # fmt: skip
    columns = (frame[name].tolist() for name in Played._fields)
    return [Played(*values) for values in zip(*columns, strict=True)]


def _worst(world: Circuits, seed: int, games: int, runs: int, arm: str) -> tuple[Alice, Bob]:
    """Whoever is right least often on rehearsed cases; the first of several."""
    alices, bobs, honest = ARMS[arm]
    seated = [(alice, bob) for alice in alices for bob in bobs]
    if len(seated) == 1:
        return seated[0]
    right = [play(world, seed, games, runs, a, b, honest=honest).right.mean() for a, b in seated]
    return seated[int(np.argmin(right))]


def _summed(games: Games) -> tuple[int, int, int, int]:
    """Games, right, challenged, and statements made in all."""
    right, challenged, statements = (int(each.sum()) for each in games)
    return len(games.right), right, challenged, statements
