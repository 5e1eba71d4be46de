"""A stage as it was deployed has no difference; each change by hand is named once, and nothing else is.

Every test has a fresh account: what one plants, no other one sees. Deploying and reading a stage takes most of a test,
so that each plants many changes, none of which hides another one.
"""

from __future__ import annotations

import datetime as dt
import importlib
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import emulator, workspace
from tests.verification.deployment import REGION, Deployed, deploy, put_stack, readable, stacks_of_snapshots
from verification.account import Account
from verification.assembly import Stack
from verification.permissions import ACTIONS
from verification.stage import Report, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


awsrequest: Any = importlib.import_module("botocore.awsrequest")
accounts = itertools.count(300_000_000_000)
WITHOUT = ("dev/cache-database", "dev/cache-monitoring", "dev/cache-workload")
"""Stacks without a cache: leaving them out halves the time of a test."""
SMALL = Path(__file__).parents[1] / "rehearsal" / "small_stage.template.json"
ALIAS = {"AliasName": "alias/small", "TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}
CACHE = {
    "ServerlessCacheName": "Serverless",
    "Engine": "valkey",
    "MajorEngineVersion": "8",
    "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
    "SubnetIds": [{"Ref": "ZoneA"}, {"Ref": "ZoneB"}],
    "SecurityGroupIds": [{"Fn::GetAtt": ["Nodes", "GroupId"]}],
    "SnapshotRetentionLimit": 15,
    "CacheUsageLimits": {"DataStorage": {"Unit": "GB", "Maximum": 10}},
}
OPERATIONS = Path(__file__).with_name("operations.resources.json")
"""Automatic scaling, a mute rule, a dashboard, a query and policies of each kind."""
NOT_EMULATED = {"elasticache:DescribeGlobalReplicationGroups"}
"""The emulator has no global datastores: test_global_datastores.py."""
_QUOTAS = ("L-DFE45DF3", "L-BBCDAECC", "L-AD484FC5", "L-80E085C7")


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[emulator.Emulator]:
    place = workspace.prepare()
    with emulator.running(place) as server:
        yield server
    workspace.remove(place)


@pytest.fixture(name="account")
def _account(server: emulator.Emulator) -> Iterator[str]:
    account = str(next(accounts))
    with workspace.only(server.client_environment({}, account, REGION)):
        yield account


def small() -> Stack:
    """A stack with a resource of each type that the stages of the snapshots lack."""
    template = json.loads(SMALL.read_text())
    template["Resources"] |= {
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": ALIAS},
        "Serverless": {"Type": "AWS::ElastiCache::ServerlessCache", "Properties": CACHE},
        **json.loads(OPERATIONS.read_text()),
    }
    return Stack("small", "small", None, None, template)


def verified(deployed: Deployed) -> Report:
    """What a verification with the listed actions alone finds."""
    return verify("dev", deployed.stacks, Account(REGION, ACTIONS), dt.datetime.now(dt.UTC))


# Of services and operations that the emulator has not: a cache with a service update, and quotas.
LACKING: Mapping[str, Mapping[str, Any]] = {
    "ListServiceQuotas": {"Quotas": [{"QuotaCode": code, "Value": 10_000.0} for code in _QUOTAS]},
    "DescribeServiceUpdates": {"ServiceUpdates": []},
    "DescribeServerlessCacheSnapshots": {"ServerlessCacheSnapshots": []},
    "DescribeUpdateActions": {"UpdateActions": []},
}


def _answer(account: Account, redis: str) -> None:
    """Answer what the emulator cannot, after the account's own hook has seen the call."""
    update = {"ReplicationGroupId": redis, "ServiceUpdateName": "elasticache-1", "UpdateActionStatus": "not-applied"}
    answers = {**LACKING, "DescribeUpdateActions": {"UpdateActions": [update]}}

    def answer(model: Any, **_kwargs: Any) -> tuple[Any, Mapping[str, Any]] | None:
        found = answers.get(model.name)
        return None if found is None else (awsrequest.AWSResponse(None, 200, {}, None), found)

    for service in ("elasticache", "service-quotas"):
        account.client(service).meta.events.register_last("before-call", answer)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_as_it_was_deployed_has_no_difference(stage: str, account: str) -> None:
    """Whole, with a resource of each type: nothing differs, and the calls are those of the policy, no more, no less."""
    deployed = deploy([*stacks_of_snapshots(stage), small()], account)
    reading = Account(REGION, ACTIONS)
    _answer(reading, deployed["Redis"])
    report = verify(stage, deployed.stacks, reading, dt.datetime.now(dt.UTC))
    assert () == report.differences
    assert report.ok
    assert () == report.denied
    assert len(report.checks) > 1000
    assert reading.used == ACTIONS - NOT_EMULATED


def _group(**changes: Any) -> Callable[[Deployed], object]:
    return lambda deployed: deployed.client("elasticache").modify_replication_group(
        ReplicationGroupId=deployed["Redis"], ApplyImmediately=True, **changes
    )


def _cluster(**changes: Any) -> Callable[[Deployed], object]:
    return lambda deployed: deployed.client("elasticache").modify_cache_cluster(
        CacheClusterId=deployed["Memcached"], ApplyImmediately=True, **changes
    )


def _elasticache(operation: str, **arguments: Any) -> Callable[[Deployed], object]:
    return _call("elasticache", operation, **arguments)


def _call(service: str, operation: str, **arguments: Any) -> Callable[[Deployed], object]:
    """A call; an argument that is a function takes the stage."""

    def plant(deployed: Deployed) -> object:
        given = {key: value(deployed) if callable(value) else value for key, value in arguments.items()}
        return getattr(deployed.client(service), operation)(**given)

    return plant


def _of(name: str) -> Callable[[Deployed], str]:
    return lambda deployed: deployed[name]


def _listed_of(name: str) -> Callable[[Deployed], list[str]]:
    return lambda deployed: [deployed[name]]


def _any_address(port: int) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def _without_inbound_rule(deployed: Deployed) -> None:
    ec2 = deployed.client("ec2")
    [group] = ec2.describe_security_groups(GroupIds=[deployed["RedisNetworkNodes"]])["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def _open_default_group(deployed: Deployed) -> None:
    ec2 = deployed.client("ec2")
    [default] = [
        group["GroupId"]
        for group in ec2.describe_security_groups()["SecurityGroups"]
        if (group["VpcId"], group["GroupName"]) == (deployed["NetworkVpc"], "default")
    ]
    ec2.authorize_security_group_ingress(GroupId=default, IpPermissions=_any_address(22))


def _route_to_the_internet(deployed: Deployed) -> None:
    ec2 = deployed.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    table = deployed["NetworkVpccacheSubnet1RouteTable"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def _fewer_subnets(deployed: Deployed) -> None:
    elasticache, name = deployed.client("elasticache"), deployed["RedisSubnets"]
    [group] = elasticache.describe_cache_subnet_groups(CacheSubnetGroupName=name)["CacheSubnetGroups"]
    first = group["Subnets"][0]["SubnetIdentifier"]
    elasticache.modify_cache_subnet_group(CacheSubnetGroupName=name, SubnetIds=[first])


def _other_threshold(deployed: Deployed) -> None:
    cloudwatch = deployed.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[deployed[ALARM]])["MetricAlarms"]
    taken = {key: value for key, value in alarm.items() if key in _PUT}
    cloudwatch.put_metric_alarm(**{**taken, "Threshold": 1234.0})


_PUT = frozenset(
    {
        *("AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator", "Dimensions", "EvaluationPeriods"),
        *("MetricName", "Namespace", "OKActions", "Period", "Statistic", "Threshold", "TreatMissingData"),
        *("ActionsEnabled", "InsufficientDataActions", "DatapointsToAlarm"),
    }
)
ALARM = "RedisRotationdefaultFailed"


def _other_template(deployed: Deployed) -> None:
    [stack] = [stack for stack in deployed.stacks if stack.path == "dev/cache-memcached"]
    template = json.loads(json.dumps(stack.template))
    for body in template["Resources"].values():
        if body["Type"] == "AWS::ElastiCache::CacheCluster":
            body["Properties"]["PreferredMaintenanceWindow"] = "tue:10:00-tue:11:00"
    bucket = f"cdk-hnb659fds-assets-{deployed.account.caller()['Account']}-{REGION}"
    put_stack(deployed.account, bucket, replace(stack, template=template), existing=True)


def _without_memcached(deployed: Deployed) -> None:
    client = deployed.client("cloudformation")
    client.delete_stack(StackName="dev-cache-memcached")
    client.get_waiter("stack_delete_complete").wait(
        StackName="dev-cache-memcached", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )


OPEN = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
# What is done by hand, and the resource and the property of the one difference that must be named; rounds of changes
# that can be made together.
PLANTED: Mapping[str, Mapping[str, tuple[Callable[[Deployed], object], str, str]]] = {
    "the cache": {
        "Multi-AZ off": (_group(MultiAZEnabled=False), "Redis", "MultiAZEnabled"),
        "no snapshots": (_group(SnapshotRetentionLimit=0), "Redis", "SnapshotRetentionLimit"),
        "another maintenance window": (
            _group(PreferredMaintenanceWindow="mon:10:00-mon:11:00"),
            "Redis",
            "PreferredMaintenanceWindow",
        ),
        "no minor upgrades": (_group(AutoMinorVersionUpgrade=False), "Redis", "AutoMinorVersionUpgrade"),
        "another node type": (_group(CacheNodeType="cache.r7g.xlarge"), "Redis", "CacheNodeType"),
        "encryption not required": (_group(TransitEncryptionMode="preferred"), "Redis", "TransitEncryptionMode"),
        "a log not delivered": (
            _group(LogDeliveryConfigurations=[{"LogType": "slow-log", "Enabled": False}]),
            "Redis",
            "LogDeliveryConfigurations",
        ),
        "no user group": (
            lambda deployed: _group(UserGroupIdsToRemove=[deployed["RedisUserGroup"]])(deployed),
            "Redis",
            "UserGroupIds",
        ),
        "a Memcached node less": (
            _cluster(NumCacheNodes=1, CacheNodeIdsToRemove=["0002"]),
            "Memcached",
            "NumCacheNodes",
        ),
        "a route to the internet": (_route_to_the_internet, "Memcached", "routes to an internet gateway"),
        "another description of a secret": (
            _call("secretsmanager", "update_secret", SecretId=_of("RedisDefaultUserSecret"), Description="planted"),
            "RedisDefaultUserSecret",
            "Description",
        ),
        "an alarm": (
            _call("cloudwatch", "set_alarm_state", AlarmName=_of(ALARM), StateValue="ALARM", StateReason="planted"),
            ALARM,
            "state",
        ),
        "termination protection": (
            _call(
                "cloudformation",
                "update_termination_protection",
                StackName="dev-cache-redis",
                EnableTerminationProtection=True,
            ),
            "(stack)",
            "termination protection",
        ),
    },
    "users and network": {
        "a user with more rights": (
            _elasticache("modify_user", UserId="dev-application", AccessString="on ~* +@all"),
            "RedisUserdevapplication",
            "AccessString",
        ),
        "a user without a password": (
            _elasticache("modify_user", UserId=_of("RedisDefaultUser"), NoPasswordRequired=True),
            "RedisDefaultUser",
            "AuthenticationMode",
        ),
        "a user taken out of its group": (
            _elasticache("modify_user_group", UserGroupId=_of("RedisUserGroup"), UserIdsToRemove=["dev-application"]),
            "RedisUserGroup",
            "UserIds",
        ),
        "a parameter": (
            _elasticache(
                "modify_cache_parameter_group",
                CacheParameterGroupName=_of("RedisParametersRedis7"),
                ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}],
            ),
            "RedisParametersRedis7",
            "Properties",
        ),
        "one Availability Zone": (_fewer_subnets, "RedisSubnets", "SubnetIds"),
        "inbound from any address": (
            _call(
                "ec2",
                "authorize_security_group_ingress",
                GroupId=_of("RedisNetworkNodes"),
                IpPermissions=_any_address(6379),
            ),
            "RedisNetworkNodes",
            "must: has no rules besides those of templates",
        ),
        "an open default group": (_open_default_group, "NetworkVpc", "must: default security group allows"),
        "a disabled key": (_call("kms", "disable_key", KeyId=_of("RedisKey")), "RedisKey", "must: is"),
        "another threshold": (_other_threshold, ALARM, "Threshold"),
        "a schedule that is off": (
            _call("events", "disable_rule", Name=_of("RedisRotationdefaultSweep")),
            "RedisRotationdefaultSweep",
            "State",
        ),
        "a shorter timeout": (
            _call(
                "lambda",
                "update_function_configuration",
                FunctionName=_of("RedisRotationdefaultFunction"),
                Timeout=1,
            ),
            "RedisRotationdefaultFunction",
            "Timeout",
        ),
        "another template": (_other_template, "(stack)", "template"),
    },
    "what is missing": {
        "no inbound rule": (_without_inbound_rule, "RedisNetworkFromClients", "Rule"),
        "no flow log": (
            _call("ec2", "delete_flow_logs", FlowLogIds=_listed_of("NetworkVpcAllFlowLog")),
            "NetworkVpcAllFlowLog",
            "readable",
        ),
        "a key that does not rotate": (
            _call("kms", "disable_key_rotation", KeyId=_of("RedisKey")),
            "RedisKey",
            "EnableKeyRotation",
        ),
        "a log without retention": (
            _call("logs", "delete_retention_policy", logGroupName=_of("RedisSlowLog")),
            "RedisSlowLog",
            "RetentionInDays",
        ),
        "a topic that loses events": (
            _call(
                "sns",
                "set_topic_attributes",
                TopicArn=_of("RedisEvents"),
                AttributeName="KmsMasterKeyId",
                AttributeValue="alias/aws/sns",
            ),
            "RedisEvents",
            "must: key (a cache publishes to it)",
        ),
        "a deleted alarm": (_call("cloudwatch", "delete_alarms", AlarmNames=_listed_of(ALARM)), ALARM, "readable"),
        "no stack": (_without_memcached, "(stack)", "status"),
    },
    "what is open or silent": {
        "an open key": (
            _call(
                "kms",
                "put_key_policy",
                KeyId=_of("RedisKey"),
                PolicyName="default",
                Policy=json.dumps(
                    {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}
                ),
            ),
            "RedisKey",
            "KeyPolicy",
        ),
        "an open topic": (
            _call(
                "sns",
                "set_topic_attributes",
                TopicArn=_of("RedisEvents"),
                AttributeName="Policy",
                AttributeValue='{"Statement": []}',
            ),
            "RedisEventsPolicy",
            "PolicyDocument",
        ),
        "a silent alarm": (
            _call("cloudwatch", "disable_alarm_actions", AlarmNames=_listed_of(ALARM)),
            ALARM,
            "ActionsEnabled",
        ),
        "a deleted cluster": (
            _elasticache("delete_cache_cluster", CacheClusterId=_of("Memcached")),
            "Memcached",
            "readable",
        ),
    },
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_each_difference_is_named_once(
    account: str, planted: Mapping[str, tuple[Callable[[Deployed], object], str, str]]
) -> None:
    """Each change by hand is one difference, with its resource and what it is, and there is no other one."""
    deployed = deploy([stack for stack in stacks_of_snapshots("dev") if stack.path not in WITHOUT], account)
    for plant, _resource, _what in planted.values():
        plant(deployed)
    found = [(readable(check.resource), check.property) for check in verified(deployed).differences]
    named = {
        name: [name for where, said in found if where == resource and (said == what or (" " in what and what in said))]
        for name, (_plant, resource, what) in planted.items()
    }
    assert {name: [name] for name in planted} == named
    assert len(planted) == len(found), found


def _detached(policy: str) -> Callable[[Deployed], object]:
    return _call("iam", "detach_role_policy", RoleName=_of("Role"), PolicyArn=_of(policy))


def _attached(deployed: Deployed) -> None:
    deployed.client("iam").attach_role_policy(RoleName=deployed["Role"], PolicyArn=ADMINISTRATOR)


def _another_version(deployed: Deployed) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**ALLOWED, "Action": "elasticache:*"}]})
    deployed.client("iam").create_policy_version(
        PolicyArn=deployed["Policy"], PolicyDocument=document, SetAsDefault=True
    )


