"""The checks pass for a correct stack, and fail for each single deviation of another one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.secret_values import KNOWLEDGE
from verification import posture
from verification.reader import IRRELEVANT

if TYPE_CHECKING:
    from verification.assembly import Resource
    from verification.resolve import Deployment


@pytest.fixture(scope="module")
def verdict(small_stage: Any) -> posture.Verdict:
    """The checks of the unchanged stack."""
    return posture.verify([small_stage.stack], small_stage.account, KNOWLEDGE)


def test_an_untouched_stack_passes(verdict: posture.Verdict) -> None:
    """A stack that matches its template passes."""
    assert () == verdict.failed
    assert len(verdict.checks) > 150


def test_what_is_unproven_is_named(verdict: posture.Verdict) -> None:
    """Each property of a compared type is read back, and what is not compared is named."""
    assert (
        "AWS::EC2::RouteTable: created, its properties are not read back",
        "AWS::EC2::SubnetRouteTableAssociation: created, its properties are not read back",
        "Custom::VpcRestrictDefaultSG: created, its properties are not read back",
        "AWS::EC2::FlowLog ResourceType: DescribeFlowLogs returns the resource, not its type",
    ) == verdict.unproven


def _wrong(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, dict) and not any(name == "Ref" or name.startswith("Fn::") for name in value):
        first = next(iter(value))
        return {**value, first: _wrong(value[first])}
    return ["tampered"] if isinstance(value, list) else "tampered"


def _tampered(resource: Resource) -> Iterator[tuple[str, Resource]]:
    silent = KNOWLEDGE.readers[resource.type].silent
    for name, value in resource.properties.items():
        if name not in silent and name not in IRRELEVANT:
            changed = {**resource.properties, name: _wrong(value)}
            yield name, dataclasses.replace(resource, properties=changed)


def _deployment(small_stage: Any) -> Deployment:
    return posture.deployed(small_stage.stack, small_stage.account, {})


def test_every_property_that_differs_is_reported(small_stage: Any) -> None:
    """If a template asks for another value of any single property, a check of its resource fails."""
    deployment = _deployment(small_stage)
    unnoticed = [
        f"{resource.name}.{name}"
        for resource in deployment.resources
        if resource.type in KNOWLEDGE.readers
        for name, changed in _tampered(resource)
        if all(check.ok for check in posture.judge(deployment, changed, KNOWLEDGE))
    ]
    assert [] == unnoticed


@dataclasses.dataclass(frozen=True)
class Names:
    """The stack's resources by logical id, and a client of each service."""

    ids: Mapping[str, str]
    client: Callable[[str], Any]

    def __getitem__(self, logical_id: str) -> str:
        return self.ids[logical_id]


Tamper = Callable[[Names], object]


def _without_a_key(names: Names) -> None:
    logs = names.client("logs")
    logs.delete_log_group(logGroupName=names["EngineLog"])
    logs.create_log_group(logGroupName=names["EngineLog"])


def _open_to_any_address(group: str, port: int) -> dict[str, Any]:
    ranges = [{"CidrIp": "0.0.0.0/0"}]
    return {
        "GroupId": group,
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}],
    }


