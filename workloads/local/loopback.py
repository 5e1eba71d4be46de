"""Refuse requests of other sites' pages to applications on the loopback address.

A browser on this machine can have any page open. Such a page can send requests to the applications, and if its host
name resolves to the loopback address, it can read the answers. ``Host`` names that host, and requests that change
something have an ``Origin``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

TARGET = "LOCAL_TARGET"
"""Environment variable with the application: ``module:name``, followed by ``()`` if the name is a factory."""
HOSTS = "LOCAL_HOSTS"
"""Environment variable with the accepted values of ``Host``, separated by spaces."""


class Loopback:
    """Passes on requests for this machine's names that no page of another site has sent.

    Args:
        app: The application that gets the requests.
        hosts: The accepted values of ``Host``.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = {f"http://{host}" for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if headers.get("host") not in self._hosts or not set(headers.getlist("origin")) <= self._origins:
                answer = PlainTextResponse("Not for pages of other sites.\n", status_code=403)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def from_environment() -> Loopback:
    """The application that the environment variables name."""
    module, _, name = os.environ[TARGET].partition(":")
    found = getattr(import_module(module), name.removesuffix("()"))
    return Loopback(found() if name.endswith("()") else found, frozenset(os.environ[HOSTS].split()))
