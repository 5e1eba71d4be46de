"""What all sources of logins share: a cache in the process, which one caller at a time refreshes."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from redis import CredentialProvider

from elasticache_client.failures import Failure, kind_of
from elasticache_client.forks import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_logger = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Login:
    """A user name with a password or token. The version identifies it without showing it."""

    user: str
    password: str = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class CachedLogin:
    """A cached login, and its times in seconds of the owner's clock.

    It is fresh until ``fresh_until``. If it cannot be refreshed, it is used until ``usable_until``.
    """

    login: Login
    since: float
    fresh_until: float
    usable_until: float


def is_failed_fetch(error: Exception) -> bool:
    """Whether an exception says that a login could not be fetched, and does not belong to the caller.

    A signal handler, such as the time limits of RQ and Celery, may raise an exception while a login is fetched. Errors
    of botocore, of sockets, and of a reply that cannot be read belong to the source. A bare ``TimeoutError`` does not,
    because botocore has its own classes for time limits.
    """
    kind = kind_of(error)
    return type(error) is not TimeoutError and (kind is not Failure.OTHER or type(error) in _UNREADABLE)


class Credentials(CredentialProvider):  # type: ignore[misc, unused-ignore]
    """A source of logins for redis-py and valkey-py, with threads and with asyncio.

    A fresh login is returned without a lock. A stale login is refreshed by one caller, while the others use the old
    one. If the refresh fails, all callers use the old login until it expires.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: CachedLogin | None = None
        self._lock = threading.Lock()
        after_fork(self, type(self).start_afresh)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def login(self) -> Login:
        """The login for a new connection.

        Raises:
            Exception: If no login is cached and fetching one failed. The error is that of the source.
        """
        login = self._fresh()
        if login is not None:
            return login
        held = self._usable()
        if held is not None and self._lock.locked():
            return held.login
        with self._lock:
            return self._fresh() or self._renew()

    async def login_async(self) -> Login:
        """The login for a new connection, fetched off the event loop."""
        login = self._fresh()
        return login if login is not None else await asyncio.to_thread(self.login)

    @abstractmethod
    def after_refusal(self, refused: Sequence[Login]) -> Login | None:
        """Another login to try after the cache has rejected these, or None if there is no other."""

    async def after_refusal_async(self, refused: Sequence[Login]) -> Login | None:
        """Another login to try after the cache has rejected these, fetched off the event loop."""
        return await asyncio.to_thread(self.after_refusal, refused)

    def get_credentials(self) -> tuple[str, str]:
        """User name and password, in the form that the client libraries expect."""
        login = self.login()
        return login.user, login.password

    async def get_credentials_async(self) -> tuple[str, str]:
        """User name and password, without blocking the event loop."""
        login = await self.login_async()
        return login.user, login.password

    @abstractmethod
    def _fetch(self) -> CachedLogin:
        """Fetch a new login. Called by one thread at a time."""

    def start_afresh(self) -> None:
        """Renew in a forked child what only the parent may use. Its locks are new already. Default: nothing."""

    def _fresh(self) -> Login | None:
        held = self._held
        # If the clock was set back, the login seems to be from the future and is refreshed.
        if held is not None and held.since <= self._clock() < held.fresh_until:
            return held.login
        return None

    def _usable(self) -> CachedLogin | None:
        held = self._held
        return held if held is not None and held.since <= self._clock() < held.usable_until else None

    def _renew(self) -> Login:
        try:
            self._held = self._fetch()
        except Exception as error:
            held = self._usable()
            if held is None or not is_failed_fetch(error):
                raise
            # Only the error's type, because its message may quote the secret.
            _logger.warning(
                "%r could not refresh its login (%s) and continues with the old one", self, type(error).__name__
            )
            self._held = replace(held, fresh_until=self._clock() + _RETRY_SECONDS)
        return self._held.login
