"""What a user may do, as an ACL access string."""

from __future__ import annotations

from dataclasses import dataclass

from elasticache_constructs.errors import ConfigurationError
from elasticache_constructs.reasons import checked_reason

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"

# What every client sends before its first command, in cluster mode too.
_CONNECT = "+info +cluster|slots +cluster|shards +cluster|nodes +cluster|keyslot"
_READ = "+@read"
_WRITE = "+@read +@write +@transaction +eval +evalsha +script|load +script|exists"

_PASSWORD_MARKS = (">", "<", "#", "!")
_UNSAFE_WORDS = ("nopass", "reset", "resetpass")
_BROAD_WORDS = ("+@all", "allcommands", "+@dangerous", "+@admin")


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
        words = self.access_string.split()
        if ("on" in words) == ("off" in words):
            raise self._refusal(
                "an access string has exactly one of on and off; without either the user cannot log in",
                "Begin it with 'on'",
            )
        for word in words:
            if word.startswith(_PASSWORD_MARKS) or word in _UNSAFE_WORDS:
                raise self._refusal(
                    f"{word[:1] if word.startswith(_PASSWORD_MARKS) else word!r} is not allowed: passwords are "
                    "generated in Secrets Manager, and the door stays locked",
                    "Leave it out",
                    secret=word.startswith(_PASSWORD_MARKS),
                )
        broad = [word for word in words if word in _BROAD_WORDS]
        if broad and self.reason is None:
            raise self._refusal(
                f"{broad[0]} grants more than an application needs",
                "Use Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...')",
            )
        if self.reason is not None:
            checked_reason(self.reason, what="Permissions")

    @classmethod
    def read_only(cls, *key_patterns: str) -> Permissions:
        """Read the keys that match, and nothing else.

        Args:
            *key_patterns: Glob patterns of keys, ``session:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one has a space in it.
        """
        return cls(_rules(key_patterns, _READ))

    @classmethod
    def read_write(cls, *key_patterns: str) -> Permissions:
        """Read and write the keys that match, in transactions and scripts too; no administration, no flushing.

        Args:
            *key_patterns: Glob patterns of keys, ``session:*`` say. At least one.

        Raises:
            ConfigurationError: When no pattern is given, or one has a space in it.
        """
        return cls(_rules(key_patterns, _WRITE))

    def _refusal(self, allowed: str, fix: str, *, secret: bool = False) -> ConfigurationError:
        # A message ends up in logs: a password must not.
        got = "Permissions with a password in the access string" if secret else f"Permissions({self.access_string!r})"
        return ConfigurationError(got=got, allowed=allowed, fix=fix, page=_PAGE)


def _rules(key_patterns: tuple[str, ...], commands: str) -> str:
    if not key_patterns or any(not pattern or " " in pattern for pattern in key_patterns):
        raise ConfigurationError(
            got=f"key patterns {key_patterns!r}",
            allowed="name one pattern or more, each without spaces",
            fix="Use '*' for every key, or better a prefix of the application's own, as in 'session:*'",
            page=_PAGE,
        )
    keys = " ".join(f"~{pattern}" for pattern in key_patterns)
    # +@write brings FLUSHALL and +@connection CLIENT KILL: -@dangerous takes both back. Later rules win, so what
    # clients need of the dangerous ones (INFO) comes after it.
    return f"on {keys} resetchannels -@all {commands} +@connection -@dangerous {_CONNECT}"
