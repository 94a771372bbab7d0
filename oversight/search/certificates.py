"""The winner of the reveal game by certificates: sets that win whatever else is revealed.

Let a side have p of the D plies left. A set T of p moves is its *certificate* if every set of D
moves that contains T is a win for it. It then wins in any order: it reveals what is left of T, and
an opponent who reveals a member of T only helps. Certificates are found by double oracle on the
matrix margin(T ∪ U), in pure strategies: T is the best answer to the replies U met so far, U the
worst reply to T. It ends with a certificate or with the proof that there is none.

Where neither side has one: alpha-beta with certificates at the nodes. After a ply of X only the
other side need be asked for one, since T certifies X after move m just when T ∪ {m} did before.

The game is that of Irving et al. (2018, arXiv:1805.00899).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.search.game import BLOCK, RevealGame, check, four_leads
from oversight.search.sets import (
    Judge,
    advance,
    first_tops,
    judge_of,
    rank_of,
    unrank,
)

Moves = tuple[int, ...]
BAR = {1: np.float32(0), -1: np.nextafter(np.float32(0), np.float32(-1))}
"""A side has won if the margin, in its own view, is above its bar: a tie is the lowerer's."""


BUDGET = 100_000_000  # sets of moves: a second or so per proof


class Verdict(NamedTuple):
    """Who wins under perfect play, and how that was settled."""

    winner: int  # +1 the raiser, −1 the lowerer, 0 undecided within the budget
    how: Literal["certificate", "alpha-beta", "budget"]
    certificate: Moves = ()  # the winner's, if it has one before the first ply


class Position(NamedTuple):
    """A game in progress, as the proofs below see it."""

    judge: Judge
    movers: NDArray[np.int8]  # (D,)
    names: NDArray[np.int64]  # (A,): what each remaining move was called at the root

    def after(self, move: int) -> Position:
        """The position once `move` is revealed."""
        rows = np.delete(self.judge.rows, move, axis=0)
        judge = self.judge._replace(
            rows=np.concatenate([rows, np.zeros_like(rows[:1])]),  # still whole blocks
            start=self.judge.start + self.judge.rows[move],
            choose=self.judge.choose[:-1],
        )
        return Position(judge, self.movers[1:], np.delete(self.names, move))

    def plies(self, side: int) -> int:
        """How many plies `side` has left."""
        return int((self.movers == side).sum())


def settle(game: RevealGame, budget: int = BUDGET) -> tuple[Verdict, Verdict]:
    """The winner for the order `movers` and for its mirror −`movers`.

    Args:
        game: any number of heads (the margin is the least of them), any order of movers.
        budget: how many sets of moves a proof may value before it is given up as undecided.

    Raises ValueError for an unplayable game.
    """
    check(game)
    first = Position(judge_of(game), game.movers, np.arange(len(game.rows)))
    second = first._replace(movers=-game.movers)
    if game.movers.sum() == 0:  # either order leaves a side the same plies, so the same proofs
        shared = _by_certificate(first, budget)
        if shared is not None:
            return shared, shared
        return _by_search(first, budget), _by_search(second, budget)
    return (
        _by_certificate(first, budget) or _by_search(first, budget),
        _by_certificate(second, budget) or _by_search(second, budget),
    )


def _by_certificate(root: Position, budget: int) -> Verdict | None:
    """The verdict if either side has a certificate; the two are sought by turns."""
    prover = Prover(budget)
    seeking = {side: prover.seek(root, side) for side in (1, -1)}
    while seeking:
        for side, seek in list(seeking.items()):
            try:
                found = next(seek)
            except StopIteration:
                del seeking[side]
                continue
            except Exhausted:
                return Verdict(0, "budget")
            if found is not None:
                return Verdict(side, "certificate", found)
    return None


def _by_search(root: Position, budget: int) -> Verdict:
    """The verdict where neither side has a certificate."""
    side = int(root.movers[0])
    try:
        wins = Prover(budget).wins(root, side)
    except Exhausted:
        return Verdict(0, "budget")
    return Verdict(side if wins else -side, "alpha-beta")


class Exhausted(Exception):
    """The budget of sets to value is spent."""


class Hint(NamedTuple):
    """A certificate found after `given`: whatever holds both wins for its owner. Root names."""

    certificate: frozenset[int]
    given: int


