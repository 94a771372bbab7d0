"""The games of the experiment: what is played at each scale, and what was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oversight.agents.searching import SearchingDebater
from oversight.casting import Casting, cast_for
from oversight.computed import computed
from oversight.controls import Arm
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.report.transcripts import transcripts_of
from oversight.runs import Effort, configuration, play_arm
from oversight.search import RevealGame, claim_heads, solve
from oversight.store import Store
from oversight.study import Job, Transcript

LIES = 9
ORDERS = {"honest": "honest first", "liar": "liar first"}
"""Who opens, as the protocol and as the tables call it."""
KS = (4, 6)
"""Pixels revealed in all, half by each side."""
BUDGET = 4_000_000_000
"""Sets of pixels that a proof may value: a minute or so, which few of the nine thousand need."""
JOINT_BUDGET = {4: BUDGET, 6: 5_000_000}
"""The same without precommitment, by k: on MNIST's 6 pixels such proofs are mostly out of reach."""


class Size(NamedTuple):
    """How much is played at a scale."""

    images: int
    rollouts: int
    effort: tuple[int, ...]
    """Rollouts a move of the convergence curve; 0 is greedy."""
    effort_images: int


SIZES: Mapping[str, Size] = {
    "quick": Size(100, 1_000, (0, 3, 10, 30, 100, 300), 100),
    "full": Size(500, 10_000, (0, 3, 10, 30, 100, 300, 1_000, 3_000), 200),
    "paper": Size(1_000, 10_000, (0, 10, 30, 100, 300, 1_000, 3_000), 200),
}


