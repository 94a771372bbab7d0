"""How a policy comes to criticise, to revise, to follow principles, and to ask.

A language model can do all that before anybody aligns it. Here a policy is schooled for it, on the
contexts of `able`: critiques that say what is so, drafts edited until they keep a principle,
demonstrations that break the fewest, the longest, and manners at random.

It is no wiser for it: some critiques that it learns from are wrong, edits are tried at random, and
it has what it learned by approximation. Plain answers are still the demonstrators'. Derived here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from oversight.alignment.edits import edited
from oversight.alignment.luck import luck
from oversight.alignment.policies.naming import size_of
from oversight.alignment.policies.small import MOST, SmallPolicy
from oversight.alignment.policy import Policy
from oversight.alignment.vocabulary import END, PAD, answer_count
from oversight.cache_dir import cache_root
from oversight.judges.array_cache import content_key, load_arrays, store_arrays
from oversight.principles.able import CRITIQUE, LONG, NO, REVISE, YES, Able
from oversight.threads import one_thread
from oversight.training.descent import Pace, descend

EXEMPLARS = 5
"""Answers shown before a prompt with its principles (Sun et al. 2023)."""
CACHE_VERSION = 1  # raise it when schooling changes in a way that its settings do not show


@dataclass(frozen=True)
class Schooling:
    """How a policy is made able.

    Attributes:
        steps, batch, rate: of the descent.
        error: the share of critiques that it learns from that are wrong.
        tries: edits, and demonstrations, that are tried for one that keeps the principles.
        width, layers: of a small policy.
    """

    steps: int = 800
    batch: int = 64
    rate: float = 2e-3
    error: float = 0.05
    tries: int = 8
    width: int = 64
    layers: int = 2


def able_policy(
    task: Able, spec: str = "small", schooling: Schooling | None = None, seed: int = 0, *,
    progress: Callable[[int, int], None] | None = None,
) -> Policy:  # fmt: skip
    """A policy that can do what `able` asks, frozen.

    "small" is found in the cache by content. A language model's reference, made anew, is schooled
    by the same lessons in its own words.
    """
    schooling = schooling or Schooling()
    if spec != "small":
        policy = size_of(spec).reference(task, (), seed).requires_grad_(True)
        _school(policy, task, schooling, seed, progress)
        return policy.requires_grad_(False).eval()
    policy = SmallPolicy(task.vocabulary, task.longest, width=schooling.width,
                         layers=schooling.layers, seed=seed)  # fmt: skip
    # Its plain answers are few enough to be measured all; what else it says counts as nothing.
    policy.enumerable = answer_count(len(task.base.vocabulary.answer), task.longest) <= MOST
    settings = {"version": CACHE_VERSION, "words": task.vocabulary.words, "seed": seed,
                **task.settings, **asdict(schooling)}  # fmt: skip
    path = (
        cache_root() / f"able-policy-{content_key(settings, [task.reference().numpy()])[:32]}.npz"
    )
    state = {name: tuple(value.shape) for name, value in policy.state_dict().items()}
    stored = load_arrays(path, state)
    if stored is None:
        _school(policy, task, schooling, seed, progress)
        store_arrays(path, {name: value.numpy() for name, value in policy.state_dict().items()})
    else:
        policy.load_state_dict({name: torch.from_numpy(stored[name]) for name in state})
    return policy.requires_grad_(False).eval()


def _school(
    policy: Policy, task: Able, schooling: Schooling, seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:  # fmt: skip
    pace = Pace(schooling.steps, schooling.rate, every=schooling.steps)
    with one_thread():
        descend(_School(policy, task, schooling, seed), pace, lambda _: {}, progress=progress)


class Lesson(NamedTuple):
    """What is asked, and what should be said."""

    contexts: Int[Tensor, "rows before"]
    answers: Int[Tensor, "rows length"]


class _School:
    """What is learned, as the loop sees it: every step a batch of one of the skills, in turn."""

    def __init__(self, policy: Policy, task: Able, schooling: Schooling, seed: int) -> None:
        self.memory, self.task, self.schooling, self.seed = policy, task, schooling, seed

    @property
    def learner(self) -> Policy:
        """The policy."""
        return self.memory

    @property
    def identity(self) -> Mapping[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    def loss(self, step: int) -> Tensor:
        """−log π of what should be said."""
        skills = (lesson_plain, lesson_critique, lesson_revise, lesson_guided, lesson_revise,
                  lesson_long, lesson_critique, lesson_ask)  # fmt: skip
        draw = luck(self.seed, "school", step)
        lesson = skills[step % len(skills)](self.task, self.schooling, draw)
        return -self.memory.log_probs(lesson.contexts, lesson.answers)


def lesson_plain(task: Able, how: Schooling, draw: torch.Generator) -> Lesson:
    """Answers as they are."""
    prompts = _prompts(task, how.batch, draw)
    return Lesson(task.contexts(prompts), task.demonstrate(prompts, draw))


def lesson_critique(task: Able, how: Schooling, draw: torch.Generator) -> Lesson:
    """Whether a draft breaks a principle, as often yes as no where luck allows; sometimes wrong."""
    prompts, drafts, principles = drafted(task, how.batch, draw)
    broken = task.broken(prompts, drafts).gather(1, principles[:, None])[:, 0]
    wrong = torch.rand(len(prompts), generator=draw) < how.error
    words = torch.where(broken ^ wrong, task.vocabulary.id(YES), task.vocabulary.id(NO))
    return Lesson(task.about(prompts, drafts, principles, CRITIQUE), _alone(words, task.longest))


def lesson_revise(task: Able, how: Schooling, draw: torch.Generator) -> Lesson:
    """The first of some edits that keeps the principle; the draft, if it does or none was found."""
    prompts, drafts, principles = drafted(task, how.batch, draw)
    words, found = len(task.base.vocabulary.answer), drafts
    done = ~task.broken(prompts, drafts).gather(1, principles[:, None])[:, 0]
    for attempt in range(how.tries):
        tried = edited(drafts, words, draw)
        if attempt >= how.tries // 2:  # one edit did not do: two
            tried = edited(tried, words, draw)
        keeps = ~task.broken(prompts, tried).gather(1, principles[:, None])[:, 0]
        found = torch.where((keeps & ~done)[:, None], tried, found)
        done |= keeps
    return Lesson(task.about(prompts, drafts, principles, REVISE), found)


def lesson_guided(task: Able, how: Schooling, draw: torch.Generator) -> Lesson:
    """The demonstration, of some, that breaks the fewest of the principles named."""
    prompts = _prompts(task, how.batch, draw)
    size = len(task.constitution)
    named = torch.rand(how.batch, size, generator=draw) < torch.rand(how.batch, 1, generator=draw)
    shown = exemplars(task, how.batch, draw, how.tries)
    without = torch.rand(how.batch, generator=draw) < 0.3
    said = shown[1].masked_fill(without[:, None, None], PAD)
    contexts = task.guided(prompts, named, (shown[0], said))
    return Lesson(contexts, _best(task, prompts, named, how.tries, draw))


def lesson_long(task: Able, how: Schooling, draw: torch.Generator) -> Lesson:
    """The longest of some demonstrations."""
    prompts = _prompts(task, how.batch, draw)
    tried = task.demonstrate(prompts.repeat_interleave(how.tries), draw)
    said = (tried > END).sum(dim=1).view(-1, how.tries)
    picked = tried.view(len(prompts), how.tries, -1)[torch.arange(len(prompts)), said.argmax(dim=1)]
    return Lesson(task.controlled(prompts, LONG), picked)


def lesson_ask(task: Able, how: Schooling, draw: torch.Generator) -> Lesson:
    """A manner for a topic, each as likely."""
    topics = torch.randint(task.base.topics, (how.batch,), generator=draw)
    manners = torch.randint(task.base.manners, (how.batch,), generator=draw)
    first = task.vocabulary.id(NO) + 1
    return Lesson(task.asking(topics), _alone(first + manners, task.longest))


def exemplars(
    task: Able, rows: int, draw: torch.Generator, tries: int
) -> tuple[Int[Tensor, "rows exemplars"], Int[Tensor, "rows exemplars length"]]:
    """Prompts and answers that break few principles, to be shown."""
    prompts = _prompts(task, rows * EXEMPLARS, draw)
    every = torch.ones(len(prompts), len(task.constitution), dtype=torch.bool)
    said = _best(task, prompts, every, tries, draw)
    return prompts.view(rows, EXEMPLARS), said.view(rows, EXEMPLARS, -1)


def _best(
    task: Able, prompts: Tensor, named: Tensor, tries: int, draw: torch.Generator
) -> Int[Tensor, "rows length"]:
    """Of some demonstrations each, the first that breaks the fewest of the principles named."""
    several = prompts.repeat_interleave(tries)
    tried = task.demonstrate(several, draw)
    broken = task.broken(several, tried) & named.repeat_interleave(tries, dim=0)
    least = broken.sum(dim=1).view(-1, tries).argmin(dim=1)
    return tried.view(len(prompts), tries, -1)[torch.arange(len(prompts)), least]


def _prompts(task: Able, rows: int, draw: torch.Generator) -> Int[Tensor, "rows"]:
    return torch.randint(len(task.prompts), (rows,), generator=draw)


def drafted(
    task: Able, rows: int, draw: torch.Generator
) -> tuple[Int[Tensor, "rows"], Int[Tensor, "rows length"], Int[Tensor, "rows"]]:
    """Prompts, drafts, and a principle about each: half of the time one that is broken."""
    prompts = _prompts(task, rows, draw)
    drafts = task.demonstrate(prompts, draw)
    broken = task.broken(prompts, drafts).float()
    odds = torch.where(torch.rand(rows, 1, generator=draw) < 0.5, broken + 1e-6, 1.0)
    return prompts, drafts, odds.multinomial(1, generator=draw)[:, 0]


def _alone(words: Int[Tensor, "rows"], longest: int) -> Int[Tensor, "rows length"]:
    """Answers of one word."""
    answers = torch.full((len(words), longest), PAD)
    answers[:, 0] = words
    if longest > 1:
        answers[:, 1] = END
    return answers
