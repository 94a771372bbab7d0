"""Reward models: small nets over a prompt and an answer's tokens, fitted to preferences."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot

from oversight.alignment.lab import Lab
from oversight.alignment.objectives.reward import bradley_terry
from oversight.alignment.signals import Preferences, take
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import PAD
from oversight.core import OversightError

RATE = 1e-2
FITTING = 200
"""Steps in which a reward model is fitted, each time."""


class RewardModel(nn.Module):
    """r(x, y): one hidden layer over one-hots of the prompt and of the token at each place."""

    def __init__(self, task: Task, width: int, draw: torch.Generator) -> None:
        """`width`: of the hidden layer, the model's size; the weights are drawn from `draw`."""
        super().__init__()
        self.prompts, self.words = len(task.prompts), 1 + len(task.vocabulary.answer)
        size = self.prompts + task.longest * self.words
        self.hidden, self.head = nn.Linear(size, width), nn.Linear(width, 1)
        drawn_weights(self, draw)

    def forward(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The reward, nats."""
        tokens = one_hot(answers - PAD, self.words).flatten(1)
        seen = torch.cat([one_hot(prompts, self.prompts), tokens], dim=1).float()
        return self.head(self.hidden(seen).relu())[:, 0]


def drawn_weights(model: nn.Module, draw: torch.Generator) -> None:
    """Draw every parameter, evenly within one over the root of its last dimension."""
    with torch.no_grad():
        for parameter in model.parameters():
            bound = parameter.shape[-1] ** -0.5
            parameter.copy_((2 * torch.rand(parameter.shape, generator=draw) - 1) * bound)


def fit(
    model: RewardModel, pairs: Preferences, lab: Lab, *, steps: int = FITTING, named: object
) -> RewardModel:
    """Fit a reward model to pairs by Bradley–Terry, from where it is; gives the same model.

    Each step takes a batch of the lab's size, drawn by the name.
    """

    def loss(rows: Tensor) -> Tensor:
        return bradley_terry(*both(model, take(pairs, rows)))

    fit_by(model, loss, len(pairs.prompts), lab, steps=steps, named=named)
    return model


def both(model: RewardModel, pairs: Preferences) -> tuple[Tensor, Tensor]:
    """The rewards of the chosen and of the rejected, in one pass."""
    answers = torch.cat([pairs.chosen, pairs.rejected])
    chosen, rejected = model(pairs.prompts.repeat(2), answers).chunk(2)
    return chosen, rejected


def regress(
    model: nn.Module, told: Callable[[Int[Tensor, "batch"]], Float[Tensor, "batch"]],
    given: Float[Tensor, "rows"], lab: Lab, *, named: object,
) -> None:  # fmt: skip
    """Fit what a model has `told` of rows to what they were given, in deviations from its mean.

    Errors: OversightError where every row was given the same.
    """
    spread = given.std(correction=0)
    if not float(spread):
        raise OversightError(
            f"{lab.overseer.name} gives every answer the same number, so there is nothing to "
            "learn; take another overseer, or raise --labels"
        )
    wanted = (given - given.mean()) / spread

    def loss(rows: Tensor) -> Tensor:
        return (told(rows) - wanted[rows]) ** 2

    fit_by(model, loss, len(wanted), lab, named=named)


def fit_by(
    model: nn.Module, loss: Callable[[Int[Tensor, "batch"]], Float[Tensor, "batch"]], size: int,
    lab: Lab, *, steps: int = FITTING, named: object,
) -> None:  # fmt: skip
    """Descend a loss of rows, of `size` in all, a batch a step, drawn by the name."""
    optimizer = torch.optim.Adam(model.parameters(), RATE, weight_decay=1e-4)
    draw = lab.draw("reward model", named)
    for _ in range(steps):
        rows = torch.randint(size, (lab.batch,), generator=draw)
        optimizer.zero_grad()
        loss(rows).mean().backward()
        optimizer.step()
