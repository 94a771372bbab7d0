"""SteerLM: fine-tune on answers with their attribute's level before them; ask for the highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.attribute_model import attribute_of, of_labels
from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.policy import Conditioned, Policy
from oversight.alignment.reward_model import RewardModel
from oversight.alignment.signals import Signal

LEVELS = tuple(f"level:{level}" for level in range(5))


class Levelled(NamedTuple):
    """Answers and the level that the model puts each at."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    levels: Int[Tensor, "rows"]


class Memory(NamedTuple):
    """What SteerLM keeps."""

    rows: Levelled
    model: RewardModel
    bounds: Float[Tensor, "levels_but_one"]
    """What the model says where a level ends and the next begins."""


@dataclass(frozen=True)
class SteerLM(Method):
    """Predict an attribute, train answers conditional on its level, and once more on own answers.

    The levels are fifths of the reference's answers. In the second half of the steps answers of the
    policy, asked for the highest level, are added with the level that they are predicted to reach.

    Attributes:
        attribute: by name; the first that the overseer sees, if none is given.
        width: of the predictor's hidden layer.

    Deviations: one attribute at a time, where the paper names several: the exact policy reads one
    control. Each is a word of its own.
    """

    paper: ClassVar[str] = "Dong et al. 2023, arXiv:2310.05344"
    needs: ClassVar[tuple[Signal, ...]] = ("attribute",)
    controls: ClassVar[tuple[str, ...]] = LEVELS
    attribute: str = ""
    width: int = 64

    def begin(self, lab: Lab) -> State[Memory]:
        """The predictor from labels; answers of the reference with their predicted levels."""
        attribute = attribute_of(lab.task, self.attribute)
        data = lab.attributed(named="steerlm")
        model = of_labels(lab, data, attribute, width=self.width)
        predicted = _predicted(model, data.prompts, data.answers)
        shares = torch.arange(1, len(LEVELS)) / len(LEVELS)
        bounds = predicted.quantile(shares)
        levels = torch.bucketize(predicted, bounds)
        return State(lab.policy(), Memory(Levelled(data.prompts, data.answers, levels),
                                          model, bounds))  # fmt: skip

    def loss(self, lab: Lab, state: State[Memory], step: int) -> Float[Tensor, "batch"]:
        """−log π of answers, given their levels."""
        if step == -(-lab.steps // 2):
            state.data = self._bootstrapped(lab, state)
        rows = lab.batch_of(state.data.rows, step)
        words = torch.tensor(state.policy.vocabulary.within(LEVELS))[rows.levels, None]
        return -state.policy.log_probs(lab.task.contexts(rows.prompts, words), rows.answers)

    def deployed(self, lab: Lab, state: State[Memory]) -> Policy:
        """Asked for the highest level."""
        return Conditioned(state.policy, LEVELS[-1:])

    def _bootstrapped(self, lab: Lab, state: State[Memory]) -> Memory:
        rows, model, bounds = state.data
        draw = lab.draw("steerlm", "bootstrap")
        prompts = lab.prompts(len(rows.prompts), draw)
        answers = lab.answers(self.deployed(lab, state), prompts, draw)[:, 0]
        levels = torch.bucketize(_predicted(model, prompts, answers), bounds)
        new = Levelled(prompts, answers, levels)
        every = Levelled(*map(torch.cat, zip(rows, new, strict=True)))
        return Memory(every, model, bounds)


@torch.no_grad()
def _predicted(model: RewardModel, prompts: Tensor, answers: Tensor) -> Float[Tensor, "rows"]:
    return model(prompts, answers)
