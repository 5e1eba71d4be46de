"""Whether functions in a VPC reach the services that they call."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from elasticache_constructs import Access, CacheNetwork, Egress, Engine, NodeType, ReplicationGroup, Rotation
from elasticache_constructs.posture.reachability import add_reachability_check
from elasticache_rules.posture.reachability import closed_stores, unreachable
from tests.conftest import FLAGS, Synthesised

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NETWORK, REDIS = "dev/cache-network", "dev/cache-redis"

Stage = dict[str, dict[str, Any]]


@pytest.fixture(name="stage")
def _stage(synthesised: Synthesised) -> Stage:
    """The dev stage's templates, to spoil."""
    return {path: copy.deepcopy(synthesised.templates[path]) for path in (NETWORK, REDIS)}


def missing(stage: Stage) -> list[tuple[str, ...]]:
    """The services that each function misses."""
    return [finding.services for finding in unreachable(stage)]


def test_everything_is_reached_in_every_stage_and_example(synthesised: Synthesised) -> None:
    """The functions that this repo deploys reach what they call."""
    assert [] == unreachable(synthesised.templates)
    # This function names the cache for calls of the service's API, and says so: tests/security/test_policy_packs.py.
    assert ["example-valkey-snapshot-copies"] == [
        each.function.template for each in closed_stores(synthesised.templates)
    ]


def test_a_function_is_judged(stage: Stage) -> None:
    """There is a function in the stage, in a VPC, and it calls two services."""
    del stage[NETWORK]["Resources"]["NetworkVpcSecretsManagerEndpoint522C18D9"]
    del stage[NETWORK]["Resources"]["NetworkVpcElastiCacheEndpoint2D1D7CF3"]

    assert [("elasticache", "secretsmanager")] == missing(stage)


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("NetworkVpcSecretsManagerEndpoint522C18D9", "secretsmanager"),
        ("NetworkVpcElastiCacheEndpoint2D1D7CF3", "elasticache"),
    ],
)
def test_each_endpoint_is_needed(stage: Stage, endpoint: str, service: str) -> None:
    """Taking any one endpoint away is noticed, and the service is named."""
    del stage[NETWORK]["Resources"][endpoint]

    assert [(service,)] == missing(stage)


def without_private_dns(stage: Stage) -> None:
    """The endpoints keep their names to themselves."""
    for resource in stage[NETWORK]["Resources"].values():
        if resource["Type"] == "AWS::EC2::VPCEndpoint":
            resource["Properties"]["PrivateDnsEnabled"] = False


def without_ingress(stage: Stage) -> None:
    """The endpoints admit no client."""
    del stage[NETWORK]["Resources"]["NetworkEndpointsFromClients" + suffix(stage, "NetworkEndpointsFromClients")]


def without_egress(stage: Stage) -> None:
    """The endpoints' clients may go nowhere."""
    del stage[NETWORK]["Resources"]["NetworkClientsToEndpoints" + suffix(stage, "NetworkClientsToEndpoints")]


def on_another_port(stage: Stage) -> None:
    """The endpoints admit their clients on 6379."""
    rule = stage[NETWORK]["Resources"]["NetworkEndpointsFromClients" + suffix(stage, "NetworkEndpointsFromClients")]
    rule["Properties"].update(FromPort=6379, ToPort=6379)


