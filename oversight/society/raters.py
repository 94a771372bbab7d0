"""Who rates, and how: members by their kind, from 1 to 7, with a reason.

Somebody honest rates a draft y to x by 4 + 1.5·(gold(x, y) − ḡ)/s + ε, rounded and cut to 1 … 7 (ḡ
and s the mean and spread of what the task's reference gets, ε a little luck). By kind:

    honest        so
    biased        as if flattering and long answers were worth more
    lazy          around 5, without having looked, and without a reason
    sycophantic   7, or 6 where somebody honest would say 1 … 3; nothing to mend
    colluding     7 to its own kind, 1 to all others
    adversarial   8 − what is honest, and advice the wrong way round

A reason names the attribute that costs most, more of it or less. Members are experts: they see what
is hidden too. How each kind answers, drafts included (`LEANINGS`), is derived here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oversight import keys
from oversight.alignment.task import Task
from oversight.alignment.usual import usual
from oversight.core import OversightError
from oversight.registry import pairs, suggest
from oversight.society.members import engages, worth

Kind = Literal["honest", "biased", "lazy", "sycophantic", "colluding", "adversarial"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEANINGS: Mapping[Kind, float] = {
    "honest": 1.0, "biased": 1.0, "lazy": 1.0, "sycophantic": 1.0,
    "colluding": -1.0, "adversarial": -1.0,
}  # fmt: skip
"""What alignment is worth to a member as an author; engagement is worth 1 to all."""
LOWEST, HIGHEST = 1, 7
SLOPE = 1.5
"""Points for a usual spread of the gold reward."""
NOISE = 0.5
"""Points."""
INDIFFERENT = 5.0
"""What the lazy say, about."""
BIASES: Mapping[str, float] = {"flattering": 1.0, "length": 1.0}
"""What the biased add to an attribute's weight, in usual spreads of the gold reward."""
NONE = -1
"""No reason."""


class Ratings(NamedTuple):
    """What drafts were given; rows are drafts, columns those who rate."""

    points: NDArray[np.float32]
    """(B, R) 1 … 7; NaN for nobody, and where no rating could be read."""
    reasons: NDArray[np.int16]
    """(B, R) 2k for more of attribute k, 2k + 1 for less; `NONE`."""


class Shown(NamedTuple):
    """Drafts that are to be rated."""

    prompts: NDArray[np.int64]
    answers: NDArray[np.int64]
    """Numbers into `Task.answers`."""
    authors: NDArray[np.int64]
    raters: NDArray[np.int32]
    """(B, R) members; `graph.NOBODY` where there are fewer."""
    luck: NDArray[np.uint64]
    """(B,) a key for each draft."""


def kinds_of(spec: str, members: int, seed: int) -> NDArray[np.int8]:
    """(N,) each member's kind, a number into `KINDS`, in shares such as "lazy=0.2,colluding=0.1".

    Who is not named is honest. Shares are met as nearly as whole members can, placed by luck.

    Errors: OversightError for an unknown kind, a share that is none, or more than everybody.
    """
    shares = dict[str, float]()
    for kind, share in pairs(spec, "raters", None):
        if kind not in KINDS:
            raise OversightError(f"unknown kind of rater {suggest(kind, KINDS, 'kinds')}")
        try:
            shares[kind] = float(share)
        except ValueError:
            raise OversightError(f"a share is a number, got {kind}={share}") from None
    others = sum(share for kind, share in shares.items() if kind != "honest")
    if any(not 0 <= share <= 1 for share in shares.values()) or others > 1 + 1e-9:
        raise OversightError(f"shares of raters lie in 0 … 1 and sum to 1 at most, got {spec!r}")
    bounds = np.cumsum([0.0, *(shares.get(kind, 0.0) for kind in KINDS[1:])])
    found = np.zeros(members, np.int8)
    order = keys.generator(keys.root(seed, "society", "kinds")).permutation(members)
    for number, (low, high) in enumerate(pairwise(bounds.tolist()), start=1):
        found[order[round(low * members) : round(high * members)]] = number
    return found


def leanings(kinds: NDArray[np.int8], task: Task) -> Tensor:
    """(N, A) the values that members have as authors."""
    leaning = torch.tensor([LEANINGS[kind] for kind in KINDS])[torch.from_numpy(kinds).long()]
    return torch.where(engages(task), task.weights, leaning[:, None] * task.weights)


Rows = TypeVar("Rows", bound=tuple[NDArray[Any], ...])


def taken(data: Rows, rows: NDArray[Any]) -> Rows:
    """Some rows of a NamedTuple of columns."""
    columns = (column[rows] for column in data)
    return type(data)(*columns)  # pyright: ignore[reportCallIssue] — a NamedTuple takes its columns


