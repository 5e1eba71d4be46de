"""An argument of the wrong kind is refused in one line: what was got, what is allowed, what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    Backups,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    Permissions,
    ReplicationGroup,
    Snapshot,
    Topology,
)
from elasticache_constructs.checks.errors import reference
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from elasticache_constructs.serverless_cache.construct import ServerlessCache
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_constructs.shared.settings import kinds, settings_of
from elasticache_constructs.values.serverless_engine import ServerlessEngine
from elasticache_constructs.values.serverless_limits import ServerlessLimits
from tests.conftest import new_bench
from tests.rules.row import group

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_constructs.shared.settings import CacheSettings

_APP = Permissions.read_write("app:*")
_USERS = Access.users(default=DefaultUser.with_token())
_NODE = NodeType("cache.t4g.small")
_SECRET = "on >Geheim ~* +@all"
_REASON = "a reason has 20 characters at least"


def _construct(kind: Callable[..., object], arguments: dict[str, Any], changes: dict[str, Any]) -> object:
    bench = new_bench()
    return kind(bench.stack, "Cache", **{"vpc": bench.vpc, **arguments, **changes})


def _group(**changes: Any) -> object:
    arguments = {"engine": Engine.REDIS_7_1, "node_type": _NODE, "access": _USERS}
    return _construct(ReplicationGroup, arguments, changes)


def _cluster(**changes: Any) -> object:
    return _construct(MemcachedCluster, {"node_type": _NODE}, changes)


def _serverless(**changes: Any) -> object:
    limits = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)
    return _construct(ServerlessCache, {"limits": limits, "access": _USERS}, changes)


_CACHES: dict[Callable[..., object], type[CacheSettings]] = {
    _group: ReplicationGroupSettings,
    _cluster: MemcachedClusterSettings,
    _serverless: ServerlessCacheSettings,
}


def _users(**changes: Any) -> Access:
    return Access.users(**{"default": DefaultUser.with_token(), **changes})


def _any(kind: Callable[..., object], *arguments: Any, **keywords: Any) -> object:
    return kind(*arguments, **keywords)


# Settings of caches are tried below, from their declarations. Here are values, and the arguments that are resources:
# the call, what it got, what is allowed, the fix, and the id of the argument's own rule.
_CASES: list[tuple[Callable[[], object], str, str, str, str]] = [
    (lambda: _group(engine=ServerlessEngine.VALKEY_8), "of type ServerlessEngine", "type Engine", "Engine.V", "ENG-01"),
    (lambda: _group(vpc=None), "vpc=None of type NoneType", "IVpc", "ec2.Vpc", "NET-02"),
    (lambda: _group(access=None), "access=...) of type NoneType", "type Access", "Access.users(", ""),
    (lambda: _group(vpc_subnets="private"), "'private'", "SubnetSelection or None", "ec2.SubnetSelection(", "NET-01"),
    (lambda: _group(maintenance_window=None), "window=None", "type str", "'sun:04:00-sun:05:00'", "WIN-01"),
    (
        lambda: _group(parameters={5: "a"}),
        "the name 5 of type int",
        "is a non-empty string",
        "'maxmemory-policy'",
        "PGR-03",
    ),
    (lambda: _group(encryption_key="arn..."), "encryption_key='arn...'", "type IKey", "EncryptionKey(", "KMS-03"),
    (lambda: _group(notification_topic="arn..."), "topic='arn...'", "type ITopic", "EventTopic(", "TAG-04"),
    (lambda: _cluster(vpc="vpc-1"), "vpc='vpc-1'", "IVpc", "ec2.Vpc", "NET-02"),
    (lambda: _serverless(engine=Engine.VALKEY_8_2), "type Engine", "ServerlessEngine", "ServerlessEngine.V", "SLS-01"),
    (lambda: _serverless(encryption_key="alias/a"), "'alias/a'", "type IKey", "EncryptionKey(", "KMS-03"),
    (lambda: _any(Engine, "redis", 7.1), "version=7.1", "type str", "version='7.1'", "ENG-06"),
    (lambda: _any(Engine, "redis", "7.1", 7), "family=7", "type str", "family='redis7'", "ENG-09"),
    (lambda: _any(Engine, None, "7.1"), "name None", "redis, valkey, memcached", "Engine.VALKEY_8_2", "ENG-01"),
    (lambda: _any(ServerlessEngine, "valkey", 8), "major_version=8", "type str", "major_version='8'", "SLS-01"),
    (lambda: _any(ServerlessEngine, ["valkey"], "8"), "name=['valkey']", "type str", "name='valkey'", "SLS-01"),
    (lambda: _any(NodeType, None), "NodeType(name=None)", "type str", "'cache.t4g.small'", "NOD-01"),
    (lambda: _any(Topology, cluster_mode="enabled"), "'enabled'", "ClusterMode or bool", "True", "TOP-12"),
    (lambda: _any(Topology, cluster_mode=1), "cluster_mode=1", "ClusterMode or bool or None", "True", "TOP-12"),
    (lambda: _any(Topology, shards=_NODE), "shards=NodeType", "1 to 500 shards", "shards=1", "TOP-19"),
    (lambda: _any(Topology, no_failover_reason=5), "no_failover_reason", _REASON, "Write why", ""),
    (lambda: _any(IamUser, "app", _SECRET), "permissions=...) of type str", "Permissions", "Permissions.re", "RBC-10"),
    (lambda: _any(PasswordUser, "app", _SECRET), "permissions=...", "type Permissions", "Permissions.re", "RBC-10"),
    (lambda: _any(DefaultUser, _SECRET), "permissions=...", "type Permissions", "Permissions.re", "RBC-10"),
    (lambda: _any(IamUser, None, _APP), "IamUser(name=None)", "type str", "name='orders", "NAM-05"),
    (lambda: _any(Permissions, None), "access_string=...) of type NoneType", "type str", "'on ~orders", "RBC-10"),
    (lambda: _any(Permissions, _SECRET.encode()), "access_string=...) of type bytes", "type str", "'on ~o", "RBC-10"),
    (lambda: _any(Permissions.read_only, 5), "key pattern=...", "type str", "'session:*'", "RBC-10"),
    (lambda: _users(users=["a"]), "users=...) of type str", "IamUser or PasswordUser", "[IamUser(", ""),
    (lambda: _users(users=_SECRET), "users=...) of type str", "type list", "[IamUser(", ""),
    (lambda: _users(removing=None), "removing=...) of type NoneType", "type list", "[IamUser(", ""),
    (lambda: _users(default=None), "default=...) of type NoneType", "DefaultUser", "DefaultUser.disabled()", "RBC-05"),
    (lambda: _users(default=_SECRET), "default=...) of type str", "DefaultUser", "DefaultUser.disabled()", "RBC-05"),
    (lambda: _any(Access, _SECRET, ()), "default=...) of type str", "DefaultUser", "DefaultUser.disabled()", "RBC-05"),
    (lambda: Access(None, (IamUser("app", _APP),)), "NoneType", "DefaultUser", "DefaultUser.disabled()", "RBC-05"),
    (lambda: _any(Access, DefaultUser.with_token(), ("a",)), "users=...", "IamUser", "[IamUser(", ""),
    (lambda: _any(Access.without_login, reason=None), "reason None", _REASON, "Write why", ""),
    (lambda: _any(Access, None, (), (), 5), "reason 5", _REASON, "Write why", ""),
    (lambda: _any(Backups, retention_days=_NODE), "retention_days=NodeType", "15 to 35 days", "days=35", "SNP-01"),
    (lambda: _any(Backups, window=None), "Backups(window=None)", "type str", "'02:00-03:00'", "SNP-02"),
    (lambda: _any(Backups, short_retention_reason=5), "short_retention_reason", _REASON, "Write why", ""),
    (lambda: _any(LogDelivery, firehose_stream=5), "firehose_stream=5", "str or None", "'events'", "LOG-07"),
    (lambda: _any(Snapshot.named, 5), "name=5", "str or None", "name='nightly'", "NAM-14"),
    (lambda: Snapshot.rdb_files("arn:a"), "arns='arn:a') of type str", "type list", "['arn:aws:s3", "SNP-10"),
    (lambda: _any(Snapshot.rdb_files, [5]), "arns=5", "type str", "['arn:aws:s3", "SNP-10"),
]


@pytest.mark.parametrize(("call", "got", "allowed", "fix", "rule"), _CASES)
def test_wrong_kind_is_refused_in_one_line(
    call: Callable[[], object], got: str, allowed: str, fix: str, rule: str
) -> None:
    """One line names the argument, what was got, what is allowed and the fix, and shows nothing that may be secret."""
    with pytest.raises(ConfigurationError) as refusal:
        call()

    (error,) = refusal.value.errors
    assert (got in error.got, allowed in error.allowed, fix in error.fix) == (True, True, True), str(error)
    assert (rule, 1) == (error.rule or "", len(str(error).splitlines()))
    assert "Geheim" not in str(error)


class _Other:
    """Of a type that no argument has, and may hold a password."""

    def __repr__(self) -> str:
        return _SECRET


@pytest.mark.parametrize(
    ("construct", "settings", "name"),
    [
        pytest.param(construct, settings, each.name, id=f"{settings.CONSTRUCT} {each.name}")
        for construct, settings in _CACHES.items()
        for each in settings_of(settings)
    ],
)
def test_setting_of_another_type_is_refused_in_one_line(
    construct: Callable[..., object], settings: type[CacheSettings], name: str
) -> None:
    """Every declared setting says its name, its types, its example and its rule, and no secret."""
    with pytest.raises(ConfigurationError) as refusal:
        construct(**{name: _Other()})

    (error,) = refusal.value.errors
    kind = kinds(settings).get(name)
    declared = next(each.metadata for each in settings_of(settings) if each.name == name)
    assert (declared.get("rule"), 1) == (error.rule, len(str(error).splitlines()))
    assert name in error.got
    assert (_SECRET in str(error)) is not declared.get("secret", False)
    if kind is not None:
        assert (f"{name} is of type {kind.in_words}", f"Use {name}={kind.example}") == (error.allowed, error.fix)


def test_message_is_whole() -> None:
    """The whole line, once."""
    with pytest.raises(ConfigurationError) as refusal:
        _group(engine="redis")

    expected = (
        "ReplicationGroup(engine='redis') of type str: engine is of type Engine. Use engine=Engine.VALKEY_8_2. "
        f"{reference('ENG-01')}"
    )
    assert expected == str(refusal.value)


def test_wrong_kinds_are_reported_together() -> None:
    """Arguments of the wrong kind are reported in one go, those that are other resources too."""
    with pytest.raises(ConfigurationError) as refusal:
        _group(engine="redis", node_type=None, vpc=None)

    assert ["ENG-01", "NOD-01", "NET-02"] == [error.rule for error in refusal.value.errors]


def test_tokens_pass() -> None:
    """What is known at deployment only still stands for a text."""
    stack = new_bench().stack
    token = cdk.Fn.import_value("Shared")
    parameter = cdk.CfnParameter(stack, "Parameter").value_as_string

    group(description=token, maintenance_window=parameter, node_type=NodeType(token), backups=Backups(window=token))
    _any(LogDelivery, firehose_stream=cdk.Token.as_any({"Ref": "Stream"}))


def test_networks_from_elsewhere_pass() -> None:
    """A VPC that is imported or looked up is one, though it comes back from the CDK as another type."""
    stack = new_bench().stack
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Imported", vpc_id="vpc-1", availability_zones=["a", "b"], isolated_subnet_ids=["s-1", "s-2"]
    )

    ReplicationGroup(stack, "Cache", vpc=vpc, engine=Engine.REDIS_7_1, node_type=_NODE, access=_USERS)
