"""Sets of moves in colexicographic order, and the judge's leads over runs of them.

A set {s_1 < … < s_d} has rank Σ C(s_i, i). So the sets that share all but their least element have
consecutive ranks, share one sum of rows, and differ by one row: they are valued as a run.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.search.game import FAST, RevealGame

BLOCK = 4  # rows valued side by side


class Judge(NamedTuple):
    """A game's weights laid out for the kernels below."""

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


@njit(cache=True, fastmath=FAST)
def lead_run(judge: Judge, j: int, total: Any, first: int, count: int, out: Any) -> None:
    """Head j's logit after adding each of rows first … first + count − 1 to the sum `total`.

    relu(x + r) = max(r, −x) + x, and the second term is the same for the whole run. `first` and
    the buffer's length are whole blocks; what lies past `count` is of no meaning.
    """
    head, floor = judge.heads[j], total
    base = judge.offsets[j]
    for h in range(head.shape[0]):
        base += head[h] * total[h]
    for m in range(first, first + count, BLOCK):
        row_0, row_1 = judge.rows[m], judge.rows[m + 1]
        row_2, row_3 = judge.rows[m + 2], judge.rows[m + 3]
        lead_0 = lead_1 = lead_2 = lead_3 = np.float32(0)
        for h in range(head.shape[0]):
            weight, floor = head[h], -total[h]
            lead_0 += weight * max(row_0[h], floor)
            lead_1 += weight * max(row_1[h], floor)
            lead_2 += weight * max(row_2[h], floor)
            lead_3 += weight * max(row_3[h], floor)
        out[m] = lead_0 + base
        out[m + 1] = lead_1 + base
        out[m + 2] = lead_2 + base
        out[m + 3] = lead_3 + base
