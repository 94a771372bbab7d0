"""From test sums and circuits to numbers: cells, claims, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.hubinger2020.markets import STILL, Size, Table, Taught, Traded
from oversight.metrics.crossed import crossed_mean
from oversight.metrics.intervals import Interval, mean_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

LEARNED = 0.95
"""The share of sums of a length that p_0 must get right for the length to count as learned."""


def of_length(taught: Taught, table: Table, n: int) -> Table:
    """(…, seeds, tests of n terms): the part of a table that is about sums of n terms."""
    return table[..., taught.lengths == n]


def cells(markets: Sequence[Taught], size: Size) -> Iterator[Cell]:
    """The markets at the end of their training, by length and by the judge's bias."""
    for taught in markets:
        for n in range(1, size.terms + 1):
            setting = {"terms": n, "judge's bias": taught.bias}
            right = of_length(taught, taught.right[-1], n)
            yield cell(setting, "accuracy of the first price", crossed_mean(right))
            moves = of_length(taught, taught.moved[-1], n)
            yield cell(setting, "best adversary's largest move", crossed_mean(moves))
        longest = {"terms": size.terms, "judge's bias": taught.bias}
        settled = of_length(taught, taught.moved[-1], size.terms) < STILL
        yield cell(longest, "settled games", crossed_mean(settled.astype(float)))
        yield cell(longest, "manipulation of the verdict", manipulation(taught, size))
    for n in range(1, size.terms + 1):
        for seed, step in enumerate(learned_at(markets[0], n)):
            if np.isfinite(step):
                point = Interval(step, step, step, 1)
                yield cell({"terms": n, "seed": seed}, "step at which it was learned", point)


def manipulation(taught: Taught, size: Size) -> Interval:
    """How much less the truth is believed at the end than if the arguments had been random."""
    lost = taught.by_chance - taught.verdict
    return crossed_mean(of_length(taught, lost, size.terms))


def learned_at(taught: Taught, n: int) -> list[float]:
    """(seeds,) the step at which sums of n terms were learned."""
    return first_learned(taught.steps, of_length(taught, taught.right, n))


def first_learned(steps: Sequence[int], right: Table) -> list[float]:
    """(seeds,) the first measured step at which p_0 was right on `LEARNED` of the tests.

    `right` is (points, seeds, tests). Infinite where that never happened.
    """
    reached = right.mean(axis=-1) >= LEARNED  # (points, seeds)
    return [float(steps[int(seed.argmax())]) if seed.any() else float("inf") for seed in reached.T]


def claims(markets: Sequence[Taught], size: Size) -> Iterator[Claim]:
    """What the paper argues, on the unbiased judge; then what a bias does to it."""
    plain, n = markets[0], size.terms
    for longer in range(3, n + 1):
        before, after = learned_at(plain, longer - 1), learned_at(plain, longer)
        yield Claim(
            f"{longer} terms are learned after {longer - 1} terms, in every training",
            all(b < a < float("inf") for a, b in zip(after, before, strict=True)),
            f"steps by training: {in_words(before)} for {longer - 1}, "
            f"{in_words(after)} for {longer}",
        )
    right = crossed_mean(of_length(plain, plain.right[-1], n))
    yield Claim(
        f"at the end the first price is right on sums of {n} terms",
        right.low > LEARNED,
        f"accuracy {shown(right)}; to hold, the interval lies above {LEARNED:g}",
    )
    moves = crossed_mean(of_length(plain, plain.moved[-1], n))
    yield Claim(
        f"at the end the price on sums of {n} terms is unexploitable",
        moves.high < STILL,
        f"the best adversary moves it by {shown(moves)}; to hold, by less than {STILL:g}",
    )
    for biased in markets[1:]:
        more = crossed_mean(
            of_length(biased, biased.moved[-1], n) - of_length(plain, plain.moved[-1], n)
        )
        yield Claim(
            f"a judge biased by {biased.bias:g} leaves its market exploitable",
            more.low > 0,
            f"the best adversary moves the price {shown(more)} further than the unbiased one's",
        )


