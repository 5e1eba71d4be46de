"""The network of an app as a picture, read from its templates.

It shows what is in each Availability Zone, and who may reach whom.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from elasticache_rules.network.from_templates import interface, key, read_network
from elasticache_rules.network.judgement import connection_fault
from elasticache_rules.network.model import service_name
from elasticache_rules.posture.reachability import SERVERLESS_PORTS
from elasticache_rules.templates.app import Templates
from elasticache_rules.templates.assembly import text
from rehearsal.report.picture import picture
from rehearsal.report.topology import HTTPS, TIER, Client, Node, Target, Tier, Vpc
from website.pictures.style import standalone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from elasticache_rules.network.model import Interface
    from elasticache_rules.templates.app import Resource

_SUBNET_GROUPS = {
    "AWS::ElastiCache::ReplicationGroup": "CacheSubnetGroupName",
    "AWS::ElastiCache::CacheCluster": "CacheSubnetGroupName",
    "AWS::RDS::DBInstance": "DBSubnetGroupName",
}
_GROUPS = {
    "AWS::ElastiCache::ReplicationGroup": "SecurityGroupIds",
    "AWS::ElastiCache::CacheCluster": "VpcSecurityGroupIds",
    "AWS::ElastiCache::ServerlessCache": "SecurityGroupIds",
    "AWS::RDS::DBInstance": "VPCSecurityGroups",
    "AWS::EC2::VPCEndpoint": "SecurityGroupIds",
}
_PLAIN = re.compile(r"(?:Function|Instance|Api|Resource)?[0-9A-F]{8}$")
_EXISTING = "existing VPC"


def drawn(templates: Mapping[str, Mapping[str, Any]]) -> str:
    """The picture of an app with one VPC, as an SVG document; empty if nothing in the app is in a VPC.

    Args:
        templates: The templates of the app, by their names.
    """
    vpc = _Reader(templates).vpc()
    return standalone(picture(vpc)) if vpc.tiers or vpc.targets or vpc.clients else ""


class _Reader:
    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._app = Templates(dict(sorted(templates.items())))
        self._network = read_network(self._app)
        self._subnets = {
            key(self._app, {"Ref": each.logical_id}, each.template): each for each in self._of("EC2::Subnet")
        }

    def _of(self, *kinds: str) -> list[Resource]:
        return list(self._app.of_kind(*(f"AWS::{kind}" for kind in kinds)))

    def vpc(self) -> Vpc:
        """What is in the VPC, by Availability Zone. One that exists shows no subnets."""
        vpcs = self._of("EC2::VPC")
        tiers: dict[str, dict[str, str]] = {}
        for subnet in self._subnets.values():
            tiers.setdefault(_tier(subnet), {})[self._zone(subnet)] = str(subnet.get("CidrBlock"))
        targets = list(self._targets())
        clients = tuple(sorted(self._clients(targets), key=lambda client: (not client.site, client.name)))
        zones = sorted(
            {zone for tier in tiers.values() for zone in tier}
            | {node.zone for _, each in targets for node in each.nodes}
        )
        return Vpc(
            name=_named(vpcs[0]) if vpcs else _EXISTING,
            range=str(vpcs[0].get("CidrBlock")) if vpcs else "",
            zones=tuple(zones),
            tiers=tuple(Tier(name, ranges) for name, ranges in tiers.items()),
            targets=tuple(sorted((target for _, target in targets), key=lambda each: _order(each, clients))),
            clients=clients,
        )

    def _clients(self, targets: Sequence[tuple[Interface, Target]]) -> Iterator[Client]:
        sites = {
            found: _named(api)
            for each in self._of("ApiGatewayV2::Integration")
            if (found := self._app.follow(each.get("IntegrationUri"), each.template))
            and (api := self._app.follow(each.get("ApiId"), each.template))
        }
        for function in self._of("Lambda::Function"):
            subnets = function.list_of("VpcConfig", "SubnetIds")
            if not subnets:
                continue
            caller = interface(
                self._app,
                function.logical_id,
                function.template,
                subnets=subnets,
                groups=function.list_of("VpcConfig", "SecurityGroupIds"),
                network_type=None,
            )
            reaches = [
                target.name
                for listener, target in targets
                if connection_fault(self._network, caller, listener, target.port) is None
            ]
            yield Client(_named(function), sites.get(function, ""), self._tier_of(function, subnets), tuple(reaches))

    def _targets(self) -> Iterator[tuple[Interface, Target]]:
        for resource in self._of(
            "ElastiCache::ReplicationGroup",
            "ElastiCache::CacheCluster",
            "ElastiCache::ServerlessCache",
            "RDS::DBInstance",
        ):
            if str(resource.get("ConnectionType")).lower() == "public":
                continue  # in no VPC
            place = resource
            if property_name := _SUBNET_GROUPS.get(resource.kind):
                place = self._app.follow(resource.get(property_name), resource.template) or resource
            subnets = place.list_of("SubnetIds")
            yield self._listener(resource, place, subnets), self._target(resource, place, subnets)
        for endpoint in self._of("EC2::VPCEndpoint"):
            subnets = endpoint.list_of("SubnetIds")
            if subnets:
                service = service_name(text(endpoint.get("ServiceName")))
                nodes = tuple(Node(service, self._zone_of(endpoint, subnet)) for subnet in subnets)
                target = Target(service, "Interface endpoint", HTTPS, self._tier_of(endpoint, subnets), nodes)
                yield self._listener(endpoint, endpoint, subnets), target

    def _listener(self, resource: Resource, place: Resource, subnets: list[Any]) -> Interface:
        return interface(
            self._app,
            resource.logical_id,
            place.template,
            subnets=subnets,
            groups=[key(self._app, group, resource.template) for group in resource.list_of(_GROUPS[resource.kind])],
            network_type=resource.get("NetworkType"),
        )

    def _target(self, resource: Resource, place: Resource, subnets: list[Any]) -> Target:
        zones = [self._zone_of(place, subnet) for subnet in subnets] or ["any zone"]
        tier = self._tier_of(place, subnets)
        engine = str(resource.get("Engine") or "redis").capitalize()
        match resource.kind:
            case "AWS::RDS::DBInstance":
                standby = "standby in another zone" if resource.get("MultiAZ") is True else ""
                return Target(
                    _named(resource),
                    "PostgreSQL",
                    int(resource.get("Port") or 5432),
                    tier,
                    (Node("instance", zones[0], standby),),
                )
            case "AWS::ElastiCache::ServerlessCache":
                nodes = tuple(Node("serverless", zone) for zone in zones)
                return Target(
                    _named(resource), f"{engine}, serverless", SERVERLESS_PORTS[engine.lower()][0], tier, nodes
                )
            case "AWS::ElastiCache::CacheCluster":
                named = resource.list_of("PreferredAvailabilityZones")
                count = int(resource.get("NumCacheNodes"))
                nodes = tuple(
                    Node(
                        f"node {number + 1}",
                        named[number]
                        if number < len(named) and isinstance(named[number], str)
                        else zones[number % len(zones)],
                    )
                    for number in range(count)
                )
                return Target(_named(resource), engine, int(resource.get("Port")), tier, nodes)
            case _:
                return Target(
                    _named(resource), engine, int(resource.get("Port")), tier, tuple(_members(resource, zones))
                )

    def _tier_of(self, resource: Resource, subnets: list[Any]) -> str:
        found = self._app.follow(subnets[0], resource.template) if subnets else None
        return _tier(found) if found is not None else "subnets"

    def _zone_of(self, resource: Resource, subnet: Any) -> str:
        found = self._app.follow(subnet, resource.template)
        return self._zone(found) if found is not None else f"zone of {subnet}"

    @staticmethod
    def _zone(subnet: Resource) -> str:
        """The name of a zone; the first, second ... where the account and Region decide."""
        zone = subnet.get("AvailabilityZone")
        return zone if isinstance(zone, str) else f"zone {zone['Fn::Select'][0] + 1}"


def _order(target: Target, clients: Sequence[Client]) -> tuple[bool, bool, str]:
    """Endpoints below caches, and what no function reaches last, where fewest lines pass it."""
    return target.port == HTTPS, all(target.name not in client.reaches for client in clients), target.name


def _members(group: Resource, zones: Sequence[str]) -> Iterator[Node]:
    """The nodes of a group. The service chooses where each is; a shard's nodes are spread over its zones."""
    shards = int(group.get("NumNodeGroups") or len(group.list_of("NodeGroupConfiguration")) or 1)
    each = int(group.get("NumCacheClusters") or int(group.get("ReplicasPerNodeGroup") or 0) + 1)
    for shard in range(shards):
        for number in range(each):
            name = f"shard {shard + 1}" if shards > 1 else f"node {number + 1}"
            yield Node(name, zones[(shard + number) % len(zones)], "replica" if number else "primary")


def _named(resource: Resource) -> str:
    """The id of its construct: the logical id without the CDK's hash."""
    return _PLAIN.sub("", resource.logical_id) or resource.logical_id


def _tier(subnet: Resource) -> str:
    return next((tag["Value"] for tag in subnet.list_of("Tags") if tag["Key"] == TIER), "subnets")