def outside_the_group(stage: Stage) -> None:
    """The function does not join the group of the endpoints' clients."""
    for resource in stage[REDIS]["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            groups = resource["Properties"]["VpcConfig"]["SecurityGroupIds"]
            resource["Properties"]["VpcConfig"]["SecurityGroupIds"] = [each for each in groups if "Fn::GetAtt" in each]


def suffix(stage: Stage, prefix: str) -> str:
    """What the CDK hangs behind a construct's name."""
    names: list[str] = list(stage[NETWORK]["Resources"])
    (name,) = (each for each in names if each.startswith(prefix))
    return name.removeprefix(prefix)


def on_a_port_that_is_a_parameter(stage: Stage) -> None:
    """The template does not show which port the endpoints admit."""
    rule = stage[NETWORK]["Resources"]["NetworkEndpointsFromClients" + suffix(stage, "NetworkEndpointsFromClients")]
    rule["Properties"].update(FromPort={"Ref": "Port"}, ToPort={"Ref": "Port"})


@pytest.mark.parametrize(
    "spoil",
    [
        without_private_dns,
        without_ingress,
        without_egress,
        on_another_port,
        on_a_port_that_is_a_parameter,
        outside_the_group,
    ],
)
def test_an_endpoint_that_cannot_be_used_is_none(stage: Stage, spoil: Callable[[Stage], None]) -> None:
    """An endpoint counts only where names resolve to it and port 443 is open from group to group."""
    spoil(stage)

    assert [("elasticache", "secretsmanager")] == missing(stage)


def test_nat_reaches_everything() -> None:
    """With a NAT gateway in each Availability Zone and a group that may go out, no endpoint is needed."""
    assert [] == unreachable(template_of(Egress.NAT, open_group=True))


def test_nat_behind_a_closed_group_reaches_nothing() -> None:
    """A route is of no use to a function whose groups may not go out."""
    found = unreachable(template_of(Egress.NAT, open_group=False))

    assert [("elasticache", "secretsmanager")] == [finding.services for finding in found]


def template_of(egress: Egress, *, open_group: bool) -> Stage:
    """One stack with a network and a rotated cache."""
    app = cdk.App(context=FLAGS, analytics_reporting=False)
    stack = stack_of(app, egress, open_group=open_group)
    return {"stack": dict(Template.from_stack(stack).to_json())}


def stack_of(app: cdk.App, egress: Egress, *, open_group: bool = False) -> cdk.Stack:
    """The same, not synthesised yet."""
    stack = cdk.Stack(app, "Stack")
    network = CacheNetwork(stack, "Network", egress=egress)
    group = ec2.SecurityGroup(stack, "Function", vpc=network.vpc, allow_all_outbound=open_group)
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        access=Access.auth_token(),
    )
    cache.rotate_secrets(Rotation(vpc_subnets=network.application_subnets, security_groups=[group]))
    return stack


def test_rotation_without_a_way_out_fails_the_synth(tmp_path: Path) -> None:
    """A network without egress plus rotation is refused, and the missing endpoints are named."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, outdir=str(tmp_path))
    add_reachability_check(stack_of(app, Egress.NONE))

    with pytest.raises(RuntimeError) as failure:
        app.synth()

    assert "com.amazonaws.<region>.elasticache, com.amazonaws.<region>.secretsmanager" in str(failure.value)


def test_functions_elsewhere_are_not_judged(stage: Stage) -> None:
    """A function in subnets that no template has, or in no VPC at all, gives no finding."""
    for resource in stage[REDIS]["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["VpcConfig"]["SubnetIds"] = ["subnet-1"]

    assert [] == missing(stage)


def test_an_open_role_names_no_service(stage: Stage) -> None:
    """What a role that allows everything is meant for cannot be told, so nothing is said of it."""
    for resource in stage[REDIS]["Resources"].values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            resource["Properties"]["PolicyDocument"]["Statement"] = [
                {"Effect": "Allow", "Action": "*", "Resource": "*"}
            ]

    assert [] == missing(stage)


# Stores


def closed(stage: Stage) -> list[str]:
    """The types of the stores that functions are told of and cannot reach."""
    return [finding.store.kind for finding in closed_stores(stage)]


CACHE = "AWS::ElastiCache::ReplicationGroup"


def rule_of(stage: Stage, kind: str) -> Any:
    """The properties of the one rule of the cache's groups in a direction."""
    (rule,) = (each["Properties"] for each in stage[REDIS]["Resources"].values() if each["Type"] == kind)
    return rule


def outside_the_client_group(stage: Stage) -> None:
    """The function joins the group of the endpoints' clients alone."""
    for function in functions(stage):
        groups = function["VpcConfig"]["SecurityGroupIds"]
        function["VpcConfig"]["SecurityGroupIds"] = [each for each in groups if "Fn::ImportValue" in each]


def outside_the_vpc(stage: Stage) -> None:
    """The function is in no VPC at all."""
    for function in functions(stage):
        del function["VpcConfig"]


def another_door(stage: Stage) -> None:
    """The nodes admit their clients on another port."""
    rule_of(stage, "AWS::EC2::SecurityGroupIngress").update(FromPort=6380, ToPort=6380)


def no_way_out(stage: Stage) -> None:
    """The clients may go out on another port."""
    rule_of(stage, "AWS::EC2::SecurityGroupEgress").update(FromPort=6380, ToPort=6380)


