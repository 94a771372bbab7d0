"""The exact value of the reveal game by backward induction over sets.

Since the judge sees a set, a position is one: Σ_d C(A, d) positions instead of A!/(A − k)! games.
Every set carries one word. Its low half says which heads the raiser wins when `movers` play, and
that the raiser wins all heads at once; its high half says what the *lowerer* wins when the mirrored
order −`movers` plays. A ply of the raiser is an OR over its low half; the same ply of the mirrored
order is the lowerer's, an OR over its high half. So one operation a ply settles both orders.

The game is that of Irving et al. (2018, arXiv:1805.00899). Sets are in colexicographic order; the
full sets are valued as they stream by and never stored. Memory: 8 · C(A, k − 1) bytes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.search.game import BLOCK, RevealGame, check, four_leads
from oversight.search.sets import (
    Judge,
    advance,
    first_tops,
    judge_of,
)

MOST_HEADS = 15
HALF = 16  # bits of a word per order
FULL = np.uint32(0xFFFFFFFF)
NONE = np.uint32(0)


class Values(NamedTuple):
    """Who wins under perfect play; index 0 is the order `movers`, index 1 its mirror −`movers`."""

    each: NDArray[np.bool_]  # (2, J): the raiser wins the game that has head j alone
    joint: NDArray[np.bool_]  # (2,): the raiser wins the game of the least head


def induct(game: RevealGame) -> Values:
    """Solve all heads alone and together, for both orders, in one pass over the sets.

    Raises ValueError for an unplayable game or more than 15 heads.
    """
    check(game)
    moves, plies, heads = len(game.rows), len(game.movers), len(game.offsets)
    if heads > MOST_HEADS:
        raise ValueError(f"{heads} heads: solve at most {MOST_HEADS} in one pass")
    judge = judge_of(game)
    # An AND is an OR of complements: a lowerer's ply reads and writes flipped words.
    flips = [NONE if mover > 0 else FULL for mover in game.movers]
    words = np.zeros(judge.choose[moves, plies - 1], np.uint32)
    _fold_leaves(judge, plies, flips[-1], words)
    # Below the full sets only the order of sets is needed, not their sums: rows of no columns.
    judge = judge._replace(rows=np.zeros((moves, 0), np.float32), start=np.zeros(0, np.float32))
    for size in range(plies - 1, 0, -1):
        parents = np.zeros(judge.choose[moves, size - 1], np.uint32)
        _fold(judge, size, flips[size - 1], words, parents)
        words = parents
    low, high = int(words[0]) & 0xFFFF, ~(int(words[0]) >> HALF)
    wins = np.array([[half >> j & 1 for j in range(heads + 1)] for half in (low, high)], bool)
    return Values(each=wins[:, :heads], joint=wins[:, heads])


@njit(cache=True, nogil=True)
def _fold_leaves(judge: Judge, plies: int, flip: Any, parents: Any) -> None:
    """Value every full set and fold it into the sets that lack one of its members."""
    moves, heads = len(judge.choose) - 1, len(judge.offsets)
    top, sums = first_tops(judge, judge.start, plies - 1)
    words = np.empty(len(judge.rows), np.uint32)
    leads = np.empty(len(judge.rows), np.float32)
    while True:
        count = top[0] if plies > 1 else moves
        words[:count] = 0
        for j in range(heads):
            for m in range(0, count, BLOCK):
                leads[m], leads[m + 1], leads[m + 2], leads[m + 3] = four_leads(
                    judge, j, sums[0], m
                )
            _mark(leads[:count], np.uint32(1 << j), words)
        for m in range(count):
            words[m] = _both_orders(words[m], heads) ^ flip
        _spread(judge, top, words[:count], parents)
        if not advance(judge, top, sums):
            break
    parents ^= flip


@njit(cache=True, nogil=True)
def _fold(judge: Judge, size: int, flip: Any, words: Any, parents: Any) -> None:
    """Fold the words of all sets of `size` into those of size − 1."""
    words ^= flip
    top, sums = first_tops(judge, judge.start, size - 1)
    rank = 0
    while True:
        count = top[0] if size > 1 else words.size
        _spread(judge, top, words[rank : rank + count], parents)
        rank += count
        if not advance(judge, top, sums):
            break
    parents ^= flip


@njit(cache=True)
def _spread(judge: Judge, top: Any, words: Any, parents: Any) -> None:
    """OR the words of the run {m} ∪ top, for every m below top, into all their parents.

    Without m the parent is `top`; without member i of top it is one of another run, {m} ∪ rest.
    """
    own, size = NONE, top.size
    for m in range(words.size):
        own |= words[m]
    rank = 0
    for i in range(size):
        rank += judge.choose[top[i], i + 1]
    parents[rank] |= own
    rank = 0  # of {0} ∪ top without its first member
    for i in range(1, size):
        rank += judge.choose[top[i], i + 1]
    for i in range(size):
        if i > 0:
            rank += judge.choose[top[i - 1], i + 1] - judge.choose[top[i], i + 1]
        for m in range(words.size):
            parents[rank + m] |= words[m]


@njit(cache=True)
def _mark(leads: Any, bit: Any, words: Any) -> None:
    for m in range(leads.size):
        words[m] |= bit if leads[m] > 0 else NONE


@njit(cache=True)
def _both_orders(wins: Any, heads: int) -> Any:
    """A full set's word: what the raiser wins below, all heads last, its complement above."""
    every = (np.uint32(1) << np.uint32(heads)) - np.uint32(1)
    low = wins | (np.uint32(wins == every) << np.uint32(heads))
    return np.uint32(low | (~low << np.uint32(HALF)))
