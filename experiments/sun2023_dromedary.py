"""Dromedary: a policy that aligns itself by sixteen principles, without preferences or RL.

Sun et al. 2023, arXiv:2305.03047. From a few seed prompts a small transformer writes the others,
answers them with the principles and five exemplars before it, is fine-tuned on those answers
without them, and then clones its own answers at length. Violations are counted exactly at each
stage. Beside it: the same fine-tuning on answers that were written without any principles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from experiments.principled import (
    BEFORE,
    WORDS,
    able_task,
    by_principle,
    gap,
    over,
    size_of,
    stage_cells,
    stood,
)
from oversight.alignment.aligning import align
from oversight.alignment.annotators import Annotators
from oversight.alignment.lab import Lab
from oversight.alignment.signals import Demonstrations
from oversight.claims import signed
from oversight.computed import computed
from oversight.principles.able import Able
from oversight.principles.given import Given
from oversight.principles.schooling import able_policy
from oversight.principles.self_align import Recipe, self_align
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.threads import one_thread
from oversight.training.descent import Pace

GUIDED, ENGRAVED, CLONED = "principles in the context", "engraved", "cloned"
PLAIN = "fine-tuned on its own answers"
STAGES = (BEFORE, ENGRAVED, CLONED, PLAIN)
NEAR = 0.5
"""Principles by which engraving may fall short of what it engraves."""


def run(job: Job) -> Findings:
    """School the policy, and let it align itself, a seed a row."""
    size = size_of(job)
    task = able_task(job, size)
    policy = able_policy(task, size.policy, size.schooling)

    @one_thread()
    def row(number: int) -> dict[str, Any]:
        lab = Lab(task, Annotators(task), policy, size.steps, size.batch, seed=job.seed + number)
        stages = self_align(lab, Recipe(labels=size.labels), rate=size.rate)
        contexts = task.contexts(stages.asked)
        own = task.plain(policy.sample(contexts, lab.draw("own answers")))
        data = Given(Demonstrations(stages.asked, own), "own answers")
        plain = align(data, lab, pace=Pace(size.steps, size.rate, every=size.steps)).policy
        broken = task.broken(stages.asked, stages.guided).float().sum(dim=1)
        found: dict[str, Any] = {
            "prompts": len(stages.prompts), "prompts there are": len(task.prompts),
            f"{GUIDED}: violations": float(broken.mean()),
        }  # fmt: skip
        policies = (policy, stages.engraved, stages.cloned, plain)
        for name, one in zip(STAGES, policies, strict=True):
            found |= stood(name, one, task, policy)
        return found

    table = computed(
        job.out / "seeds", {"world": job.data, "seed": job.seed, **size.settings}, row, size.seeds,
        processes=job.processes, progress=job.progress,
    )  # fmt: skip
    return Findings(list(_cells(table)), list(_claims(table)), list(_drawn(table, task)), (), NOTES)


def _cells(table: pd.DataFrame) -> Iterator[Cell]:
    yield cell({"stage": "self-instruct"}, "prompts", over(table, "prompts"))
    guided = over(table, f"{GUIDED}: violations")
    yield cell({"policy": GUIDED}, WORDS["violations"], guided)
    yield from stage_cells(table, STAGES)


def _claims(table: pd.DataFrame) -> Iterator[Claim]:
    reached = table["prompts"] / table["prompts there are"]
    yield Claim("self-instruct reaches every prompt from the seeds", bool((reached == 1).all()),
                f"{reached.mean():.0%} of them")  # fmt: skip
    for one, other in ((GUIDED, BEFORE), (ENGRAVED, BEFORE), (ENGRAVED, PLAIN)):
        fall = gap(table, f"{one}: violations", f"{other}: violations")
        yield Claim(f"{one}: fewer principles are broken than {other}", fall.high < 0,
                    signed(fall, 3))  # fmt: skip
    short = gap(table, f"{ENGRAVED}: violations", f"{GUIDED}: violations")
    yield Claim(f"engraving keeps the principles, within {NEAR:g}, without the context",
                short.high < NEAR, signed(short, 3))  # fmt: skip
    longer = gap(table, f"{CLONED}: length", f"{ENGRAVED}: length")
    yield Claim("verbose cloning makes answers longer", longer.low > 0, signed(longer, 3))
    worse = gap(table, f"{CLONED}: violations", f"{ENGRAVED}: violations")
    yield Claim("verbose cloning breaks no more principles", worse.low <= 0, signed(worse, 3))


def _drawn(table: pd.DataFrame, task: Able) -> Iterator[Figure]:
    order = (BEFORE, GUIDED, ENGRAVED, CLONED, PLAIN)
    rows = [figures.Row(stage, over(table, f"{stage}: violations"), group="principles broken")
            for stage in order]  # fmt: skip
    for metric, told in (("gold", "gold reward"), ("length", "length, share")):
        rows += [figures.Row(stage, over(table, f"{stage}: {metric}"), group=told)
                 for stage in STAGES]  # fmt: skip
    yield figures.forest(
        "sun2023_dromedary-stages", "Principles that a plain answer breaks, what it is worth and "
        "how long it is, by stage.", rows, xlabel="principles, gold units, or share", percent=False,
    )  # fmt: skip
    yield by_principle(
        "sun2023_dromedary-principles", "How often each principle is broken: before, and engraved.",
        table, task, (BEFORE, ENGRAVED),
    )  # fmt: skip


NOTES = (
    "The paper's policy is LLaMA-65b, its principles sentences and its exemplars dialogues; here "
    "principles are rules on words that are checked exactly, a prompt is a topic and a manner, and "
    "the policy was schooled to heed principles and exemplars in its context.",
    "Among the principles are that answers be brief and complete, so that length can break one.",
    "Intervals are over seeds, which draw seed prompts, answers and batches: 95 %, Student's t. "
    "One policy before alignment serves every seed, so its row has no spread.",
    "With --agent a language model is the policy, fine-tuned for a moment in a world of two "
    "prompts.",
)

EXPERIMENT = Experiment(
    name="sun2023_dromedary",
    paper="Sun et al. 2023, arXiv:2305.03047",
    about="Dromedary: self-alignment by principles, with violations counted after each stage",
    data=("preferences",),
    run=run,
    castable=True,
)
