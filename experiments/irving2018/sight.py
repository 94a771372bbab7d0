"""What a learned debater sees: every pixel that it may show, as the judge would take it.

The paper's debaters see the whole image and the judge. A search uses both by asking the judge after
every move; this net is given the same for one move ahead, and no more: whatever it does beyond
greed it has learned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from oversight.agents.searching import game_of
from oversight.core import Turn
from oversight.reveal import AdditiveJudge
from oversight.training.learned_player import Sight
from oversight.training.market import net

STANDING = 4
"""Numbers besides the judge's units: the margin before and after, plies left, the last word."""
PLIES = 8
"""What counts of plies left are divided by."""


class Evidence(Sight):
    """A row a pixel: by how much showing it moves each of the judge's units, for its own claim.

    Units are weighed by the difference of the two claims' heads, so that a row's sum is what the
    margin moves by. Debaters reveal a pixel in every turn, as in the paper: silence is not legal.
    """

    def __init__(self, world: Any, judge: AdditiveJudge) -> None:
        super().__init__(world, world.argue_bound.n + 1)
        self.judge = judge
        self.features = len(judge.bias) + STANDING

    def net(self, width: int, key: int) -> nn.Module:
        """Two hidden layers, from a pixel's numbers to its score."""
        return net(self.features, 1, width, key)

    def legal(self, turn: Turn) -> NDArray[np.bool_]:
        """(n,) the pixels left."""
        allowed = super().legal(turn)
        allowed[-1] = False
        return allowed

    def numbers(self, turn: Turn) -> NDArray[np.float32]:
        """(n, H + 4); zeros for what is not legal."""
        game = game_of(turn, self.judge)
        weights, offset = game.heads[0], game.offsets[0]
        before = np.maximum(game.start, 0) * weights  # (H,)
        after = np.maximum(game.start + game.rows, 0) * weights  # (A, H)
        rows = np.zeros((self.replies, self.features), np.float32)
        own = np.flatnonzero(self.legal(turn))
        rows[own, :-STANDING] = after - before
        rows[own, -4] = before.sum() + offset
        rows[own, -3] = after.sum(axis=1) + offset
        rows[own, -2] = len(game.movers) / PLIES
        rows[own, -1] = game.movers[-1] == game.movers[0]
        return rows
