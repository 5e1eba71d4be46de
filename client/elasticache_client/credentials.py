"""What every source of logins has in common: a cache in the process, renewed by one caller at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from redis import CredentialProvider

from elasticache_client.forks import after_fork, renew_locks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_logger = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Login:
    """One user name and password, or token. The version tells two of them apart without showing either."""

    user: str
    password: str = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class Held:
    """A login and until when, on the owner's clock in seconds, it is fresh and, failing renewal, still usable."""

    login: Login
    since: float
    fresh_until: float
    usable_until: float


class Credentials(CredentialProvider):  # type: ignore[misc, unused-ignore]
    """A source of logins, as redis-py and valkey-py expect it, for threads and for asyncio.

    A fresh login is handed out without a lock. A stale one is renewed by one caller, while the others go on with it;
    when renewal fails, everybody does, until it is of no more use.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: Held | None = None
        self._lock = threading.Lock()
        after_fork(self, type(self).start_afresh)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def login(self) -> Login:
        """The login to use for a new connection.

        Raises:
            Exception: whatever kept the first login from being fetched.
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
        """The same, with any fetching off the event loop."""
        login = self._fresh()
        return login if login is not None else await asyncio.to_thread(self.login)

    @abstractmethod
    def after_refusal(self, refused: Sequence[Login]) -> Login | None:
        """Another login to try once the cache has refused these, or None if there is none worth trying."""

    async def after_refusal_async(self, refused: Sequence[Login]) -> Login | None:
        """The same, off the event loop."""
        return await asyncio.to_thread(self.after_refusal, refused)

    def get_credentials(self) -> tuple[str, str]:
        """User name and password, as the client libraries ask for them."""
        login = self.login()
        return login.user, login.password

    async def get_credentials_async(self) -> tuple[str, str]:
        """User name and password, without blocking the event loop."""
        login = await self.login_async()
        return login.user, login.password

    @abstractmethod
    def _fetch(self) -> Held:
        """Fetch a new login. Called by one thread at a time."""

    def start_afresh(self) -> None:
        """In a forked child: a thread of its parent may have been renewing the login."""
        renew_locks(self)

    def _fresh(self) -> Login | None:
        held = self._held
        # A clock set back makes a login look too young; it is renewed then as well.
        if held is not None and held.since <= self._clock() < held.fresh_until:
            return held.login
        return None

    def _usable(self) -> Held | None:
        held = self._held
        return held if held is not None and held.since <= self._clock() < held.usable_until else None

    def _renew(self) -> Login:
        try:
            self._held = self._fetch()
        except Exception as error:
            held = self._usable()
            if held is None:
                raise
            # Its type alone: a message may quote what was fetched.
            _logger.warning(
                "%r could not renew its login (%s) and goes on with the old one", self, type(error).__name__
            )
            self._held = replace(held, fresh_until=self._clock() + _RETRY_SECONDS)
        return self._held.login
