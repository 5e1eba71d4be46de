"""What the three share on the web: JSON in and out, errors in JSON, one page each, and headers that close the doors.

Two answers come from libraries, and in plain text: that a body is too large, and that sessions are unavailable.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import redis.exceptions
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from elasticache_client.messages import refusal
from elasticache_client.sessions import SessionsUnavailable
from workloads.names import decode
from workloads.page import Page
from workloads.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")

_MOST_DIGITS = 18
_LARGEST_BODY = 4096  # bytes
_CACHE_AWAY = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,  # a primary that a failover has made a replica
    SessionsUnavailable,
)


class _Id(Convertor[int]):
    """A number in a path. Of more digits than any id has, it is one that nothing has: Python refuses to read some."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        return int(value) if len(value) <= _MOST_DIGITS else sys.maxsize

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("id", _Id())


class Json(Response):
    """A value as JSON, as msgspec writes it."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The value's bytes."""
        return msgspec.json.encode(content)


async def read(request: Request, kind: type[T]) -> T:
    """The request's body, JSON of the given type.

    Asking for the content type of JSON also keeps out forms that another site sends with the user's cookie: a browser
    asks this site first before it lets a page send anything else than a form.

    Raises:
        HTTPException: the body is none; 415 for its content type, 422 for what is in it.
    """
    _check_content_type(_content_type(request))
    try:
        return msgspec.json.decode(await request.body(), type=kind, dec_hook=decode)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, f"The body does not fit: {error}.") from None


def check_sender(request: Request) -> None:
    """Refuse a request without a body that a page of another site may have sent.

    A page of this site sends JSON like ``{}``; what is no browser may send nothing at all.

    Raises:
        HTTPException: it is a browser's, or has a body, and its content type is not that of JSON; 415.
    """
    content_type = _content_type(request)
    browser = {"origin", "sec-fetch-site", "sec-fetch-mode"} & set(request.headers)
    if content_type or browser or request.headers.get("content-length", "0") != "0":
        _check_content_type(content_type)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_content_type(content_type: str) -> None:
    if content_type != "application/json":
        got = f"Content-Type is {content_type or 'missing'}"
        fix = "Send JSON with this Content-Type"
        raise HTTPException(415, refusal(got=got, allowed="must be application/json", fix=fix))


def checked(text: str, kind: Any, name: str) -> Any:
    """A text of the request's path or query, if it is of the given type.

    Raises:
        HTTPException: it is not; 422.
    """
    try:
        return msgspec.convert(text, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        raise HTTPException(422, f"{name} does not fit: {error}.") from None


def application(
    page: Path,
    routes: Sequence[Route],
    *,
    middleware: Sequence[Middleware] = (),
    overload: Sequence[type[Exception]] = (),
) -> SecurityHeaders:
    """An application with its page at the root.

    Args:
        page: the folder that holds ``page.html`` and ``page.js``.
        routes: its API.
        middleware: what stands directly before the routes.
        overload: exceptions that tell of a database in trouble; nobody is asked to try again soon.
    """
    it = Page.load(page)
    inner = Starlette(
        routes=[Route("/", it.respond), *routes],
        middleware=[Middleware(Patience), *middleware],
        exception_handlers={
            HTTPException: _refused,
            **dict.fromkeys(_CACHE_AWAY, _cache_away),
            **dict.fromkeys(overload, _overloaded),
            Exception: _failed,
        },
        max_body_size=_LARGEST_BODY,
    )
    # It would make the address from the Host that the client names.
    inner.router.redirect_slashes = False
    # Around it all: Starlette puts its limit of bodies, and its answer to an unforeseen error, before any middleware.
    return SecurityHeaders(inner, it.policy)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    return Json({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _cache_away(_: Request, __: Exception) -> Response:
    error = "The cache is unavailable. Send the request again in one second."
    return Json({"error": error}, status_code=503, headers={"retry-after": "1"})


def _overloaded(_: Request, __: Exception) -> Response:
    error = "The database is unavailable or overloaded. Send the request again later."
    return Json({"error": error}, status_code=503)


def _failed(_: Request, __: Exception) -> Response:
    error = "The application failed; the cause is in its log. Check whether the request took effect before retrying."
    return Json({"error": error}, status_code=500)


class SecurityHeaders:
    """Adds to every answer what a browser shall refuse to do with it."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = {
            "cache-control": "no-store",
            "content-security-policy": policy,
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "strict-transport-security": "max-age=31536000",
            "x-content-type-options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)
