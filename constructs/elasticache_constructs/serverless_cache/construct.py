"""Serverless caches."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Names, RemovalPolicy, Resource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_events as events

from elasticache_constructs.access.attached import AttachedCache
from elasticache_constructs.access.grants import ApiAccess, ManagedCache
from elasticache_constructs.access.logins import Logins
from elasticache_constructs.access.resources import AccessResources, create_access
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.open_reasons import reasons_of, report_open_reasons
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.network.security_groups import (
    CacheSecurityGroups,
    checked_additional_groups,
    checked_connections,
    connections_from_consumers,
)
from elasticache_constructs.network.subnets import Spread, check_placed, choose_subnets
from elasticache_constructs.rotation.construct import Rotation, SecretRotation, check_own_users, create_rotations
from elasticache_constructs.serverless_cache.settings import LONGEST_NAME, ServerlessCacheSettings
from elasticache_constructs.shared.claims import RENAME, RENAME_CACHE, claim
from elasticache_constructs.shared.connection_settings import connection_variables
from elasticache_constructs.shared.encryption_key import EncryptionKey, checked_key
from elasticache_constructs.shared.monitoring.alarms import MonitoredCache, WatchedCache
from elasticache_constructs.shared.monitoring.cache_alarms import CacheAlarms, chosen_thresholds
from elasticache_constructs.shared.monitoring.serverless_metrics import ServerlessMetrics, serverless_dimensions
from elasticache_constructs.shared.names import SHORT_STACK_ID, unique_name
from elasticache_constructs.shared.notifications import (
    AlarmTopic,
    admit_eventbridge_to,
    check_alarm_topic,
    check_eventbridge_topic,
)
from elasticache_constructs.shared.removal import refuse_for_imported, refuse_snapshot
from elasticache_constructs.values.endpoint import Endpoint
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.serverless_engine import ServerlessEngine
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs.access import Access
    from elasticache_constructs.network.subnets import ChosenSubnets
    from elasticache_constructs.values.backups import Backups
    from elasticache_constructs.values.existing import ExistingServerlessCache
    from elasticache_constructs.values.name import Name
    from elasticache_constructs.values.restore import Snapshot
    from elasticache_constructs.values.serverless_limits import ServerlessLimits

_MARK_LENGTH = 8
_LONGEST_DESCRIPTION = facts.limit("description_characters").maximum
_LONGEST_TOPIC = 60
_SUBNETS = facts.limit("serverless_subnets")
_BEST_EFFORT = (
    "The service itself sends events at best effort, and keeps each for 14 days: aws elasticache describe-events. The "
    "metric FailedInvocations counts what a topic did not take."
)


@jsii.implements(ec2.IConnectable)
class ServerlessCacheBase(Resource, Logins, ManagedCache, ServerlessMetrics, MonitoredCache):
    """What a serverless cache can do whether it was made here or imported.

    Serverless caches always encrypt, in transit and at rest. Those of Redis and Valkey speak the cluster protocol.
    """

    serverless_cache_name: str
    """The cache's name."""

    endpoint: Endpoint
    """Where clients connect to read and write."""

    reader_endpoint: Endpoint | None
    """Where clients read that accept answers a little behind. ``None`` on an imported one that was given none."""

    client_security_group: ec2.ISecurityGroup | None
    """The group to join to reach the cache. ``None`` on an imported one that was given none."""

    _connections: ec2.Connections
    _engine_name: str
    _is_public = False

    @property
    def connections(self) -> ec2.Connections:
        """Network access, on both of the cache's ports by default.

        ``cache.connections.allow_default_port_from(function)`` works across stacks: the rules go into the function's.

        Raises:
            ConfigurationError: If the cache was imported without security groups to add rules to, or has a public
                endpoint.
        """
        if self._is_public:
            raise ConfigurationError(
                got="connections of a serverless cache with a public endpoint",
                allowed="it is in no VPC and has no security groups: its users and IAM protect it",
                fix="Leave the rule out, and use grant_connect",
                rule="SLS-09",
            )
        return checked_connections(self._connections)

    @property
    def serverless_cache_arn(self) -> str:
        """The cache's ARN."""
        return self._arn("serverlesscache", self.serverless_cache_name)

    def notify(self, topic: sns.ITopic) -> events.CfnRule:
        """Send the cache's events to a topic: a failed snapshot or change, a limit that is close, a deletion.

        A serverless cache publishes events to EventBridge only. Events that mean nothing to do are left out: the cache
        or a snapshot was created, or the cache was changed. Events of copies and exports of snapshots do not name the
        cache, and are not sent. Nothing about the cache changes.

        Args:
            topic: A topic of the same account and region. It may be encrypted: the policies of a topic in the app and
                of its key are extended to allow EventBridge; those of imported ones must allow it already, and there
                is a warning.

        Returns:
            The rule.

        Raises:
            ConfigurationError: If EventBridge could not publish to the topic.

        See https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-elasticache.html
        """
        check_eventbridge_topic(topic, of=self)
        admit_eventbridge_to(topic, of=self)
        rule = events.CfnRule(
            self,
            f"Notify{Names.unique_resource_name(topic, max_length=_LONGEST_TOPIC)}",
            description=f"Events of the serverless cache {self.serverless_cache_name}",
            event_pattern={
                "source": ["aws.elasticache"],
                # The user guide writes the names in another case than EventBridge's reference.
                "detail-type": [{"anything-but": {"equals-ignore-case": _routine()}}],
                "resources": [self.serverless_cache_arn],
            },
            targets=[events.CfnRule.TargetProperty(id="Topic", arn=topic.topic_arn)],
        )
        accept(rule, {Situation.EVENT_RULE_WITHOUT_DEAD_LETTERS: _BEST_EFFORT})
        return rule

    def _variables(
        self, *, iam_user: str | None = None, secret_user: str | None = None, secret_arn: str | None = None
    ) -> dict[str, str]:
        return connection_variables(
            engine=self._engine_name,
            endpoint=self.endpoint,
            reader=self.reader_endpoint,
            cluster_mode=self._engine_name != "memcached",
            cache_name=self.serverless_cache_name if iam_user else None,
            iam_user=iam_user,
            secret_user=secret_user,
            secret_arn=secret_arn,
            serverless=True,
        )

    def _api_access(self) -> ApiAccess:
        return ApiAccess.of_serverless_cache(
            cache_arn=self.serverless_cache_arn, snapshots_arn=self._arn("serverlesscachesnapshot", "*")
        )

    @property
    def _cache_arn(self) -> str:
        return self.serverless_cache_arn


