"""Reward models: small nets over a prompt and an answer's tokens, fitted to preferences."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot

from oversight.alignment.lab import Lab
from oversight.alignment.objectives.reward import bradley_terry
from oversight.alignment.signals import Preferences
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import PAD

RATE = 1e-2


class RewardModel(nn.Module):
    """r(x, y): one hidden layer over one-hots of the prompt and of the token at each place."""

    def __init__(self, task: Task, width: int, draw: torch.Generator) -> None:
        """`width`: of the hidden layer, the model's size; the weights are drawn from `draw`."""
        super().__init__()
        self.prompts, self.words = len(task.prompts), 1 + len(task.vocabulary.answer)
        size = self.prompts + task.longest * self.words
        self.hidden, self.head = nn.Linear(size, width), nn.Linear(width, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                bound = parameter.shape[-1] ** -0.5
                parameter.copy_((2 * torch.rand(parameter.shape, generator=draw) - 1) * bound)

    def forward(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The reward, nats."""
        tokens = one_hot(answers - PAD, self.words).flatten(1)
        seen = torch.cat([one_hot(prompts, self.prompts), tokens], dim=1).float()
        return self.head(self.hidden(seen).relu())[:, 0]


def fit(
    model: RewardModel, pairs: Preferences, lab: Lab, *, steps: int, named: object
) -> RewardModel:
    """Fit a reward model to pairs by Bradley–Terry, from where it is; gives the same model.

    Each step takes a batch of the lab's size, drawn by the name.
    """
    optimizer = torch.optim.Adam(model.parameters(), RATE, weight_decay=1e-4)
    draw = lab.draw("reward model", named)
    for _ in range(steps):
        rows = torch.randint(len(pairs.prompts), (lab.batch,), generator=draw)
        prompts = pairs.prompts[rows].repeat(2)
        both = model(prompts, torch.cat([pairs.chosen[rows], pairs.rejected[rows]])).chunk(2)
        optimizer.zero_grad()
        bradley_terry(*both).mean().backward()
        optimizer.step()
    return model
