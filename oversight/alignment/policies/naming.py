"""Policies by name: `exact`, `small[:width=…]`, or a language model's own spec.

A size is a value: how its reference is made, and the learning rate that suits it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from oversight.alignment.policies.exact import ExactPolicy
from oversight.alignment.policies.small import Small
from oversight.alignment.policy import Policy
from oversight.alignment.task import Task
from oversight.core import OversightError
from oversight.registry import build, load, options, pairs, suggest

REMEMBERED = 2
"""References that a process keeps at hand: methods on one bench share theirs."""


class Size(Protocol):
    """What a policy's name stands for."""

    @property
    def learning_rate(self) -> float:
        """Adam's, by default, for a policy of this size."""
        ...

    def reference(self, task: Task, controls: Sequence[str], seed: int) -> Policy:
        """π_ref on a task."""
        ...


@dataclass(frozen=True)
class Exact:
    """A row for each prompt and control: the task's reference itself."""

    learning_rate = 0.05

    def reference(self, task: Task, controls: Sequence[str], seed: int) -> Policy:
        """Without any luck."""
        words = task.vocabulary.with_controls(controls)
        return ExactPolicy(words, task.longest, task.prompts, task.reference(), controls)


class Usual(NamedTuple):
    """What suits a family of language models."""

    steps: int
    """Of the reference's fine-tuning."""
    tuning_rate: float
    learning_rate: float


LANGUAGE_MODELS: Mapping[str, Usual] = {
    "tiny": Usual(steps=100, tuning_rate=3e-3, learning_rate=1e-3),
    "smollm2": Usual(steps=40, tuning_rate=1e-4, learning_rate=2e-5),
    "hf": Usual(steps=40, tuning_rate=2e-5, learning_rate=1e-5),
    "gguf": Usual(steps=40, tuning_rate=2e-5, learning_rate=1e-5),
}
"""Models whose weights are here to be trained."""


@dataclass(frozen=True)
class Spoken:
    """A language model by its spec; `steps` of its reference's fine-tuning."""

    model: str
    learning_rate: float
    tuning_rate: float
    steps: int

    def reference(self, task: Task, controls: Sequence[str], seed: int) -> Policy:
        """Fine-tuned on demonstrations."""
        from oversight.alignment.policies.tuned import Tuning, tuned_reference

        tuning = Tuning(self.steps, self.tuning_rate)
        return tuned_reference(task, build("models", self.model), tuning, controls=controls,
                               seed=seed)  # fmt: skip


def reference_for(task: Task, spec: str, controls: Sequence[str] = (), seed: int = 0) -> Policy:
    """π_ref of a size on a task, frozen. The same object for the same question, asked again."""
    return _reference(task, spec, tuple(controls), seed)


@lru_cache(REMEMBERED)
def _reference(task: Task, spec: str, controls: tuple[str, ...], seed: int) -> Policy:
    return size_of(spec).reference(task, controls, seed).requires_grad_(False).eval()


def rate_of(spec: str) -> float:
    """Adam's learning rate that suits a policy, by default."""
    return size_of(spec).learning_rate


def size_of(spec: str) -> Size:
    """What a spec names; OversightError with the nearest name if there is none."""
    name, _, rest = spec.partition(":")
    if name in LANGUAGE_MODELS:
        return _spoken(name, rest)
    if name not in FROM_SCRATCH:
        known = [*FROM_SCRATCH, *LANGUAGE_MODELS]
        raise OversightError(f"unknown policy {suggest(name, known, 'policies')}")
    made = FROM_SCRATCH[name]
    return made(**options(made, name, rest))


def _spoken(name: str, rest: str) -> Spoken:
    """`steps` is the policy's own; the rest is the model's, in single precision unless it says.

    Half precision would lose most of Adam's steps: they are smaller than its digits.
    """
    accepted = inspect.signature(load("models", name)).parameters
    given = dict(pairs(rest, name, next(iter(accepted))))
    usual = LANGUAGE_MODELS[name]
    steps = options(_own, name, f"steps={given.pop('steps', usual.steps)}")["steps"]
    if "dtype" in accepted:
        given.setdefault("dtype", "float32")
    written = ",".join(f"{key}=({value})" for key, value in given.items())
    return Spoken(f"{name}:{written}", usual.learning_rate, usual.tuning_rate, steps)


def _own(steps: int) -> int:
    """The options that a policy adds to its model's."""
    return steps


FROM_SCRATCH: Mapping[str, Callable[..., Size]] = {"exact": Exact, "small": Small}
"""Sizes that are no language models."""
