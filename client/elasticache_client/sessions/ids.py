"""What a session's cookie carries, and the keys that it leads to."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256

from elasticache_client.messages import refusal

_BYTES = 32
_LENGTH = 43
_OWNER_LENGTH = 22
# The application uses its secret for other things as well.
_PURPOSE = b"elasticache_client.sessions user "
_PATTERN = re.compile(rf"(?:(?P<owner>[\w-]{{{_OWNER_LENGTH}}})\.)?(?P<secret>[\w-]{{{_LENGTH}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SessionId:
    """256 random bits, and after a login the mark of the user.

    The mark is what lets one round trip find the session and whether its user's sessions still hold: both keys have it
    as their hash tag. It tells whoever sees it that two sessions are of one user, and no more than that where it was
    made with a secret key. Of the random part the cache knows no more than its hash.

    Attributes:
        secret: the random part.
        owner: the user's mark. None: nobody has logged in.
    """

    secret: str = field(repr=False)
    owner: str | None

    @classmethod
    def new(cls, user: str | None, secret: bytes | None = None) -> SessionId:
        """An id that nobody has had before, for a user or for nobody yet."""
        return cls(secrets.token_urlsafe(_BYTES), None if user is None else _mark(user, secret))

    def another(self) -> SessionId:
        """A new id with the same mark."""
        return replace(self, secret=secrets.token_urlsafe(_BYTES))

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


def grant_key(prefix: str, user: str, secret: bytes | None = None) -> str:
    """The key of a user's grant, which all of the user's sessions need.

    Args:
        prefix: what the keys begin with.
        user: the user's name.
        secret: what the mark is made with, so that nobody else can make it of a name that is guessed. None: nothing.
    """
    return f"{prefix}:{{{_mark(user, secret)}}}"


def checked_user(user: object) -> str:
    """The user's name.

    Raises:
        ValueError: it is not a text, or is empty.
    """
    if not isinstance(user, str) or user == "":
        raise ValueError(
            refusal(
                got=f"user={user!r}",
                allowed="must be a non-empty string",
                fix="Pass the user's permanent id, as str(id)",
            )
        )
    return user


def _mark(user: str, secret: bytes | None) -> str:
    name = checked_user(user)
    marked = _hash(name) if secret is None else _text(hmac.digest(secret, _PURPOSE + name.encode(), sha256))
    return marked[:_OWNER_LENGTH]


def _hash(text: str) -> str:
    return _text(sha256(text.encode()).digest())


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")
