"""Scheduled rotation of one secret: the function, its permissions, its schedule and its alarms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from elasticache_constructs.access.user_group import UserGroup
from elasticache_constructs.checks.argument_types import Kind as ArgumentKind
from elasticache_constructs.checks.argument_types import check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import place_of, stack_of
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.network.security_groups import check_groups
from elasticache_constructs.network.subnets import are_different, select
from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from elasticache_constructs.rotation.runtime.rotate_secret.log import NAMESPACE, Metric
from elasticache_constructs.rotation.runtime.rotate_secret.record import TAG
from elasticache_constructs.shared.encryption_key import checked_key
from elasticache_constructs.shared.notifications import AlarmTopic, admit_alarms_to, check_alarm_topic
from elasticache_constructs.shared.scheduled_function import alarm_of_function, call_on_schedule, code_of
from elasticache_constructs.shared.vpc_function import allow, create_vpc_function, open_resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

    from elasticache_constructs.access.access import Access
    from elasticache_constructs.access.attached import AttachedCache
    from elasticache_constructs.access.resources import GeneratedPassword
    from elasticache_constructs.network.construct import CacheNetwork, ImportedNetwork

_RUNTIME = Path(__file__).parent / "runtime"
_LONGEST_DAYS = 1000
_SWEEP = "rate(1 hour)"
_TIMEOUT = Duration.minutes(15)
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html"

# For the secret, for the dead letters in an encrypted topic, and for the function's settings.
_USE_THE_KEY = ("secretsmanager", "sns", "lambda")
_USER_GROUP = ArgumentKind(of=UserGroup, example="the UserGroup(...) of the caches", secret=True)
_ROTATES_ELSEWHERE = (
    "A UserGroupRotation of another stack rotates it; this rule looks for the schedule in the secret's own stack."
)
_SOURCE_IS_IMPORTED = (
    "The permission names both the account and the ARN of what calls, which is of another stack; this rule takes text "
    "or a plain reference, and no import."
)
_MOST_SECURITY_GROUPS = 5
_OWN_NODES = "The group's own nodes, whose ids are the group's with the shard and node number behind it."
_SWEEPS_AGAIN = "A sweep that is lost is made good by the next one, an hour later; kept, it would only repeat it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The schedule of a cache's rotations, and the network of the function that rotates.

    The function needs interface endpoints of Secrets Manager and ElastiCache, or a NAT gateway: without a route it
    hangs until it times out. `in_network` refuses a `CacheNetwork` without either, and
    `elasticache_constructs.posture.reachability.add_reachability_check` fails the synth of any app without a route.

    Args:
        vpc_subnets: Where the function runs.
        security_groups: Groups that it joins in addition to the cache's client group, for example the one that the
            interface endpoints admit. Default: none.
        every_days: Days between two rotations, 1 to 1000. Default: 30.
        grace_minutes: How long the previous password stays valid after a rotation. It must cover the longest time that
            a client caches the secret, and five minutes to log in. Default: 65; AWS's caching clients keep it an hour.
        no_reserved_concurrency_reason: Why no concurrency is reserved for the function, for example because the account
            has too little. Default: one execution is reserved, so that no two run at the same time.

    Raises:
        ConfigurationError: If a number is out of its limits, or the reason says nothing.
    """

    vpc_subnets: ec2.SubnetSelection
    security_groups: Sequence[ec2.ISecurityGroup] = ()
    every_days: int = 30
    grace_minutes: int = 65
    no_reserved_concurrency_reason: str | None = None

    @classmethod
    def in_network(
        cls,
        network: CacheNetwork | ImportedNetwork,
        *,
        every_days: int = 30,
        grace_minutes: int = 65,
        no_reserved_concurrency_reason: str | None = None,
    ) -> Rotation:
        """Rotate from the application subnets of a network, in the security group that its endpoints admit.

        Args:
            network: The cache's network.
            every_days: Default: 30.
            grace_minutes: Default: 65.
            no_reserved_concurrency_reason: Why no concurrency is reserved for the function. Default: one execution is.

        Raises:
            ConfigurationError: If the network has no way out, a number is out of its limits, or the reason says
                nothing.
        """
        network.check_way_out("Rotation.in_network(network)", "Secrets Manager and the ElastiCache API")
        return cls(
            vpc_subnets=network.application_subnets,
            security_groups=[network.endpoint_client_security_group] if network.endpoint_client_security_group else [],
            every_days=every_days,
            grace_minutes=grace_minutes,
            no_reserved_concurrency_reason=no_reserved_concurrency_reason,
        )

    def __post_init__(self) -> None:
        """Refuse what Secrets Manager would refuse, and a grace time that outlasts the rotation."""
        if not is_whole_number(self.every_days, 1, _LONGEST_DAYS):
            raise ConfigurationError(
                got=f"Rotation(every_days={shown(self.every_days)}){other_type(self.every_days)}",
                allowed=f"Secrets Manager rotates every 1 to {_LONGEST_DAYS} days",
                fix="Use every_days=30",
                page="https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html",
            )
        longest = self.every_days * 24 * 60 // 2
        if not is_whole_number(self.grace_minutes, 1, longest):
            raise ConfigurationError(
                got=f"Rotation(grace_minutes={shown(self.grace_minutes)}, every_days={self.every_days})"
                f"{other_type(self.grace_minutes)}",
                allowed=f"the previous password stays valid for 1 minute to half the time between rotations, {longest}",
                fix="Use grace_minutes=65",
                page=_PAGE,
            )
        if self.no_reserved_concurrency_reason is not None:
            checked_reason(self.no_reserved_concurrency_reason, what="Rotation(no_reserved_concurrency_reason=...)")