def _inline(name: str, action: str) -> Callable[[Deployed], object]:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**ALLOWED, "Action": action}]})
    return _call("iam", "put_role_policy", RoleName=_of("Role"), PolicyName=name, PolicyDocument=document)


def _of_target(**changes: Any) -> Callable[[Deployed], object]:
    return lambda deployed: deployed.client("application-autoscaling").register_scalable_target(
        **_place(deployed), **changes
    )


def _place(deployed: Deployed) -> dict[str, str]:
    dimension = "elasticache:cache-cluster:Nodes"
    resource = f"cache-cluster/{deployed['Memcached']}"
    return {"ServiceNamespace": "elasticache", "ResourceId": resource, "ScalableDimension": dimension}


def _another_target_value(deployed: Deployed) -> None:
    client = deployed.client("application-autoscaling")
    [policy] = client.describe_scaling_policies(ServiceNamespace="elasticache")["ScalingPolicies"]
    tracking = {**policy["TargetTrackingScalingPolicyConfiguration"], "TargetValue": 90.0}
    client.put_scaling_policy(
        **_place(deployed),
        PolicyName=policy["PolicyName"],
        PolicyType=policy["PolicyType"],
        TargetTrackingScalingPolicyConfiguration=tracking,
    )


def _mute(**changes: Any) -> Callable[[Deployed], object]:
    def plant(deployed: Deployed) -> None:
        client, name = deployed.client("cloudwatch"), deployed["Muted"]
        rule = client.get_alarm_mute_rule(AlarmMuteRuleName=name)
        kept = {key: rule[key] for key in ("Name", "Description", "Rule", "MuteTargets")}
        client.put_alarm_mute_rule(**{**kept, **changes})

    return plant


