"""Whether a TCP connection is made, and why not."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from elasticache_rules.network.model import NOT_SHOWN, RouteTarget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elasticache_rules.network.model import AclEntry, Endpoint, Interface, Network, Range, Rule

HTTPS = 443
"""The port of AWS's APIs."""

_EVERYWHERE: tuple[Range, ...] = (ip_network("0.0.0.0/0"),)
# Ports to which answers return, of Lambda's and NAT gateways' connections:
# https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports
_ANSWERS = range(1024, 65536)


def connection_fault(network: Network, client: Interface, target: Interface, port: int) -> str | None:
    """Why a client cannot open a TCP connection to a target, or None if it can.

    Each interface of the client must reach each one of the target: Lambda chooses the interface, and a failover moves
    a primary. One common IP version is enough. Address ranges that the network does not show count as the right ones;
    within one VPC, every route leads there.

    Args:
        network: The network.
        client: Who connects.
        target: Who listens.
        port: The port.
    """
    if client.vpc is None:
        return f"{client.name} is in no VPC, and {target.name} is in {target.vpc or 'one'}"
    if NOT_SHOWN not in (client.vpc, target.vpc) and client.vpc != target.vpc:
        return f"{client.name} is in {client.vpc}, and {target.name} is in {target.vpc}"
    families = sorted(client.families & target.families)
    if not families:
        return f"{client.name} and {target.name} have no IP version in common"
    faults = [_fault_in(network, client, target, port, family) for family in families]
    return None if None in faults else faults[0]


def service_fault(network: Network, client: Interface, service: str) -> str | None:
    """Why a client in a VPC cannot reach the API of an AWS service, or None if it can.

    The service's name leads to an interface endpoint with private DNS if the VPC has one, even if that does not admit
    the client and a NAT gateway would.

    Args:
        network: The network.
        client: Who calls.
        service: The service, as in the name of its endpoint: ``secretsmanager``.
    """
    if client.vpc is None:
        return None
    endpoints = [each for each in network.endpoints if each.service == service and each.vpc == client.vpc]
    private = [each for each in endpoints if each.interface is not None and each.has_private_dns]
    if private:
        faults = [endpoint_fault(network, client, each) for each in private]
        return None if None in faults else faults[0]
    if any(endpoint_fault(network, client, each) is None for each in endpoints if each.interface is None):
        return None
    fault = internet_fault(network, client)
    return None if fault is None else f"{client.vpc} has no endpoint of {service} that {client.name} can use; {fault}"


def endpoint_fault(network: Network, client: Interface, endpoint: Endpoint) -> str | None:
    """Why a client in the endpoint's VPC cannot use a VPC endpoint by the service's own name, or None if it can."""
    if endpoint.interface is not None:
        if not endpoint.has_private_dns:
            return f"{endpoint.interface.name} has no private DNS"
        return connection_fault(network, client, endpoint.interface, HTTPS)
    what = f"the gateway endpoint of {endpoint.service}"
    for subnet in client.subnets:
        table = network.subnets[subnet].route_table if subnet in network.subnets else None
        if endpoint.route_tables is not None and table not in endpoint.route_tables:
            return f"{what} is not in the route table of {subnet}"
    rules = _rules(network, client.groups, outbound=True)
    if not any(HTTPS in rule.ports and rule.service == endpoint.service for rule in rules) and _is_missing(
        rules, HTTPS, (), _EVERYWHERE
    ):
        return _no_rule(client, HTTPS, "outbound", "to", what)
    return _acl_fault(network, client.subnets, _EVERYWHERE, HTTPS, is_client=True)


def internet_fault(network: Network, client: Interface) -> str | None:
    """Why a client in a VPC cannot open a connection to port 443 on the internet, or None if it can.

    Interfaces of Lambda have no public address, so each subnet needs a NAT gateway, in a subnet with a route to the
    internet.

    See https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
    """
    gateways = set()
    for subnet in client.subnets:
        target, target_id = _default_route(network, subnet)
        if target not in (RouteTarget.NAT_GATEWAY, RouteTarget.ELSEWHERE):
            return f"{subnet} has no route to a NAT gateway"
        if target is RouteTarget.NAT_GATEWAY and target_id in network.nat_gateways:
            gateways.add(target_id)
    for gateway in sorted(gateways):
        subnet = network.nat_gateways[gateway]
        if subnet in network.subnets and _default_route(network, subnet)[0] is not RouteTarget.INTERNET_GATEWAY:
            return f"{gateway} is in {subnet}, which has no route to an internet gateway"
    if _is_missing(_rules(network, client.groups, outbound=True), HTTPS, (), _EVERYWHERE):
        return _no_rule(client, HTTPS, "outbound", "to", "the internet")
    subnets = (*client.subnets, *(network.nat_gateways[each] for each in sorted(gateways)))
    return _acl_fault(network, subnets, _EVERYWHERE, HTTPS, is_client=True)


