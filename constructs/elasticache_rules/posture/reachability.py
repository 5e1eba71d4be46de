"""Whether functions can reach the AWS services that their roles allow, and the caches and databases they connect to.

A function in a VPC without a route to Secrets Manager or to its cache hangs until it times out, and no emulator shows
that. The templates do: the role's actions name the services, the environment names caches and databases, and subnets
and security groups decide what it can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.app import Resource, Templates
from elasticache_rules.templates.assembly import text

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICES_RULE = "elasticache_function_reaches_its_services"
STORES_RULE = "elasticache_function_reaches_its_stores"
_HTTPS = 443
_EVERYWHERE = ("0.0.0.0/0", "::/0")

# Services whose endpoint has another name.
_ENDPOINTS = {"cloudwatch": "monitoring"}
# What a role allows and the function does not call from its VPC: Lambda itself makes network interfaces and sends logs
# and traces, KMS is called by the services that decrypt, and connecting to a cache is no API call. Which services an
# open role, "*", is meant for cannot be told; the policy packs have a finding about it.
_NOT_CALLED = {"*", "ec2", "kms", "logs", "rds-db", "xray"}
_NOT_API = {"elasticache:connect"}
# Caches and databases, and the property with the security groups that are on them.
_STORES = {
    "AWS::ElastiCache::CacheCluster": "VpcSecurityGroupIds",
    "AWS::ElastiCache::ReplicationGroup": "SecurityGroupIds",
    "AWS::RDS::DBInstance": "VPCSecurityGroups",
}


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A function, and services that its role allows and that it cannot reach."""

    function: Resource
    services: tuple[str, ...]
    rule = SERVICES_RULE

    @property
    def description(self) -> str:
        """What was found, and what is allowed."""
        return (
            f"Found: a function in a VPC whose role allows calls to {', '.join(self.services)}, which it cannot reach. "
            "Allowed: a route to a NAT gateway, or an interface endpoint of each service with private DNS, and port "
            "443 open between the function's security groups and it."
        )

    @property
    def fix(self) -> str:
        """The change that fixes it."""
        missing = ", ".join(f"com.amazonaws.<region>.{service}" for service in self.services)
        return (
            f"Add the interface endpoints {missing} and put the function into the group that they admit "
            "(CacheNetwork(egress=Egress.ENDPOINTS) has them: join network.endpoint_client_security_group), "
            "or use Egress.NAT"
        )


@dataclass(frozen=True, slots=True)
class ClosedStore:
    """A function, and a cache or database of its environment that it cannot reach."""

    function: Resource
    store: Resource
    rule = STORES_RULE

    @property
    def description(self) -> str:
        """What was found, and what is allowed."""
        store = self.store
        return (
            f"Found: a function whose environment names {store.logical_id} ({store.kind}), whose port "
            f"{store.get('Port')} it cannot reach. Allowed: the port open from a security group of the function "
            "to one of the store, on both sides."
        )

    @property
    def fix(self) -> str:
        """The change that fixes it."""
        return (
            "Put the function into the store's client group (client_security_group of the cache or database), or call "
            "connections.allow_default_port_from(function) of the store"
        )


def unreachable(
    templates: Mapping[str, Mapping[str, Any]], nested: Mapping[str, tuple[str, str]] | None = None
) -> list[Unreachable]:
    """Every function that cannot reach a service that its role allows.

    Functions in subnets that no template of the app has, for example in an existing VPC, are not judged.

    Args:
        templates: All templates of an app, by any name.
        nested: Which of them are of nested stacks, as `read_with_nested` has it. Default: none.
    """
    app = Templates(templates, nested)
    findings = []
    for function in app.of_kind("AWS::Lambda::Function"):
        subnets = app.follow_all(function.list_of("VpcConfig", "SubnetIds"), function.template)
        groups = app.follow_all(function.list_of("VpcConfig", "SecurityGroupIds"), function.template)
        if not subnets or _goes_out(app, subnets, groups):
            continue
        (vpc, *_) = (app.follow(subnet.get("VpcId"), subnet.template) for subnet in subnets)
        needed = _called_services(app, function)
        missing = tuple(sorted(service for service in needed if not _has_endpoint(app, vpc, groups, service)))
        if missing:
            findings.append(Unreachable(function, missing))
    return findings


def closed_stores(
    templates: Mapping[str, Mapping[str, Any]], nested: Mapping[str, tuple[str, str]] | None = None
) -> list[ClosedStore]:
    """Every cache and database that a function's environment names and that the function cannot reach.

    A function is not judged if the templates do not show its security groups or the store's port.

    Args:
        templates: All templates of an app, by any name.
        nested: Which of them are of nested stacks, as `read_with_nested` has it. Default: none.
    """
    app = Templates(templates, nested)
    findings = []
    for function in app.of_kind("AWS::Lambda::Function"):
        named = function.list_of("VpcConfig", "SecurityGroupIds")
        groups = app.follow_all(named, function.template)
        told = app.follow_all(list((function.get("Environment", "Variables") or {}).values()), function.template)
        findings += [
            ClosedStore(function, store)
            for store in sorted(told, key=lambda each: each.logical_id)
            if store.kind in _STORES and len(groups) == len(named) and _is_closed(app, store, groups)
        ]
    return findings


