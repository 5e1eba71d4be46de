"""A minimal load balancer: each request goes to the next process, regardless of its sender."""

from __future__ import annotations

import itertools
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from starlette.requests import Request

ADDRESSES = "ROUND_ROBIN"
"""Environment variable with the addresses of the processes, separated by spaces."""

# Headers of one connection do not apply to the next one.
_CONNECTION_HEADERS = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})


def balancer(addresses: list[str]) -> Starlette:
    """An application that passes requests on to the addresses in turn."""
    turns = itertools.cycle(addresses)
    # Only the transport: a client would store one user's cookies and send them with another user's request.
    transport = httpx.AsyncHTTPTransport()

    async def forward(request: Request) -> Response:
        answer = await transport.handle_async_request(
            httpx.Request(
                request.method,
                next(turns) + request.url.path,
                params=request.url.query,
                headers=_message_headers(request.headers.raw),
                content=await request.body(),
            )
        )
        response = Response(await answer.aread(), answer.status_code)
        response.raw_headers.extend(_message_headers(answer.headers.raw))
        return response

    @asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        async with transport:
            yield

    every = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
    return Starlette(routes=[Route("/{path:path}", forward, methods=every)], lifespan=closing)


def from_environment() -> Starlette:
    """The load balancer for the addresses in the environment variable."""
    return balancer(os.environ[ADDRESSES].split())


def _message_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower().decode() not in _CONNECTION_HEADERS]
