"""Debaters that search: Monte Carlo tree search over the reveal game, and its greedy cousin.

Both play any seat of any protocol on a reveal world: they read their side, the claims, and who
argues from here on from the view, and search the game that is left with the judge at the leaves
(Irving et al. 2018, section 3.2; `oversight.search`).

Deviations: of moves made at the same moment the debater's own is searched first; with more than two
debaters everybody else is taken for an opponent; where a judge's question narrows what may be said
now, the rest of the game is searched as if it stayed so narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oversight.core import OversightError, Side, Turn
from oversight.players import Agent
from oversight.registry import Setting
from oversight.reveal import AdditiveJudge, claimed, revealed
from oversight.search.game import RevealGame, claim_heads
from oversight.search.puct import greedy as look_ahead
from oversight.search.puct import search
from oversight.spaces import Choose, Reply


class SearchingDebater(Agent):
    """Reveals what searching the rest of the game finds best; `rollouts=0` looks a ply ahead."""

    def __init__(self, judge: AdditiveJudge, rollouts: int, c: float = 1.0) -> None:
        self.judge = judge
        self.rollouts = rollouts
        self.c = c

    @property
    def label(self) -> str:
        """Such as "mcts:10000" or "greedy"."""
        return f"mcts:{self.rollouts}" if self.rollouts else "greedy"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Claims what an expert believes; argues by search, all pending games at once."""
        replies: list[Reply] = [None] * len(turns)
        for place, reply in self._claims([(i, t) for i, t in enumerate(turns) if t.act == "claim"]):
            replies[place] = reply
        arguing = [
            (place, turn)
            for place, turn in enumerate(turns)
            if turn.act != "claim" and isinstance(turn.space, Choose) and turn.space.options
        ]
        games = [game_of(turn, self.judge) for _, turn in arguing]
        chosen = self._choose(games, [turn.key for _, turn in arguing])
        for (place, turn), move in zip(arguing, chosen, strict=True):
            assert isinstance(turn.space, Choose)  # filtered above
            replies[place] = turn.space.options[move]
        return replies

    def _claims(self, claims: list[tuple[int, Turn]]) -> list[tuple[int, int]]:
        if not claims:
            return []
        belief = self.judge.belief([turn.view.private for _, turn in claims])
        return [(place, int(row.argmax())) for (place, _), row in zip(claims, belief, strict=True)]

    def _choose(self, games: list[RevealGame], keys: list[int]) -> list[int]:
        if not self.rollouts:
            return [look_ahead(game) for game in games]
        if not games:
            return []
        found = search(games, self.rollouts, np.array(keys, np.uint64), c=self.c)
        return [int(move) for move in found.moves]


def game_of(turn: Turn, judge: AdditiveJudge) -> RevealGame:
    """The reveal game that is left when `turn` is to be played; its moves are the legal ones."""
    view = turn.view
    if view.private is None or not isinstance(turn.space, Choose):
        raise OversightError(f"{turn.seat} has nothing to reveal; give the seat another agent")
    side = view.side or Side(int(judge.belief([view.private])[0].argmax()))
    rows = judge.rows(view.private)
    shown = sorted({reveal.move for reveal in revealed(view)})
    moves = np.asarray(turn.space.options)
    rivals = [a for a in claimed(view) if a != side.answer]
    if not rivals or not side.supports:
        rivals = [a for a in range(len(judge.head_bias)) if a != side.answer]
    heads, offsets = claim_heads(judge.head, judge.head_bias, side.answer, rivals)
    start = judge.bias + rows[shown].sum(axis=0, dtype=np.float32)
    return RevealGame(rows[moves], start, heads, offsets, _movers(turn, side, len(moves)))


def _movers(turn: Turn, side: Side, moves: int) -> NDArray[np.int8]:
    """(D,) +1 where the side of `side.answer` moves, −1 elsewhere; at most `moves` plies."""
    own = 1 if side.supports else -1
    order = [
        seat for step in turn.view.ahead for seat in sorted(step, key=lambda s: s != turn.seat)
    ] or [turn.seat]
    return np.array([own if seat == turn.seat else -own for seat in order[:moves]], np.int8)


def mcts(setting: Setting, rollouts: int = 1000, c: float = 1.0) -> SearchingDebater:
    """`mcts[:rollouts]`: tree search with the judge at the leaves."""
    if rollouts < 1:
        raise OversightError(f"mcts needs at least 1 rollout, got {rollouts}; greedy needs none")
    return SearchingDebater(_searchable(setting), rollouts, c)


def greedy(setting: Setting) -> SearchingDebater:
    """`greedy`: the reveal after which the judge leans most to its side."""
    return SearchingDebater(_searchable(setting), 0)


def _searchable(setting: Setting) -> AdditiveJudge:
    """The judge to search: the one in the seat, what it wraps, or the world's own."""
    judge: Any = setting.judge
    while judge is not None and not isinstance(judge, AdditiveJudge):
        judge = getattr(judge, "base", None)
    judge = judge or setting.world.judge()
    if not isinstance(judge, AdditiveJudge):
        raise OversightError(
            f"searching debaters need an additive judge and {setting.world.name} has none; "
            "use random, or an agent of your own"
        )
    return judge
