"""How a learner's errors compound by the layer of a circuit, on operations that no fact shows it.

Were X's errors at the gates independent, an error at any of the 2^l − 1 gates under a gate at layer
l would shift its value, and accuracy would be the product form of `experiments.factored`, with X's
error at layer 1 at every gate. X computes no gate from another's answer, so that it need not be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.christiano2018.trainings import ON_CIRCUITS, Learned, Size
from experiments.factored import closed_form
from oversight.algorithms.gates import MODULUS, Gates
from oversight.metrics.intervals import Interval, mean_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell
from oversight.training.learning_curve import examples_to

LEARNED = 0.9
"""The accuracy at layer 1 from which X is said to know the operations."""


def by_layer(learned: Sequence[Learned], arm: str) -> list[Interval]:
    """The accuracy at layers 1, 2, … of an arm, over contexts of all seeds."""
    runs = [r for r in learned if (r.training.task, r.training.arm) == (Gates.name, arm)]
    accuracies = np.concatenate([run.by_depth[:, 1:] for run in runs])  # without the inputs
    return [mean_interval(layer[np.isfinite(layer)]) for layer in accuracies.T]


def product(accuracy: float, layer: int) -> float:
    """The accuracy at a layer if that at layer 1 is a gate's own, and gates err independently.

    >>> round(product(2 / 3, 2), 4)  # 1/3 + 2/3 · (1/2)³: at a third of errors λ is a half
    0.4167
    """
    return closed_form(layer, layer, 1 - accuracy, 0.0, m=MODULUS)


def predicted(first: Interval, layer: int) -> Interval:
    """The same from the interval at layer 1; the form rises with it."""
    value, low, high = (product(each, layer) for each in first[:3])
    return Interval(value, low, high, first.n)


def cells(learned: Sequence[Learned], goal: float) -> Iterator[Cell]:
    """Accuracy by layer, beside the product form; then what it took."""
    for arm in ON_CIRCUITS:
        found = by_layer(learned, arm)
        for layer, ours in enumerate(found, start=1):
            form = f"{product(found[0].value, layer):.4f}"
            at = {"task": Gates.name, "arm": arm, "layer": layer, "product form": form}
            yield cell(at, "accuracy at the end", ours)
        runs = [r for r in learned if (r.training.task, r.training.arm) == (Gates.name, arm)]
        at = {"task": Gates.name, "arm": arm}
        if all(np.isfinite(examples := [examples_to(run.points, goal) for run in runs])):
            yield cell(at, f"examples to {goal:.0%}", mean_interval(examples))
        calls = [float(run.points[-1].calls) for run in runs]
        if any(calls):
            yield cell(at, "overseer calls", mean_interval(calls))


def claims(learned: Sequence[Learned]) -> Iterator[Claim]:
    """That X comes to know the hidden operations, and how its errors go on from there."""
    for arm in ON_CIRCUITS:
        first, *deeper = by_layer(learned, arm)
        yield Claim(
            f"gates (not the paper's), {arm}: X learns operations that no fact shows",
            first.low >= LEARNED,
            f"{_percent(first)} right at layer 1",
        )
        for layer, ours in enumerate(deeper, start=2):
            form = predicted(first, layer)
            yield Claim(
                f"gates (not the paper's), {arm}: errors compound to layer {layer} as in a product",
                ours.low <= form.high and form.low <= ours.high,
                f"{_percent(ours)}, the product form {_percent(form)}",
            )


def drawn(learned: Sequence[Learned], size: Size) -> Figure:
    """Accuracy by layer on the product form."""
    found = {arm: by_layer(learned, arm) for arm in ON_CIRCUITS}
    lesson = size.circuits
    return figures.predicted(
        "christiano2018-gates",
        f"Circuits of {lesson.symbols} gates and inputs whose operations X has to learn (no task "
        f"of the paper's): accuracy by layer after training. Intervals: over contexts of "
        f"{size.seeds} seeds.",
        {
            arm: [(layer, product(each[0].value, layer)) for layer in range(1, len(each) + 1)]
            for arm, each in found.items()
        },
        {arm: list(enumerate(each, start=1)) for arm, each in found.items()},
        xlabel="layer of the gate",
        ylabel="accuracy at the end",
        exact_means="product form, from the errors at layer 1",
    )


def _percent(found: Interval) -> str:
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"
