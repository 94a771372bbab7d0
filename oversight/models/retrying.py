"""When a call is tried again, and after how long: full-jitter exponential back-off, or as told."""

from __future__ import annotations

import email.utils
import time

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

LONGEST = 60.0
"""Seconds that back-off alone ever waits; a server may ask for more."""


class Again(Exception):
    """This try failed, another may not."""

    def __init__(self, reason: str, after: float | None = None, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.after = after  # seconds that the server asks us to wait
        self.gone = gone  # nobody was there to fail it


def retrying(tries: int, patience: float, base: float) -> AsyncRetrying:
    """Tries again on `Again`, at most `tries` times in all and within `patience` seconds.

    Before the n-th further try it waits a uniform draw from 0 to base·2^(n-1) seconds (Brooker
    2015, "Exponential backoff and jitter", AWS Architecture Blog), or as long as the server asked.
    A server that asks for more than is left of the patience is not tried again. The last Again is
    raised. One object holds one call: copy it for each.
    """
    backoff = wait_random_exponential(multiplier=base, max=LONGEST)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        drawn = backoff(state)
        asked = error.after if isinstance(error, Again) else None
        return drawn if asked is None else asked + min(drawn, base)  # so not all come at once

    return AsyncRetrying(
        retry=retry_if_exception_type(Again),
        wait=wait,
        stop=stop_after_attempt(tries) | stop_before_delay(patience),
        reraise=True,
    )


def seconds_asked(header: str | None, now: float | None = None) -> float | None:
    """What a Retry-After header asks for: seconds, or a date (RFC 9110, 10.2.3); None if neither.

    >>> seconds_asked("1.5"), seconds_asked("soon"), seconds_asked(None)
    (1.5, None, None)
    >>> seconds_asked("Thu, 01 Jan 1970 00:01:00 GMT", now=50.0)
    10.0
    """
    if header is None:
        return None
    try:
        seconds = float(header)
        return max(0.0, seconds) if seconds < float("inf") else None
    except ValueError:
        pass
    try:
        date = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))
