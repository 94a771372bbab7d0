"""Members' minds: small policies, read and taught together, that each want something of its own.

Member i with values u_i and lessons W_i drafts an answer y to a prompt x by

    log P_i(y | x) ∝ log π(y | x) + s·Σ_k u_ik·v_k(x, y) + Σ_{w in x} W_iw·φ(y) + c·1[y recalled]

π being the mind that all share (the task's reference, or a policy that was trained), v the true
attributes, φ the words at each place of an answer, one-hot, and c how much a member keeps to what
it remembers having said. Values are given and known, so that alignment can be measured; W is
learned, from what became of the member's own answers. Having heard what is said of a draft d it
revises by

    log P_i(y | x, d) ∝ log P_i(y | x) + h·Σ_k a_k·z_k(x, y) − ρ·(r̄/4)·distance(d, y)

with the advice a (`Advice`), z the attributes in usual spreads from the usual, r̄ the mean rating of
the draft and distance the cheapest edits: what was rated well is kept, what was blamed is mended.

Derived here: all of it; in Liu et al. 2023 members are language models (here too, with `voices`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from oversight.alignment.objectives.preference import cpo
from oversight.alignment.task import Task
from oversight.alignment.usual import usual
from oversight.alignment.vocabulary import PAD, lengths
from oversight.core import OversightError

PART = 2048
"""Members whose distributions are held at a time: what a society takes grows with it by little."""
GRID = 1e-5
"""Nats to which log-odds are rounded before a draw, so that no batch's last bits tell."""
ENGAGING = ("helpful",)
"""Attributes that engage; all others that have a weight are what alignment means."""
MIDDLE = 4.0
"""Of ratings 1 … 7."""


class Traits(NamedTuple):
    """How members' minds work; one for all.

    Attributes:
        skill: s, nats that a unit of what is wanted is worth.
        recall: c, nats for what is remembered.
        heed: h, nats that a usual spread is worth, the right way, when everybody rates 1.
        reach: ρ, nats that an edit of a draft costs when it is rated 4.
        rate: of learning, a step of gradient on each member's own answers a round; 0 learns not.
    """

    skill: float = 1.0
    recall: float = 1.0
    heed: float = 4.0
    reach: float = 1.0
    rate: float = 3.0


class Worth(NamedTuple):
    """What every answer to every prompt is worth, in units of the gold reward; sealed."""

    alignment: Float[Tensor, "prompts answers"]
    engagement: Float[Tensor, "prompts answers"]

    @property
    def gold(self) -> Float[Tensor, "prompts answers"]:
        """The two together."""
        return self.alignment + self.engagement


class Advice(NamedTuple):
    """What was said of drafts, summed up for their authors."""

    push: Float[Tensor, "rows attributes"]
    """a: of each attribute, more (> 0) or less; the mean of ±(7 − rating)/6 over those who said."""
    rating: Float[Tensor, "rows"]
    """r̄; NaN where nobody rated."""


def engages(task: Task) -> Tensor:
    """(A,) which attributes engage."""
    return torch.tensor([name in ENGAGING for name in task.attributes])


@lru_cache(4)
def worth(task: Task) -> Worth:
    """The gold reward in its two parts."""
    engaging = engages(task)
    aligned = torch.where(engaging, 0.0, task.weights)
    engaged = torch.where(engaging, task.weights, 0.0)
    return Worth(task.table @ aligned, task.table @ engaged)


@lru_cache(4)
def distances(task: Task) -> Float[Tensor, "answers answers"]:
    """Cheapest edits from one answer to another: a word put in or taken out 1, replaced 2."""
    said = task.answers.clamp(min=0)
    size, longest = said.shape
    words = (said > 0).sum(dim=1)
    costs = torch.full((longest + 1, longest + 1, size, size), torch.inf)
    costs[0, 0] = 0
    for i, j in np.ndindex(longest + 1, longest + 1):
        if i:
            costs[i, j] = torch.minimum(costs[i, j], costs[i - 1, j] + 1)
        if j:
            costs[i, j] = torch.minimum(costs[i, j], costs[i, j - 1] + 1)
        if i and j:
            same = said[:, i - 1, None] == said[None, :, j - 1]
            through = costs[i - 1, j - 1] + torch.where(same, 0.0, 2.0)
            costs[i, j] = torch.minimum(costs[i, j], through)
    every = torch.arange(size)
    return costs[words[:, None], words[None], every[:, None], every[None]]


