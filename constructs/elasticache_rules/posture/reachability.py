"""Whether functions can reach the AWS services that their roles allow, and the caches and databases they connect to.

A function in a VPC without a route to Secrets Manager or to its cache hangs until it times out, and no emulator shows
that. The templates do: the role's actions name the services, the environment names caches and databases, and subnets
and security groups decide what it can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.network.from_templates import interface, key, read_network
from elasticache_rules.network.judgement import connection_fault, service_fault
from elasticache_rules.network.model import Interface
from elasticache_rules.templates.app import Resource, Templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_rules.network.model import Network

SERVICES_RULE = "elasticache_function_reaches_its_services"
STORES_RULE = "elasticache_function_reaches_its_stores"

# Services whose endpoint has another name.
_ENDPOINTS = {"cloudwatch": "monitoring"}
# What a role allows and the function does not call from its VPC: Lambda itself makes network interfaces and sends logs
# and traces, KMS is called by the services that decrypt, and connecting to a cache is no API call. Which services an
# open role, "*", is meant for cannot be told; the policy packs have a finding about it.
_NOT_CALLED = {"*", "ec2", "kms", "logs", "rds-db", "xray"}
_NOT_API = {"elasticache:connect"}


@dataclass(frozen=True, slots=True)
class _Placement:
    """The properties that place a cache or database in a network.

    Attributes:
        security_groups: Its security groups.
        subnet_group: Its subnet group, if it has one; its subnets are in `SubnetIds` otherwise.
    """

    security_groups: str
    subnet_group: str | None = None


_STORES = {
    "AWS::ElastiCache::CacheCluster": _Placement("VpcSecurityGroupIds", "CacheSubnetGroupName"),
    "AWS::ElastiCache::ReplicationGroup": _Placement("SecurityGroupIds", "CacheSubnetGroupName"),
    "AWS::ElastiCache::ServerlessCache": _Placement("SecurityGroupIds"),
    "AWS::RDS::DBInstance": _Placement("VPCSecurityGroups", "DBSubnetGroupName"),
}
# They cannot be chosen, and clients need both, the second one to read (SLS-22).
SERVERLESS_PORTS = {"valkey": (6379, 6380), "redis": (6379, 6380), "memcached": (11211, 11212)}


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
    port: int
    rule = STORES_RULE

    @property
    def description(self) -> str:
        """What was found, and what is allowed."""
        store = self.store
        return (
            f"Found: a function whose environment names {store.logical_id} ({store.kind}), whose port "
            f"{self.port} it cannot reach. Allowed: the port open from a security group of the function "
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
    network = read_network(app)
    findings = []
    for function in app.of_kind("AWS::Lambda::Function"):
        if not app.follow_all(function.list_of("VpcConfig", "SubnetIds"), function.template):
            continue
        client = _function_interface(app, function)
        missing = tuple(
            sorted(
                service
                for service in _called_services(app, function)
                if service_fault(network, client, service) is not None
            )
        )
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
    network = read_network(app)
    findings = []
    for function in app.of_kind("AWS::Lambda::Function"):
        named = function.list_of("VpcConfig", "SecurityGroupIds")
        groups = app.follow_all(named, function.template)
        told = app.follow_all(list((function.get("Environment", "Variables") or {}).values()), function.template)
        if len(groups) != len(named):
            continue
        for store in sorted(told, key=lambda each: each.logical_id):
            ports = _ports(store) if store.kind in _STORES else ()
            findings += [
                ClosedStore(function, store, port) for port in ports if _is_closed(app, network, store, port, function)
            ][:1]
    return findings


def _function_interface(app: Templates, function: Resource) -> Interface:
    name, template = function.logical_id, function.template
    if function.get("VpcConfig") is None:
        return Interface(name=name, vpc=None)
    return interface(
        app,
        name,
        template,
        subnets=function.list_of("VpcConfig", "SubnetIds"),
        groups=function.list_of("VpcConfig", "SecurityGroupIds"),
        network_type="dual_stack" if function.get("VpcConfig", "Ipv6AllowedForDualStack") is True else None,
    )


def _store_interface(app: Templates, store: Resource) -> Interface:
    properties = _STORES[store.kind]
    placement: Resource | None = store
    if properties.subnet_group is not None:
        placement = app.follow(store.get(properties.subnet_group), store.template)
    template = store.template if placement is None else placement.template
    groups = [key(app, group, store.template) for group in store.list_of(properties.security_groups)]
    return interface(
        app,
        store.logical_id,
        template,
        subnets=[] if placement is None else placement.list_of("SubnetIds"),
        groups=groups,
        network_type=store.get("NetworkType"),
    )


def _is_closed(app: Templates, network: Network, store: Resource, port: int, function: Resource) -> bool:
    client, target = _function_interface(app, function), _store_interface(app, store)
    return connection_fault(network, client, target, port) is not None


def _ports(store: Resource) -> tuple[int, ...]:
    """The ports of a store; none if the template does not show them."""
    if store.kind == "AWS::ElastiCache::ServerlessCache":
        return SERVERLESS_PORTS.get(str(store.get("Engine")).lower(), ())
    port = str(store.get("Port"))
    return (int(port),) if port.isdecimal() else ()


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


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
