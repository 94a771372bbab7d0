"""From selected works to numbers: cells, claims, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.lightman2023.published import (
    BEST_OF_1860,
    FINAL_ANSWER_BEFORE,
    FINAL_ANSWER_ERROR,
    LIGHTMAN,
    TRACE_BEFORE,
    TRACE_ERROR,
    UESATO,
)
from experiments.lightman2023.selections import Played, Selection, Size, Variant
from oversight.claims import percent, points
from oversight.metrics.crossed import crossed_mean, crossed_ratio
from oversight.metrics.intervals import Interval
from oversight.metrics.scores import Floats
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

LEARNED = ("process", "outcome")
RULES = {"process": "process model", "outcome": "outcome model", "majority": "majority"}


def rules(played: Played, size: Size) -> dict[str, Selection]:
    """The three rules of the headline: models of the largest label budget, and the majority."""
    labels = size.labels[-1]
    learned = {by: played.learned[Variant(by, labels)] for by in LEARNED}
    return {**learned, "majority": played.majority}


def cells(played: Sequence[Played], size: Size) -> Iterator[Cell]:
    """Every number; the published ones beside the most candidates of the first world."""
    for one in played:
        beside = one is played[0]
        for by, selected in rules(one, size).items():
            yield from _accuracies(one, size, by, selected, beside=beside)
        for by, selected in rules(one, size).items():
            yield from _errors(one, size, by, selected, beside=beside and by == "process")
        yield from _errors(one, size, "one attempt", one.first, beside=False)
        yield from _budgets(one, size)
        most = one.looking.right[size.candidates]
        setting = {"world": one.words, "selection": "careful looks at every step"}
        yield cell({**setting, "n": size.candidates}, "right answers", crossed_mean(most))


def _accuracies(
    one: Played, size: Size, by: str, selected: Selection, *, beside: bool
) -> Iterator[Cell]:
    for n, right in selected.right.items():
        known = BEST_OF_1860[by] if beside and n == size.candidates else None
        setting = {"world": one.words, "selection": by, "n": n}
        yield cell(
            setting, "right answers", crossed_mean(right), known, LIGHTMAN if known else None
        )


def _errors(
    one: Played, size: Size, by: str, selected: Selection, *, beside: bool
) -> Iterator[Cell]:
    """Uesato's two: wrong final answers; wrong traces among the right answers."""
    most = max(selected.right)
    setting = {"world": one.words, "selection": by, "n": most}
    right, sound = selected.right[most], selected.sound
    final, trace = (FINAL_ANSWER_ERROR, TRACE_ERROR) if beside else (None, None)
    yield cell(
        setting, "final-answer error", crossed_mean(1 - right), final,
        UESATO.format(FINAL_ANSWER_BEFORE) if beside else None,
    )  # fmt: skip
    yield cell(
        setting, "trace error among right answers", crossed_ratio(right * (1 - sound), right),
        trace, UESATO.format(TRACE_BEFORE) if beside else None,
    )  # fmt: skip


def _budgets(one: Played, size: Size) -> Iterator[Cell]:
    for variant, selected in one.learned.items():
        if variant.labels != size.labels[-1] or variant.labelling == "active":
            setting = {
                "world": one.words, "selection": variant.by, "n": size.candidates,
                "labels": variant.labels, "labelling": variant.labelling,
            }  # fmt: skip
            found = crossed_mean(selected.right[size.candidates])
            yield cell(setting, "right answers", found)


def claims(played: Sequence[Played], size: Size) -> Iterator[Claim]:
    """The papers' order at equal labels, in each world; it need not hold here."""
    n, labels = size.candidates, size.labels[-1]
    for one in played:
        held = rules(one, size)
        right = {by: selected.right[n] for by, selected in held.items()}
        for better, worse in (("process", "outcome"), ("outcome", "majority"),
                              ("process", "majority")):  # fmt: skip
            gain = crossed_mean(_paired(right[better], right[worse]))
            yield Claim(
                f"{one.words}: best of {n}, {labels} labels: {RULES[better]} over {RULES[worse]}",
                gain.low > 0,
                f"gain {points(gain)} points",
            )
        process, outcome = (_wrong_traces(held[by], n) for by in LEARNED)
        yield Claim(
            f"{one.words}: right answers rest on fewer wrong traces by process than by outcome",
            process.high < outcome.low,
            f"trace error {percent(process)} and {percent(outcome)} %",
        )


def _paired(better: Floats, worse: Floats) -> Floats:
    """(runs, cases): differences on the same cases; a rule without training has a single run."""
    return np.asarray(better - worse, np.float64)


def _wrong_traces(selected: Selection, n: int) -> Interval:
    return crossed_ratio(selected.right[n] * (1 - selected.sound), selected.right[n])


def drawn(played: Sequence[Played], size: Size) -> Iterator[Figure]:
    """Accuracy by candidates, and by labels."""
    for place, one in enumerate(played):
        lines = {
            RULES[by]: [(float(n), crossed_mean(right)) for n, right in selected.right.items()]
            for by, selected in rules(one, size).items()
        }
        yield figures.curve(
            f"lightman2023-candidates-{place}",
            f"Best-of-N accuracy, {one.words}: reward models from {size.labels[-1]} labels each. "
            "The dashed line looks at every step of the most candidates with care.",
            lines,
            xlabel="candidates, N",
            ylabel="right answers",
            log_x=True,
            references={"careful looks": float(one.looking.right[size.candidates].mean())},
        )
        yield _by_labels(one, size, place)


def _by_labels(one: Played, size: Size, place: int) -> Figure:
    lines = {
        RULES[by]: [
            (float(labels), crossed_mean(one.learned[Variant(by, labels)].right[size.candidates]))
            for labels in size.labels
        ]
        for by in LEARNED
    }
    return figures.curve(
        f"lightman2023-labels-{place}",
        f"Best of {size.candidates} by the number of labels, {one.words}. A label is one step, or "
        "one final answer.",
        lines,
        xlabel="labels",
        ylabel="right answers",
        log_x=True,
        references={"majority": float(one.majority.right[size.candidates].mean())},
    )
