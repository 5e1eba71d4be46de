"""The network: three kinds of egress, two or three Availability Zones."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    CacheNetwork,
    ConfigurationError,
    DefaultUser,
    Egress,
    EncryptionKey,
    Engine,
    ImportedNetwork,
    NetworkType,
    ReplicationGroup,
    Rotation,
)
from elasticache_constructs.network.subnets import choose_subnets
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.stacks import compare_stacks
from elasticache_rules.posture.reachability import closed_stores
from tests.conftest import FLAGS, Bench
from tests.unit.builders import GUIDE, NO_ALARMS, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
EVERY_EGRESS = pytest.mark.parametrize("egress", list(Egress), ids=lambda each: each.value)
ENVIRONMENT = cdk.Environment(account="123456789012", region="eu-west-1")

IPV4, DUAL_STACK = ec2.IpProtocol.IPV4_ONLY, ec2.IpProtocol.DUAL_STACK

Resources = dict[str, dict[str, Any]]


def _stack(*, environment: cdk.Environment | None = ENVIRONMENT) -> cdk.Stack:
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    return cdk.Stack(app, "Network", env=environment)


@functools.cache
def _template(egress: Egress = Egress.ENDPOINTS, zones: int = 2, ip_protocol: Any = IPV4) -> Resources:
    """What a network comes to: built once for each kind, and only looked at afterwards."""
    stack = _stack()
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:zones], egress=egress, ip_protocol=ip_protocol)
    resources: Resources = Bench(stack, network.vpc).template()["Resources"]
    return resources


def _of(resources: Resources, kind: str) -> Resources:
    return {name: each for name, each in resources.items() if each["Type"] == f"AWS::{kind}"}


def _subnets(resources: Resources, group: str) -> Resources:
    tag = {"Key": "aws-cdk:subnet-name", "Value": group}
    return {name: each for name, each in _of(resources, "EC2::Subnet").items() if tag in each["Properties"]["Tags"]}


def _ranges(resources: Resources, group: str) -> list[str]:
    return [each["Properties"]["CidrBlock"] for each in _subnets(resources, group).values()]


def _routes_of(resources: Resources, group: str) -> list[dict[str, Any]]:
    subnets = _subnets(resources, group)
    tables = [
        each["Properties"]["RouteTableId"]["Ref"]
        for each in _of(resources, "EC2::SubnetRouteTableAssociation").values()
        if each["Properties"]["SubnetId"]["Ref"] in subnets
    ]
    assert len(subnets) == len(tables)
    return [
        each["Properties"]
        for each in _of(resources, "EC2::Route").values()
        if each["Properties"]["RouteTableId"]["Ref"] in tables
    ]


# Zones and addresses


@pytest.mark.parametrize("zones", [2, 3])
@pytest.mark.parametrize("group", ["cache", "application"])
def test_each_named_zone_has_its_subnets(zones: int, group: str) -> None:
    """Every zone named has one subnet for caches and one for applications."""
    subnets = _subnets(_template(zones=zones), group).values()

    assert list(ZONES[:zones]) == [each["Properties"]["AvailabilityZone"] for each in subnets]


def test_two_zones_are_the_default() -> None:
    """Without a word there are the first two zones of wherever it is deployed."""
    network = CacheNetwork(_stack(environment=None), "Net")

    assert 2 == len(network.vpc.isolated_subnets) // len(["cache", "application"])


def test_zones_can_be_counted() -> None:
    """Three zones are made where the region is known."""
    stack = _stack()
    key = "availability-zones:account=123456789012:region=eu-west-1"
    stack.node.set_context(key, list(ZONES))

    assert list(ZONES) == CacheNetwork(stack, "Net", max_azs=3).vpc.availability_zones


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(None, id="any account and region"),
        pytest.param(cdk.Environment(region="eu-west-1"), id="any account"),
        pytest.param(cdk.Environment(account="123456789012"), id="any region"),
    ],
)
def test_three_zones_are_refused_where_two_would_be_made(environment: cdk.Environment | None) -> None:
    """Where the CDK knows of two zones only, three are refused."""
    with pytest.raises(ConfigurationError) as refusal:
        CacheNetwork(_stack(environment=environment), "Net", max_azs=3)

    expected = (
        "max_azs=3 in a stack without an account and region: the CDK knows of two zones where it does not know both. "
        "Name the zones, availability_zones=['eu-west-1a', ...], or use max_azs=2. "
        "See https://docs.aws.amazon.com/cdk/v2/guide/environments.html"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        pytest.param({"max_azs": 1}, "max_azs=1", id="one zone"),
        pytest.param({"max_azs": 4}, "max_azs=4", id="four zones"),
        pytest.param({"max_azs": 0}, "max_azs=0", id="no zone"),
        pytest.param({"availability_zones": []}, "availability_zones=[]", id="no name"),
        pytest.param({"availability_zones": ["a"]}, "availability_zones=['a']", id="one name"),
        pytest.param({"availability_zones": ["a", "a"]}, "availability_zones=['a', 'a']", id="one name twice"),
        pytest.param(
            {"availability_zones": ["a", "b", "c", "d"]}, "availability_zones=['a', 'b', 'c', 'd']", id="four names"
        ),
        pytest.param(
            {"availability_zones": ["a", "b", "b"]},
            "availability_zones=['a', 'b', 'b']",
            id="two names, one of them twice",
        ),
    ],
)
def test_zones_out_of_their_limits_are_refused(arguments: dict[str, Any], got: str) -> None:
    """A network spans two or three different zones."""
    with pytest.raises(ConfigurationError) as refusal:
        CacheNetwork(_stack(), "Net", **arguments)

    expected = (
        f"{got}: a cache network spans 2 or 3 different zones, so that a cache survives the loss of one. "
        f"Name two zones of the region, or three for production. See {GUIDE}/AutoFailover.html"
    )
    assert expected == str(refusal.value)


def test_zones_are_named_or_counted() -> None:
    """Names and a number together are refused."""
    with pytest.raises(ConfigurationError) as refusal:
        CacheNetwork(_stack(), "Net", availability_zones=ZONES[:2], max_azs=2)

    expected = (
        "availability_zones=['eu-west-1a', 'eu-west-1b'] and max_azs=2: zones are either named or counted. "
        "Leave max_azs out."
    )
    assert expected == str(refusal.value)


@EVERY_EGRESS
@pytest.mark.parametrize("group", ["cache", "application"])
def test_third_zone_renumbers_nothing(egress: Egress, group: str) -> None:
    """Ranges of the first two zones stay as they are when a third one is added."""
    two, three = (_ranges(_template(egress, zones), group) for zones in (2, 3))

    assert two == three[:2]
    assert 3 == len(set(three))


def test_third_zone_renumbers_no_public_subnet() -> None:
    """Ranges of the public subnets stay as they are too, although they come after all others."""
    two, three = (_ranges(_template(Egress.NAT, zones), "public") for zones in (2, 3))

    assert two == three[:2]


@pytest.mark.parametrize("zones", [2, 3])
@pytest.mark.parametrize("group", ["cache", "application"])
def test_egress_renumbers_nothing(zones: int, group: str) -> None:
    """Ranges stay as they are when the kind of egress changes."""
    ranges = [_ranges(_template(egress, zones), group) for egress in Egress]

    assert [ranges[0]] * 3 == ranges


@pytest.mark.parametrize("group", ["cache", "application"])
def test_egress_replaces_no_subnet(group: str) -> None:
    """Subnets have the same logical ids whatever the kind of egress, so that none is replaced."""
    names = [sorted(_subnets(_template(egress), group)) for egress in Egress]

    assert [names[0]] * 3 == names


def test_third_zone_replaces_no_subnet() -> None:
    """The first two subnets for caches keep their logical ids and zones when a third one is added."""
    two, three = (_subnets(_template(zones=zones), "cache") for zones in (2, 3))

    assert two == {name: three[name] for name in two}


def test_range_can_be_chosen() -> None:
    """Subnets are cut from the range that is given."""
    stack = _stack()
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], cidr="10.77.0.0/16")
    resources = Bench(stack, network.vpc).template()["Resources"]

    assert ["10.77.0.0/24", "10.77.1.0/24"] == _ranges(resources, "cache")


@pytest.mark.parametrize(
    "cidr",
    [
        *("10.40.0.0/15", "10.40.0.0/17", "10.40.0.0/24", "10.40.0.0/8", "10.40.0.0"),
        *("10.40.1.0/16", "10.40.0.1/16", "10.400.0.0/16", "10.40.0.0/", "any", "", None),
    ],
)
def test_other_ranges_are_refused(cidr: Any) -> None:
    """The subnets are laid out for a /16, no larger and no smaller, and an address within one is not its range."""
    stack = _stack()

    with pytest.raises(ConfigurationError) as refusal:
        CacheNetwork(stack, "Net", availability_zones=ZONES[:2], cidr=cidr)

    expected = (
        f"cidr={cidr!r}: the network's range is a /16 that begins where its mask says. Use '10.40.0.0/16', or another "
        "range that no connected network uses. See https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"
    )
    assert expected == str(refusal.value)
    assert stack.node.try_find_child("Net") is None


def test_range_cannot_be_a_token() -> None:
    """Subnets cannot be cut from a range that is known at deployment only."""
    stack = _stack()
    cidr = cdk.CfnParameter(stack, "Range").value_as_string

    with pytest.raises(ConfigurationError, match=r"^cidr=<a token, known at deployment only>: "):
        CacheNetwork(stack, "Net", availability_zones=ZONES[:2], cidr=cidr)


@pytest.mark.parametrize(
    ("cidr", "reserved"),
    [
        ("169.254.0.0/16", "169.254.0.0/16"),
        ("127.0.0.0/16", "127.0.0.0/8"),
        ("0.0.0.0/16", "0.0.0.0/8"),
        ("0.40.0.0/16", "0.0.0.0/8"),
        ("239.1.0.0/16", "224.0.0.0/4"),
        ("255.255.0.0/16", "240.0.0.0/4"),
    ],
)
def test_ranges_that_ec2_does_not_take_are_refused(cidr: str, reserved: str) -> None:
    """EC2 makes no VPC of addresses that mean something else."""
    with pytest.raises(ConfigurationError, match=f"EC2 takes no range within {reserved}"):
        CacheNetwork(_stack(), "Net", availability_zones=ZONES[:2], cidr=cidr)


@pytest.mark.parametrize("cidr", ["172.31.0.0/16", "100.64.0.0/16", "169.253.0.0/16", "198.18.0.0/16"])
def test_ranges_beside_them_are_taken(cidr: str) -> None:
    """Private ranges, those of carriers and public ones are all taken."""
    CacheNetwork(_stack(), "Net", availability_zones=ZONES[:2], cidr=cidr)


# Routes


@EVERY_EGRESS
@pytest.mark.parametrize("zones", [2, 3])
def test_cache_subnets_have_no_route_out(egress: Egress, zones: int) -> None:
    """Caches reach nothing outside the VPC, and nothing outside reaches them, whatever the kind of egress."""
    assert [] == _routes_of(_template(egress, zones), "cache")


@pytest.mark.parametrize("egress", [Egress.NONE, Egress.ENDPOINTS], ids=lambda each: each.value)
def test_nothing_is_public_without_nat(egress: Egress) -> None:
    """Without NAT there are no public subnets, no gateways and no routes at all."""
    resources = _template(egress)

    assert {} == {
        **_subnets(resources, "public"),
        **_of(resources, "EC2::InternetGateway"),
        **_of(resources, "EC2::NatGateway"),
        **_of(resources, "EC2::Route"),
    }


@pytest.mark.parametrize("zones", [2, 3])
def test_nat_has_a_gateway_in_each_zone(zones: int) -> None:
    """The loss of a zone leaves the others their way out."""
    resources = _template(Egress.NAT, zones)

    subnets = [each["Properties"]["SubnetId"]["Ref"] for each in _of(resources, "EC2::NatGateway").values()]
    assert sorted(_subnets(resources, "public")) == sorted(subnets)
    assert zones == len(subnets)


@pytest.mark.parametrize("zones", [2, 3])
def test_applications_get_out_through_nat_alone(zones: int) -> None:
    """With NAT each subnet for applications has one route out, to its own gateway."""
    gateways = [
        route.get("NatGatewayId", {}).get("Ref") for route in _routes_of(_template(Egress.NAT, zones), "application")
    ]

    assert zones == len(set(gateways) - {None})
    assert zones == len(gateways)


@EVERY_EGRESS
def test_nothing_is_launched_with_a_public_address(egress: Egress) -> None:
    """No subnet gives public addresses away, the public ones neither."""
    subnets = _of(_template(egress), "EC2::Subnet").values()

    assert {False} == {each["Properties"]["MapPublicIpOnLaunch"] for each in subnets}


# Endpoints


def _endpoints() -> list[dict[str, Any]]:
    return [each["Properties"] for each in _of(_template(), "EC2::VPCEndpoint").values()]


def test_endpoints_are_the_default_and_lead_to_two_services() -> None:
    """Applications reach Secrets Manager and the ElastiCache API."""
    assert ["com.amazonaws.eu-west-1.elasticache", "com.amazonaws.eu-west-1.secretsmanager"] == sorted(
        each["ServiceName"] for each in _endpoints()
    )


def test_endpoints_answer_to_the_services_own_names() -> None:
    """Private DNS lets SDKs find them without configuration."""
    assert [True, True] == [each["PrivateDnsEnabled"] for each in _endpoints()]


def test_endpoints_are_in_every_zone_beside_the_applications() -> None:
    """They stand in the applications' subnets of all zones."""
    subnets = [{"Ref": name} for name in _subnets(_template(), "application")]

    assert [subnets, subnets] == [each["SubnetIds"] for each in _endpoints()]


