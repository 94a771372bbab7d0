"""Work shared out to forked processes.

What is worked with is inherited by the fork, so only the items and the results travel, and nothing
else need be picklable (a judge from the user's file, a world with its images).
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_inherited: Callable[[Any], Any] | None = None


def fork_map(work: Callable[[T], R], items: Iterable[T], processes: int) -> Iterator[R]:
    """`work(item)` for every item, yielded as each is done, in no particular order.

    One process works here and now, lazily; more fork workers, a few items ahead of what is read.
    An exception in a worker is raised here.
    """
    if processes == 1:
        yield from map(work, items)
        return
    global _inherited
    _inherited = work
    left = iter(items)
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=fork, initializer=_in_worker) as pool:
        try:
            waiting: set[Future[R]] = {
                pool.submit(_work, item) for item in islice(left, 2 * processes)
            }
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(_work, item) for item in islice(left, len(done))}
                for future in done:
                    yield future.result()
        finally:
            _inherited = None
            pool.shutdown(wait=False, cancel_futures=True)


def _in_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop


def _work(item: Any) -> Any:
    assert _inherited is not None  # set before the fork
    return _inherited(item)
