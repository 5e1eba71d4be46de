"""What a caller asks for, what a load gave, and what callers get."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_client.values import comes_again

if TYPE_CHECKING:
    from elasticache_client.caching.entries import Policy

_ANY_AGE = -2


@dataclass(slots=True)
class Request:
    """A key whose value is missing, unusable or due for a refresh, with what the server needs to decide.

    If the stored value is another release's and cannot be read, this release has a variant of it, under a separate name
    in the same slot. A variant begins with the digest of the stored value, and counts only as long as that one stays.

    Attributes:
        key: The key.
        read_at: When it was read.
        usable: The stored value, if it can be served while another caller refreshes it.
        usable_digest: Its SHA-1 in hexadecimal.
        near_ms: How long before its end the stored value may be refreshed.
        stale_ms: How long before its end the stored value is no longer fresh.
        rejected: The SHA-1 of a stored value that cannot be read, in hexadecimal.
        variant_of: The SHA-1 of another release's value, if its variant is asked for; otherwise empty.
        name: The key, or the variant's name.
    """

    key: str
    read_at: float
    usable: bytes | None = None
    usable_digest: str = ""
    near_ms: int = _ANY_AGE
    stale_ms: int = _ANY_AGE
    rejected: str = ""
    variant_of: bytes = b""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.key

    def ask_for_variant(self, digest: bytes, policy: Policy[Any]) -> None:
        """Ask for the variant of another release's value.

        Args:
            digest: The SHA-1 of that value.
            policy: How this release's values are cached.
        """
        self.variant_of = digest
        self.name = f"{self.key}}}:{policy.fingerprint}"
        self.rejected = ""

    def reject(self, content: bytes, policy: Policy[Any]) -> None:
        """Note that a stored value cannot be read: ask for its variant, or have it replaced.

        Args:
            content: The value as it is stored.
            policy: How this release's values are cached.
        """
        if not self.variant_of and policy.is_foreign(content):
            self.ask_for_variant(hashlib.sha1(content, usedforsecurity=False).digest(), policy)
        else:
            self.rejected = digest_of(content)


@dataclass(frozen=True, slots=True)
class Result:
    """A value, and a moment at which it was current: it is for all callers that asked before that.

    Attributes:
        content: The value as it is stored. None: it cannot be stored.
        as_of: The moment.
        value: The value that cannot be stored.
    """

    content: bytes | None
    as_of: float
    value: Any = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load gave for one key.

    Attributes:
        value: The value.
        content: What to store of it. None: it would not come back as it is, and is not stored.
        keep_ms: For how long.
    """

    value: Any
    content: bytes | None
    keep_ms: int = 0

    def result(self, as_of: float) -> Result:
        """The same, current at a moment."""
        return Result(self.content, as_of, self.value if self.content is None else None)


def value_of(result: Result, policy: Policy[Any]) -> Any:
    """The value, decoded for each caller, so that no two callers have the same mutable object."""
    return result.value if result.content is None else policy.value(result.content)


def copied(result: Result) -> Result | None:
    """The same for other callers, which may change it. None if it cannot be copied, as a generator."""
    if result.content is not None:
        return result
    try:
        return Result(None, result.as_of, copy.deepcopy(result.value))
    except Exception as error:
        if not comes_again(error, copy.deepcopy, result.value):
            raise
        return None


def without_digest(content: bytes | None, variant_of: bytes) -> bytes | None:
    """The value in what is stored as a variant; empty, which nothing reads, if it is of another value.

    Args:
        content: What is stored.
        variant_of: The digest that it has to begin with. Empty: it is no variant.
    """
    if content is None or not variant_of:
        return content
    return content[len(variant_of) :] if content.startswith(variant_of) else b""


def digest_of(content: bytes) -> str:
    """The SHA-1 of a stored value as the scripts compute it."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
