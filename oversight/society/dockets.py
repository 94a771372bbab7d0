"""What is played over a draft: a case of the society's world, and what of its end is the draft's.

Where a world's own question is which of two answers is better, the draft is the first of the two
and an answer that is middling the second. Where a world asks questions, the case is the question
and the draft names one of its candidates: whether that is the true one decides whose side members
take, and the verdict's credence in it is the draft's. A draft that names no candidate has none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.alignment.alignable import Alignable
from oversight.alignment.institutions import House
from oversight.alignment.questions import QuestionsTask
from oversight.alignment.task import Task
from oversight.alignment.usual import usual
from oversight.core import Case, Message
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.reveal import Reveal
from oversight.society.members import worth
from oversight.society.raters import NONE
from oversight.world import World


class Sides(NamedTuple):
    """Answers of a case, by number."""

    draft: int
    other: int


PAIR = Sides(0, 1)


class Docket(ABC):
    """Drafts as cases, by the numbers of their prompt and their answer."""

    def __init__(self, world: World, task: Task) -> None:
        self.world, self.task = world, task

    def house(self, protocol: Protocol, cast: Mapping[str, Agent]) -> House:
        """Where its cases are played."""
        return House(protocol, self.world, cast)

    @abstractmethod
    def good(self, prompts: NDArray[np.int64], answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B,) whether each draft is as good as what it is played against, or better."""

    @abstractmethod
    def sides(self, prompt: int, answer: int) -> Sides | None:
        """What speaks for the draft and what for another answer; None if there is no case."""

    @abstractmethod
    def cases(self, prompts: Sequence[int], answers: Sequence[int]) -> list[Case]:
        """A case a draft."""

    def against(self, transcript: Sequence[Message]) -> int:
        """What of what was said should mend the draft, as a reason; `NONE` if nothing."""
        return NONE


class Pairs(Docket):
    """Drafts beside answers that are middling."""

    def __init__(self, world: World, task: Task) -> None:
        super().__init__(world, task)
        assert isinstance(world, Alignable)
        self.pairs = world

    @cached_property
    def _middling(self) -> NDArray[np.int64]:
        """(P,) the answer to each prompt that is nearest to what the reference gets."""
        gold, odds = worth(self.task).gold, self.task.reference().exp()
        mean = (gold * odds).sum(dim=1, keepdim=True)
        return (gold - mean).abs().argmin(dim=1).numpy()

    def good(self, prompts: NDArray[np.int64], answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """By the gold reward."""
        gold = worth(self.task).gold.numpy()
        return gold[prompts, answers] >= gold[prompts, self._middling[prompts]]

    def sides(self, prompt: int, answer: int) -> Sides | None:
        """The draft is the first."""
        return PAIR

    def cases(self, prompts: Sequence[int], answers: Sequence[int]) -> list[Case]:
        """Which of the two is better?"""
        firsts, seconds = self.task.answers[[*answers]], self._middling[[*prompts]]
        others = self.task.answers[seconds.tolist()]
        return self.pairs.cases_of(prompts, firsts.tolist(), others.tolist())

    def against(self, transcript: Sequence[Message]) -> int:
        """Of what was shown of the draft, what costs it most."""
        weights, mean = self.task.weights.tolist(), usual(self.task).mean.tolist()
        costs: dict[int, float] = {
            message.data.move: weights[message.data.move]
            * (message.data.value - mean[message.data.move])
            for message in transcript
            if isinstance(message.data, Reveal) and message.data.move < len(weights)
        }
        worst = min(costs, key=lambda move: costs[move], default=NONE)
        if worst == NONE or costs[worst] >= 0:
            return NONE
        return 2 * worst + int(weights[worst] < 0)


class Questions(Docket):
    """Drafts among the candidates of their questions."""

    task: QuestionsTask

    def house(self, protocol: Protocol, cast: Mapping[str, Agent]) -> House:
        """The same, where nobody may prepare on the questions that are asked."""
        return House(protocol, self.world, cast, kept=self.task.count, seed=self.task.seed)

    def good(self, prompts: NDArray[np.int64], answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether it is the true one."""
        return worth(self.task).gold.numpy()[prompts, answers] > 0

    def sides(self, prompt: int, answer: int) -> Sides | None:
        """The draft's candidate, and the next; letters beyond the candidates name none."""
        token = int(self.task.answers[answer, 0])
        candidates = len(self.task.cases[prompt].question.answers)
        if not 1 <= token <= candidates:
            return None
        return Sides(token - 1, token % candidates)

    def cases(self, prompts: Sequence[int], answers: Sequence[int]) -> list[Case]:
        """The questions."""
        return [self.task.cases[prompt] for prompt in prompts]


def docket_of(world: World, task: Task) -> Docket:
    """How drafts are tried in a world, whose task it is."""
    return (Pairs if isinstance(world, Alignable) else Questions)(world, task)
