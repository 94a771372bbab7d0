"""Constitutional AI: what self-revision and self-preference by principles make of a policy.

Bai et al. 2022, arXiv:2212.08073. A small transformer that can criticise and revise drafts by
sixteen principles; every principle is checked exactly. Fine-tuned on its own revisions it is
SL-CAI; climbing a preference model of its own judgements by principle, and of people's preferences,
it is RL-CAI. Beside them: people's preferences alone, and revisions without critiques.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pandas as pd

from experiments.principled import (
    BEFORE,
    able_task,
    by_principle,
    gap,
    over,
    size_of,
    stage_cells,
    stood,
)
from oversight.alignment.annotators import Annotators
from oversight.alignment.lab import Lab
from oversight.claims import signed
from oversight.computed import computed
from oversight.principles.able import Able
from oversight.principles.constitutional import Recipe, Revised, constitutional, revisions
from oversight.principles.schooling import able_policy
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.threads import one_thread

ROUNDS = (0, 1, 2, 4)
"""Revisions of a draft that are looked at, 0 being the draft; the last is what is trained on."""
SL, RL, PEOPLE = "SL-CAI", "RL-CAI", "people's preferences alone"
STAGES = (BEFORE, SL, RL, PEOPLE)
NEAR = 0.1
"""Help that may be lost for it to count as kept."""


def run(job: Job) -> Findings:
    """School the policy, and let it align itself, a seed a row."""
    size = size_of(job)
    task = able_task(job, size)
    policy = able_policy(task, size.policy, size.schooling)
    recipe = Recipe(labels=size.labels)

    @one_thread()
    def row(number: int) -> dict[str, Any]:
        people = Annotators(task)
        lab = Lab(task, people, policy, size.steps, size.batch, 4096, job.seed + number)
        own = constitutional(lab, recipe, rate=size.rate)
        without = replace(recipe, revisions=0, preferred=1.0)
        alone = constitutional(lab, without, rate=size.rate)
        direct = revisions(lab, replace(recipe, critiques=False))
        found = {f"revised {n}": broken_in(task, own.revised, n) for n in ROUNDS}
        found["direct"] = broken_in(task, direct, recipe.revisions)
        policies = (policy, own.supervised, own.reinforced, alone.reinforced)
        for name, one in zip(STAGES, policies, strict=True):
            found |= stood(name, one, task, policy)
        return found

    table = computed(
        job.out / "seeds", {"world": job.data, "seed": job.seed, **size.settings}, row, size.seeds,
        processes=job.processes, progress=job.progress,
    )  # fmt: skip
    return Findings(list(_cells(table)), list(_claims(table)), list(_drawn(table, task)), (), NOTES)


def broken_in(task: Able, revised: Revised, number: int) -> float:
    """Principles that an answer breaks after so many revisions."""
    broken = task.broken(revised.prompts, revised.trail[number])
    return float(broken.float().sum(dim=1).mean())


def _cells(table: pd.DataFrame) -> Iterator[Cell]:
    told = "principles broken by an answer"
    for rounds in ROUNDS:
        yield cell({"revisions": rounds}, told, over(table, f"revised {rounds}"))
    yield cell({"revisions": "4, without critiques"}, told, over(table, "direct"))
    yield from stage_cells(table, STAGES)


def _claims(table: pd.DataFrame) -> Iterator[Claim]:
    for few, more in pairwise(ROUNDS):
        fall = gap(table, f"revised {more}", f"revised {few}")
        yield Claim(f"fewer principles are broken after revision {more} than after {few}",
                    fall.high < 0, signed(fall, 3))  # fmt: skip
    apart = gap(table, "revised 4", "direct")
    yield Claim("revisions after critiques break fewer than revisions without", apart.high < 0,
                signed(apart, 3))  # fmt: skip
    for one, other in ((SL, BEFORE), (RL, SL), (RL, PEOPLE)):
        fall = gap(table, f"{one}: violations", f"{other}: violations")
        yield Claim(f"{one} breaks fewer principles than {other}", fall.high < 0, signed(fall, 3))
    for stage in (SL, RL):
        kept = gap(table, f"{stage}: helpful", f"{BEFORE}: helpful")
        yield Claim(f"{stage} helps no less than before, within {NEAR:g}", kept.low > -NEAR,
                    signed(kept, 3))  # fmt: skip


def _drawn(table: pd.DataFrame, task: Able) -> Iterator[Figure]:
    yield figures.curve(
        "bai2022_constitution-revisions", "Principles that an answer breaks, after revisions by a "
        "principle drawn for each.",
        {"after critiques": [(n, over(table, f"revised {n}")) for n in ROUNDS]},
        xlabel="revisions", ylabel="principles broken", percent=False,
        references={"4 without critiques": float(table["direct"].mean())},
    )  # fmt: skip
    groups = {"violations": "principles broken", "gold": "gold reward", "helpful": "help"}
    yield figures.forest(
        "bai2022_constitution-stages", "Principles that a plain answer breaks, and what it is "
        "worth, by stage.",
        [figures.Row(stage, over(table, f"{stage}: {metric}"), group=told)
         for metric, told in groups.items() for stage in STAGES],
        xlabel="principles, or gold units", percent=False,
    )  # fmt: skip
    yield by_principle(
        "bai2022_constitution-principles", "How often each principle is broken: before, and by "
        "RL-CAI.", table, task, (BEFORE, RL),
    )  # fmt: skip


NOTES = (
    "The paper's policy is a language model and its principles are sentences that it reads; here "
    "principles are rules on words that are checked exactly, and the policy was schooled to "
    "criticise and revise by their names, with one critique in twenty wrong.",
    "People prefer by all that they see: help, flattery and insults. The paper's are asked for "
    "helpfulness.",
    "Principles look at what everybody sees. Hidden dishonesty breaks none, so gold reward can "
    "fall while violations do.",
    "On one topic of the usual world no word helps, so there silence helps most, and principles "
    "that ask for something to be said are at odds with those that ask for help.",
    "Intervals are over seeds, which draw prompts, revisions and batches: 95 %, Student's t. "
    "One policy before alignment serves every seed, so its row has no spread.",
    "With --agent a language model is the policy, fine-tuned for a moment in a world of two "
    "prompts.",
)

EXPERIMENT = Experiment(
    name="bai2022_constitution",
    paper="Bai et al. 2022, arXiv:2212.08073",
    about="Constitutional AI: violations and worth after each stage, by principles checked exactly",
    data=("preferences",),
    run=run,
    castable=True,
)