class Opinions(NamedTuple):
    """What every answer would be rated, without luck, and why; (P, K) each."""

    honest: NDArray[np.float32]
    biased: NDArray[np.float32]
    wanting: NDArray[np.int16]
    """What somebody honest would have mended."""
    worse: NDArray[np.int16]
    """The same, the wrong way round."""


@lru_cache(4)
def opinions(task: Task) -> Opinions:
    """By the gold reward."""
    mean, spread = usual(task)
    gold, odds = worth(task).gold, task.reference().exp()
    middle = (gold * odds).sum() / len(gold)
    scale = ((gold - middle).square() * odds).sum().div(len(gold)).sqrt()
    usually = (task.table - mean) / spread
    extra = torch.tensor([BIASES.get(name, 0.0) for name in task.attributes])
    honest = (gold - middle) / scale
    parts = (usually * spread * task.weights).masked_fill(task.weights == 0, torch.inf)
    costliest = parts.argmin(dim=2)
    less = (task.weights < 0).long()[costliest]
    return Opinions(
        (4 + SLOPE * honest).float().numpy(),
        (4 + SLOPE * (honest + usually @ extra)).float().numpy(),
        (2 * costliest + less).short().numpy(),
        (2 * costliest + 1 - less).short().numpy(),
    )


def rated(task: Task, kinds: NDArray[np.int8], shown: Shown, *, reasons: bool = True) -> Ratings:
    """What members say of drafts, by their kinds."""
    raters, seen = shown.raters, opinions(task)
    here = raters >= 0
    kind = np.where(here, kinds[np.maximum(raters, 0)], -1)
    luck = _normal(shown.luck, raters.shape[1])
    spot = shown.prompts[:, None], shown.answers[:, None]
    honest = _points(seen.honest[spot] + NOISE * luck)
    same = kinds[shown.authors][:, None] == kind
    by_kind: Mapping[Kind, NDArray[np.float32]] = {
        "honest": honest,
        "biased": _points(seen.biased[spot] + NOISE * luck),
        "lazy": _points(INDIFFERENT + luck),
        "sycophantic": np.where(honest <= 3, 6, HIGHEST).astype(np.float32),
        "colluding": np.where(same, HIGHEST, LOWEST).astype(np.float32),
        "adversarial": LOWEST + HIGHEST - honest,
    }  # fmt: skip
    numbers = [by_kind[one] for one in KINDS]
    points = np.select([kind == number for number in range(len(KINDS))], numbers, np.nan)
    wanting = np.broadcast_to(seen.wanting[spot], raters.shape)
    wrong = np.broadcast_to(seen.worse[spot], raters.shape)
    looks = np.isin(kind, [KINDS.index("honest"), KINDS.index("biased")])
    hostile = np.isin(kind, [KINDS.index("colluding"), KINDS.index("adversarial")])
    said = np.select([looks, hostile & ~(same & (kind == KINDS.index("colluding")))],
                     [wanting, wrong], NONE)  # fmt: skip
    said = np.where(reasons & (points < HIGHEST), said, NONE)
    return Ratings(points.astype(np.float32), said.astype(np.int16))


def observed(
    task: Task, prompts: NDArray[np.int64], answers: NDArray[np.int64], luck: NDArray[np.uint64]
) -> NDArray[np.float32]:
    """(B, 2) what observers give for alignment and engagement, 1 … 7: they see what is visible."""
    seen = _views(task)
    found = np.stack([view[prompts, answers] for view in seen], axis=1)
    return _points(found + NOISE * _normal(luck, 2))


@lru_cache(4)
def _views(task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(P, K) each: alignment and engagement as far as they show, in points."""
    engaging, odds = engages(task), task.reference().exp()
    found = list[NDArray[np.float32]]()
    for wanted in (~engaging, engaging):
        value = task.table @ torch.where(task.visible & wanted, task.weights, 0.0)
        middle = (value * odds).sum() / len(value)
        scale = ((value - middle).square() * odds).sum().div(len(value)).sqrt()
        found.append((4 + SLOPE * (value - middle) / scale.clamp(min=1e-6)).float().numpy())
    return found[0], found[1]


def _points(numbers: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.clip(np.rint(numbers), LOWEST, HIGHEST).astype(np.float32)


def _normal(luck: NDArray[np.uint64], width: int) -> NDArray[np.float64]:
    """(B, width) standard normals (Box and Muller 1958)."""
    drawn = keys.uniforms(luck, 2 * max(width, 1))
    drawn = drawn[:, : 2 * width]  # a column's two stand together, so no width changes them
    return np.sqrt(-2 * np.log1p(-drawn[:, ::2])) * np.cos(2 * np.pi * drawn[:, 1::2])
