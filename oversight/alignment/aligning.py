"""A method carried out: data gathered, policy trained, metrics kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor, nn

from oversight.alignment.lab import Lab
from oversight.alignment.measures import measured
from oversight.alignment.method import Method, State
from oversight.alignment.policy import Policy
from oversight.core import OversightError
from oversight.threads import one_thread
from oversight.training.descent import Descent, Metrics, Pace, descend


class Aligned(NamedTuple):
    """A method that has been carried out."""

    policy: Policy
    """What would be deployed."""
    descent: Descent
    """What was measured on the way, at each evaluation."""


Measure: TypeAlias = Callable[[Policy], Metrics]
"""What is measured of a policy."""


class _Training:
    """A method in a lab, as the loop sees it."""

    def __init__(self, method: Method, lab: Lab) -> None:
        self.method, self.lab = method, lab

    @cached_property
    def memory(self) -> State[Any]:
        """The method's state; gathered when first asked for, or put in from a checkpoint."""
        return self.method.begin(self.lab)

    @property
    def learner(self) -> nn.Module:
        """What the optimiser moves."""
        return self.memory.learner

    @property
    def identity(self) -> Mapping[str, Any]:
        """What makes two trainings the same."""
        lab = self.lab
        return {
            "method": type(self.method).__name__, **self.method.settings,
            "task": lab.task.name, "task settings": dict(lab.task.settings),
            "overseer": lab.overseer.name, "policy": lab.reference.size,
            "batch": lab.batch, "labels": lab.labels, "seed": lab.seed,
        }  # fmt: skip

    def loss(self, step: int) -> Tensor:
        """The method's."""
        return self.method.loss(self.lab, self.memory, step)


def align(
    method: Method,
    lab: Lab,
    *,
    pace: Pace | None = None,
    kept: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    measure: Measure | None = None,
) -> Aligned:
    """Train a policy by a method; goes on from `kept` where that was interrupted.

    `measure`: what is measured at each evaluation, if it is not `measures.measured`.

    Errors: OversightError for a method whose signal the overseer does not give, naming both.
    """
    lacking = lab.overseer.lacking(method.needs)
    if lacking is not None:
        raise OversightError(f"{type(method).__name__} {lacking}")
    training = _Training(method, lab)

    def evaluate(step: int) -> Metrics:
        policy = method.deployed(lab, training.memory)
        return measured(policy, lab, step=step) if measure is None else measure(policy)

    with one_thread():
        descent = descend(training, pace or Pace(lab.steps), evaluate, kept=kept, progress=progress)
    return Aligned(method.deployed(lab, training.memory), descent)