def another_port(stage: Stage) -> None:
    """The cache listens on another port than the rules open."""
    (cache,) = (each for each in stage[REDIS]["Resources"].values() if each["Type"] == CACHE)
    cache["Properties"]["Port"] = 6380


def another_protocol(stage: Stage) -> None:
    """The nodes admit their clients by UDP."""
    rule_of(stage, "AWS::EC2::SecurityGroupIngress")["IpProtocol"] = "udp"


def functions(stage: Stage) -> list[dict[str, Any]]:
    """The properties of the functions next to the cache."""
    resources = stage[REDIS]["Resources"].values()
    return [each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Function"]


@pytest.mark.parametrize(
    "spoil", [outside_the_client_group, outside_the_vpc, another_door, no_way_out, another_port, another_protocol]
)
def test_a_store_behind_a_closed_door_is_noticed(stage: Stage, spoil: Callable[[Stage], None]) -> None:
    """A function whose settings name a cache must be let out to it and in, on the port that it listens on."""
    spoil(stage)

    assert [CACHE] == closed(stage)


@pytest.mark.parametrize(
    ("kind", "groups", "attribute"),
    [
        ("AWS::ElastiCache::ReplicationGroup", "SecurityGroupIds", "PrimaryEndPoint.Address"),
        ("AWS::ElastiCache::CacheCluster", "VpcSecurityGroupIds", "ConfigurationEndpoint.Address"),
        ("AWS::RDS::DBInstance", "VPCSecurityGroups", "Endpoint.Address"),
    ],
)
@pytest.mark.parametrize("port", [5000, "5000"])
def test_every_kind_of_store_is_judged(kind: str, groups: str, attribute: str, port: int | str) -> None:
    """Caches of both kinds and databases, whose port may be written as text."""
    group = {"Type": "AWS::EC2::SecurityGroup"}
    store = {"Type": kind, "Properties": {groups: [{"Ref": "Door"}], "Port": port}}
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "VpcConfig": {"SecurityGroupIds": [{"Ref": "Clients"}]},
            "Environment": {"Variables": {"HOST": {"Fn::GetAtt": ["Store", attribute]}}},
        },
    }
    sides = {"In": ("Ingress", "Door", "Source", "Clients"), "Out": ("Egress", "Clients", "Destination", "Door")}
    rules = {
        name: {
            "Type": f"AWS::EC2::SecurityGroup{direction}",
            "Properties": {
                "GroupId": {"Ref": own},
                f"{side}SecurityGroupId": {"Ref": other},
                "IpProtocol": "tcp",
                "FromPort": 5000,
                "ToPort": 5000,
            },
        }
        for name, (direction, own, side, other) in sides.items()
    }
    resources = {"Door": group, "Clients": group, "Store": store, "Function": function}

    assert [kind] == closed({"stack": {"Resources": resources}})
    assert [] == closed({"stack": {"Resources": {**resources, **rules}}})


def unknown_group(stage: Stage) -> None:
    """The function has a group that no template has."""
    outside_the_client_group(stage)
    functions(stage)[0]["VpcConfig"]["SecurityGroupIds"].append("sg-1")


def unknown_port(stage: Stage) -> None:
    """The cache's port is a parameter."""
    outside_the_client_group(stage)
    (cache,) = (each for each in stage[REDIS]["Resources"].values() if each["Type"] == CACHE)
    cache["Properties"]["Port"] = {"Ref": "Port"}


@pytest.mark.parametrize("hide", [unknown_group, unknown_port])
def test_what_a_template_does_not_show_gives_no_finding(stage: Stage, hide: Callable[[Stage], None]) -> None:
    """A group from elsewhere may open what is needed, and a port may be the one that is open."""
    hide(stage)

    assert [] == closed(stage)