def test_endpoints_admit_https_from_their_clients_alone() -> None:
    """The one way in is HTTPS from the client group."""
    ((clients, _),) = (
        (name, each)
        for name, each in _of(_template(), "EC2::SecurityGroup").items()
        if each["Properties"]["GroupDescription"] == "Clients of the interface endpoints"
    )
    (rule,) = (each["Properties"] for each in _of(_template(), "EC2::SecurityGroupIngress").values())
    assert (443, 443, "tcp", {"Fn::GetAtt": [clients, "GroupId"]}) == (
        rule["FromPort"],
        rule["ToPort"],
        rule["IpProtocol"],
        rule["SourceSecurityGroupId"],
    )
    assert [[rule["GroupId"]]] * 2 == [each["SecurityGroupIds"] for each in _endpoints()]
    assert [] == [
        name
        for name, each in _of(_template(), "EC2::SecurityGroup").items()
        if "SecurityGroupIngress" in each["Properties"]
    ]


def test_clients_of_endpoints_get_out_to_them_alone() -> None:
    """The client group opens HTTPS to the endpoints and nothing else."""
    (ingress,) = (each["Properties"] for each in _of(_template(), "EC2::SecurityGroupIngress").values())
    (rule,) = (each["Properties"] for each in _of(_template(), "EC2::SecurityGroupEgress").values())
    assert (443, 443, "tcp", ingress["SourceSecurityGroupId"], ingress["GroupId"]) == (
        rule["FromPort"],
        rule["ToPort"],
        rule["IpProtocol"],
        rule["GroupId"],
        rule["DestinationSecurityGroupId"],
    )


