"""Encryption in transit, and its migration for a group that was created without it."""

from __future__ import annotations

from dataclasses import dataclass

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.reasons import checked_reason


@dataclass(frozen=True, slots=True)
class TransitEncryption:
    """Whether TLS is required, optional or off. Create one with `required`, `preferred` or `disabled`.

    A running group moves from disabled to preferred to required, each in a separate deployment (docs/runbooks/tls.md).
    This needs Redis 7.0 or any Valkey; older engines replace the group.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-enable.html
    """

    mode: str | None
    """``required``, ``preferred``, or ``None`` for no TLS."""

    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown mode, and plain text without a reason."""
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
        """Every client must use TLS. Authentication needs this mode."""
        return cls("required")

    @classmethod
    def preferred(cls, *, reason: str) -> TransitEncryption:
        """Serve clients with and without TLS, during a migration. Authentication is not possible in this mode.

        Args:
            reason: Why, and until when.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls("preferred", reason)

    @classmethod
    def disabled(cls, *, reason: str) -> TransitEncryption:
        """Serve clients without TLS only: for a group that exists without TLS, until it is migrated.

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
