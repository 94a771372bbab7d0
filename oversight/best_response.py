"""The adversary that is paid for moving the market, played by search.

Its pay is per step and myopic, L_Adv = −|p_{t+1} − p_t|, so the best response to a market needs no
look further ahead: every argument is tried on the market, and the one that moves its price most is
said. Against a fixed market this is the worst that any adversary can do in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from oversight.core import Message, OversightError, Turn, View
from oversight.market import QUOTE, Quotable, alone, moved, quoted
from oversight.players import Agent, divided
from oversight.registry import Setting
from oversight.spaces import Choose, Credences, Reply
from oversight.world import Arguable, World


class Way(NamedTuple):
    """One way in which the game may go on: the turn it starts from, and all said until then."""

    turn: Turn
    said: tuple[Message, ...]


class PriceMover(Agent):
    """Says what moves the market's price most; the first of equals, and never nothing.

    Whatever it is to do besides arguing, it does as the world's own debater.

    It foresees what an argument shows: a piece of the material that it sees itself, or questions
    that the market is then quoted on.
    """

    def __init__(self, world: World, market: Agent, seat: str = "market") -> None:
        """`market`: whoever prices; `seat`: where it sits."""
        listed = isinstance(world, Arguable) and isinstance(world.argue_bound, Choose)
        if not (listed and cast(Arguable, world).foreseeable):
            raise OversightError(
                f"mover cannot foresee what an argument shows on {world.name}; it plays on worlds "
                "of reveals (digits) or of quotes (sums): name another agent"
            )
        self.world, self.market, self.seat = world, market, seat

    @property
    def label(self) -> str:
        """Such as "mover of sparse"."""
        return f"mover of {self.market.label}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Argues by search, all that could be said at all turns priced together; else as usual."""
        base = self.world.debater()
        return divided(turns, lambda turn: turn.act == "argue", self._argue, base.act)

    def _argue(self, turns: Sequence[Turn]) -> list[Reply]:
        ways = [Way(turn, turn.view.transcript) for turn in turns]
        tried = [self._tried(turn) for turn in turns]
        flat = self._with_quotes([way for each in tried for way in each])
        prices = iter(self._priced([*ways, *flat]))
        before = [next(prices) for _ in turns]
        replies: list[Reply] = []
        for turn, each, price in zip(turns, tried, before, strict=True):
            moves = [moved(price, next(prices)) for _ in each]
            options = cast(Choose, turn.space).options
            replies.append(options[moves.index(max(moves))] if moves else None)
        return replies

    def _tried(self, turn: Turn) -> list[Way]:
        """What will have been said after each legal argument."""
        assert isinstance(turn.space, Choose)  # on worlds of reveals and of quotes
        world, view = cast(Arguable, self.world), turn.view
        return [
            Way(turn, (*view.transcript, world.foresee(view, turn.seat, option)))
            for option in turn.space.options
        ]

    def _with_quotes(self, ways: Sequence[Way]) -> Sequence[Way]:
        """The same with what the judge is then quoted."""
        world = self.world
        if not isinstance(world, Quotable):
            return ways
        asked = [world.referred(way.turn.view.question, way.said[-1]) for way in ways]
        turns = [
            self._asked(way.turn, alone(part), QUOTE)
            for way, parts in zip(ways, asked, strict=True)
            for part in parts
        ]
        prices = iter(self._answers(turns))
        return [
            Way(way.turn, (*way.said, *(quoted(self.seat, part, next(prices)) for part in parts)))
            for way, parts in zip(ways, asked, strict=True)
        ]

    def _priced(self, ways: Sequence[Way]) -> list[tuple[float, ...]]:
        def seen(way: Way) -> View:
            return View(way.turn.view.question, way.said, None, None, way.turn.view.ahead)

        return self._answers([self._asked(way.turn, seen(way), PRICE) for way in ways])

    def _asked(self, turn: Turn, view: View, words: str) -> Turn:
        space = Credences(len(view.question.answers))
        return Turn(self.seat, "price", words, view, space, turn.stream, turn.number)

    def _answers(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        return cast(list[tuple[float, ...]], list(self.market.act(turns)) if turns else [])


PRICE = "Price every answer."


def mover(setting: Setting) -> PriceMover:
    """`mover`: says what moves most the price of a market that prices as the judge would."""
    market = setting.judge or setting.world.judge()
    return PriceMover(setting.world, market)