@pytest.mark.parametrize(("egress", "there"), [(Egress.NONE, False), (Egress.ENDPOINTS, True), (Egress.NAT, False)])
def test_group_of_endpoint_clients(egress: Egress, *, there: bool) -> None:
    """There is a group to join where there are endpoints, and none elsewhere."""
    network = CacheNetwork(_stack(), "Net", availability_zones=ZONES[:2], egress=egress)

    assert there == (network.endpoint_client_security_group is not None)


@pytest.mark.parametrize("egress", [Egress.NONE, Egress.NAT], ids=lambda each: each.value)
def test_endpoints_are_made_when_asked_for_alone(egress: Egress) -> None:
    """The other kinds of egress pay for no endpoint."""
    assert {} == _of(_template(egress), "EC2::VPCEndpoint")


OURS, THEIRS = "123456789012", "999999999999"
_CALLS: dict[str, tuple[dict[str, str], bool]] = {
    "own identity, own resource": ({"aws:PrincipalAccount": OURS, "aws:ResourceAccount": OURS}, True),
    "own identity, no resource": ({"aws:PrincipalAccount": OURS}, True),
    "service of AWS": ({"aws:PrincipalIsAWSService": "true"}, True),
    "own identity, another's resource": ({"aws:PrincipalAccount": OURS, "aws:ResourceAccount": THEIRS}, False),
    "another's identity, own resource": ({"aws:PrincipalAccount": THEIRS, "aws:ResourceAccount": OURS}, False),
    "another's identity, its resource": ({"aws:PrincipalAccount": THEIRS, "aws:ResourceAccount": THEIRS}, False),
    "another's identity, no resource": ({"aws:PrincipalAccount": THEIRS}, False),
    "no caller": ({}, False),
}


