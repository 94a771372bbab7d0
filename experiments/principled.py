"""What experiments with principles share: the policy, its stages as rows, and how they compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oversight.alignment.feedback import task_of
from oversight.alignment.policies.naming import rate_of
from oversight.alignment.policy import Policy
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.principles.able import Able, standing
from oversight.principles.constitution import constitution_of
from oversight.principles.schooling import Schooling
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Figure, cell


class Size(NamedTuple):
    """How much is trained."""

    seeds: int
    steps: int
    labels: int
    """Answers that are drafted, and as many that are judged."""
    schooling: Schooling
    policy: str = "small"
    """Or a language model's spec."""

    @property
    def rate(self) -> float:
        """Adam's learning rate after the schooling."""
        return rate_of(self.policy)

    @property
    def settings(self) -> dict[str, Any]:
        """What a row depends on."""
        return {"steps": self.steps, "labels": self.labels, "policy": self.policy,
                "schooling": asdict(self.schooling)}  # fmt: skip


SIZES: Mapping[str, Size] = {
    "quick": Size(4, 100, 1024, Schooling(steps=400)),
    "full": Size(10, 300, 2048, Schooling()),
    "paper": Size(10, 1000, 4096, Schooling(steps=3000)),
}
BEFORE = "before"
WORDS = {
    "violations": "principles broken by an answer", "gold": "gold reward", "helpful": "help",
    "length": "length, share", "kl": "KL from before, nats",
}  # fmt: skip


def able_task(world: str) -> Able:
    """The world's task with words for principles."""
    base: Any = task_of(build("worlds", world))
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
