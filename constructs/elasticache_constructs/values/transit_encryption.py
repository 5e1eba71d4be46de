"""Encryption in transit, and the way there for a group that was made without."""

from __future__ import annotations

from dataclasses import dataclass

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.reasons import checked_reason


@dataclass(frozen=True, slots=True)
class TransitEncryption:
    """Whether clients must speak TLS, may, or cannot. Make one with `required`, `preferred` or `disabled`.

    A running group goes from disabled to required through preferred, each in a deployment of its own
    (docs/runbooks/tls.md), from Redis 7.0 and on every Valkey. Older engines replace the group.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-enable.html
    """

    mode: str | None
    """``required``, ``preferred``, or ``None`` where there is none."""

    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no mode, and plain text without a reason."""
        if self.mode not in ("required", "preferred", None):
            raise ConfigurationError(
                got=f"TransitEncryption({self.mode!r})",
                allowed="the mode is required or preferred, or None for no TLS",
                fix="Use TransitEncryption.required()",
                rule="TLS-06",
            )
        if self.mode != "required":
            checked_reason(self.reason or "", what=f"TransitEncryption.{self.mode or 'disabled'}")

    @classmethod
    def required(cls) -> TransitEncryption:
        """Every client speaks TLS. Logins need it."""
        return cls("required")

    @classmethod
    def preferred(cls, *, reason: str) -> TransitEncryption:
        """Clients with TLS and without are served: the step between. Nobody can log in meanwhile.

        Args:
            reason: Why, and until when.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls("preferred", reason)

    @classmethod
    def disabled(cls, *, reason: str) -> TransitEncryption:
        """Clients speak plain text: for a group that exists so, until it is migrated.

        Args:
            reason: Why, and until when.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls(None, reason)

    @property
    def is_required(self) -> bool:
        """Whether plain text is refused."""
        return self.mode == "required"