class SecretRotation(Construct):
    """Rotates one password of a cache on a schedule, without a failed login.

    The function adds the new password to the old one, logs in with it on every node over verified TLS, makes it
    current, and removes the old one when the grace time is over. A serverless cache shows no nodes: there it logs in
    several times at every address of both endpoints. A client that reads the secret again within the grace
    time never fails to log in. docs/rotation.md has the states, the guarantees and their proof.

    The function runs in the VPC under its own policy, one execution at a time. Alarms report a failed rotation and a
    password that should have been retired. Creating or changing this construct rotates nothing: the password of a
    running cache changes on the schedule only, in place and without interruption.

    Made by `ReplicationGroup.rotate_secrets`, `ServerlessCache.rotate_secrets` and `UserGroupRotation`, one for each
    secret.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        password: The password to rotate.
        caches: The caches that accept it, all in one VPC.
        user_group_ids: User groups that the user is in besides those of the caches. Default: none.
        encryption_key: Encrypts the secret, and the function's log and environment.
        rotation: The schedule and the function's network.
        alarm_topic: Receives alarms, and the events that the function could not handle.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        password: GeneratedPassword,
        caches: Sequence[AttachedCache],
        encryption_key: kms.IKey,
        rotation: Rotation,
        alarm_topic: sns.ITopic,
        user_group_ids: Sequence[str] = (),
    ) -> None:
        vpc = caches[0].vpc
        with reported_together() as check:
            check(select, vpc, rotation.vpc_subnets)
            check(check_groups, "Rotation(security_groups=...)", rotation.security_groups, vpc=vpc)
        super().__init__(scope, construct_id)
        admit_alarms_to(alarm_topic, of=self)
        self.alarm_topic: sns.ITopic = alarm_topic
        self.function: lambda_.Function = create_vpc_function(
            self,
            description=f"Rotates the ElastiCache password of {password.user_name}",
            code=code_of(_RUNTIME),
            handler="rotate_secret.handler.handle",
            statements=_statements(
                self, password, caches, encryption_key, topic=alarm_topic, user_group_ids=user_group_ids
            ),
            vpc=vpc,
            vpc_subnets=rotation.vpc_subnets,
            security_groups=[*(each.client_security_group for each in caches), *rotation.security_groups],
            environment=_environment(password, caches, rotation),
            encryption_key=encryption_key,
            timeout=_TIMEOUT,
            memory_mib=256,
            concurrency=1,
            no_reserved_concurrency_reason=rotation.no_reserved_concurrency_reason,
            dead_letters=alarm_topic,
            also_acknowledged=_own_nodes(self, caches),
            has_ipv6=any(each.is_ipv6_only for each in caches),
        )
        self._schedule(password, rotation)
        self._sweep()
        self._alarm(alarm_topic)

    def _schedule(self, password: GeneratedPassword, rotation: Rotation) -> None:
        permission = lambda_.CfnPermission(
            self,
            "SecretsManager",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="secretsmanager.amazonaws.com",
            source_account=place_of(self).account,
            source_arn=password.secret.secret_arn,
        )
        if stack_of(password.secret) is not stack_of(self) and is_unresolved(place_of(self).account):
            accept(permission, {Situation.LAMBDA_PERMISSION_WITH_UNKNOWN_ACCOUNT: _SOURCE_IS_IMPORTED})
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=password.secret.secret_arn,
            rotation_lambda_arn=self.function.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=rotation.every_days
            ),
            rotate_immediately_on_update=False,
        )
        schedule.add_resource_dependency(permission)

    def _sweep(self) -> None:
        # An hourly rule checks whether a password is due. A one-time schedule made by the function would need
        # permissions for the scheduler and a route to it, and one failed call would lose it.
        call_on_schedule(
            self,
            "Sweep",
            self.function,
            description="Retires the previous password once its grace time is over",
            expression=_SWEEP,
            no_dead_letters=_SWEEPS_AGAIN,
            event='{"Step":"retire"}',
        )

    def _alarm(self, topic: sns.ITopic) -> None:
        watched = {
            "Failed": (NAMESPACE, Metric.FAILED.value, "A rotation step failed; the function's log says why"),
            "RotationOverdue": (NAMESPACE, Metric.LATE.value, "The password should have rotated a day ago and has not"),
            "RetireOverdue": (
                NAMESPACE,
                Metric.OVERDUE.value,
                "A previous password outlives its grace time",
            ),
            "Crashed": ("AWS/Lambda", "Errors", "The rotation function failed or timed out"),
        }
        for name, (namespace, metric, meaning) in watched.items():
            alarm_of_function(
                self,
                name,
                self.function,
                topic,
                namespace=namespace,
                metric=metric,
                meaning=f"{meaning}. See docs/rotation.md",
                statistic="Sum",
                period_seconds=300,
                tells_ok=False,
            )


def _environment(password: GeneratedPassword, caches: Sequence[AttachedCache], rotation: Rotation) -> dict[str, str]:
    kind = Kind.AUTH_TOKEN if password.user_id is None else Kind.USER
    groups = [each.cache_id for each in caches if not each.is_serverless]
    serverless = [each.cache_id for each in caches if each.is_serverless]
    return {
        "SECRET_ARN": password.secret.secret_arn,
        "KIND": kind.value,
        "USER_NAME": password.user_name,
        **({} if password.user_id is None else {"USER_ID": password.user_id}),
        **({"REPLICATION_GROUP_ID": ",".join(groups)} if groups else {}),
        **({"SERVERLESS_CACHE_NAME": ",".join(serverless)} if serverless else {}),
        "GRACE_SECONDS": str(rotation.grace_minutes * 60),
    }


def _statements(
    scope: Construct,
    password: GeneratedPassword,
    caches: Sequence[AttachedCache],
    encryption_key: kms.IKey,
    *,
    topic: sns.ITopic,
    user_group_ids: Sequence[str],
) -> list[dict[str, Any]]:
    """The actions that the steps call (tests/rotation/needed_actions.py), each on the one resource that it is for."""
    stack = stack_of(scope)
    secret = password.secret.secret_arn

    def arn(resource: str, name: str) -> str:
        return stack.format_arn(
            service="elasticache", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    statements: list[dict[str, Any]] = [
        allow(
            secret, "secretsmanager", "DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"
        ),
        {
            **allow(secret, "secretsmanager", "TagResource"),
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG]}},
        },
        {
            **allow(encryption_key.key_arn, "kms", "Decrypt", "GenerateDataKey"),
            "Condition": {
                "StringEquals": {"kms:ViaService": [f"{each}.{stack.region}.amazonaws.com" for each in _USE_THE_KEY]}
            },
        },
        *_own_key(stack, password, encryption_key),
    ]
    for each in caches:
        if each.is_serverless:
            statements.append(allow(arn("serverlesscache", each.cache_id), "elasticache", "DescribeServerlessCaches"))
        else:
            statements.append(allow(arn("replicationgroup", each.cache_id), "elasticache", "DescribeReplicationGroups"))
            statements.append(allow(arn("cluster", f"{each.cache_id}-*"), "elasticache", "DescribeCacheClusters"))
    of_caches = [each.user_group_id for each in caches if each.user_group_id is not None]
    user_groups = dict.fromkeys((*of_caches, *user_group_ids))
    if password.user_id is None or not user_groups:
        group = arn("replicationgroup", caches[0].cache_id)
        statements.append(allow(group, "elasticache", "ModifyReplicationGroup"))
        statements.append(allow(secret, "secretsmanager", "ListSecretVersionIds"))
    else:
        statements.append(allow(arn("user", password.user_id), "elasticache", "DescribeUsers", "ModifyUser"))
        statements.extend(allow(arn("usergroup", each), "elasticache", "DescribeUserGroups") for each in user_groups)
    if topic.master_key is not None:
        # Dead letters: SNS encrypts what it is sent with the sender's permissions.
        key = checked_key(topic.master_key, of=scope, name="alarm_topic's master_key")
        if key.key_arn != encryption_key.key_arn:
            service = {"StringEquals": {"kms:ViaService": f"sns.{stack.region}.amazonaws.com"}}
            statements.append({**allow(key.key_arn, "kms", "Decrypt", "GenerateDataKey"), "Condition": service})
    statements.append(allow(topic.topic_arn, "sns", "Publish"))
    return statements


def _own_key(stack: Stack, password: GeneratedPassword, encryption_key: kms.IKey) -> Iterator[dict[str, Any]]:
    """The use of the secret's key, if it is another one than that of the cache."""
    key = password.secret.encryption_key
    if key is not None and key.key_arn != encryption_key.key_arn:
        service = {"StringEquals": {"kms:ViaService": f"secretsmanager.{stack.region}.amazonaws.com"}}
        yield {**allow(key.key_arn, "kms", "Decrypt", "GenerateDataKey"), "Condition": service}