def _dashboard(body: Mapping[str, Any]) -> Callable[[Deployed], object]:
    return _call("cloudwatch", "put_dashboard", DashboardName=_of("Dashboard"), DashboardBody=json.dumps(body))


ALLOWED = {"Effect": "Allow", "Resource": "*"}
SUSPENDED = {"DynamicScalingOutSuspended": True}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TEXT = {"type": "text", "width": 24, "height": 1, "properties": {"markdown": "Caches"}}
NO_OTHERS = "must: has no policies besides those of templates"
Planted = tuple[Callable[[Deployed], object], str, str, str]
# What operates caches. Several changes at once, each in another place; the last text is a part of what is read.
ROUNDS: Mapping[str, Sequence[Planted]] = {
    "more": (
        (_of_target(MaxCapacity=40), "Target", "MaxCapacity", "40"),
        (_another_target_value, "Scaling", "TargetTrackingScalingPolicyConfiguration", "90"),
        (
            _mute(Rule={"Schedule": {"Expression": "cron(0 4 * * *)", "Duration": "PT1H"}}),
            "Muted",
            "Rule",
            "cron(0 4 * * *)",
        ),
        (
            _dashboard({"start": "-PT3H", "widgets": [TEXT, {**TEXT, "properties": {"title": "New"}}]}),
            "Dashboard",
            "DashboardBody",
            "otherwise: New",
        ),
        (_another_version, "Policy", "PolicyDocument", "elasticache:*"),
        (_inline("own", "iam:*"), "Role", "Policies", "iam:*"),
        (_inline("inline", "iam:*"), "Inline", "PolicyDocument", "iam:*"),
        (_attached, "Role", NO_OTHERS, ADMINISTRATOR),
    ),
    "less": (
        (_of_target(SuspendedState=SUSPENDED), "Target", "SuspendedState", '"DynamicScalingOutSuspended": true'),
        (_mute(MuteTargets={"AlarmNames": []}), "Muted", "MuteTargets", "[]"),
        (_dashboard({"start": "-PT3H", "widgets": [TEXT]}), "Dashboard", "DashboardBody", "1 widgets"),
        (_detached("Policy"), "Policy", "Roles", "none"),
        (_detached("Attached"), "Role", "ManagedPolicyArns", "none"),
        (_call("iam", "delete_role_policy", RoleName=_of("Role"), PolicyName="inline"), "Inline", "Roles", "none"),
    ),
    "other": (
        (_of_target(MinCapacity=3), "Target", "MinCapacity", "3"),
        (
            _mute(Rule={"Schedule": {"Expression": "cron(0 4 * * SUN)", "Duration": "PT1H", "Timezone": "Asia/Tokyo"}}),
            "Muted",
            "Rule",
            "Asia/Tokyo",
        ),
        (
            _dashboard({"start": "-PT9H", "widgets": [TEXT, {**TEXT, "height": 2}]}),
            "Dashboard",
            "DashboardBody",
            "in another period",
        ),
        (_inline("by-hand", "iam:*"), "Role", NO_OTHERS, "by-hand"),
    ),
}


@pytest.mark.parametrize("planted", ROUNDS.values(), ids=ROUNDS.keys())
def test_differences_of_operations_are_named(account: str, planted: Sequence[Planted]) -> None:
    """Capacities, policies, mute rules and dashboards, and nothing else."""
    deployed = deploy([small()], account)
    for plant, *_told in planted:
        plant(deployed)
    found = {(check.resource, check.property): check.read for check in verified(deployed).differences}
    assert {(resource, what) for _plant, resource, what, _told in planted} == found.keys()
    assert [told for _plant, resource, what, told in planted if told not in found[resource, what]] == []


def test_a_capacity_that_a_schedule_set_is_no_difference(account: str) -> None:
    """The template has both, and which of them holds now is a matter of the hour."""
    deployed = deploy([small()], account)
    _of_target(MinCapacity=1)(deployed)
    assert () == verified(deployed).differences
