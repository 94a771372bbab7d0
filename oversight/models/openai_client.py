"""Calls to an OpenAI-compatible server: connections, further tries, and errors by their cause."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from oversight.core import OversightError

try:
    import aiohttp

    from oversight.models.retrying import Again, retrying, seconds_asked
except ImportError as missing:
    raise OversightError(
        f"{missing.name} is not installed, and models behind an API need it: "
        "pip install 'oversight-lab[api]'"
    ) from None
from oversight.models.chat_interface import begun
from oversight.models.loop import submitted
from oversight.models.openai_wire import Malformed, complaint, is_about_length
from oversight.models.remote import Patience

T = TypeVar("T")

BACKOFF = 0.5
"""Seconds at most before the second try; twice that before the third, and so on."""
CONNECT = 10.0
"""Seconds that a connection may take to be made."""
PASSING = frozenset({408, 409, 425, 429, *range(500, 600)}) - {501}
"""Statuses that another try may mend."""
SPENT = frozenset({"insufficient_quota", "billing_not_active"})
"""What codes say that no try mends until somebody pays."""


class Failed(Exception):
    """This request has no answer, and no other try would bring one."""


class TooLong(Failed):
    """Prompt and reply do not fit the model's context."""


class Client:
    """Posts JSON to one server.

    The key is read from its environment variable whenever a connection pool is made, and lives in
    that pool's header alone: not in this object, nor in what is pickled with it.
    """

    def __init__(self, name: str, base: str, variable: str, patience: Patience) -> None:
        self.name, self.base, self.variable, self.patience = name, base, variable, patience
        self._pools: dict[int, aiohttp.ClientSession] = {}  # by process: a fork shares no sockets
        self._reached = False

    async def post(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """What `read` makes of the reply.

        Errors: Failed or TooLong for this request alone; OversightError for what ends the run.
        """
        sent = json.dumps(body).encode()
        try:
            return await self._once(path, sent, read)
        except Again as error:
            return await self._further(error, path, sent, read)

    def without_secrets(self, text: str) -> str:
        """The text with the key blotted out."""
        key = self._key()
        return text.replace(key, "[key]") if key else text

    def close(self) -> None:
        """Close this process's connections."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            submitted(pool.close()).result(CONNECT)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_pools": {}}

    async def _further(self, first: Again, path: str, body: bytes, read: Callable[[Any], T]) -> T:
        """The tries after the first, which stands as it was: tenacity doubles a call's overhead."""
        failed: Again | None = first

        async def attempt() -> T:
            nonlocal failed
            if failed is not None:
                known, failed = failed, None
                raise known
            return await self._once(path, body, read)

        tries = retrying(self.patience.tries, self.patience.total, BACKOFF)
        try:
            return await tries(attempt)
        except Again as error:
            if error.gone:
                raise OversightError(
                    f"{error}; what was answered is kept: start it again"
                ) from None
            raise Failed(f"{error} (tried {tries.statistics['attempt_number']} times)") from None

    async def _once(self, path: str, body: bytes, read: Callable[[Any], T]) -> T:
        try:
            async with self._pool().post(
                self.base + path, data=body, allow_redirects=False
            ) as response:
                text = self.without_secrets((await response.read()).decode(errors="replace"))
        except aiohttp.ClientConnectorError as error:
            raise self._nobody(error) from None
        except TimeoutError:
            raise Again(f"no reply in {self.patience.timeout:g} s") from None
        except aiohttp.ClientError as error:
            why = self.without_secrets(str(error))
            raise Again(f"the connection broke ({type(error).__name__}: {begun(why)})") from None
        self._reached = True
        if response.status != 200:
            raise await self._complaint(path, response, text)
        try:
            return read(json.loads(text))
        except json.JSONDecodeError:
            raise Again(f"a reply that is no JSON: {begun(text)!r}") from None
        except Malformed as error:
            raise Again(str(error)) from None

    def _nobody(self, error: aiohttp.ClientConnectorError) -> Exception:
        """A server that was never there is the user's to mend; one that went may come back."""
        why = f"{self.name}: no server answers at {self.base} ({error.strerror or error})"
        if self._reached:
            return Again(why, gone=True)
        return OversightError(f"{why}; start it, or correct the URL after @")

    async def _complaint(self, path: str, response: aiohttp.ClientResponse, text: str) -> Exception:
        """What a status other than 200 means."""
        status = response.status
        why, code = complaint(text)
        told = f"{self.name}: the server said {status}: {begun(why)}"
        if status in (401, 403):
            have = f"the key in {self.variable} is refused" if self._key() else (
                f"{self.variable} is not set"
            )  # fmt: skip
            return OversightError(f"{told}; {have}: set it, or name a variable with key=")
        if status == 402 or code in SPENT:
            return OversightError(f"{told}; what was answered is kept")
        if status == 404:
            return OversightError(f"{told}; {await self._known(path)}")
        if 300 <= status < 400:
            target = self.without_secrets(response.headers.get("Location", "elsewhere"))
            return OversightError(f"{told}; it redirects to {target}: write that URL after @")
        if status in PASSING:
            return Again(told, seconds_asked(response.headers.get("Retry-After")))
        return TooLong(told) if is_about_length(why, code) else Failed(told)

    async def _known(self, path: str) -> str:
        """What the server has instead of what it has not, if it says."""
        try:
            async with self._pool().get(f"{self.base}/models", allow_redirects=False) as response:
                listed = json.loads(self.without_secrets(await response.text()))
            return "its models: " + ", ".join(sorted(str(one["id"]) for one in listed["data"])[:20])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return f"does it have {path} below {self.base}?"

    def _key(self) -> str:
        return os.environ.get(self.variable, "").strip()

    def _pool(self) -> aiohttp.ClientSession:
        """This process's connections; those of a parent are left alone, not closed."""
        pool = self._pools.get(os.getpid())
        if pool is None:
            key = self._key()
            pool = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the model bounds the calls under way
                timeout=aiohttp.ClientTimeout(self.patience.timeout, sock_connect=CONNECT),
                headers={"Content-Type": "application/json"}
                | ({"Authorization": f"Bearer {key}"} if key else {}),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._pools[os.getpid()] = pool
            weakref.finalize(self, _close, os.getpid(), pool)
        return pool


def _close(process: int, pool: aiohttp.ClientSession) -> None:
    """For a client that nobody closed. It does not wait: it may run on the loop's own thread."""
    if process == os.getpid() and not pool.closed:
        submitted(pool.close())