def _own_nodes(scope: Construct, caches: Sequence[AttachedCache]) -> dict[str, str]:
    return {
        open_resource(
            scope, "arn:{partition}:elasticache:{region}:{account}:cluster:" + _id_in_findings(scope, each) + "-*"
        ): _OWN_NODES
        for each in caches
        if not each.is_serverless
    }


def _id_in_findings(scope: Construct, cache: AttachedCache) -> str:
    stack, owner = stack_of(scope), stack_of(cache.client_security_group)
    if owner is not stack and is_unresolved(cache.cache_id):
        # The id comes by the export that the CDK makes for the statement, and cdk-nag shows that export's name.
        return str(stack.resolve(owner.export_value(cache.cache_id))["Fn::ImportValue"])
    name = stack.resolve(cache.cache_id)
    if isinstance(name, str):
        return name
    (reference,) = name.values()
    return f"<{reference}>"


def create_rotations(
    scope: Construct,
    passwords: Mapping[str, GeneratedPassword],
    *,
    caches: Sequence[AttachedCache],
    encryption_key: kms.IKey,
    rotation: Rotation,
    alarm_topic: sns.ITopic,
    user_group_ids: Sequence[str] = (),
) -> list[SecretRotation]:
    """Rotate each of several passwords: `SecretRotation` by its construct id."""
    return [
        SecretRotation(
            scope,
            construct_id,
            password=password,
            caches=caches,
            encryption_key=encryption_key,
            rotation=rotation,
            alarm_topic=alarm_topic,
            user_group_ids=user_group_ids,
        )
        for construct_id, password in passwords.items()
    ]


