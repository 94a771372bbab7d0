"""On scalable oversight with weak LLMs judging strong LLMs (Kenton et al. 2024, arXiv:2407.04622).

The paper's comparison, simulated: a weak judge answers alone, with the expert's material, after a
consultancy, and after a debate, assigned and open. Its claims are orders between protocols, so they
are tested by signs, case by case, on `circuits` (for a judge calibrated to each protocol and for a
credulous one) and on `digits`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from oversight.bench import Bench, accuracy
from oversight.claims import beats
from oversight.metrics.intervals import Interval, mean_interval
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

ALONE, WITH, DEBATE, OPEN_DEBATE = "QA alone", "QA with material", "debate", "open debate"
CONSULTANCY, OPEN_CONSULTANCY = "consultancy", "open consultancy"
PICKS = {"extractive": 0.88, "closed": 0.84, "multimodal": 0.71}
SOURCE = "Kenton et al. 2024, arXiv:2407.04622"

Arms = Mapping[str, tuple[str, Mapping[str, Any]]]
BUDGET = {"circuits": 8, "digits": 6}


class Setting(NamedTuple):
    """A world's spec and a judge's."""

    name: str
    world: str
    judge: str | None


SETTINGS: Mapping[str, tuple[Setting, ...]] = {
    "circuits": (
        Setting("circuits, calibrated judge", "circuits", "tabulated"),
        Setting("circuits, credulous judge", "circuits",
                "bayesian:credulity=0.3,selection_aware=false"),
    ),
    "digits": (Setting("digits, sparse judge", "digits:rollouts=100", None),),
}  # fmt: skip
EPISODES = {
    "circuits": {"quick": 600, "full": 4000, "paper": 10_000},
    "digits": {"quick": 200, "full": 597, "paper": 597},
}


def arms(world: str) -> Arms:
    """What is played, at the world's budget."""
    budget = BUDGET[world]
    asked: dict[str, Any] = {"questions": True} if world == "circuits" else {}
    return {
        ALONE: ("naive", {"evidence": budget}),
        WITH: ("expert", {}),
        CONSULTANCY: ("consultancy", {"rounds": budget, **asked}),
        OPEN_CONSULTANCY: ("consultancy", {"rounds": budget, "form": "open", **asked}),
        DEBATE: ("debate", {"rounds": budget // 2}),
        OPEN_DEBATE: ("debate", {"rounds": budget // 2, "sides": "open"}),
    }


def run(job: Job) -> Findings:
    """Play every arm in every setting of the chosen world."""
    cells: list[Cell] = []
    claims: list[Claim] = []
    rows: list[figures.Row] = []
    for setting in SETTINGS[job.data]:
        label = setting.name.replace(", ", "-").replace(" ", "-")
        bench = Bench.of(
            job, label, build("worlds", setting.world), EPISODES[job.data][job.scale],
            judge=setting.judge,
        )  # fmt: skip
        frames = {
            name: bench.run(name.replace(" ", "-"), protocol, **parameters)
            for name, (protocol, parameters) in arms(job.data).items()
        }
        for name, frame in frames.items():
            found = accuracy(frame)
            if found is not None:
                cells.append(cell({"setting": setting.name, "arm": name}, "accuracy", found))
                rows.append(figures.Row(name, found, None, setting.name))
        cells += _picks(setting.name, frames[OPEN_CONSULTANCY])
        claims += _claims(setting.name, frames)
    drawn = figures.forest(
        "kenton2024_sim",
        f"Accuracy of the judge by protocol on {job.data}, all at the same budget.", rows,
    )  # fmt: skip
    return Findings(cells, claims, [drawn], (), (*NOTES, *ABOUT[job.data]))


def _picks(setting: str, frame: pd.DataFrame) -> Iterator[Cell]:
    """How often a consultant that is free to choose its side chooses the right one."""
    played = frame[frame["failure"].isna()]
    right = [
        float(next(iter(json.loads(sides).values())) == truth)
        for sides, truth in zip(played["sides"], played["truth"], strict=True)
    ]
    found: Interval = mean_interval(right, played["case"].to_numpy(str))
    metric = "picks the right side"
    yield cell({"setting": setting, "arm": OPEN_CONSULTANCY}, metric, found)
    for task, share in PICKS.items():
        setting_ = {"setting": setting, "arm": OPEN_CONSULTANCY, "published for": task}
        yield cell(setting_, metric, found, share, SOURCE)


def _claims(setting: str, frames: Mapping[str, pd.DataFrame]) -> Iterator[Claim]:
    order = (
        ("debate beats consultancy", DEBATE, CONSULTANCY),
        ("debate beats the judge alone", DEBATE, ALONE),
        ("with the expert's material the judge beats debate", WITH, DEBATE),
        ("with the expert's material the judge beats open consultancy", WITH, OPEN_CONSULTANCY),
    )
    for text, a, b in order:
        yield beats(f"{setting}: {text}", frames[a], frames[b])


NOTES = (
    "Simulated: experts, consultants and judges of the world stand for language models, so only "
    "the orders between protocols are comparable. Accuracies by task are not reprinted.",
    "Sign tests are one-sided, over the cases on which the two arms differ, at the 5 % level; no "
    "correction is made for their number.",
)
ABOUT: Mapping[str, tuple[str, ...]] = {
    "circuits": (
        "The paper's judge is one model. Here two judges are shown, because a judge that knows how "
        "often each protocol misleads it cannot be hurt by a consultant, and a credulous one can.",
        "The consultant is asked for random steps.",
    ),
    "digits": (
        "The judge reads six pixels, which its net was trained on; the consultant picks them, and "
        "so do debaters, three each, by a search of 100 rollouts a move.",
        "QA with material is the expert's own answer, believed outright; a consultant free to pick "
        "its side claims the same answer.",
    ),
}

EXPERIMENT = Experiment(
    name="kenton2024_sim",
    paper="Kenton et al. 2024, On scalable oversight with weak LLMs judging strong LLMs, "
    "arXiv:2407.04622",
    about="Debate, consultancy and the judge alone, assigned and open, by sign tests",
    data=("circuits", "digits"),
    run=run,
)