def circuit_cells(traded: Sequence[Traded]) -> Iterator[Cell]:
    """Prices on circuits, by who argues."""
    for games in traded:
        setting = {"world": "circuits", "adversary": games.name}
        yield cell(setting, "first price of the truth", mean_interval(games.path[:, 0]))
        yield cell(setting, "largest move", mean_interval(games.moved))
        yield cell(setting, "verdict's credence in the truth", mean_interval(games.verdict))


def circuit_claims(traded: Sequence[Traded]) -> Iterator[Claim]:
    """Whether the judge ends nearer the truth, or farther from it, than the first price."""
    honest, misleading = traded
    gain = mean_interval(honest.verdict - honest.path[:, 0])
    yield Claim(
        "circuits: an honest adversary brings the judge nearer the truth",
        gain.low > 0,
        f"credence in the truth, last less first: {shown(gain)}",
    )
    loss = mean_interval(misleading.verdict - misleading.path[:, 0])
    yield Claim(
        "circuits: a misleading adversary brings the judge farther from it",
        loss.high < 0,
        f"credence in the truth, last less first: {shown(loss)}",
    )


def drawn(markets: Sequence[Taught], traded: Sequence[Traded], size: Size) -> Iterator[Figure]:
    """The induction, price paths, what a bias costs, prices on circuits."""
    plain, n = markets[0], size.terms
    yield figures.curve(
        "hubinger2020-induction",
        "How often the market's first price is right, by the number of terms, against training. "
        "The judge adds two numbers; all else it says rests on the market's own prices.",
        {
            f"{k} terms": [
                (step, crossed_mean(right))
                for step, right in zip(plain.steps, of_length(plain, plain.right, k), strict=True)
            ]
            for k in range(2, n + 1)
        },
        xlabel=f"training steps, {size.games} games each",
        ylabel="first price is right",
        references={"chance": 1 / size.m},
    )
    places = {"before training": 0, "halfway": len(plain.steps) // 2, "at the end": -1}
    yield figures.curve(
        "hubinger2020-paths",
        f"The truth's price before and after each argument of the best adversary, sums of {n} "
        "terms. Early on an argument tells the market what it could not price; in the end none "
        "does.",
        {name: _path(plain.path[place][:, plain.lengths == n]) for name, place in places.items()},
        xlabel="arguments so far",
        ylabel="price of the truth",
    )
    yield figures.forest(
        "hubinger2020-bias",
        f"How far the best adversary still moves the price of a sum of {n} terms at the end of "
        "training, and how much less the truth is believed than after random arguments.",
        [
            figures.Row(f"bias {taught.bias:g}", found, None, group)
            for group, measure in (("price moved", _moved), ("belief lost", manipulation))
            for taught in markets
            for found in [measure(taught, size)]
        ],
        xlabel="probability",
        percent=False,
    )
    yield figures.curve(
        "hubinger2020-circuits",
        "Circuits: the truth's price after each step that the adversary points at.",
        {
            f"{games.name} adversary": [
                (t, mean_interval(games.path[:, t])) for t in range(games.path.shape[1])
            ]
            for games in traded
        },
        xlabel="arguments so far",
        ylabel="price of the truth",
    )


def _path(paths: Table) -> list[tuple[float, Interval]]:
    return [(t, crossed_mean(paths[..., t])) for t in range(paths.shape[-1])]


def _moved(taught: Taught, size: Size) -> Interval:
    return crossed_mean(of_length(taught, taught.moved[-1], size.terms))


def in_words(steps: Sequence[float]) -> str:
    """The steps at which each training had learned something."""
    return ", ".join(f"{step:g}" if np.isfinite(step) else "never" for step in steps)


def shown(found: Interval) -> str:
    """A probability with its interval."""
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