def check_own_users(access: Access | None, noun: str) -> None:
    """Refuse to rotate the passwords of a user group that other caches may have.

    Raises:
        ConfigurationError: If the cache has such a group.
    """
    if access is not None and access.group is not None:
        raise ConfigurationError(
            got=f"rotate_secrets of a {noun} with Access.user_group(...)",
            allowed="the passwords of a user group are rotated once for all of its caches",
            fix="Use UserGroupRotation(stack, 'Rotation', user_group=..., rotation=...)",
        )


class UserGroupRotation(Construct):
    """Rotates the passwords of a `UserGroup` on a schedule, each once, however many caches accept it.

    A password is made current when every node of every cache of its user accepts it. Nothing rotates at deployment.
    Make it after the caches, in a stack that may depend on those of the group and of all its caches.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        user_group: The group. Users that another group makes are rotated there.
        rotation: When to rotate, and from which subnets of the caches' VPC.
        alarm_topic: The topic that is notified if a rotation fails or an old password is not removed. The policies
            of a topic in the app and of its key are extended to allow CloudWatch; those of imported ones must
            allow it already, and there is a warning. Default: an `AlarmTopic` for this rotation.

    Raises:
        ConfigurationError: If the group has no password or no cache, is rotated already, or its caches are in several
            VPCs; if alarms could not be published to the topic, or the function would be in another VPC.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        user_group: UserGroup,
        rotation: Rotation,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        check_kind("UserGroupRotation", "user_group", user_group, _USER_GROUP)
        _check_rotatable(user_group)
        _check_number(user_group, rotation)
        if alarm_topic is not None:
            check_alarm_topic(alarm_topic, of=scope, call="UserGroupRotation")
        super().__init__(scope, construct_id)
        user_group.rotate_by(self.node.path)
        key = user_group.encryption_key
        assert key is not None  # noqa: S101 - a group with passwords has a key
        self.secret_rotations: list[SecretRotation] = create_rotations(
            self,
            {password.user_name: password for password in user_group.passwords},
            caches=user_group.caches,
            encryption_key=key,
            rotation=rotation,
            alarm_topic=alarm_topic or AlarmTopic(self, "Alarms", key=key),
            user_group_ids=[user_group.user_group_id],
        )
        """One for each secret."""
        if stack_of(self) is not stack_of(user_group):
            for password in user_group.passwords:
                accept(password.secret, {Situation.SECRET_WITHOUT_ROTATION: _ROTATES_ELSEWHERE})


def _check_rotatable(group: UserGroup) -> None:
    if not group.passwords:
        raise ConfigurationError(
            got=f"UserGroupRotation of {group.node.path}, a group whose users have no generated password",
            allowed="what rotates is a password",
            fix="Leave it out: tokens of IAM users are good for 15 minutes",
        )
    if not group.caches:
        raise ConfigurationError(
            got=f"UserGroupRotation of {group.node.path}, a group without caches",
            allowed="a password is rotated once every cache accepts the new one",
            fix="Make it after the caches that have access=Access.user_group(...)",
        )
    first, *others = group.caches
    apart = [each.path for each in others if are_different(each.vpc.vpc_id, first.vpc.vpc_id)]
    if apart:
        raise ConfigurationError(
            got=f"UserGroupRotation of {group.node.path}, a group on {first.path} and, in another VPC, {apart[0]}",
            allowed="the function joins the client security groups of all caches, which are in one VPC",
            fix="Make a UserGroup for each VPC",
        )


def _check_number(group: UserGroup, rotation: Rotation) -> None:
    joined = len(group.caches) + len(rotation.security_groups)
    if joined > _MOST_SECURITY_GROUPS:
        raise ConfigurationError(
            got=f"UserGroupRotation of {group.node.path}, a group on {len(group.caches)} caches, with "
            f"{len(rotation.security_groups)} security groups of Rotation",
            allowed=f"a function joins {_MOST_SECURITY_GROUPS} security groups at most, one for each cache",
            fix="Make another UserGroup for some of the caches",
            page="https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html",
        )
