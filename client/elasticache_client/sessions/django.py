"""Sessions for Django: ``SESSION_ENGINE = "elasticache_client.sessions.django"``.

The setting ``ELASTICACHE_SESSIONS`` is the dotted path of a ``Sessions``, which says how long they last. The cookie is
Django's; the strictest settings are ``SESSION_COOKIE_NAME = "__Host-session"`` and ``SESSION_COOKIE_SECURE = True``. A
session's user is the one that ``django.contrib.auth`` logs in, by ``str(user.pk)``.

Django's settings for the end of a session also hold in the cache, counted from when it was last saved: ``set_expiry``,
or else ``SESSION_COOKIE_AGE``; at most the ``idle`` and ``lifetime`` of the store, which is logged. A session that ends
with the browser lasts in the cache as long as any other. ``SESSION_SERIALIZER`` is refused.
"""

from __future__ import annotations

import logging
import time
from functools import cache, cached_property
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings  # type: ignore[import-untyped]
from django.contrib.auth import SESSION_KEY as USER  # type: ignore[import-untyped]
from django.contrib.sessions.backends.base import SessionBase, UpdateError  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured  # type: ignore[import-untyped]
from django.utils.module_loading import import_string  # type: ignore[import-untyped]

from elasticache_client.messages import refusal
from elasticache_client.sessions.session import Session
from elasticache_client.sessions.stores import Sessions

_logger = logging.getLogger(__name__)

_JSON = "django.contrib.sessions.serializers.JSONSerializer"


@cache
def _log_bounded(idle: float) -> None:
    _logger.warning(
        "set_expiry() asks for more than the store's %d s without a request, and the store's limit holds: give it a "
        "longer idle, Sessions(..., idle=, lifetime=)",
        idle,
    )


class SessionStore(SessionBase):  # type: ignore[misc]
    """Django's session in a cache. While the cache does not answer, it raises ``SessionsUnavailable``.

    If the cache refuses the application's login or commands, that is ``SessionsDenied``.
    """

    @cached_property
    def _kept(self) -> Session:
        """The session as the cache has it."""
        return self._store.load(self.session_key)

    def load(self) -> dict[str, Any]:
        """Return its values; if the cache has no such session, there are none, and it loses its key."""
        self._follow()
        return dict(self._kept)

    def exists(self, session_key: str) -> bool:
        """Whether there is a session with this key."""
        return self._store.load(session_key).record.id is not None

    def create(self) -> None:
        """Start and save an empty one with a new key."""
        self._kept = Session()
        self._kept.renew()
        self._session_cache: dict[str, Any] = {}
        self.save()

    def save(self, must_create: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Django's signature
        """Save what has changed, under a new key if a user has logged in.

        Raises:
            UpdateError: If the session has ended meanwhile.
        """
        values = dict(self._session)
        for name in self._kept.keys() - values.keys():
            del self._kept[name]
        self._kept.update(values)
        if not values:
            # Also of what could not be read.
            self._kept.clear()
        self._kept.record.expires = self._expires()
        if values.get(USER) not in (None, self._kept.user):
            self._kept.renew(values[USER])
        wanted = bool(values) or self._kept.record.wanted
        self._store.save(self._kept)
        self._follow()
        if wanted and self.session_key is None:
            self._session_cache = {}
            raise UpdateError

    def cycle_key(self) -> None:
        """Change the key when the session is next saved; the values stay."""
        self._kept.renew()
        self.modified = True

    async def acycle_key(self) -> None:
        """The same, without blocking the event loop."""
        await sync_to_async(self.cycle_key)()

    def delete(self, session_key: str | None = None) -> None:
        """Delete a session, this one unless another one is named."""
        doomed = self._kept if session_key is None else self._store.load(session_key)
        doomed.end()
        self._store.save(doomed)

    @classmethod
    def clear_expired(cls) -> None:
        """Do nothing: the cache deletes expired sessions itself."""

    @property
    def _store(self) -> Sessions:
        path = getattr(settings, "ELASTICACHE_SESSIONS", None)
        store = None if path is None else import_string(path)
        if not isinstance(store, Sessions):
            raise ImproperlyConfigured(
                refusal(
                    got=f"ELASTICACHE_SESSIONS={path!r}",
                    allowed="must be the dotted path of a Sessions object",
                    fix="Make one in a module, for example sessions = Sessions(connect()) in shop/cache.py, and set "
                    "ELASTICACHE_SESSIONS = 'shop.cache.sessions'",
                )
            )
        serializer = settings.SESSION_SERIALIZER
        if serializer != _JSON:
            raise ImproperlyConfigured(
                refusal(
                    got=f"SESSION_SERIALIZER={serializer!r}",
                    allowed=f"must be {_JSON!r} with this engine",
                    fix="Leave it out, and declare the types of other values where you make the store: Sessions(..., "
                    "types={...})",
                )
            )
        return store

    def _expires(self) -> float | None:
        """When Django wants it to end, if that is earlier than the store does."""
        age: float = self.get_expiry_age()
        idle = self._store.idle.total_seconds()
        if age < idle:
            return time.time() + age
        if age > idle and self.get("_session_expiry"):
            _log_bounded(idle)
        return None

    def _follow(self) -> None:
        session_id = self._kept.record.id
        self._session_key = None if session_id is None else session_id.text
