"""A network as far as it decides whether a TCP connection is made, independent of where it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Range = IPv4Network | IPv6Network
"""A range of addresses."""

NOT_SHOWN = ""
"""The VPC of an interface whose VPC the reader cannot tell."""

IPV4, IPV6 = 4, 6
_EVERY_PORT = range(65536)
_NO_PORT = range(0)
_EVERY_PROTOCOL = "-1"
_TCP = ("tcp", "6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a security group, as far as TCP goes.

    Attributes:
        ports: The TCP ports that it opens; empty for another protocol.
        group: The security group at the other end, or None.
        ranges: Address ranges at the other end; None if the reader cannot tell them.
        service: The AWS service whose addresses, a prefix list of AWS, are at the other end; or None.
    """

    ports: range
    group: str | None = None
    ranges: tuple[Range, ...] | None = ()
    service: str | None = None


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """The rules of a security group."""

    inbound: tuple[Rule, ...] = ()
    outbound: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AclEntry:
    """One entry of a network ACL, as far as TCP goes; the entry with the lowest number that matches decides."""

    number: int
    outbound: bool
    allows: bool
    ports: range
    ranges: tuple[Range, ...]


class RouteTarget(Enum):
    """What a route leads to."""

    NAT_GATEWAY = "NAT gateway"
    INTERNET_GATEWAY = "internet gateway"
    LOCAL = "local"
    ELSEWHERE = "elsewhere"
    """A transit gateway, a firewall, an instance: the model does not show where it ends."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a route table.

    Attributes:
        destination: Its address range; None if the reader cannot tell it.
        target: What it leads to.
        target_id: The id of that.
    """

    destination: Range | None
    target: RouteTarget
    target_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A subnet.

    Attributes:
        vpc: Its VPC.
        ranges: Its address ranges; empty if the reader cannot tell them.
        route_table: The id of its route table; None if it has the VPC's main one and that is not shown.
        routes: The routes of that table.
        acl: The entries of its network ACL; None if it has the default one, which allows everything.
    """

    vpc: str
    ranges: tuple[Range, ...] = ()
    route_table: str | None = None
    routes: tuple[Route, ...] = ()
    acl: tuple[AclEntry, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """The network interfaces of a function, cache, database or endpoint: one in each of its subnets.

    Attributes:
        name: What messages call it.
        vpc: Its VPC; None if it is in no VPC, `NOT_SHOWN` if the reader cannot tell.
        subnets: The ids of its subnets.
        groups: The ids of its security groups.
        families: The IP versions in which it connects or listens.
    """

    name: str
    vpc: str | None
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    families: frozenset[int] = frozenset({IPV4})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A VPC endpoint of an AWS service.

    Attributes:
        service: The service, as in the last part of the endpoint service's name: ``secretsmanager``.
        vpc: Its VPC.
        interface: The network interfaces of an interface endpoint; None for a gateway endpoint.
        has_private_dns: Whether the service's own name leads to it, within the VPC.
        route_tables: The ids of a gateway endpoint's route tables; None if the reader cannot tell all of them.
        policy: Its policy; None for the default, which allows everything.
    """

    service: str
    vpc: str
    interface: Interface | None = None
    has_private_dns: bool = False
    route_tables: frozenset[str] | None = frozenset()
    policy: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network.

    Attributes:
        groups: Security groups by id.
        subnets: Subnets by id.
        endpoints: VPC endpoints.
        nat_gateways: The subnet of each NAT gateway by its id.
    """

    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    nat_gateways: Mapping[str, str] = field(default_factory=dict)


def tcp_ports(protocol: object, first: object, last: object) -> range:
    """The TCP ports that a rule opens.

    Args:
        protocol: The protocol of the rule, by name or number. ``-1`` is every protocol, whatever the ports.
        first: The first port.
        last: The last port. A rule for TCP needs both: one that is absent or not a number opens nothing.
    """
    name = str(protocol).lower()
    if name == _EVERY_PROTOCOL:
        return _EVERY_PORT
    if name not in _TCP:
        return _NO_PORT
    try:
        return range(int(str(first)), int(str(last)) + 1)
    except ValueError:
        return _NO_PORT


def address_range(text: object) -> Range | None:
    """The address range of a CIDR block; None for anything else, for example a token."""
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


def service_name(endpoint_service: str) -> str:
    """The AWS service of an endpoint service, as all that follows the Region in its name.

    Args:
        endpoint_service: The name, for example ``com.amazonaws.eu-west-1.secretsmanager``.
    """
    parts = endpoint_service.split(".", 3)
    return parts[3] if parts[:2] == ["com", "amazonaws"] and parts[3:] else endpoint_service.rpartition(".")[2]