def _passes(policy: dict[str, Any], context: dict[str, str]) -> bool:
    """Whether a call with these keys passes the endpoint, as IAM evaluates conditions."""

    def holds(operator: str, key: str, value: str) -> bool:
        if key not in context:
            return operator.endswith("IfExists")
        assert operator.removesuffix("IfExists") in {"StringEquals", "Bool"}
        return context[key] == value

    return any(
        all(holds(operator, *pair) for operator, keys in each["Condition"].items() for pair in keys.items())
        for each in policy["Statement"]
        if (each["Effect"], each["Resource"], each["Principal"]) == ("Allow", "*", {"AWS": "*"})
    )


@pytest.mark.parametrize(("context", "passes"), _CALLS.values(), ids=_CALLS)
def test_endpoints_serve_this_account_alone(context: dict[str, str], *, passes: bool) -> None:
    """Nothing leaves by them with another account's credentials or to its resources, and AWS's own callers pass."""
    assert [passes, passes] == [_passes(each["PolicyDocument"], context) for each in _endpoints()]


def test_endpoints_serve_their_own_service_alone() -> None:
    """Whatever else would answer behind one of them is not called."""
    served = [{each["Action"] for each in endpoint["PolicyDocument"]["Statement"]} for endpoint in _endpoints()]
    assert sorted(map(sorted, served)) == [["elasticache:*"], ["secretsmanager:*"]]


def test_endpoints_can_be_opened_with_a_reason() -> None:
    """One line takes the policy away."""
    stack = _stack()
    reason = "Secrets are kept in the security team's account"
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], open_endpoints_reason=reason)
    resources = Bench(stack, network.vpc).template()["Resources"]

    assert [False, False] == [
        "PolicyDocument" in each["Properties"] for each in _of(resources, "EC2::VPCEndpoint").values()
    ]


