"""A market and its adversary as learners: two small nets over a view's numbers, sat as agents.

The market's net gives the logits of a price of every answer, the adversary's those of every
argument and of silence. Both see what the world's `Numeric.encode` makes of their view, are
evaluated in chunks of one fixed shape, and decide on a rounded grid: a reply is the same in any
batch. `oversight.training.market_training` is where they learn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oversight import keys
from oversight.core import OversightError, Turn, View
from oversight.players import Agent
from oversight.spaces import Choose, Credences, Reply
from oversight.threads import one_thread
from oversight.world import Arguable, Numeric, World

CHUNK = 64
GRID = 3  # decimals that logits are rounded to


def net(features: int, outputs: int, width: int, key: int) -> nn.Sequential:
    """Two hidden layers; the last begins at 0, so that it begins by knowing nothing.

    The weights come from the key alone.
    """
    with torch.random.fork_rng():
        torch.manual_seed(key % 2**63)
        made = nn.Sequential(
            nn.Linear(features, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, outputs),
        )  # fmt: skip
        with torch.no_grad():
            for parameter in made[-1].parameters():
                parameter.zero_()
    return made


class LearnedMarket(Agent):
    """M: prices every answer as its net does, at whatever stage of learning that is."""

    def __init__(self, world: World, made: nn.Module) -> None:
        """`made`: features of the world -> logits of its answers."""
        self.world, self.net = world, made

    @property
    def label(self) -> str:
        """Such as "learned market of sums"."""
        return f"learned market of {self.world.name}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """One price of every answer a turn. A net gone NaN is refused by the turn's space."""
        rows = logits(self.net, encoded(self.world, [turn.view for turn in turns]))
        replies: list[Reply] = []
        for turn, row in zip(turns, rows, strict=True):
            if not isinstance(turn.space, Credences):
                raise OversightError(f"a market prices; {turn.seat} is to {turn.act}")
            replies.append(tuple(softmax(row[: turn.space.n]).tolist()))
        return replies


class LearnedAdversary(Agent):
    """A policy over arguments: draws from its net's softmax over what is legal, or is silent."""

    def __init__(self, world: World, made: nn.Module) -> None:
        """`made`: features of the world -> logits of its moves, silence last."""
        self.world, self.net = world, made

    @property
    def label(self) -> str:
        """Such as "learned adversary of sums"."""
        return f"learned adversary of {self.world.name}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """One argument a turn, drawn from the turn's key."""
        rows = logits(self.net, encoded(self.world, [turn.view for turn in turns]))
        return [self._draw(turn, row) for turn, row in zip(turns, rows, strict=True)]

    def _draw(self, turn: Turn, row: NDArray[np.float64]) -> Reply:
        moves = np.flatnonzero(legal(turn))
        chances = np.cumsum(softmax(row[moves]))
        place = int(np.searchsorted(chances, keys.unit(turn.key) * chances[-1], side="right"))
        move = int(moves[min(place, len(moves) - 1)])
        return None if move == len(row) - 1 else move


def legal(turn: Turn) -> NDArray[np.bool_]:
    """(moves + 1,) which moves a turn allows, and whether silence."""
    if turn.act != "argue" or not isinstance(turn.space, Choose):
        raise OversightError(f"a learned adversary picks an argument; {turn.seat} cannot here")
    allowed = np.zeros(turn.space.n + 1, bool)
    allowed[list(turn.space.options)] = True
    allowed[-1] = turn.space.silence
    return allowed


def encoded(world: World, views: Sequence[View]) -> NDArray[np.float32]:
    """(B, features) views as numbers."""
    return np.stack([cast(Numeric, world).encode(view) for view in views])


def logits(made: nn.Module, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """(B, outputs) rounded logits, from calls with `CHUNK` rows each; the last is padded."""
    found: list[NDArray[np.float64]] = []
    with one_thread(), torch.no_grad():
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            padded = np.concatenate([part, np.repeat(part[:1], CHUNK - len(part), axis=0)])
            out: Tensor = made(torch.from_numpy(padded))
            found.append(np.round(out[: len(part)].numpy().astype(np.float64), GRID))
    return np.concatenate(found)


def softmax(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) probabilities of one row alone, so that a batch's width cannot touch them."""
    odds = np.array([math.exp(value) for value in row - row.max()])
    return odds / odds.sum()


def sized(world: World) -> tuple[int, int, int]:
    """Features, answers and moves of a world that a market can be learned on."""
    if not isinstance(world, Numeric) or not isinstance(world, Arguable):
        raise OversightError(
            f"{world.name} gives no numbers of a view, and nets learn from numbers; "
            "learn a market on sums, chains, digits or mnist"
        )
    bound = world.argue_bound
    if not isinstance(bound, Choose):
        raise OversightError(f"arguments on {world.name} are written; nets pick them from a list")
    return world.features, world.answers, bound.n
