"""What a user may do, in words or as an ACL access string."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_constructs.access.access_string import AccessString
from elasticache_constructs.errors import ConfigurationError
from elasticache_constructs.kinds import Kind, check_kind
from elasticache_constructs.reasons import checked_reason

if TYPE_CHECKING:
    from elasticache_constructs.engine import Engine
    from elasticache_constructs.serverless_engine import ServerlessEngine

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"

# What every client sends before its first command, in cluster mode too. +@connection brings CLIENT KILL and +@write
# FLUSHALL: -@dangerous takes both back, and since later rules win, what is needed of the dangerous ones follows it.
_CONNECT = "+@connection -@dangerous +info +acl|whoami +cluster|slots +cluster|shards +cluster|nodes +cluster|keyslot"
_READ = "+@read"
# +@write brings FUNCTION FLUSH, which takes every application's functions away.
_WRITE = "+@read +@write -function +@transaction +eval +evalsha +script|load +script|exists"
_PUBLISH = "+publish"
_SUBSCRIBE = "+subscribe +unsubscribe +psubscribe +punsubscribe"

_PATTERN = re.compile(r"[^\s()~%&+@><#!-][^\s()]*")
_MARKS = "><#!"
_BROAD = frozenset(
    (
        *("+@all", "allcommands", "+@dangerous", "+@admin"),
        *("+acl", "+flushall", "+flushdb", "+keys", "+module", "+monitor"),
    )
)
_WITH_FLUSHING = ("+@write", "+@keyspace", "+@slow")
_NO_FLUSHING = ("-@dangerous", "-@all", "nocommands")
_HARMLESS = ("+acl|whoami",)


@dataclass(frozen=True, slots=True)
class Permissions:
    """The access string of a user, safe by construction or by a written reason.

    Changing it is an in-place update of the user; open connections go on under the new rules.

    Args:
        access_string: The rules, in the service's ACL syntax; kept in canonical form, so that the service finds
            nothing to rewrite. Prefer `read_only`, `read_write`, `publish` and `subscribe`.

        reason: Why this user may run every command, or dangerous ones. Default: such rules are refused.

    Raises:
        ConfigurationError: When a word of the string is none of the syntax or an unknown category, carries a password
            or lifts the need for one; when it has neither ``on`` nor ``off``; or when it grants everything without a
            reason.
    """

    access_string: str
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse strings that leak, open the door, or cannot log in; keep the canonical form."""
        kind = Kind(of=str, example="'on ~orders:* -@all +@read'", rule="RBC-10", secret=True)
        check_kind("Permissions", "access_string", self.access_string, kind)
        parsed = AccessString.parse(self.access_string)
        broad = [word for word in parsed.words if word.split("|")[0] in _BROAD and word not in _HARMLESS]
        broad += [word for rules in (parsed.root, *parsed.selectors) for word in _flushing(rules)]
        if broad and self.reason is None:
            raise ConfigurationError(
                got=f"Permissions({self.access_string!r})",
                allowed=f"{broad[0]} grants more than an application needs",
                fix="Use Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...')",
                page=_PAGE,
                rule="POS-07",
            )
        if self.reason is not None:
            checked_reason(self.reason, what="Permissions")
        object.__setattr__(self, "access_string", str(parsed))

    @property
    def can_log_in(self) -> bool:
        """Whether the user is on."""
        return AccessString.parse(self.access_string).is_on

    def check_engine(self, engine: Engine) -> None:
        """Refuse words that the engine does not know yet.

        Raises:
            ConfigurationError: When there is one.
        """
        parsed = AccessString.parse(self.access_string)
        for what, needs, found, known in (
            ("channels", "Redis 6.2 or Valkey 7.2", parsed.channels, engine.knows_channels),
            (
                "selectors and read or write patterns",
                "Redis 7.0 or Valkey 7.2",
                parsed.selective,
                engine.knows_selectors,
            ),
        ):
            if found and not known:
                raise ConfigurationError(
                    got=f"Permissions({self.access_string!r}) on {engine}",
                    allowed=f"{what}, as in {found[0]}, need {needs} at least",
                    fix="Use a newer engine",
                    page=_PAGE,
                    rule="RBC-10",
                )

    def written_for(self, engine: Engine | ServerlessEngine) -> str:
        """The access string as an engine reads it: without a word about channels where they have no permissions yet."""
        if engine.knows_channels:
            return self.access_string
        return " ".join(word for word in self.access_string.split() if word != "resetchannels")

    @classmethod
    def read_only(cls, *key_patterns: str) -> Permissions:
        """Read the keys that match, and nothing else.

        Args:
            *key_patterns: Glob patterns of keys, ``session:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one holds more than keys.
        """
        return cls(f"on {_keys(key_patterns)} resetchannels -@all {_READ} {_CONNECT}")

    @classmethod
    def read_write(cls, *key_patterns: str) -> Permissions:
        """Read and write the keys that match, in transactions and scripts too; no administration, no flushing.

        Args:
            *key_patterns: Glob patterns of keys, ``session:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one holds more than keys.
        """
        return cls(f"on {_keys(key_patterns)} resetchannels -@all {_WRITE} {_CONNECT}")

    @classmethod
    def publish(cls, *channel_patterns: str) -> Permissions:
        """Send messages to the channels that match, and nothing else. Needs Redis 6.2 or Valkey.

        Args:
            *channel_patterns: Glob patterns of channels, ``events:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one holds more than channels.
        """
        return cls(f"on resetkeys resetchannels {_channels(channel_patterns)} -@all {_PUBLISH} {_CONNECT}")

    @classmethod
    def subscribe(cls, *channel_patterns: str) -> Permissions:
        """Receive messages of the channels that match, and nothing else. Needs Redis 6.2 or Valkey.

        Args:
            *channel_patterns: Glob patterns of channels, ``events:*`` say; a client may subscribe to these patterns
                themselves, and to channels that match. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one holds more than channels.
        """
        return cls(f"on resetkeys resetchannels {_channels(channel_patterns)} -@all {_SUBSCRIBE} {_CONNECT}")


def _flushing(rules: tuple[str, ...]) -> list[str]:
    """Categories that bring FLUSHALL, which loses everything, and are not followed by what takes it back."""
    last = max((place for place, word in enumerate(rules) if word in _NO_FLUSHING), default=-1)
    return [word for word in rules[last + 1 :] if word in _WITH_FLUSHING]


def _keys(patterns: tuple[str, ...]) -> str:
    return " ".join(f"~{pattern}" for pattern in _checked(patterns, "key"))


def _channels(patterns: tuple[str, ...]) -> str:
    return " ".join(f"&{pattern}" for pattern in _checked(patterns, "channel"))


def _checked(patterns: tuple[str, ...], what: str) -> tuple[str, ...]:
    for pattern in patterns:
        check_kind("", f"{what} pattern", pattern, Kind(of=str, example="'session:*'", rule="RBC-10", secret=True))
    if not patterns or any(not _PATTERN.fullmatch(pattern) for pattern in patterns):
        secret = any(mark in pattern for pattern in patterns for mark in _MARKS)
        raise ConfigurationError(
            got=f"{what} patterns with what may be a password" if secret else f"{what} patterns {patterns!r}",
            allowed=f"name one pattern or more, each of {what}s alone, without spaces, brackets or a sign of the ACL "
            "syntax before it",
            fix=f"Use '*' for every {what}, or better a prefix of the application's own, as in 'session:*'",
            page=_PAGE,
            rule="RBC-10",
        )
    return patterns
