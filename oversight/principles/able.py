"""A task in which there are words to criticise, to revise, to follow principles, and to ask.

A policy there can be put to (k names a principle)

    PROMPT                                   -> an answer
    PROMPT DRAFT k critique                  -> yes where the draft breaks k, else no
    PROMPT DRAFT k revise                    -> another answer, which keeps k
    EXEMPLARS k … k PROMPT                   -> an answer that breaks few of them
    PROMPT long                              -> an answer that leaves little room
    TOPIC ask                                -> a manner: with its topic, a prompt

How it comes to be any good at that is for `schooling`. Derived here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from oversight.alignment.drawn import DrawnTask
from oversight.alignment.measures import divergence
from oversight.alignment.policy import Policy
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import END, PAD, Vocabulary, cut
from oversight.principles.constitution import Constitution

YES, NO = "yes", "no"
CRITIQUE, REVISE, LONG, ASK = "critique", "revise", "long", "ask"


class Able(Task):
    """A drawn task in which there are also words for all that."""

    name = "able"

    def __init__(self, base: DrawnTask, constitution: Constitution) -> None:
        self.base, self.constitution = base, constitution
        told = base.vocabulary
        topics, manners = told.context[: base.topics], told.context[base.topics :]
        named = tuple(one.name for one in constitution)
        self.vocabulary = Vocabulary(
            (*told.answer, YES, NO, *manners), (*topics, CRITIQUE, REVISE, LONG, ASK, *named)
        )
        self.longest = base.longest
        self.prompts = [self.vocabulary.within(told.words[w] for w in p) for p in base.prompts]
        self.attributes, self.weights = base.attributes, base.weights
        self.visible = base.visible

    @property
    def settings(self) -> Mapping[str, Any]:
        """The drawn task's, and the principles."""
        return {**self.base.settings, "principles": [one.name for one in self.constitution]}

    @cached_property
    def answers(self) -> Int[Tensor, "answers longest"]:
        """Plain answers: the drawn task's."""
        return self.base.answers

    def plain(self, answers: Int[Tensor, "batch length"]) -> Int[Tensor, "batch length"]:
        """What stands before a yes, a no or a manner."""
        return cut(answers, len(self.base.vocabulary.answer))

    def values(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch attributes"]:
        """Of what is plain."""
        return self.base.values(prompts, self.plain(answers))

    def reference(self) -> Float[Tensor, "prompts answers"]:
        """The drawn task's."""
        return self.base.reference()

    def demonstrate(
        self, prompts: Int[Tensor, "batch"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """The drawn task's."""
        return self.base.demonstrate(prompts, draw)

    def broken(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Bool[Tensor, "batch principles"]:
        """Which principles answers break: exactly."""
        return self.constitution.broken(self.base, prompts, self.plain(answers))

    # Contexts

    def about(
        self, prompts: Int[Tensor, "batch"], drafts: Int[Tensor, "batch length"],
        principles: Int[Tensor, "batch"], control: str,
    ) -> Int[Tensor, "batch before"]:  # fmt: skip
        """A draft, a principle, and what is to be done about them."""
        first = self.vocabulary.id(self.constitution.principles[0].name)
        asked = torch.full((len(prompts), 1), self.vocabulary.id(control))
        spoken = drafts.masked_fill(drafts == END, PAD)  # a draft's end would end the context
        return self.contexts(prompts, spoken, first + principles[:, None], asked)

    def guided(
        self, prompts: Int[Tensor, "batch"], principles: Bool[Tensor, "batch principles"],
        shown: tuple[Int[Tensor, "batch exemplars"], Int[Tensor, "batch exemplars length"]],
    ) -> Int[Tensor, "batch before"]:  # fmt: skip
        """Exemplars (prompts and answers), principles, and the prompt."""
        first = self.vocabulary.id(self.constitution.principles[0].name)
        named = torch.where(principles, first + torch.arange(principles.shape[1]), PAD)
        asked, said = shown
        spoken = said.masked_fill(said == END, PAD)
        rows = len(prompts)
        columns = [torch.cat([self.contexts(asked[:, k]), spoken[:, k]], dim=1)
                   for k in range(asked.shape[1])]  # fmt: skip
        nothing = torch.zeros(rows, 0, dtype=torch.long)
        return torch.cat([*columns, nothing, named, self.contexts(prompts)], dim=1)

    def controlled(self, prompts: Int[Tensor, "batch"], word: str) -> Int[Tensor, "batch before"]:
        """A prompt and a word after it."""
        return self.contexts(prompts, torch.full((len(prompts), 1), self.vocabulary.id(word)))

    def asking(self, topics: Int[Tensor, "batch"]) -> Int[Tensor, "batch before"]:
        """A topic, to which a manner is wanted."""
        first = len(self.vocabulary.answer)
        word = torch.full((len(topics), 1), self.vocabulary.id(ASK))
        return torch.cat([first + topics[:, None], word], dim=1)


# Where a policy stands


class Standing(NamedTuple):
    """What a policy's plain answers are like, in expectation; what is not plain says nothing."""

    violations: float
    """Principles that an answer breaks."""
    by_principle: Sequence[float]
    gold: float
    helpful: float
    length: float
    """Of what an answer may have, the share that it has."""
    kl: float
    """KL(π ‖ base) over plain answers, nats."""


@torch.no_grad()
def standing(policy: Policy, task: Able, base: Policy) -> Standing:
    """Exactly, over all prompts and plain answers."""
    odds, start = (_odds(one, task) for one in (policy, base))
    size, every = odds.shape
    prompts = torch.arange(size).repeat_interleave(every)
    broken = task.broken(prompts, task.answers.repeat(size, 1)).view(size, every, -1).float()
    table = task.base.table

    def mean(of: Tensor) -> Tensor:
        return (odds[..., None] * of.view(size, every, -1)).sum(dim=1).mean(dim=0)

    each = mean(broken)
    values = dict(zip(task.attributes, mean(table).tolist(), strict=True))
    kl = divergence(odds.clamp(min=1e-12).log(), start.clamp(min=1e-12).log()).mean()
    return Standing(float(each.sum()), each.tolist(), float(mean(task.base.gold_table)),
                    values["helpful"], values["length"], float(kl))  # fmt: skip


def _odds(policy: Policy, task: Able) -> Float[Tensor, "prompts answers"]:
    prompts = torch.arange(len(task.prompts))
    odds = policy.distribution(task.contexts(prompts), task.answers).double().exp()
    odds[:, 0] += (1 - odds.sum(dim=1)).clamp(min=0)  # the first answer is the end alone
    return odds / odds.sum(dim=1, keepdim=True)