def _is_closed(app: Templates, store: Resource, clients: set[Resource]) -> bool:
    port = str(store.get("Port"))
    doors = app.follow_all(store.list_of(_STORES[store.kind]), store.template)
    return port.isdecimal() and not _lets_through(app, clients, doors, port=int(port))


def _called_services(app: Templates, function: Resource) -> set[str]:
    role = app.follow(function.get("Role"), function.template)
    documents = [] if role is None else _policies(app, role)
    actions = {
        str(action).lower()
        for document in documents
        for statement in _as_list(document.get("Statement"))
        if statement.get("Effect") == "Allow"
        for action in _as_list(statement.get("Action"))
    }
    prefixes = {action.split(":")[0] for action in actions - _NOT_API}
    if function.get("DeadLetterConfig") is not None:
        # Lambda sends dead letters itself, with the function's role.
        prefixes -= {"sns", "sqs"}
    return {_ENDPOINTS.get(prefix, prefix) for prefix in prefixes - _NOT_CALLED}


def _policies(app: Templates, role: Resource) -> list[dict[str, Any]]:
    inline = [policy["PolicyDocument"] for policy in role.list_of("Policies")]
    attached = app.follow_all(role.list_of("ManagedPolicyArns"), role.template)
    return inline + [
        policy.get("PolicyDocument")
        for policy in app.of_kind("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        if policy in attached or role in app.follow_all(policy.list_of("Roles"), policy.template)
    ]


def _goes_out(app: Templates, subnets: set[Resource], groups: set[Resource]) -> bool:
    tables = {
        subnet: table
        for association in app.of_kind("AWS::EC2::SubnetRouteTableAssociation")
        if (subnet := app.follow(association.get("SubnetId"), association.template)) in subnets
        and (table := app.follow(association.get("RouteTableId"), association.template)) is not None
    }
    with_nat = {
        app.follow(route.get("RouteTableId"), route.template)
        for route in app.of_kind("AWS::EC2::Route")
        if route.get("DestinationCidrBlock") in _EVERYWHERE and route.get("NatGatewayId") is not None
    }
    routed = all(tables.get(subnet) in with_nat for subnet in subnets)
    return routed and any(_opens(rule, _HTTPS) and _anywhere(rule) for rule in _rules(app, groups, "Egress"))


def _has_endpoint(app: Templates, vpc: Resource | None, groups: set[Resource], service: str) -> bool:
    return any(
        text(endpoint.get("ServiceName")).endswith(f".{service}")
        and app.follow(endpoint.get("VpcId"), endpoint.template) == vpc
        and _admits(app, endpoint, groups)
        for endpoint in app.of_kind("AWS::EC2::VPCEndpoint")
    )


def _admits(app: Templates, endpoint: Resource, clients: set[Resource]) -> bool:
    if endpoint.get("VpcEndpointType") != "Interface":
        return True
    if endpoint.get("PrivateDnsEnabled") is not True:
        return False
    doors = app.follow_all(endpoint.list_of("SecurityGroupIds"), endpoint.template)
    return _lets_through(app, clients, doors, port=_HTTPS)


def _lets_through(app: Templates, clients: set[Resource], doors: set[Resource], *, port: int) -> bool:
    let_in = any(
        _opens(rule, port) and (_by_range(rule) or app.follow(rule.get("SourceSecurityGroupId"), origin) in clients)
        for origin, rule in _placed_rules(app, doors, "Ingress")
    )
    let_out = any(
        _opens(rule, port) and (_anywhere(rule) or app.follow(rule.get("DestinationSecurityGroupId"), origin) in doors)
        for origin, rule in _placed_rules(app, clients, "Egress")
    )
    return let_in and let_out


def _rules(app: Templates, groups: set[Resource], direction: str) -> list[dict[str, Any]]:
    return [rule for _, rule in _placed_rules(app, groups, direction)]


def _placed_rules(app: Templates, groups: set[Resource], direction: str) -> list[tuple[str, dict[str, Any]]]:
    """Rules of some groups, inline and apart, each with the template that it stands in."""
    inline = [(group.template, rule) for group in groups for rule in group.list_of(f"SecurityGroup{direction}")]
    apart = [
        (rule.template, dict(rule.body.get("Properties", {})))
        for rule in app.of_kind(f"AWS::EC2::SecurityGroup{direction}")
        if app.follow(rule.get("GroupId"), rule.template) in groups
    ]
    return inline + apart


def _opens(rule: Mapping[str, Any], port: int) -> bool:
    if str(rule.get("IpProtocol")) == "-1":
        return True
    if rule.get("IpProtocol") not in ("tcp", "6", 6):
        return False
    try:
        return int(rule["FromPort"]) <= port <= int(rule["ToPort"])
    except (KeyError, TypeError, ValueError):
        # For example a parameter: a port that the template does not show does not count as open.
        return False


def _anywhere(rule: Mapping[str, Any]) -> bool:
    return rule.get("CidrIp") in _EVERYWHERE or rule.get("CidrIpv6") in _EVERYWHERE


def _by_range(rule: Mapping[str, Any]) -> bool:
    return "CidrIp" in rule or "CidrIpv6" in rule


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
