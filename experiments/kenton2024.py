"""On scalable oversight with weak LLMs judging strong LLMs (Kenton et al. 2024, arXiv:2407.04622).

The paper's protocols with language models, or offline with the text judge; its findings are claims,
reported as holding or not. The same comparison with simulated parties is `kenton2024_sim`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from experiments.judged import (
    ALONE,
    ASSIGNED,
    DEBATE,
    OPEN,
    OPEN_DEBATE,
    WITH,
    WORLDS,
    Judged,
    reported,
)
from oversight.bench import accuracy
from oversight.claims import beats
from oversight.metrics.intervals import mean_interval
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

SOURCE = "Kenton et al. 2024, arXiv:2407.04622"
PICKS = {"extractive": 0.88, "closed": 0.84, "multimodal": 0.71}
"""How often an agent that is free to choose its side picks the right one."""
ORDERS = (
    ("debate beats consultancy", DEBATE, ASSIGNED),
    ("debate beats the judge alone", DEBATE, ALONE),
    ("open debate beats open consultancy", OPEN_DEBATE, OPEN),
    ("with the passage the judge beats debate", WITH, DEBATE),
    ("with the passage the judge beats consultancy", WITH, ASSIGNED),
)


def run(job: Job) -> Findings:
    """Play every protocol under every judge."""
    return reported("kenton2024", job, _picks, _claims, NOTES)


def _claims(judged: Judged) -> Iterator[Claim]:
    for text, better, worse in ORDERS:
        a, b = judged.frames[better], judged.frames[worse]
        if accuracy(a) is not None and accuracy(b) is not None:
            yield beats(f"{judged.judge}: {text}", a, b)


def _picks(judged: Judged) -> Iterator[Cell]:
    """How often a consultant that is free to choose its side chooses the right one."""
    frame = judged.frames[OPEN]
    played = frame[frame["failure"].isna()]
    if played.empty:
        return
    right = [
        float(next(iter(json.loads(sides).values())) == truth)
        for sides, truth in zip(played["sides"], played["truth"], strict=True)
    ]
    found = mean_interval(right, played["case"].to_numpy(str))
    setting = {"judge": judged.judge, "arm": OPEN}
    yield cell(setting, "picks the right side", found)
    for task, share in PICKS.items():
        of_task = {**setting, "published for": task}
        yield cell(of_task, "picks the right side", found, share, SOURCE)


NOTES = (
    "Sign tests are one-sided, over the cases on which the two arms differ, at the 5 % level; no "
    "correction is made for their number.",
    "Accuracies by task are not reprinted; the published shares are of the agents' own choices.",
    "Without --agent and --judge no language model takes part: debaters search for the sentence to "
    "quote, and the judge is a small net trained on generated passages, weakened by dials.",
    "A small model near chance proves that the path works, not the science.",
)

EXPERIMENT = Experiment(
    name="kenton2024",
    paper="Kenton et al. 2024, On scalable oversight with weak LLMs judging strong LLMs, "
    "arXiv:2407.04622",
    about="Hidden passages: the paper's protocols and its findings, with any models",
    data=tuple(WORLDS),
    run=run,
    castable=True,
)
