"""The games: how much is hidden, who knows the flaw, how widely doubt can be spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oversight.bench import Bench
from oversight.circuits.estimators import CircuitEstimator, CircuitProver
from oversight.circuits.experts import CircuitExpert
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.study import Job

HIDDEN = (0.0, 0.1, 0.2, 0.4, 0.8)  # ω
DEPTHS = (1, 2, 3, 4)
"""Trees of 1, 3, 7 and 15 gates: a claim rests on as many steps."""
EPISODES = {"quick": 300, "full": 3000, "paper": 20_000}
ROUNDS = 8
"""A debate's: more than there are levels, so that nothing but what is hidden stops it."""

INFORMED, IGNORANT, TRUE = "liar knows its flaw", "liar does not know it", "claim is true"
DEBATE = "recursive debate"
HONEST, SPREADS, DENIES = "honest", "spreads its doubt", "denies one way down"
ESTIMATORS: Mapping[str, CircuitEstimator] = {
    HONEST: CircuitEstimator(),
    SPREADS: CircuitEstimator("spreads"),
    DENIES: CircuitEstimator("denies"),
}


class Arm(NamedTuple):
    """A protocol on the cases of one setting."""

    name: str
    x: float
    """ω, or the number of steps that a claim rests on."""
    frame: pd.DataFrame

    @property
    def right(self) -> NDArray[np.float64]:
        """(cases,) whether the verdict was right; a tie is half right."""
        return self.frame["correct"].to_numpy(np.float64)

    @property
    def belief(self) -> NDArray[np.float64]:
        """(cases,) the judge's credence in the truth."""
        credences = np.array(self.frame["credences"].tolist(), np.float64)
        truth = self.frame["truth"].to_numpy(np.int64)
        return credences[np.arange(len(truth)), truth]


def obfuscated(job: Job) -> list[Arm]:
    """Lies whose flaw is planted where it is hidden: debaters and provers, over ω."""
    seated: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Agent]]] = {
        INFORMED: ("prover_estimator", {"first": "liar"}, {"prover": CircuitProver("blind")}),
        IGNORANT: ("prover_estimator", {"first": "liar"},
                   {"prover": CircuitProver("blind", knows=False)}),
        TRUE: ("prover_estimator", {"first": "honest"}, {}),
        DEBATE: ("debate", {"rounds": ROUNDS},
                 dict.fromkeys(("debater_0", "debater_1"), CircuitExpert("blind"))),
    }  # fmt: skip
    found: list[Arm] = []
    for hidden in HIDDEN:
        bench = _bench(job, f"hidden-{hidden:g}", f"circuits:hidden={hidden}")
        for name, (protocol, parameters, agents) in seated.items():
            bound: Protocol = load("protocols", protocol).bind(**parameters)
            frame = bench.play(_label(name), bound, bench.cast(bound, agents))
            found.append(Arm(name, hidden, frame))
    return found


def unstable(job: Job) -> list[Arm]:
    """True claims before estimators, honest and not, by how many steps a claim rests on."""
    found: list[Arm] = []
    for depth in DEPTHS:
        bench = _bench(job, f"depth-{depth}", f"circuits:family=tree,hard=1,m=2,depth={depth}")
        steps = 2**depth - 1
        bound: Protocol = load("protocols", "prover_estimator").bind(first="honest")
        for name, estimator in ESTIMATORS.items():
            cast = bench.cast(bound, {"estimator": estimator})
            found.append(Arm(name, steps, bench.play(_label(name), bound, cast)))
        debate: Protocol = load("protocols", "debate").bind(rounds=ROUNDS)
        frame = bench.play(_label(DEBATE), debate, bench.cast(debate))
        found.append(Arm(DEBATE, steps, frame))
    return found


def _bench(job: Job, label: str, world: str) -> Bench:
    return Bench.of(job, label, build("worlds", world), EPISODES[job.scale])


def _label(name: str) -> str:
    return name.replace(" ", "-")