class ServerlessCache(ServerlessCacheBase):
    """A serverless Valkey, Redis or Memcached cache, which AWS scales between its limits.

    It is encrypted at rest with a customer managed key and in transit, backed up every day, and open to its users and
    its client security group only. It has two ports: one for everything, one for reads that may be slightly behind.
    When it is deleted, a final snapshot is taken that has the cache's name.

    Replaced if one of these changes: its construct path, ``vpc``, ``vpc_subnets``, ``max_azs``, ``encryption_key``,
    ``network_type``, ``restore_from``, ``name``, ``public_endpoint_reason`` from or to none, the name, subnets and key
    of ``existing``. Only a new construct path or name succeeds: the other updates fail and change nothing, because the
    name of the cache is taken. Changed in place: ``engine`` to a newer version or from Redis to Valkey, ``limits``,
    ``access``, ``security_groups``, ``backups``, ``description``, the rest of ``existing``. Around the cache, and
    nothing about it: ``alarms``, ``alarm_topic``, ``secrets_key``.

    Args:
        scope: The parent.
        construct_id: The id in the parent. It decides the name and the logical id.
        limits: How far it scales.
        vpc: The VPC. Default: none, which only a public endpoint allows.
        engine: The engine and its major version. Default: Valkey 8.
        access: Who may log in. Prefer IAM users, which have no passwords to rotate. Memcached has no logins and takes
            none. Default: none, which only Memcached accepts.
        security_groups: Security groups of the VPC that the cache has besides its own, for example that of a scanner.
            Their rules are yours: none is added to them. Default: its own alone.
        vpc_subnets: Which subnets; one is used in each Availability Zone. Default: the isolated ones; if there are
            none, the private ones.
        max_azs: The number of Availability Zones, the first ones of the subnets: 2 or 3. It can be chosen at creation
            only: use ``max_azs=2`` if the VPC may get a third zone later, or got one. Default: all, at most three.
        backups: Daily snapshots. Default: kept 35 days, taken at 02:00 UTC.
        restore_from: A snapshot to begin with, of a serverless cache or of a replication group
            (docs/runbooks/restore-a-serverless-cache.md). Default: the cache begins empty.
        network_type: IPv4, IPv6 or both. Default: IPv4.
        public_endpoint_reason: Why the cache is reachable from the internet. It is then in no VPC, has no reader
            endpoint, and takes Valkey 9 and IAM users alone:
            ``Access.users(default=DefaultUser.absent(), users=[IamUser(...)])``. Default: it is reachable from its VPC
            only.
        encryption_key: Encrypts data at rest and secrets. Default: an `EncryptionKey` for this cache, which costs
            1 USD a month.
        secrets_key: Encrypts the secrets of tokens and passwords, for example so that other people may read them than
            those who may use the data. Nothing about the cache changes with it. Default: ``encryption_key``.
        alarms: Changes to the alarms that the cache has by default: thresholds, and alarms that it does without.
            Nothing about the cache changes with them. Default: the alarms of docs/runbooks/alarms/README.md, each of
            which notifies ``alarm_topic``, with thresholds that follow from engine and
            limits.
        alarm_topic: The topic that alarms are published to, in the same account and region. The policies of a topic in
            the app and of its key are extended to allow CloudWatch; those of imported ones must allow it already, and
            there is a warning. Default: an `AlarmTopic` for this cache.
        name: A name for people to read, in place of the generated one, with its reason: a cache with a name cannot be
            replaced, and one that gets a name is a new cache. Default: a name is generated.
        description: What the console shows, at most 255 characters. Default: the construct id.
        existing: A cache that exists and is imported: what it cannot change, and what it keeps for now
            (docs/adopt.md). It stays when its stack is deleted, unless `apply_removal_policy` says otherwise, and
            ``encryption_key`` is for secrets and alarms. Default: the cache is made.

    Raises:
        ConfigurationError: If the service would refuse the cache, or it would be less safe than promised.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/WhatIs.corecomponents.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        limits: ServerlessLimits,
        vpc: ec2.IVpc | None = None,
        engine: ServerlessEngine = ServerlessEngine.VALKEY_8,
        access: Access | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        max_azs: int | None = None,
        backups: Backups | None = None,
        restore_from: Snapshot | None = None,
        network_type: NetworkType = NetworkType.IPV4,
        public_endpoint_reason: str | None = None,
        encryption_key: kms.IKey | None = None,
        secrets_key: kms.IKey | None = None,
        alarms: CacheAlarms | None = None,
        alarm_topic: sns.ITopic | None = None,
        name: Name | None = None,
        description: str | None = None,
        existing: ExistingServerlessCache | None = None,
    ) -> None:
        with reported_together() as check:
            settings = check(
                ServerlessCacheSettings.of,
                name=name,
                description=description or construct_id[:_LONGEST_DESCRIPTION],
                engine=engine,
                limits=limits,
                access=access,
                backups=backups,
                restore_from=restore_from,
                network_type=network_type,
                public_endpoint_reason=public_endpoint_reason,
                existing=existing,
            )
            is_public = public_endpoint_reason is not None
            if settings is not None:
                check(
                    _check_vpc,
                    vpc,
                    is_public=is_public,
                    vpc_subnets=vpc_subnets,
                    max_azs=max_azs,
                    security_groups=security_groups,
                )
            subnets, additional = None, None
            if vpc is not None:
                subnets = check(
                    _chosen_subnets,
                    scope,
                    vpc,
                    vpc_subnets,
                    network_type=network_type,
                    is_existing=existing is not None,
                )
                additional = check(checked_additional_groups, "ServerlessCache", security_groups, vpc=vpc)
            check(_check_zones, max_azs, subnets, is_existing=existing is not None)
            if alarm_topic is not None:
                check(check_alarm_topic, alarm_topic, of=scope, call="ServerlessCache")
            thresholds = check(chosen_thresholds, alarms, settings)
            given_key = check(checked_key, encryption_key, of=scope) if encryption_key is not None else None
            of_secrets = check(checked_key, secrets_key, of=scope, name="secrets_key") if secrets_key else None
        super().__init__(scope, construct_id)
        report_open_reasons(self, reasons_of(settings))
        settings.backups.bind(self)
        if existing is not None:
            chosen = existing.serverless_cache_name
        else:
            chosen = name.value if name else unique_name(self, longest=LONGEST_NAME)
        claim(
            self,
            "names of serverless caches",
            [chosen],
            thing="a cache",
            what="the serverless cache {}",
            fix=RENAME_CACHE if name else RENAME,
            rule="NAM-09",
        )
        key = given_key or EncryptionKey(self, "Key", description=f"ElastiCache {construct_id}")
        port, reader_port = engine.ports
        groups = None
        if vpc is not None:
            groups = CacheSecurityGroups(
                self,
                "Network",
                vpc=vpc,
                port=port,
                last_port=reader_port,
                existing=existing.security_group_ids if existing else None,
                additional=additional or (),
            )
        entry = create_access(self, access, engine=engine, key=of_secrets or key) if access else None
        resource = elasticache.CfnServerlessCache(
            self,
            "Resource",
            **settings.properties(),
            serverless_cache_name=chosen,
            kms_key_id=existing.encryption_at_rest.key_arn if existing else key.key_arn,
            subnet_ids=_subnet_ids(existing, subnets, max_azs),
            security_group_ids=groups.node_group_ids if groups else None,
            user_group_id=entry.user_group_ids[0] if entry and entry.user_group_ids else None,
            snapshot_arns_to_restore=self._snapshot_arns(restore_from),
        )
        # A serverless cache has no DeletionPolicy of Snapshot. The suffix from the stack's id makes the names of two
        # final snapshots differ if a stack is deleted, created again and deleted again.
        final = {"Fn::Sub": [f"{chosen}-${{Stack}}{restored_suffix(restore_from)}", {"Stack": SHORT_STACK_ID}]}
        resource.add_property_override("FinalSnapshotName", final)
        # What was there before its stack is there after it.
        resource.apply_removal_policy(RemovalPolicy.RETAIN if existing else RemovalPolicy.DESTROY)
        accept(
            resource,
            {
                Situation.SERVERLESS_CACHE_WITHOUT_LOGIN: access.without_login_reason if access else None,
                Situation.SERVERLESS_CACHE_PUBLIC: public_endpoint_reason,
                Situation.CACHE_WITHOUT_CUSTOMER_KEY: existing.encryption_at_rest.reason if existing else None,
            },
        )

        self.serverless_cache_name = chosen
        self.endpoint = Endpoint(resource.attr_endpoint_address, port)
        # AWS shows none of a public endpoint, and to ask for the attribute might fail the deployment.
        self.reader_endpoint = None if groups is None else Endpoint(resource.attr_reader_endpoint_address, reader_port)
        self.client_security_group = groups.clients if groups else None
        self.encryption_key = key
        self._is_public = is_public
        nodes = [groups.nodes] if groups else []
        self._connections = connections_from_consumers(self, nodes, port=port, last_port=reader_port)
        self._engine_name = engine.name
        self._access = access
        self._passwords = {each.user_name: each for each in entry.passwords} if entry else {}
        self._attached = self._attach(vpc, groups, entry, network_type)
        self._watch(
            WatchedCache(profile=settings.profile(), cache_id=chosen, nodes=[serverless_dimensions(chosen)]),
            thresholds,
            alarm_topic,
            key=key,
        )

    @classmethod
    def from_serverless_cache_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        serverless_cache_name: str,
        endpoint_address: str,
        security_groups: Sequence[ec2.ISecurityGroup],
        engine: ServerlessEngine = ServerlessEngine.VALKEY_8,
        reader_endpoint_address: str | None = None,
        client_security_group: ec2.ISecurityGroup | None = None,
    ) -> ServerlessCacheBase:
        """An existing serverless cache, to connect to and grant access to. Nothing about it is changed.

        Args:
            scope: The parent.
            construct_id: The id in the parent.
            serverless_cache_name: The cache's name.
            endpoint_address: The host of its endpoint.
            security_groups: The security groups of the cache; rules for new clients are added to them.
            engine: Its engine. Default: Valkey 8; clients treat all Redis and Valkey caches alike.
            reader_endpoint_address: The host of its reader endpoint. Default: clients are told none.
            client_security_group: The group that its clients join. Default: none.
        """
        return _ImportedServerlessCache(
            scope,
            construct_id,
            serverless_cache_name=serverless_cache_name,
            endpoint_address=endpoint_address,
            security_groups=security_groups,
            engine=engine,
            reader_endpoint_address=reader_endpoint_address,
            client_security_group=client_security_group,
        )

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Change what happens when the cache is removed from its stack. Default: a final snapshot is taken.

        Args:
            policy: ``DESTROY``, the default, which takes a final snapshot too; ``RETAIN`` or
                ``RETAIN_ON_UPDATE_OR_DELETE``, which leave the cache running and billed.

        Raises:
            ConfigurationError: If the policy is ``SNAPSHOT``: CloudFormation has no such policy for serverless caches.
        """
        refuse_snapshot(policy, noun="serverless cache", because="its final snapshot is taken in any case")
        super().apply_removal_policy(policy)

    def secret(self, user_name: str = "default") -> secretsmanager.ISecret:
        """The secret with a user's generated password, as ``{"username": ..., "password": ...}``.

        Args:
            user_name: The user. Default: ``default``, whose password is the token of clients that send no name.

        Raises:
            ConfigurationError: If the user has no password: it is an IAM user, disabled, or does not exist.
        """
        return self._secret(user_name)

    def rotate_secrets(self, rotation: Rotation, *, alarm_topic: sns.ITopic | None = None) -> list[SecretRotation]:
        """Rotate every generated token and password of the cache on a schedule, without a failed login.

        The policy packs have a finding about each secret that does not rotate. Nothing rotates at deployment. The cache
        shows no nodes: a password is made current once it logs in at every address of both endpoints, several times.

        Args:
            rotation: When to rotate, and from which subnets.
            alarm_topic: The topic that is notified if a rotation fails or an old password is not removed. The policies
                of a topic in the app and of its key are extended to allow CloudWatch; those of imported ones must
                allow it already, and there is a warning. Default: an `AlarmTopic` for this cache.

        Raises:
            ConfigurationError: If alarms could not be published to the topic, the function would be in another VPC, or
                the users are those of a `UserGroup`, which a `UserGroupRotation` rotates.
        """
        check_own_users(self._access, self._noun)
        if alarm_topic is not None:
            check_alarm_topic(alarm_topic, of=self, call="rotate_secrets")
        if self._attached is None or not self._passwords:
            return []
        return create_rotations(
            self,
            {f"Rotation{name}": password for name, password in self._passwords.items()},
            caches=[self._attached],
            encryption_key=self.encryption_key,
            rotation=rotation,
            alarm_topic=alarm_topic or AlarmTopic(self, "RotationAlarms", key=self.encryption_key),
        )

    def _attach(
        self,
        vpc: ec2.IVpc | None,
        groups: CacheSecurityGroups | None,
        entry: AccessResources | None,
        network_type: NetworkType,
    ) -> AttachedCache | None:
        """The cache as the rotation of its passwords knows it; ``None`` if it has no users or no network."""
        if self._access is None or vpc is None or groups is None or entry is None:
            return None
        attached = AttachedCache(
            path=self.node.path,
            cache_id=self.serverless_cache_name,
            is_serverless=True,
            user_group_id=entry.user_group_id,
            vpc=vpc,
            client_security_group=groups.clients,
            is_ipv6_only=network_type.name == NetworkType.IPV6.name,
        )
        self._access.attach(attached)
        return attached

    def _snapshot_arns(self, snapshot: Snapshot | None) -> list[str] | None:
        if snapshot is None or snapshot.name is None:
            return None
        return [self._arn("serverlesscachesnapshot" if snapshot.is_serverless else "snapshot", snapshot.name)]


