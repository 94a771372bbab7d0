"""One event loop a process, in a thread of its own: for models that are asked over a network.

The caller may itself run inside a loop (a notebook), and a pool's workers are forked: a fork copies
no thread, so each process starts its own loop on first use.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""Process -> its loop. A child keeps its parent's: closing it would close the parent's sockets."""

_starting = threading.Lock()


def submitted(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """The coroutine under way on this process's loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


def _loop() -> asyncio.AbstractEventLoop:
    with _starting:
        if os.getpid() not in _loops:
            loop = asyncio.new_event_loop()
            _loops[os.getpid()] = loop
            threading.Thread(target=loop.run_forever, name="models", daemon=True).start()
        return _loops[os.getpid()]
