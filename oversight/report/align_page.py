"""The page of `oversight align`: who got how far from the reference, and what it was worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

from oversight.alignment.leaderboard import KL, Place, Training, ranked
from oversight.metrics.intervals import Interval
from oversight.plain_json import json_text
from oversight.report import pages
from oversight.report.drawing import MUTED, PALETTE, STYLE, canvas, finished, legend, mark
from oversight.report.figures import Row, drawable, forest
from oversight.store import write_text
from oversight.study import Figure

COLUMNS = ("method", "gold", f"gold at KL {KL:g}", "proxy", "KL", "wins %", "seconds")
MANY = 6
"""Methods beyond which the curves of all would only be a tangle."""


def cells_of(place: Place) -> list[str]:
    """A place under `COLUMNS`."""
    return [
        place.method, told(place.gold, 3), told(place.at_kl, 3), told(place.proxy, 3),
        told(place.kl, 2), told(place.wins, 1, 100), f"{place.seconds.value:.1f}",
    ]  # fmt: skip


def told(found: Interval, digits: int, scale: float = 1) -> str:
    """A number with its interval, as far as there is any.

    >>> told(Interval(0.5, 0.25, 0.75, 3), 2), told(Interval(0.5, np.nan, np.nan, 1), 1, 100)
    ('0.50 [0.25, 0.75]', '50.0')
    """
    value, low, high = (scale * number for number in found[:3])
    if np.isnan(value):
        return "–"
    limits = "" if np.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{limits}"


def notes_of(trainings: Sequence[Training]) -> list[str]:
    """What the reader of the table must know."""
    first = trainings[0].rows[0]
    return [
        f"Before any training: gold {first['gold']:.3f}, proxy {first['proxy']:.3f}.",
        f"Gold at KL {KL:g}: where a training first passed so many nats from the reference; – if "
        "none did.",
        "In brackets: 95 % intervals over seeds, by Student's t; – one seed has none.",
    ]


def drawn(trainings: Sequence[Training]) -> list[Figure]:
    """Gold reward by method, and along the trainings against √KL."""
    names = [place.method for place in ranked(trainings)]
    rows = [Row(p.method, drawable(p.gold)) for p in ranked(trainings)]
    before = {"before": float(trainings[0].rows[0]["gold"])}
    found = [
        forest("align-gold", "Gold reward after training, by method.", rows, xlabel="gold reward",
               references=before, percent=False)
    ]  # fmt: skip
    shown = names if len(names) <= MANY else [*names[: MANY - 1], names[-1]]
    return [*found, frontier("align-frontier", trainings, shown)]


def frontier(name: str, trainings: Sequence[Training], shown: Sequence[str]) -> Figure:
    """Gold (a line) and proxy reward (dashed) against √KL, along the trainings of some methods."""
    told = "Along each training, the mean over seeds: gold reward (lines) and what the overseer "
    told += "sees of it (dashes), against √KL from the reference."
    with matplotlib.rc_context(dict(STYLE)):
        drawing, axes = canvas(4.4)
        handles = list[Any]()
        for place, method in enumerate(shown):
            path = _mean_path([t for t in trainings if t.method == method])
            colour = PALETTE[place % len(PALETTE)]
            x = np.sqrt(np.maximum(path["kl"], 0))
            handles += axes.plot(x, path["gold"], color=colour, label=method, **mark(place))
            axes.plot(x, path["proxy"], color=colour, linestyle=(0, (2, 2)), linewidth=1)
        axes.set_xlabel("√KL from the reference, √nats")
        axes.set_ylabel("reward")
        axes.grid(axis="y", color=MUTED, alpha=0.2)
        legend(drawing, handles)
        return finished(drawing, name, told)


def _mean_path(trainings: Sequence[Training]) -> pd.DataFrame:
    """The mean over seeds at each evaluation."""
    frames = [pd.DataFrame(list(training.rows)) for training in trainings]
    return pd.concat(frames).groupby("step")[["kl", "gold", "proxy"]].mean()


def write_alignment(
    out: Path, found: Mapping[str, Any], trainings: Sequence[Training], command: str
) -> list[Path]:
    """Write JSON, table, figures and page into a directory; returns the paths, the page last."""
    figures = drawn(trainings)
    rows = [{"method": t.method, "seed": t.seed, **row} for t in trainings for row in t.rows]
    named = ("world", "policy", "feedback", "steps", "labels")
    settings = {name: str(found[name]) for name in named}
    table = pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    texts = {
        "align.json": json_text(found) + "\n",
        "align.csv": table,
        **{f"{figure.name}.svg": figure.svg for figure in figures},
        "report.html": pages.fill(
            "align.html",
            title=f"Alignment on {found['world']}",
            columns=COLUMNS,
            rows=[cells_of(place) for place in ranked(trainings)],
            notes=notes_of(trainings),
            figures=figures,
            command=command,
            made=settings | pages.circumstances(),
        ),
    }  # fmt: skip
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]
