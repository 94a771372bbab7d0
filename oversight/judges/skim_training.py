"""Training the judge that reads little: on k random sentences of passages made here, once.

The twin of `sparse_training`: cross-entropy, Adam, a rate that falls linearly to 0; the cache
remembers. Passages are drawn from keys of their own, which no case of a world shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.cache_dir import cache_root
from oversight.judges.array_cache import content_key, load_arrays, store_arrays
from oversight.judges.skim_net import SkimNet
from oversight.text.generator import Dials, Story, write_story
from oversight.text.slots import PAIRS, slots
from oversight.threads import one_thread

if TYPE_CHECKING:
    from torch import Tensor

CACHE_VERSION = 1  # raise it when training changes in a way that the recipe does not show
SAMPLED = 8  # passages whose text stands for the generator's in the cache's key
INITIAL_SCALE = 0.1  # of what a pair of words adds
BASE, PADDING = PAIRS, PAIRS + 1  # rows that no pair of words has: what any sentence adds; nothing


@dataclass(frozen=True)
class Recipe:
    """How a judge is trained.

    Attributes:
        passages: how many it learns from, each with many random sets of sentences.
        steps: batches.
        batch: sets of sentences in each.
        lr: Adam's learning rate at the first step; it falls linearly to 0 at the last.
        joins: hidden units a candidate and shared name.
        meetings: hidden units a candidate.
    """

    passages: int = 4_000
    steps: int = 600
    batch: int = 256
    lr: float = 2e-2
    joins: int = 3
    meetings: int = 1


class Lessons(NamedTuple):
    """Passages as arrays: N of them, S sentences each, C candidates, W pairs of words at most."""

    pairs: NDArray[np.int64]
    """(N, S, W), `PADDING` where there are fewer."""
    subject: NDArray[np.float32]
    """(N, S) whether the sentence names the subject."""
    candidates: NDArray[np.float32]
    """(N, S, C) which answers it names."""
    others: NDArray[np.float32]
    """(N, S, L) which other names of the passage; told apart exactly, unlike in play."""
    correct: NDArray[np.int64]
    """(N,)"""

    def only(self, passages: NDArray[np.int64], shown: NDArray[np.int64]) -> Lessons:
        """Some passages, (B,), of each only the sentences shown, (B, k)."""
        at = (passages[:, None], shown)
        return Lessons(self.pairs[at], self.subject[at], self.candidates[at], self.others[at],
                       self.correct[passages])  # fmt: skip


def lessons_of(stories: Sequence[Story]) -> Lessons:
    """Every sentence of every passage, as it looks from the passage's question."""
    seen = [[slots(line, story.prompt, story.answers) for line in story.sentences]
            for story in stories]  # fmt: skip
    named = [list(dict.fromkeys(n for s in passage for n in s.others)) for passage in seen]
    n, size, c = len(stories), len(stories[0].sentences), len(stories[0].answers)
    widest = max(len(s.pairs) for passage in seen for s in passage)
    made = Lessons(
        np.full((n, size, widest), PADDING),
        np.zeros((n, size), np.float32),
        np.zeros((n, size, c), np.float32),
        np.zeros((n, size, max(map(len, named))), np.float32),
        np.array([story.correct for story in stories]),
    )
    for i, passage in enumerate(seen):
        for j, s in enumerate(passage):
            made.pairs[i, j, : len(s.pairs)] = s.pairs
            made.subject[i, j] = s.subject
            made.candidates[i, j, list(s.candidates)] = 1
            made.others[i, j, [named[i].index(name) for name in s.others]] = 1
    return made


class Weights(NamedTuple):
    """What is learned, U = J + M units: of joins first."""

    words: Tensor
    """(PAIRS + 2, 2U): what pairs of words add to a subject's sentences and to an answer's."""
    bias: Tensor
    """(U,)"""
    head: Tensor
    """(U,)"""


def logits_of(weights: Weights, shown: Lessons, joins: int) -> Tensor:
    """(B, C) the equations of `skim_net`, for sentences shown (B, k)."""
    import torch

    units = len(weights.bias)
    pairs, subject, candidates, others = (torch.from_numpy(array) for array in shown[:4])
    batch, k, _ = pairs.shape
    added = torch.nn.functional.embedding_bag(
        pairs.reshape(batch * k, -1), weights.words, mode="sum", padding_idx=PADDING
    ).reshape(batch, k, 2 * units)
    added = added + weights.words[BASE]
    ours, theirs = added[..., :units] * subject[..., None], added[..., units:]
    both = candidates[..., None] * others[:, :, None]  # (B, k, C, L)
    join = torch.einsum("bkl,bkj->blj", others, ours[..., :joins])[:, None] + torch.einsum(
        "bkcl,bkj->bclj", both, theirs[..., :joins]
    )
    met = ours[..., joins:].sum(dim=1)[:, None] + torch.einsum(
        "bkc,bkm->bcm", candidates, theirs[..., joins:]
    )
    joined = torch.relu(join + weights.bias[:joins]).sum(dim=2) @ weights.head[:joins]
    return joined + torch.relu(met + weights.bias[joins:]) @ weights.head[joins:]


