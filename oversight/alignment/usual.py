"""What a task's answers are usually like: what overseers measure a single answer by."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.luck import luck
from oversight.alignment.task import Task

SEEN = 2048
"""Demonstrations that it is taken from."""


class Usual(NamedTuple):
    """Of each attribute, over prompts and the task's demonstrators."""

    mean: Float[Tensor, "attributes"]
    spread: Float[Tensor, "attributes"]
    """Standard deviation; 1 where there is none."""


@lru_cache(8)
def usual(task: Task) -> Usual:
    """The attributes of `SEEN` demonstrations, always the same."""
    draw = luck("usual")
    prompts = torch.arange(SEEN) % len(task.prompts)
    found = task.values(prompts, task.demonstrate(prompts, draw))
    spread = found.std(dim=0)
    return Usual(found.mean(dim=0), torch.where(spread > 0, spread, 1.0))
