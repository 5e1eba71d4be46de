"""Retries that exclude rejected logins and do not multiply.

The libraries treat a rejected login as a broken connection, and redis-py tries it eleven times. Both retry a command,
the opening of its connection, and the connection's health check, each inside the other.
"""

from __future__ import annotations

from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio.retry import Retry as AsyncBase
    from redis.retry import Retry as SyncBase
else:
    AsyncBase = SyncBase = object

# Set while a command is retried, so that opening its connection and the health check are not retried within.
_is_retrying: ContextVar[bool] = ContextVar("_is_retrying", default=False)

_RETRIES = 3
_FIRST_SECONDS = 0.05
_MAX_SECONDS = 0.5


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """Carries a rejected login through the library's retries, which catch connection errors and their subclasses."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _SyncRetry(SyncBase):
    refusal: tuple[type[Exception], ...]
    _supported_errors: Any

    def call_with_retry(self, do: Callable[[], Any], fail: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if _is_retrying.get():
            try:
                return do()
            except self._supported_errors as error:
                fail(error, 1) if kwargs.get("with_failure_count") else fail(error)
                raise

        def attempt() -> Any:
            try:
                return do()
            except self.refusal as error:
                raise _Refused(error) from None

        token = _is_retrying.set(True)
        try:
            return super().call_with_retry(attempt, fail, *args, **kwargs)
        except _Refused as refused:
            raise refused.error from None
        finally:
            _is_retrying.reset(token)


class _AsyncRetry(AsyncBase):
    refusal: tuple[type[Exception], ...]
    _supported_errors: Any

    async def call_with_retry(
        self, do: Callable[[], Awaitable[Any]], fail: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        if _is_retrying.get():
            try:
                return await do()
            except self._supported_errors as error:
                await (fail(error, 1) if kwargs.get("with_failure_count") else fail(error))
                raise

        async def attempt() -> Any:
            try:
                return await do()
            except self.refusal as error:
                raise _Refused(error) from None

        token = _is_retrying.set(True)
        try:
            return await super().call_with_retry(attempt, fail, *args, **kwargs)
        except _Refused as refused:
            raise refused.error from None
        finally:
            _is_retrying.reset(token)


def worth_retrying(library: str) -> tuple[type[Exception], ...]:
    """The errors to retry: a broken connection, and a primary that has become a replica.

    A new connection reaches the new primary. Timeouts are not retried: the server may have executed the command, and
    the caller has waited long enough.
    """
    exceptions = import_module(f"{library}.exceptions")
    return exceptions.ConnectionError, exceptions.ReadOnlyError


def refusals(library: str) -> tuple[type[Exception], ...]:
    """The errors of a rejected login. The libraries derive them from their connection errors."""
    exceptions = import_module(f"{library}.exceptions")
    return exceptions.AuthenticationError, exceptions.AuthorizationError


def retry(library: str, *, asynchronous: bool) -> Any:
    """The library's Retry class with three retries within about a second, and none after a rejected login."""
    base = import_module(f"{library}.asyncio.retry" if asynchronous else f"{library}.retry").Retry
    mixin = _AsyncRetry if asynchronous else _SyncRetry
    kind = type("Retry", (mixin, base), {"refusal": refusals(library)})
    backoff = import_module(f"{library}.backoff").FullJitterBackoff(cap=_MAX_SECONDS, base=_FIRST_SECONDS)
    return kind(backoff, _RETRIES, supported_errors=worth_retrying(library))
