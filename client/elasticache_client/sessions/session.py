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
        id: the session's id. None: the cache has nothing of it.
        former: the id that it has given up and that is to be deleted. None: it has not.
        continues: whether it has a right to exist only as long as the former one does.
        wanted: whether it is to be kept even without a value.
        grant: the user's grant that it holds under; empty for none in particular.
        values: the values.
        unread: values that are there and cannot be read, as of another release. They stay as they are until they are
            replaced, or the session is cleared.
        expires: when it ends unless it is saved again, in seconds since 1970. None: with its idle time.
        is_bounded: whether the cache has such an end of it, which is to go where there is none any more.
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

    Every change counts, also one inside of a value, a list say. What two requests change at once is kept name by name:
    both changes where the names differ, the later one where they are the same.

    Attributes:
        user: who has logged in. None: nobody.
        deadline: when it ends at the latest, in seconds since 1970. None: it has not been stored yet.
        accessed: whether the application has asked for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.user: str | None = None
        self.deadline: float | None = None
        self.accessed = False
        self.record = Record()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {'nobody' if self.user is None else 'a user'}, {len(self)} values>"

    def mark_accessed(self) -> None:
        """Starlette calls this when an application asks for the session."""
        self.accessed = True

    def clear(self) -> None:
        """Forget all values, also those of another release that could not be read."""
        super().clear()
        self.record.values |= self.record.unread
        self.record.unread = {}

    def renew(self, user: str | None = None, *, grant: str = "") -> None:
        """Give the session a new id and end the old one, so that whoever knew that one has nothing.

        Do so at every login, naming the user, and whenever the user gets more rights. The values stay; a session
        without any is kept as well.

        Args:
            user: who has just proved to be that user: the session begins anew, with its full life. Default: whoever it
                was; the session goes on, unless it ends meanwhile in another request.
            grant: what ``grant(user)`` of the store said before the proof was looked at, so that a revocation since
                then makes the login fail. Default: a revocation ends only what has been saved before it.

        Raises:
            ValueError: the user is not a text, or is empty.
        """
        before = self.record
        if user is None:
            continues = before.continues or before.id is not None
            self.record = Record(former=before.former or before.id, continues=continues, grant=before.grant)
            self.record.unread = before.unread
        else:
            # What nobody could look at is not handed on to another user.
            unread = before.unread if self.user in (None, user) else {}
            self.user = checked_user(user)
            self.record = Record(former=before.former or before.id, grant=grant, unread=unread)
            self.deadline = None
        self.record.expires = before.expires
        self.record.wanted = True

    def end(self) -> None:
        """Log out: forget everything, and delete the session and its cookie."""
        former = self.record.former or self.record.id
        self.lose()
        self.record.former = former

    def lose(self) -> None:
        """Forget everything, since the cache has nothing of it."""
        self.clear()
        self.user = None
        self.deadline = None
        self.record = Record()