@pytest.mark.parametrize(
    ("egress", "reason", "message"),
    [
        (Egress.ENDPOINTS, "because", r"open_endpoints_reason=\.\.\.\) with the reason 'because'"),
        (Egress.NAT, "Secrets are kept elsewhere", "endpoints are there with Egress.ENDPOINTS alone"),
    ],
)
def test_reasons_for_open_endpoints_are_read(egress: Egress, reason: str, message: str) -> None:
    """It says something, and there is something to open."""
    with pytest.raises(ConfigurationError, match=message):
        CacheNetwork(_stack(), "Net", availability_zones=ZONES[:2], egress=egress, open_endpoints_reason=reason)


# Flow logs and the default group


def test_flow_logs_record_all_traffic() -> None:
    """Accepted and rejected traffic of the whole VPC goes to CloudWatch Logs."""
    (log,) = (each["Properties"] for each in _of(_template(), "EC2::FlowLog").values())
    ((vpc, _),) = _of(_template(), "EC2::VPC").items()

    assert ("ALL", "VPC", {"Ref": vpc}, "cloud-watch-logs") == (
        log["TrafficType"],
        log["ResourceType"],
        log["ResourceId"],
        log["LogDestinationType"],
    )


def test_flow_logs_are_encrypted_and_kept_a_year() -> None:
    """The group is encrypted with the network's own key."""
    (group,) = _of(_template(), "Logs::LogGroup").values()
    ((key, _),) = _of(_template(), "KMS::Key").items()

    assert ({"Fn::GetAtt": [key, "Arn"]}, 365) == (
        group["Properties"]["KmsKeyId"],
        group["Properties"]["RetentionInDays"],
    )


def _flow_log_role() -> tuple[str, dict[str, Any]]:
    (log,) = _of(_template(), "EC2::FlowLog").values()
    role: str = log["Properties"]["DeliverLogsPermissionArn"]["Fn::GetAtt"][0]
    return role, _template()[role]["Properties"]


def test_flow_log_role_serves_this_account_alone() -> None:
    """The service takes the role for flow logs of this account, not for those of another account."""
    (statement,) = _flow_log_role()[1]["AssumeRolePolicyDocument"]["Statement"]

    assert ({"Service": "vpc-flow-logs.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "123456789012"}}) == (
        statement["Principal"],
        statement["Condition"],
    )


def test_flow_log_role_has_no_inline_policy() -> None:
    """Policy packs forbid inline policies: the role has one managed policy."""
    name, role = _flow_log_role()
    (policy,) = _of(_template(), "IAM::ManagedPolicy").values()

    assert "Policies" not in role
    assert {} == _of(_template(), "IAM::Policy")
    assert [{"Ref": name}] == policy["Properties"]["Roles"]


def test_flow_log_role_writes_to_the_group_alone() -> None:
    """The role may write to the flow logs' group, and nowhere else."""
    (policy,) = _of(_template(), "IAM::ManagedPolicy").values()
    ((group, _),) = _of(_template(), "Logs::LogGroup").items()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]

    assert (
        ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        {"Fn::GetAtt": [group, "Arn"]},
    ) == (statement["Action"], statement["Resource"])


def test_key_can_be_given() -> None:
    """A key of the caller's encrypts the flow logs, and none is made."""
    stack = _stack()
    key = EncryptionKey(stack, "Mine", description="Mine")
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], encryption_key=key.key)
    resources = Bench(stack, network.vpc).template()["Resources"]

    ((name, _),) = _of(resources, "KMS::Key").items()
    (group,) = _of(resources, "Logs::LogGroup").values()
    assert {"Fn::GetAtt": [name, "Arn"]} == group["Properties"]["KmsKeyId"]


def test_default_group_is_emptied() -> None:
    """The VPC's default security group allows no traffic."""
    restricted = [each for each in _template().values() if each["Type"] == "Custom::VpcRestrictDefaultSG"]
    ((vpc, _),) = _of(_template(), "EC2::VPC").items()

    assert [{"Fn::GetAtt": [vpc, "DefaultSecurityGroup"]}] == [
        each["Properties"]["DefaultSecurityGroupId"] for each in restricted
    ]


def test_two_networks_fit_one_stack() -> None:
    """Two networks live side by side in one stack."""
    stack = _stack()
    CacheNetwork(stack, "One", availability_zones=ZONES[:2])
    network = CacheNetwork(stack, "Two", availability_zones=ZONES[:2], cidr="10.41.0.0/16")

    assert 2 == len(_of(Bench(stack, network.vpc).template()["Resources"], "EC2::VPC"))


# Selections


