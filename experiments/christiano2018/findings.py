"""From trainings to numbers: cells, claims, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.christiano2018.published import LEAST_CALLS, MOST_CALLS, SOURCE
from experiments.christiano2018.trainings import ARMS, FAILURE, VOTES, Learned, Size
from oversight.claims import percent
from oversight.metrics.intervals import (
    Interval,
    mean_interval,
    paired_difference,
    ratio_interval,
)
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell
from oversight.training.learning_curve import examples_to

GOAL = 0.9
"""The accuracy that is asked for."""
MODEST = 3.0
"""The greatest slowdown that is called modest here; the paper gives no such number."""


def chosen(learned: Sequence[Learned], task: str, arm: str) -> list[Learned]:
    """The trainings of one arm, by seed."""
    return [each for each in learned if (each.training.task, each.training.arm) == (task, arm)]


def cells(learned: Sequence[Learned], size: Size) -> Iterator[Cell]:
    """Every number; the intervals are over seeds."""
    calls: dict[str, Interval] = {}
    for task in size.lessons:
        for arm in ARMS:
            runs = chosen(learned, task, arm)
            at = {"task": task, "arm": arm}
            yield cell(at, "accuracy at the end", mean_interval(_last(runs, "accuracy")))
            deepest = [float(np.nanmean(each.by_depth[:, -1])) for each in runs]
            yield cell(at, "of the deepest questions", mean_interval(deepest))
            if all(np.isfinite(examples := _examples(runs))):
                yield cell(at, f"examples to {GOAL:.0%}", mean_interval(examples))
        calls[task] = mean_interval(_last(chosen(learned, task, "amplified"), "calls"))
        yield cell({"task": task, "arm": "amplified"}, "overseer calls", calls[task])
        slower = slowdown(learned, task)
        if slower is not None:
            yield cell({"task": task}, "slowdown in examples", slower)
    yield cell({"task": "the least of all"}, "overseer calls",
               min(calls.values(), key=lambda i: i.value), LEAST_CALLS, SOURCE)  # fmt: skip
    yield cell({"task": "the most of all"}, "overseer calls",
               max(calls.values(), key=lambda i: i.value), MOST_CALLS, SOURCE)  # fmt: skip
    for arm in size.arms:
        runs = chosen(learned, size.failing[0], arm)
        at = {"task": size.failing[0], "arm": arm}
        yield cell(at, "accuracy at the end", mean_interval(_last(runs, "accuracy")))


def slowdown(learned: Sequence[Learned], task: str) -> Interval | None:
    """Examples that IDA needs over those that supervised learning needs; None if any seed fell
    short of the goal.
    """
    ours, theirs = (_examples(chosen(learned, task, arm)) for arm in ARMS)
    if not np.isfinite([*ours, *theirs]).all():
        return None
    return ratio_interval(ours, theirs)


def _examples(runs: Sequence[Learned]) -> list[float]:
    return [examples_to(each.points, GOAL) for each in runs]


def _last(runs: Sequence[Learned], field: str) -> list[float]:
    return [float(getattr(each.points[-1], field)) for each in runs]


def claims(learned: Sequence[Learned], size: Size) -> Iterator[Claim]:
    """What the paper claims, at our sizes."""
    for task, lesson in size.lessons.items():
        ours = chosen(learned, task, "amplified")
        reached, accuracies = _examples(ours), _last(ours, "accuracy")
        stuck = sum(not each.arrived for each in ours)
        detail = f"accuracy at the end {_each(accuracies)} within {lesson.steps:,} steps"
        yield Claim(
            f"{task}: IDA reaches {GOAL:.0%} without a true answer",
            bool(np.isfinite(reached).all()),
            detail + (f"; the curriculum never ended in {stuck}" if stuck else ""),
        )
        slower = slowdown(learned, task)
        yield Claim(
            f"{task}: the slowdown is modest (at most {MODEST:g} times the examples)",
            slower is not None and slower.value <= MODEST,
            "not both reached the goal in every seed" if slower is None
            else f"{slower.value:.2f} [{slower.low:.2f}, {slower.high:.2f}] times over "
            f"{slower.n} seeds",
        )  # fmt: skip
        asked = sum(_last(ours, "calls"))
        labels = sum(_last(chosen(learned, task, "supervised"), "examples"))
        yield Claim(
            f"{task}: overseers are asked less than a tenth as often as supervision is labelled",
            asked < labels / 10,
            f"{asked:,.0f} calls, {labels:,.0f} labels, over all seeds",
        )
    yield from _failing(learned, size)


def _failing(learned: Sequence[Learned], size: Size) -> Iterator[Claim]:
    task = size.failing[0]

    def ends(arm: str) -> list[float]:
        return _last(chosen(learned, task, arm), "accuracy")

    def ended(arm: str) -> str:
        runs = chosen(learned, task, arm)
        return f"{sum(each.arrived for each in runs)} of {len(runs)} seeds"

    gain = paired_difference(ends("random failures, votes"), ends("random failures"))
    yield Claim(
        f"{task}: {VOTES} votes mend an overseer that fails at random ({FAILURE:.0%})",
        gain.low > 0,
        f"gain {percent(gain)} points; the curriculum ended in {ended('random failures, votes')} "
        f"with votes and in {ended('random failures')} without",
    )
    for arm in size.arms:
        if arm.startswith("systematic"):
            gap = paired_difference(ends("random failures, votes"), ends(arm))
            yield Claim(
                f"{task}: {arm} cost more than random ones that are voted on",
                gap.low > 0,
                f"{percent(gap)} points less accurate",
            )


def _each(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.1%}" for value in values)


def drawn(learned: Sequence[Learned], size: Size) -> Iterator[Figure]:
    """A curve for each task, and where overseers that fail end."""
    for task in size.lessons:
        lines = {
            words: _curve(chosen(learned, task, arm))
            for words, arm in (("IDA", "amplified"), ("true answers", "supervised"))
        }
        symbols, difficulty, *_ = size.lessons[task]
        yield figures.curve(
            f"christiano2018-{task}",
            f"{task.replace('_', ' ')} with {symbols} symbols, questions to depth {difficulty}: "
            f"accuracy over fresh questions by examples made. Bands: 95 % over {size.seeds} seeds.",
            lines,
            xlabel="examples (questions with a target)",
            ylabel="accuracy",
            references={f"{GOAL:.0%}": GOAL},
        )
    task = size.failing[0]
    rows = [
        figures.Row(arm, mean_interval(_last(chosen(learned, task, arm), "accuracy")))
        for arm in size.arms
    ]
    yield figures.forest(
        "christiano2018-failures",
        f"{task.replace('_', ' ')}: where X ends when the overseer's conclusions are wrong "
        f"{FAILURE:.0%} of the time, with one amplified answer a target or the majority of "
        f"{VOTES}.",
        rows,
        xlabel="accuracy at the end",
    )


def _curve(runs: Sequence[Learned]) -> list[tuple[float, Interval]]:
    longest = max(runs, key=lambda each: each.points[-1].step).points
    thin = max(1, len(longest) // 16)  # more dots than these run into each other
    shown = [*longest[thin - 1 :: thin]]
    return [
        (float(point.examples), mean_interval([each.accuracy_at(point.step) for each in runs]))
        for point in shown
    ]
