"""A fault is found whatever function its value stands in: the posture rules take nothing for safe that they cannot see.

Each fault is written in every disguise that a value of its kind can wear, each into a copy of one resource of a
template that these constructs made. Every copy must be found, and the copy as it was must not.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Engine,
    IamUser,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    Permissions,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Topology,
)
from elasticache_constructs.posture import RULES_FILE
from tests.reduced import reduced, referred
from tests.security.engines import Validation, posture_engine, run_cfn_guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Template = dict[str, Any]

ABSENT: Any = object()
NO_VALUE = {"Ref": "AWS::NoValue"}
FEWEST_FAULTS = 30
FEWEST_DISGUISES = 5

GROUP, CLUSTER, SERVERLESS = (
    f"AWS::ElastiCache::{name}" for name in ("ReplicationGroup", "CacheCluster", "ServerlessCache")
)
USER, USER_GROUP, SUBNET_GROUP = (f"AWS::ElastiCache::{name}" for name in ("User", "UserGroup", "SubnetGroup"))
SECURITY_GROUP, SUBNET = "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet"
INGRESS, EGRESS = "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"
ROUTE, ASSOCIATION = "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation"
LOG_GROUP, TOPIC, TOPIC_POLICY = "AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"


@dataclass(frozen=True)
class Fault:
    """A value that must not be.

    Attributes:
        what: In words.
        kind: The type of the resource that has it.
        name: Its property; with dots for one further down, or a name besides `Properties` in parentheses.
        value: What it is; `ABSENT` for a property that is missing.
        is_name: Whether the property names something: what another stack hands on is not judged there.
        without: Properties that the resource does not have then.
        besides: Properties that it has in addition.
    """

    what: str
    kind: str
    name: str
    value: Any
    is_name: bool = False
    without: tuple[str, ...] = ()
    besides: Template = field(default_factory=dict)


def rule(**source: object) -> Template:
    """A rule of a security group, for every port."""
    return {"IpProtocol": "-1", **source}


def statement(principal: object, **more: object) -> list[Template]:
    """What a topic's policy grants, in addition to the demand for TLS."""
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    granted = {"Effect": "Allow", "Principal": principal, "Action": "sns:Publish", "Resource": "*", **more}
    return [tls, granted]


def document(principal: object, **more: object) -> Template:
    """A topic's policy."""
    return {"Version": "2012-10-17", "Statement": statement(principal, **more)}


