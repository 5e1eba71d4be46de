"""Stores behind any kind of client, called the same way, and browsers that keep a cookie."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from elasticache_client.sessions import AsyncSessions, Session, Sessions
from elasticache_client.sessions.ids import SessionId
from tests.client.conftest import KINDS, Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache


class Store:
    """A store with its own prefix, and its clock."""

    def __init__(self, kind: str, cache: Cache, open_client: Callable[..., Caller], **options: Any) -> None:
        client_options = {**cache.options, **options.pop("client_options", {})}
        self.caller = open_client(kind, cache.settings, **client_options)
        self.cache = cache
        self.clock = Clock()
        self.prefix = options.setdefault("prefix", f"session:{uuid.uuid4().hex}")
        face: Any = AsyncSessions if KINDS[kind].asynchronous else Sessions
        self.sessions = face(self.caller.client, **{"clock": self.clock, **options})

    def __call__(self, method: str, *arguments: Any) -> Any:
        """Call a method of the store."""
        return self.caller.wait(getattr(self.sessions, method)(*arguments))

    def load(self, browser: Browser) -> Session:
        """The session of a request that the browser makes."""
        loaded: Session = self("load", browser.cookie)
        return loaded

    def save(self, browser: Browser, session: Session) -> None:
        """Keep the session, and give the browser the response."""
        change = self("save", session)
        if change is not None:
            browser.cookie = change.value or None

    def request(self, browser: Browser, **values: Any) -> dict[str, Any]:
        """Serve a request that sets values; what the session holds then."""
        session = self.load(browser)
        session.update(values)
        self.save(browser, session)
        return dict(session)

    def log_in(self, browser: Browser, user: str, **values: Any) -> None:
        """Serve a request that logs a user in."""
        session = self.load(browser)
        session.renew(user)
        session.update(values)
        self.save(browser, session)

    def user(self, browser: Browser) -> str | None:
        """Whom the next request of the browser is from."""
        return self.load(browser).user

    def key(self, browser: Browser) -> str:
        """The key of the browser's session."""
        session_id = SessionId.parse(browser.cookie)
        assert session_id is not None
        return session_id.keys(self.prefix)[0]

    def admin(self, browser: Browser) -> Any:
        """The administrator's connection to the node that has the browser's session."""
        return self.cache.holding(self.key(browser))


class Browser:
    """What keeps a cookie."""

    def __init__(self, cookie: str | None = None) -> None:
        self.cookie = cookie

    def copy(self) -> Browser:
        """One with the same cookie, as if it were stolen."""
        return Browser(self.cookie)


def browsers(number: int) -> Iterator[Browser]:
    """Several."""
    return (Browser() for _ in range(number))
