"""Where methods work: one task, one overseer, one reference, one budget, all luck by name.

What methods share is here: sampling, asking the overseer, drawing batches. Every method spends the
same budget of judged answers, whatever the shape of its signal.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.luck import luck
from oversight.alignment.overseer import Overseer
from oversight.alignment.policy import Policy
from oversight.alignment.signals import (
    Attributed,
    Critiqued,
    Demonstrations,
    Lists,
    Preferences,
    Rows,
    Scored,
    Unpaired,
    take,
)
from oversight.alignment.task import Task
from oversight.core import OversightError

PART = 512
"""Rows that a policy reads at a time."""


class Fresh(NamedTuple):
    """A policy's own answers, as likely as they are to it and to the reference."""

    prompts: Int[Tensor, "batch"]
    answers: Int[Tensor, "batch length"]
    told: Float[Tensor, "batch"]
    """log π, with its gradient."""
    start: Float[Tensor, "batch"]
    """log π_ref."""


@dataclass(frozen=True)
class Lab:
    """What a method is given.

    Attributes:
        task: prompts and answers.
        overseer: who gives feedback.
        reference: π_ref, which does not learn; policies begin as copies of it.
        steps: of the training.
        batch: rows a step.
        labels: answers that the overseer may judge in all: a pair is two of them, a list of K is K.
        seed: of every draw.
    """

    task: Task
    overseer: Overseer
    reference: Policy
    steps: int = 300
    batch: int = 64
    labels: int = 4096
    seed: int = 0

    def policy(self) -> Policy:
        """A policy to train, beginning as the reference."""
        return copy.deepcopy(self.reference).requires_grad_(True).train()

    def draw(self, *name: object) -> torch.Generator:
        """The luck of a name."""
        return luck(self.seed, "align", *name)

    def prompts(self, rows: int, draw: torch.Generator) -> Int[Tensor, "rows"]:
        """Prompts, each as likely."""
        return torch.randint(len(self.task.prompts), (rows,), generator=draw)

    def answers(
        self, policy: Policy, prompts: Int[Tensor, "rows"], draw: torch.Generator, items: int = 1
    ) -> Int[Tensor, "rows items length"]:
        """`items` answers of a policy to each prompt."""
        contexts = self.task.contexts(prompts.repeat_interleave(items))
        return policy.sample(contexts, draw).view(len(prompts), items, -1)

    def log_probs(
        self, policy: Policy, prompts: Int[Tensor, "rows"], answers: Int[Tensor, "rows length"]
    ) -> Float[Tensor, "rows"]:
        """log π of answers to prompts."""
        return policy.log_probs(self.task.contexts(prompts), answers)

    def fixed_log_probs(
        self, policy: Policy, prompts: Int[Tensor, "rows"], answers: Int[Tensor, "rows length"]
    ) -> Float[Tensor, "rows"]:
        """The same without a gradient, in parts; of data under the reference, computed once."""
        with torch.no_grad():
            parts = zip(prompts.split(PART), answers.split(PART), strict=True)
            return torch.cat([self.log_probs(policy, *part) for part in parts])

    @cached_property
    def proxy_table(self) -> Float[Tensor, "prompts answers"]:
        """What the overseer makes of every answer to every prompt, in expectation."""
        return self.task.tabulated(self.overseer.esteem)

    def fresh(self, policy: Policy, draw: torch.Generator) -> Fresh:
        """A batch of a policy's own answers, an answer to a prompt."""
        prompts = self.prompts(self.batch, draw)
        answers = self.answers(policy, prompts, draw)[:, 0]
        told = self.log_probs(policy, prompts, answers)
        return Fresh(prompts, answers, told, self.fixed_log_probs(self.reference, prompts, answers))

    def batch_of(self, data: Rows, step: int) -> Rows:
        """The rows of a step: every row once before any comes again, in an order of its own."""
        size = len(data[0])
        rows = min(self.batch, size)
        each = size // rows  # batches in a pass; what is left over waits for another
        order = torch.randperm(size, generator=self.draw("pass", step // each))
        start = step % each * rows
        return take(data, order[start : start + rows])

    def phase(self, step: int, phases: int) -> int | None:
        """Which of so many equal phases of the training a step begins; None if it begins none."""
        each = -(-self.steps // phases)
        return step // each if step % each == 0 else None

    def demonstrations(self, *, named: str = "") -> Demonstrations:
        """Answers of the task's own demonstrators, whose quality varies as the task says."""
        draw = self.draw("demonstrations", named)
        prompts = self.prompts(self.labels, draw)
        return Demonstrations(prompts, self.task.demonstrate(prompts, draw))

    def preferences(
        self, policy: Policy | None = None, *, share: float = 1, named: object = ""
    ) -> Preferences:
        """Pairs of a policy's answers, the reference's by default, that the overseer chose among.

        `share` is the part of the budget that is spent.
        """
        draw = self.draw("preferences", named)
        prompts = self.prompts(self.rows(share, 2), draw)
        pair = self.answers(policy or self.reference, prompts, draw, 2)
        first = self.overseer.prefers(prompts, pair[:, 0], pair[:, 1], draw)[:, None]
        chosen = torch.where(first, pair[:, 0], pair[:, 1])
        return Preferences(prompts, chosen, torch.where(first, pair[:, 1], pair[:, 0]))

    def lists(
        self, items: int, policy: Policy | None = None, *, share: float = 1, named: object = ""
    ) -> Lists:
        """Several answers of a policy to each prompt, as the overseer put them."""
        draw = self.draw("lists", named)
        prompts = self.prompts(self.rows(share, items), draw)
        answers = self.answers(policy or self.reference, prompts, draw, items)
        scores = self.overseer.rank(prompts, answers, draw)
        scores, order = scores.sort(dim=1, descending=True, stable=True)
        return Lists(prompts, answers.take_along_dim(order[..., None], dim=1), scores)

    def scored(
        self, policy: Policy | None = None, *, share: float = 1, named: object = ""
    ) -> Scored:
        """Answers of a policy with the overseer's number for each."""
        draw = self.draw("scored", named)
        prompts = self.prompts(self.rows(share, 1), draw)
        answers = self.answers(policy or self.reference, prompts, draw)[:, 0]
        return Scored(prompts, answers, self.overseer.score(prompts, answers, draw))

    def unpaired(self, *, share: float = 1, named: object = "") -> Unpaired:
        """Answers of the reference, desirable where the number is above the prompt's median."""
        scored = self.scored(share=share, named=named)
        desirable = scored.rewards > self.usual(scored)[scored.prompts]
        return Unpaired(scored.prompts, scored.answers, desirable)

    def usual(self, scored: Scored) -> Float[Tensor, "prompts"]:
        """The median of what answers to each prompt were given; over all, where it has none."""
        found = scored.rewards.median().repeat(len(self.task.prompts))
        for prompt in scored.prompts.unique():
            found[prompt] = scored.rewards[scored.prompts == prompt].median()
        return found

    def critiqued(self, items: int, *, share: float = 1, named: object = "") -> Critiqued:
        """Answers of the reference, what is said against each, and `items` refinements."""
        draw = self.draw("critiqued", named)
        prompts = self.prompts(self.rows(share, 1), draw)
        answers = self.answers(self.reference, prompts, draw)[:, 0]
        said = self.overseer.critique(prompts, answers, items, draw)
        return Critiqued(prompts, answers, said.faults, said.refined)

    def attributed(self, *, share: float = 1, named: object = "") -> Attributed:
        """Answers of the reference and what the overseer sees of them."""
        draw = self.draw("attributed", named)
        prompts = self.prompts(self.rows(share, 1), draw)
        answers = self.answers(self.reference, prompts, draw)[:, 0]
        return Attributed(prompts, answers, self.overseer.label(prompts, answers, draw))

    def rows(self, share: float, cost: int) -> int:
        """Rows that a share of the budget pays for, at so many answers each."""
        rows = int(self.labels * share) // cost
        if rows < 1:
            raise OversightError(
                f"{self.labels} labels do not pay for one row of {cost} answers; raise --labels"
            )
        return rows