FAULTS = [
    Fault("TLS off", GROUP, "TransitEncryptionEnabled", value=False),
    Fault("TLS not stated", GROUP, "TransitEncryptionEnabled", ABSENT),
    Fault("plain text admitted", GROUP, "TransitEncryptionMode", "preferred"),
    Fault("not encrypted at rest", GROUP, "AtRestEncryptionEnabled", value=False),
    Fault("the key of AWS", GROUP, "KmsKeyId", "alias/aws/elasticache", is_name=True),
    Fault(
        "the key of AWS by its ARN",
        GROUP,
        "KmsKeyId",
        "arn:aws:kms:eu-west-1:111122223333:alias/aws/elasticache",
        is_name=True,
    ),
    Fault("an empty key", SERVERLESS, "KmsKeyId", "", is_name=True),
    Fault("no key", SERVERLESS, "KmsKeyId", ABSENT, is_name=True),
    Fault("no users", GROUP, "UserGroupIds", ABSENT, is_name=True),
    Fault("an empty list of user groups", GROUP, "UserGroupIds", [], is_name=True),
    Fault("no users of a serverless cache", SERVERLESS, "UserGroupId", ABSENT, is_name=True),
    Fault("an empty name of users", SERVERLESS, "UserGroupId", "", is_name=True),
    Fault(
        "a token that is a literal",
        GROUP,
        "AuthToken",
        "correct-horse-battery",
        without=("UserGroupIds",),
        besides={"AuthToken": "{{resolve:secretsmanager:token}}"},
    ),
    Fault("a password that is a literal", USER, "AuthenticationMode.Passwords", ["correct-horse-battery"]),
    Fault("a user without a password", USER, "AuthenticationMode.Type", "no-password-required"),
    Fault("a user without a password, as a whole", USER, "AuthenticationMode", {"Type": "no-password-required"}),
    Fault("a password switched off", USER, "NoPasswordRequired", value=True),
    *[
        Fault(f"a user with the words {words}", USER, "AccessString", f"on ~app:* -@all {words}")
        for words in (
            *("+@all", "allcommands", "+@admin", "+@dangerous", "+@read +@ALL", "(~x +@all)"),
            *("+@slow", "+@fast +@slow", "+flushall", "+config|get", "+keys", "+acl|setuser", "+client|kill", "+acl"),
            *("nopass +@read", ">correct-horse-battery +@read", "#5e884898da28047151d0e56f8dc62927 +@read"),
            *("resetpass +@read", "reset on +@read"),
        )
    ],
    Fault("the open user of the service", USER_GROUP, "UserIds", ["default"], is_name=True),
    Fault("the open user of the service in capitals", USER_GROUP, "UserIds", ["DEFAULT"], is_name=True),
    Fault("no subnet group", GROUP, "CacheSubnetGroupName", ABSENT, is_name=True),
    Fault("the default subnet group", CLUSTER, "CacheSubnetGroupName", "default", is_name=True),
    Fault("no security group", GROUP, "SecurityGroupIds", ABSENT, is_name=True),
    Fault("no security group of Memcached", CLUSTER, "VpcSecurityGroupIds", ABSENT, is_name=True),
    Fault("an empty list of security groups", SERVERLESS, "SecurityGroupIds", [], is_name=True),
    Fault("no subnets of a serverless cache", SERVERLESS, "SubnetIds", ABSENT, is_name=True),
    Fault("a public connection", SERVERLESS, "ConnectionType", "public"),
    *[
        Fault(f"{source} admitted", SECURITY_GROUP, "SecurityGroupIngress", [rule(**source)])
        for source in (
            {"CidrIp": "0.0.0.0/0"},
            {"CidrIp": "10.0.0.0/8"},
            {"CidrIpv6": "::/0"},
            {"SourcePrefixListId": "pl-0123456789abcdef0"},
        )
    ],
    Fault("a range admitted by a rule apart", INGRESS, "CidrIp", "0.0.0.0/0"),
    Fault("a range of IPv6 admitted by a rule apart", INGRESS, "CidrIpv6", "::/0"),
    Fault("a prefix list admitted by a rule apart", INGRESS, "SourcePrefixListId", "pl-0123456789abcdef0"),
    *[
        Fault(f"let out: {targets}", SECURITY_GROUP, "SecurityGroupEgress", [rule(**each) for each in targets])
        for targets in (
            [{"CidrIp": "0.0.0.0/0"}],
            [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}],
            [{"CidrIp": "64.0.0.0/2"}],
            [{"CidrIp": "10.0.0.0/0"}],
            [{"CidrIpv6": "::/0"}],
            [{"CidrIpv6": "2000::/3"}],
            [{"DestinationPrefixListId": "pl-0123456789abcdef0"}],
        )
    ],
    Fault("no egress stated", SECURITY_GROUP, "SecurityGroupEgress", ABSENT),
    Fault("everything let out by a rule apart", EGRESS, "CidrIp", "0.0.0.0/0"),
    Fault("half of everything let out by a rule apart", EGRESS, "CidrIp", "128.0.0.0/1"),
    Fault("a public subnet", SUBNET, "MapPublicIpOnLaunch", value=True),
    Fault("a route to the internet", ROUTE, "GatewayId", "igw-0123456789abcdef0"),
    Fault("Memcached without TLS", CLUSTER, "TransitEncryptionEnabled", value=False),
    Fault("Memcached in one Availability Zone", CLUSTER, "AZMode", "single-az"),
    Fault("a cluster of Redis without a group", CLUSTER, "Engine", "redis"),
    Fault("no minor upgrades", GROUP, "AutoMinorVersionUpgrade", value=False),
    Fault("no minor upgrades of Memcached", CLUSTER, "AutoMinorVersionUpgrade", ABSENT),
    Fault("deleted with its data", GROUP, "(DeletionPolicy)", "Delete"),
    Fault("replaced with its data", GROUP, "(UpdateReplacePolicy)", "Delete"),
    Fault("no backups", GROUP, "SnapshotRetentionLimit", 0),
    Fault("no logs", GROUP, "LogDeliveryConfigurations", ABSENT),
    Fault(
        "a log group that does not exist",
        GROUP,
        "LogDeliveryConfigurations.0.DestinationDetails.CloudWatchLogsDetails.LogGroup",
        "",
        is_name=True,
    ),
    Fault("a log group without a key", LOG_GROUP, "KmsKeyId", ABSENT, is_name=True),
    Fault("a log group with another name", LOG_GROUP, "LogGroupName", "/elasticache/slow"),
    Fault("an encrypted topic", TOPIC, "KmsMasterKeyId", "alias/aws/sns"),
    Fault("every principal publishes", TOPIC_POLICY, "PolicyDocument", document("*")),
    Fault("every account publishes", TOPIC_POLICY, "PolicyDocument", document({"AWS": "*"})),
    Fault("every account among others", TOPIC_POLICY, "PolicyDocument", document({"AWS": ["111122223333", "*"]})),
    Fault(
        "every principal but one",
        TOPIC_POLICY,
        "PolicyDocument.Statement",
        [
            statement("*")[0],
            {"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sns:*", "Resource": "*"},
        ],
    ),
    Fault(
        "every principal by name of a condition",
        TOPIC_POLICY,
        "PolicyDocument",
        document("*", Condition={"StringLike": {"aws:SourceArn": "*"}}),
    ),
    Fault(
        "every principal as a value apart",
        TOPIC_POLICY,
        "PolicyDocument.Statement.1.Principal.AWS",
        "*",
        besides={"PolicyDocument": document({"AWS": "111122223333"})},
    ),
    Fault(
        "every principal as a principal apart",
        TOPIC_POLICY,
        "PolicyDocument.Statement.1.Principal",
        "*",
        besides={"PolicyDocument": document({"AWS": "111122223333"})},
    ),
]


