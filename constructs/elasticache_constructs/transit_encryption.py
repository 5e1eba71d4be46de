"""Encryption in transit, and the way there for a group that was made without."""

from __future__ import annotations

from dataclasses import dataclass

from elasticache_constructs.reasons import checked_reason


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
            ConfigurationError: When the reason has fewer than 20 characters.
        """
        return cls("preferred", checked_reason(reason, what="TransitEncryption.preferred"))

    @classmethod
    def disabled(cls, *, reason: str) -> TransitEncryption:
        """Clients speak plain text: for a group that exists so, until it is migrated.

        Args:
            reason: Why, and until when.

        Raises:
            ConfigurationError: When the reason has fewer than 20 characters.
        """
        return cls(None, checked_reason(reason, what="TransitEncryption.disabled"))

    @property
    def is_required(self) -> bool:
        """Whether plain text is refused."""
        return self.mode == "required"
