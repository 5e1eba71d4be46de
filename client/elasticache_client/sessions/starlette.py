"""Sessions for Starlette, FastAPI and other ASGI applications."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse

from elasticache_client.sessions.cookie import Cookie
from elasticache_client.sessions.stores import SessionsDenied, SessionsUnavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from elasticache_client.sessions.session import Session
    from elasticache_client.sessions.stores import AsyncSessions

_logger = logging.getLogger(__name__)
_INTERNAL_ERROR = 1011
_TRY_AGAIN_LATER = 1013


class SessionMiddleware:
    """Gives every request a ``request.session``, which is saved when the response starts.

    It is read before the application runs, for requests with the cookie. While the cache does not answer, those get
    status 503, and so do responses whose session could not be saved. While the cache refuses the application's login or
    commands, it is status 500. A session that a WebSocket changes is not saved.

    Args:
        app: The application.
        sessions: The store of the sessions.
        cookie: How the cookie is set. Default: as strictly as browsers allow.
    """

    def __init__(self, app: ASGIApp, *, sessions: AsyncSessions, cookie: Cookie | None = None) -> None:
        self._app = app
        self._sessions = sessions
        self._cookie = cookie or Cookie()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            session = await self._sessions.load(HTTPConnection(scope).cookies.get(self._cookie.full_name))
        except SessionsUnavailable as error:
            _logger.exception("a session could not be read")
            await _refuse(error, scope, receive, send)
            return
        scope["session"] = session
        is_refused = False

        async def send_with_cookie(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start":
                try:
                    await self._keep(session, message)
                except SessionsUnavailable as error:
                    _logger.exception("a session could not be saved")
                    is_refused = True
                    await _refuse(error, scope, receive, send)
            if not is_refused:
                await send(message)

        await self._app(scope, receive, send_with_cookie)

    async def _keep(self, session: Session, response: Message) -> None:
        change = await self._sessions.save(session)
        headers = MutableHeaders(scope=response)
        if session.accessed:
            headers.add_vary_header("Cookie")
        if change is not None:
            headers.append("Set-Cookie", self._cookie.header(change))
            headers.setdefault("Cache-Control", "no-store")


async def _refuse(error: SessionsUnavailable, scope: Scope, receive: Receive, send: Send) -> None:
    is_denied = isinstance(error, SessionsDenied)
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _INTERNAL_ERROR if is_denied else _TRY_AGAIN_LATER})
        return
    if is_denied:
        text = "The application may not use its sessions; the cause is in its log. A retry does not help."
        await PlainTextResponse(text, 500)(scope, receive, send)
        return
    response = PlainTextResponse("Sessions are unavailable for the moment.", 503, {"Retry-After": "1"})
    await response(scope, receive, send)