def disguises(number: int, fault: Fault, good: Any) -> Iterator[tuple[str, Any]]:
    """Each way to write a faulty value, by its name.

    Args:
        number: Of the fault; what it refers to, except the value, is named after it.
        fault: The fault.
        good: What stands there when all is well, for the other branch.
    """
    bad = NO_VALUE if fault.value is ABSENT else fault.value
    other = NO_VALUE if good is ABSENT else good
    yield "Plain", fault.value
    yield "Then", {"Fn::If": ["Sometimes", bad, other]}
    yield "Else", {"Fn::If": ["Sometimes", other, bad]}
    yield "Deep", {"Fn::If": ["Sometimes", other, {"Fn::If": ["Sometimes", other, bad]}]}
    yield "Parameter", {"Ref": f"Default{number}"}
    yield "Bare", {"Ref": "Bare"}
    yield "Mapping", {"Fn::FindInMap": ["Map", "of", f"value{number}"]}
    yield "Macro", {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/value"}}}
    if not fault.is_name:
        yield "Import", {"Fn::ImportValue": "value"}
    yield "Attribute", {"Fn::GetAtt": ["Lookup", "Value"]}
    match fault.value:
        case bool():
            yield "Text", str(fault.value).lower()
            yield "Capitals", str(fault.value)
            yield "Select", {"Fn::Select": [0, [bad]]}
            yield "Stored", "{{resolve:ssm:value}}"
        case str():
            half = len(fault.value) // 2
            yield "Sub", {"Fn::Sub": fault.value}
            yield "Variables", {"Fn::Sub": ["${Value}", {"Value": bad}]}
            yield "Substituted", {"Fn::Sub": f"${{Default{number}}}"}
            yield "Join", {"Fn::Join": ["", [fault.value[:half], fault.value[half:]]]}
            yield "Letters", {"Fn::Join": ["", list(fault.value)]}
            yield "Piece", {"Fn::Join": ["", [fault.value[:half], {"Ref": "Bare"}]]}
            yield "Select", {"Fn::Select": [0, [bad]]}
            yield "Split", {"Fn::Select": [1, {"Fn::Split": [",", f"x,{bad}"]}]}
            yield "Stored", "{{resolve:ssm:value}}"
        case list():
            yield "Items", [{"Fn::If": ["Sometimes", each, NO_VALUE]} for each in fault.value or [NO_VALUE]]
            yield "Others", [{"Fn::If": ["Sometimes", NO_VALUE, each]} for each in fault.value or [NO_VALUE]]
            yield "Empty", [NO_VALUE]
            yield "Parts", {"Fn::Split": [",", {"Ref": f"Default{number}"}]}
        case _ if fault.value is ABSENT:
            yield "NoValue", NO_VALUE
            if isinstance(good, list):
                yield "Nothing", [NO_VALUE]
                yield "None", []
        case _:
            yield "Select", {"Fn::Select": [0, [bad]]}
            yield "Stored", "{{resolve:ssm:value}}"


def build(stack: cdk.Stack) -> None:
    """One of everything that the rules look at."""
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    place: dict[str, Any] = {"vpc": network.vpc, "vpc_subnets": network.cache_subnets}
    orders = PasswordUser("orders", Permissions.read_write("orders:*"))
    ReplicationGroup(
        stack,
        "Redis",
        **place,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        topology=Topology(replicas_per_shard=1),
        access=Access.users(default=DefaultUser.disabled(), users=[orders]),
    )
    ServerlessCache(
        stack,
        "Serverless",
        **place,
        engine=ServerlessEngine.VALKEY_8,
        limits=ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=20_000),
        access=Access.users(
            default=DefaultUser.disabled(), users=[IamUser("reports", Permissions.read_only("orders:*"))]
        ),
    )
    MemcachedCluster(stack, "Memcached", **place, node_type=NodeType("cache.t4g.small"), nodes=2)


