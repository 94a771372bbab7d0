"""From games to numbers: the cells beside the published ones, the claims, the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.irving2018.games import KS, ORDERS, Played, Size
from experiments.irving2018.published import (
    ABSTRACT,
    ALONE,
    DEBATE,
    ONE_RANDOM_LIE,
    PRECOMMIT,
    PUBLISHED,
    TABLE,
)
from oversight.claims import points
from oversight.metrics.intervals import Interval, mean_interval, paired_difference
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

NINE = "beats all nine lies"
WITHIN = 5.0  # points: how near a published precommitted cell ours must come
NEAR = 2.0  # points: how near exact play the search must come


def cells(played: Played, size: Size) -> Iterator[Cell]:
    """Every number for one k, the published ones beside ours (theirs are on MNIST)."""
    k = played.k

    def made(
        what: str, metric: str, values: Any, known: float | None = None, source: str | None = None,
        **setting: Any,
    ) -> Cell:  # fmt: skip
        published = None if known is None else known / 100
        found = mean_interval(values)
        return cell({"k": k, "setting": what, **setting}, metric, found, published, source)

    yield made("judge alone", "accuracy", played.alone["correct"], ALONE[k], ABSTRACT)
    trap = (ONE_RANDOM_LIE, PRECOMMIT) if k == max(KS) else (None, None)
    yield made("one random lie, nobody argues", "accuracy", played.one_lie["correct"], *trap)
    averaged = np.mean([wins.min(axis=1) for wins in played.debate.values()], axis=0)
    yield made("precommit, orders averaged", NINE, averaged, DEBATE[k], ABSTRACT)
    for order, words in ORDERS.items():
        at: dict[str, Any] = {"order": words, "rollouts": size.rollouts}
        wins, none = played.debate[order], played.none[order]
        yield made("precommit", NINE, wins.min(axis=1), *_known(k, "precommit", order), **at)
        yield made("precommit", "mean over lies", wins.mean(axis=1), **at)
        yield made("no precommit", "accuracy", none, *_known(k, "no precommit", order), **at)
        exact = played.exact
        yield made("precommit, exact play", NINE, won(exact.precommit[order]).min(axis=1),
                   order=words)  # fmt: skip
        yield made("precommit, exact play", "mean over lies",
                   won(exact.precommit[order]).mean(axis=1), order=words)  # fmt: skip
        if exact.none[order].all():  # every game settled: else there is no exact value to print
            yield made("no precommit, exact play", "accuracy", won(exact.none[order]), order=words)
        honest = won(exact.precommit[order]).min(axis=1)
        yield made(
            "the judge's exploitability, exact play", "some lie wins", 1 - honest, order=words
        )
        for name, unequal in (
            ("strong honest, greedy liar", played.strong_honest),
            ("greedy honest, strong liar", played.strong_liar),
        ):
            yield made(name, NINE, unequal[order].min(axis=1), **at)
        for rollouts, fewer in played.effort[order].items():
            strength = rollouts or "greedy"
            yield made("precommit, by effort", NINE, fewer.min(axis=1), order=words,
                       rollouts=strength)  # fmt: skip
    gain = {"k": k, "setting": "net gain over the sides declared and nobody arguing"}
    yield cell(gain, "mean over lies", _net_gain(played))


def _known(k: int, commitment: str, order: str) -> tuple[float, str]:
    return PUBLISHED[k, commitment, order], TABLE


def won(winners: NDArray[np.int8]) -> NDArray[np.float64]:
    """1 where honesty wins under perfect play; what was not settled counts as lost."""
    return (winners == 1).astype(np.float64)


def _net_gain(played: Played) -> Interval:
    """Debate against a lie, averaged over lies, minus the judge when the sides are declared."""
    debate = np.mean([wins.mean(axis=1) for wins in played.debate.values()], axis=0)
    declared = played.one_lie["correct"].to_numpy(np.float64)[: len(debate)]
    return paired_difference(debate, declared)


def claims(played: Played, size: Size, *, on_mnist: bool) -> Iterator[Claim]:
    """What the paper claims, and what the search must show; its own numbers only on its data."""
    k, alone = played.k, played.alone["correct"].to_numpy(np.float64)
    for order, words in ORDERS.items():
        wins = played.debate[order].min(axis=1)
        gain = paired_difference(wins, alone[: len(wins)])
        yield Claim(
            f"k={k}, {words}: debate against all nine lies beats the judge alone",
            gain.low > 0,
            f"gain {points(gain)} points",
        )
        winners = played.exact.precommit[order]
        off = paired_difference(wins, won(winners).min(axis=1))
        yield Claim(
            f"k={k}, {words}: {size.rollouts:,} rollouts come within {NEAR:g} points of exact play",
            abs(100 * off.value) <= NEAR,
            f"search minus exact {points(off)} points; "
            f"{int((winners == 0).sum())} of {winners.size} exact games not settled",
        )
        if on_mnist:
            known, _ = _known(k, "precommit", order)
            ours = mean_interval(wins)
            yield Claim(
                f"k={k}, {words}: within {WITHIN:g} points of the published {known:g} %",
                abs(100 * ours.value - known) <= WITHIN,
                f"ours {100 * ours.value:.1f} [{100 * ours.low:.1f}, {100 * ours.high:.1f}] %",
            )
    if on_mnist:
        reached = 100 * float(alone.mean())
        yield Claim(
            f"k={k}: the judge alone is within 1.5 points of the published {ALONE[k]:g} %",
            abs(reached - ALONE[k]) <= 1.5,
            f"ours {reached:.1f} %",
        )


def drawn(played: Sequence[Played], size: Size) -> Iterator[Figure]:
    """The forest of all cells, and search converging to the exact value."""
    rows = [row for each in played for row in _rows(each)]
    yield figures.forest(
        "irving2018",
        "Our cells beside the published ones, which are on MNIST. In the exact rows both sides "
        "play perfectly against the same judge.",
        rows,
        xlabel="images won",
    )
    yield from (_effort(each, size) for each in played)


def _effort(played: Played, size: Size) -> Figure:
    """Every point and the exact lines over the same images, those that the least effort played."""
    images, lines, exact, known = size.effort_images, {}, {}, {}
    for order, words in ORDERS.items():
        wins = {**played.effort[order], size.rollouts: played.debate[order][:images]}
        lines[words] = [(effort, mean_interval(won.min(axis=1))) for effort, won in wins.items()]
        exact[words] = float(won(played.exact.precommit[order][:images]).min(axis=1).mean())
        known[words] = [(size.rollouts, PUBLISHED[played.k, "precommit", order] / 100)]
    return figures.curve(
        f"irving2018-effort-k{played.k}",
        f"Search converges to the exact value: honesty against all nine lies, {played.k} pixels, "
        f"by rollouts a move (leftmost: greedy), all on the same {images} images. The published "
        "points are on MNIST.",
        lines,
        xlabel="rollouts a move, both sides",
        ylabel="images won against all nine lies",
        log_x=True,
        references=exact,
        published=known,
    )


def _rows(played: Played) -> Iterator[figures.Row]:
    k, group = played.k, f"{played.k} pixels"

    def row(label: str, values: Any, known: float | None = None) -> figures.Row:
        published = None if known is None else known / 100
        return figures.Row(label, mean_interval(values), published, group)

    yield row("judge alone", played.alone["correct"], ALONE[k])
    trap = ONE_RANDOM_LIE if k == max(KS) else None
    yield row("one random lie, nobody argues", played.one_lie["correct"], trap)
    for order, words in ORDERS.items():
        exact = played.exact
        yield row(f"debate, {words}", played.debate[order].min(axis=1),
                  PUBLISHED[k, "precommit", order])  # fmt: skip
        yield row(f"  exact, {words}", won(exact.precommit[order]).min(axis=1))
        yield row(f"no precommit, {words}", played.none[order], PUBLISHED[k, "no precommit", order])
        if exact.none[order].all():
            yield row(f"  exact, no precommit, {words}", won(exact.none[order]))
