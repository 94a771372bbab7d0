"""Second Thoughts: learn the edits that mend an answer, then climb what mended answers have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.chains import edits_between, replayed
from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Critiqued, Preferences, Signal
from oversight.alignment.vocabulary import END, PAD, padded
from oversight.core import OversightError


class Steps(NamedTuple):
    """Answers to be written, and what stands between the prompt and each."""

    prompts: Int[Tensor, "rows"]
    before: Int[Tensor, "rows context"]
    """A control and the answer that is edited; `PAD` where the prompt alone is answered."""
    answers: Int[Tensor, "rows length"]


class Mended(NamedTuple):
    """What Second Thoughts keeps."""

    steps: Steps
    rewards: RewardModel


@dataclass(frozen=True)
class SecondThoughts(Climber[Mended]):
    """Fine-tune on chains of edits from an answer to its refinement; then reinforcement learning.

    The edits are the cheapest by dynamic programming: 1 to put a word in or take one out, 2 to
    replace one. Half of the steps imitate chains, in which each answer follows the one before it,
    and the last also the prompt alone. The other half climb a reward model that puts each
    refinement before what it was made from.

    Attributes:
        kl, reuse, clip: see `Climber`.
        width: of the reward model's hidden layer.

    Deviations: the paper writes source, edits and target in one text, and we an edit at a time,
    its outcome written whole. An exact policy reads none of what is edited. What is deployed
    answers the prompt; the paper's mends a given text.
    """

    paper: ClassVar[str] = "Liu et al. 2022, arXiv:2301.00355"
    needs: ClassVar[tuple[Signal, ...]] = ("critique",)
    controls: ClassVar[tuple[str, ...]] = ("revise:",)
    width: int = 64

    def begin(self, lab: Lab) -> State[Climbing[Mended]]:
        """Chains, and a reward model of their ends; OversightError where nothing was mended."""
        data = lab.critiqued(1)
        changed = (data.answers != data.refined[:, 0]).any(dim=1)
        if not bool(changed.any()):
            raise OversightError(
                f"{lab.overseer.name} mends no answer, so there are no edits to learn; take "
                "annotators of more skill: --feedback annotators:skill=8"
            )
        data = Critiqued(*(column[changed] for column in data))
        pairs = Preferences(data.prompts, data.refined[:, 0], data.answers)
        model = RewardModel(lab.task, self.width, lab.draw("second thoughts", "weights"))
        mended = Mended(self._steps(lab, data), fit(model, pairs, lab, named="second thoughts"))
        return State(lab.policy(), Climbing(mended))

    def loss(self, lab: Lab, state: State[Climbing[Mended]], step: int) -> Float[Tensor, "batch"]:
        """−log π of the chains' steps, then the climb's."""
        if 2 * step >= lab.steps:
            return self.climb(lab, state, step)
        rows = lab.batch_of(state.data.data.steps, step)
        return -state.policy.log_probs(lab.task.contexts(rows.prompts, rows.before), rows.answers)

    def reward(
        self, lab: Lab, data: Mended, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's."""
        return data.rewards(prompts, answers)

    def _steps(self, lab: Lab, data: Critiqued) -> Steps:
        """Every step of every chain, and the end of each by itself."""
        longest, control = lab.task.longest, lab.reference.vocabulary.id(self.controls[0])
        prompts, before, answers = list[int](), list[list[int]](), list[list[int]]()
        refined: Sequence[Sequence[int]] = data.refined[:, 0].tolist()
        told: Sequence[Sequence[int]] = data.answers.tolist()
        for prompt, source, target in zip(data.prompts.tolist(), told, refined, strict=True):
            words = _words(source)
            after = [words, *replayed(words, edits_between(words, _words(target)))]
            for one, two in pairwise(after):
                before.append([control, *_ended(one, longest)])
                answers.append(_ended(two, longest))
            before.append([])
            answers.append(list(target))
            prompts += [prompt] * len(after)
        return Steps(torch.tensor(prompts), padded(before, 1 + longest), padded(answers, longest))


def _words(answer: Sequence[int]) -> tuple[int, ...]:
    """Without the end and what stands after it."""
    return tuple(token for token in answer if token not in (END, PAD))


def _ended(words: Sequence[int], longest: int) -> list[int]:
    """With an end where there is room."""
    return [*words, END][:longest]
