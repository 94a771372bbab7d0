"""Debaters that learn by self-play in place of search, before the same judge.

One net sits in both seats and is paid the judge's credence in its side, by policy gradient. It
learns on the half of the images that the judge was trained on, so every image that the page tests
is new to it; lies are drawn at random while it learns. Tested, it shows the pixel that it scores
highest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.irving2018.games import ORDERS, Bench
from experiments.irving2018.sight import Evidence
from experiments.learning import played, practice, trained
from oversight.agents.searching import SearchingDebater
from oversight.alignment.self_play import Recipe, SelfPlay
from oversight.casting import cast_for
from oversight.players import Agent
from oversight.training.descent import Pace

LESSONS: Mapping[str, int] = {"quick": 100, "full": 1000, "paper": 5000}
"""Scale -> steps of the training."""
CHECKPOINTS = 5
RATE = 1e-3
RECIPE = Recipe(cases=32, games=4, width=64)


class Learned(NamedTuple):
    """What learned debaters came to for one k; all but the first is order -> (images, 9)."""

    by_step: Mapping[str, Sequence[tuple[int, NDArray[np.float64]]]]
    """Order -> step -> (images,) whether honesty beats a random lie."""
    both: Mapping[str, NDArray[np.float64]]
    honest: Mapping[str, NDArray[np.float64]]
    """The honest debater learned, the liar searches."""
    liar: Mapping[str, NDArray[np.float64]]
    """The other way about."""


def learn(bench: Bench) -> Learned:
    """Train, measuring on the way, then play against all nine lies."""
    training, images = _self_play(bench), bench.size.effort_images

    def measure(step: int) -> dict[str, Any]:
        player = training.player(greedy=True)
        return {order: _right(bench, order, player, images) for order in ORDERS}

    steps = LESSONS[bench.job.scale]
    pace = Pace(steps, RATE, every=max(1, steps // CHECKPOINTS))
    rows = trained(bench.job, f"debaters for {bench.k} pixels", training, pace, measure)
    player, search = training.player(greedy=True), bench.debater(bench.size.rollouts)

    def against(honest: Agent, liar: Agent, label: str) -> dict[str, NDArray[np.float64]]:
        return {o: bench.against_lies(o, honest, liar, images, label) for o in ORDERS}

    return Learned(
        {order: [(int(row["step"]), np.array(row[order])) for row in rows] for order in ORDERS},
        against(player, player, f"learned-{steps}"),
        against(player, search, f"learned-{steps}-honest"),
        against(search, player, f"learned-{steps}-liar"),
    )


def _self_play(bench: Bench) -> SelfPlay:
    protocol, world = bench.debate("random"), practice(bench.built(), bench.world)
    cast = cast_for(protocol, world, {"debater": SearchingDebater(bench.world.judge(), 0)}).cast
    recipe = replace(RECIPE, seed=bench.job.seed)
    return SelfPlay(protocol, world, recipe, cast, sight=Evidence(world, bench.world.judge()))


def _right(bench: Bench, order: str, player: Agent, images: int) -> list[float]:
    """Whether honesty wins, an image each, the lie being random."""
    protocol = bench.debate(order)
    cast = cast_for(protocol, bench.world, {"debater": player}).cast
    records = played(protocol, bench.world, cast, range(images), bench.job.seed)
    return [float(record.correct or 0) for record in records]
