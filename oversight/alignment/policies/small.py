"""A small transformer trained from scratch: a policy that reads its context and generalises.

Its reference is distilled from the task's own, once: the cache remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from oversight.alignment.luck import luck
from oversight.alignment.policy import Policy
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import PAD, Vocabulary, answer_count
from oversight.cache_dir import cache_root
from oversight.judges.array_cache import content_key, load_arrays, store_arrays
from oversight.threads import one_thread
from oversight.training.descent import Pace, descend
from oversight.training.transformer import Layer

MOST = 4096
"""Answers that there may be for a policy to be asked for each."""
CACHE_VERSION = 1  # raise it when distilling changes in a way that the recipe does not show
ROWS = 64
"""Demonstrations a step, where answers are too many to go through."""
PROMPTS = 8
"""Prompts a step, where they are not."""


class SmallPolicy(Policy):
    """A causal transformer over contexts and answers, in single precision.

    Tokens are embedded with where they stand, `PAD` not counted; attention never sees `PAD`, so
    that it may stand anywhere in a context. Positions are sinusoids: contexts may be of any length.
    """

    size = "small"

    def __init__(
        self, vocabulary: Vocabulary, longest: int, *,
        width: int = 64, layers: int = 2, heads: int = 4, seed: int = 0,
    ) -> None:  # fmt: skip
        """Weights as torch begins them, by `seed`; PyTorch's own luck is left alone."""
        super().__init__(vocabulary, longest)
        self.enumerable = answer_count(len(vocabulary.answer), longest) <= MOST
        self.width = width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.table = nn.Embedding(len(vocabulary.words) + 1, width)  # the last: answer now
            self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, len(vocabulary.answer))

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """In one pass over the context, a sign that the answer follows, and the answer."""
        length = contexts.shape[1] + answers.shape[1]
        before = torch.ones(length, length, dtype=torch.bool).tril()
        tokens = torch.cat([contexts, self._sign(contexts), answers[:, :-1]], dim=1)
        places = (tokens != PAD).long().cumsum(dim=1)
        return self._read(tokens, places, before)[:, contexts.shape[1] :]

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """All beginnings in one pass over each context: a token sees those that it goes on from."""
        rows, start, size = len(contexts), contexts.shape[1], len(nodes)
        depth = (nodes != PAD).sum(dim=1)
        last = nodes.gather(1, (depth - 1).clamp(min=0)[:, None])[:, 0].expand(rows, -1)
        last = torch.where(depth == 0, self._sign(contexts), last)
        before = torch.ones(start + size, start + size, dtype=torch.bool).tril()
        before[start:, start:] = ((nodes == nodes[:, None]) | (nodes == PAD)).all(dim=-1)
        real = contexts != PAD
        places = torch.cat([real.long().cumsum(dim=1), real.sum(dim=1)[:, None] + 1 + depth], dim=1)
        return self._read(torch.cat([contexts, last], dim=1), places, before)[:, start:]

    def _sign(self, contexts: Tensor) -> Tensor:
        return torch.full((len(contexts), 1), len(self.vocabulary.words))

    def _read(self, tokens: Tensor, places: Tensor, before: Tensor) -> Tensor:
        """(B, T, A) what comes next; a token sees what is `before` it, (T, T), and no padding."""
        mask = before & (tokens != PAD)[:, None] | torch.eye(len(before), dtype=torch.bool)
        stream = self.table(tokens.clamp(min=0)) + _sinusoids(places, self.width)
        for layer in self.layers:
            stream = cast(Layer, layer)(stream, mask[:, None])
        return self.head(self.norm(stream)).log_softmax(dim=-1)


