"""Sessions for Flask: ``app.session_interface = FlaskSessions(Sessions(connect(), secret=app.secret_key))``."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask.sessions import SessionInterface, SessionMixin

from elasticache_client.messages import refusal
from elasticache_client.sessions.cookie import Cookie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask, Request, Response

    from elasticache_client.sessions.session import Session
    from elasticache_client.sessions.stores import Sessions

_logger = logging.getLogger(__name__)

FLASHES = {"_flashes": list[tuple[str, str]]}
"""The type of what ``flask.flash`` stores. `FlaskSessions` declares it to its store."""


class FlaskSession(SessionMixin):
    """A session that is read when the application first looks at it, so that other requests cost nothing."""

    def __init__(self, load: Callable[[], Session]) -> None:
        self._load = load

    def __getitem__(self, name: str) -> Any:
        return self.loaded[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.loaded[name] = value

    def __delitem__(self, name: str) -> None:
        del self.loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.loaded)

    def __len__(self) -> int:
        return len(self.loaded)

    @cached_property
    def loaded(self) -> Session:
        """The session itself."""
        return self._load()

    @property
    def is_loaded(self) -> bool:
        """Whether the application has read it."""
        return "loaded" in vars(self)

    @property
    def user(self) -> str | None:
        """The user who has logged in. None: no user has."""
        return self.loaded.user

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether the cache had none."""
        return self.loaded.record.id is None

    @property
    def permanent(self) -> bool:
        """Whether sessions outlive the browser: always, for as long as the store says.

        Raises:
            RuntimeError: If it is set to False.
        """
        return True

    @permanent.setter
    def permanent(self, value: bool) -> None:
        if not value:
            raise RuntimeError(
                refusal(
                    got=f"session.permanent = {value!r}",
                    allowed="must be True, because the store defines how long sessions last",
                    fix="Leave it out, and pass the store a shorter idle= or lifetime=",
                )
            )

    def renew(self, user: str | None = None, *, grant: str = "") -> None:
        """Give the session a new id; see ``Session.renew``."""
        self.loaded.renew(user, grant=grant)

    def end(self) -> None:
        """Log out; see ``Session.end``."""
        self.loaded.end()


class FlaskSessions(SessionInterface):
    """Flask's sessions in a cache; ``flask.session`` has ``renew``, ``end`` and ``user`` in addition to its values.

    While the cache does not answer, reading the session raises ``SessionsUnavailable`` in the view, for which an error
    handler may be registered; a session that cannot be saved is Flask's error 500. If the cache refuses the
    application's login or commands, the error is ``SessionsDenied``. Requests that do not read the session are served.

    Args:
        sessions: The store of the sessions.
        cookie: How the cookie is set. Default: as strictly as browsers allow. Flask's own ``SESSION_COOKIE_…`` settings
            and ``PERMANENT_SESSION_LIFETIME`` have no effect: one that differs is logged.
    """

    def __init__(self, sessions: Sessions, cookie: Cookie | None = None) -> None:
        sessions.add_types(FLASHES)
        self._sessions = sessions
        self._cookie = cookie or Cookie()
        self._is_checked = False

    def open_session(self, app: Flask, request: Request) -> FlaskSession:
        """Nothing is read yet."""
        self._check(app)
        return FlaskSession(lambda: self._sessions.load(request.cookies.get(self._cookie.full_name)))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Save what has changed, and set or delete the cookie."""
        assert isinstance(session, FlaskSession)  # noqa: S101 - open_session made it
        if not session.is_loaded:
            return
        response.vary.add("Cookie")
        change = self._sessions.save(session.loaded)
        if change is not None:
            response.headers.add("Set-Cookie", self._cookie.header(change))
            response.headers.setdefault("Cache-Control", "no-store")

    def _check(self, app: Flask) -> None:
        """Log once which of Flask's settings differ from the cookie and have no effect."""
        if self._is_checked:
            return
        self._is_checked = True
        wanted = {
            "SESSION_COOKIE_NAME": self._cookie.full_name,
            "SESSION_COOKIE_DOMAIN": self._cookie.domain,
            "SESSION_COOKIE_PATH": self._cookie.path,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SECURE": self._cookie.secure,
            "SESSION_COOKIE_SAMESITE": self._cookie.same_site,
            "SESSION_COOKIE_PARTITIONED": False,
            "SESSION_REFRESH_EACH_REQUEST": None,
            "PERMANENT_SESSION_LIFETIME": None,
        }
        for name, value in wanted.items():
            given = app.config.get(name)
            if given not in (app.default_config.get(name), value):
                _logger.warning(
                    "%s=%r has no effect: FlaskSessions has cookie=Cookie(...), and its store says how long "
                    "sessions last",
                    name,
                    given,
                )
