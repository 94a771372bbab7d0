"""The sparse learned judge in the judge's seat: pixels in, credences out.

The judge of Irving et al. 2018 (arXiv:1805.00899, section 3.2), trained on random nonzero pixels
(`sparse_net`). It sees what was revealed and nothing else. Where two or more answers are claimed,
its credences are shared among those, which is precommitment: the higher of the claimed logits wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oversight.core import OversightError, Turn, View
from oversight.data import PixelData
from oversight.judges.precommitment import among_claims, softmax
from oversight.judges.sparse_net import SparseNet
from oversight.judges.sparse_training import RECIPES, Recipe, cached_sparse_net
from oversight.registry import Setting
from oversight.reveal import AdditiveJudge, revealed
from oversight.spaces import Reply

EXPERT_STEPS = 1_000
"""Batches of whole images that an expert is trained on at least."""


class SparseJudge(AdditiveJudge):
    """Judges from k revealed pixels; given the whole image, as an expert trained on such."""

    def __init__(
        self, data: PixelData, pixels: int, *, seed: int = 0, recipe: Recipe | None = None
    ) -> None:
        """`pixels` is the number k that the judge is trained to see."""
        self.data = data
        self.pixels = pixels
        self.seed = seed
        self.recipe = recipe or RECIPES[data.name]

    @cached_property
    def net(self) -> SparseNet:
        """The trained net, read from the cache or trained now."""
        return cached_sparse_net(self.data, self.pixels, self.seed, recipe=self.recipe)

    @cached_property
    def expert_net(self) -> SparseNet:
        """The same net trained on whole images: what an expert of this kind believes.

        A whole image teaches more than k pixels of it, and costs more: fewer steps will do.
        """
        steps = min(self.recipe.steps, max(EXPERT_STEPS, self.recipe.steps // 30))
        recipe = replace(self.recipe, steps=steps)
        return cached_sparse_net(self.data, self.data.side**2, self.seed, recipe=recipe)

    @property
    def label(self) -> str:
        """The spec that makes this judge again: its training is part of what it is."""
        hidden, steps = self.recipe.hidden, self.recipe.steps
        return f"sparse:k={self.pixels},seed={self.seed},hidden={hidden},steps={steps}"

    @property
    def bias(self) -> NDArray[np.float32]:
        """(H,), see `AdditiveJudge`."""
        return self.net.bias

    @property
    def head(self) -> NDArray[np.float32]:
        """(C, H), see `AdditiveJudge`."""
        return self.net.head

    @property
    def head_bias(self) -> NDArray[np.float32]:
        """(C,), see `AdditiveJudge`."""
        return self.net.head_bias

    def rows(self, private: NDArray[np.float32]) -> NDArray[np.float32]:
        """(P, H) from an image (P,)."""
        return self.net.rows(private)

    def belief(self, private: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """(B, C) credences of the expert net, shown every nonzero pixel."""
        values = np.stack(private)
        pixels = np.where(values > 0, np.arange(values.shape[1]), -1)
        return softmax(self.expert_net.logits(values, pixels))

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Credences for each turn, from the pixels on its transcript."""
        if not turns:
            return []
        expert = [view.private is not None for view in (turn.view for turn in turns)]
        credences = np.empty((len(turns), len(self.head_bias)))
        for kind, believe in ((True, self._from_images), (False, self._from_pixels)):
            places = [place for place, seen in enumerate(expert) if seen is kind]
            if places:
                credences[places] = believe([turns[place].view for place in places])
        return [among_claims(row, turn.view) for row, turn in zip(credences, turns, strict=True)]

    def _from_images(self, views: Sequence[View]) -> NDArray[np.float64]:
        return self.belief([view.private for view in views])

    def _from_pixels(self, views: Sequence[View]) -> NDArray[np.float64]:
        seen = [revealed(view) for view in views]
        pixels = np.full((len(views), max(map(len, seen))), -1)
        values = np.zeros((len(views), self.data.side**2), np.float32)
        for place, reveals in enumerate(seen):
            for slot, reveal in enumerate(reveals):
                pixels[place, slot] = reveal.move
                values[place, reveal.move] = reveal.value
        return softmax(self.net.logits(values, pixels))


def sparse(
    setting: Setting,
    k: int | None = None,
    seed: int = 0,
    hidden: int | None = None,
    steps: int | None = None,
) -> SparseJudge:
    """`sparse[:k]`: a sparse judge for the world it is seated in."""
    own: Any = setting.world.judge()
    if not isinstance(own, SparseJudge):
        raise OversightError(
            f"the sparse judge reads pixels and {setting.world.name} has none; "
            "use it on digits or mnist"
        )
    usual = RECIPES[own.data.name]
    recipe = Recipe(hidden or usual.hidden, steps or usual.steps, usual.batch, usual.lr)
    return SparseJudge(own.data, own.pixels if k is None else k, seed=seed, recipe=recipe)
