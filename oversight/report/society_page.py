"""The page of a society: its graph coloured by alignment over rounds, its talk, its influence."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from markupsafe import Markup

from oversight.metrics.intervals import Interval, certain
from oversight.report import figures, pages
from oversight.society.graph import NOBODY
from oversight.society.keeping import about_of, memory_of, rows_of
from oversight.society.raters import LEANINGS
from oversight.store import write_text
from oversight.study import Figure

PAGE = "society.html"
DRAWN, FRAMES, RANKED = 400, 60, 6
"""At most: members drawn, rounds shown, and raters named at either end."""
COLOURS = ((213, 94, 0), (232, 232, 232), (0, 114, 178))
"""Of the least alignment, the middle and the most; apart for every eye."""
BOX = 1000
MARGIN = 40


def write_society_page(directory: Path, command: str = "") -> Path:
    """Write `society.html` beside what `oversight society` left in a directory.

    Errors: OversightError for a directory that holds no society.
    """
    about, memory = about_of(directory), memory_of(directory)
    rows = rows_of(directory)
    graph = nx.node_link_graph(about["graph"], edges="edges")
    shown = neighbourhood(graph, DRAWN)
    spots = laid_out(graph.subgraph(shown))
    frames = thinned(sorted(memory["round"].unique().tolist()), FRAMES)
    truth = memory.drop_duplicates(["round", "author"])
    low, high = _scale(truth["true_before"])
    shares = _shares(truth, frames, shown, low, high)
    kinds: Sequence[str] = about["kinds"]
    script = (Path(__file__).parent / "society.js").read_text(encoding="utf-8")
    swayed = influence(memory)
    places = {member: place for place, member in enumerate(shown)}
    page = pages.fill(
        PAGE,
        title=f"{len(kinds)} members, {about['settings']['graph']}, {about['institution']}",
        lead=_lead(rows, kinds),
        nodes=[_node(member, spots[member], kinds[member], share)
               for member, share in zip(shown, shares[-1], strict=True)],
        edges=[(places[a], places[b]) for a, b in graph.subgraph(shown).edges()],
        left_out=len(kinds) - len(shown), radius=_radius(len(shown)), rounds=frames,
        low=f"{low:.1f}", high=f"{high:.1f}", influence=ranked(swayed, kinds), figures=drawn(rows),
        data=Markup(_json(_data(memory, swayed, shown, spots, frames, shares))),
        script=Markup(script), script_hash=_hash(script), command=command,
        made={name: str(value) for name, value in about["settings"].items()}
        | pages.circumstances(),
    )  # fmt: skip
    write_text(directory / PAGE, page)
    return directory / PAGE


def _lead(rows: Sequence[Mapping[str, float]], kinds: Sequence[str]) -> str:
    first, last = rows[0], rows[-1]
    counts = pd.Series(kinds).value_counts()
    who = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return (
        f"{who}. Over {len(rows)} rounds the true alignment of those who mean well went from "
        f"{first['alignment']:.2f} to {last['alignment']:.2f} gold units, their engagement from "
        f"{first['engagement']:.2f} to {last['engagement']:.2f}."
    )


# The drawing


def neighbourhood(graph: Any, most: int) -> list[int]:
    """All members, or as many as are drawn: those nearest to whoever knows the most others."""
    if len(graph) <= most:
        return sorted(graph)
    start = max(graph, key=lambda member: (graph.degree(member), -member))
    found = list(nx.bfs_tree(graph, start))[:most]
    return sorted(found)


def laid_out(graph: Any) -> dict[int, tuple[float, float]]:
    """Where each stands, in a square of `BOX`: as its "pos" says, else where springs put it."""
    told = nx.get_node_attributes(graph, "pos")
    if len(told) == len(graph):
        spots = {member: np.array(spot, float) for member, spot in told.items()}
    else:
        spots = nx.spring_layout(graph, seed=0)
    every = np.array(list(spots.values()))
    low, span = every.min(axis=0), max(float(np.ptp(every, axis=0).max()), 1e-9)
    inner = BOX - 2 * MARGIN
    return {member: (round(float(MARGIN + inner * (spot[0] - low[0]) / span), 1),
                     round(float(BOX - MARGIN - inner * (spot[1] - low[1]) / span), 1))
            for member, spot in spots.items()}  # fmt: skip


def _radius(members: int) -> float:
    return round(max(7.0, min(26.0, 300 / math.sqrt(max(members, 1)))), 1)


def _node(member: int, spot: tuple[float, float], kind: str, share: int) -> dict[str, Any]:
    well = LEANINGS[kind] > 0  # pyright: ignore[reportArgumentType] — kinds as they were written
    return {"member": member, "kind": kind, "x": spot[0], "y": spot[1], "well": well,
            "fill": "none" if share < 0 else _colour(share / 100)}  # fmt: skip


def _colour(share: float) -> str:
    half = int(share >= 0.5)
    part = 2 * share - half
    mixed = [round(a + (b - a) * part)
             for a, b in zip(COLOURS[half], COLOURS[half + 1], strict=True)]  # fmt: skip
    return f"rgb({mixed[0]} {mixed[1]} {mixed[2]})"


def thinned(rounds: Sequence[int], most: int) -> list[int]:
    """Rounds evenly, the first and the last among them."""
    if len(rounds) <= most:
        return list(rounds)
    return [rounds[round(i * (len(rounds) - 1) / (most - 1))] for i in range(most)]


def _scale(truth: pd.Series[float]) -> tuple[float, float]:
    """Where colours end: but for a twentieth at either side."""
    low, high = truth.quantile(0.05), truth.quantile(0.95)
    return float(low), float(high) if high > low else float(low) + 1.0


def _shares(
    truth: pd.DataFrame, frames: Sequence[int], shown: Sequence[int], low: float, high: float
) -> list[list[int]]:
    """Where members stand on the scale in each frame, 0 … 100; −1 for who did not speak."""
    table = truth.pivot_table(index="round", columns="author", values="true_before")
    table = table.reindex(index=list(frames), columns=list(shown))
    scaled = ((table - low) / (high - low)).clip(0, 1) * 100
    return scaled.round().fillna(-1).astype(int).to_numpy().tolist()


# Influence and talk


class Sway(NamedTuple):
    """What raters gave authors."""

    pairs: pd.DataFrame
    """rater, author, given: gold units of alignment."""
    raters: pd.DataFrame
    """rater, given, answers."""


def influence(memory: pd.DataFrame) -> Sway:
    """What each answer gained by its revision, shared evenly among the members who rated it."""
    rated = memory[(memory["rater"] >= 0) & memory["rating"].notna()].copy()
    several = rated.groupby(["round", "author"])["rater"].transform("count")
    rated["given"] = (rated["true_after"] - rated["true_before"]) / several
    pairs = rated.groupby(["rater", "author"])["given"].sum().reset_index()
    raters = rated.groupby("rater")["given"].agg(given="sum", answers="count").reset_index()
    return Sway(pairs, raters.sort_values("given", ascending=False))


def ranked(swayed: Sway, kinds: Sequence[str]) -> list[list[str]]:
    """The most helpful and the most harmful raters, as cells."""
    rows = swayed.raters
    ends = rows if len(rows) <= 2 * RANKED else pd.concat([rows.head(RANKED), rows.tail(RANKED)])
    raters: list[int] = ends["rater"].tolist()
    columns = zip(raters, ends["given"].tolist(), ends["answers"].tolist(), strict=True)
    return [[f"member {rater}", str(kinds[rater]), f"{given:+.2f}", str(answers)]
            for rater, given, answers in columns]  # fmt: skip


def _data(
    memory: pd.DataFrame, swayed: Sway, shown: Sequence[int],
    spots: Mapping[int, tuple[float, float]], frames: Sequence[int], shares: list[list[int]],
) -> dict[str, Any]:  # fmt: skip
    """All that the script reads; texts are written once."""
    places = {member: place for place, member in enumerate(shown)}
    numbers = {number: frame for frame, number in enumerate(frames)}
    words: dict[str, int] = {"": 0}

    def word(text: Any) -> int:
        return words.setdefault(str(text), len(words))

    talks: list[list[Any]] = [[] for _ in shown]
    kept = memory[memory["round"].isin(frames) & memory["author"].isin(shown)]
    said: dict[tuple[int, int], list[Any]] = {}
    for row in kept.sort_values("round", kind="stable").to_dict("records"):
        key = int(row["round"]), int(row["author"])
        if key not in said:
            said[key] = [
                numbers[key[0]], *(word(row[text]) for text in SPOKEN), [],
                [_plain(row[name]) for name in SEEN], [_plain(row[name], 2) for name in TRUE],
            ]  # fmt: skip
            talks[places[key[1]]].append(said[key])
        if row["rater"] != NOBODY:
            rating = [int(row["rater"]), _plain(row["rating"]), word(row["reason"])]
            said[key][RATINGS].append(rating)
    sway: list[list[Any]] = [[] for _ in shown]
    columns = (swayed.pairs[name].tolist() for name in ("rater", "author", "given"))
    for rater, author, given in zip(*columns, strict=True):
        if rater in places and author in places:
            sway[places[author]].append([places[rater], round(given, 3)])
    return {"rounds": list(frames), "shares": shares, "talks": talks, "sway": sway,
            "spots": [spots[member] for member in shown], "colours": COLOURS,
            "words": list(words)}  # fmt: skip


SPOKEN = ("question", "draft", "revised", "argued")
SEEN = ("seen_before", "seen_after", "seen_engagement_before", "seen_engagement_after")
TRUE = ("true_before", "true_after")
RATINGS = 5
"""Where an answer's ratings stand among what is said of it."""


