"""The network type of a cache: IPv4, IPv6 or dual stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from elasticache_constructs.checks.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class NetworkType:
    """IPv4, IPv6 or dual stack. Chosen at creation: another type replaces the cache.

    Use ``NetworkType.IPV4``, ``NetworkType.IPV6`` or ``NetworkType.dual_stack()``. The subnets must have the address
    ranges: both for dual stack, IPv6 only for IPv6.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/network-type.html
    """

    name: str
    ip_discovery: str | None = None
    """The addresses that clients discover. ``None`` if the network type has only one."""

    IPV4: ClassVar[NetworkType]
    IPV6: ClassVar[NetworkType]

    def __post_init__(self) -> None:
        """Refuse an unknown type, or a discovery protocol that the type does not have."""
        if self.name not in ("ipv4", "ipv6", "dual_stack"):
            raise ConfigurationError(
                got=f"NetworkType({self.name!r})",
                allowed="a network type is ipv4, ipv6 or dual_stack",
                fix="Use NetworkType.IPV4, NetworkType.IPV6 or NetworkType.dual_stack()",
                rule="NET-13",
            )
        choices = {"ipv4": (None, "ipv4"), "ipv6": (None, "ipv6"), "dual_stack": ("ipv4", "ipv6")}[self.name]
        if self.ip_discovery not in choices:
            raise ConfigurationError(
                got=f"NetworkType({self.name!r}, ip_discovery={self.ip_discovery!r})",
                allowed=f"{self.name} discovers {' or '.join(each for each in choices if each)}",
                fix="Use NetworkType.dual_stack(ip_discovery='ipv4')" if self.name == "dual_stack" else "Leave it out",
                rule="NET-14" if self.name == "dual_stack" else "NET-16",
            )

    @classmethod
    def dual_stack(cls, *, ip_discovery: str = "ipv4") -> NetworkType:
        """Both IPv4 and IPv6.

        Args:
            ip_discovery: The addresses that clients discover: ``ipv4`` or ``ipv6``. Changed in place. It has no effect
                with TLS, because clients then discover host names. Default: ``ipv4``.
        """
        return cls("dual_stack", ip_discovery)

    @property
    def needs_ipv6(self) -> bool:
        """Whether the subnets must have IPv6 addresses."""
        return self.name != "ipv4"


NetworkType.IPV4 = NetworkType("ipv4")
NetworkType.IPV6 = NetworkType("ipv6")