@EVERY_EGRESS
@pytest.mark.parametrize(
    ("select", "group"),
    [
        pytest.param(lambda network: network.cache_subnets, "cache", id="cache"),
        pytest.param(lambda network: network.application_subnets, "application", id="application"),
    ],
)
def test_selections_name_the_subnets(
    egress: Egress, select: Callable[[CacheNetwork], ec2.SubnetSelection], group: str
) -> None:
    """What the network calls its cache and application subnets are those, whatever the kind of egress."""
    stack = _stack()
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], egress=egress)
    selection = select(network)

    chosen = network.vpc.select_subnets(subnet_group_name=selection.subnet_group_name).subnet_ids
    expected = [{"Ref": name} for name in _subnets(_template(egress), group)]
    assert expected == stack.resolve(chosen)


# Networks that exist


def test_network_from_attributes_offers_its_subnets(bench: Bench) -> None:
    """A VPC described by hand has the subnets named as those for caches."""
    network = CacheNetwork.from_attributes(
        bench.stack,
        "Net",
        vpc_id="vpc-9",
        availability_zones=ZONES,
        cache_subnet_ids=["subnet-1", "subnet-2", "subnet-3"],
    )

    chosen = network.vpc.select_subnets(subnet_type=network.cache_subnets.subnet_type)
    assert (["subnet-1", "subnet-2", "subnet-3"], list(ZONES), "vpc-9") == (
        chosen.subnet_ids,
        chosen.availability_zones,
        network.vpc.vpc_id,
    )


KINDS = pytest.mark.parametrize("kind", ["cache", "application"])


@KINDS
@pytest.mark.parametrize("subnets", [0, 1, 3])
def test_network_from_attributes_has_a_subnet_for_each_zone(bench: Bench, kind: str, subnets: int) -> None:
    """More or fewer subnets of a kind than zones are refused."""
    arguments: dict[str, Any] = {
        "cache_subnet_ids": ["subnet-1", "subnet-2"],
        f"{kind}_subnet_ids": [f"subnet-{number}" for number in range(subnets)],
    }

    with pytest.raises(ConfigurationError) as refusal:
        CacheNetwork.from_attributes(bench.stack, "Net", vpc_id="vpc-9", availability_zones=ZONES[:2], **arguments)

    expected = (
        f"{subnets} {kind} subnets for 2 zones: one subnet is named for each zone, in the same order. "
        "Name as many of the one as of the other."
    )
    assert expected == str(refusal.value)


def _from_attributes(stack: cdk.Stack, **changes: Any) -> ImportedNetwork:
    arguments: dict[str, Any] = {
        "vpc_id": "vpc-9",
        "availability_zones": ZONES[:2],
        "cache_subnet_ids": ["cache-1", "cache-2"],
        **changes,
    }
    return CacheNetwork.from_attributes(stack, "Net", **arguments)


def _looked_up(*groups: tuple[str, str], **changes: Any) -> ImportedNetwork:
    """A network in a VPC that was looked up before, with subnet groups of these names and kinds."""
    found = [
        {
            "name": name,
            "type": kind,
            "subnets": [
                {"subnetId": f"{name}-{number}", "availabilityZone": zone, "routeTableId": f"rtb-{name}-{number}"}
                for number, zone in enumerate(ZONES[:2], 1)
            ],
        }
        for name, kind in groups
    ]
    stack = _stack()
    key = "vpc-provider:account=123456789012:filter.vpc-id=vpc-9:region=eu-west-1:returnAsymmetricSubnets=true"
    stack.node.set_context(key, {"vpcId": "vpc-9", "availabilityZones": [], "subnetGroups": found})
    return CacheNetwork.from_lookup(stack, "Net", vpc_id="vpc-9", **changes)


def _ids(network: ImportedNetwork, selection: ec2.SubnetSelection) -> list[str]:
    return network.vpc.select_subnets(
        subnet_type=selection.subnet_type, subnet_group_name=selection.subnet_group_name
    ).subnet_ids


@pytest.mark.parametrize(
    ("make", "applications"),
    [
        pytest.param(
            lambda: _from_attributes(_stack(), application_subnet_ids=["app-1", "app-2"]),
            ["app-1", "app-2"],
            id="described, with separate subnets",
        ),
        pytest.param(lambda: _from_attributes(_stack()), ["cache-1", "cache-2"], id="described, without"),
        pytest.param(
            lambda: _looked_up(("cache", "Isolated"), ("app", "Private")),
            ["app-1", "app-2"],
            id="looked up, with separate subnets",
        ),
        pytest.param(lambda: _looked_up(("cache", "Isolated")), ["cache-1", "cache-2"], id="looked up, without"),
        pytest.param(
            lambda: _looked_up(("cache", "Isolated"), ("spare", "Isolated"), cache_subnet_group="cache"),
            ["cache-1", "cache-2", "spare-1", "spare-2"],
            id="looked up, with a group for caches among several",
        ),
    ],
)
def test_existing_network_has_both_kinds_of_subnet(
    make: Callable[[], ImportedNetwork], applications: list[str]
) -> None:
    """Applications have private subnets where there are any, else those without a route out; caches have theirs."""
    network = make()

    assert ["cache-1", "cache-2"] == _ids(network, network.cache_subnets)
    assert applications == _ids(network, network.application_subnets)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda **given: _from_attributes(_stack(), **given), id="described"),
        pytest.param(lambda **given: _looked_up(("cache", "Isolated"), **given), id="looked up"),
    ],
)
def test_existing_network_has_the_endpoint_clients_given(make: Callable[..., ImportedNetwork]) -> None:
    """The group to join for the interface endpoints is the one named, or none."""
    clients = ec2.SecurityGroup.from_security_group_id(_stack(), "Clients", "sg-clients")

    assert clients is make(endpoint_client_security_group=clients).endpoint_client_security_group
    assert make().endpoint_client_security_group is None


