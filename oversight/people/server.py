"""The page that a person plays on: a local web server that shows one turn and takes one reply.

Bound to 127.0.0.1 unless told otherwise. Every address begins with a random token; requests for
other hosts, without the token, too large or not JSON are refused before anything is read of them.
"""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from oversight.core import OversightError
from oversight.people.desk import Desk, as_page
from oversight.spaces import IllegalReply
from oversight.world import World

HERE = Path(__file__).parent
STYLE = HERE.parent / "report" / "page.css"
LARGEST = 65_536
"""Bytes of a request's body at most."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' "
    "'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer:
    """Serves a desk on a thread of its own."""

    def __init__(
        self, desk: Desk, world: World, host: str = "127.0.0.1", port: int = 0,
        token: str | None = None,
    ) -> None:  # fmt: skip
        """`port` 0 takes a free one; `token` is drawn unless a test names it."""
        self.desk, self.world, self.host = desk, world, host
        self.token = token or secrets.token_urlsafe(24)
        hosts = ["127.0.0.1", "localhost", host]
        settings = uvicorn.Config(
            application(desk, world, self.token, hosts), host=host, port=port,
            log_level="error", access_log=False, lifespan="off",
        )  # fmt: skip
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> str:
        """Start, and return the page's address. OversightError if the port cannot be had."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OversightError(
                    f"cannot listen on {self.host}:{self._server.config.port}; choose another "
                    "--port, or 0 for a free one"
                )
            self._thread.join(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://{self.host}:{port}/{self.token}/"

    def stop(self) -> None:
        """Stop, and wait until it has."""
        self._server.should_exit = True
        self._thread.join(5)


def application(desk: Desk, world: World, token: str, hosts: list[str]) -> Starlette:
    """The routes: the page and its two files, the turn that waits, and the reply to it."""

    def refused(request: Request) -> Response | None:
        """Why a request is not heard, if it is not."""
        given = request.path_params["token"]
        if not secrets.compare_digest(given.encode(), token.encode()):
            return _plain(404, "no such page")
        return None

    async def file(request: Request) -> Response:
        names = {"": "page.html", "page.js": "page.js", "page.css": STYLE, "serve.css": "serve.css"}
        wanted = names.get(request.path_params.get("file", ""))
        if (no := refused(request)) or wanted is None:
            return no or _plain(404, "no such page")
        return FileResponse(HERE / wanted, headers=HEADERS)

    async def turn(request: Request) -> Response:
        if no := refused(request):
            return no
        found = desk.first()
        shown = None if found is None else as_page(*found, world)
        return JSONResponse({"turn": shown, "over": desk.over, **desk.counts}, headers=HEADERS)

    async def reply(request: Request) -> Response:
        if no := refused(request):
            return no
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _plain(415, "a reply is sent as application/json")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                return _plain(413, f"a reply has at most {LARGEST} bytes")
        try:
            sent = json.loads(body)
            desk.answer(str(sent["turn"]), sent["reply"])
        except KeyError:
            return _plain(409, "this turn does not wait for a reply: reload the page")
        except IllegalReply as error:
            return _plain(422, f"{error}")
        except (ValueError, TypeError):
            return _plain(400, 'a reply is an object {"turn": …, "reply": …}')
        return JSONResponse({"taken": True}, headers=HEADERS)

    return Starlette(
        routes=[
            Route("/{token}/turn", turn),
            Route("/{token}/reply", reply, methods=["POST"]),
            Route("/{token}/", file),
            Route("/{token}/{file}", file),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


def _plain(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status_code=status, headers=HEADERS)