class Minds(nn.Module):
    """The policies of all members of a society over all answers of a task."""

    lessons: Float[Tensor, "members words features"]
    """W: what each has learned, for each word that may stand in a prompt."""

    def __init__(
        self, task: Task, values: Float[Tensor, "members attributes"], traits: Traits,
        shared: Float[Tensor, "prompts answers"] | None = None,
    ) -> None:  # fmt: skip
        """`shared`: log π of every answer to every prompt; the task's reference by default."""
        super().__init__()
        self.task, self.values, self.traits = task, values.float(), traits
        self.shared = (task.reference() if shared is None else shared).float()
        if self.shared.shape != (len(task.prompts), len(task.answers)):
            raise OversightError(
                f"the shared mind is {tuple(self.shared.shape)}, where there are "
                f"{len(task.prompts)} prompts and {len(task.answers)} answers"
            )
        self.features = one_hot(task.answers - PAD, 1 + len(task.vocabulary.answer))
        self.features = self.features[..., 1:].flatten(1).float()  # (K, D); nothing for PAD
        self.lengths = lengths(task.answers).float()
        mean, spread = usual(task)
        self.usually = (task.table - mean) / spread  # (P, K, A)
        first = len(task.vocabulary.answer)
        self.asked = torch.tensor(task.prompts) - first  # (P, words of a prompt)
        shape = len(values), len(task.vocabulary.context), self.features.shape[1]
        self.register_buffer("lessons", torch.zeros(shape))

    def told(
        self, members: Int[Tensor, "rows"], prompts: Int[Tensor, "rows"],
        recalled: Int[Tensor, "rows"],
    ) -> Float[Tensor, "rows answers"]:  # fmt: skip
        """log P of every answer, before any feedback; `recalled` is −1 where nothing is."""
        odds = self.shared[prompts]
        wanted = self.traits.skill * self.values[members]
        for prompt in prompts.unique().tolist():
            rows = prompts == prompt
            odds[rows] += wanted[rows] @ self.task.table[prompt].T
        learned = self.lessons[members[:, None], self.asked[prompts]].sum(dim=1)
        odds += learned @ self.features.T
        held = recalled >= 0
        odds[held, recalled[held]] += self.traits.recall
        return odds.log_softmax(dim=1)

    def mended(
        self, told: Float[Tensor, "rows answers"], prompts: Int[Tensor, "rows"],
        drafts: Int[Tensor, "rows"], advice: Advice,
    ) -> Float[Tensor, "rows answers"]:  # fmt: skip
        """log P of every revision of drafts; where nobody rated, the draft stands."""
        odds = told.clone()
        for prompt in prompts.unique().tolist():
            rows = prompts == prompt
            odds[rows] += self.traits.heed * advice.push[rows] @ self.usually[prompt].T
        kept = self.traits.reach * advice.rating.nan_to_num(MIDDLE) / MIDDLE
        odds -= kept[:, None] * distances(self.task)[drafts]
        stand = torch.full_like(odds, -torch.inf).scatter_(1, drafts[:, None], 0.0)
        return torch.where(advice.rating.isnan()[:, None], stand, odds).log_softmax(dim=1)

    def learn(
        self, members: Int[Tensor, "rows"], prompts: Int[Tensor, "rows"],
        answers: Int[Tensor, "rows items"], ratings: Float[Tensor, "rows items"],
    ) -> None:  # fmt: skip
        """A step of each member down Stable Alignment's loss on its own answers, as rated."""
        if not self.traits.rate or not len(members):
            return
        nobody = torch.full_like(members, -1)
        for part in parts(len(members)):
            who, asked = members[part], prompts[part]
            taught = self.told(who, asked, nobody[part])
            taught.requires_grad_(True)
            said = taught.gather(1, answers[part]) / self.lengths[answers[part]]
            cpo(-said, ratings[part]).sum().backward()
            assert taught.grad is not None
            # log-softmax hands a gradient g on as g − Σg·P
            gradient = taught.grad - taught.grad.sum(dim=1, keepdim=True) * taught.detach().exp()
            step = self.traits.rate * gradient @ self.features
            for word in self.asked[asked].T:
                self.lessons[who, word] -= step


def parts(rows: int) -> Iterator[slice]:
    """Rows by `PART`."""
    for start in range(0, rows, PART):
        yield slice(start, min(start + PART, rows))


def drawn(
    told: Float[Tensor, "rows answers"], uniforms: NDArray[np.float64]
) -> Int[Tensor, "rows"]:
    """An answer a row, by its uniform."""
    odds = ((told.double() / GRID).round() * GRID).exp().cumsum(dim=1)
    reached = torch.from_numpy(uniforms)[:, None] * odds[:, -1:]
    return torch.searchsorted(odds, reached, right=True)[:, 0].clamp(max=told.shape[1] - 1)