def restored_suffix(snapshot: Snapshot | None) -> str:
    """What the name of a restored cache's final snapshot ends with.

    A cache of the same name and stack may have had a final snapshot, from which this one was restored: names of
    snapshots are unique, and the deletion of this cache would fail.
    """
    if snapshot is None or snapshot.name is None:
        return ""
    if is_unresolved(snapshot.name):
        return "-restored"
    return f"-{hashlib.sha256(snapshot.name.encode()).hexdigest()[:_MARK_LENGTH]}"


def _routine() -> list[str]:
    """The detail types of events that mean nothing to do."""
    return [event.name for event in facts.events("eventbridge", facts.Meaning.ROUTINE)]


def _chosen_subnets(
    scope: Construct,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection | None,
    *,
    network_type: NetworkType,
    is_existing: bool,
) -> ChosenSubnets | None:
    if is_existing:
        check_placed("ServerlessCache", vpc, vpc_subnets, of=scope)
        return None
    return choose_subnets(
        vpc=vpc,
        vpc_subnets=vpc_subnets,
        network_type=network_type,
        of=scope,
        spread=Spread("a serverless cache", "ReplicationGroup with replicas_per_shard=0", rule="SLS-06"),
    )


def _subnet_ids(
    existing: ExistingServerlessCache | None, subnets: ChosenSubnets | None, max_azs: int | None
) -> list[str] | None:
    if existing is not None:
        return list(existing.subnet_ids) if existing.subnet_ids else None
    return subnets.one_per_zone(max_azs or _SUBNETS.maximum) if subnets else None