@pytest.fixture(scope="module")
def made() -> Template:
    """What these constructs make of it, and what disguises refer to."""
    app = cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Everything", env=cdk.Environment(region="eu-west-1"))
    build(stack)
    template = _looked_at(dict(assertions.Template.from_stack(stack).to_json()))
    resources = template["Resources"]
    group = {"Fn::GetAtt": [_first(template, SECURITY_GROUP, of=GROUP), "GroupId"]}
    table = resources[_first(template, ASSOCIATION)]["Properties"]["RouteTableId"]
    resources |= {
        "Lookup": {"Type": "Custom::Lookup", "Properties": {"ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:f"}},
        "Office": {"Type": "AWS::EC2::VPNGateway", "Properties": {"Type": "ipsec.1"}},
        "Egress": {"Type": EGRESS, "Properties": {"GroupId": group, **rule(CidrIp="255.255.255.255/32")}},
        "Route": {
            "Type": ROUTE,
            "Properties": {
                "RouteTableId": table,
                "DestinationCidrBlock": "192.168.0.0/16",
                "GatewayId": {"Ref": "Office"},
            },
        },
    }
    return template


def _looked_at(template: Template) -> Template:
    """The template without what no posture rule looks at, alarms above all: an engine reads a long one slowly."""
    types = {*re.findall(r"AWS::\w+::\w+", RULES_FILE.read_text(encoding="utf-8"))}
    names = [name for name, body in template["Resources"].items() if body["Type"] in types]
    return reduced(template, referred(template, names))


def _first(template: Template, kind: str, of: str = "") -> str:
    """The logical id of the first resource of a type, or the first that the first resource of another type mentions."""
    found: list[str] = [name for name, body in template["Resources"].items() if body["Type"] == kind]
    mentions = json.dumps(template["Resources"][_first(template, of)]) if of else ""
    return next(name for name in found if not of or f'"{name}"' in mentions)


