"""Debating with more persuasive LLMs leads to more truthful answers (Khan et al. 2024, 2402.06782).

The paper's protocols on hidden passages, by judge strength: the judge alone, with the passage,
consultancy and debate in their forms. The simulated slopes by debater skill are `khan2024_sim`.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.judged import (
    ALONE,
    ASSIGNED,
    DEBATE,
    WITH,
    WORLDS,
    Judged,
    reported,
)
from oversight.bench import accuracy
from oversight.claims import beats
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

SOURCE = "Khan et al. 2024, arXiv:2402.06782"
PUBLISHED = {
    (DEBATE, "model judges"): (0.76, SOURCE),
    (ALONE, "model judges"): (0.48, SOURCE),
    (DEBATE, "human judges"): (0.88, SOURCE),
    (ALONE, "human judges"): (0.60, SOURCE),
    (ASSIGNED, "model judges"): (0.54, f"{SOURCE}, quoted by a secondary source"),
    (ASSIGNED, "human judges"): (0.78, f"{SOURCE}, quoted by a secondary source"),
}


def run(job: Job) -> Findings:
    """Play every protocol under every judge."""
    return reported("khan2024", job, _beside, _claims, NOTES)


def _beside(judged: Judged) -> Iterator[Cell]:
    for (arm, whose), (value, source) in PUBLISHED.items():
        ours = accuracy(judged.frames[arm])
        if ours is not None:
            setting = {"judge": judged.judge, "arm": arm, "published for": whose}
            yield cell(setting, "accuracy", ours, value, source)


def _claims(judged: Judged) -> Iterator[Claim]:
    frames, name = judged.frames, judged.judge
    if all(accuracy(frames[arm]) is not None for arm in (DEBATE, ALONE, ASSIGNED, WITH)):
        yield beats(f"{name}: debate beats the judge alone", frames[DEBATE], frames[ALONE])
        yield beats(f"{name}: debate beats consultancy", frames[DEBATE], frames[ASSIGNED])
        yield beats(f"{name}: the judge with the passage beats the judge alone", frames[WITH],
                    frames[ALONE])  # fmt: skip


NOTES = (
    "The published numbers are of language models and people on QuALITY; beside another cast and "
    "other passages they are there for the order, not for the values.",
    "Without --agent and --judge no language model takes part: debaters search for the sentence to "
    "quote, and the judge is a small net trained on generated passages, weakened by dials.",
    "A small model near chance proves that the path works, not the science.",
    "Generated passages have two answers, as in the paper, so that naming sides tells a judge "
    "nothing; data sets keep as many as they have, and the sides named then do tell.",
    "Departures: an argument as a whole is bounded, not its quotes.",
)

EXPERIMENT = Experiment(
    name="khan2024",
    paper="Khan et al. 2024, Debating with More Persuasive LLMs Leads to More Truthful Answers, "
    "arXiv:2402.06782",
    about="Hidden passages: the judge alone, consultancy and debate in their forms, by judge",
    data=tuple(WORLDS),
    run=run,
    castable=True,
)
