"""A policy trained on what a society said: Stable Alignment, and what it is compared with.

    lessons = lessons_of(examples(memory), task)
    aligned = align(Stable(lessons), lab)

`Stable` descends Stable Alignment's loss over all three types of data, drawn 5 : 1 : 1; `Plain`
imitates the best answers alone; `Rewarded` fits a reward model to the same ratings and climbs it.
The policy is any that reads contexts: the small transformer, or a language model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.objectives.preference import cpo
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel, fit
from oversight.alignment.signals import Preferences, Signal
from oversight.alignment.vocabulary import END, lengths, padded
from oversight.core import OversightError
from oversight.judges.array_cache import content_key
from oversight.society.conversing import COMMENT, REVISE, Conversing
from oversight.society.data import MIX, TYPES, Example, Response, Type
from oversight.society.members import worth
from oversight.society.words import NOTHING_SAID, reason_in_words

CANDIDATES = 3
"""Responses of an example that a step compares (the authors' command line)."""
HELD = 8
"""Responses that are kept of an example at most."""


class Part(NamedTuple):
    """All examples of one type, as tokens."""

    contexts: Int[Tensor, "examples before"]
    responses: Int[Tensor, "examples held length"]
    scores: Float[Tensor, "examples held"]
    """NaN where an example has fewer."""


Lessons = Mapping[Type, Part]
"""By type; a type without examples is left out."""


def lessons_of(examples: Sequence[Example], task: Conversing) -> Lessons:
    """Examples as tokens; OversightError where there is none."""
    written = _Writer(task)
    found: dict[Type, Part] = {}
    for kind in TYPES:
        own = [example for example in examples if example.type == kind]
        if own:
            found[kind] = written.part(own)
    if not found:
        raise OversightError("nothing was said to learn from; live more rounds")
    return found


def some(lessons: Lessons, share: float, draw: torch.Generator) -> Lessons:
    """A share of each type's examples, one at least, drawn."""
    found: dict[Type, Part] = {}
    for kind, part in lessons.items():
        size = len(part.contexts)
        rows = torch.randperm(size, generator=draw)[: max(1, round(share * size))]
        found[kind] = Part(*(column[rows] for column in part))
    return found


class _Writer:
    """Words into tokens."""

    def __init__(self, task: Conversing) -> None:
        self.task = task
        codes = range(2 * len(task.attributes))
        self.reasons = {reason_in_words(task, code): task.reason(code) for code in codes}

    def part(self, examples: Sequence[Example]) -> Part:
        """All of one type."""
        contexts = padded([self.context(example) for example in examples], left=True)
        nothing = [END]
        responses, scores = list[Tensor](), list[list[float]]()
        for example in examples:
            said = [self.response(one) for one in example.responses[:HELD]]
            missing = HELD - len(said)
            responses.append(padded([*said, *[nothing] * missing], self.task.longest))
            scores.append([*example.scores[:HELD], *[float("nan")] * missing])
        return Part(contexts, torch.stack(responses), torch.tensor(scores))

    def context(self, example: Example) -> list[int]:
        """What stands before a response."""
        asked = self.words(example.question)
        if example.type == "imitation":
            return asked
        control = COMMENT if example.type == "self_critic" else REVISE
        return [*asked, *self.words(example.draft), self.task.vocabulary.id(control)]

    def response(self, said: Response) -> list[int]:
        """A reason, an answer, or both; ended where there is room."""
        tokens = [self.reasons[said.reason]] if said.reason else []
        tokens += self.words(said.answer)
        return tokens if len(tokens) == self.task.longest else [*tokens, END]

    def words(self, text: str) -> list[int]:
        """The tokens of words."""
        if text == NOTHING_SAID:
            return []
        return list(self.task.vocabulary.within(text.split()))


class Batch(NamedTuple):
    """What a step looks at."""

    contexts: Int[Tensor, "batch before"]
    responses: Int[Tensor, "batch items length"]
    scores: Float[Tensor, "batch items"]


def drawn_batch(
    lessons: Lessons, mix: Mapping[Type, float], rows: int, draw: torch.Generator
) -> Batch:
    """Examples by type as `mix` says, and up to `CANDIDATES` responses of each.

    Errors: OversightError where the mix has nothing of what there is.
    """
    kinds: list[Type] = [k for k in TYPES if k in lessons and mix.get(k, 0) > 0]
    if not kinds:
        raise OversightError(f"no data of the types {', '.join(mix)}; live more rounds")
    odds = torch.tensor([float(mix[kind]) for kind in kinds])
    counts = odds.multinomial(rows, replacement=True, generator=draw).bincount(minlength=len(kinds))
    longest = max(lessons[kind].contexts.shape[1] for kind in kinds)
    columns = list[tuple[Tensor, Tensor, Tensor]]()
    for kind, count in zip(kinds, counts.tolist(), strict=True):
        part = lessons[kind]
        picked = torch.randint(len(part.contexts), (count,), generator=draw)
        scores = part.scores[picked]
        keys = torch.rand(scores.shape, generator=draw).masked_fill(scores.isnan(), 2.0)
        order = keys.argsort(dim=1)[:, :CANDIDATES]
        contexts = part.contexts[picked]
        before = contexts.new_full((count, longest - contexts.shape[1]), -1)
        columns.append((
            torch.cat([before, contexts], dim=1),
            part.responses[picked].take_along_dim(order[..., None], dim=1),
            scores.gather(1, order),
        ))  # fmt: skip
    return Batch(*(torch.cat(column) for column in zip(*columns, strict=True)))


class _OnLessons(Method):
    """What the methods here share: their data is a part of what they are."""

    paper: ClassVar[str] = "Liu et al. 2023, arXiv:2305.16960"
    needs: ClassVar[tuple[Signal, ...]] = ()
    controls: ClassVar[tuple[str, ...]] = (COMMENT, REVISE)
    lessons: Lessons

    @property
    def settings(self) -> dict[str, Any]:
        """Its parameters, and a hash of its data."""
        plain = {name: value for name, value in vars(self).items() if name != "lessons"}
        arrays = [column.numpy() for part in self.lessons.values() for column in part]
        return {**plain, "lessons": content_key({"types": sorted(self.lessons)}, arrays)}


@dataclass(frozen=True)
class Stable(_OnLessons):
    """Stable Alignment's contrastive loss on imitation, self-critic and realignment data.

    Attributes:
        lessons: the data.
        mix: how often each type is drawn.
        margin, weight, hardest: see `cpo`.
    """

    lessons: Lessons
    mix: Mapping[Type, float] | None = None
    margin: float = 10.0
    weight: float = 0.2
    hardest: bool = False

    def begin(self, lab: Lab) -> State[None]:
        """The reference; the data was gathered before."""
        return State(lab.policy(), None)

    def loss(self, lab: Lab, state: State[None], step: int) -> Float[Tensor, "batch"]:
        """Of a step's examples."""
        mix = MIX if self.mix is None else self.mix
        rows = drawn_batch(self.lessons, mix, lab.batch, lab.draw("stable", step))
        return cpo(
            _nll(state.policy, rows), rows.scores, margin=self.margin, weight=self.weight,
            hardest=self.hardest,
        )  # fmt: skip


@dataclass(frozen=True)
class Plain(_OnLessons):
    """Fine-tuning on the best rated of each example's candidates, imitation data alone."""

    lessons: Lessons

    def begin(self, lab: Lab) -> State[None]:
        """The reference."""
        return State(lab.policy(), None)

    def loss(self, lab: Lab, state: State[None], step: int) -> Float[Tensor, "batch"]:
        """The mean over the best answer's tokens."""
        draw = lab.draw("plain", step)
        rows = drawn_batch(self.lessons, {"imitation": 1}, lab.batch, draw)
        return cpo(_nll(state.policy, rows), rows.scores, weight=0.0)


def _nll(policy: Policy, rows: Batch) -> Float[Tensor, "batch items"]:
    """The mean over a response's tokens, nats."""
    items = rows.responses.shape[1]
    flat = rows.responses.flatten(0, 1)
    told = policy.log_probs(rows.contexts.repeat_interleave(items, dim=0), flat)
    return -(told / lengths(flat)).view(-1, items)


@dataclass(frozen=True)
class Rewarded(Climber[RewardModel], _OnLessons):
    """RLHF on the same ratings: a reward model of which answer was rated higher, then climbing.

    Attributes:
        kl, reuse, clip: see `Climber`.
        lessons: the data; imitation alone has ratings of answers.
        width: of the reward model's hidden layer.
    """

    lessons: Lessons = None  # pyright: ignore — after parameters with defaults; `begin` needs it
    width: int = 64

    def begin(self, lab: Lab) -> State[Climbing[RewardModel]]:
        """The reward model; OversightError where no two answers were rated differently."""
        pairs = rated_pairs(self.lessons["imitation"], lab)
        model = RewardModel(lab.task, self.width, lab.draw("rewarded", "weights"))
        fit(model, pairs, lab, named="rewarded")
        return State(lab.policy(), Climbing(model.requires_grad_(False)))

    def loss(
        self, lab: Lab, state: State[Climbing[RewardModel]], step: int
    ) -> Float[Tensor, "batch"]:
        """The climb's."""
        return self.climb(lab, state, step)

    def reward(
        self, lab: Lab, data: RewardModel, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's."""
        return data(prompts, answers)


def rated_pairs(part: Part, lab: Lab) -> Preferences:
    """Every two answers of an example that were rated differently."""
    known = {prompt: number for number, prompt in enumerate(lab.task.prompts)}
    prompts = torch.tensor([known[tuple(context)] for context in part.contexts.tolist()])
    chosen, rejected, asked = list[Tensor](), list[Tensor](), list[Tensor]()
    for one in range(part.scores.shape[1]):
        for other in range(part.scores.shape[1]):
            better = part.scores[:, one] > part.scores[:, other]  # never where one is NaN
            chosen.append(part.responses[better, one])
            rejected.append(part.responses[better, other])
            asked.append(prompts[better])
    pairs = Preferences(torch.cat(asked), torch.cat(chosen), torch.cat(rejected))
    if not len(pairs.prompts):
        raise OversightError("no two answers were rated differently; live more rounds")
    return pairs


class Stands(NamedTuple):
    """Where a policy stands, over all plain answers, in gold units."""

    alignment: float
    engagement: float


@torch.no_grad()
def answers_told(policy: Policy, task: Conversing) -> Float[Tensor, "prompts answers"]:
    """log π of every plain answer to every prompt, among plain answers: a mind to share."""
    prompts = torch.arange(len(task.prompts))
    return policy.distribution(task.contexts(prompts), task.answers).log_softmax(dim=1)


@torch.no_grad()
def stands(policy: Policy, task: Conversing) -> Stands:
    """In expectation over what the policy says; what is no plain answer says nothing."""
    prompts = torch.arange(len(task.prompts))
    odds = policy.distribution(task.contexts(prompts), task.answers).exp()
    silent = task.base.number(padded([[END]], task.base.longest))
    odds[:, silent] += (1 - odds.sum(dim=1, keepdim=True)).clamp(min=0)
    return Stands(*(float((odds * part).sum(dim=1).mean()) for part in worth(task.base)))