@dataclass(frozen=True)
class Bench:
    """One world with its judge for k pixels, and where its games are kept."""

    job: Job
    k: int
    size: Size

    @cached_property
    def world(self) -> Any:
        """The world, its judge trained on k pixels."""
        return self.built()

    def built(self) -> Any:
        """The same world anew."""
        world = build("worlds", f"{self.job.data}:pixels={self.k}")
        if self.job.data_dir is not None:
            world.data_dir = self.job.data_dir
        return world

    def debater(self, rollouts: int) -> SearchingDebater:
        """A debater of a strength."""
        return SearchingDebater(self.world.judge(), rollouts)

    def play(self, name: str, protocol: Protocol, casting: Casting, images: int) -> pd.DataFrame:
        """The games of one arm, played or read back."""
        arm = Arm(f"k{self.k}-{name}", protocol, casting.cast)
        store = Store(
            self.job.out / "games" / arm.name,
            configuration(arm, self.world, casting.names, self.job.seed),
        )
        effort = Effort(processes=self.job.processes)
        return play_arm(arm, self.world, images, self.job.seed, store, effort, self.job.progress)

    def naive(self, name: str, **parameters: Any) -> pd.DataFrame:
        """The judge without debate, over every test image."""
        protocol = load("protocols", "naive").bind(evidence=self.k, **parameters)
        return self.play(name, protocol, cast_for(protocol, self.world), self.world.size)

    def debates(
        self, first: str, honest: int, liar: int, images: int, label: str
    ) -> NDArray[np.float64]:
        """(images, 9) whether honesty wins against each lie, by rollouts a move on each side."""
        one = self.debater(honest)
        other = one if honest == liar else self.debater(liar)  # one agent: its games are batched
        return self.against_lies(first, one, other, images, label)

    def against_lies(
        self, first: str, honest: Agent, liar: Agent, images: int, label: str
    ) -> NDArray[np.float64]:
        """(images, 9) whether honesty wins against each lie, whoever the two are."""
        wins: list[NDArray[np.float64]] = []
        for lie in range(LIES):
            protocol = self.debate(first, lie=lie)
            seats = (honest, liar) if first == "honest" else (liar, honest)
            agents = {f"debater_{place}": agent for place, agent in enumerate(seats)}
            frame = self.play(
                f"{label}-{first}-lie{lie}",
                protocol,
                cast_for(protocol, self.world, agents),
                images,
            )
            wins.append(frame["correct"].to_numpy(np.float64))
        return np.stack(wins, axis=1)

    def uncommitted(self, first: str) -> NDArray[np.float64]:
        """(images,) whether the judge's first answer is true after debate without claims."""
        protocol = self.debate(first, sides="none")
        debater = self.debater(self.size.rollouts)
        casting = cast_for(protocol, self.world, {"debater": debater})
        frame = self.play(f"none-{first}", protocol, casting, self.size.images)
        return frame["correct"].to_numpy(np.float64)

    def transcripts(self) -> list[Transcript]:
        """A few games against one of the lies, to open in the page."""
        protocol = self.debate("honest", lie=0)
        strong = self.debater(self.size.rollouts)
        frame = self.play(
            f"r{self.size.rollouts}-honest-lie0", protocol,
            cast_for(protocol, self.world, {"debater": strong}), self.size.images,
        )  # fmt: skip
        return transcripts_of(protocol, self.world, frame, self.job.seed, 6, f"{self.k} pixels")

    def debate(self, first: str, **parameters: Any) -> Protocol:
        """Debate over k pixels."""
        return load("protocols", "debate").bind(rounds=self.k // 2, first=first, **parameters)

    @cached_property
    def exact(self) -> ExactValues:
        """The exact value of every game played in the main cells."""
        table = computed(
            self.job.out / "games" / f"k{self.k}-exact",
            {
                "world": self.world.name,
                "settings": dict(self.world.settings),
                "seed": self.job.seed,
                "judge": self.world.judge().label,
                "budgets": [BUDGET, JOINT_BUDGET[self.k]],
            },
            self._solve,
            self.size.images,
            processes=self.job.processes,
            progress=self.job.progress,
        )
        return ExactValues(
            {order: np.stack(table[order].to_list()) for order in ORDERS},
            {order: table[f"none-{order}"].to_numpy(np.int8) for order in ORDERS},
        )

    def _solve(self, index: int) -> Mapping[str, Any]:
        """Who wins on one image under perfect play, by order: +1 honesty, −1 the liar, 0 open."""
        case, judge = self.world.case(index, self.job.seed), self.world.judge()
        truth = case.truth.unseal()
        lies = [answer for answer in range(len(judge.head_bias)) if answer != truth]
        rows = judge.rows(case.private)[np.flatnonzero(case.private)]
        movers = np.array(
            [1, -1] * (self.k // 2), np.int8
        )  # honest first; the mirror is liar first
        heads, offsets = claim_heads(judge.head, judge.head_bias, truth, lies)
        game = RevealGame(rows, judge.bias, heads, offsets, movers)
        solved = solve(game, BUDGET, JOINT_BUDGET[self.k])
        return {
            "honest": solved.each[0].tolist(),
            "liar": solved.each[1].tolist(),
            "none-honest": int(solved.joint[0]),
            "none-liar": int(solved.joint[1]),
        }


class ExactValues(NamedTuple):
    """Winners under perfect play, by who is first: +1 honesty, −1 the liar, 0 not settled."""

    precommit: Mapping[str, NDArray[np.int8]]
    """(images, 9)"""
    none: Mapping[str, NDArray[np.int8]]
    """(images,)"""


class Played(NamedTuple):
    """What was played for one k."""

    k: int
    alone: pd.DataFrame
    one_lie: pd.DataFrame
    debate: Mapping[str, NDArray[np.float64]]
    """Who is first -> (images, 9)."""
    none: Mapping[str, NDArray[np.float64]]
    strong_honest: Mapping[str, NDArray[np.float64]]
    strong_liar: Mapping[str, NDArray[np.float64]]
    effort: Mapping[str, Mapping[int, NDArray[np.float64]]]
    """Who is first -> rollouts -> (images, 9)."""
    exact: ExactValues


def play(bench: Bench) -> Played:
    """Every game of one k."""
    size, weak = bench.size, 0
    strong = size.rollouts

    def each_order(honest: int, liar: int, images: int, label: str) -> dict[str, Any]:
        return {o: bench.debates(o, honest, liar, images, label) for o in ORDERS}

    efforts = {r: each_order(r, r, size.effort_images, f"r{r}") for r in size.effort}
    return Played(
        bench.k,
        bench.naive("alone"),
        bench.naive("one-lie", sides=2),
        each_order(strong, strong, size.images, f"r{strong}"),
        {order: bench.uncommitted(order) for order in ORDERS},
        each_order(strong, weak, size.effort_images, "strong-honest"),
        each_order(weak, strong, size.effort_images, "strong-liar"),
        {order: {r: wins[order] for r, wins in efforts.items()} for order in ORDERS},
        bench.exact,
    )