def test_a_closed_store_fails_the_synth(tmp_path: Path) -> None:
    """A function that is told of a cache and left outside its client group is refused, and the way in is named."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, outdir=str(tmp_path))
    stack = stack_of(app, Egress.ENDPOINTS)
    (function,) = (each for each in stack.node.find_all() if isinstance(each, lambda_.CfnFunction) and each.vpc_config)
    group = ec2.SecurityGroup(stack, "Elsewhere", vpc=stack.node.find_child("Network").vpc, allow_all_outbound=True)  # type: ignore[attr-defined]
    function.add_property_override("VpcConfig.SecurityGroupIds", [group.security_group_id])
    add_reachability_check(app)

    with pytest.raises(RuntimeError) as failure:
        app.synth()

    assert "elasticache_function_reaches_its_stores" in str(failure.value)
    assert "client_security_group" in str(failure.value)


# What templates say of a network, each kind of it


ANYWHERE = "0.0.0.0/0"
HTTPS_OUT = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": ANYWHERE}


def port_rule(**peer: Any) -> dict[str, Any]:
    """A rule for the port of the cache in `small`."""
    return {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, **peer}


def small(**changes: Any) -> Stage:
    """A function in a subnet that is told of a cache in another one, and calls S3 and Secrets Manager."""
    role = [{"Effect": "Allow", "Action": ["s3:GetObject", "secretsmanager:GetSecretValue"], "Resource": "*"}]
    subnets = {"SubnetIds": [{"Ref": "CacheSubnet"}]}
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "AppSubnet": ("EC2::Subnet", {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}),
        "CacheSubnet": ("EC2::Subnet", {"VpcId": "vpc-1", "CidrBlock": "10.0.8.0/24"}),
        "Clients": ("EC2::SecurityGroup", {"SecurityGroupEgress": [port_rule(CidrIp=ANYWHERE), HTTPS_OUT]}),
        "Nodes": ("EC2::SecurityGroup", {"SecurityGroupIngress": [port_rule(CidrIp="10.0.0.0/16")]}),
        "Places": ("ElastiCache::SubnetGroup", subnets),
        "Cache": (
            "ElastiCache::ReplicationGroup",
            {"SecurityGroupIds": [{"Ref": "Nodes"}], "Port": 6379, "CacheSubnetGroupName": {"Ref": "Places"}},
        ),
        "Role": ("IAM::Role", {"Policies": [{"PolicyDocument": {"Statement": role}}]}),
        "Function": (
            "Lambda::Function",
            {
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "VpcConfig": {"SubnetIds": [{"Ref": "AppSubnet"}], "SecurityGroupIds": [{"Ref": "Clients"}]},
                "Environment": {"Variables": {"HOST": {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}}},
            },
        ),
        "Gateway": ("EC2::NatGateway", {"SubnetId": {"Ref": "Public"}}),
        "Public": ("EC2::Subnet", {"VpcId": "vpc-1"}),
        **routed("Public", GatewayId="igw-1"),
        **routed("AppSubnet", NatGatewayId={"Ref": "Gateway"}),
        **changes,
    }
    made = {name: {"Type": f"AWS::{kind}", "Properties": properties} for name, (kind, properties) in resources.items()}
    return {"stack": {"Resources": made}}


def routed(subnet: str, **target: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """The default route of a subnet."""
    table = {"Ref": f"{subnet}Table"}
    return {
        f"{subnet}Table": ("EC2::RouteTable", {}),
        f"{subnet}Route": ("EC2::Route", {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, **target}),
        f"{subnet}Has": ("EC2::SubnetRouteTableAssociation", {"RouteTableId": table, "SubnetId": {"Ref": subnet}}),
    }


def acl(*entries: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The network ACL of the cache's subnet, which allows everything but what its entries deny."""
    whole = [
        {"Protocol": -1, "RuleAction": "allow", "RuleNumber": 100, "CidrBlock": ANYWHERE, "Egress": way}
        for way in (True, False)
    ]
    ours = {"NetworkAclId": {"Ref": "Acl"}}
    return {
        "Acl": ("EC2::NetworkAcl", {}),
        "AclOfCache": ("EC2::SubnetNetworkAclAssociation", {"SubnetId": {"Ref": "CacheSubnet"}, **ours}),
        **{f"Entry{n}": ("EC2::NetworkAclEntry", {**ours, **entry}) for n, entry in enumerate([*whole, *entries])},
    }  # fmt: skip


