"""Who can connect to whom: the judgement that the reachability check and the rehearsal share."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from elasticache_rules.network.judgement import connection_fault, service_fault
from elasticache_rules.network.model import (
    AclEntry,
    Endpoint,
    Interface,
    Network,
    Route,
    RouteTarget,
    Rule,
    SecurityGroup,
    Subnet,
    tcp_ports,
)

PORT = 6379
ANYWHERE = "0.0.0.0/0"
FUNCTION = Interface(name="function", vpc="vpc-1", subnets=("app-a", "app-b"), groups=("clients",))
CACHE = Interface(name="cache", vpc="vpc-1", subnets=("cache-a", "cache-b"), groups=("nodes",))
DUAL = frozenset({4, 6})
NO_INBOUND = (
    "no inbound rule of cache's security groups [nodes] allows tcp 6379 from function (security groups [clients], "
    "addresses 10.0.0.0/24, 10.0.1.0/24)"
)
NO_OUTBOUND = (
    "no outbound rule of function's security groups [clients] allows tcp 6379 to cache (security groups [nodes], "
    "addresses 10.0.8.0/24, 10.0.9.0/24)"
)


def rule(*ranges: str, group: str | None = None, ports: Any = PORT, protocol: str = "tcp", **more: Any) -> Rule:
    """A rule for the ports of the cache, or for others."""
    first, last = ports if isinstance(ports, tuple) else (ports, ports)
    known = tuple(ip_network(each) for each in ranges)
    return Rule(ports=tcp_ports(protocol, first, last), **{"group": group, "ranges": known, **more})


def subnet(*ranges: str, table: str = "table", routes: tuple[Route, ...] = (), **more: Any) -> Subnet:
    """A subnet of the VPC."""
    known = tuple(ip_network(each) for each in ranges)
    return Subnet(vpc="vpc-1", ranges=known, route_table=table, routes=routes, **more)


SUBNETS = {
    "app-a": subnet("10.0.0.0/24", "fd00::/64"),
    "app-b": subnet("10.0.1.0/24", "fd00:0:0:1::/64"),
    "cache-a": subnet("10.0.8.0/24", "fd00:0:0:8::/64"),
    "cache-b": subnet("10.0.9.0/24", "fd00:0:0:9::/64"),
}
FROM_CLIENTS, TO_NODES = rule(group="clients"), rule(group="nodes")


def network(inbound: Any = (FROM_CLIENTS,), outbound: Any = (TO_NODES,), **more: Any) -> Network:
    """A network with the rules of the cache's group, and of its clients' group."""
    groups = {"nodes": SecurityGroup(inbound=tuple(inbound)), "clients": SecurityGroup(outbound=tuple(outbound))}
    return Network(groups=groups, **{"subnets": SUBNETS, **more})


# Ranges of the clients, and the same ones of the nodes.
MOVED = {f"10.0.{one}.{rest}": f"10.0.{one + 8}.{rest}" for one in (0, 1) for rest in ("0/24", "0/25", "128/25")}
OPEN = {
    "the port": FROM_CLIENTS,
    "a range of ports": rule(group="clients", ports=(6000, 7000)),
    "its first port": rule(group="clients", ports=(PORT, 7000)),
    "its last port": rule(group="clients", ports=(6000, PORT)),
    "every protocol": rule(group="clients", protocol="-1", ports=None),
    "every protocol, whatever its ports": rule(group="clients", protocol="-1", ports=22),
    "TCP by number": rule(group="clients", protocol="6"),
    "TCP in capitals": rule(group="clients", protocol="TCP", ports=(str(PORT), str(PORT))),
    "the VPC's addresses": rule("10.0.0.0/16"),
    "each subnet's addresses": rule("10.0.0.0/24", "10.0.1.0/24"),
    "halves of the subnets": rule("10.0.0.0/25", "10.0.0.128/25", "10.0.1.0/24"),
    "every address": rule(ANYWHERE),
    "addresses that are not shown": rule(ranges=None),
}
CLOSED = {
    "another port": rule(group="clients", ports=6380),
    "a range below": rule(group="clients", ports=(0, PORT - 1)),
    "a range above": rule(group="clients", ports=(PORT + 1, 65535)),
    "another protocol": rule(group="clients", protocol="udp"),
    "ICMP": rule(ANYWHERE, protocol="icmp", ports=-1),
    "another group": rule(group="nodes"),
    "one subnet of two": rule("10.0.0.0/24"),
    "a half of a subnet": rule("10.0.0.0/24", "10.0.1.0/25"),
    "IPv6 alone": rule("::/0"),
    "a service's addresses": rule(service="s3"),
    "a port that is no number": rule(group="clients", ports="Port"),
    "no port": rule(group="clients", ports=None),
}


@pytest.mark.parametrize("inbound", OPEN.values(), ids=OPEN)
def test_inbound_rule_admits(inbound: Rule) -> None:
    """A rule names the client by its group or its addresses, and the port by itself or in a range."""
    assert connection_fault(network([inbound]), FUNCTION, CACHE, PORT) is None


@pytest.mark.parametrize("inbound", CLOSED.values(), ids=CLOSED)
def test_inbound_rule_is_missing(inbound: Rule) -> None:
    """The reason names the groups, the port and who would connect."""
    assert connection_fault(network([inbound]), FUNCTION, CACHE, PORT) == NO_INBOUND


def turned(one: Rule) -> Rule:
    """The same rule for the other direction."""
    groups = {"clients": "nodes", "nodes": "clients", None: None}
    ranges = one.ranges and tuple(ip_network(MOVED.get(str(each), str(each))) for each in one.ranges)
    return replace(one, group=groups[one.group], ranges=ranges)


@pytest.mark.parametrize("outbound", OPEN.values(), ids=OPEN)
def test_outbound_rule_admits(outbound: Rule) -> None:
    """Outbound rules are read as inbound ones."""
    assert connection_fault(network(outbound=[turned(outbound)]), FUNCTION, CACHE, PORT) is None


@pytest.mark.parametrize("outbound", CLOSED.values(), ids=CLOSED)
def test_outbound_rule_is_missing(outbound: Rule) -> None:
    """A client needs a rule too, and that is told first."""
    assert connection_fault(network((), [turned(outbound)]), FUNCTION, CACHE, PORT) == NO_OUTBOUND


def test_any_group_of_several_is_enough() -> None:
    """Rules of all groups count, on both ends; groups that the network does not show have none."""
    groups = {**network().groups, "others": SecurityGroup()}
    many = replace(network(), groups=groups)
    client, store = replace(FUNCTION, groups=("x", "others", "clients")), replace(CACHE, groups=("others", "nodes"))
    assert connection_fault(many, client, store, PORT) is None
    assert connection_fault(many, replace(client, groups=("others",)), store, PORT) is not None
    assert connection_fault(many, client, replace(store, groups=("others",)), PORT) is not None


def test_a_group_that_admits_itself_admits_its_members() -> None:
    """Such a rule is of no use to others."""
    itself = SecurityGroup(inbound=(rule(group="nodes"),), outbound=(rule(ANYWHERE),))
    net = Network(groups={"nodes": itself, "clients": SecurityGroup(outbound=(rule(ANYWHERE),))}, subnets=SUBNETS)
    assert connection_fault(net, replace(FUNCTION, groups=("nodes",)), CACHE, PORT) is None
    assert connection_fault(net, FUNCTION, CACHE, PORT) == NO_INBOUND


def test_one_common_ip_version_is_enough() -> None:
    """Rules for IPv6 are enough where both ends have it, and none if they have no version in common."""
    net = network([rule("fd00::/56")], [rule("::/0")])
    client, store = replace(FUNCTION, families=DUAL), replace(CACHE, families=DUAL)
    assert connection_fault(net, client, store, PORT) is None
    assert connection_fault(net, client, CACHE, PORT) == NO_OUTBOUND
    store = replace(CACHE, families=frozenset({6}))
    assert connection_fault(net, FUNCTION, store, PORT) == "function and cache have no IP version in common"


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (replace(FUNCTION, vpc=None), "function is in no VPC, and cache is in vpc-1"),
        (replace(FUNCTION, vpc="vpc-2"), "function is in vpc-2, and cache is in vpc-1"),
        (replace(FUNCTION, vpc=""), None),
        (replace(FUNCTION, groups=()), NO_OUTBOUND.replace(" [clients]", ", of which it has none,")),
    ],
)
def test_both_are_in_one_vpc(client: Interface, reason: str | None) -> None:
    """A VPC that is not shown may be the right one."""
    assert connection_fault(network(), client, CACHE, PORT) == reason


def test_addresses_that_are_not_shown_count() -> None:
    """A range is not compared with the addresses of a subnet from elsewhere."""
    net = network([rule("192.168.0.0/16")], [rule("172.16.0.0/12")])
    client, store = replace(FUNCTION, subnets=("subnet-1",)), replace(CACHE, subnets=())
    assert connection_fault(net, client, store, PORT) is None
    assert connection_fault(replace(net, groups={}), client, store, PORT) is not None


# Network ACLs


def entries(outbound: str, inbound: str) -> tuple[AclEntry, ...]:
    """A network ACL, each entry written as ``number allow|deny range port-port``."""
    return tuple(
        AclEntry(
            number=int(number),
            outbound=is_outbound,
            allows=action == "allow",
            ports=tcp_ports("tcp", *ports.split("-")),
            ranges=(ip_network(known),),
        )
        for is_outbound, lines in ((True, outbound), (False, inbound))
        for number, action, known, ports in (line.split() for line in lines.split(";") if line)
    )


ALL = "100 allow 0.0.0.0/0 0-65535"
APP, STORE = "10.0.0.0/24, 10.0.1.0/24", "10.0.8.0/24, 10.0.9.0/24"
ANSWERS = "1024-65535, to which answers return,"


@pytest.mark.parametrize(
    ("place", "outbound", "inbound", "stopped"),
    [
        ("app-b", ALL, ALL, None),
        ("cache-b", ALL, ALL, None),
        ("app-b", "", ALL, f"{PORT} to {STORE}"),
        ("app-b", ALL, "", f"{ANSWERS} from {STORE}"),
        ("cache-b", ALL, "", f"{PORT} from {APP}"),
        ("cache-b", "", ALL, f"{ANSWERS} to {APP}"),
        # The lowest number decides, in whatever order they are.
        ("app-b", f"{ALL};90 deny 10.0.9.0/24 0-65535", ALL, f"{PORT} to {STORE}"),
        ("app-b", f"110 deny 10.0.9.0/24 0-65535;{ALL}", ALL, None),
        ("app-b", f"90 deny 10.0.9.7/32 0-65535;{ALL}", ALL, f"{PORT} to {STORE}"),
        ("app-b", f"90 deny 10.1.0.0/16 0-65535;{ALL}", ALL, None),
        ("app-b", f"90 deny 0.0.0.0/0 6380-6380;{ALL}", ALL, None),
        ("app-b", "1 allow 10.0.8.0/24 6379-6379;2 allow 10.0.9.0/24 6379-6379", ALL, None),
        ("app-b", "1 allow 10.0.8.0/24 6379-6379", ALL, f"{PORT} to {STORE}"),
        # Answers need every port, whichever entries give them.
        ("app-b", ALL, f"90 deny 0.0.0.0/0 3389-3389;{ALL}", f"{ANSWERS} from {STORE}"),
        ("app-b", ALL, f"90 deny 0.0.0.0/0 22-22;{ALL}", None),
        ("app-b", ALL, "1 allow 0.0.0.0/0 1024-9999;2 allow 0.0.0.0/0 10000-65535", None),
        ("app-b", ALL, "1 allow 0.0.0.0/0 32768-65535", f"{ANSWERS} from {STORE}"),
    ],
)
def test_network_acls(place: str, outbound: str, inbound: str, stopped: str | None) -> None:
    """They see connections and answers, at the subnets of both ends."""
    subnets = {**SUBNETS, place: replace(SUBNETS[place], acl=entries(outbound, inbound))}
    reason = stopped and f"the network ACL of {place} does not allow tcp {stopped}"
    assert connection_fault(network(subnets=subnets), FUNCTION, CACHE, PORT) == reason


def test_network_acls_do_not_see_what_stays_in_a_subnet() -> None:
    """Both ends in one subnet: no ACL is asked."""
    client, store = replace(FUNCTION, subnets=("cache-a",)), replace(CACHE, subnets=("cache-a",))
    subnets = {"cache-a": replace(SUBNETS["cache-a"], acl=())}
    assert connection_fault(network(subnets=subnets), client, store, PORT) is None


# AWS services


NAT = Route(ip_network(ANYWHERE), RouteTarget.NAT_GATEWAY, "nat-1")
IGW = Route(ip_network(ANYWHERE), RouteTarget.INTERNET_GATEWAY)
TRANSIT = Route(ip_network(ANYWHERE), RouteTarget.ELSEWHERE)
HTTPS_OUT = rule(ANYWHERE, ports=443)
SECRETS = Endpoint(
    service="secretsmanager",
    vpc="vpc-1",
    interface=Interface(name="endpoint", vpc="vpc-1", subnets=("app-a", "app-b"), groups=("endpoints",)),
    has_private_dns=True,
)
S3 = Endpoint(service="s3", vpc="vpc-1", route_tables=frozenset({"table"}))
ADMITS = SecurityGroup(inbound=(rule(group="clients", ports=443),))


def calling(
    *outbound: Rule, routes: tuple[Route, ...] = (), endpoint_group: SecurityGroup = ADMITS, **more: Any
) -> Network:
    """A network whose functions have these rules and routes."""
    subnets = {name: subnet("10.0.0.0/24", routes=routes) for name in ("app-a", "app-b")}
    subnets["public"] = subnet("10.0.5.0/24", routes=(IGW,))
    groups = {"clients": SecurityGroup(outbound=outbound), "endpoints": endpoint_group}
    return Network(groups=groups, **{"subnets": subnets, "nat_gateways": {"nat-1": "public"}, **more})


def unequal(*routes: tuple[Route, ...], tables: tuple[str, str] = ("table", "table")) -> dict[str, Subnet]:
    """Two application subnets whose routes differ."""
    (first, second), (one, other) = routes, tables
    return {
        "app-a": subnet("10.0.0.0/24", routes=first, table=one),
        "app-b": subnet("10.0.1.0/24", routes=second, table=other),
        "public": subnet("10.0.5.0/24", routes=(IGW,)),
    }


NONE_OF = "vpc-1 has no endpoint of {} that function can use; "
NO_NAT = NONE_OF + "{} has no route to a NAT gateway"
NO_EXIT = "no outbound rule of function's security groups [clients] allows tcp 443 to the internet"
NOT_TO_ENDPOINT = (
    "no outbound rule of function's security groups [clients] allows tcp 443 to endpoint (security groups [endpoints], "
    "addresses 10.0.0.0/24, 10.0.0.0/24)"
)
NOT_FROM_FUNCTION = (
    "no inbound rule of endpoint's security groups [endpoints] allows tcp 443 from function (security groups "
    "[clients], addresses 10.0.0.0/24, 10.0.0.0/24)"
)
CALLS = {
    "an interface endpoint": (calling(HTTPS_OUT, endpoints=(SECRETS,)), "secretsmanager", None),
    "an interface endpoint, by group": (
        calling(rule(group="endpoints", ports=443), endpoints=(SECRETS,)),
        "secretsmanager",
        None,
    ),
    "no outbound rule": (
        calling(endpoints=(SECRETS,)),
        "secretsmanager",
        NOT_TO_ENDPOINT,
    ),
    "an endpoint of another service": (
        calling(HTTPS_OUT, endpoints=(SECRETS,)),
        "sns",
        NO_NAT.format("sns", "app-a"),
    ),
    "an endpoint of another VPC": (
        calling(HTTPS_OUT, endpoints=(replace(SECRETS, vpc="vpc-2"),)),
        "secretsmanager",
        NO_NAT.format("secretsmanager", "app-a"),
    ),
    "an endpoint without private DNS": (
        calling(HTTPS_OUT, endpoints=(replace(SECRETS, has_private_dns=False),)),
        "secretsmanager",
        NO_NAT.format("secretsmanager", "app-a"),
    ),
    "an endpoint without private DNS, and NAT": (
        calling(HTTPS_OUT, routes=(NAT,), endpoints=(replace(SECRETS, has_private_dns=False),)),
        "secretsmanager",
        None,
    ),
    "NAT behind an endpoint that does not admit": (
        calling(HTTPS_OUT, routes=(NAT,), endpoint_group=SecurityGroup(), endpoints=(SECRETS,)),
        "secretsmanager",
        NOT_FROM_FUNCTION,
    ),
    "NAT": (calling(HTTPS_OUT, routes=(NAT,)), "sns", None),
    "NAT, by halves of the internet": (
        calling(rule("0.0.0.0/1", "128.0.0.0/1", ports=443), routes=(NAT,)),
        "sns",
        None,
    ),
    "NAT, IPv6 alone may go out": (
        calling(rule("::/0", ports=443), routes=(NAT,)),
        "sns",
        NONE_OF.format("sns") + NO_EXIT,
    ),
    "NAT, but only within the VPC": (
        calling(rule("10.0.0.0/8", ports=443), routes=(NAT,)),
        "sns",
        NONE_OF.format("sns") + NO_EXIT,
    ),
    "NAT in one subnet of two": (
        calling(HTTPS_OUT, subnets=unequal((NAT,), ())),
        "sns",
        NO_NAT.format("sns", "app-b"),
    ),
    "an internet gateway": (calling(HTTPS_OUT, routes=(IGW,)), "sns", NO_NAT.format("sns", "app-a")),
    "a transit gateway": (calling(HTTPS_OUT, routes=(TRANSIT,)), "sns", None),
    "a narrow route to NAT": (
        calling(HTTPS_OUT, routes=(replace(NAT, destination=ip_network("8.8.8.0/24")),)),
        "sns",
        NO_NAT.format("sns", "app-a"),
    ),
    "NAT in a private subnet": (
        calling(HTTPS_OUT, routes=(NAT,), nat_gateways={"nat-1": "app-a"}),
        "sns",
        NONE_OF.format("sns") + "nat-1 is in app-a, which has no route to an internet gateway",
    ),
    "NAT from elsewhere": (calling(HTTPS_OUT, routes=(NAT,), nat_gateways={}), "sns", None),
    "a gateway endpoint": (calling(HTTPS_OUT, endpoints=(S3,)), "s3", None),
    "a gateway endpoint, by its prefix list": (calling(rule(service="s3", ports=443), endpoints=(S3,)), "s3", None),
    "a gateway endpoint, by another's prefix list": (
        calling(rule(service="dynamodb", ports=443), endpoints=(S3,)),
        "s3",
        NO_NAT.format("s3", "app-a"),
    ),
    "a gateway endpoint in one route table of two": (
        calling(HTTPS_OUT, subnets=unequal((), (), tables=("table", "other")), endpoints=(S3,)),
        "s3",
        NO_NAT.format("s3", "app-a"),
    ),
    "a gateway endpoint in route tables that are not shown": (
        calling(HTTPS_OUT, endpoints=(replace(S3, route_tables=None),)),
        "s3",
        None,
    ),
}


@pytest.mark.parametrize(("net", "service", "reason"), CALLS.values(), ids=CALLS)
def test_services_are_reached(net: Network, service: str, reason: str | None) -> None:
    """By an endpoint that the service's name leads to, else through NAT."""
    assert service_fault(net, FUNCTION, service) == reason


def test_outside_a_vpc_every_service_is_reached() -> None:
    """Lambda runs such a function with access to the internet."""
    assert service_fault(Network(), Interface(name="function", vpc=None), "sns") is None


def test_network_acls_are_on_the_way_out_too() -> None:
    """Of the function's subnets and of the NAT gateway's."""
    for place in ("app-b", "public"):
        net = calling(HTTPS_OUT, routes=(NAT,))
        net = replace(net, subnets={**net.subnets, place: replace(net.subnets[place], acl=entries("", ALL))})
        reason = f"the network ACL of {place} does not allow tcp 443 to 0.0.0.0/0"
        assert service_fault(net, FUNCTION, "sns") == NONE_OF.format("sns") + reason