@KINDS
def test_subnets_without_route_table_are_accepted_findings(bench: Bench, kind: str) -> None:
    """The CDK warns of subnets without route tables; nothing reads those here, and each subnet says so."""
    network = _from_attributes(bench.stack, application_subnet_ids=["app-1", "app-2"])

    subnets = network.vpc.isolated_subnets if kind == "cache" else network.vpc.private_subnets
    accepted = [entry.data for each in subnets for entry in each.node.metadata]
    assert [{"Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId"}] * 2 == [set(each) for each in accepted]


# IPv6


def _dual(egress: Egress = Egress.ENDPOINTS, zones: int = 2) -> Resources:
    return _template(egress, zones, DUAL_STACK)


def _ipv6_ranges(resources: Resources, group: str) -> list[int]:
    """Which ranges of the VPC's, by their number, the subnets have; all are cut in the same way."""
    found = []
    for each in _subnets(resources, group).values():
        number, cut = each["Properties"]["Ipv6CidrBlock"]["Fn::Select"]
        block, _count, bits = cut["Fn::Cidr"]
        assert ("Ipv6CidrBlocks", "64") == (block["Fn::Select"][1]["Fn::GetAtt"][1], bits)
        found.append(number)
    return found


@pytest.mark.parametrize("group", ["cache", "application"])
def test_dual_stack_subnets_have_both(group: str) -> None:
    """The IPv4 ranges are those of a network without IPv6, and each subnet waits for the VPC's IPv6 range."""
    (association,) = _of(_dual(), "EC2::VPCCidrBlock")
    subnets = _subnets(_dual(), group)

    assert _ranges(_template(), group) == _ranges(_dual(), group)
    assert 2 == len(set(_ipv6_ranges(_dual(), group)))
    assert all(association in each["DependsOn"] for each in subnets.values())


def test_ipv6_subnets_are_for_caches_alone() -> None:
    """One in each zone has IPv6 addresses and no others, and no route out."""
    subnets = _subnets(_dual(), "cache-ipv6")
    (association,) = _of(_dual(), "EC2::VPCCidrBlock")

    assert list(ZONES[:2]) == [each["Properties"]["AvailabilityZone"] for each in subnets.values()]
    for each in subnets.values():
        properties = each["Properties"]
        assert (True, True) == (properties["Ipv6Native"], properties["AssignIpv6AddressOnCreation"])
        assert not {"CidrBlock", "MapPublicIpOnLaunch"} & properties.keys()
        assert association in each["DependsOn"]
    assert [] == _routes_of(_dual(Egress.NAT), "cache-ipv6")


@EVERY_EGRESS
def test_no_ipv6_range_is_given_twice(egress: Egress) -> None:
    """All subnets of a network have their own ranges."""
    found = [
        number
        for group in ("cache", "application", "public", "cache-ipv6")
        for number in _ipv6_ranges(_dual(egress, 3), group)
    ]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("group", ["cache", "application", "cache-ipv6"])
def test_third_zone_and_egress_renumber_no_ipv6_range(group: str) -> None:
    """A zone or NAT that is added later leaves the IPv6 ranges alone."""
    two = _ipv6_ranges(_dual(), group)
    assert two == _ipv6_ranges(_dual(zones=3), group)[:2] == _ipv6_ranges(_dual(Egress.NAT), group)


@EVERY_EGRESS
def test_ipv6_leads_out_with_nat_alone(egress: Egress) -> None:
    """Applications get out through an egress-only gateway with NAT; without, there is no gateway at all."""
    gateways = _of(_dual(egress), "EC2::EgressOnlyInternetGateway")
    routes = [each for each in _routes_of(_dual(egress), "application") if "DestinationIpv6CidrBlock" in each]

    if egress is Egress.NAT:
        (gateway,) = gateways
        assert [{"Ref": gateway}] * 2 == [each["EgressOnlyInternetGatewayId"] for each in routes]
    else:
        assert ({}, []) == (gateways, routes)


