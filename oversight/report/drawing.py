"""What every figure is drawn with: the colours, the axes, the legend, the files.

Nothing here touches pyplot or its global state.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from oversight.metrics.intervals import Interval
from oversight.study import Figure

INK, MUTED, RULE, PAPER = "#1f2430", "#5b6472", "#dfe3e8", "#ffffff"
PALETTE = ("#0072b2", "#d55e00", "#00875f", "#b0468c", "#8a6d00", "#4a58b8")
"""After Okabe and Ito (2008), darkened until each reads as text on white."""
MARKERS = ("o", "s", "^", "v", "P", "X")
DASH = (0, (5, 2.5))

WIDTH = 7.4  # inches; at 800 pixels the text below is 13 to 15 pixels high
PNG_DPI = 200
STYLE: Mapping[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same everywhere
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "oversight",
}


def canvas(height: float) -> tuple[Drawing, Axes]:
    """An empty picture of the usual width, inches high."""
    drawing = Drawing(figsize=(WIDTH, height), layout="constrained")
    return drawing, drawing.subplots()


def value_axis(
    axes: Axes,
    which: str,
    percent: bool,
    values: Sequence[float],
    references: Mapping[str, float] | None,
) -> None:
    """Room around everything drawn; fractions never run past 0 and 1 by more than a marker."""
    drawn = [*values, *(references or {}).values()]
    low, high = min(drawn), max(drawn)
    room = 0.06 * (high - low) or 0.5
    low, high = low - room, high + room
    if percent and min(drawn) >= 0 and max(drawn) <= 1:
        low, high = max(low, -0.015), min(high, 1.015)
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    if percent:
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def log_axis(
    axes: Axes,
    lines: Mapping[str, Sequence[tuple[float, Interval]]],
    published: Mapping[str, Sequence[tuple[float, float]]],
) -> float:
    """A logarithmic x axis with plain numbers; returns where x = 0 is put."""
    drawn = sorted({x for steps in [*lines.values(), *published.values()] for x, *_ in steps})
    positive = [x for x in drawn if x > 0]
    zero = min(positive) / 3
    axes.set_xscale("log")
    axes.set_xticks([x or zero for x in drawn], _sparse(drawn, zero))
    axes.minorticks_off()
    if drawn[0] == 0:
        axes.text(zero * 3**0.5, 0, "//", transform=axes.get_xaxis_transform(), ha="center",
                  va="center", color=MUTED, backgroundcolor=PAPER, size=8)  # fmt: skip
    return zero


def _sparse(drawn: Sequence[float], zero: float) -> list[str]:
    """Labels of logarithmic ticks, left blank where they would run into their left neighbour."""
    span = math.log(max(drawn) / (drawn[0] or zero)) or 1.0
    labels: list[str] = []
    last = -math.inf
    for x in drawn:
        at = math.log(x or zero) / span
        labels.append(f"{x:,.0f}" if at - last > 0.075 else "")
        last = at if labels[-1] else last
    return labels


def at_the_right(axes: Axes, levels: Mapping[str, float]) -> None:
    """Names of horizontal lines at their right ends, pushed apart where they would touch."""
    low, high = axes.get_ylim()
    apart = 0.062 * (high - low)
    lowest = float("-inf")
    for name, level in sorted(levels.items(), key=lambda item: item[1]):
        y = lowest = max(level, lowest + apart)
        axes.text(1.015, y, name, transform=axes.get_yaxis_transform(), va="center",
                  color=MUTED, size=8.5)  # fmt: skip


def mark(place: int) -> dict[str, Any]:
    """A line's marker and stroke; when the colours come round again the strokes are broken."""
    rounds, i = divmod(place, len(MARKERS))
    drawn: dict[str, Any] = {"linewidth": 1.7, "marker": MARKERS[i], "markersize": 5}
    drawn["linestyle"] = ("-", (0, (4, 2)), (0, (1, 1.5)))[rounds % 3]
    return drawn | ({"markerfacecolor": PAPER} if rounds else {})


def hollow(colour: str) -> dict[str, Any]:
    """A published point."""
    return {"marker": "D", "linestyle": "none", "markersize": 5.6, "markerfacecolor": "none",
            "markeredgecolor": colour, "markeredgewidth": 1.5, "zorder": 3}  # fmt: skip


def dot(label: str) -> Line2D:
    """The legend's entry for our own points."""
    return Line2D([], [], color=PALETTE[0], marker="o", markersize=6, linewidth=2.2, label=label)


def diamond(label: str, colour: str) -> Line2D:
    """The legend's entry for published points."""
    return Line2D([], [], label=label, **hollow(colour))


def legend(drawing: Drawing, handles: Sequence[Line2D]) -> None:
    """The entries, above the picture."""
    drawing.legend(handles=handles, loc="outside upper left", ncols=min(3, len(handles)),
                   handlelength=2.4, columnspacing=1.8)  # fmt: skip


def finished(drawing: Drawing, name: str, caption: str) -> Figure:
    """The picture as SVG and PNG: the same numbers give the same bytes."""
    svg, png = io.BytesIO(), io.BytesIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # no date, no version
    FigureCanvasSVG(drawing).print_svg(svg, metadata=nothing)
    drawing.set_dpi(PNG_DPI)
    FigureCanvasAgg(drawing).print_png(png, metadata={"Software": None})
    return Figure(name, caption, svg.getvalue().decode(), png.getvalue())