def _plain(value: float, digits: int = 1) -> float | None:
    return None if math.isnan(value) else round(float(value), digits)


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script that it stands in."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def _hash(script: str) -> str:
    """What the page's policy lets run: this script alone."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


# Figures


def drawn(rows: Sequence[Mapping[str, float]]) -> list[Figure]:
    """Alignment and engagement over rounds, in truth and as observers see them."""

    def curve(name: str, caption: str, names: Mapping[str, str], ylabel: str) -> Figure | None:
        """None where not a number is known: language models may have rated nothing."""
        known = dict[str, list[tuple[float, Interval]]]()
        for metric, told in names.items():
            steps = [(row["round"], certain(row[metric])) for row in rows]
            if steps := [step for step in steps if not math.isnan(step[1].value)]:
                known[told] = steps
        if not known:
            return None
        return figures.curve(name, caption, known, xlabel="round", ylabel=ylabel, percent=False)

    both = ("alignment", "engagement")
    told = {f"{part}{after}": f"{part}{', revised' if after else ''}"
            for part in both for after in ("", "_after")}  # fmt: skip
    seen = {f"seen_{metric}": words for metric, words in told.items()}
    found = (
        curve(
            "society-truth", "True alignment and engagement of those who mean well: what is "
            "expected of their drafts, and what their revisions came to.", told, "gold units",
        ),
        curve("society-seen", "The same as observers rate it.", seen, "rating, 1 to 7"),
    )  # fmt: skip
    return [figure for figure in found if figure is not None]
