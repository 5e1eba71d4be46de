"""A load balancer in its simplest form: each request goes to the next process, whoever sent it."""

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
"""The variable that names the processes' addresses, with blanks between them."""

# What is about one connection is not about the next.
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})


def balancer(addresses: list[str]) -> Starlette:
    """An application that passes requests on."""
    turns = itertools.cycle(addresses)
    # The transport alone: a whole client would keep one user's cookies and send them with another's request.
    transport = httpx.AsyncHTTPTransport()

    async def forward(request: Request) -> Response:
        answer = await transport.handle_async_request(
            httpx.Request(
                request.method,
                next(turns) + request.url.path,
                params=request.url.query,
                headers=_about_the_message(request.headers.raw),
                content=await request.body(),
            )
        )
        response = Response(await answer.aread(), answer.status_code)
        response.raw_headers.extend(_about_the_message(answer.headers.raw))
        return response

    @asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        async with transport:
            yield

    every = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
    return Starlette(routes=[Route("/{path:path}", forward, methods=every)], lifespan=closing)


def from_environment() -> Starlette:
    """The balancer that the environment describes."""
    return balancer(os.environ[ADDRESSES].split())


def _about_the_message(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower().decode() not in _OF_THE_CONNECTION]
