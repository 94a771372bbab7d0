"""AI safety via debate on handwritten digits (Irving, Christiano, Amodei 2018, arXiv:1805.00899).

A judge trained on k random nonzero pixels decides which of two claims about an image is true, from
k pixels that an honest debater and a liar reveal in turn. The honest debater scores an image only
if it beats *all nine lies*; one lie that wins loses the image. The page also holds what the paper
does not: the control with sides declared and nobody arguing, the exact value of the game, and how
search converges to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.irving2018_exact import ExactValues, exact_values
from oversight.agents.searching import SearchingDebater
from oversight.casting import Casting, cast_for
from oversight.controls import Arm
from oversight.metrics.intervals import Interval, mean_interval, paired_difference
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.report import figures
from oversight.report.transcripts import transcripts_of
from oversight.runs import Effort, configuration, play_arm
from oversight.store import Store
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell

LIES = 9
ORDERS = {"honest": "honest first", "liar": "liar first"}
KS = (4, 6)

ABSTRACT = "Irving et al. 2018, abstract"
TABLE = "Irving et al. 2018, as quoted by secondary sources"
PRECOMMIT = "precommit analysis of Irving et al. 2018 (2019)"
PUBLISHED: Mapping[tuple[int, str, str], float] = {
    (4, "precommit", "honest"): 83.8,
    (4, "precommit", "liar"): 86.7,
    (6, "precommit", "honest"): 87.4,
    (6, "precommit", "liar"): 90.4,
    (4, "no precommit", "honest"): 51.0,
    (4, "no precommit", "liar"): 68.4,
    (6, "no precommit", "honest"): 67.4,
    (6, "no precommit", "liar"): 81.5,
}
ALONE = {4: 48.2, 6: 59.4}
DEBATE = {4: 85.2, 6: 88.9}
ONE_RANDOM_LIE = 88.31  # their judge alone: 55.51; the number of pixels is not ours exactly
WITHIN = 5.0  # points, of a published precommitted cell


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
        wins: list[NDArray[np.float64]] = []
        for lie in range(LIES):
            protocol = load("protocols", "debate").bind(rounds=self.k // 2, first=first, lie=lie)
            seats = (honest, liar) if first == "honest" else (liar, honest)
            agents = {f"debater_{place}": self.debater(r) for place, r in enumerate(seats)}
            if honest == liar:
                agents["debater_1"] = agents["debater_0"]  # one agent: its games are batched
            frame = self.play(
                f"{label}-{first}-lie{lie}", protocol, cast_for(protocol, self.world, agents), images
            )
            wins.append(frame["correct"].to_numpy(np.float64))
        return np.stack(wins, axis=1)

    def uncommitted(self, first: str) -> NDArray[np.float64]:
        """(images,) whether the judge's first answer is true after debate without claims."""
        protocol = load("protocols", "debate").bind(rounds=self.k // 2, first=first, sides="none")
        debater = self.debater(self.size.rollouts)
        casting = cast_for(protocol, self.world, {"debater": debater})
        frame = self.play(f"none-{first}", protocol, casting, self.size.images)
        return frame["correct"].to_numpy(np.float64)

    @cached_property
    def exact(self) -> ExactValues:
        """The exact value of every game played in the main cells."""
        path = self.job.out / f"exact-k{self.k}.parquet"
        return exact_values(self.world, self.k, self.size.images, self.job, path)


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


def run(job: Job) -> Findings:
    """Play everything, for k = 4 and 6."""
    size = SIZES[job.scale]
    benches = [Bench(job, k, size) for k in KS]
    played = [_play(bench) for bench in benches]
    cells = [found for each in played for found in _cells(each, job.data == "mnist", size)]
    return Findings(
        cells,
        [claim for each in played for claim in _claims(each, job.data == "mnist", size)],
        list(_figures(played, cells, size)),
        [shown for bench in benches for shown in _transcripts(bench)],
        NOTES,
    )


def _play(bench: Bench) -> Played:
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


# Numbers


def _cells(played: Played, paper: bool, size: Size) -> Iterator[Cell]:
    """Every number for one k; published ones beside ours where the data are the paper's."""
    k = played.k

    def published(value: float | None) -> float | None:
        return None if value is None else value / 100

    def made(what: str, metric: str, values: Any, known: float | None = None, source: str = "",
             **setting: Any) -> Cell:  # fmt: skip
        return cell(
            {"k": k, "setting": what, **setting}, metric, mean_interval(values),
            published(known), source if known is not None else None,
        )  # fmt: skip

    yield made("judge alone", "accuracy", played.alone["correct"], ALONE[k], ABSTRACT)
    yield made(
        "one random lie, no debate", "accuracy", played.one_lie["correct"], ONE_RANDOM_LIE, PRECOMMIT
    )
    both = np.mean([wins.min(axis=1) for wins in played.debate.values()], axis=0)
    yield made(
        "precommit, orders averaged", "all nine lies", both, DEBATE[k], ABSTRACT,
        rollouts=size.rollouts,
    )  # fmt: skip
    for order, words in ORDERS.items():
        setting = {"order": words, "rollouts": size.rollouts}
        wins = played.debate[order]
        known = PUBLISHED[k, "precommit", order]
        yield made("precommit", "all nine lies", wins.min(axis=1), known, TABLE, **setting)
        yield made("precommit", "mean over lies", wins.mean(axis=1), **setting)
        known = PUBLISHED[k, "no precommit", order]
        yield made("no precommit", "accuracy", played.none[order], known, TABLE, **setting)
        for name, values in _exact_rows(played.exact, order):
            yield made(f"{name}, exact", "all nine lies" if name == "precommit" else "accuracy",
                       values, order=words)  # fmt: skip
        yield made("strong honest, greedy liar", "all nine lies",
                   played.strong_honest[order].min(axis=1), **setting)  # fmt: skip
        yield made("greedy honest, strong liar", "all nine lies",
                   played.strong_liar[order].min(axis=1), **setting)  # fmt: skip
        for rollouts, wins in played.effort[order].items():
            yield made("precommit", "all nine lies", wins.min(axis=1), order=words,
                       rollouts=rollouts or "greedy")  # fmt: skip
    yield cell(
        {"k": k, "setting": "net gain over sides declared, nobody arguing"}, "mean over lies",
        _net_gain(played),
    )  # fmt: skip


def _exact_rows(exact: ExactValues, order: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    yield "precommit", exact.wins[order].min(axis=1)
    if order in exact.none:
        yield "no precommit", exact.none[order]


def _net_gain(played: Played) -> Interval:
    """Debate against a random lie minus the judge with the same sides declared, by image."""
    debate = np.mean([wins.mean(axis=1) for wins in played.debate.values()], axis=0)
    declared = played.one_lie["correct"].to_numpy(np.float64)[: len(debate)]
    return paired_difference(debate, declared)


def _claims(played: Played, paper: bool, size: Size) -> Iterator[Claim]:
    k = played.k
    alone = played.alone["correct"].to_numpy(np.float64)
    for order, words in ORDERS.items():
        wins = played.debate[order].min(axis=1)
        gain = paired_difference(wins, alone[: len(wins)])
        yield Claim(
            f"k={k}, {words}: debate against all nine lies beats the judge alone",
            gain.low > 0,
            f"gain {_points(gain)} points",
        )
        exact = played.exact.wins[order].min(axis=1)
        off = paired_difference(wins, exact)
        yield Claim(
            f"k={k}, {words}: search at {size.rollouts:,} rollouts is within 2 points of exact play",
            abs(off.value) <= 0.02,
            f"search minus exact {_points(off)} points, {played.exact.undecided[order]} undecided",
        )
        if paper:
            known = PUBLISHED[k, "precommit", order]
            ours = mean_interval(wins)
            yield Claim(
                f"k={k}, {words}: within {WITHIN:g} points of the published {known} %",
                abs(100 * ours.value - known) <= WITHIN,
                f"ours {100 * ours.value:.1f} [{100 * ours.low:.1f}, {100 * ours.high:.1f}] %",
            )
    if paper:
        reached = 100 * float(alone.mean())
        yield Claim(
            f"k={k}: the judge alone is within 1.5 points of the published {ALONE[k]} %",
            abs(reached - ALONE[k]) <= 1.5,
            f"ours {reached:.1f} %",
        )


def _points(found: Interval) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
