"""What learned debaters came to, in numbers: beside search, exact play and the judge alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from experiments.irving2018.findings import NINE, won
from experiments.irving2018.games import ORDERS, Played
from experiments.irving2018.learned import Learned
from oversight.claims import points
from oversight.metrics.intervals import mean_interval, paired_difference
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

NEAR = 5.0
"""Points: how near exact play learned debaters should come."""


def cells(played: Played, learned: Learned) -> Iterator[Cell]:
    """Against all nine lies, by who learned and who searches."""
    ways = {
        "learned debaters": learned.both,
        "learned honest, searching liar": learned.honest,
        "searching honest, learned liar": learned.liar,
    }
    for name, by_order in ways.items():
        for order, words in ORDERS.items():
            setting = {"k": played.k, "setting": name, "order": words}
            wins = by_order[order]
            yield cell(setting, NINE, mean_interval(wins.min(axis=1)))
            yield cell(setting, "mean over lies", mean_interval(wins.mean(axis=1)))


def claims(played: Played, learned: Learned) -> Iterator[Claim]:
    """What search shows, asked of what was learned."""
    k, alone = played.k, played.alone["correct"].to_numpy(np.float64)
    for order, words in ORDERS.items():
        wins = learned.both[order].min(axis=1)
        gain = paired_difference(wins, alone[: len(wins)])
        yield Claim(
            f"k={k}, {words}: learned debaters against all nine lies beat the judge alone",
            gain.low > 0, f"gain {points(gain)} points",
        )  # fmt: skip
        exact = won(played.exact.precommit[order])[: len(wins)].min(axis=1)
        off = paired_difference(wins, exact)
        yield Claim(
            f"k={k}, {words}: learned debaters come within {NEAR:g} points of exact play",
            abs(100 * off.value) <= NEAR, f"learned minus exact {points(off)} points",
        )  # fmt: skip
        search = played.debate[order][: len(wins)].mean(axis=1)
        lost = paired_difference(learned.liar[order].mean(axis=1), search)
        yield Claim(
            f"k={k}, {words}: the learned liar is no harder on search than a searching one",
            lost.high >= 0, f"{points(lost)} points, mean over lies",
        )  # fmt: skip


def figure(played: Played, learned: Learned) -> Figure:
    """Honesty against a random lie by steps of training, with exact play."""
    lines = {
        words: [(step, mean_interval(right)) for step, right in learned.by_step[order]]
        for order, words in ORDERS.items()
    }
    images = len(next(iter(learned.both.values())))
    exact = {
        words: float(won(played.exact.precommit[order])[:images].mean())
        for order, words in ORDERS.items()
    }
    return figures.curve(
        f"irving2018-learned-k{played.k}",
        f"Debaters that learn, {played.k} pixels: how often honesty beats a random lie, by steps "
        f"of training, on {images} images that they never trained on.",
        lines, xlabel="steps", ylabel="images won", references=exact,
    )  # fmt: skip
