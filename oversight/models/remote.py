"""What every model behind a network shares: many calls at once, each answer kept as it comes."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from oversight.core import OversightError
from oversight.models.loop import submitted
from oversight.models.model import (
    Answer,
    Answering,
    Asked,
    Completion,
    Heard,
    Prompt,
    Request,
    Unanswered,
    Usage,
    too_long,
)

GRACE = 10.0
"""Seconds that calls under way are given when the user interrupts: they are paid for already."""


class Patience(NamedTuple):
    """How long a call is tried."""

    timeout: float
    """Seconds that one try may take."""
    tries: int
    """In all."""
    total: float
    """Seconds after which no further try begins."""


class Remote(Answering):
    """A model that is asked over a network; subclasses say how one thing is asked.

    Args:
        name: as in `Model`.
        concurrency: calls under way at once, in each process.
        patience: how long a call is tried.
        context: tokens that prompt and reply may have together, for a server that would cut what
            does not fit rather than say so; what does not fit by the estimate is not sent.
        revision: which version of the weights this is, for the cache of replies.

    Errors: OversightError for numbers that are not positive.
    """

    charged = True

    def __init__(
        self, name: str, concurrency: int, patience: Patience, context: int | None, revision: str
    ) -> None:
        if min(concurrency, patience.tries) < 1 or min(patience.timeout, patience.total) <= 0:
            raise OversightError(f"{name}: concurrency, tries and seconds must be positive")
        self.name, self.revision = name, revision
        self.concurrency, self.patience, self.context = concurrency, patience, context

    @abstractmethod
    async def ask(self, one: Asked) -> Answer:
        """One answer. OversightError is for what ends the run, Unanswered for this one alone."""

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """Ask all, `concurrency` at once; `heard` is called on the loop's thread.

        An interruption begins no further call, and waits for those under way for GRACE seconds, or
        until the next interruption: what they bring is heard.
        """
        stop = threading.Event()
        under_way = submitted(self._all(asked, heard, stop))
        try:
            under_way.result()
        except KeyboardInterrupt:
            stop.set()
            _wait(under_way)
            raise
        finally:
            under_way.cancel()

    def count(self, prompt: Prompt) -> int:
        """An estimate: a token for every four bytes, and four for every message."""
        return sum(_estimate(said.text) + 4 for said in prompt)

    @abstractmethod
    def without_secrets(self, text: str) -> str:
        """The text as it may be shown or kept."""

    async def _all(self, asked: Sequence[Asked], heard: Heard, stop: threading.Event) -> None:
        places = iter(range(len(asked)))
        before = time.perf_counter()

        async def work() -> None:
            nonlocal before
            for place in places:
                if stop.is_set():
                    return
                found = await self._asked(asked[place])
                now = time.perf_counter()
                usage = found.usage._replace(seconds=now - before)
                before = now
                heard(place, found._replace(usage=usage))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.concurrency, len(asked))):
                    group.create_task(work())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _asked(self, one: Asked) -> Answer:
        """An answer, come what may: a fault in one call must not cost the others of its batch."""
        reply = one.sampling.tokens if isinstance(one, Request) else 1
        unfit = too_long(self, self.count(one.prompt), reply)
        if unfit is not None:
            return unfit
        try:
            return self._reckoned(one, await self.ask(one))
        except OversightError:
            raise
        except Exception as error:
            return Unanswered(self.without_secrets(f"{type(error).__name__}: {error}"))

    def _reckoned(self, one: Asked, found: Answer) -> Answer:
        """The answer with its tokens by the estimate, where the server does not count them."""
        if isinstance(found, Unanswered) or found.usage.prompt or found.usage.completion:
            return found
        said = found.text if isinstance(found, Completion) else ""
        return found._replace(usage=Usage(self.count(one.prompt), _estimate(said)))


def _estimate(text: str) -> int:
    return -(-len(text.encode()) // 4)


def _wait(under_way: Future[None]) -> None:
    """Whatever becomes of it; another interruption is raised."""
    with suppress(Exception):
        under_way.result(GRACE)
