"""Sets of moves in colexicographic order, and the sums of their rows.

A set {s_1 < … < s_d} has rank Σ C(s_i, i). So the sets that share all but their least element have
consecutive ranks, share one sum of rows, and differ by one row: they are valued as a run.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.search.game import BLOCK, RevealGame


class Judge(NamedTuple):
    """A game's weights laid out for the solvers; `game.four_leads` reads it as it reads a game."""

    rows: NDArray[np.float32]  # (A + padding, H): zero rows fill the last block
    start: NDArray[np.float32]  # (H,)
    heads: NDArray[np.float32]  # (J, H)
    offsets: NDArray[np.float32]  # (J,)
    choose: NDArray[np.int64]  # (A + 1, D + 1): binomial coefficients


def judge_of(game: RevealGame) -> Judge:
    """Lay out a checked game."""
    moves, plies = len(game.rows), len(game.movers)
    rows = np.zeros((padded(moves), game.start.size), np.float32)
    rows[:moves] = game.rows
    choose = [[math.comb(n, d) for d in range(plies + 1)] for n in range(moves + 1)]
    return Judge(rows, game.start, game.heads, game.offsets, np.array(choose, np.int64))


def padded(moves: int) -> int:
    """The length of a run's buffer: `moves` filled up to whole blocks."""
    return -(-moves // BLOCK) * BLOCK


def rank_of(members: tuple[int, ...]) -> int:
    """The rank of an ascending set among the sets of its size."""
    return sum(math.comb(member, i + 1) for i, member in enumerate(members))


def unrank(rank: int, size: int) -> tuple[int, ...]:
    """The set of that rank among sets of `size`, ascending."""
    members: list[int] = []
    for d in range(size, 0, -1):
        top = d - 1
        while math.comb(top + 1, d) <= rank:
            top += 1
        members.append(top)
        rank -= math.comb(top, d)
    return tuple(reversed(members))


@njit(cache=True)
def first_tops(judge: Judge, total: Any, size: int) -> Any:
    """The first set of `size`, and sums[i]: `total` plus the rows of its members i and up."""
    top = np.arange(size)
    sums = np.empty((size + 1, total.size), np.float32)
    for h in range(total.size):
        sums[size, h] = total[h]
    _add_from(judge, top, sums, size - 1)
    return top, sums


@njit(cache=True)
def advance(judge: Judge, top: Any, sums: Any) -> bool:
    """Step `top` to the next set in order and mend its sums; False after the last."""
    size, moves = top.size, len(judge.choose) - 1
    for i in range(size):
        if top[i] + 1 < (top[i + 1] if i + 1 < size else moves):
            top[i] += 1
            for lower in range(i):
                top[lower] = lower
            _add_from(judge, top, sums, i)
            return True
    return False


@njit(cache=True)
def _add_from(judge: Judge, top: Any, sums: Any, member: int) -> None:
    """Recompute the sums of `member` and of all below it."""
    for i in range(member, -1, -1):
        row, above, total = judge.rows[top[i]], sums[i + 1], sums[i]
        for h in range(total.size):
            total[h] = above[h] + row[h]