def _has(body: Template, path: str) -> bool:
    place: Any = body.get("Properties", {})
    for name in path.split(".")[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    return isinstance(place, dict) and path.rsplit(".", maxsplit=1)[-1] in place


# What stands in the template more than once: the one that a cache uses.
_MODELS = {SECURITY_GROUP: GROUP, LOG_GROUP: GROUP, SUBNET: SUBNET_GROUP}
_ADDED = {EGRESS: "Egress", ROUTE: "Route"}


def _model(template: Template, fault: Fault) -> Template:
    """A resource that may have the fault: one that has the property, if there is one."""
    resources = template["Resources"]
    names = [name for name, body in resources.items() if body["Type"] == fault.kind]
    if fault.kind == USER:
        names = [name for name in names if _has(resources[name], "AuthenticationMode.Passwords")]
    if fault.kind == TOPIC:  # not that of the alarms, which is encrypted
        names = [_first(template, TOPIC, of=GROUP)]
    first = _ADDED.get(fault.kind) or _first(template, fault.kind, of=_MODELS.get(fault.kind, ""))
    first = first if first in names else names[0]
    body: Template = copy.deepcopy(
        resources[next((each for each in [first, *names] if _has(resources[each], fault.name)), first)]
    )
    if fault.kind == INGRESS:
        body["Properties"]["GroupId"] = resources["Egress"]["Properties"]["GroupId"]
    body.setdefault("Properties", {})
    for name in fault.without:
        del body["Properties"][name]
    body["Properties"] |= fault.besides
    return body


def _place(body: Template, name: str) -> tuple[Any, Any]:
    """Where a property stands: what holds it, and its key there."""
    if name.startswith("("):
        return body, name.strip("()")
    *above, last = name.split(".")
    place: Any = body["Properties"]
    for key in above:
        place = place[int(key) if isinstance(place, list) else key]
    return place, last


def _attached(template: Template, kind: str, name: str) -> None:
    """Use a copy as the model is used, so that the rules look at it."""
    resources = template["Resources"]
    group = resources[_first(template, GROUP)]["Properties"]
    match kind:
        case _ if kind == USER:
            resources[_first(template, USER_GROUP)]["Properties"]["UserIds"].append({"Ref": name})
        case _ if kind == USER_GROUP:
            group["UserGroupIds"].append({"Ref": name})
        case _ if kind == SECURITY_GROUP:
            group["SecurityGroupIds"].append({"Fn::GetAtt": [name, "GroupId"]})
        case _ if kind == SUBNET:
            resources[_first(template, SUBNET_GROUP)]["Properties"]["SubnetIds"].append({"Ref": name})
        case _ if kind == LOG_GROUP:
            details = {"CloudWatchLogsDetails": {"LogGroup": {"Ref": name}}}
            group["LogDeliveryConfigurations"].append(
                {**group["LogDeliveryConfigurations"][0], "DestinationDetails": details}
            )
        case _ if kind == TOPIC:
            cluster = copy.deepcopy(resources[_first(template, CLUSTER)])
            cluster["Properties"]["NotificationTopicArn"] = {"Ref": name}
            resources[f"{name}Cluster"] = cluster


def disguised(made: Template, faults: Mapping[int, Fault]) -> Template:
    """The template with a copy of a resource for each disguise of some faults, and one for each that is as it was."""
    template = copy.deepcopy(made)
    mapping: dict[str, str] = {}
    template["Conditions"] = {"Sometimes": {"Fn::Equals": [{"Ref": "Bare"}, "yes"]}}
    template["Mappings"] = {"Map": {"of": mapping}}
    template.setdefault("Parameters", {})["Bare"] = {"Type": "String"}
    for number, fault in faults.items():
        value = "" if fault.value is ABSENT else fault.value
        default = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        kind_of_parameter = "CommaDelimitedList" if isinstance(value, list) else "String"
        template["Parameters"][f"Default{number}"] = {"Type": kind_of_parameter, "Default": default}
        mapping[f"value{number}"] = default
        model = _model(made, fault)
        holder, key = _place(model, fault.name)
        good = holder[int(key)] if isinstance(holder, list) else holder.get(key, ABSENT)
        for disguise, each in [("Good", good), *disguises(number, fault, good)]:
            body = copy.deepcopy(model)
            holder, key = _place(body, fault.name)
            if each is ABSENT:
                holder.pop(key, None)
            else:
                holder[int(key) if isinstance(holder, list) else key] = each
            name = f"Copy{number}{disguise}"
            template["Resources"][name] = body
            _attached(template, fault.kind, name)
    return template


def _batches() -> Iterator[dict[int, Fault]]:
    """Faults of one type, a few at a time: an engine reads few templates fast, and long ones slowly."""
    by_kind = sorted(enumerate(FAULTS), key=lambda each: each[1].kind)
    for _, faults in itertools.groupby(by_kind, key=lambda each: each[1].kind):
        several = list(faults)
        yield from (dict(several[start : start + 3]) for start in range(0, len(several), 3))


@pytest.fixture(scope="module")
def templates(made: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Templates with every fault in every disguise, as files."""
    directory = tmp_path_factory.mktemp("disguises")
    written = {}
    for number, batch in enumerate(_batches()):
        written[f"batch{number}"] = path = directory / f"batch{number}.json"
        path.write_text(json.dumps(disguised(made, batch)), encoding="utf-8")
    return written


def _copies(names: Iterable[str]) -> dict[int, set[str]]:
    """The disguises among some logical ids, by the number of their fault."""
    found: dict[int, set[str]] = {}
    for name in names:
        if copied := re.fullmatch(r"Copy(\d+)([A-Z][a-z]+|NoValue)", name):
            found.setdefault(int(copied[1]), set()).add(copied[2])
    return found


@pytest.fixture(scope="module")
def expected(templates: dict[str, Path]) -> dict[int, set[str]]:
    """Every disguise of every fault."""
    return _faulty(templates.values())


def _faulty(files: Iterable[Path]) -> dict[int, set[str]]:
    names = [name for path in files for name in json.loads(path.read_text(encoding="utf-8"))["Resources"]]
    return {number: found - {"Good"} for number, found in _copies(names).items()}


@pytest.fixture(scope="module")
def found(templates: dict[str, Path]) -> dict[int, set[str]]:
    """The disguises at which CDK's own engine finds something, by the number of their fault: one run for all."""
    report = posture_engine().validate(Validation(templates))
    return _copies(
        str(place.resource_logical_id)
        for violation in report.violations
        if violation.rule_name.startswith("elasticache_")
        for place in violation.violating_resources
    )


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.what for fault in FAULTS])
def test_a_fault_is_found_in_every_disguise(
    number: int, expected: dict[int, set[str]], found: dict[int, set[str]]
) -> None:
    """Every copy with the fault is found, whatever function its value stands in; the copy without it is not."""
    assert found.get(number, set()) == expected[number]


def test_cfn_guard_finds_them_too(templates: dict[str, Path], cfn_guard: Path, *, exhaustive: bool) -> None:
    """The cfn-guard program names every copy with a fault, and none without."""
    # It is slow: one of six, exhaustively all. test_posture_rules.py asks it for each rule.
    chosen = [*templates.values()][:: 1 if exhaustive else 6]
    reports = run_cfn_guard(cfn_guard, *chosen)
    named = [
        found for report in reports for found in re.findall(r"/Resources/(\w+)", json.dumps(report["not_compliant"]))
    ]

    assert _copies(named) == _faulty(chosen)


def test_there_are_many_of_them(expected: dict[int, set[str]]) -> None:
    """At least thirty faults, each in at least five disguises and its plain form."""
    assert len(expected) == len(FAULTS) >= FEWEST_FAULTS
    assert min(map(len, expected.values())) > FEWEST_DISGUISES
