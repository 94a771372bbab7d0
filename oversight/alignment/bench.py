"""Names made into a lab: a world, a policy, whose feedback, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from oversight.alignment.feedback import overseer_of, task_of
from oversight.alignment.lab import Lab
from oversight.alignment.method import Method
from oversight.alignment.overseer import Overseer
from oversight.alignment.policies.naming import rate_of, reference_for
from oversight.alignment.task import Task
from oversight.registry import build
from oversight.world import World


@dataclass(frozen=True)
class Bench:
    """What methods are compared on.

    Attributes:
        world: a world's spec: one that policies can be aligned in, or any that asks questions.
        policy: "exact", "small" or a language model's spec.
        feedback: "annotators", "judge" or a protocol's spec, each with options.
        steps, batch, labels: see `Lab`.
    """

    world: str = "preferences"
    policy: str = "exact"
    feedback: str = "annotators"
    steps: int = 300
    batch: int = 64
    labels: int = 4096

    @cached_property
    def place(self) -> World:
        """The world."""
        return build("worlds", self.world)

    @cached_property
    def task(self) -> Task:
        """Its prompts and answers."""
        return task_of(self.place)

    @cached_property
    def overseer(self) -> Overseer:
        """Who judges."""
        return overseer_of(self.task, self.place, self.feedback)

    @property
    def rate(self) -> float:
        """The learning rate that suits the policy."""
        return rate_of(self.policy)

    def method(self, spec: str) -> Method:
        """A method by its spec; OversightError for one that is not known."""
        return build("methods", spec)

    def placed(self, spec: str, seed: int) -> tuple[Method, Lab]:
        """A method by its spec, and where it works."""
        method = self.method(spec)
        return method, self.lab(method, seed)

    def lab(self, method: Method, seed: int) -> Lab:
        """Where a method works."""
        reference = reference_for(self.task, self.policy, method.controls, seed=0)
        return Lab(self.task, self.overseer, reference, self.steps, self.batch, self.labels, seed)
