"""Sessions kept in a cache, so that any process can serve any request of a user.

The adapters are in ``sessions.flask``, ``sessions.starlette`` and ``sessions.django``.
"""

from __future__ import annotations

from elasticache_client.sessions.cookie import Cookie, CookieChange
from elasticache_client.sessions.session import Session
from elasticache_client.sessions.stores import AsyncSessions, Sessions, SessionsDenied, SessionsUnavailable

__all__ = ["AsyncSessions", "Cookie", "CookieChange", "Session", "Sessions", "SessionsDenied", "SessionsUnavailable"]
