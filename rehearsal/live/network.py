"""Who may connect to whom in the account's VPCs: its state is judged as the templates are at synth.

Functions may connect to what their security groups, subnets, network ACLs and VPC admit, and to the APIs that they
reach through VPC endpoints or NAT. Processes of people may connect to everything: they rehearse from outside the
account. Policies of VPC endpoints are judged with each request, by `identity`.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from elasticache_rules.network.judgement import connection_fault, endpoint_fault, internet_fault
from elasticache_rules.network.model import (
    IPV4,
    IPV6,
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
from rehearsal.extension.seam import HANDLERS, Private, ec2, handlers, is_true, param
from rehearsal.live.addresses import EVERY_API

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rehearsal.live.edge.edge import Endpoint as Served
    from rehearsal.live.edge.edge import Target
    from rehearsal.live.peer import Peer
    from rehearsal.live.run import Run

    Record = Mapping[str, Any]

lambda_service: Any = importlib.import_module("ministack.services.lambda_svc")

TOUCHES = (
    HANDLERS,
    Private("services.ec2", "_network_acls"),
    Private("services.ec2", "_nat_gateways"),
    Private("services.ec2", "_prefix_lists"),
    Private("services.ec2", "_resolve_aws_pl_by_id", ("pl_id",)),
    Private("services.ec2", "_route_tables"),
    Private("services.ec2", "_security_groups"),
    Private("services.ec2", "_subnets"),
    Private("services.ec2", "_vpc_endpoints"),
    Private("services.ec2", "_vpcs"),
    Private("services.lambda_svc", "_functions"),
)

EVERY_PORT = range(65536)
READS = re.compile(r"(?:^|&)Action=(?:Describe|Get|List)")  # requests that change nothing
TARGETS = {"NatGatewayId": RouteTarget.NAT_GATEWAY, "EgressOnlyInternetGatewayId": RouteTarget.INTERNET_GATEWAY}
GATEWAYS = {"local": RouteTarget.LOCAL, "igw": RouteTarget.INTERNET_GATEWAY}


def install(run: Run) -> None:
    """Judge connections to endpoints, and which APIs each function reaches, from now on.

    Args:
        run: The live rehearsal.
    """
    judge = Judge(run)
    run.edge.decisions.admits = judge.admits
    run.addresses.reachable_apis = judge.reachable_apis
    _refresh_after_changes(run)


class Judge:
    """Asks the judgement about the account as it is.

    Args:
        run: The live rehearsal.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def admits(self, peer: Peer, endpoint: Served) -> str | None:
        """Why a process may not connect to an endpoint, or None."""
        if peer.function is None:
            return None
        with self._run.in_account():
            target = target_interface(endpoint.target)
            return connection_fault(read_account(), function_interface(peer.function), target, endpoint.port)

    def reachable_apis(self, client: str) -> dict[str, bool] | None:
        """Which host names of AWS APIs answer a client, which may begin with `*.`; None if all do.

        Args:
            client: Name of a function; every other client is a person.
        """
        with self._run.in_account():
            if client not in lambda_service._functions:
                return None
            function, network = function_interface(client), read_account()
            if function.vpc is None:
                return None
            return dict(_apis(network, function, self._run.region))


def _apis(network: Network, function: Interface, region: str) -> Iterator[tuple[str, bool]]:
    yield EVERY_API, internet_fault(network, function) is None
    ours = [endpoint for endpoint in network.endpoints if endpoint.vpc == function.vpc]
    # An interface endpoint takes the service's name over for the whole VPC; a gateway endpoint is a route.
    for endpoint in sorted(ours, key=lambda endpoint: endpoint.interface is not None):
        usable = endpoint_fault(network, function, endpoint) is None
        if usable or endpoint.has_private_dns:
            host = ".".join([*reversed(endpoint.service.split(".")), region, "amazonaws.com"])
            yield host, usable
            yield f"*.{host}", usable


def function_interface(name: str) -> Interface:
    """The network interfaces of a function.

    Args:
        name: Its name. A function that is gone has none.
    """
    record = lambda_service._functions.get(name) or {}
    placed = (record.get("config") or {}).get("VpcConfig") or {}
    subnets = tuple(placed.get("SubnetIds") or ())
    vpcs = sorted({ec2._subnets[subnet]["VpcId"] for subnet in subnets if subnet in ec2._subnets})
    return Interface(
        name=f"function {name}",
        vpc=vpcs[0] if vpcs else None,
        subnets=subnets,
        groups=tuple(placed.get("SecurityGroupIds") or ()),
        families=frozenset({IPV4, IPV6} if is_true(placed.get("Ipv6AllowedForDualStack")) else {IPV4}),
    )


def target_interface(target: Target) -> Interface:
    """The network interfaces behind an endpoint of a cache or database."""
    return Interface(name=target.what, vpc=target.vpc, subnets=target.subnets, groups=tuple(target.security_groups()))


def read_account() -> Network:
    """The network of the account and Region of this thread."""
    return Network(
        groups={
            name: SecurityGroup(
                inbound=tuple(_rules(group.get("IpPermissions"))),
                outbound=tuple(_rules(group.get("IpPermissionsEgress"))),
            )
            for name, group in ec2._security_groups.items()
        },
        subnets=_subnets(),
        endpoints=tuple(
            _endpoint(endpoint) for endpoint in ec2._vpc_endpoints.values() if endpoint.get("State") == "available"
        ),
        nat_gateways={
            name: gateway["SubnetId"]
            for name, gateway in ec2._nat_gateways.items()
            if gateway.get("State") == "available"
        },
    )


