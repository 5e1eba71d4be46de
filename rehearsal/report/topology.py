"""The network of a deployed stage and what is in it, read from the account for the picture of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.network.judgement import connection_fault
from elasticache_rules.network.model import Interface, Network, Rule, SecurityGroup, address_range, tcp_ports
from verification import posture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from verification.account import Account
    from verification.assembly import Stack

HTTPS = 443
PARTS = ("/Function", "/Instance", "/Api")  # of construct paths that say nothing
TIER = "aws-cdk:subnet-name"


@dataclass(frozen=True)
class Tier:
    """Subnets of one kind, one in each Availability Zone.

    Attributes:
        name: What they are called, for example `application`.
        ranges: The address range of each, by Availability Zone.
    """

    name: str
    ranges: Mapping[str, str]


@dataclass(frozen=True)
class Node:
    """A node of a cache, an instance of a database or a network interface of an endpoint.

    Attributes:
        name: Its name.
        zone: Its Availability Zone.
        role: Its role; empty if it has none.
    """

    name: str
    zone: str
    role: str = ""


@dataclass(frozen=True)
class Target:
    """Something in the VPC that listens.

    Attributes:
        name: Name of its resource.
        kind: What it is, for example `Redis` or `Interface endpoint`.
        port: The port it listens on.
        tier: The subnets it is in.
        nodes: Its nodes.
    """

    name: str
    kind: str
    port: int
    tier: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Client:
    """A function in the VPC.

    Attributes:
        name: Name of its resource.
        site: Name of the HTTP API that invokes it; empty if none does.
        tier: The subnets it is in.
        reaches: Names of the targets that security groups let it connect to.
    """

    name: str
    site: str
    tier: str
    reaches: tuple[str, ...]


@dataclass(frozen=True)
class Vpc:
    """A VPC and what is in it.

    Attributes:
        name: Its id.
        range: Its address range.
        zones: Its Availability Zones.
        tiers: Its subnets.
        targets: What listens in it.
        clients: The functions in it.
    """

    name: str
    range: str
    zones: tuple[str, ...]
    tiers: tuple[Tier, ...]
    targets: tuple[Target, ...]
    clients: tuple[Client, ...]


@dataclass(frozen=True)
class Topology:
    """The network of a stage.

    Attributes:
        vpcs: Its VPCs.
        outside: Names of the functions that are in no VPC.
    """

    vpcs: tuple[Vpc, ...]
    outside: tuple[str, ...]


def read(stacks: Sequence[Stack], account: Account) -> Topology:
    """Read the network of a deployed stage.

    Args:
        stacks: The stacks of the stage.
        account: The account it is deployed to.
    """
    reader = _Reader(stacks, account)
    vpcs = tuple(reader.vpc(name) for name in reader.named("AWS::EC2::VPC"))
    outside = tuple(name for name, function in reader.functions() if not _groups_of(function))
    return Topology(vpcs, outside)


def _groups_of(function: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(function.get("VpcConfig", {}).get("SecurityGroupIds", []))


class _Reader:
    def __init__(self, stacks: Sequence[Stack], account: Account) -> None:
        self._account = account
        self._names: dict[str, dict[str, str]] = {}
        self._placed: dict[str, dict[str, Any]] = {}  # VPC settings of functions, by name
        exports = account.exports()
        for stack in stacks:
            deployment = posture.deployed(stack, account, exports)
            for resource in stack.resources:
                if resource.logical_id in deployment.physical_ids:
                    name = resource.name
                    for part in PARTS:
                        name = name.removesuffix(part)
                    physical_id = deployment.physical_id(resource)
                    self._names.setdefault(resource.type, {})[physical_id] = name
                    if "VpcConfig" in resource.properties:
                        self._placed[physical_id] = deployment.resolve(resource.properties["VpcConfig"])
        subnets = account.read("ec2", "describe_subnets")["Subnets"]
        self._subnets: dict[str, dict[str, Any]] = {subnet["SubnetId"]: subnet for subnet in subnets}
        groups = account.read("ec2", "describe_security_groups")["SecurityGroups"]
        self._network = Network(groups={group["GroupId"]: _security_group(group) for group in groups})

    def named(self, kind: str) -> dict[str, str]:
        """The names of the resources of a type, by their physical ids."""
        return self._names.get(kind, {})

    def functions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The functions, by the names of their resources."""
        for physical_id, name in self.named("AWS::Lambda::Function").items():
            yield name, {"FunctionName": physical_id, "VpcConfig": self._placed.get(physical_id, {})}

    def vpc(self, vpc: str) -> Vpc:
        """One VPC."""
        subnets = [subnet for subnet in self._subnets.values() if subnet["VpcId"] == vpc]
        tiers: dict[str, dict[str, str]] = {}
        for subnet in subnets:
            tiers.setdefault(_tier(subnet), {})[subnet["AvailabilityZone"]] = subnet["CidrBlock"]
        listening = [(target, groups) for target, groups, place in self._listening() if place == vpc]
        return Vpc(
            name=vpc,
            range=self._account.vpc(vpc)["CidrBlock"],
            zones=tuple(sorted({subnet["AvailabilityZone"] for subnet in subnets})),
            tiers=tuple(Tier(name, ranges) for name, ranges in tiers.items()),
            targets=tuple(target for target, _groups in listening),
            clients=tuple(self._clients(vpc, listening)),
        )

    def _clients(self, vpc: str, listening: Sequence[tuple[Target, tuple[str, ...]]]) -> Iterator[Client]:
        sites = self._sites()
        for name, function in self.functions():
            subnets = function.get("VpcConfig", {}).get("SubnetIds", [])
            if not subnets or self._subnets[subnets[0]]["VpcId"] != vpc:
                continue
            groups = _groups_of(function)
            reaches = tuple(target.name for target, others in listening if self._connects(name, groups, target, others))
            yield Client(name, sites.get(function["FunctionName"], ""), _tier(self._subnets[subnets[0]]), reaches)

    def _connects(self, client: str, groups: tuple[str, ...], target: Target, others: tuple[str, ...]) -> bool:
        """Whether security groups let a client connect; the picture shows no routes and no network ACLs."""
        caller = Interface(name=client, vpc="vpc", groups=groups)
        return (
            connection_fault(self._network, caller, Interface(name=target.name, vpc="vpc", groups=others), target.port)
            is None
        )

    def _sites(self) -> dict[str, str]:
        found = {}
        for api, name in self.named("AWS::ApiGatewayV2::Api").items():
            for integration in self._account.read("apigatewayv2", "get_integrations", ApiId=api)["Items"]:
                function = integration.get("IntegrationUri", "").partition(":function:")[2].partition("/")[0]
                found[function] = name
        return found

    def _listening(self) -> Iterator[tuple[Target, tuple[str, ...], str]]:
        """What listens, with its security groups and its VPC."""
        yield from self._replication_groups()
        yield from self._clusters()
        yield from self._databases()
        yield from self._endpoints()

    def _replication_groups(self) -> Iterator[tuple[Target, tuple[str, ...], str]]:
        for group, name in self.named("AWS::ElastiCache::ReplicationGroup").items():
            described = self._account.replication_group(group)
            member = self._account.cluster(described["MemberClusters"][0])
            nodes = tuple(
                Node(item["CacheClusterId"], item.get("PreferredAvailabilityZone", ""), item.get("CurrentRole", ""))
                for shard in described["NodeGroups"]
                for item in shard["NodeGroupMembers"]
            )
            endpoint = described.get("ConfigurationEndpoint") or described["NodeGroups"][0]["PrimaryEndpoint"]
            kind = described.get("Engine", "redis").capitalize()
            subnet, groups = self._place(member["CacheSubnetGroupName"], member["SecurityGroups"])
            yield Target(name, kind, int(endpoint["Port"]), _tier(subnet), nodes), groups, subnet["VpcId"]

    def _clusters(self) -> Iterator[tuple[Target, tuple[str, ...], str]]:
        for cluster, name in self.named("AWS::ElastiCache::CacheCluster").items():
            described = self._account.cluster(cluster)
            nodes = tuple(
                Node(f"{cluster} {item['CacheNodeId']}", item["CustomerAvailabilityZone"])
                for item in described["CacheNodes"]
            )
            endpoint = described.get("ConfigurationEndpoint") or described["CacheNodes"][0]["Endpoint"]
            kind = described["Engine"].capitalize()
            subnet, groups = self._place(described["CacheSubnetGroupName"], described["SecurityGroups"])
            yield Target(name, kind, int(endpoint["Port"]), _tier(subnet), nodes), groups, subnet["VpcId"]

    def _place(self, subnet_group: str, groups: Iterable[Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A subnet of a cache, and the ids of its security groups."""
        subnets = self._account.subnet_group(subnet_group)["Subnets"]
        return self._subnets[subnets[0]["SubnetIdentifier"]], tuple(group["SecurityGroupId"] for group in groups)

    def _databases(self) -> Iterator[tuple[Target, tuple[str, ...], str]]:
        for database, name in self.named("AWS::RDS::DBInstance").items():
            [found] = self._account.read("rds", "describe_db_instances", DBInstanceIdentifier=database)["DBInstances"]
            subnet = self._subnets[found["DBSubnetGroup"]["Subnets"][0]["SubnetIdentifier"]]
            zone = found.get("AvailabilityZone") or subnet["AvailabilityZone"]
            ids = tuple(group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"])
            node = Node(database, zone, "standby in another zone" if found.get("MultiAZ") else "")
            port = int(found["Endpoint"]["Port"])
            yield Target(name, "PostgreSQL", port, _tier(subnet), (node,)), ids, subnet["VpcId"]

    def _endpoints(self) -> Iterator[tuple[Target, tuple[str, ...], str]]:
        for found in self._account.read("ec2", "describe_vpc_endpoints")["VpcEndpoints"]:
            if found["VpcEndpointId"] not in self.named("AWS::EC2::VPCEndpoint") or not found.get("SubnetIds"):
                continue
            places = [self._subnets[subnet] for subnet in found["SubnetIds"]]
            service = found["ServiceName"].rpartition(".")[2]
            nodes = tuple(Node(service, place["AvailabilityZone"]) for place in places)
            ids = tuple(group["GroupId"] for group in found["Groups"])
            yield Target(service, "Interface endpoint", HTTPS, _tier(places[0]), nodes), ids, found["VpcId"]


def _tier(subnet: Mapping[str, Any]) -> str:
    return next((tag["Value"] for tag in subnet.get("Tags", []) if tag["Key"] == TIER), "subnets")


def _security_group(group: Mapping[str, Any]) -> SecurityGroup:
    inbound, outbound = (tuple(_rules(group[name])) for name in ("IpPermissions", "IpPermissionsEgress"))
    return SecurityGroup(inbound=inbound, outbound=outbound)


def _rules(permissions: Sequence[Mapping[str, Any]]) -> Iterator[Rule]:
    for permission in permissions:
        ports = tcp_ports(permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort"))
        for pair in permission.get("UserIdGroupPairs", []):
            yield Rule(ports=ports, group=pair["GroupId"])
        found = [address_range(item["CidrIp"]) for item in permission.get("IpRanges", [])]
        ranges = tuple(item for item in found if item is not None)
        if ranges:
            yield Rule(ports=ports, ranges=ranges)
