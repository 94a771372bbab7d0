"""A bench: one world, one judge, one budget, on which arms are played on the same cases.

What `oversight compare` and the experiments play their games through: each arm once, kept on disk,
gone on with after an interruption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from oversight.casting import Named, cast_for
from oversight.controls import Arm
from oversight.metrics.intervals import Interval, mean_interval
from oversight.players import Cast
from oversight.protocol import Protocol
from oversight.registry import load
from oversight.rollout import rollout
from oversight.runs import USUAL, Effort, Progress, configuration, play_arm, prepare
from oversight.store import Store
from oversight.study import Job
from oversight.world import Unaided, World


@dataclass
class Bench:
    """One world, one judge, one budget: plays arms on the same cases, each once."""

    world: World
    budget: int
    episodes: int
    seed: int = 0
    judge: Named | None = None
    out: Path | None = None
    effort: Effort = USUAL
    progress: Progress | None = None
    _played: dict[str, pd.DataFrame] = field(default_factory=dict[str, pd.DataFrame])
    _casts: dict[str, Cast] = field(default_factory=dict[str, Cast])

    @classmethod
    def of(
        cls, job: Job, label: str, world: World, episodes: int, *, budget: int = 8,
        judge: Named | None = None,
    ) -> Bench:  # fmt: skip
        """A bench of an experiment's, whose games are kept under a label of their own."""
        effort = Effort(processes=job.processes)
        out = job.out / "games" / label
        return cls(world, budget, episodes, job.seed, judge, out, effort, job.progress)

    def cast(self, protocol: Protocol, agents: Mapping[str, Named] | None = None) -> Cast:
        """The world's own cast, this bench's judge and `agents`, prepared for the protocol."""
        if agents is not None:
            return self._prepared(protocol, agents)
        if protocol.spec not in self._casts:
            self._casts[protocol.spec] = self._prepared(protocol, None)
        return self._casts[protocol.spec]

    def _prepared(self, protocol: Protocol, agents: Mapping[str, Named] | None) -> Cast:
        decides = any("decide" in role.acts for role in protocol.seats.values())
        judge = self.judge if decides else None
        cast = cast_for(protocol, self.world, agents, judge).cast
        prepare(protocol, self.world, cast, episodes=self.episodes, seed=self.seed)
        return cast

    def play(
        self, name: str, protocol: Protocol, cast: Cast, world: World | None = None
    ) -> pd.DataFrame:
        """The games of an arm, played once, or read back; on the same cases of another world."""
        where = world or self.world
        if name not in self._played:
            arm, store = Arm(name, protocol, cast), None
            if self.out is not None:
                called = {seat: agent.label for seat, agent in cast.items()}
                held = configuration(arm, where, called, self.seed)
                store = Store(self.out / name, held)
            self._played[name] = play_arm(
                arm, where, self.episodes, self.seed, store, self.effort, self.progress
            )
        return self._played[name]

    def naive(self, name: str, **parameters: Any) -> pd.DataFrame | None:
        """The judge without a protocol; None in a world where it cannot look for itself."""
        if not isinstance(self.world, Unaided):
            return None
        protocol = load("protocols", "naive").bind(**parameters)
        return self.play(name, protocol, self.cast(protocol))

    def run(self, name: str, protocol: str, **parameters: Any) -> pd.DataFrame:
        """The games of a protocol by its name with the usual cast."""
        bound: Protocol = load("protocols", protocol).bind(**parameters)
        return self.play(name, bound, self.cast(bound))

    def worst(self, protocol: Protocol, cast: Cast) -> tuple[str, Cast] | None:
        """The adversary that does the judge most harm on cases apart from the compared ones."""
        tried = self.world.adversaries(protocol.name)
        rehearsed = max(100, self.episodes // 8)
        found: list[tuple[float, str, Cast]] = []
        for name, seated in tried.items():
            against = {seat: seated.get(seat, agent) for seat, agent in cast.items()}
            if any(against[seat] is not cast[seat] for seat in cast):
                records = rollout(
                    protocol, self.world, against, rehearsed, seed=self.seed + 2,
                    width=self.effort.width, processes=self.effort.processes,
                )  # fmt: skip
                right = [r.correct for r in records if r.correct is not None]
                if right:
                    found.append((float(np.mean(right)), name, against))
        if not found:
            return None
        _, name, against = min(found, key=lambda one: one[:2])
        return name, against


def accuracy(frame: pd.DataFrame) -> Interval | None:
    """The judge's accuracy over cases; None if every episode failed."""
    played = frame[frame["failure"].isna()]
    if played.empty:
        return None
    return mean_interval(played["correct"].to_numpy(np.float64), played["case"].to_numpy(str))
