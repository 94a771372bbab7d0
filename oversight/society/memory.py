"""What members remember of themselves: for each question the last answer they gave, and its rating.

A question is recalled by likeness: the nearest one that the member has met, if its cosine distance
is under a threshold (Liu et al. 2023 keep question and answer and recall by the distance of their
embeddings; here of the weighed words of the prompts).

Deviations: the authors' code keeps the first answer to a question; here the last one is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.alignment.task import Task

NOTHING = -1


class Asked(NamedTuple):
    """Members and what they are asked."""

    members: NDArray[np.int64]
    prompts: NDArray[np.int64]
    like: NDArray[np.int64]
    """(B,) the question that comes to mind; `NOTHING`."""
    recalled: NDArray[np.int64]
    """(B,) what was answered to it; `NOTHING`."""


class Memory(NamedTuple):
    """Everybody's internal memory."""

    answers: NDArray[np.int16]
    """(N, P) numbers into `Task.answers`; `NOTHING` where a question was not met."""
    ratings: NDArray[np.float32]
    """(N, P) what they were given, 1 … 7; NaN."""

    @staticmethod
    def empty(members: int, prompts: int) -> Memory:
        """Nothing met yet."""
        shape = members, prompts
        return Memory(np.full(shape, NOTHING, np.int16), np.full(shape, np.nan, np.float32))

    def recalled(
        self, members: NDArray[np.int64], prompts: NDArray[np.int64], near: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """(B,) the question that comes to mind, or `NOTHING`; `near` as `nearest` gives it."""
        found = np.full(len(members), NOTHING, np.int64)
        for rank in range(near.shape[1]):
            like = near[prompts, rank]
            met = (like != NOTHING) & (self.answers[members, like] != NOTHING)
            found = np.where((found == NOTHING) & met, like, found)
        return found

    def keep(
        self, members: NDArray[np.int64], prompts: NDArray[np.int64],
        answers: NDArray[np.int64], ratings: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Put answers in the place of what was there."""
        self.answers[members, prompts] = answers
        self.ratings[members, prompts] = ratings


@lru_cache(16)
def nearest(task: Task, threshold: float) -> NDArray[np.int64]:
    """(P, R) the prompts nearer to each than a cosine distance, the nearest first, itself included.

    Prompts are the words that they are made of, weighed by how rare they are; `NOTHING` fills up.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    said = [task.vocabulary.read(prompt) for prompt in task.prompts]
    weighed = TfidfVectorizer(token_pattern=r"\S+").fit_transform(said).toarray()
    distance = 1 - weighed @ weighed.T
    np.fill_diagonal(distance, -1)  # whatever the threshold, a question is like itself
    order = distance.argsort(axis=1, kind="stable")
    close = np.take_along_axis(distance, order, axis=1) < threshold
    return np.where(close, order, NOTHING)[:, : max(1, int(close.sum(axis=1).max()))]
