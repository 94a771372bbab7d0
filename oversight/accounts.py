"""What the calls of one run to language models go through: cache, limit, ledger; or a dry run.

`opened` makes an account current; models that are seated meanwhile (`oversight.speakers`) are asked
through it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from oversight.agents.chat import ChatAgent
from oversight.agents.simple import RandomAgent
from oversight.core import Turn
from oversight.models.budget import Limited, expected
from oversight.models.cache import Cached
from oversight.models.ledger import FILE, Counted, Entry, Ledger, Prices
from oversight.models.model import Model
from oversight.players import Agent
from oversight.spaces import Reply, Write


class Calls(NamedTuple):
    """What a seat asked of a model, and what that cost."""

    seat: str
    model: str
    calls: int
    """All of them, those included that the cache of replies answered (`hits`)."""
    unanswered: int
    prompt: int
    """Tokens, as all counts below but `seconds` and `hits`; see `oversight.models.model.Usage`."""
    completion: int
    cached: int
    seconds: float
    hits: int
    spared: int
    price: float | None
    """None for a model without prices."""

    def times(self, factor: float) -> Calls:
        """A sample scaled up; seconds to the millisecond."""
        counts = {name: round(value * factor) for name, value in self._asdict().items()
                  if isinstance(value, int)}  # fmt: skip
        price = None if self.price is None else self.price * factor
        return self._replace(**counts, seconds=round(self.seconds * factor, 3), price=price)


class Account:
    """One run's dealings with models.

    Args:
        path: the ledger's file, made when a model is first seated.
        prices: model -> what its tokens cost.
        cache: a file of replies; None is the usual one.
        cached: whether replies that are known are used, and new ones kept.
        limit: what the run may cost in all; None is no limit.
        dry: nobody is asked; what calls would cost is counted as if they were (`StandIn`).
    """

    def __init__(
        self, path: Path, prices: Mapping[str, Prices] | None = None, *,
        cache: Path | None = None, cached: bool = True, limit: float | None = None,
        dry: bool = False,
    ) -> None:  # fmt: skip
        self.path, self.prices, self.cache, self.cached = path, prices, cache, cached
        self.limit, self.dry = limit, dry
        self._models: dict[int, Model] = {}

    @cached_property
    def ledger(self) -> Ledger:
        """Where calls are counted."""
        return Ledger(self.path, self.prices)

    @property
    def entries(self) -> list[Entry]:
        """What was counted; nothing where no model was seated."""
        return self.ledger.entries if self._models else []

    @property
    def calls(self) -> list[Calls]:
        """The same with what it cost, a row a seat and model."""
        return [
            Calls(*entry[:4], *entry.usage, self.ledger.price(entry)).times(1)
            for entry in self.entries
        ]

    def close(self) -> None:
        """Close the ledger's file."""
        if self._models:
            self.ledger.close()

    def through(self, model: Model) -> Model:
        """The model as this account asks it; the same one each time."""
        if id(model) not in self._models:
            asked = model
            if self.limit is not None:
                asked = Limited(asked, self.ledger, self.limit)
            if self.cached and model.cacheable and not self.dry:
                asked = Cached(asked, self.cache)
            self._models[id(model)] = Counted(asked, self.ledger)
        return self._models[id(model)]


class StandIn(Agent):
    """In a model's place in a dry run: counts its calls, and replies at random at full length."""

    replayable = False

    def __init__(self, agent: ChatAgent, ledger: Ledger) -> None:
        self.agent, self.ledger = agent, ledger
        self._random = RandomAgent()

    @property
    def label(self) -> str:
        """Such as "stand-in for tiny:1"."""
        return f"stand-in for {self.agent.label}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Arguments are filler of as many words as the manner allows."""
        model = self.agent.model
        for turn in turns:
            calls = self.agent.calls(turn)
            used = expected(model, calls)
            self.ledger.add([Entry(turn.seat, model.name, len(calls), 0, used)])
        return [self._reply(turn) for turn in turns]

    def _reply(self, turn: Turn) -> Reply:
        if isinstance(turn.space, Write):
            return " ".join([FILLER] * self.agent.manner.words)[: turn.space.limit]
        return self._random.act([turn])[0]


_CURRENT: ContextVar[Account | None] = ContextVar("account", default=None)


def current() -> Account | None:
    """The account that is open, if one is."""
    return _CURRENT.get()


@contextmanager
def opened(
    out: Path | None, *, prices: Mapping[str, Prices] | None = None, cache: Path | None = None,
    cached: bool = True, limit: float | None = None, dry: bool = False,
) -> Generator[Account]:  # fmt: skip
    """An account with its ledger in `out`, or for the time being where there is none."""
    with TemporaryDirectory() as passing:
        path = (out or Path(passing)) / FILE
        account = Account(path, prices, cache=cache, cached=cached, limit=limit, dry=dry)
        token = _CURRENT.set(account)
        try:
            yield account
        finally:
            _CURRENT.reset(token)
            account.close()


def joined(
    out: Path | None, *, prices: Mapping[str, Prices] | None = None, cached: bool = True,
    limit: float | None = None,
) -> AbstractContextManager[Account]:  # fmt: skip
    """The account that is open, where one is and nothing else is asked for; else one of its own."""
    held = current()
    if held is None or prices is not None or limit is not None or not cached:
        return opened(out, prices=prices, cached=cached, limit=limit)
    return nullcontext(held)


FILLER = "words"
"""What a stand-in says: a common English word is about a token, with its space."""
