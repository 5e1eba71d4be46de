"""The shop over HTTP."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from elasticache_client.messages import refusal
from elasticache_client.sessions import Cookie
from elasticache_client.sessions.starlette import SessionMiddleware
from workloads.sessions import storage
from workloads.sessions.domain import SHELF, Change, Login, lines
from workloads.web import Json, application, check_sender, read

if TYPE_CHECKING:
    from starlette.requests import Request

    from elasticache_client.sessions import Session

_COOKIE = Cookie()


async def show(request: Request) -> Json:
    """Return the user, the cart, and the process that answers."""
    return _state(request)


async def change_cart(request: Request) -> Json:
    """Set the quantity of an item in the cart."""
    change = await read(request, Change)
    if change.item not in SHELF:
        allowed = f"must be one of {', '.join(SHELF)}"
        raise HTTPException(422, refusal(got=f"item={change.item!r}", allowed=allowed, fix="Choose one of them"))
    storage.put(_session(request), change)
    return _state(request)


async def log_in(request: Request) -> Json:
    """Log in without proof of identity, and give the session a new id."""
    _session(request).renew(str((await read(request, Login)).user))
    return _state(request)


async def log_out(request: Request) -> Json:
    """End this session."""
    check_sender(request)
    _session(request).end()
    return _state(request)


async def log_out_everywhere(request: Request) -> Json:
    """End all sessions of this session's user."""
    check_sender(request)
    session = _session(request)
    if session.user is not None:
        await storage.sessions.revoke(session.user)
    session.end()
    return _state(request)


def _session(request: Request) -> Session:
    session: Session = request.session  # type: ignore[assignment]  # the middleware's class, which is not a dictionary
    return session


def _state(request: Request) -> Json:
    session = _session(request)
    cart = lines(storage.cart(session))
    cookie = request.cookies.get(_COOKIE.full_name)
    return Json(
        {
            "process": os.getpid(),
            # Shows that a login has renewed the id, without revealing the id.
            "fingerprint": cookie and hashlib.sha256(cookie.encode()).hexdigest()[:8],
            "user": session.user,
            "cart": cart,
            "total_cents": sum(line.price_cents * line.quantity for line in cart),
            "shelf": list(SHELF.values()),
        }
    )


app = application(
    Path(__file__).parent,
    [
        Route("/api/session", show),
        Route("/api/cart", change_cart, methods=["PUT"]),
        Route("/api/login", log_in, methods=["POST"]),
        Route("/api/logout", log_out, methods=["POST"]),
        Route("/api/logout-everywhere", log_out_everywhere, methods=["POST"]),
    ],
    middleware=[Middleware(SessionMiddleware, sessions=storage.sessions, cookie=_COOKIE)],
)