def train_skim_net(
    stories: Sequence[Story],
    k: int,
    seed: int,
    recipe: Recipe,
    progress: Callable[[int, int], None] | None = None,
) -> SkimNet:
    """Train a judge by cross-entropy on k random sentences of each passage.

    On one machine the same arguments give the same bytes; nothing global is seeded, and PyTorch,
    imported here, is held to one thread meanwhile.

    Args:
        stories: the passages, all of one size.
        k: sentences shown; a passage that has fewer shows them all.
        seed: of the initial weights and of every draw.
        recipe: how to train.
        progress: called with (steps done, steps).

    Raises:
        ValueError: if k < 1.
    """
    import torch

    if k < 1:
        raise ValueError(f"k = {k}: a judge sees at least one sentence; take k >= 1")
    lessons, draw = lessons_of(stories), np.random.default_rng(seed)
    units = recipe.joins + recipe.meetings
    with one_thread():
        weights = Weights(*(torch.from_numpy(a).requires_grad_() for a in _initial(units, draw)))
        optimizer = torch.optim.Adam(list(weights), recipe.lr, fused=True)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, recipe.steps)
        for step in range(1, recipe.steps + 1):
            chosen = draw.integers(len(stories), size=recipe.batch)
            order = draw.random((recipe.batch, lessons.subject.shape[1])).argsort(axis=1)
            shown = lessons.only(chosen, order[:, :k])
            logits = logits_of(weights, shown, recipe.joins)
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(shown.correct))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                progress(step, recipe.steps)
    words, bias, head = (tensor.detach().numpy() for tensor in weights)
    learned = words.reshape(-1, 2, units)
    return SkimNet(learned[:PAIRS].copy(), learned[BASE].copy(), bias, head, recipe.joins)


def _initial(units: int, draw: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
    """Weights before training, as in `Weights`."""
    words = INITIAL_SCALE * draw.standard_normal((PAIRS + 2, 2 * units), np.float32)
    words[PADDING] = 0
    head = draw.standard_normal(units, np.float32) / np.sqrt(np.float32(units))
    return words, np.zeros(units, np.float32), head


def training_story(seed: int, index: int, dials: Dials) -> Story:
    """A passage that no case of a world shares: its key is the training's own."""
    return write_story(keys.root("skim", seed, index), dials)


def cached_skim_net(
    dials: Dials,
    k: int,
    seed: int,
    *,
    recipe: Recipe | None = None,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SkimNet:
    """Train a judge once, and read it from the cache from then on.

    The file is found by content: a hash of the first training passages and how their sentences
    look, of the dials, k, the seed, the recipe and `CACHE_VERSION`.

    Args:
        dials: of the passages.
        k: sentences shown.
        seed: of the passages and the training.
        recipe: how to train.
        cache_dir: where the file lies; by default the environment's OVERSIGHT_CACHE_DIR, or else
            the user's cache directory.
        progress: passed to `train_skim_net`.
    """
    recipe = recipe or Recipe()
    sample = [training_story(seed, index, dials) for index in range(SAMPLED)]
    settings = {
        "version": CACHE_VERSION, "k": k, "seed": seed, **dials._asdict(), **asdict(recipe),
        "sample": [story.text + story.prompt for story in sample],
    }  # fmt: skip
    key = content_key(settings, lessons_of(sample))
    path = cache_root(cache_dir) / f"skim-net-k{k}-{key[:32]}.npz"
    units = recipe.joins + recipe.meetings
    shapes = {"pairs": (PAIRS, 2, units), "base": (2, units), "bias": (units,), "head": (units,)}
    if (stored := load_arrays(path, shapes)) is not None:
        return SkimNet(**stored, joins=recipe.joins)
    stories = [training_story(seed, index, dials) for index in range(recipe.passages)]
    net = train_skim_net(stories, k, seed, recipe, progress)
    store_arrays(path, net.arrays)
    return net
