"""Who wins the reveal game under perfect play: induction where it is small, else certificates."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.search.certificates import BUDGET, settle
from oversight.search.game import RevealGame, check
from oversight.search.induction import MOST_HEADS, induct

SMALL = 300_000  # logits that induction values in some hundredths of a second


class Solution(NamedTuple):
    """Winners under perfect play: +1 the raiser, −1 the lowerer, 0 undecided within the budget.

    Row 0 is the order `movers`, row 1 its mirror −`movers`. `how` names what settled each entry:
    "induction", "certificate", "alpha-beta", "budget", or, for the joint game, "one head".
    """

    each: NDArray[np.int8]  # (2, J): the game of head j alone: a debate against that one lie
    joint: NDArray[np.int8]  # (2,): the game of the least head: a debate without precommitment
    how_each: NDArray[np.str_]  # (2, J)
    how_joint: NDArray[np.str_]  # (2,)


def solve(game: RevealGame, budget: int = BUDGET, joint_budget: int | None = None) -> Solution:
    """Solve the game of each head alone and of all together, for both orders of play.

    Args:
        game: heads and movers as in Irving et al. (2018, arXiv:1805.00899): the truth's lead over
            each lie, and the plies left. The joint game is also the consultancy's.
        budget: how many sets of moves a proof may value before it is given up as undecided.
        joint_budget: the same for the joint game, whose proofs are the longest; None is `budget`.

    Raises ValueError for an unplayable game.
    """
    check(game)
    heads = len(game.offsets)
    if heads <= MOST_HEADS and heads * math.comb(len(game.rows), len(game.movers)) <= SMALL:
        values = induct(game)
        return Solution(
            each=np.where(values.each, 1, -1).astype(np.int8),
            joint=np.where(values.joint, 1, -1).astype(np.int8),
            how_each=np.full((2, heads), "induction"),
            how_joint=np.full(2, "induction"),
        )
    return _prove(game, budget, budget if joint_budget is None else joint_budget)


def _prove(game: RevealGame, budget: int, joint_budget: int) -> Solution:
    singles = [
        settle(game._replace(heads=game.heads[j : j + 1], offsets=game.offsets[j : j + 1]), budget)
        for j in range(len(game.offsets))
    ]
    each = np.array([[v.winner for v in pair] for pair in singles], np.int8).T
    how_each = np.array([[v.how for v in pair] for pair in singles]).T
    lost = (each == -1).any(axis=1)  # the lowerer needs one head below the bar, and has it
    if lost.all():
        return Solution(each, np.full(2, -1, np.int8), how_each, np.full(2, "one head"))
    together = settle(game, joint_budget)
    return Solution(
        each=each,
        joint=np.where(lost, -1, [v.winner for v in together]).astype(np.int8),
        how_each=how_each,
        how_joint=np.where(lost, "one head", [v.how for v in together]),
    )
