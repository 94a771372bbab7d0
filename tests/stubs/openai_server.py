"""A server that speaks as much of OpenAI's interface as the tests need, and misbehaves on demand.

    with served(lambda asked: said("hello")) as server:
        OpenAI(f"m@{server.base}")

As a program it answers every call after so many seconds, and prints its port:
`python -m tests.stubs.openai_server 0.05`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple


class Call(NamedTuple):
    """What a client sent."""

    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Any
    number: int
    """How many calls came before it."""


class Reply(NamedTuple):
    """What it is sent back."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    delay: float = 0.0
    cut: bool = False
    """Hang up in the middle of the body."""


Behaviour = Callable[[Call], Reply]


def said(
    text: str | None,
    finish: str | None = "stop",
    *,
    logprobs: Mapping[str, float] | None = None,
    prompt: int = 10,
    completion: int = 2,
    cached: int = 0,
    delay: float = 0.0,
    **message: Any,
) -> Reply:
    """A chat completion."""
    choice: dict[str, Any] = {
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
    }
    if logprobs is not None:
        top = [{"token": token, "logprob": value} for token, value in logprobs.items()]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return as_json({"choices": [choice], "usage": usage})._replace(delay=delay)


def as_json(body: Any, status: int = 200, **headers: str) -> Reply:
    """Any JSON; `Retry_After="1"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(body).encode(), status, named)


def complaint(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """An error."""
    return as_json({"error": {"message": message, "code": code}}, status, **headers)


class Server:
    """Where it is, and what it was sent."""

    def __init__(self, port: int, calls: list[Call]) -> None:
        self.base, self.calls = f"http://127.0.0.1:{port}/v1", calls


@contextmanager
def served(behaviour: Behaviour, port: int = 0) -> Generator[Server]:
    """A server in a thread, for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    calls: list[Call] = []
    open_connections: set[_Connection] = set()
    listening = loop.run_until_complete(
        loop.create_server(
            lambda: _Connection(behaviour, calls, open_connections), "127.0.0.1", port
        )
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Server(listening.sockets[0].getsockname()[1], calls)
    finally:
        loop.call_soon_threadsafe(_stop, listening, open_connections, loop)
        thread.join()
        loop.close()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with connections that are kept; a request at a time on each."""

    def __init__(
        self, behaviour: Behaviour, calls: list[Call], connections: set[_Connection]
    ) -> None:
        self._behaviour, self._calls, self._connections = behaviour, calls, connections
        self._buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, ended, rest = self._buffer.partition(b"\r\n\r\n")
        if not ended:
            return
        first, *lines = head.decode().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        body = json.loads(rest[:length]) if length else None
        call = Call(first.split()[1], headers, body, len(self._calls))
        self._calls.append(call)
        reply = self._behaviour(call)
        asyncio.get_running_loop().call_later(reply.delay, self._send, reply)

    def _send(self, reply: Reply) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(reply.body)),
                   **reply.headers}  # fmt: skip
        lines = [f"HTTP/1.1 {reply.status} So", *(f"{n}: {v}" for n, v in headers.items())]
        body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if reply.cut:
            self.transport.close()


def _stop(
    listening: asyncio.Server, connections: set[_Connection], loop: asyncio.AbstractEventLoop
) -> None:
    listening.close()
    for connection in connections:
        connection.transport.abort()
    loop.call_soon(loop.stop)


async def _forever(delay: float) -> None:
    reply = said("hello there", delay=delay)
    loop = asyncio.get_running_loop()
    calls: list[Call] = []
    listening = await loop.create_server(
        lambda: _Connection(lambda _: reply, calls, set()), "127.0.0.1", 0, backlog=1024
    )
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_forever(float(sys.argv[1])))
