"""Sessions for Flask: ``app.session_interface = FlaskSessions(Sessions(connect(), secret=app.secret_key))``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask.sessions import SessionInterface, SessionMixin

from elasticache_client.sessions.cookie import Cookie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask, Request, Response

    from elasticache_client.sessions.session import Session
    from elasticache_client.sessions.stores import Sessions

FLASHES = {"_flashes": list[tuple[str, str]]}
"""The type of what ``flask.flash`` keeps, for the ``types`` of a store."""


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
        """Whether anybody has looked at it."""
        return "loaded" in vars(self)

    @property
    def user(self) -> str | None:
        """Who has logged in. None: nobody."""
        return self.loaded.user

    def renew(self, user: str | None = None, *, grant: str = "") -> None:
        """Give the session a new id; see ``Session.renew``."""
        self.loaded.renew(user, grant=grant)

    def end(self) -> None:
        """Log out; see ``Session.end``."""
        self.loaded.end()


class FlaskSessions(SessionInterface):
    """Flask's sessions in a cache; ``flask.session`` has ``renew``, ``end`` and ``user`` beside its values.

    While the cache does not answer, looking at the session raises ``SessionsUnavailable`` in the view, for which an
    error handler may be registered; failing to keep it is Flask's error 500. Requests that do not look at the session
    go on.

    Args:
        sessions: where they are kept. For ``flask.flash``, give it ``types=FLASHES``.
        cookie: how the cookie is set. Default: as strictly as browsers can. Flask's own ``SESSION_COOKIE_…`` settings
            and ``session.permanent`` have no say.
    """

    def __init__(self, sessions: Sessions, cookie: Cookie | None = None) -> None:
        self._sessions = sessions
        self._cookie = cookie or Cookie()

    def open_session(self, app: Flask, request: Request) -> FlaskSession:  # noqa: ARG002  # Flask passes it
        """Nothing is read yet."""
        return FlaskSession(lambda: self._sessions.load(request.cookies.get(self._cookie.full_name)))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Keep what has changed, and set or delete the cookie."""
        assert isinstance(session, FlaskSession)  # noqa: S101  # open_session made it
        if not session.is_loaded:
            return
        response.vary.add("Cookie")
        change = self._sessions.save(session.loaded)
        if change is not None:
            response.headers.add("Set-Cookie", self._cookie.header(change))
            response.headers.setdefault("Cache-Control", "no-store")
