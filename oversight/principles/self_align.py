"""Dromedary: a policy that aligns itself by principles, without preferences and without RL.

Sun et al. 2023, arXiv:2305.03047: fewer than 200 seed prompts, 16 principles, 5 exemplars. The
policy writes further prompts, guided by topics; answers them with the principles and the exemplars
before it; is fine-tuned on those answers without them (engraving); and then on its own answers when
it is asked to be long (verbose cloning).

Deviations: a prompt is a topic and a manner, so what is written is a manner; a prompt that is
there, or that is none, is dropped. The long answers are the engraved policy's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.lab import PART, Lab
from oversight.alignment.policy import Policy
from oversight.alignment.signals import Demonstrations
from oversight.principles.able import LONG, NO, Able
from oversight.principles.given import Given
from oversight.principles.schooling import exemplars
from oversight.threads import one_thread
from oversight.training.descent import Pace


@dataclass(frozen=True)
class Recipe:
    """How a policy aligns itself.

    Attributes:
        seeds: prompts that are there at first.
        asked: times that each topic is asked for a manner.
        labels: answers that are written by the principles, and again at length.
        tries: demonstrations of which each exemplar is the best.
    """

    seeds: int = 3
    asked: int = 16
    labels: int = 2048
    tries: int = 8


class Stages(NamedTuple):
    """What comes of it, stage by stage."""

    prompts: Int[Tensor, "prompts"]
    """The prompts that there are in the end, the seeds first."""
    guided: Int[Tensor, "rows length"]
    """Answers with the principles before them."""
    asked: Int[Tensor, "rows"]
    """To which prompts."""
    engraved: Policy
    cloned: Policy


@one_thread()
def self_align(lab: Lab, recipe: Recipe, *, rate: float, kept: Path | None = None) -> Stages:
    """All four stages, from the lab's reference (`able_policy`). Errors: those of `align`."""
    prompts = instructed(lab, recipe)
    draw = lab.draw("self-align", "answers")
    asked = prompts[torch.randint(len(prompts), (recipe.labels,), generator=draw)]
    guided = answered(lab, asked, recipe, draw)
    pace = Pace(lab.steps, rate, every=lab.steps)
    engraved = align(
        Given(Demonstrations(asked, guided), "engraving"), lab, pace=pace,
        kept=kept and kept / "engraving",
    ).policy  # fmt: skip
    at_length = lengthened(lab, engraved, asked)
    second = replace(lab, reference=engraved.frozen())
    cloned = align(
        Given(Demonstrations(asked, at_length), "cloning"), second, pace=pace,
        kept=kept and kept / "cloning",
    ).policy  # fmt: skip
    return Stages(prompts, guided, asked, engraved, cloned)


def instructed(lab: Lab, recipe: Recipe) -> Int[Tensor, "prompts"]:
    """The seed prompts, and those that the policy writes: each once."""
    task = lab.task
    assert isinstance(task, Able)
    draw = lab.draw("self-align", "seeds")
    found = torch.randperm(len(task.prompts), generator=draw)[: recipe.seeds].tolist()
    topics = torch.arange(task.base.topics).repeat_interleave(recipe.asked)
    written = lab.reference.sample(task.asking(topics), draw)[:, 0] - (task.vocabulary.id(NO) + 1)
    for topic, manner in zip(topics.tolist(), written.tolist(), strict=True):
        prompt = topic * task.base.manners + manner
        if 0 <= manner < task.base.manners and prompt not in found:
            found.append(prompt)
    return torch.tensor(found)


@one_thread()
def answered(
    lab: Lab, prompts: Int[Tensor, "rows"], recipe: Recipe, draw: torch.Generator
) -> Int[Tensor, "rows length"]:
    """Answers with all principles, and the same exemplars, before them."""
    task = lab.task
    assert isinstance(task, Able)
    shown = exemplars(task, 1, draw, recipe.tries)
    rows = len(prompts)
    every = torch.ones(rows, len(task.constitution), dtype=torch.bool)
    before = (shown[0].expand(rows, -1), shown[1].expand(rows, -1, -1))
    parts = task.guided(prompts, every, before).split(PART)
    return task.plain(torch.cat([lab.reference.sample(part, draw) for part in parts]))


@one_thread()
def lengthened(
    lab: Lab, policy: Policy, prompts: Int[Tensor, "rows"]
) -> Int[Tensor, "rows length"]:
    """A policy's answers when it is asked to be long."""
    task = lab.task
    assert isinstance(task, Able)
    draw = lab.draw("self-align", "long")
    parts = task.controlled(prompts, LONG).split(PART)
    return task.plain(torch.cat([policy.sample(part, draw) for part in parts]))