def nodes(*ingress: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The cache's group, with its rules."""
    return ("EC2::SecurityGroup", {"SecurityGroupIngress": list(ingress)})


def clients(*egress: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The function's group, with its rules."""
    return ("EC2::SecurityGroup", {"SecurityGroupEgress": [*egress, HTTPS_OUT]})


DENIED = {
    "Protocol": 6,
    "PortRange": {"From": 6379, "To": 6379},
    "RuleAction": "deny",
    "RuleNumber": 1,
    "Egress": False,
}
STORES = {
    "the VPC's range": (small(), True),
    "the function's range": (small(Nodes=nodes(port_rule(CidrIp="10.0.0.0/24"))), True),
    "another range": (small(Nodes=nodes(port_rule(CidrIp="192.168.0.0/16"))), False),
    "a range that is a parameter": (small(Nodes=nodes(port_rule(CidrIp={"Ref": "Range"}))), True),
    "out to the cache's range": (small(Clients=clients(port_rule(CidrIp="10.0.8.0/24"))), True),
    "out to another range": (small(Clients=clients(port_rule(CidrIp="10.0.9.0/24"))), False),
    "IPv6 alone": (small(Nodes=nodes(port_rule(CidrIpv6="::/0"))), False),
    "a prefix list": (
        small(
            Nodes=nodes(port_rule(SourcePrefixListId={"Ref": "Offices"})),
            Offices=("EC2::PrefixList", {"Entries": [{"Cidr": "172.16.0.0/12"}, {"Cidr": "10.0.0.0/24"}]}),
        ),
        True,
    ),
    "a prefix list of others": (
        small(
            Nodes=nodes(port_rule(SourcePrefixListId={"Ref": "Offices"})),
            Offices=("EC2::PrefixList", {"Entries": [{"Cidr": "172.16.0.0/12"}]}),
        ),
        False,
    ),
    "a prefix list from elsewhere": (small(Nodes=nodes(port_rule(SourcePrefixListId="pl-1"))), True),
    "a range of ports": (small(Nodes=nodes(port_rule(CidrIp=ANYWHERE, FromPort=6000, ToPort="7000"))), True),
    "every protocol": (small(Nodes=nodes({"IpProtocol": -1, "CidrIp": ANYWHERE})), True),
    "another VPC": (small(CacheSubnet=("EC2::Subnet", {"VpcId": "vpc-2", "CidrBlock": "10.0.8.0/24"})), False),
    "a network ACL": (small(**acl()), True),
    "a network ACL that denies": (small(**acl({**DENIED, "CidrBlock": "10.0.0.0/8"})), False),
    "a network ACL that denies others": (small(**acl({**DENIED, "CidrBlock": "10.9.0.0/16"})), True),
}


@pytest.mark.parametrize(
    ("engine", "ports", "closed_port"),
    [
        ("valkey", (6379, 6380), None),
        ("redis", (6379, 6380), None),
        ("memcached", (11211, 11212), None),
        ("Memcached", (6379, 6380), 11211),
        ("valkey", (6379, 6379), 6380),
        ("valkey", (6380, 6380), 6379),
        ({"Ref": "Engine"}, (1, 1), None),
    ],
)
def test_serverless_caches_have_the_ports_of_their_engine(
    engine: Any, ports: tuple[int, int], closed_port: int | None
) -> None:
    """They have no property for them, and name their subnets themselves."""
    kind = "AWS::ElastiCache::ServerlessCache"
    places = {"SecurityGroupIds": [{"Ref": "Nodes"}], "SubnetIds": [{"Ref": "CacheSubnet"}]}
    rule = port_rule(FromPort=ports[0], ToPort=ports[1], CidrIp=ANYWHERE)
    stage = small(
        Cache=("ElastiCache::ServerlessCache", {"Engine": engine, **places}), Nodes=nodes(rule), Clients=clients(rule)
    )
    assert ([] if closed_port is None else [closed_port]) == [finding.port for finding in closed_stores(stage)]
    if closed_port is not None:
        [finding] = closed_stores(stage)
        assert f"Cache ({kind}), whose port {closed_port} it cannot reach" in finding.description
    stage["stack"]["Resources"]["CacheSubnet"]["Properties"]["VpcId"] = "vpc-2"
    assert ([] if isinstance(engine, dict) else [kind]) == closed(stage)


@pytest.mark.parametrize(("stage", "is_open"), STORES.values(), ids=STORES)
def test_rules_are_compared_with_addresses(stage: Stage, *, is_open: bool) -> None:
    """Where the templates show the addresses of subnets, a rule by range must have them all."""
    assert ([] if is_open else [CACHE]) == closed(stage)


def endpoint(service: str, **properties: Any) -> tuple[str, dict[str, Any]]:
    """An endpoint in the VPC."""
    name = {"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, f".{service}"]]}
    return ("EC2::VPCEndpoint", {"VpcId": "vpc-1", "ServiceName": name, **properties})


INTERFACE = {
    "VpcEndpointType": "Interface",
    "PrivateDnsEnabled": True,
    "SubnetIds": [{"Ref": "AppSubnet"}],
    "SecurityGroupIds": [{"Ref": "Endpoints"}],
}
ENDPOINT_GROUP = ("EC2::SecurityGroup", {"SecurityGroupIngress": [{**HTTPS_OUT, "CidrIp": "10.0.0.0/24"}]})
NO_ROUTE = routed("AppSubnet", GatewayId="igw-1")
BOTH = [("s3", "secretsmanager")]
SERVICES = {
    "NAT": (small(), []),
    "a NAT gateway without a route out": (
        small(Gateway=("EC2::NatGateway", {"SubnetId": {"Ref": "CacheSubnet"}})),
        BOTH,
    ),
    "an internet gateway": (small(**NO_ROUTE), BOTH),
    "a transit gateway": (small(**routed("AppSubnet", TransitGatewayId="tgw-1")), []),
    "a gateway endpoint": (
        small(**NO_ROUTE, S3=endpoint("s3", RouteTableIds=[{"Ref": "AppSubnetTable"}])),
        [("secretsmanager",)],
    ),
    "a gateway endpoint of another route table": (
        small(**NO_ROUTE, S3=endpoint("s3", RouteTableIds=[{"Ref": "PublicTable"}])),
        BOTH,
    ),
    "an interface endpoint": (
        small(**NO_ROUTE, Own=endpoint("secretsmanager", **INTERFACE), Endpoints=ENDPOINT_GROUP),
        [("s3",)],
    ),
    "NAT behind an interface endpoint": (
        small(Own=endpoint("secretsmanager", **INTERFACE), Endpoints=ENDPOINT_GROUP),
        [],
    ),
    "NAT behind an interface endpoint that does not admit": (
        small(Own=endpoint("secretsmanager", **INTERFACE), Endpoints=("EC2::SecurityGroup", {})),
        [("secretsmanager",)],
    ),
}


@pytest.mark.parametrize(("stage", "services"), SERVICES.values(), ids=SERVICES)
def test_ways_to_services(stage: Stage, services: list[tuple[str, ...]]) -> None:
    """Through NAT, or through endpoints: the name of a service leads to its interface endpoint, wherever NAT is."""
    assert services == missing(stage)


# Nested stacks


@pytest.mark.parametrize("where", ["the function", "the network", "both, in two", "both, in one in another"])
@pytest.mark.parametrize("reaches", [True, False])
def test_nested_stacks_are_looked_into(where: str, *, reaches: bool, tmp_path: Path) -> None:
    """What a nested stack is given, and what it gives, is followed to where it is."""
    context = {**FLAGS, "@aws-cdk/core:failSynthOnValidationErrors": False}
    app = cdk.App(context=context, analytics_reporting=False, outdir=str(tmp_path))
    stack = cdk.Stack(app, "Outer")
    of_network: cdk.Stack = stack if where == "the function" else cdk.NestedStack(stack, "First")
    of_function: cdk.Stack = stack
    if where in ("the function", "both, in two"):
        of_function = cdk.NestedStack(stack, "Second")
    elif where == "both, in one in another":
        of_function = cdk.NestedStack(of_network, "Second")
    network = CacheNetwork(of_network, "Network", egress=Egress.ENDPOINTS if reaches else Egress.NONE)
    function = lambda_.Function(
        of_function,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        code=lambda_.Code.from_inline("pass"),
        handler="index.handler",
        vpc=network.vpc,
        vpc_subnets=network.application_subnets,
        security_groups=[network.endpoint_client_security_group] if network.endpoint_client_security_group else None,
    )
    statement = iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=["*"])
    function.add_to_role_policy(statement)
    add_reachability_check(app)

    app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    found = [
        construct["constructPath"]
        for plugin in report
        if plugin["pluginName"] == "elasticache-reachability"
        for violation in plugin.get("violations", [])
        for construct in violation["violatingConstructs"]
    ]
    assert ([] if reaches else [f"{function.node.path}/Resource"]) == found
