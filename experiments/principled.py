"""What experiments with principles share: the policy, its stages as rows, and how they compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oversight.alignment.feedback import task_of
from oversight.alignment.policies.naming import LANGUAGE_MODELS, rate_of
from oversight.alignment.policy import Policy
from oversight.core import OversightError
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.principles.able import Able, standing
from oversight.principles.constitution import constitution_of
from oversight.principles.schooling import Schooling
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Figure, Job, cell


class Size(NamedTuple):
    """How much is trained."""

    seeds: int
    steps: int
    labels: int
    """Answers that are drafted, and as many that are judged."""
    schooling: Schooling
    policy: str = "small"
    """Or a language model's spec."""
    batch: int = 64
    """Rows a step after the schooling."""
    world: str = ""
    """Another than the job's."""

    @property
    def rate(self) -> float:
        """Adam's learning rate after the schooling."""
        return rate_of(self.policy)

    @property
    def settings(self) -> dict[str, Any]:
        """What a row depends on."""
        return {**self._asdict(), "schooling": asdict(self.schooling)}


SIZES: Mapping[str, Size] = {
    "quick": Size(4, 100, 1024, Schooling(steps=400)),
    "full": Size(10, 300, 2048, Schooling()),
    "paper": Size(10, 1000, 4096, Schooling(steps=3000)),
}
SPOKEN = Size(
    2, 10, 64, Schooling(steps=60, batch=8), batch=8,
    world="preferences:topics=2,manners=1,longest=2",
)  # fmt: skip
"""What a language model is given, at every scale: it proves the path, in a world of two prompts."""
BEFORE = "before"
WORDS = {
    "violations": "principles broken by an answer", "gold": "gold reward", "helpful": "help",
    "length": "length, share", "kl": "KL from before, nats",
}  # fmt: skip


def size_of(job: Job) -> Size:
    """What a job asks for; with an agent named, that language model is the policy.

    Errors: OversightError for a judge, who would have nothing to decide.
    """
    if job.judges:
        raise OversightError("nobody judges here but the policy itself; leave --judge out")
    if job.agent is None:
        return SIZES[job.scale]
    usual = LANGUAGE_MODELS.get(job.agent.partition(":")[0])
    if usual is None:
        known = ", ".join(LANGUAGE_MODELS)
        raise OversightError(f"--agent {job.agent} cannot be trained here; name one of {known}")
    schooling = replace(SPOKEN.schooling, rate=usual.tuning_rate)
    return SPOKEN._replace(policy=job.agent, schooling=schooling)


def able_task(job: Job, size: Size) -> Able:
    """The world's task with words for principles."""
    base: Any = task_of(build("worlds", size.world or job.data))
    return Able(base, constitution_of("", base))


def stood(stage: str, policy: Policy, task: Able, base: Policy) -> dict[str, Any]:
    """Where a policy stands, as columns of its stage."""
    return {f"{stage}: {name}": value for name, value in
            standing(policy, task, base)._asdict().items()}  # fmt: skip


def over(table: pd.DataFrame, column: str) -> Interval:
    """The mean over seeds."""
    return few_runs_interval(table[column].to_numpy(float))


def gap(table: pd.DataFrame, one: str, other: str) -> Interval:
    """The difference of two columns, paired by seed."""
    return few_runs_interval(table[one].to_numpy(float) - table[other].to_numpy(float))


def stage_cells(table: pd.DataFrame, stages: Sequence[str]) -> Iterator[Cell]:
    """Every metric of every stage."""
    for stage in stages:
        for metric, told in WORDS.items():
            yield cell({"policy": stage}, told, over(table, f"{stage}: {metric}"))


def by_principle(
    name: str, caption: str, table: pd.DataFrame, task: Able, stages: Sequence[str]
) -> Figure:
    """How often each principle is broken, by stage."""
    each = {stage: np.stack(list(table[f"{stage}: by_principle"])) for stage in stages}
    rows = [figures.Row(stage, few_runs_interval(each[stage][:, place]), group=one.name)
            for place, one in enumerate(task.constitution) for stage in stages]  # fmt: skip
    return figures.forest(name, caption, rows, xlabel="answers that break it", dense=True)
