"""From right and wrong answers to numbers: cells, claims, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.burns2023.published import SOURCE, STUDENTS, SUPERVISOR
from experiments.burns2023.transfers import FAMILIES, GRADES, Kind, Transfer
from oversight.claims import points
from oversight.metrics.crossed import crossed_mean, crossed_ratio
from oversight.metrics.intervals import Interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

DRAWN = {"plain": "plain student", "confident": "student with the confidence loss"}
STUDENT = {**DRAWN, "uncounted": "the same without class counts"}
TITLES: dict[Kind, str] = {
    "pixels": "sees few pixels",
    "blocks": "sees coarse images",
    "examples": "learned from few examples",
    "units": "has few hidden units",
}


def recovered(played: Transfer, student: str) -> Interval:
    """PGR = (student − supervisor) / (ceiling − supervisor)."""
    strong: NDArray[np.float64] = getattr(played, student)
    return crossed_ratio(strong - played.weak, played.ceiling - played.weak)


def cells(played: Sequence[Transfer]) -> Iterator[Cell]:
    """Every number; the published ones beside the supervisor of the nearest accuracy."""
    yield from _beside(played)
    for one in played:
        setting = {"supervisor": one.grade.label}
        yield cell(setting, "supervisor", crossed_mean(one.weak))
        for student, words in STUDENT.items():
            yield cell(setting, words, crossed_mean(getattr(one, student)))
        yield cell(setting, "ceiling", crossed_mean(one.ceiling))
        for student, words in STUDENT.items():
            yield cell(setting, f"PGR, {words}", recovered(one, student))
    for family in FAMILIES:
        pooled = _pooled(played, family)
        for student, words in STUDENT.items():
            found = recovered(pooled, student)
            yield cell({"supervisor": f"all that: {TITLES[family]}"}, f"PGR, {words}", found)


def _beside(played: Sequence[Transfer]) -> Iterator[Cell]:
    nearest = min(played, key=lambda one: abs(100 * float(one.weak.mean()) - SUPERVISOR))
    for name, known in STUDENTS.items():
        setting = {"supervisor": nearest.grade.label, "published": f"AlexNet to {name}"}

        def made(metric: str, found: Interval, number: float, setting: Any = setting) -> Cell:
            return cell(setting, metric, found, number, SOURCE)

        yield made("supervisor", crossed_mean(nearest.weak), SUPERVISOR / 100)
        yield made("plain student", crossed_mean(nearest.plain), known.transfer / 100)
        yield made("ceiling", crossed_mean(nearest.ceiling), known.ceiling / 100)
        yield made("PGR, plain student", recovered(nearest, "plain"), known.pgr)


def _pooled(played: Sequence[Transfer], family: Kind) -> Transfer:
    """A family's supervisors as one: every table averaged over them."""
    own = [one for one in played if one.grade.kind == family]
    return Transfer(
        own[0].grade,
        *(np.mean([getattr(one, name) for one in own], axis=0) for name in Transfer._fields[1:]),
    )


def claims(played: Sequence[Transfer]) -> Iterator[Claim]:
    """The paper's two claims, for each kind of supervisor; they need not hold on digits."""
    for family, title in TITLES.items():
        pooled = _pooled(played, family)
        gain = crossed_mean(pooled.plain - pooled.weak)
        yield Claim(
            f"supervisor {title}: the plain student beats it",
            gain.low > 0,
            f"gain {points(gain)} points, PGR {_shown(recovered(pooled, 'plain'))}",
        )
        more = crossed_mean(pooled.confident - pooled.plain)
        yield Claim(
            f"supervisor {title}: the confidence loss raises what the student recovers",
            more.low > 0,
            f"gain {points(more)} points, PGR with it {_shown(recovered(pooled, 'confident'))}",
        )


def _shown(found: Interval) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def drawn(played: Sequence[Transfer]) -> Iterator[Figure]:
    """Accuracies against the supervisor's own, and what each student recovered."""
    ceiling = float(np.mean([one.ceiling.mean() for one in played]))
    for student, words in DRAWN.items():
        yield figures.curve(
            f"burns2023-{student}",
            f"The {words}'s accuracy against its supervisor's, by what holds the supervisor back. "
            "A student that only copied its supervisor would lie on the supervisors' own line.",
            {
                "the supervisors": _themselves(played),
                **{
                    title: _against([one for one in played if one.grade.kind == family], student)
                    for family, title in TITLES.items()
                },
            },
            xlabel="supervisor's accuracy, %",
            ylabel="accuracy on test images",
            references={"ceiling": ceiling},
        )
    settled = {one.grade: one for one in played if np.isfinite(recovered(one, "plain").low)}
    yield figures.forest(
        "burns2023-pgr",
        "The performance gap recovered: 0 is the supervisor, 1 the student's ceiling. Each "
        "supervisor's accuracy is in brackets.",
        [
            figures.Row(_row_name(settled[grade]), recovered(settled[grade], student), None, group)
            for student, group in DRAWN.items()
            for grade in GRADES
            if grade in settled
        ],
        xlabel="performance gap recovered",
        references={"the supervisor": 0.0, "the ceiling": 1.0},
        percent=False,
    )


def _against(played: Sequence[Transfer], student: str) -> list[tuple[float, Interval]]:
    return [(100 * float(one.weak.mean()), crossed_mean(getattr(one, student))) for one in played]


def _themselves(played: Sequence[Transfer]) -> list[tuple[float, Interval]]:
    """The line of no gain: no band, for it is where the others' x is read."""
    reached = sorted(float(one.weak.mean()) for one in played)
    return [(100 * x, Interval(x, x, x, 0)) for x in reached]


def _row_name(one: Transfer) -> str:
    return f"{one.grade.label} ({100 * one.weak.mean():.0f} %)"
