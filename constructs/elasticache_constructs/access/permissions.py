"""What a user may do, as an ACL access string."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elasticache_constructs.errors import ConfigurationError
from elasticache_constructs.reasons import checked_reason

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"

# What every client sends before its first command, in cluster mode too.
_CONNECT = "+info +acl|whoami +cluster|slots +cluster|shards +cluster|nodes +cluster|keyslot"
_READ = "+@read"
_WRITE = "+@read +@write +@transaction +eval +evalsha +script|load +script|exists"

_KEYS_ALONE = re.compile(r"[^\s()~%&+@><#!-][^\s()]*")
_PASSWORD_MARKS = (">", "<", "#", "!")
_UNSAFE_WORDS = ("nopass", "reset", "resetpass")
_BROAD_WORDS = (
    *("+@all", "allcommands", "+@dangerous", "+@admin"),
    *("+acl", "+config", "+debug", "+flushall", "+flushdb", "+keys", "+module", "+monitor", "+replicaof", "+shutdown"),
)
_HARMLESS = ("+acl|whoami",)


@dataclass(frozen=True, slots=True)
class Permissions:
    """The access string of a user, safe by construction or by a written reason.

    Changing it is an in-place update of the user; open connections keep working under the new rules.

    Args:
        access_string: The rules, in the service's ACL syntax. Prefer `read_only` and `read_write`.

        reason: Why this user may run every command, where it may. Default: broad rules are refused.

    Raises:
        ConfigurationError: When the string has neither ``on`` nor ``off``, carries a password or lifts the need for
            one, or grants everything without a reason.
    """

    access_string: str
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse strings that leak, open the door, or cannot log in."""
        # Engines read rules without regard to case; a selector is rules in brackets.
        words = [word for word in re.split(r"[\s()]+", self.access_string.lower()) if word]
        secrets = [word for word in words if word.startswith(_PASSWORD_MARKS)]
        # A message ends up in logs, and a password must not.
        got = "Permissions with a password in it" if secrets else f"Permissions({self.access_string!r})"
        if ("on" in words) == ("off" in words):
            raise ConfigurationError(
                got=got,
                allowed="an access string has exactly one of on and off; without either the user cannot log in",
                fix="Begin it with 'on'",
                page=_PAGE,
            )
        for word in words:
            if word in secrets or word in _UNSAFE_WORDS:
                what = f"{word[0]} and what follows it" if word in secrets else repr(word)
                raise ConfigurationError(
                    got=got,
                    allowed=f"{what} is not allowed: passwords are generated in Secrets Manager, and the door stays "
                    "locked",
                    fix="Leave it out",
                    page=_PAGE,
                )
        broad = [word for word in words if word.split("|")[0] in _BROAD_WORDS and word not in _HARMLESS]
        if broad and self.reason is None:
            raise ConfigurationError(
                got=got,
                allowed=f"{broad[0]} grants more than an application needs",
                fix="Use Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...')",
                page=_PAGE,
            )
        if self.reason is not None:
            checked_reason(self.reason, what="Permissions")

    @property
    def can_log_in(self) -> bool:
        """Whether the user is on."""
        return "on" in self.access_string.lower().split()

    @classmethod
    def read_only(cls, *key_patterns: str) -> Permissions:
        """Read the keys that match, and nothing else.

        Args:
            *key_patterns: Glob patterns of keys, ``session:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one holds more than keys.
        """
        return cls(_rules(key_patterns, _READ))

    @classmethod
    def read_write(cls, *key_patterns: str) -> Permissions:
        """Read and write the keys that match, in transactions and scripts too; no administration, no flushing.

        Args:
            *key_patterns: Glob patterns of keys, ``session:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one holds more than keys.
        """
        return cls(_rules(key_patterns, _WRITE))


def _rules(key_patterns: tuple[str, ...], commands: str) -> str:
    if not key_patterns or any(not _KEYS_ALONE.fullmatch(pattern) for pattern in key_patterns):
        secret = any(mark in pattern for pattern in key_patterns for mark in _PASSWORD_MARKS)
        raise ConfigurationError(
            got="key patterns with what may be a password" if secret else f"key patterns {key_patterns!r}",
            allowed="name one pattern or more, each of keys alone, without spaces, brackets or a sign of the ACL syntax "
            "before it",
            fix="Use '*' for every key, or better a prefix of the application's own, as in 'session:*'",
            page=_PAGE,
        )
    keys = " ".join(f"~{pattern}" for pattern in key_patterns)
    # +@write brings FLUSHALL and +@connection CLIENT KILL: -@dangerous takes both back. Later rules win, so what
    # clients need of the dangerous ones (INFO) comes after it.
    return f"on {keys} resetchannels -@all {commands} +@connection -@dangerous {_CONNECT}"
