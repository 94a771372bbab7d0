"""Figures: ours with intervals, the published points beside them.

Each function returns a `study.Figure`: the same numbers give the same SVG, byte for byte. Nothing
here touches pyplot or its global state.

Values are drawn in the unit they come in; `percent=True` says that they are fractions to be read as
percentages.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.transforms import ScaledTranslation

from oversight.metrics.intervals import Interval, certain
from oversight.metrics.scores import Reliability
from oversight.report.drawing import (
    DASH,
    INK,
    MARKERS,
    MUTED,
    PALETTE,
    PAPER,
    STYLE,
    WIDTH,
    at_the_right,
    canvas,
    diamond,
    dot,
    finished,
    hollow,
    legend,
    log_axis,
    mark,
    value_axis,
)
from oversight.study import Figure


class Row(NamedTuple):
    """One row of a forest."""

    label: str
    ours: Interval
    published: float | None = None
    group: str = ""
    """Rows of one group stand together, under its name."""


def forest(
    name: str,
    caption: str,
    rows: Sequence[Row],
    *,
    xlabel: str = "accuracy",
    references: Mapping[str, float] | None = None,
    percent: bool = True,
    dense: bool = False,
) -> Figure:
    """A dot and its 95 % interval a row; published points are hollow diamonds below the dot.

    `references` are vertical lines with their names. The first row is on top; `dense` rows stand
    close together, for where there are dozens.
    """
    places, headings = _places(rows)
    deepest = max(places)
    with matplotlib.rc_context(dict(STYLE)):
        drawing, axes = canvas(1.05 + (0.22 if dense else 0.36) * (deepest + 1))
        for row, y in zip(rows, places, strict=True):
            _interval_bar(axes, row, y, percent)
        for heading, y in headings.items():
            axes.text(-0.01, y, heading, transform=axes.get_yaxis_transform(), ha="right",
                      va="center", weight="bold")  # fmt: skip
        axes.set_yticks(places, [textwrap.fill(row.label, 36) for row in rows], va="center")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(deepest + 0.6, -0.6)
        value_axis(axes, "x", percent, [v for row in rows for v in _extent(row)], references)
        axes.set_xlabel(xlabel)
        axes.grid(axis="x")
        handles = [dot("ours, 95 % interval")]
        if any(row.published is not None for row in rows):
            handles.append(diamond("published", PALETTE[1]))
        if references:
            for x in references.values():
                axes.axvline(x, color=MUTED, linestyle=DASH, linewidth=1, zorder=1)
            words = ", ".join(references)
            handles.append(Line2D([], [], color=MUTED, linestyle=DASH, linewidth=1, label=words))
        legend(drawing, handles)
        return finished(drawing, name, caption)


def drawable(found: Interval) -> Interval:
    """For a row: what a single run found has no limits, and is drawn as a bare dot."""
    return certain(found.value, found.n) if math.isnan(found.low) else found


def curve(
    name: str,
    caption: str,
    lines: Mapping[str, Sequence[tuple[float, Interval]]],
    *,
    xlabel: str,
    ylabel: str = "accuracy",
    log_x: bool = False,
    references: Mapping[str, float] | None = None,
    reference_means: str = "exact value",
    published: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    percent: bool = True,
) -> Figure:
    """A line and its 95 % band a name, over x.

    `references` are horizontal dashed lines; one that bears a line's name is that line's
    (`reference_means` says what: its colour, its legend), another is written at its right end.
    `published` are hollow diamonds, coloured the same way. With `log_x` an x of 0 stands left of
    the smallest positive one.
    """
    held, points = dict(references or {}), dict(published or {})
    colours = {line: PALETTE[i % len(PALETTE)] for i, line in enumerate(lines)}
    with matplotlib.rc_context(dict(STYLE)):
        drawing, axes = canvas(4.4)
        zero = log_axis(axes, lines, points) if log_x else 0.0
        faint = 0.11 if len(lines) <= len(PALETTE) else 0.05
        for i, (line, steps) in enumerate(lines.items()):
            x = [step or zero for step, _ in steps]
            low, high = [v.low for _, v in steps], [v.high for _, v in steps]
            axes.fill_between(x, low, high, color=colours[line], alpha=faint, linewidth=0)
            axes.plot(x, [v.value for _, v in steps], color=colours[line], **mark(i))
        beside = axes.transData + ScaledTranslation(0.11, 0, drawing.dpi_scale_trans)
        for line, shown in points.items():
            for x, y in shown:
                axes.plot(x or zero, y, transform=beside, **hollow(colours.get(line, INK)))
        values = [v for steps in lines.values() for _, i in steps for v in (i.low, i.high)]
        values += [y for shown in points.values() for _, y in shown]
        value_axis(axes, "y", percent, values, held)
        for line, y in held.items():
            axes.axhline(y, color=colours.get(line, MUTED), linestyle=DASH, linewidth=1.2, zorder=1)
        at_the_right(axes, {line: y for line, y in held.items() if line not in lines})
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(axis="y")
        handles = [
            Line2D([], [], color=colours[line], label=line, **mark(i))
            for i, line in enumerate(lines)
        ]
        if any(line in lines for line in held):
            handles.append(Line2D([], [], color=MUTED, linestyle=DASH, label=reference_means))
        if points:
            handles.append(diamond("published", MUTED))
        legend(drawing, handles)
        return finished(drawing, name, caption)


def panels(
    name: str,
    caption: str,
    shown: Mapping[str, Mapping[str, Sequence[tuple[float, Interval]]]],
    *,
    xlabel: str,
    ylabel: str,
    paths: bool = False,
) -> Figure:
    """Curves as in `curve`, a panel for each title, side by side on one pair of axes' scales.

    Markers stand at the ends: lines are told apart by colour and stroke. `paths` lead where they
    lead, back and forth: they have no bands, and one marker, where they end.
    """
    names = list(dict.fromkeys(line for lines in shown.values() for line in lines))
    with matplotlib.rc_context(dict(STYLE)):
        columns = min(3, len(shown))
        rows = -(-len(shown) // columns)
        drawing = Drawing(figsize=(WIDTH, 0.7 + 2.3 * rows), layout="constrained")
        grid = drawing.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes, (title, lines) in zip(grid.flat, shown.items(), strict=False):
            for line, steps in lines.items():
                i = names.index(line)
                colour, x = PALETTE[i % len(PALETTE)], [step for step, _ in steps]
                low, high = [v.low for _, v in steps], [v.high for _, v in steps]
                if not paths:
                    axes.fill_between(x, low, high, color=colour, alpha=0.11, linewidth=0)
                ends = [len(x) - 1] if paths else [0, len(x) - 1]
                axes.plot(x, [v.value for _, v in steps], color=colour, markevery=ends, **mark(i))
            axes.set_title(title, size=9.5)
            axes.grid(axis="y")
        drawing.supxlabel(xlabel, size=9.5)
        drawing.supylabel(ylabel, size=9.5)
        legend(drawing, [
            Line2D([], [], color=PALETTE[i % len(PALETTE)], label=line, **mark(i))
            for i, line in enumerate(names)
        ])  # fmt: skip
        return finished(drawing, name, caption)


def predicted(
    name: str,
    caption: str,
    exact: Mapping[str, Sequence[tuple[float, float]]],
    measured: Mapping[str, Sequence[tuple[float, Interval]]],
    *,
    xlabel: str,
    ylabel: str,
    exact_means: str = "closed form",
    published: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    percent: bool = True,
) -> Figure:
    """A curve that theory gives a name, and what was measured as dots with their 95 % intervals.

    `published` are hollow diamonds, in their name's colour and a little to the right.
    """
    points = dict(published or {})
    with matplotlib.rc_context(dict(STYLE)):
        drawing, axes = canvas(4.4)
        beside = axes.transData + ScaledTranslation(0.11, 0, drawing.dpi_scale_trans)
        handles: list[Line2D] = []
        for i, (line, steps) in enumerate(exact.items()):
            colour, dot = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
            axes.plot([x for x, _ in steps], [y for _, y in steps], color=colour, linewidth=1.5)
            for x, ours in measured.get(line, ()):
                axes.plot([x, x], [ours.low, ours.high], color=colour, linewidth=2.2, alpha=0.55)
                axes.plot(x, ours.value, dot, color=colour, markersize=5)
            for x, y in points.get(line, ()):
                axes.plot(x, y, transform=beside, **hollow(colour))
            handles.append(Line2D([], [], color=colour, marker=dot, markersize=5, label=line))
        if all(float(x).is_integer() for steps in exact.values() for x, _ in steps):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        values = [y for steps in exact.values() for _, y in steps]
        values += [v for steps in measured.values() for _, i in steps for v in (i.low, i.high)]
        values += [y for steps in points.values() for _, y in steps]
        value_axis(axes, "y", percent, values, None)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(axis="y")
        handles.append(Line2D([], [], color=MUTED, linewidth=1.5, label=exact_means))
        handles.append(Line2D([], [], color=MUTED, linewidth=2.2, alpha=0.55, marker="o",
                              markersize=5, label="measured, 95 % interval"))  # fmt: skip
        if points:
            handles.append(diamond("published", MUTED))
        legend(drawing, handles)
        return finished(drawing, name, caption)


def reliability(name: str, caption: str, bins: Reliability) -> Figure:
    """How often the judge was right against how sure it was; a calibrated judge is on the diagonal.

    Bars below count the games in each bin. Intervals are Wilson's 95 %, over games.
    """
    with matplotlib.rc_context(dict(STYLE)):
        drawing = Drawing(figsize=(0.72 * WIDTH, 4.9), layout="constrained")
        axes, counts = drawing.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": (4, 1), "hspace": 0.06}
        )
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=DASH, linewidth=1)
        for p, right, n in zip(bins.confidence, bins.accuracy, bins.items, strict=True):
            low, high = _wilson(float(right), int(n))
            axes.plot([p, p], [low, high], color=PALETTE[0], linewidth=1.6, alpha=0.55)
        axes.plot(bins.confidence, bins.accuracy, "o", color=PALETTE[0])
        axes.set_xlim(0, 1.02)
        axes.set_ylim(-0.02, 1.04)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("how often it was right")
        axes.grid()
        counts.bar(
            bins.low, bins.items, width=bins.high - bins.low, align="edge",
            color=PALETTE[0], alpha=0.3, edgecolor=PAPER, linewidth=1,
        )  # fmt: skip
        counts.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        counts.yaxis.set_major_locator(MaxNLocator(2, integer=True))
        counts.set_ylabel("games")
        counts.set_xlabel("the judge's credence in its first answer")
        drawing.align_ylabels()
        legend(drawing, [
            dot("the judge, 95 % interval"),
            Line2D([], [], color=MUTED, linestyle=DASH, linewidth=1, label="perfectly calibrated"),
        ])  # fmt: skip
        return finished(drawing, name, caption)


# Parts of a forest


def _places(rows: Sequence[Row]) -> tuple[list[float], dict[str, float]]:
    """How far down each row and each group's heading stands."""
    places: list[float] = []
    headings: dict[str, float] = {}
    y, group = 0.0, ""
    for row in rows:
        if row.group != group:
            y += 0.35 if places else 0.0
            headings[row.group] = y
            group, y = row.group, y + 1
        places.append(y)
        y += 1
    return places, headings


def _interval_bar(axes: Axes, row: Row, y: float, percent: bool) -> None:
    beside = 0.0 if row.published is None else 0.16  # ours above, published below: both stay seen
    ours, scale = row.ours, 100 if percent else 1
    axes.plot([ours.low, ours.high], [y - beside] * 2, color=PALETTE[0], linewidth=2.2, alpha=0.55,
              solid_capstyle="butt")  # fmt: skip
    axes.plot(ours.value, y - beside, "o", color=PALETTE[0], markersize=6)
    if row.published is not None:
        axes.plot(row.published, y + beside, **hollow(PALETTE[1]))
    digits = 1 if percent else 3
    value, low, high = (f"{scale * v:.{digits}f}" for v in (ours.value, ours.low, ours.high))
    axes.text(1.02, y, f"{value}  [{low}, {high}]", transform=axes.get_yaxis_transform(),
              va="center", color=MUTED, size=8.5)  # fmt: skip


def _extent(row: Row) -> list[float]:
    return [row.ours.low, row.ours.high, *([] if row.published is None else [row.published])]


def _wilson(p: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share that may count ties in part, as `correct` does."""
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return middle - reach, middle + reach