def _route_to_the_internet(names: Names) -> None:
    ec2 = names.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.create_route(RouteTableId=names["Table"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def _open_the_default_group(names: Names) -> None:
    ec2 = names.client("ec2")
    groups = ec2.describe_security_groups()["SecurityGroups"]
    [default] = [
        group["GroupId"] for group in groups if (group["VpcId"], group["GroupName"]) == (names["Vpc"], "default")
    ]
    ec2.authorize_security_group_ingress(**_open_to_any_address(default, 22))


def _group(**changes: Any) -> Tamper:
    def tamper(names: Names) -> None:
        names.client("elasticache").modify_replication_group(
            ReplicationGroupId=names["Redis"], ApplyImmediately=True, **changes
        )

    return tamper


def _topic(attribute: str, value: str, topic: str = "Events") -> Tamper:
    return lambda names: names.client("sns").set_topic_attributes(
        TopicArn=names[topic], AttributeName=attribute, AttributeValue=value
    )


def _end_log(kind: str) -> Tamper:
    return _group(LogDeliveryConfigurations=[{"LogType": kind, "Enabled": False}])


def _alarm(name: str, change: Callable[[dict[str, Any]], object]) -> Tamper:
    """Put an alarm again with a change to what it was."""
    given = ("AlarmActions", "ComparisonOperator", "Threshold", "EvaluationPeriods", "Metrics", "EvaluationCriteria")

    def tamper(names: Names) -> None:
        cloudwatch = names.client("cloudwatch")
        [alarm] = cloudwatch.describe_alarms(AlarmNames=[names[name]])["MetricAlarms"]
        change(alarm)
        kept = {key: alarm[key] for key in (*given, "EvaluationInterval") if key in alarm}
        cloudwatch.put_metric_alarm(AlarmName=names[name], **kept)

    return tamper


def _watch(alarm: dict[str, Any], number: int, **dimensions: str) -> None:
    """Let a metric of an alarm have other dimensions."""
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    alarm["Metrics"][number]["MetricStat"]["Metric"]["Dimensions"] = listed


def _query(alarm: dict[str, Any], old: str, new: str) -> None:
    criteria = alarm["EvaluationCriteria"]["PromQLCriteria"]
    criteria["Query"] = criteria["Query"].replace(old, new)


def _key_without_services(names: Names) -> None:
    kms = names.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=names["Key"], PolicyName="default")["Policy"])
    policy["Statement"] = [one for one in policy["Statement"] if "Service" not in one["Principal"]]
    kms.put_key_policy(KeyId=names["Key"], PolicyName="default", Policy=json.dumps(policy))


WATCHES, NODES = "must: watches ids and names", "must: nodes are watched"
ACTIONS, TOPIC = "must: actions", "must: its topic"