def _check_vpc(vpc: ec2.IVpc | None, *, is_public: bool, **others: object) -> None:
    """Refuse a cache in no VPC that is not public, and a public one with what is of a VPC."""
    if not is_public and vpc is None:
        raise ConfigurationError(
            got="ServerlessCache without vpc",
            allowed="a cache is in the VPC of its clients; the service would take the default VPC",
            fix="Add vpc=..., or say why the cache has a public endpoint: public_endpoint_reason='...'",
            rule="SLS-07",
        )
    named = [name for name, value in {"vpc": vpc, **others}.items() if value is not None]
    if is_public and named:
        raise ConfigurationError(
            got=f"ServerlessCache(public_endpoint_reason=...) with {' and '.join(named)}",
            allowed="a cache with a public endpoint is in no VPC",
            fix=f"Leave {' and '.join(named)} out, or leave public_endpoint_reason out",
            rule="SLS-09",
        )


def _check_zones(max_azs: int | None, subnets: ChosenSubnets | None, *, is_existing: bool) -> None:
    if max_azs is None:
        return
    if is_existing:
        raise ConfigurationError(
            got=f"ServerlessCache(existing=..., max_azs={shown(max_azs)}){other_type(max_azs)}",
            allowed="a cache that exists stays in the subnets that it has",
            fix="Leave max_azs out",
            rule="SLS-06",
        )
    known = subnets.zones if subnets is not None else ()
    if not is_whole_number(max_azs, _SUBNETS.minimum, _SUBNETS.maximum) or (known and max_azs > len(known)):
        raise ConfigurationError(
            got=f"ServerlessCache(max_azs={shown(max_azs)}){other_type(max_azs)}"
            + (f" in {len(known)} zones" if known else ""),
            allowed=f"a serverless cache is in {_SUBNETS.minimum} or {_SUBNETS.maximum} Availability Zones, "
            "each with a subnet",
            fix="Use max_azs=2, or leave it out",
            rule="SLS-06",
        )


class _ImportedServerlessCache(ServerlessCacheBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serverless_cache_name: str,
        endpoint_address: str,
        security_groups: Sequence[ec2.ISecurityGroup],
        engine: ServerlessEngine,
        reader_endpoint_address: str | None,
        client_security_group: ec2.ISecurityGroup | None,
    ) -> None:
        super().__init__(scope, construct_id)
        port, reader_port = engine.ports
        # The service lower-cases names, and IAM compares the ARN as it is.
        self.serverless_cache_name = (
            serverless_cache_name if is_unresolved(serverless_cache_name) else serverless_cache_name.lower()
        )
        self.endpoint = Endpoint(endpoint_address, port)
        self.reader_endpoint = Endpoint(reader_endpoint_address, reader_port) if reader_endpoint_address else None
        self.client_security_group = client_security_group
        self._connections = connections_from_consumers(self, security_groups, port=port, last_port=reader_port)
        self._engine_name = engine.name
        self._is_imported = True

    def apply_removal_policy(self, policy: RemovalPolicy) -> NoReturn:  # noqa: ARG002 - of the CDK
        """Refused: the app does not have the cache.

        Raises:
            ConfigurationError: If it is called at all.
        """
        refuse_for_imported("cache")
