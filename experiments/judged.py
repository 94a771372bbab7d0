"""What `khan2024` and `kenton2024` share: one cast argues, several judges decide the same cases.

By default both run offline: debaters that search for the sentence to quote, and the small text
judge (`skim`), weakened step by step. `--agent` and `--judge` put language models there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from oversight.bench import Bench, accuracy
from oversight.metrics.intervals import Interval
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Findings, Job, cell

ROUNDS = 3
"""Of both papers."""
ASSIGNED, OPEN = "consultancy", "open consultancy"
DEBATE, SIMULTANEOUS, OPEN_DEBATE = "debate", "simultaneous debate", "open debate"
ASKED_DEBATE, ASKED_CONSULTANCY = "interactive debate", "interactive consultancy"
ALONE, WITH = "judge alone", "judge with the passage"
ARMS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    ALONE: ("naive", {"evidence": 0}),
    WITH: ("expert", {}),
    ASSIGNED: ("consultancy", {"rounds": ROUNDS}),
    OPEN: ("consultancy", {"rounds": ROUNDS, "form": "open"}),
    ASKED_CONSULTANCY: ("consultancy", {"rounds": ROUNDS, "questions": True}),
    DEBATE: ("debate", {"rounds": ROUNDS}),
    SIMULTANEOUS: ("debate", {"rounds": ROUNDS, "order": "simultaneous"}),
    OPEN_DEBATE: ("debate", {"rounds": ROUNDS, "sides": "open"}),
    ASKED_DEBATE: ("debate", {"rounds": ROUNDS, "questions": True}),
}
WORLDS = {
    "passages": "passages:candidates=2",
    "quality": "passages:data=quality",
    "boolq": "passages:data=boolq",
    "squad": "passages:data=squad",
    "scifact": "passages:data=scifact",
}
OFFLINE = ("dials:skill=0.5", "dials:skill=0.8", "dials:skill=1.0")
"""The text judge of the world, weakened: how much of what it believes it keeps."""
EPISODES = {"quick": 150, "full": 1000, "paper": 4000}
SPOKEN = {"quick": 8, "full": 200, "paper": 400}
"""Where language models are named: every game is paid for in tokens."""


class Judged(NamedTuple):
    """All arms under one judge."""

    judge: str
    frames: Mapping[str, pd.DataFrame]

    @property
    def strength(self) -> float:
        """How often the judge is right with the passage before it."""
        found = accuracy(self.frames[WITH])
        return float("nan") if found is None else found.value


def play(job: Job) -> list[Judged]:
    """Every arm under every judge, the weakest first as they are named."""
    world = build("worlds", WORLDS[job.data])
    spoken = job.agent is not None or bool(job.judges)
    episodes = (SPOKEN if spoken else EPISODES)[job.scale]
    found: list[Judged] = []
    for number, judge in enumerate(job.judges or OFFLINE):
        bench = Bench.of(job, f"judge-{number}", world, episodes, judge=judge)
        frames: dict[str, pd.DataFrame] = {}
        for name, (protocol, parameters) in ARMS.items():
            bound: Protocol = load("protocols", protocol).bind(**parameters)
            cast = bench.cast(bound, _seated(job, bound, judge))
            frames[name] = bench.play(name.replace(" ", "-"), bound, cast)
        found.append(Judged(judge, frames))
    return found


def _seated(job: Job, protocol: Protocol, judge: str) -> dict[str, str]:
    """Who argues, as the flag says; who asks for the judge is the judge's own model."""
    named: dict[str, str] = {}
    for seat, role in protocol.seats.items():
        if "decide" in role.acts:
            continue
        if role.acts == ("ask",):
            if job.judges:
                named[seat] = without_form(judge)
        elif job.agent is not None:
            named[seat] = job.agent
    return named


def without_form(judge: str) -> str:
    """A judge's spec as that of an agent: how it decides is not how it asks."""
    name, _, rest = judge.partition(":")
    kept = [part for part in rest.split(",") if part.partition("=")[0] not in ("form", "n")]
    return ":".join(filter(None, (name, ",".join(kept))))


def cells_of(judged: Judged) -> Iterator[Cell]:
    """The accuracy of every arm."""
    for arm, frame in judged.frames.items():
        found = accuracy(frame)
        if found is not None:
            yield cell({"judge": judged.judge, "arm": arm}, "accuracy", found)


def reported(
    name: str,
    job: Job,
    beside: Callable[[Judged], Iterable[Cell]],
    claimed: Callable[[Judged], Iterable[Claim]],
    notes: Sequence[str],
) -> Findings:
    """Every arm under every judge: its cells, those `beside` published ones, and the claims."""
    found = play(job)
    cells = [each for judged in found for each in (*cells_of(judged), *beside(judged))]
    claims = [claim for judged in found for claim in claimed(judged)]
    told = (failures(found), *notes)
    return Findings(cells, claims, [drawn(name, job.data, found)], (), told)


def failures(all_judged: list[Judged]) -> str:
    """How many games failed, in words."""
    failed = sum(int(f["failure"].notna().sum()) for j in all_judged for f in j.frames.values())
    games = sum(len(f) for j in all_judged for f in j.frames.values())
    return f"{failed} of {games} games failed (no legal reply in two tries, or none at all)."


def drawn(name: str, data: str, all_judged: list[Judged]) -> Figure:
    """Accuracy by judge strength, a line an arm; with one judge, a row an arm."""
    points: dict[str, list[tuple[float, Interval]]] = {}
    rows: list[figures.Row] = []
    for judged in all_judged:
        for arm, frame in judged.frames.items():
            found = accuracy(frame)
            if found is not None:
                points.setdefault(arm, []).append((judged.strength, found))
                rows.append(figures.Row(arm, found, None, judged.judge))
    caption = f"Accuracy of the judge on {data}, by protocol."
    if len(all_judged) == 1:
        return figures.forest(name, caption, rows)
    return figures.curve(
        name, f"Accuracy of the judge on {data} against its strength, by protocol.", points,
        xlabel="strength of the judge: how often it is right with the passage",
        ylabel="accuracy of the judge",
    )  # fmt: skip
