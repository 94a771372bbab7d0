"""What novice and assistant should reach together, over everything that is not known.

One row of the table is one draw of the unknowns. Abilities are fitted to the published accuracies
of each party alone, kinship (how alike novices err) to the vote of novices alone; the joint
accuracy is then closed-form, the vote's a simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from envs.worlds.exams import PUBLISHED
from experiments.bowman2022.published import ROUNDING, TOGETHER
from oversight import keys
from oversight.computed import computed
from oversight.exams.items import (
    CHOICES,
    GRADES,
    Weighing,
    ability_for,
    accuracy,
    eases,
    vote_accuracy,
    weighed_ability,
)
from oversight.metrics.scores import Floats
from oversight.study import Job

ITEMS = 3_000
"""Items that a vote is simulated on: under a point of Monte Carlo error, well inside the range."""
HALVINGS = 8
"""Of [0, 1] to find kinship: to 1/256, finer than the Monte Carlo error resolves."""
VOTERS = (3, 5)


class Unknowns(NamedTuple):
    """One draw of what the paper does not tell."""

    correlation: float
    spread: float
    novice: float
    """Accuracies alone, as shares; published ones within their rounding."""
    assistant: float
    expert: float
    vote: float
    weight: float
    """What the novice gives its own evidence, a multiple of what would be right if the two erred
    independently."""
    voters: int


def draw(fit: str, key: int) -> Unknowns:
    """The unknowns of one draw, from the ranges that the notes of the experiment state."""
    drawn = keys.generator(key)
    alone = PUBLISHED[fit]

    def rounded(percent: float) -> float:
        return (percent + drawn.uniform(-ROUNDING, ROUNDING)) / 100

    return Unknowns(
        correlation=drawn.uniform(0, 0.5),
        spread=drawn.uniform(0, 1),
        novice=rounded(alone.novice),
        assistant=rounded(drawn.uniform(alone.single, alone.best_of_20)),
        expert=rounded(alone.expert),
        vote=rounded(TOGETHER[fit].vote),
        weight=float(np.exp(drawn.uniform(-np.log(2), np.log(2)))),
        voters=int(drawn.choice(VOTERS)),
    )


class Noise(NamedTuple):
    """Standard normal noise on simulated items, choice 0 the right one."""

    grade: NDArray[np.int64]  # (N,)
    shared: Floats  # (N, C), what novices share
    assistant: Floats  # (N, C), the assistant's own
    own: Floats  # (N, K, C), each novice's own


@lru_cache(maxsize=4)
def noise(seed: int, voters: int) -> Noise:
    """The same items for every draw, so that draws differ by their unknowns alone."""
    drawn = keys.generator(keys.root(seed, "votes", voters))
    return Noise(
        drawn.integers(GRADES, size=ITEMS),
        drawn.standard_normal((ITEMS, CHOICES)),
        drawn.standard_normal((ITEMS, CHOICES)),
        drawn.standard_normal((ITEMS, voters, CHOICES)),
    )


class Crowd(NamedTuple):
    """Novices on simulated items."""

    noise: Noise
    ease: Floats  # (N,)
    ability: float

    def evidence(self, kinship: float) -> Floats:
        """(N, K, C) what each novice sees."""
        shared = kinship**0.5 * self.noise.shared[:, None]
        seen = shared + (1 - kinship) ** 0.5 * self.noise.own
        seen[:, :, 0] += self.ability * self.ease[:, None]
        return seen

    def vote(self, kinship: float) -> float:
        """How often the vote of novices alone is right; falls as kinship rises."""
        return float(vote_accuracy(self.evidence(kinship).argmax(axis=2)).mean())

    def kinship_for(self, share: float) -> float:
        """The kinship in [0, 1] at which the vote is right this often, or the nearest end."""
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.vote(middle) > share else (low, middle)
        return (low + high) / 2


def crowd(seed: int, voters: int, ability: float, spread: float) -> Crowd:
    """Novices of an ability."""
    items = noise(seed, voters)
    return Crowd(items, eases(spread)[items.grade], ability)


def predicted(unknowns: Unknowns, seed: int) -> Mapping[str, float]:
    """Accuracies, as shares, under one draw of the unknowns."""
    spread = unknowns.spread
    novice, assistant = (ability_for(s, spread) for s in (unknowns.novice, unknowns.assistant))
    novices = crowd(seed, unknowns.voters, novice, spread)
    kinship = novices.kinship_for(unknowns.vote)
    # novices that share little noise with each other can share no more with the assistant
    correlation = min(unknowns.correlation, kinship**0.5)
    weighing = Weighing(unknowns.weight * novice, assistant)
    joint = accuracy(weighed_ability(novice, assistant, correlation, weighing), spread)
    return {
        "joint": joint,
        "vote": _joint_vote(novices, kinship, assistant, correlation, weighing),
        "pgr": (joint - unknowns.novice) / (unknowns.expert - unknowns.novice),
        "kinship": kinship,
    }


def _joint_vote(
    novices: Crowd, kinship: float, ability: float, correlation: float, weighing: Weighing
) -> float:
    tie = correlation / kinship**0.5 if kinship else 0.0
    heard = tie * novices.noise.shared + (1 - tie**2) ** 0.5 * novices.noise.assistant
    heard[:, 0] += ability * novices.ease
    own = novices.evidence(kinship)
    pooled = weighing.own * own + weighing.assistant * heard[:, None]
    return float(vote_accuracy(pooled.argmax(axis=2)).mean())


def predictions(job: Job, fit: str, draws: int) -> pd.DataFrame:
    """A row a draw, computed or read back."""

    def row(number: int) -> Mapping[str, Any]:
        unknowns = draw(fit, keys.root(job.seed, "unknowns", fit, number))
        return {**unknowns._asdict(), **predicted(unknowns, job.seed)}

    return computed(
        job.out / f"predictions-{fit}",
        {"fit": fit, "seed": job.seed, "items": ITEMS, "halvings": HALVINGS},
        row,
        draws,
        processes=job.processes,
        progress=job.progress,
    )


def all_or_none(novice: float, assistant: float) -> float:
    """The joint accuracy if each party knows an item or guesses, independently of the other.

    Accuracy p of one party means that it knows a share (p − ¼)/¾; together they miss what neither
    knows, and guess a quarter of that right.
    """
    unknown = 1.0
    for share in (novice, assistant):
        unknown *= (1 - share) / (1 - 1 / CHOICES)
    return 1 - unknown * (1 - 1 / CHOICES)