def _fault_in(network: Network, client: Interface, target: Interface, port: int, family: int) -> str | None:
    sources, targets = _ranges(network, client, family), _ranges(network, target, family)
    if _is_missing(_rules(network, client.groups, outbound=True), port, target.groups, targets):
        return _no_rule(client, port, "outbound", "to", _shown(target, targets))
    if _is_missing(_rules(network, target.groups, outbound=False), port, client.groups, sources):
        return _no_rule(target, port, "inbound", "from", _shown(client, sources))
    if sources is None or targets is None:
        return None
    # Network ACLs judge what leaves or enters a subnet.
    for subnet in client.subnets:
        beyond = _ranges_of(network, [other for other in target.subnets if other != subnet], family)
        if fault := _acl_fault(network, (subnet,), beyond or (), port, is_client=True):
            return fault
    for subnet in target.subnets:
        beyond = _ranges_of(network, [other for other in client.subnets if other != subnet], family)
        if fault := _acl_fault(network, (subnet,), beyond or (), port, is_client=False):
            return fault
    return None


def _rules(network: Network, groups: tuple[str, ...], *, outbound: bool) -> list[Rule]:
    known = [network.groups[group] for group in groups if group in network.groups]
    return [rule for group in known for rule in (group.outbound if outbound else group.inbound)]


def _is_missing(rules: list[Rule], port: int, groups: Iterable[str], ranges: tuple[Range, ...] | None) -> bool:
    """Whether no rules, taken together, open a port between some interfaces and all of another's."""
    open_rules = [rule for rule in rules if port in rule.ports]
    if any(rule.group is not None and rule.group in groups for rule in open_rules):
        return False
    if any(rule.ranges is None for rule in open_rules):
        return False
    if ranges is None:
        return not any(rule.ranges for rule in open_rules)
    return bool(_without(ranges, [each for rule in open_rules for each in rule.ranges or ()]))


def _ranges(network: Network, interface: Interface, family: int) -> tuple[Range, ...] | None:
    """The addresses that interfaces may have; None if they are not shown."""
    return _ranges_of(network, interface.subnets, family) if interface.subnets else None


def _ranges_of(network: Network, subnets: Iterable[str], family: int) -> tuple[Range, ...] | None:
    found: list[Range] = []
    for name in subnets:
        subnet = network.subnets.get(name)
        own = [] if subnet is None else [each for each in subnet.ranges if each.version == family]
        if not own:
            return None
        found += own
    return tuple(found)


def _without(ranges: Iterable[Range], removed: Iterable[Range]) -> list[Range]:
    """What is left of address ranges."""
    left = list(ranges)
    for gone in removed:
        left = [piece for each in left for piece in _minus(each, gone)]
    return left


def _minus(whole: Any, gone: Any) -> list[Range]:
    if whole.version != gone.version or not whole.overlaps(gone):
        return [whole]
    return [] if whole.subnet_of(gone) else list(whole.address_exclude(gone))


def _acl_fault(
    network: Network, subnets: Iterable[str], beyond: tuple[Range, ...], port: int, *, is_client: bool
) -> str | None:
    """Why the network ACL of a subnet stops a connection with what is beyond it, or None.

    Args:
        network: The network.
        subnets: The subnets.
        beyond: The addresses at the other end.
        port: The port of the server.
        is_client: Whether the client is in the subnet; otherwise the server is.
    """
    for name in subnets:
        acl = network.subnets[name].acl if name in network.subnets else None
        for outbound, ports in ((is_client, range(port, port + 1)), (not is_client, _ANSWERS)):
            if acl is not None and not _acl_allows(acl, ports, beyond, outbound=outbound):
                shown = str(port) if ports != _ANSWERS else f"{ports.start}-{ports.stop - 1}, to which answers return,"
                direction = "to" if outbound else "from"
                return f"the network ACL of {name} does not allow tcp {shown} {direction} {_joined(beyond)}"
    return None


def _acl_allows(acl: tuple[AclEntry, ...], ports: range, beyond: tuple[Range, ...], *, outbound: bool) -> bool:
    entries = sorted((entry for entry in acl if entry.outbound == outbound), key=lambda entry: entry.number)
    # Entries treat all ports from one bound to the next alike.
    bounds = {ports.start, *(bound for entry in entries for bound in (entry.ports.start, entry.ports.stop))}
    for port in sorted(bound for bound in bounds if bound in ports):
        left = list(beyond)
        for entry in entries:
            if port in entry.ports and entry.allows:
                left = _without(left, entry.ranges)
            elif port in entry.ports and _without(left, entry.ranges) != left:
                return False
        if left:
            return False
    return True


def _default_route(network: Network, subnet: str) -> tuple[RouteTarget, str]:
    if subnet not in network.subnets:
        return RouteTarget.ELSEWHERE, ""
    for route in network.subnets[subnet].routes:
        if route.destination in _EVERYWHERE:
            return route.target, route.target_id
    return RouteTarget.LOCAL, ""


def _no_rule(owner: Interface, port: int, direction: str, preposition: str, other: str) -> str:
    groups = (
        f"security groups [{', '.join(owner.groups)}]" if owner.groups else "security groups, of which it has none,"
    )
    return f"no {direction} rule of {owner.name}'s {groups} allows tcp {port} {preposition} {other}"


def _shown(interface: Interface, ranges: tuple[Range, ...] | None) -> str:
    groups = f"security groups [{', '.join(interface.groups)}]" if interface.groups else "no security group"
    return f"{interface.name} ({groups}" + (f", addresses {_joined(ranges)})" if ranges else ")")


def _joined(ranges: Iterable[Range]) -> str:
    return ", ".join(str(each) for each in ranges)
