"""Work shared out: to forked processes here, or as tasks on a Ray cluster.

What is worked with is inherited by the fork, so only the items and the results travel, and nothing
else need be picklable (a judge from the user's file, a world with its images). On a cluster it is
pickled once. Results are the same on either, because nothing depends on who does the work.
"""

from __future__ import annotations

import multiprocessing
import signal
import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

from oversight.core import OversightError

T = TypeVar("T")
R = TypeVar("R")

_inherited: Callable[[Any], Any] | None = None


_cluster: ContextVar[bool] = ContextVar("_cluster", default=False)


@contextmanager
def on_ray(address: str | None = None) -> Generator[None]:
    """Within this, `fork_map` shares its work out over a Ray cluster that exists.

    `address` is Ray's own: "auto", "HOST:PORT", "ray://…"; None is what RAY_ADDRESS says.
    OversightError if Ray is not installed or no cluster answers.
    """
    try:
        import ray
    except ImportError:
        raise OversightError(
            "Ray is not installed: pip install 'oversight-lab[ray]', or use --executor local"
        ) from None
    try:
        _reach(address)
        ray.init(address=address or "auto", ignore_reinit_error=True, log_to_driver=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise OversightError(
            f"no Ray cluster answers at {address or 'auto'}: {error}; start one with "
            "'ray start --head', or use --executor local"
        ) from error
    before = _cluster.set(True)
    try:
        yield
    finally:
        _cluster.reset(before)
        ray.shutdown()


def fork_map(work: Callable[[T], R], items: Iterable[T], processes: int) -> Iterator[R]:
    """`work(item)` for every item, yielded as each is done, in no particular order.

    One process works here and now, lazily; more fork workers, a few items ahead of what is read.
    An exception in a worker is raised here.
    """
    if _cluster.get():
        yield from _ray_map(work, items)
        return
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


def _reach(address: str | None) -> None:
    """OSError if nobody listens at HOST:PORT: Ray itself would go on trying for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=5).close()


def _ray_map(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The same as tasks of a cluster, twice as many under way as it has processors."""
    import ray
    from ray.exceptions import RayTaskError

    held = ray.put(work)
    task: Any = ray.remote(_ray_work)
    ahead = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
    left = iter(items)
    waiting: list[Any] = [task.remote(held, item) for item in islice(left, ahead)]
    while waiting:
        [done], waiting = ray.wait(waiting)
        waiting += [task.remote(held, item) for item in islice(left, 1)]
        try:
            yield ray.get(done)
        except RayTaskError as error:
            raise error.cause from None


def _ray_work(work: Callable[[Any], Any], item: Any) -> Any:
    return work(item)


def _in_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop


def _work(item: Any) -> Any:
    assert _inherited is not None  # set before the fork
    return _inherited(item)
