"""What the three applications share: JSON requests and responses, JSON errors, one page each, and security headers.

Libraries send two errors in plain text: that a body is too large, and that sessions are unavailable.
"""

from __future__ import annotations

import logging
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

from elasticache_client.failures import denial
from elasticache_client.messages import refusal
from elasticache_client.sessions import SessionsUnavailable
from workloads.names import decode
from workloads.page import Page
from workloads.retry import RetryMiddleware

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_MAX_DIGITS = 18
_MAX_BODY = 4096  # bytes
_CACHE_UNAVAILABLE = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.RedisClusterException,  # no node could be reached
    redis.exceptions.ReadOnlyError,  # a primary that a failover has made a replica
    SessionsUnavailable,
)


class _Id(Convertor[int]):
    """A number in a path. One with too many digits for an id becomes an id that does not exist.

    Python refuses to convert very long numbers.
    """

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        return int(value) if len(value) <= _MAX_DIGITS else sys.maxsize

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("id", _Id())


class Json(Response):
    """A JSON response, encoded by msgspec."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Encode the content."""
        return msgspec.json.encode(content)


async def read(request: Request, kind: type[T]) -> T:
    """Decode the JSON body of a request as the given type.

    The required content type also rejects forms that another site submits with the user's cookie. Browsers send a
    preflight request before a page of another site may send any other content type.

    Raises:
        HTTPException: If the content type is wrong (415), or the body does not fit the type (422).
    """
    _check_content_type(_content_type(request))
    try:
        return msgspec.json.decode(await request.body(), type=kind, dec_hook=decode)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, f"The body does not fit: {error}.") from None


def check_sender(request: Request) -> None:
    """Reject a request without a body that a page of another site may have sent.

    Pages of this site send JSON, for example ``{}``. Clients other than browsers may send no body.

    Raises:
        HTTPException: If the request is a browser's or has a body, and its content type is not JSON (415).
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
    """Convert a string of the request's path or query to the given type.

    Raises:
        HTTPException: If it does not fit the type (422).
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
        page: The folder that contains ``page.html`` and ``page.js``.
        routes: The routes of its API.
        middleware: Middleware directly before the routes.
        overload: Exceptions that mean that the database is overloaded. Their answers do not ask for a retry.
    """
    document = Page.load(page)
    inner = Starlette(
        routes=[Route("/", document.respond), *routes],
        middleware=[Middleware(RetryMiddleware), *middleware],
        exception_handlers={
            HTTPException: _refused,
            **dict.fromkeys(_CACHE_UNAVAILABLE, _cache_unavailable),
            **dict.fromkeys(overload, _overloaded),
            redis.exceptions.NoPermissionError: _failed,
            Exception: _failed,
        },
        max_body_size=_MAX_BODY,
    )
    # The redirection would use the Host header, which the client controls.
    inner.router.redirect_slashes = False
    # Outermost, because Starlette's body limit and its response to unexpected errors come before any middleware.
    return SecurityHeaders(inner, document.policy)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these only
    return Json({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _cache_unavailable(request: Request, cause: Exception) -> Response:
    if denial(cause):
        return _failed(request, cause)
    error = "The cache is unavailable. Send the request again in one second."
    return Json({"error": error}, status_code=503, headers={"retry-after": "1"})


def _overloaded(_: Request, __: Exception) -> Response:
    error = "The database is unavailable or overloaded. Send the request again later."
    return Json({"error": error}, status_code=503)


def _failed(_: Request, cause: Exception) -> Response:
    refused = denial(cause)
    if refused:
        # Not the cause's text, in which AWS quotes roles and secrets.
        _logger.error("%s: %s.", type(cause).__name__, refused)
        error = "The cache refused the application; the cause is in its log. Sending the request again does not help."
        return Json({"error": error}, status_code=500)
    error = "The application failed; the cause is in its log. Check whether the request took effect before retrying."
    return Json({"error": error}, status_code=500)


class SecurityHeaders:
    """Adds security headers to every response."""

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
