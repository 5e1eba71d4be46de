"""Retries while the cache is unavailable: most failovers end within seconds, so clients need not notice them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

RETRY_SECONDS = 10.0
"""How long to retry: longer than most failovers, shorter than the time limit of an HTTP API for its function."""

_PAUSE_SECONDS = 0.2
# Idempotent methods of HTTP: repeating a request has the same effect as sending it once.
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class RetryMiddleware:
    """Repeats a request that is answered with status 503 and ``Retry-After``, as a client would.

    Only idempotent requests are repeated. Answers without ``Retry-After`` are passed on, because an overloaded database
    must not receive more requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in _IDEMPOTENT:
            await self._app(scope, receive, send)
            return
        end = time.monotonic() + RETRY_SECONDS
        body = await Request(scope, receive).body()
        while True:
            attempt = _Attempt(send, last=time.monotonic() >= end)
            # A copy of the scope, because the application modifies it.
            await self._app(dict(scope), _replay(body, receive), attempt)
            if not attempt.is_dropped:
                return
            await asyncio.sleep(_PAUSE_SECONDS)


class _Attempt:
    """Passes an answer on, or drops it if it asks for a retry."""

    def __init__(self, send: Send, *, last: bool) -> None:
        self._send = send
        self._last = last
        self.is_dropped = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._last:
            self.is_dropped = message["status"] == 503 and "retry-after" in Headers(scope=message)  # noqa: PLR2004
        if not self.is_dropped:
            await self._send(message)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return messages.pop() if messages else await receive()

    return receive_replayed