def _sinusoids(places: Int[Tensor, "batch length"], width: int) -> Float[Tensor, "b l width"]:
    """Sines and cosines of places, with periods from 2π up to 2π·1000."""
    rates = 1000.0 ** -(torch.arange(0, width, 2) / width)
    angles = places[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


@dataclass(frozen=True)
class Small:
    """How a small reference is made.

    Attributes:
        width: of the stream; a multiple of 8.
        layers: of attention.
        steps: of the distillation.
        rate: Adam's learning rate there.
    """

    width: int = 64
    layers: int = 2
    steps: int = 400
    rate: float = 2e-3
    learning_rate = 1e-3  # for what is trained from it

    def reference(self, task: Task, controls: Sequence[str], seed: int) -> SmallPolicy:
        """The policy of `small_reference`."""
        return small_reference(task, seed, self, controls=controls).policy


class Distilled(NamedTuple):
    """A small policy and how near it came."""

    policy: SmallPolicy
    kl: float
    """KL(the task's reference ‖ the policy), nats, mean over prompts; NaN where answers are too
    many to go through."""


def small_reference(
    task: Task, seed: int = 0, recipe: Small | None = None, *, controls: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Distilled:  # fmt: skip
    """A small policy that answers as the task's reference does, whatever single control is named.

    Distilled by exact cross-entropy over all answers; where those are more than `MOST`, fine-tuned
    on the task's demonstrations. Found in the cache by content: the target (or the demonstrations),
    the words, the recipe, the seed.
    """
    recipe = recipe or Small()
    vocabulary = task.vocabulary.with_controls(controls)
    policy = SmallPolicy(
        vocabulary, task.longest, width=recipe.width, layers=recipe.layers, seed=seed
    )
    lesson = _Lesson(policy, task, controls, seed)
    settings = {"version": CACHE_VERSION, "words": vocabulary.words, "longest": task.longest,
                "seed": seed, "prompts": task.prompts, **asdict(recipe)}  # fmt: skip
    key = content_key(settings, lesson.evidence)
    path = cache_root() / f"small-policy-{key[:32]}.npz"
    state = {name: tuple(value.shape) for name, value in policy.state_dict().items()}
    stored = load_arrays(path, state)
    if stored is None:
        with one_thread():
            pace = Pace(recipe.steps, recipe.rate, every=recipe.steps)
            descend(lesson, pace, lambda _: {}, progress=progress)
        store_arrays(path, {name: value.numpy() for name, value in policy.state_dict().items()})
    else:
        policy.load_state_dict({name: torch.from_numpy(stored[name]) for name in state})
    return Distilled(policy, lesson.divergence())


class _Lesson:
    """What a small reference learns, as the loop sees it."""

    def __init__(self, policy: SmallPolicy, task: Task, controls: Sequence[str], seed: int) -> None:
        self.memory, self.task, self.seed = policy, task, seed
        named = policy.vocabulary.within(controls)
        self.after = torch.tensor([PAD, *named], dtype=torch.long)[:, None]
        if policy.enumerable:
            self.target = task.reference().float()
            self.evidence = (self.target.numpy(),)
        else:
            prompts, answers = self._demonstrated(0)
            self.target, self.evidence = None, (prompts.numpy(), answers.numpy())

    @property
    def learner(self) -> SmallPolicy:
        """The policy."""
        return self.memory

    @property
    def identity(self) -> Mapping[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    def loss(self, step: int) -> Tensor:
        """Cross-entropy, each prompt with one of the controls or none."""
        draw = self._draw("controls", step)
        if self.target is None:
            prompts, answers = self._demonstrated(step)
            return -self.memory.log_probs(self._contexts(prompts, draw), answers)
        prompts = torch.randperm(len(self.task.prompts), generator=draw)[:PROMPTS]
        log = self.memory.distribution(self._contexts(prompts, draw), self.task.answers)
        return -(self.target[prompts].exp() * log).sum(dim=1)

    def divergence(self) -> float:
        """KL from the target, over prompts and controls."""
        if self.target is None:
            return float("nan")
        prompts = torch.arange(len(self.task.prompts)).repeat(len(self.after))
        after = self.after.repeat_interleave(len(self.task.prompts), dim=0)
        with torch.no_grad(), one_thread():
            contexts = self.task.contexts(prompts, after)
            log = self.memory.distribution(contexts, self.task.answers)
        target = self.target[prompts]
        return float((target.exp() * (target - log)).sum(dim=1).mean())

    def _contexts(self, prompts: Tensor, draw: torch.Generator) -> Tensor:
        which = torch.randint(len(self.after), (len(prompts),), generator=draw)
        return self.task.contexts(prompts, self.after[which])

    def _demonstrated(self, step: int) -> tuple[Tensor, Tensor]:
        draw = self._draw("demonstrations", step)
        prompts = torch.randint(len(self.task.prompts), (ROWS,), generator=draw)
        return prompts, self.task.demonstrate(prompts, draw)

    def _draw(self, *name: object) -> torch.Generator:
        return luck(self.seed, "small", *name)
