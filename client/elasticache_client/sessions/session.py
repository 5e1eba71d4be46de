"""A user's session while a request is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_client.sessions.ids import checked_user

if TYPE_CHECKING:
    from elasticache_client.sessions.ids import SessionId
    from elasticache_client.sessions.values import Encoded


@dataclass(slots=True, kw_only=True)
class Record:
    """What the cache has of a session, as its store last saw it.

    Attributes:
        id: The session's id. None: the cache has nothing of it.
        former: The id that it no longer has and that is to be deleted. None: there is none.
        continues: Whether it may only exist as long as the former one does.
        wanted: Whether it is saved even without a value.
        grant: The user's grant that it is saved under. Empty: the present one.
        values: The values.
        unread: Values that are stored and cannot be read, for example those of another release. They stay as they are
            until they are replaced, or the session is cleared.
        expires: When it ends unless it is saved again, in seconds since 1970. None: with its idle time.
        is_bounded: Whether the cache has such an end, which is to be deleted if there is none any more.
    """

    id: SessionId | None = None
    former: SessionId | None = None
    continues: bool = False
    wanted: bool = False
    grant: str = field(default="", repr=False)
    values: Encoded = field(default_factory=dict, repr=False)
    unread: Encoded = field(default_factory=dict, repr=False)
    expires: float | None = None
    is_bounded: bool = False


class Session(dict[str, Any]):
    """A dictionary that is kept for the user's next request.

    Every change counts, including one inside a value such as a list. If two requests change the session at once, both
    changes are kept if the names differ; if they are the same, the later one is.

    Attributes:
        user: The user who has logged in. None: no user has.
        deadline: The latest time when it ends, in seconds since 1970. None: it has not been stored yet.
        accessed: Whether the application has asked for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.user: str | None = None
        self.deadline: float | None = None
        self.accessed = False
        self.record = Record()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {'no user' if self.user is None else 'a user'}, {len(self)} values>"

    def mark_accessed(self) -> None:
        """Starlette calls this when an application asks for the session."""
        self.accessed = True

    def clear(self) -> None:
        """Delete all values, also those of another release that could not be read."""
        super().clear()
        self.record.values |= self.record.unread
        self.record.unread = {}

    def renew(self, user: str | None = None, *, grant: str = "") -> None:
        """Give the session a new id and end the old one, so that the old id is of no use to anyone who knew it.

        Do so at every login, naming the user, and whenever the user gets more rights. The values stay; a session
        without any is saved as well.

        Args:
            user: The user who has just logged in: the session starts again, with its full lifetime. Default: the same
                user as before; the session goes on, unless it ends meanwhile in another request.
            grant: What ``grant(user)`` of the store returned before the password was checked, so that the login fails
                if the user's sessions have been revoked since. Default: a revocation ends only what was saved before.

        Raises:
            ValueError: If the user is not a text, or is empty.
        """
        before = self.record
        if user is None:
            continues = before.continues or before.id is not None
            self.record = Record(former=before.former or before.id, continues=continues, grant=before.grant)
            self.record.unread = before.unread
        else:
            # What could not be read is not given to another user.
            unread = before.unread if self.user in (None, user) else {}
            self.user = checked_user(user)
            self.record = Record(former=before.former or before.id, grant=grant, unread=unread)
            self.deadline = None
        self.record.expires = before.expires
        self.record.wanted = True

    def end(self) -> None:
        """Log out: delete all values, the session and its cookie."""
        former = self.record.former or self.record.id
        self.lose()
        self.record.former = former

    def lose(self) -> None:
        """Delete all values, since the cache no longer has the session."""
        self.clear()
        self.user = None
        self.deadline = None
        self.record = Record()
