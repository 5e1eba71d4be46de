"""Waiting for a cache that is away: a failover is over in seconds, and whoever asks need not hear of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE_SECONDS = 10.0
"""For how long: longer than most failovers take, shorter than an HTTP API waits for its function."""

_PAUSE_SECONDS = 0.2
# What HTTP calls idempotent: to do it twice comes to the same as to do it once.
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Patience:
    """Does what ``Retry-After`` would have the client do: tries a request again that was answered with 503.

    Only requests that may be repeated, and only answers that ask for it: a database in trouble is not to be asked more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in _REPEATABLE:
            await self._app(scope, receive, send)
            return
        end = time.monotonic() + PATIENCE_SECONDS
        body = await Request(scope, receive).body()
        while True:
            attempt = _Attempt(send, last=time.monotonic() >= end)
            # A copy of the scope, because whoever serves the request leaves traces in it.
            await self._app(dict(scope), _again(body, receive), attempt)
            if not attempt.in_vain:
                return
            await asyncio.sleep(_PAUSE_SECONDS)


class _Attempt:
    """Sends an answer on, unless it is one that asks to try again."""

    def __init__(self, send: Send, *, last: bool) -> None:
        self._send = send
        self._last = last
        self.in_vain = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._last:
            self.in_vain = message["status"] == 503 and "retry-after" in Headers(scope=message)  # noqa: PLR2004
        if not self.in_vain:
            await self._send(message)


def _again(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