@EVERY_EGRESS
def test_cache_subnets_have_no_route_out_over_ipv6(egress: Egress) -> None:
    """Neither kind of cache subnet has a route."""
    assert [] == _routes_of(_dual(egress, 2), "cache") + _routes_of(_dual(egress, 2), "cache-ipv6")


def test_no_gateway_leads_out_without_the_flag_of_the_cdk() -> None:
    """An app whose flags are older has no egress-only gateway without NAT either."""
    context = {**FLAGS, "@aws-cdk/aws-ec2:requirePrivateSubnetsForEgressOnlyInternetGateway": False}
    app = cdk.App(context=context, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Network", env=ENVIRONMENT)
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], ip_protocol=DUAL_STACK)

    assert {} == Bench(stack, network.vpc).resources("EC2::EgressOnlyInternetGateway")


@pytest.mark.parametrize("group", ["cache", "application", "public"])
def test_nothing_gets_an_ipv6_address_unasked(group: str) -> None:
    """Caches and functions ask for theirs. Where there is no IPv4, EC2 always gives one."""
    subnets = _subnets(_dual(Egress.NAT), group).values()
    assert [False, False] == [each["Properties"]["AssignIpv6AddressOnCreation"] for each in subnets]


def test_without_ipv6_there_is_none() -> None:
    """A network has IPv6 only if it is asked for."""
    assert "ipv6" not in str(_template(Egress.NAT)).lower()
    assert CacheNetwork(_stack(), "Net").ipv6_cache_subnets is None


def test_gate_names_subnets_that_get_ipv6() -> None:
    """CloudFormation may replace each subnet of a network that exists, and replaces nothing for certain."""
    old, new = ({"Resources": each} for each in (_template(), _dual()))
    changes = compare_stacks({"network": old}, {"network": new})
    named = {each.resource for each in changes if each.effect is Effect.MAY_REPLACE}

    assert {*_subnets(_template(), "cache"), *_subnets(_template(), "application")} == named
    assert [] == [*changes.blocking()]


def test_ip_protocol_is_of_the_cdk() -> None:
    """Text is refused."""
    with pytest.raises(ConfigurationError, match=r"ip_protocol is of type IpProtocol. Use ip_protocol=ec2.IpProtocol"):
        CacheNetwork(_stack(), "Net", ip_protocol="dual_stack")  # type: ignore[arg-type]


@pytest.mark.parametrize("network_type", [NetworkType.IPV4, NetworkType.dual_stack(), NetworkType.IPV6], ids=str)
def test_caches_of_each_network_type_fit(network_type: NetworkType) -> None:
    """A dual-stack network takes each network type; the rotation of an IPv6 cache connects over IPv6."""
    stack = _stack()
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], ip_protocol=DUAL_STACK)
    alone = network_type == NetworkType.IPV6
    cache = ReplicationGroup(
        stack,
        "Cache",
        vpc=network.vpc,
        vpc_subnets=network.ipv6_cache_subnets if alone else network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=SMALL,
        network_type=network_type,
        access=Access.users(default=DefaultUser.with_token(), users=[]),
        alarms=NO_ALARMS,
    )
    cache.rotate_secrets(Rotation.in_network(network))
    resources = Bench(stack, network.vpc).template()["Resources"]

    (subnet_group,) = _of(resources, "ElastiCache::SubnetGroup").values()
    chosen = {each["Ref"] for each in subnet_group["Properties"]["SubnetIds"]}
    assert {*_subnets(resources, "cache-ipv6" if alone else "cache")} == chosen
    functions = [each["Properties"].get("VpcConfig", {}) for each in _of(resources, "Lambda::Function").values()]
    assert [alone] == [each.get("Ipv6AllowedForDualStack", False) for each in functions if "SubnetIds" in each]
    assert [] == closed_stores({"template": {"Resources": resources}})


@pytest.mark.parametrize(
    ("group", "network_type", "fix"),
    [
        ("cache_subnets", NetworkType.IPV6, "Choose subnets with ipv6_native=True"),
        ("ipv6_cache_subnets", NetworkType.dual_stack(), "Make the VPC with ip_protocol=ec2.IpProtocol.DUAL_STACK"),
    ],
    ids=["IPv6 in dual-stack subnets", "dual stack in IPv6 subnets"],
)
def test_subnets_of_the_other_type_are_refused(group: str, network_type: NetworkType, fix: str) -> None:
    """A network type needs its own subnets."""
    stack = _stack()
    network = CacheNetwork(stack, "Net", availability_zones=ZONES[:2], ip_protocol=DUAL_STACK)
    with pytest.raises(ConfigurationError, match=fix):
        choose_subnets(vpc=network.vpc, vpc_subnets=getattr(network, group), network_type=network_type, spread=None)
