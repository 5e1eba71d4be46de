"""The network of an app's templates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from elasticache_rules.network.model import (
    IPV4,
    IPV6,
    NOT_SHOWN,
    AclEntry,
    Endpoint,
    Interface,
    Network,
    Range,
    Route,
    RouteTarget,
    Rule,
    SecurityGroup,
    Subnet,
    address_range,
    service_name,
    tcp_ports,
)
from elasticache_rules.templates.assembly import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from elasticache_rules.templates.app import Resource, Templates

_ROUTE_TARGETS = {"NatGatewayId": RouteTarget.NAT_GATEWAY, "EgressOnlyInternetGatewayId": RouteTarget.INTERNET_GATEWAY}
_FAMILIES = {"ipv6": {IPV6}, "dual_stack": {IPV4, IPV6}, "dualstack": {IPV4, IPV6}, "dual": {IPV4, IPV6}}


def read_network(app: Templates) -> Network:
    """The network of an app: what its templates do not show, such as an existing VPC, is not in it.

    Args:
        app: The templates.
    """
    return _Reader(app).network()


def interface(
    app: Templates, name: str, template: str, *, subnets: list[Any], groups: list[Any], network_type: object = None
) -> Interface:
    """The network interfaces of a resource, of which the templates may show a part.

    Args:
        app: The templates.
        name: What messages call it.
        template: The template that it stands in.
        subnets: Its subnets, as its properties have them.
        groups: Its security groups, as its properties have them.
        network_type: Its IP versions, as its properties have them. Default: IPv4.
    """
    vpcs = {_vpc_of(app, subnet) for subnet in app.follow_all(subnets, template)}
    return Interface(
        name=name,
        vpc=min(vpcs, default=NOT_SHOWN),
        subnets=tuple(key(app, subnet, template) for subnet in subnets),
        groups=tuple(key(app, group, template) for group in groups),
        families=frozenset(_FAMILIES.get(str(network_type).lower(), {IPV4})),
    )


def key(app: Templates, value: Any, template: str) -> str:
    """What the model calls the resource that a value leads to: one name in all templates.

    Args:
        app: The templates.
        value: A reference, or a literal id.
        template: The template that it stands in.
    """
    found = app.follow(value, template)
    if found is not None:
        return _name(found)
    return value if isinstance(value, str) else f"{template} {json.dumps(value, sort_keys=True)}"


def _name(resource: Resource) -> str:
    return f"{resource.template} {resource.logical_id}"


def _vpc_of(app: Templates, resource: Resource) -> str:
    vpc = resource.get("VpcId")
    return NOT_SHOWN if vpc is None else key(app, vpc, resource.template)


class _Reader:
    def __init__(self, app: Templates) -> None:
        self._app = app

    def network(self) -> Network:
        app = self._app
        return Network(
            groups={
                _name(group): SecurityGroup(
                    inbound=tuple(self._rules(group, "Ingress", "Source")),
                    outbound=tuple(self._rules(group, "Egress", "Destination")),
                )
                for group in app.of_kind("AWS::EC2::SecurityGroup")
            },
            subnets=self._subnets(),
            endpoints=tuple(self._endpoint(endpoint) for endpoint in app.of_kind("AWS::EC2::VPCEndpoint")),
            nat_gateways={
                _name(gateway): self._key(gateway, "SubnetId") for gateway in app.of_kind("AWS::EC2::NatGateway")
            },
        )

    def _key(self, resource: Resource, property_name: str) -> str:
        return key(self._app, resource.get(property_name), resource.template)

    def _rules(self, group: Resource, direction: str, other: str) -> Iterable[Rule]:
        """Rules of a group, inline and apart, each read in the template that it stands in."""
        for rule in group.list_of(f"SecurityGroup{direction}"):
            yield self._rule(rule, group.template, other)
        for apart in self._app.of_kind(f"AWS::EC2::SecurityGroup{direction}"):
            if self._app.follow(apart.get("GroupId"), apart.template) == group:
                yield self._rule(apart.body.get("Properties", {}), apart.template, other)

    def _rule(self, rule: Mapping[str, Any], template: str, other: str) -> Rule:
        group = rule.get(f"{other}SecurityGroupId")
        return Rule(
            ports=tcp_ports(rule.get("IpProtocol"), rule.get("FromPort"), rule.get("ToPort")),
            group=None if group is None else key(self._app, group, template),
            ranges=self._ranges(rule, f"{other}PrefixListId", template),
        )

    def _ranges(self, rule: Mapping[str, Any], list_property: str, template: str) -> tuple[Range, ...] | None:
        found: list[Range | None] = [address_range(rule[name]) for name in ("CidrIp", "CidrIpv6") if name in rule]
        if list_property in rule:
            prefixes = self._app.follow(rule[list_property], template)
            entries = [] if prefixes is None else prefixes.list_of("Entries")
            found += [address_range(entry.get("Cidr")) for entry in entries] or [None]
        known = tuple(each for each in found if each is not None)
        return known if len(known) == len(found) else None

    def _subnets(self) -> dict[str, Subnet]:
        tables = self._associated("AWS::EC2::SubnetRouteTableAssociation", "RouteTableId")
        acls = self._associated("AWS::EC2::SubnetNetworkAclAssociation", "NetworkAclId")
        routes: dict[str, list[Route]] = {}
        for route in self._app.of_kind("AWS::EC2::Route"):
            routes.setdefault(self._key(route, "RouteTableId"), []).append(self._route(route))
        entries: dict[str, list[AclEntry]] = {_name(acl): [] for acl in self._app.of_kind("AWS::EC2::NetworkAcl")}
        for entry in self._app.of_kind("AWS::EC2::NetworkAclEntry"):
            entries.setdefault(self._key(entry, "NetworkAclId"), []).append(_acl_entry(entry))
        found = {}
        for subnet in self._app.of_kind("AWS::EC2::Subnet"):
            name = _name(subnet)
            acl = entries.get(acls.get(name, ""))
            found[name] = Subnet(
                vpc=self._key(subnet, "VpcId"),
                ranges=_shown_ranges(subnet),
                route_table=tables.get(name),
                routes=tuple(routes.get(tables.get(name, ""), ())),
                acl=None if acl is None else tuple(acl),
            )
        return found

    def _associated(self, kind: str, property_name: str) -> dict[str, str]:
        return {self._key(each, "SubnetId"): self._key(each, property_name) for each in self._app.of_kind(kind)}

    def _route(self, route: Resource) -> Route:
        destination = address_range(route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock"))
        for name, target in _ROUTE_TARGETS.items():
            if route.get(name) is not None:
                return Route(destination, target, self._key(route, name))
        if route.get("GatewayId") is not None:
            gateway = self._app.follow(route.get("GatewayId"), route.template)
            is_vpn = gateway is not None and gateway.kind == "AWS::EC2::VPNGateway"
            return Route(destination, RouteTarget.ELSEWHERE if is_vpn else RouteTarget.INTERNET_GATEWAY)
        return Route(destination, RouteTarget.ELSEWHERE)

    def _endpoint(self, endpoint: Resource) -> Endpoint:
        app, template = self._app, endpoint.template
        vpc = self._key(endpoint, "VpcId")
        tables = endpoint.list_of("RouteTableIds")
        shown = len(app.follow_all(tables, template)) == len(tables)
        name = text(endpoint.get("ServiceName"))
        return Endpoint(
            service=service_name(name),
            vpc=vpc,
            interface=None
            if endpoint.get("VpcEndpointType") != "Interface"
            else Interface(
                name=f"the interface endpoint of {service_name(name)}",
                vpc=vpc,
                subnets=tuple(key(app, subnet, template) for subnet in endpoint.list_of("SubnetIds")),
                groups=tuple(key(app, group, template) for group in endpoint.list_of("SecurityGroupIds")),
                families=frozenset(_FAMILIES.get(str(endpoint.get("IpAddressType")).lower(), {IPV4})),
            ),
            has_private_dns=endpoint.get("PrivateDnsEnabled") is True,
            route_tables=frozenset(key(app, table, template) for table in tables) if shown else None,
            policy=endpoint.get("PolicyDocument"),
        )


def _shown_ranges(subnet: Resource) -> tuple[Range, ...]:
    found = (address_range(subnet.get(name)) for name in ("CidrBlock", "Ipv6CidrBlock"))
    return tuple(each for each in found if each is not None)


def _acl_entry(entry: Resource) -> AclEntry:
    found = (address_range(entry.get(name)) for name in ("CidrBlock", "Ipv6CidrBlock"))
    return AclEntry(
        number=int(entry.get("RuleNumber")),
        outbound=entry.get("Egress") in (True, "true"),
        allows=entry.get("RuleAction") == "allow",
        ports=tcp_ports(entry.get("Protocol"), entry.get("PortRange", "From"), entry.get("PortRange", "To")),
        ranges=tuple(each for each in found if each is not None),
    )