# Rounds of changes to the account behind CloudFormation's back that can be made together, and which check of which
# resource has to notice each. Without that change and with all others of its round, that check passes.
TAMPERS: tuple[dict[str, tuple[Tamper, str, str]], ...] = (
    {
        "transit encryption off": (_group(TransitEncryptionEnabled=False), "Redis", "must: encrypted in transit"),
        "transit encryption preferred": (_group(TransitEncryptionMode="preferred"), "Redis", "must: in transit, mode"),
        "Multi-AZ off": (_group(MultiAZEnabled=False), "Redis", "must: Multi-AZ"),
        "no snapshots": (_group(SnapshotRetentionLimit=0), "Redis", "must: daily snapshots"),
        "other snapshot window": (_group(SnapshotWindow="10:00-11:00"), "Redis", "SnapshotWindow"),
        "other maintenance": (
            _group(PreferredMaintenanceWindow="mon:10:00-mon:11:00"),
            "Redis",
            "PreferredMaintenanceWindow",
        ),
        "no minor upgrades": (_group(AutoMinorVersionUpgrade=False), "Redis", "must: minor upgrades"),
        "user group detached": (_group(UserGroupIdsToRemove=["users"]), "Redis", "must: access"),
        "slow log off": (_end_log("slow-log"), "Redis", "must: delivers its slow-log"),
        "log without a key": (
            _without_a_key,
            "Redis",
            "must: engine-log arrives in a log group",
        ),
        "log kept indefinitely": (
            lambda names: names.client("logs").delete_retention_policy(logGroupName=names["SlowLog"]),
            "SlowLog",
            "must: kept",
        ),
        "events encrypted": (_topic("KmsMasterKeyId", "alias/aws/sns"), "Redis", "must: events go to"),
        "alarm topic plain": (_topic("KmsMasterKeyId", "", "Alarms"), "Alarms", "must: key"),
        "topic open to HTTP": (_topic("Policy", '{"Statement": []}'), "Events", "must: refuses plain HTTP"),
        "key never rotates": (
            lambda names: names.client("kms").disable_key_rotation(KeyId=names["Key"]),
            "Key",
            "must: rotates",
        ),
        "weak password": (
            lambda names: names.client("secretsmanager").put_secret_value(
                SecretId=names["Password"], SecretString="short"
            ),
            "Password",
            "must: is long",
        ),
        "user renamed its rights": (
            lambda names: names.client("elasticache").modify_user(UserId="application", AccessString="on ~* +@all"),
            "IamUser",
            "AccessString",
        ),
        "default user of the service": (
            lambda names: names.client("elasticache").modify_user_group(
                UserGroupId="users", UserIdsToRemove=["application"]
            ),
            "Users",
            "UserIds",
        ),
        "ingress from any address": (
            lambda names: names.client("ec2").authorize_security_group_ingress(
                **_open_to_any_address(names["Nodes"], 6379)
            ),
            "Nodes",
            "must: allows inbound from any address",
        ),
        "egress to any address": (
            lambda names: names.client("ec2").authorize_security_group_egress(
                **_open_to_any_address(names["Clients"], 443)
            ),
            "Clients",
            "must: allows outbound to any address",
        ),
        "a rule of no template": (
            lambda names: names.client("ec2").authorize_security_group_ingress(
                GroupId=names["MemcachedNodes"],
                IpPermissions=[
                    {
                        "IpProtocol": "tcp",
                        "FromPort": 22,
                        "ToPort": 22,
                        "UserIdGroupPairs": [{"GroupId": names["Clients"]}],
                    }
                ],
            ),
            "MemcachedNodes",
            "must: has no rules besides those of templates",
        ),
        "default group open": (_open_the_default_group, "Vpc", "must: default security group allows"),
        "no flow log": (
            lambda names: names.client("ec2").delete_flow_logs(FlowLogIds=[names["FlowLog"]]),
            "Vpc",
            "must: flow logs record",
        ),
        "one Availability Zone": (
            lambda names: names.client("elasticache").modify_cache_subnet_group(
                CacheSubnetGroupName=names["Subnets"], SubnetIds=[names["ZoneA"]]
            ),
            "Redis",
            "must: subnets are in",
        ),
        "other parameters": (
            lambda names: names.client("elasticache").modify_cache_parameter_group(
                CacheParameterGroupName=names["Parameters"],
                ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}],
            ),
            "Parameters",
            "Properties",
        ),
        "a query about another group": (
            _alarm("Crowded", lambda alarm: _query(alarm, '.id"="', '.id"="other-')),
            "Crowded",
            WATCHES,
        ),
        "a node without an alarm": (
            _alarm("Busy", lambda alarm: alarm["Metrics"].pop(0)),
            "Redis",
            "must: nodes are watched",
        ),
        "a Memcached node without an alarm": (
            _alarm("Pages", lambda alarm: alarm["Metrics"].pop(1)),
            "Memcached",
            NODES,
        ),
        "an alarm without actions": (_alarm("Busy", lambda alarm: alarm.pop("AlarmActions")), "Busy", ACTIONS),
    },
    {
        "failover off": (_group(AutomaticFailoverEnabled=False, MultiAZEnabled=False), "Redis", "must: fails over"),
        "user group alone": (_group(UserGroupIdsToRemove=["users"]), "Redis", "UserGroupIds"),
        "log group without a key": (
            _without_a_key,
            "EngineLog",
            "must: key",
        ),
        "event topic encrypted": (
            _topic("KmsMasterKeyId", "alias/aws/sns"),
            "Events",
            "must: key (a cache publishes to it)",
        ),
        "deleted secret": (
            lambda names: names.client("secretsmanager").delete_secret(
                SecretId=names["Password"], ForceDeleteWithoutRecovery=True
            ),
            "Password",
            "readable",
        ),
        "an alarm on another node": (
            _alarm(
                "Pages", lambda alarm: alarm["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"][1].update(Value="0003")
            ),
            "Pages",
            WATCHES,
        ),
        "a query with an unknown label": (
            _alarm("Crowded", lambda alarm: _query(alarm, "replication_group", "group")),
            "Crowded",
            WATCHES,
        ),
        "an alarm with disabled actions": (
            lambda names: names.client("cloudwatch").disable_alarm_actions(AlarmNames=[names["Busy"]]),
            "Busy",
            ACTIONS,
        ),
        "a key that does not admit CloudWatch": (_key_without_services, "Busy", TOPIC),
    },
    {
        "key disabled": (
            lambda names: names.client("kms").disable_key(KeyId=names["Key"]),
            "Redis",
            "must: at rest, key",
        ),
        "user without a password": (
            lambda names: names.client("elasticache").modify_user(UserId="the-default", NoPasswordRequired=True),
            "Redis",
            "must: user the-default logs in",
        ),
        "one Memcached node": (
            lambda names: names.client("elasticache").modify_cache_cluster(
                CacheClusterId=names["Memcached"], NumCacheNodes=1, CacheNodeIdsToRemove=["0002"], ApplyImmediately=True
            ),
            "Memcached",
            "must: nodes are in",
        ),
        "an alarm on a group": (
            _alarm("Busy", lambda alarm: _watch(alarm, 0, CacheClusterId="redis")),
            "Busy",
            WATCHES,
        ),
        "a topic that does not admit CloudWatch": (_topic("Policy", '{"Statement": []}', "Alarms"), "Busy", TOPIC),
    },
    {
        "an alarm on a dimension of serverless caches": (
            _alarm("Busy", lambda alarm: _watch(alarm, 0, clusterId="redis")),
            "Busy",
            WATCHES,
        ),
        "a topic that does not exist": (
            lambda names: names.client("sns").delete_topic(TopicArn=names["Alarms"]),
            "Crowded",
            TOPIC,
        ),
        "deleted cluster": (
            lambda names: names.client("elasticache").delete_cache_cluster(CacheClusterId=names["Memcached"]),
            "Memcached",
            "readable",
        ),
    },
    {
        "an alarm on a dimension that is not published": (
            _alarm("Busy", lambda alarm: _watch(alarm, 0, ServerlessCacheName="redis")),
            "Busy",
            WATCHES,
        ),
        "a topic with AWS's own key": (_topic("KmsMasterKeyId", "alias/aws/sns", "Alarms"), "Busy", TOPIC),
    },
)


