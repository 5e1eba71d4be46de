"""Keeps pages of other sites away from what listens on this machine alone.

A browser on this machine may have any page open. Such a page can send requests here, and one whose own name has been
bent to the loopback address can read the answers: it says so in ``Host``, and what changes something says ``Origin``.
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
"""The variable that names the application, ``module:name``, with ``()`` behind it where it is to be called."""
HOSTS = "LOCAL_HOSTS"
"""The variable that names the values of ``Host`` to answer, with blanks between them."""


class Loopback:
    """Passes on what is addressed to this machine by its own names, and sent by no page but the application's own."""

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
    """The application that the environment names."""
    module, _, name = os.environ[TARGET].partition(":")
    found = getattr(import_module(module), name.removesuffix("()"))
    return Loopback(found() if name.endswith("()") else found, frozenset(os.environ[HOSTS].split()))
