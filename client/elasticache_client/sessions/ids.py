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
_USER_HASH_LENGTH = 22
# The application uses its secret for other things as well.
_PURPOSE = b"elasticache_client.sessions user "
_PATTERN = re.compile(rf"(?:(?P<user_hash>[\w-]{{{_USER_HASH_LENGTH}}})\.)?(?P<secret>[\w-]{{{_LENGTH}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SessionId:
    """256 random bits, and after a login a hash of the user's id.

    With the hash, one round trip finds the session and whether its user's sessions are still valid: both keys have it
    as their hash tag. A reader of the keys can tell that two sessions are of one user. If the hash was made with a
    secret, it can tell no more; without one, it can hash a guessed id and compare. Of the random part, the cache has
    only the hash.

    Attributes:
        secret: The random part.
        user_hash: The hash of the user's id. None: no user has logged in.
    """

    secret: str = field(repr=False)
    user_hash: str | None

    @classmethod
    def new(cls, user: str | None, secret: bytes | None = None) -> SessionId:
        """A new id, for a user or before a login."""
        return cls(secrets.token_urlsafe(_BYTES), None if user is None else _user_hash(user, secret))

    def another(self) -> SessionId:
        """A new id with the same hash of the user."""
        return replace(self, secret=secrets.token_urlsafe(_BYTES))

    @classmethod
    def parse(cls, text: str | None) -> SessionId | None:
        """The id that a browser has sent; None if it cannot be one."""
        match = _PATTERN.fullmatch(text or "")
        return None if match is None else cls(match["secret"], match["user_hash"])

    @property
    def text(self) -> str:
        """The cookie's value. A client that has it has the session."""
        return self.secret if self.user_hash is None else f"{self.user_hash}.{self.secret}"

    def keys(self, prefix: str) -> list[str]:
        """The session's key and, for a user's, that of the user's grant."""
        hashed = _hash(self.secret)
        if self.user_hash is None:
            return [f"{prefix}:{{{hashed}}}"]
        grant = f"{prefix}:{{{self.user_hash}}}"
        return [f"{grant}:{hashed}", grant]


def grant_key(prefix: str, user: str, secret: bytes | None = None) -> str:
    """The key of a user's grant, which all of the user's sessions need.

    Args:
        prefix: What the keys begin with.
        user: The user's id.
        secret: The key of the hash, so that a guessed id cannot be tested. None: the hash has no key.
    """
    return f"{prefix}:{{{_user_hash(user, secret)}}}"


def checked_user(user: object) -> str:
    """The user's id.

    Args:
        user: What was given as one.

    Raises:
        ValueError: If it is not a text, or is empty.
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


def _user_hash(user: str, secret: bytes | None) -> str:
    name = checked_user(user)
    hashed = _hash(name) if secret is None else _text(hmac.digest(secret, _PURPOSE + name.encode(), sha256))
    return hashed[:_USER_HASH_LENGTH]


def _hash(text: str) -> str:
    return _text(sha256(text.encode()).digest())


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")
