"""Filling in the page templates: escaping, numbers as people read them, figures that fit the page.

Every page is one file: its style, its figures and its transcripts are inside, and a content policy
in its head forbids it to fetch anything, and to run anything but the script it was written with.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from oversight import store
from oversight.metrics.intervals import Interval
from oversight.report import calls
from oversight.report.drawing import INK, MUTED, PALETTE, PAPER, RULE
from oversight.study import Figure

COLOURS = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper"} | {
    colour: f"line-{number}" for number, colour in enumerate(PALETTE)
}
"""Colour in a figure -> the page's variable that stands for it, light or dark."""


def fill(template: str, **values: Any) -> str:
    """A page from a template beside this file."""
    return _ENVIRONMENT.get_template(template).render(**values)


def circumstances() -> dict[str, str]:
    """What a page was written with, in words."""
    held = store.circumstances()
    return {"revision": held["revision"] or "not in git", "python": held["python"]} | held[
        "versions"
    ]


def percent(found: Interval | None) -> str:
    """An interval of a fraction, in percent.

    >>> percent(Interval(0.838, 0.815, 0.861, 1000))
    '83.8 [81.5, 86.1]'
    """
    return interval(_hundredfold(found), 1)


def points(found: Interval | None) -> str:
    """A difference of two fractions, in points of a hundred, signed."""
    return interval(_hundredfold(found), 1, "+")


def interval(found: Interval | None, digits: int = 3, sign: str = "") -> str:
    """An interval with so many decimals; a dash where there is none."""
    if found is None:
        return "–"
    value, low, high = (_minus(f"{v:{sign}.{digits}f}") for v in found[:3])
    return f"{value} [{low}, {high}]"


def measured(found: Interval) -> str:
    """An interval in no known unit: as many decimals as its own width supports.

    >>> measured(Interval(0.8381, 0.8152, 0.861, 1000)), measured(Interval(83.81, 81.52, 86.1, 9))
    ('0.838 [0.815, 0.861]', '83.8 [81.5, 86.1]')
    """
    return interval(found, decimals(found))


def decimals(found: Interval) -> int:
    """How many decimals show two figures of an interval's width; three where it has none."""
    width = found.high - found.low
    if not (math.isfinite(width) and width > 0):
        return 3
    return max(0, min(4, 1 - math.floor(math.log10(width))))


def number(value: float) -> str:
    """A number in no known unit: four significant figures, no trailing noise.

    >>> number(0.8381), number(83.8), number(12345.6), number(-0.05)
    ('0.8381', '83.8', '12,346', '−0.05')
    """
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return _minus(shown)


def decimal(value: float | None) -> str:
    """Three decimals; a dash where there is no number."""
    return "–" if value is None else _minus(f"{value:.3f}")


def settings(values: Mapping[str, Any]) -> str:
    """Settings in a line."""
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "no settings"


def signed(value: float) -> str:
    """A payoff: two decimals and its sign."""
    return _minus(f"{value:+.2f}")


def inline(figure: Figure) -> Markup:
    """The figure as part of a page: in the page's colours, its ids its own, named for readers."""
    svg = figure.svg[figure.svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{_slug(figure.name)}-", svg)
    svg = re.sub(r"#[0-9a-f]{6}\b", lambda found: _variable(found[0]), svg)
    size = re.compile(r' width="([\d.]+)pt"| height="[\d.]+pt"')
    drawn = next((float(found[1]) for found in size.finditer(svg) if found[1]), 540.0)
    svg = size.sub("", svg, count=2)
    named = Markup(
        '<svg role="img" aria-label="{}" style="max-width: {:.0f}px; min-width: {:.0f}px"'
    ).format(figure.caption, 1.5 * drawn, 0.85 * drawn)
    return Markup(svg.replace("<svg", named, 1))


def _hundredfold(found: Interval | None) -> Interval | None:
    if found is None:
        return None
    return Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)


def _variable(colour: str) -> str:
    return f"var(--{COLOURS[colour]})" if colour in COLOURS else colour


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name)


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Any] = {
        "percent": percent, "points": points, "interval": interval, "number": number,
        "signed": signed, "inline": inline, "calls": calls.rows_of,
    }  # fmt: skip
    made.filters.update(filters)
    return made


_ENVIRONMENT = _environment()
