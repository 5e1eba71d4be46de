"""What an app accepts with a reason is no difference; what it does not accept stays one, next to it as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_cdk import Acknowledgment, Validations

from elasticache_constructs import Access, Engine, Log, LogDelivery, NodeType, ReplicationGroup, TransitEncryption
from elasticache_constructs.checks.situations import Situation
from tests.conftest import ROOT
from verification import assembly, rules
from verification.assembly import Stack
from verification.posture import Check, Knowledge, judge, verdict
from verification.resolve import Deployment
from verification.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Bench

_STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1"
_GROUP, _CLUSTER, _SERVERLESS = (
    f"AWS::ElastiCache::{kind}" for kind in ("ReplicationGroup", "CacheCluster", "ServerlessCache")
)
_REASON = "It is a test, and its data are made up."
_POSTURE = ROOT / "constructs" / "elasticache_rules" / "posture" / "elasticache.guard"
_WEAK: dict[str, Any] = {
    "TransitEncryptionEnabled": False,
    "AtRestEncryptionEnabled": False,
    "AutomaticFailover": "disabled",
    "MultiAZ": "disabled",
    "SnapshotRetentionLimit": 0,
    "AutoMinorVersionUpgrade": False,
    "LogDeliveryConfigurations": [],
}
_LOGS = [{"LogType": kind, "DestinationType": rules.FIREHOSE} for kind in rules.LOG_FEATURES]
_STRONG: dict[str, Any] = {
    "TransitEncryptionEnabled": True,
    "TransitEncryptionMode": "required",
    "AtRestEncryptionEnabled": True,
    "KmsKeyId": "key",
    "AutomaticFailover": "enabled",
    "MultiAZ": "enabled",
    "SnapshotRetentionLimit": 35,
    "AutoMinorVersionUpgrade": True,
    "UserGroupIds": ["users"],
    "LogDeliveryConfigurations": _LOGS,
}
_ADDRESS = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


class Told:
    """An account with one cache, whose nodes are in one Availability Zone, or in two if it is strong.

    Args:
        version: The version of the engine.
        engine: Its name.
        is_open: Whether its network admits every address.
        cache: What the API says of the cache, in addition to its ids.
    """

    def __init__(self, version: str = "8.2", *, engine: str = "valkey", is_open: bool = False, **cache: Any) -> None:
        self.region, self._engine, self._version = "eu-west-1", engine, version
        self.zones = ("a", "b") if cache.get("MultiAZ") == "enabled" else ("a", "a")
        self._cache = cache
        self._rules = [_ADDRESS] if is_open else []
        self.key_arn = str

    def replication_group(self, name: str) -> dict[str, Any]:
        """A group of two nodes."""
        members = [{"CacheClusterId": zone, "PreferredAvailabilityZone": zone} for zone in self.zones]
        shard = {"NodeGroupId": "0001", "NodeGroupMembers": members, "PrimaryEndpoint": {"Port": 6379}}
        state = {"ReplicationGroupId": name, "Status": "available", "NodeGroups": [shard], "AuthTokenEnabled": False}
        return {**state, "MemberClusters": list(self.zones), **self._cache}

    def cluster(self, _name: str) -> dict[str, Any]:
        """A node of the group, or a Memcached cluster."""
        return {
            "CacheClusterStatus": "available",
            "Engine": self._engine,
            "EngineVersion": self._version,
            "PreferredAvailabilityZone": self.zones[-1],
            "CacheNodes": [{"CacheNodeId": zone, "CustomerAvailabilityZone": zone} for zone in self.zones],
            "ConfigurationEndpoint": {"Port": 6379},
            "CacheSubnetGroupName": "subnets",
            "SecurityGroups": [{"SecurityGroupId": "sg-1"}],
            "NotificationConfiguration": {"TopicArn": "topic", "TopicStatus": "active"},
            **self._cache,
        }

    def serverless_cache(self, _name: str) -> dict[str, Any]:
        """A serverless cache."""
        return {"Status": "available", **self._cache}

    def subnet_group(self, _name: str) -> dict[str, Any]:
        """The subnets of the cache."""
        zones = dict.fromkeys(self.zones)
        return {
            "Subnets": [{"SubnetIdentifier": zone, "SubnetAvailabilityZone": {"Name": zone}} for zone in zones],
        }

    def routes(self, _subnet: str) -> list[dict[str, Any]]:
        """An open network has a route to the internet."""
        return [{"GatewayId": "igw-1"}] if self._rules else []

    def security_group(self, name: str) -> dict[str, Any]:
        """That of an open network admits every address."""
        return {"GroupId": name, "IpPermissions": self._rules, "IpPermissionsEgress": self._rules}

    def user_group(self, _name: str) -> dict[str, Any]:
        """A user group without users, whose default user is disabled."""
        return {"Status": "active", "Engine": "valkey", "UserIds": []}

    def alarms(self) -> dict[str, Any]:
        """No alarm."""
        return {}

    def read(self, _service: str, _operation: str, **_arguments: Any) -> dict[str, Any]:
        """A key of the customer."""
        return {"KeyMetadata": {"KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeyId": "key"}}


def _checks(kind: str, account: Told, acknowledged: Mapping[str, Mapping[str, str]], **asked: Any) -> list[Check]:
    """What the rules say of a cache, in a stack that has its security group and its subnet as well."""
    template = {
        "Resources": {
            "Cache": {"Type": kind, "Properties": asked},
            "Nodes": {"Type": "AWS::EC2::SecurityGroup"},
            "Zone": {"Type": "AWS::EC2::Subnet"},
        }
    }
    stack = Stack("shop", "shop", None, None, template, acknowledged=acknowledged)
    made = {"Cache": "shop", "Nodes": "sg-1", "Zone": "a"}
    deployment = Deployment(stack, cast("Any", account), made, dict.fromkeys(made, "CREATE_COMPLETE"), _STACK, {})
    knowledge = Knowledge(readers={}, rules={kind: RULES[kind]})
    return [check for check in verdict([deployment], knowledge).checks if check.resource == "Cache"]


def _named(checks: list[Check]) -> dict[str, str]:
    return {check.property.removeprefix("must: "): check.accepted for check in checks if check.accepted or not check.ok}


_IN_ONE_ZONE = {"fails over", "Multi-AZ", "shard 0001 is in", "subnets are in"}
# What each rule accepts of a cache that is weak in every way, where its acknowledgement is at that resource.
_ACCEPTED: Mapping[str, tuple[tuple[str, str, set[str]], ...]] = {
    _GROUP: (
        (*rules.TLS_OFF, "Cache", {"encrypted in transit"}),
        (*rules.TLS_NOT_REQUIRED, "Cache", {"in transit, mode"}),
        (*rules.NOT_ENCRYPTED, "Cache", {"encrypted at rest"}),
        (*rules.NO_CUSTOMER_KEY, "Cache", {"at rest, key"}),
        (*rules.NO_FAILOVER, "Cache", _IN_ONE_ZONE),
        (*rules.NO_LOGIN, "Cache", {"access"}),
        (*rules.NO_BACKUPS, "Cache", {"daily snapshots"}),
        (*rules.NO_MINOR_UPGRADES, "Cache", {"minor upgrades"}),
        (*rules.NO_LOG["engine-log"], "Cache", {"delivers its engine-log"}),
        (*rules.NO_LOG["slow-log"], "Cache", {"delivers its slow-log"}),
        (*rules.ADDRESSES_INBOUND, "Nodes", {"sg-1 allows inbound"}),
        (*rules.ADDRESSES_OUTBOUND, "Nodes", {"sg-1 allows outbound to any address"}),
        (*rules.INTERNET_ROUTE, "Zone", {"a routes to an internet gateway"}),
    ),
    _CLUSTER: (
        (*rules.NO_MEMCACHED_TLS, "Cache", {"encrypted in transit"}),
        (*rules.ONE_MEMCACHED_ZONE, "Cache", {"nodes are in", "subnets are in"}),
        (*rules.NO_MINOR_UPGRADES, "Cache", {"minor upgrades"}),
        (*rules.ADDRESSES_INBOUND, "Nodes", {"sg-1 allows inbound"}),
        (*rules.ADDRESSES_OUTBOUND, "Nodes", {"sg-1 allows outbound to any address"}),
        (*rules.INTERNET_ROUTE, "Zone", {"a routes to an internet gateway"}),
    ),
    _SERVERLESS: (
        (*rules.NO_CUSTOMER_KEY, "Cache", {"at rest, key"}),
        (*rules.NO_SECURITY_GROUPS, "Cache", {"security groups"}),
    ),
}


@pytest.mark.parametrize("kind", _ACCEPTED)
def test_each_acknowledgement_accepts_its_own_finding_at_its_own_resource(kind: str) -> None:
    """A cache that is weak in every way: all is found, each rule accepts what it says, and elsewhere nothing."""
    account = Told(engine="memcached" if kind == _CLUSTER else "valkey", is_open=True, **_WEAK)
    everything = dict.fromkeys((what for *_place, found in _ACCEPTED[kind] for what in found), "")
    assert everything == _named(_checks(kind, account, {}))
    for rule, resource, found in _ACCEPTED[kind]:
        expected = everything | dict.fromkeys(found, _REASON)
        assert expected == _named(_checks(kind, account, {resource: {rule: _REASON}}))
        others = {"Cache": "Nodes", "Nodes": "Zone", "Zone": "Nodes"}
        assert everything == _named(_checks(kind, account, {others[resource]: {rule: _REASON}}))
        assert everything == _named(_checks(kind, account, {resource: {rule: "too short"}}))


def test_rules_of_acceptances_exist() -> None:
    """Each is a posture rule that reports under this id, or an id of a situation: another name would accept nothing."""
    named = {rule for rows in _ACCEPTED.values() for rule, *_rest in rows}
    named |= {*rules.OPEN_USER, *rules.OPEN_USER_GROUP, *rules.LOG_WITHOUT_KEY, *rules.NOT_MEMCACHED}
    posture = {line.split()[1] for line in _POSTURE.read_text().splitlines() if line.startswith("rule elasticache_")}
    known = {f"CloudFormation-Validate::{name}" for name in posture} | {
        *Situation.GROUP_WITHOUT_FAILOVER.value.acknowledged
    }
    assert set() == named - known


@pytest.mark.parametrize(
    ("account", "asked", "accepted"),
    [
        ({**_STRONG, "SnapshotRetentionLimit": 0}, {"SnapshotRetentionLimit": {"Ref": "Days"}}, False),
        ({**_STRONG, "SnapshotRetentionLimit": 0}, {"SnapshotRetentionLimit": 0}, True),
        ({**_STRONG, "MultiAZ": "disabled"}, {}, True),
        ({**_STRONG, "MultiAZ": "disabled", "GlobalReplicationGroupInfo": {"a": "b"}}, {}, False),
        ({**_STRONG, "UserGroupIds": ["users", "users"]}, {}, False),
    ],
    ids=["decided by the deployment", "no backups", "one zone", "secondary of a global datastore", "two logins"],
)
def test_an_acknowledgement_of_something_else_accepts_nothing(
    account: dict[str, Any], asked: dict[str, Any], *, accepted: bool
) -> None:
    """Packs also object to what is not shown, to what the primary decides, and to users: that accepts no weakness."""
    reasons = dict.fromkeys((*rules.NO_BACKUPS, *rules.NO_FAILOVER, *rules.NO_LOGIN), _REASON)
    checks = _checks(_GROUP, Told(**account), {"Cache": reasons}, **asked)
    assert accepted == all(check.ok for check in checks)
    assert [accepted] * len(_named(checks)) == [bool(reason) for reason in _named(checks).values()]


@pytest.mark.parametrize(("version", "missing"), [("5.0.6", set()), ("6.0", {"delivers its slow-log"})])
def test_an_old_engine_is_not_asked_for_what_it_has_not(version: str, missing: set[str]) -> None:
    """Redis before 7 has no mode of TLS, before 6.2 no engine log, and before 6.0 no slow log."""
    told = Told(version, engine="redis", **{**_STRONG, "TransitEncryptionMode": None, "LogDeliveryConfigurations": []})
    assert missing == _named(_checks(_GROUP, told, {})).keys()


def test_what_a_construct_relaxes_with_a_reason_is_accepted(bench: Bench) -> None:
    """From the construct to the report: TLS preferred, one log off; the other log, or TLS off, stays a difference."""
    tls, log, login = (f"{what} until the end of May, and not a day longer." for what in ("TLS", "A log", "No login"))
    group = ReplicationGroup(
        bench.stack,
        "Cache",
        vpc=bench.vpc,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        access=Access.without_login(reason=login),
        transit_encryption=TransitEncryption.preferred(reason=tls),
        log_delivery=LogDelivery(slow_log=Log.disabled(reason=log)),
    )
    # At the construct, as an app may do it as well.
    Validations.of(group).acknowledge(Acknowledgment(id=rules.NO_MINOR_UPGRADES[0], reason=_REASON))
    app: Any = bench.stack.node.root
    [stack] = assembly.stacks(Path(app.synth().directory))
    [resource] = [found for found in stack.resources if found.type == _GROUP]
    topic = next(found for found in stack.resources if found.type == "AWS::SNS::Topic")
    assert rules.NO_MINOR_UPGRADES[0] in topic.acknowledged
    assert rules.TLS_NOT_REQUIRED[0] not in topic.acknowledged

    def found(**changes: Any) -> dict[str, str]:
        told = Told(**{**_STRONG, "UserGroupIds": [], **changes})
        deployment = Deployment(stack, cast("Any", told), {resource.logical_id: "shop"}, {}, _STACK, {})
        return _named(judge(deployment, resource, Knowledge(readers={}, rules=RULES)))

    relaxed = {
        "TransitEncryptionMode": "preferred",
        "LogDeliveryConfigurations": _LOGS[:1],
        "AutoMinorVersionUpgrade": False,
    }
    accepted = {"in transit, mode": tls, "access": login, "delivers its slow-log": log, "minor upgrades": _REASON}
    assert accepted == found(**relaxed)
    assert {**accepted, "delivers its engine-log": ""} == found(**{**relaxed, "LogDeliveryConfigurations": []})
    assert {**accepted, "encrypted in transit": ""} == found(**relaxed, TransitEncryptionEnabled=False)