def _rules(permissions: Iterable[Record] | None) -> Iterator[Rule]:
    for permission in permissions or ():
        ports = tcp_ports(permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort"))
        ranges = [*_values(permission, "IpRanges", "CidrIp"), *_values(permission, "Ipv6Ranges", "CidrIpv6")]
        yield Rule(ports=ports, ranges=_ranges(ranges))
        for group in _values(permission, "UserIdGroupPairs", "GroupId"):
            yield Rule(ports=ports, group=group)
        for name in _values(permission, "PrefixListIds", "PrefixListId"):
            yield _prefix_list_rule(ports, name)


def _prefix_list_rule(ports: range, name: str) -> Rule:
    if known := ec2._prefix_lists.get(name):
        return Rule(ports=ports, ranges=_ranges(entry["Cidr"] for entry in known["Entries"]))
    managed = ec2._resolve_aws_pl_by_id(name)
    return Rule(ports=ports, service=managed and service_name(managed["PrefixListName"]))


def _values(permission: Record, items: str, key: str) -> list[str]:
    """The other ends of a permission of one kind; the emulator keeps some as text and some as mappings."""
    found = [item if isinstance(item, str) else item.get(key) for item in permission.get(items) or ()]
    return [value for value in found if value]


def _ranges(texts: Iterable[object]) -> tuple[Range, ...]:
    return tuple(known for text in texts if (known := address_range(text)) is not None)


def _subnets() -> dict[str, Subnet]:
    tables, acls = _by_subnet(ec2._route_tables), _by_subnet(ec2._network_acls)
    main = {
        table["VpcId"]: table
        for table in ec2._route_tables.values()
        if any(association.get("Main") for association in table.get("Associations", ()))
    }
    default = {acl["VpcId"]: acl for acl in ec2._network_acls.values() if acl.get("IsDefault")}
    found = {}
    for name, subnet in ec2._subnets.items():
        vpc = subnet["VpcId"]
        table, acl = tables.get(name) or main.get(vpc) or {}, acls.get(name) or default.get(vpc)
        found[name] = Subnet(
            vpc=vpc,
            ranges=_ranges((subnet.get("CidrBlock"), subnet.get("Ipv6CidrBlock"))),
            route_table=table.get("RouteTableId"),
            routes=tuple(_route(route) for route in table.get("Routes", ()) if route.get("State") != "blackhole"),
            acl=None if acl is None else tuple(_acl_entry(entry) for entry in acl["Entries"]),
        )
    return found


def _by_subnet(store: Mapping[str, Record]) -> dict[str, Record]:
    return {
        association["SubnetId"]: record
        for record in store.values()
        for association in record.get("Associations", ())
        if association.get("SubnetId")
    }


def _route(route: Record) -> Route:
    destination = address_range(route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock"))
    for name, target in TARGETS.items():
        if route.get(name):
            return Route(destination, target, route[name])
    gateway = str(route.get("GatewayId", ""))
    return Route(destination, GATEWAYS.get(gateway.split("-", maxsplit=1)[0], RouteTarget.ELSEWHERE), gateway)


def _acl_entry(entry: Record) -> AclEntry:
    # An entry for every protocol has no ports.
    ports = entry.get("PortRange")
    found = tcp_ports(entry.get("Protocol"), *((ports["From"], ports["To"]) if ports else (0, EVERY_PORT[-1])))
    return AclEntry(
        number=int(entry["RuleNumber"]),
        outbound=is_true(entry["Egress"]),
        allows=entry["RuleAction"] == "allow",
        ports=found,
        ranges=_ranges((entry.get("CidrBlock"), entry.get("Ipv6CidrBlock"))),
    )


def _endpoint(endpoint: Record) -> Endpoint:
    vpc, name = endpoint["VpcId"], endpoint["VpcEndpointId"]
    own = ec2._vpcs.get(vpc) or {}
    resolves = is_true(own.get("EnableDnsSupport", True)) and is_true(own.get("EnableDnsHostnames", False))
    is_interface = endpoint["VpcEndpointType"] == "Interface"
    return Endpoint(
        service=service_name(endpoint["ServiceName"]),
        vpc=vpc,
        interface=Interface(
            name=f"VPC endpoint {name}",
            vpc=vpc,
            subnets=tuple(endpoint["SubnetIds"]),
            groups=tuple(endpoint["SecurityGroupIds"]),
        )
        if is_interface
        else None,
        has_private_dns=is_interface and resolves and is_true(endpoint["PrivateDnsEnabled"]),
        route_tables=frozenset(endpoint["RouteTableIds"]),
        policy=endpoint.get("PolicyDocument"),
    )


def _refresh_after_changes(run: Run) -> None:
    """Write the names files again after each change of the network, by its API or by CloudFormation."""
    stock = ec2.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes | str, query_params: Any) -> Any:
        answer = await stock(method, path, headers, body, query_params)
        text = body.decode(errors="replace") if isinstance(body, bytes) else body
        if not READS.search(f"{text}&Action={param(query_params or {}, 'Action')}"):
            run.addresses.refresh()
        return answer

    ec2.handle_request = handle_request
    for resource_type, handler in handlers().items():
        if resource_type.startswith("AWS::EC2::"):
            for step in ("create", "update", "delete"):
                if step in handler:
                    handler[step] = _then_refresh(handler[step], run)


def _then_refresh(stock: Callable[..., Any], run: Run) -> Callable[..., Any]:
    def change(*arguments: Any, **named: Any) -> Any:
        result = stock(*arguments, **named)
        run.addresses.refresh()
        return result

    return change
