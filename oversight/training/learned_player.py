"""A debater that is a small net: scores of what it may do, drawn from or followed.

What a net sees of a turn is its `Sight`: on worlds that are `Numeric`, the view as numbers, once,
and a score comes out for every move; on worlds that are `Comparable`, every legal reply as numbers,
scored one by one. Scores are rounded and come from calls of one fixed shape, so that a reply is the
same in any batch. `oversight.alignment.self_play` is where these learn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oversight import keys
from oversight.core import OversightError, Turn
from oversight.encoding import acts_on
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.spaces import Choose, Reply
from oversight.training.market import logits, net, softmax
from oversight.world import Arguable, Comparable, Numeric, Presentable, World


class Seen(NamedTuple):
    """What a net is given of some turns, and which of their replies are legal."""

    numbers: Tensor
    """(B, F), or (B, n, F) where replies are seen one by one."""
    legal: Tensor
    """(B, n)"""

    def log_probs(self, made: nn.Module) -> Tensor:
        """(B, n) log P of every reply; what is not legal is about −∞."""
        scores = made(self.numbers)
        return scores.flatten(1).masked_fill(~self.legal, -1e9).log_softmax(dim=-1)


class Sight(ABC):
    """How a net sees the turns of a world; replies are numbered, silence last."""

    claims: ClassVar[bool] = False
    """Whether claims are scored too."""

    def __init__(self, world: World, replies: int) -> None:
        self.world, self.replies = world, replies

    @abstractmethod
    def net(self, width: int, key: int) -> nn.Module:
        """A net that begins by scoring every reply alike."""

    @abstractmethod
    def numbers(self, turn: Turn) -> NDArray[np.float32]:
        """(F,), or (n, F): one turn as numbers."""

    def scores(self, turn: Turn) -> bool:
        """Whether there is something to choose that a net scores."""
        claims = turn.act == "claim" and not self.claims
        return isinstance(turn.space, Choose) and bool(turn.space.options) and not claims

    def legal(self, turn: Turn) -> NDArray[np.bool_]:
        """(n,) which replies the turn allows."""
        space = _listed(turn)
        allowed = np.zeros(self.replies, bool)
        allowed[list(space.options)] = True
        allowed[-1] = space.silence
        return allowed

    def seen(self, turns: Sequence[Turn]) -> Seen:
        """All of them."""
        numbers = np.stack([self.numbers(turn) for turn in turns])
        legal = np.stack([self.legal(turn) for turn in turns])
        return Seen(torch.from_numpy(numbers), torch.from_numpy(legal))

    def number(self, reply: Reply) -> int:
        """A reply's place."""
        return self.replies - 1 if reply is None else cast(int, reply)

    def reply(self, number: int) -> Reply:
        """The reply at a place."""
        return None if number == self.replies - 1 else number


class WholeView(Sight):
    """The view as numbers, and a score for every move."""

    def net(self, width: int, key: int) -> nn.Module:
        """Two hidden layers."""
        return net(cast(Numeric, self.world).features, self.replies, width, key)

    def numbers(self, turn: Turn) -> NDArray[np.float32]:
        """The world's own encoding."""
        return cast(Numeric, self.world).encode(turn.view)


class EachReply(Sight):
    """Every reply as numbers, and a score for each by the same net."""

    claims = True

    def net(self, width: int, key: int) -> nn.Module:
        """Two hidden layers, from a reply's numbers to its score."""
        return net(cast(Comparable, self.world).signs_of_replies, 1, width, key)

    def numbers(self, turn: Turn) -> NDArray[np.float32]:
        """A row a reply; zeros for those that are not legal, and a row for silence."""
        world = cast(Comparable, self.world)
        rows = np.zeros((self.replies, world.signs_of_replies), np.float32)
        space = _listed(turn)
        options: list[int | None] = [*space.options, *([None] if space.silence else [])]
        compared = world.compare_replies(turn, options)
        rows[[self.number(option) for option in options]] = compared
        return rows


def sight_of(protocol: Protocol, world: World, seats: Sequence[str]) -> Sight:
    """How nets see these seats' turns. OversightError where a world gives no numbers."""
    if not isinstance(world, Arguable) or not isinstance(world.argue_bound, Choose):
        raise OversightError(
            f"arguments on {world.name} are written; nets pick them from a list: take digits, "
            "sentences or circuits"
        )
    most = world.argue_bound.n
    if any("present" in acts_on(protocol.seats[seat], world) for seat in seats):
        most = max(most, cast(Presentable, world).present_bound.n)
    if isinstance(world, Comparable):
        return EachReply(world, most + 1)
    if isinstance(world, Numeric):
        return WholeView(world, most + 1)
    raise OversightError(
        f"{world.name} gives no numbers of a view, and nets learn from numbers; take digits, "
        "sentences or circuits"
    )


class LearnedPlayer(Agent):
    """Plays what its net scores; claims and whatever else is no choice go to another agent.

    Args:
        sight: how it sees.
        made: its net.
        others: who replies where there is nothing to score (on most worlds, claims).
        greedy: whether it takes the best instead of drawing.
        luck: a number; players of other numbers draw otherwise in the same games.
        salt: (seat, turn number): from that turn of that seat on it draws other luck. Two games
            with and without are the same up to there.
    """

    def __init__(
        self, sight: Sight, made: nn.Module, others: Agent, *, greedy: bool = False,
        luck: int = 0, salt: tuple[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.sight, self.net, self.others = sight, made, others
        self.greedy, self.luck, self.salt = greedy, luck, salt

    @property
    def label(self) -> str:
        """Such as "learned player of digits"."""
        return f"learned player of {self.sight.world.name}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself; those without a choice to make cost no net."""
        replies: list[Reply] = [None] * len(turns)
        scored = [place for place, turn in enumerate(turns) if self.sight.scores(turn)]
        left = [place for place in range(len(turns)) if place not in set(scored)]
        if left:
            given = self.others.act([turns[place] for place in left])
            for place, reply in zip(left, given, strict=True):
                replies[place] = reply
        if scored:
            asked = [turns[place] for place in scored]
            for place, turn, row in zip(scored, asked, self._scores(asked), strict=True):
                replies[place] = self._pick(turn, row)
        return replies

    def _scores(self, turns: Sequence[Turn]) -> NDArray[np.float64]:
        numbers = np.stack([self.sight.numbers(turn) for turn in turns])
        flat = numbers.reshape(-1, numbers.shape[-1])
        return logits(self.net, flat).reshape(len(turns), -1)

    def _pick(self, turn: Turn, row: NDArray[np.float64]) -> Reply:
        legal = np.flatnonzero(self.sight.legal(turn))
        if self.greedy:
            return self.sight.reply(int(legal[row[legal].argmax()]))
        chances = np.cumsum(softmax(row[legal]))
        drawn = int(np.searchsorted(chances, self._luck(turn) * chances[-1], side="right"))
        return self.sight.reply(int(legal[min(drawn, len(legal) - 1)]))

    def _luck(self, turn: Turn) -> float:
        key = keys.fold(turn.key, self.luck)
        if self.salt is not None:
            seat, start = self.salt
            if turn.seat == seat and turn.number >= start:
                key = keys.fold(key, 0)
        return keys.unit(key)


def _listed(turn: Turn) -> Choose:
    if not isinstance(turn.space, Choose):
        raise OversightError(f"a net picks from a list; {turn.seat} is to {turn.act} in words")
    return turn.space