class Prover:
    """Looks for proofs until `budget` sets of moves have been valued, then raises `Exhausted`."""

    def __init__(self, budget: int) -> None:
        self.budget = budget

    def wins(self, position: Position, side: int) -> bool:
        """Whether `side`, who is to move, wins a position in which neither has a certificate."""
        own = position.plies(side)
        if (position.movers[:own] == side).all():
            return False  # all its plies come first: to win is to have a certificate
        hints: list[Hint] = []
        for move in self.by_promise(position, side):
            child = position.after(move)
            if self.refuted(child, -side, int(position.names[move]), hints):
                continue
            to_move = int(child.movers[0])
            if self.wins(child, to_move) == (to_move == side):
                return True
        return False

    def refuted(self, position: Position, side: int, move: int, hints: list[Hint]) -> bool:
        """Whether `side` has a certificate now that `move` is revealed; new ones join `hints`."""
        for hint in reversed(hints):
            if move in hint.certificate:
                return True  # in exchange, `given` is left to reveal
            mine = tuple(np.searchsorted(position.names, sorted(hint.certificate)).tolist())
            if self.worst(position, side, mine)[0] > BAR[side]:
                return True
        for found in self.seek(position, side):
            if found is not None:
                hints.append(Hint(frozenset(position.names[list(found)].tolist()), move))
                return True
        return False

    def seek(self, position: Position, side: int) -> Iterator[Moves | None]:
        """Double oracle: yields None after each reply that defeats the best set so far, and last,
        if there is one, the certificate of `side`."""
        size = position.plies(side)
        mine = self.opening(position, side)
        scores = None
        while True:
            least, reply = self.worst(position, side, mine)
            if least > BAR[side]:
                yield mine
                return
            scores = self.unmet(position, size) if scores is None else scores
            self.lower(scores, position, side, reply, size)
            scores[rank_of(mine)] = least  # the same sum in another order may round to a win
            met = np.where(np.isinf(scores), -np.inf, scores)  # first among those that were tested
            best = int(met.argmax() if met.max() > BAR[side] else scores.argmax())
            if not scores[best] > BAR[side]:
                return
            mine = unrank(best, size)
            yield None

    def opening(self, position: Position, side: int) -> Moves:
        """A first guess at a certificate: the best move, then the best beside it, and so on."""
        mine: Moves = ()
        for _ in range(position.plies(side)):
            scores = self.unmet(position, 1)
            self.lower(scores, position, side, mine, 1)
            scores[list(mine)] = -np.inf
            mine = tuple(sorted((*mine, int(scores.argmax()))))
        return mine

    def worst(self, position: Position, side: int, mine: Moves) -> tuple[float, Moves]:
        """The least margin of `side` over all replies to `mine`, and that reply."""
        size = position.plies(-side)
        scores = self.unmet(position, size)
        self.lower(scores, position, side, mine, size)
        least = int(scores.argmin())
        return float(scores[least]), unrank(least, size)

    def by_promise(self, position: Position, side: int) -> list[int]:
        """The moves, by the margin of each alone."""
        scores = self.unmet(position, 1)
        self.lower(scores, position, side, (), 1)
        return np.argsort(-scores, kind="stable").tolist()

    def unmet(self, position: Position, size: int) -> NDArray[np.float32]:
        """Scores of all sets of `size` before any reply is known, if the budget can value them."""
        sets = int(position.judge.choose[-1, size])
        if sets > self.budget:
            raise Exhausted
        return np.full(sets, np.inf, np.float32)

    def lower(
        self, scores: NDArray[np.float32], position: Position, side: int, fixed: Moves, size: int
    ) -> None:
        """Lower each set's score to `side`'s margin of that set and `fixed`, where disjoint.

        `scores` are those of all sets of `size` by rank; those at or below the bar are left alone.
        """
        if scores.size > self.budget:
            raise Exhausted
        self.budget -= scores.size
        judge = position.judge
        total = judge.start + judge.rows[list(fixed)].sum(axis=0)
        banned = np.zeros(len(position.names), np.bool_)
        banned[list(fixed)] = True
        if size == 0:
            leads = judge.heads @ np.maximum(total, 0) + judge.offsets
            scores[0] = min(scores[0], side * leads.min())
        else:
            _lower(judge, total, size, banned, np.float32(side), BAR[side], scores)


@njit(cache=True, nogil=True)
def _lower(
    judge: Judge, total: Any, size: int, banned: Any, side: Any, bar: Any, scores: Any
) -> None:
    top, sums = first_tops(judge, total, size - 1)
    heads = len(judge.offsets)
    least = np.empty(BLOCK, np.float32)
    rank = 0
    while True:
        count = top[0] if size > 1 else banned.size
        if count > 0 and not banned[top].any():
            for first in range(0, count, BLOCK):
                run = scores[rank + first : rank + min(first + BLOCK, count)]
                if (run <= bar).all():
                    continue
                least[:] = np.inf
                for j in range(heads):
                    leads = four_leads(judge, j, sums[0], first)
                    least[0], least[1] = min(least[0], leads[0]), min(least[1], leads[1])
                    least[2], least[3] = min(least[2], leads[2]), min(least[3], leads[3])
                for i in range(run.size):
                    if not banned[first + i]:
                        run[i] = min(run[i], side * least[i])
        rank += count
        if not advance(judge, top, sums):
            break
