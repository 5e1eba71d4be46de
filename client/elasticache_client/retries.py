"""Retries that leave a refused login alone.

The libraries class it with broken connections, and redis-py tries it eleven times.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio.retry import Retry as AsyncBase
    from redis.retry import Retry as SyncBase
else:
    AsyncBase = SyncBase = object

_RETRIES = 3
_FIRST_SECONDS = 0.05
_LONGEST_SECONDS = 0.5


class _Refused(Exception):  # noqa: N818  # never seen outside of this module
    """Takes a refusal past the library's retries, which know connection errors and what derives from them."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _SyncRetry(SyncBase):
    refusal: type[Exception]

    def call_with_retry(self, do: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        def attempt() -> Any:
            try:
                return do()
            except self.refusal as error:
                raise _Refused(error) from None

        try:
            return super().call_with_retry(attempt, *args, **kwargs)
        except _Refused as refused:
            raise refused.error from None


class _AsyncRetry(AsyncBase):
    refusal: type[Exception]

    async def call_with_retry(self, do: Callable[[], Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        async def attempt() -> Any:
            try:
                return await do()
            except self.refusal as error:
                raise _Refused(error) from None

        try:
            return await super().call_with_retry(attempt, *args, **kwargs)
        except _Refused as refused:
            raise refused.error from None


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
