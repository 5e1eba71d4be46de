"""What a session's cookie carries, and the keys that it leads to."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

_BYTES = 32
_LENGTH = 43
_OWNER_LENGTH = 22
_PATTERN = re.compile(rf"(?:(?P<owner>[\w-]{{{_OWNER_LENGTH}}})\.)?(?P<secret>[\w-]{{{_LENGTH}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SessionId:
    """256 random bits, and after a login the mark of the user.

    The mark is what lets one round trip find the session and whether its user's sessions still hold: both keys have it
    as their hash tag. It is a hash of the user's name, which tells whoever sees it that two sessions are of one user,
    and who that is if the name can be guessed. Of the random part the cache knows no more than its hash.

    Attributes:
        secret: the random part.
        owner: the user's mark. None: nobody has logged in.
    """

    secret: str = field(repr=False)
    owner: str | None

    @classmethod
    def new(cls, user: str | None) -> SessionId:
        """An id that nobody has had before, for a user or for nobody yet."""
        return cls(secrets.token_urlsafe(_BYTES), None if user is None else _mark(user))

    @classmethod
    def parse(cls, text: str | None) -> SessionId | None:
        """What a browser has sent; None unless it could be an id."""
        match = _PATTERN.fullmatch(text or "")
        return None if match is None else cls(match["secret"], match["owner"])

    @property
    def text(self) -> str:
        """The cookie's value; whoever has it has the session."""
        return self.secret if self.owner is None else f"{self.owner}.{self.secret}"

    def keys(self, prefix: str) -> list[str]:
        """The session's key and, for a user's, that of the user's grant."""
        hashed = _hash(self.secret)
        if self.owner is None:
            return [f"{prefix}:{{{hashed}}}"]
        grant = f"{prefix}:{{{self.owner}}}"
        return [f"{grant}:{hashed}", grant]


def grant_key(prefix: str, user: str) -> str:
    """The key of a user's grant, which all of the user's sessions need."""
    return f"{prefix}:{{{_mark(user)}}}"


def checked_user(user: object) -> str:
    """The user's name.

    Raises:
        ValueError: it is not a text, or is empty.
    """
    if not isinstance(user, str) or user == "":
        raise ValueError(f"user={user!r}. Allowed: a text that is not empty. Give the user's lasting id, as str(id).")
    return user


def _mark(user: str) -> str:
    return _hash(checked_user(user))[:_OWNER_LENGTH]


def _hash(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