@pytest.mark.parametrize("tampers", TAMPERS, ids=range(len(TAMPERS)))
def test_every_change_behind_the_template_is_reported(
    fresh_small_stage: Any, tampers: dict[str, tuple[Tamper, str, str]]
) -> None:
    """Each resource that is changed in the account after the deployment fails its check."""
    stack, account = fresh_small_stage.stack, fresh_small_stage.account
    ids = {name: item["PhysicalResourceId"] for name, item in account.resources(stack.name).items()}
    for tamper, _resource, _check in tampers.values():
        tamper(Names(ids, account.client))
    failed = {(found.resource, found.property) for found in posture.verify([stack], account, KNOWLEDGE).failed}
    assert [] == [name for name, (_tamper, resource, check) in tampers.items() if (resource, check) not in failed]


def test_a_route_to_the_internet_is_reported(fresh_small_stage: Any) -> None:
    """A cache subnet with a route to an internet gateway fails, and the other one passes."""
    stack, account = fresh_small_stage.stack, fresh_small_stage.account
    ids = {name: item["PhysicalResourceId"] for name, item in account.resources(stack.name).items()}
    _route_to_the_internet(Names(ids, account.client))
    failed = {found.property for found in posture.verify([stack], account, KNOWLEDGE).failed}
    assert {f"must: {ids['ZoneA']} routes to an internet gateway"} == failed
