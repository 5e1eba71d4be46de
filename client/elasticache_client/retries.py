"""Retries that leave a refused login alone, and are no retries of retries.

The libraries class a refused login with broken connections, and redis-py tries it eleven times. Both retry a command,
the opening of its connection, and the check of that connection's health, each inside the other.
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

# A command is tried again, and in each try its connection would be opened again and again, and its health checked.
_is_retrying: ContextVar[bool] = ContextVar("_is_retrying", default=False)

_RETRIES = 3
_FIRST_SECONDS = 0.05
_LONGEST_SECONDS = 0.5


class _Refused(Exception):  # noqa: N818  # never seen outside of this module
    """Takes a refusal past the library's retries, which know connection errors and what derives from them."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _SyncRetry(SyncBase):
    refusal: type[Exception]
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
    refusal: type[Exception]
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
    """A broken connection, and a primary that has become a replica: a new connection finds the new primary.

    A timeout is not: the command may have been carried out, and its caller has waited for long enough.
    """
    exceptions = import_module(f"{library}.exceptions")
    return exceptions.ConnectionError, exceptions.ReadOnlyError


def retry(library: str, *, asynchronous: bool) -> Any:
    """Three more tries on new connections, within about a second; none after a refused login."""
    exceptions = import_module(f"{library}.exceptions")
    base = import_module(f"{library}.asyncio.retry" if asynchronous else f"{library}.retry").Retry
    mixin = _AsyncRetry if asynchronous else _SyncRetry
    kind = type("Retry", (mixin, base), {"refusal": exceptions.AuthenticationError})
    backoff = import_module(f"{library}.backoff").FullJitterBackoff(cap=_LONGEST_SECONDS, base=_FIRST_SECONDS)
    return kind(backoff, _RETRIES, supported_errors=worth_retrying(library))
