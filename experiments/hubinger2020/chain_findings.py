"""From test chains to numbers: cells, claims, figures, gate by gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.hubinger2020.chains import CAREFUL, ChainSize, Linked
from experiments.hubinger2020.findings import first_learned, in_words, shown
from oversight.circuits.chains import settled
from oversight.metrics.crossed import crossed_mean
from oversight.metrics.intervals import certain
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

NEAR = 0.05
"""How near the fixed point a price is to come."""


def cells(markets: Sequence[Linked], size: ChainSize) -> Iterator[Cell]:
    """The markets at the end of their training, by the number of gates."""
    for linked in markets:
        for gates in range(1, size.depth + 1):
            setting = {"world": "chains", "judge": linked.judge, "gates": gates}
            right = linked.of_depth(linked.right[-1], gates)
            yield cell(setting, "accuracy of the first price", crossed_mean(right))
            price = linked.of_depth(linked.price[-1], gates)
            yield cell(setting, "first price of the truth", crossed_mean(price))
    for gates in range(1, size.depth + 1):
        value = settled(gates, size.m, CAREFUL)
        setting = {"world": "chains", "judge": markets[0].judge, "gates": gates}
        yield cell(setting, "the fixed point's price of the truth", certain(value))


def claims(markets: Sequence[Linked], size: ChainSize) -> Iterator[Claim]:
    """The induction of a judge without a glance; its fixed point; what a glance does to it."""
    plain, glancing = markets
    for gates in range(2, size.depth + 1):
        before, after = learned_at(plain, gates - 1), learned_at(plain, gates)
        yield Claim(
            f"chains: {gates} gates are learned no sooner than {gates - 1}, in every training",
            all(b <= a < float("inf") for a, b in zip(after, before, strict=True)),
            f"steps by training: {in_words(before)} for {gates - 1}, {in_words(after)} for {gates}",
        )
    last, first = learned_at(plain, size.depth), learned_at(plain, 1)
    yield Claim(
        f"chains: {size.depth} gates are learned after one, in every training",
        all(f < n < float("inf") for n, f in zip(last, first, strict=True)),
        f"steps by training: {in_words(first)} for 1, {in_words(last)} for {size.depth}",
    )
    for gates in (1, size.depth):
        off = crossed_mean(plain.of_depth(plain.price[-1], gates) - settled(gates, size.m, CAREFUL))
        yield Claim(
            f"chains: the truth's price after {gates} gate{'s' * (gates > 1)} is the fixed point's",
            off.low > -NEAR and off.high < NEAR,
            f"off by {shown(off)}; to hold, by less than {NEAR:g}",
        )
    early = len(plain.steps) // 2
    gain = crossed_mean(
        glancing.of_depth(glancing.right[: early + 1].mean(axis=0), size.depth)
        - plain.of_depth(plain.right[: early + 1].mean(axis=0), size.depth)
    )
    yield Claim(
        f"chains: {size.depth} gates are learned sooner from a judge with a glance",
        gain.low > 0,
        f"accuracy over the first half of training, less without one: {shown(gain)}",
    )


def drawn(markets: Sequence[Linked], size: ChainSize) -> Iterator[Figure]:
    """Accuracy gate by gate against training; prices beside the fixed point."""
    plain = markets[0]
    deep = range(1, size.depth + 1)
    yield figures.curve(
        "hubinger2020-chains",
        "Chains of gates: how often the market's first price is right, by the number of gates, "
        "against training. The judge looks at one gate; of what lies below it has the market's "
        "price, and no glance of its own.",
        {
            f"{gates} gate{'s' * (gates > 1)}": [
                (step, crossed_mean(right))
                for step, right in zip(plain.steps, plain.of_depth(plain.right, gates), strict=True)
            ]
            for gates in deep
        },
        xlabel=f"training steps, {size.games} games each",
        ylabel="first price is right",
        references={"chance": 1 / size.m},
    )
    lines = {
        linked.judge: [
            (float(gates), crossed_mean(linked.of_depth(linked.price[-1], gates))) for gates in deep
        ]
        for linked in markets
    }
    fixed = [settled(gates, size.m, CAREFUL) for gates in deep]
    lines["fixed point, no glance"] = [
        (float(gates), certain(value)) for gates, value in zip(deep, fixed, strict=True)
    ]
    yield figures.curve(
        "hubinger2020-chains-price",
        "Chains of gates: the truth's first price at the end of training, for judges with a glance "
        "at what lies below and without, beside the fixed point of the induction.",
        lines,
        xlabel="gates",
        ylabel="price of the truth",
        log_x=True,
        references={"chance": 1 / size.m},
    )


def learned_at(linked: Linked, gates: int) -> list[float]:
    """(seeds,) the step at which chains of so many gates were learned."""
    return first_learned(linked.steps, linked.of_depth(linked.right, gates))
