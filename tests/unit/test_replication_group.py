"""Replication groups: what each gets without a word, and what a word changes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from elasticache_constructs import (
    Access,
    Backups,
    ConfigurationError,
    DefaultUser,
    EncryptionKey,
    Endpoint,
    Engine,
    EventTopic,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    ReplicationGroupBase,
    Topology,
)
from elasticache_constructs.checks.errors import reference
from tests.conftest import Bench, new_bench
from tests.unit.builders import APP, GUIDE, LEGACY, USERS, other_stack, replication_group, seen_group

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = "ElastiCache::ReplicationGroup"
TOKEN = Access.auth_token()
CLUSTER = Topology(shards=3, replicas_per_shard=2)


def _properties(bench: Bench) -> dict[str, Any]:
    properties: dict[str, Any] = bench.only(KIND)["Properties"]
    return properties


def _logical_id(bench: Bench, kind: str) -> str:
    ((logical_id, _),) = bench.resources(kind).items()
    return logical_id


@pytest.fixture(scope="module", name="plain")
def _plain() -> dict[str, Any]:
    """The template of a group about which nothing is said but engine, size and access: only to be looked at."""
    bench = new_bench()
    replication_group(bench)
    return bench.template()


@pytest.fixture(name="default")
def _default(plain: dict[str, Any]) -> dict[str, Any]:
    (group,) = (each for each in plain["Resources"].values() if each["Type"] == f"AWS::{KIND}")
    found: dict[str, Any] = group
    return found


def _made(plain: dict[str, Any], kind: str) -> dict[str, Any]:
    ((name, _),) = (item for item in plain["Resources"].items() if item[1]["Type"] == f"AWS::{kind}")
    return {"name": name}


# Without a word


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("TransitEncryptionEnabled", True, id="TLS is on"),
        pytest.param("TransitEncryptionMode", "required", id="and clients without it are turned away"),
        pytest.param("AtRestEncryptionEnabled", True, id="data at rest are encrypted"),
        pytest.param("AutomaticFailoverEnabled", True, id="a replica takes over"),
        pytest.param("MultiAZEnabled", True, id="in another Availability Zone"),
        pytest.param("NumCacheClusters", 2, id="there are two nodes"),
        pytest.param("SnapshotRetentionLimit", 35, id="snapshots are kept 35 days"),
        pytest.param("SnapshotWindow", "02:00-03:00", id="and taken at two"),
        pytest.param("PreferredMaintenanceWindow", "sun:04:00-sun:05:00", id="maintenance is on Sunday at four"),
        pytest.param("AutoMinorVersionUpgrade", True, id="minor versions come by themselves"),
        pytest.param("Port", 6379, id="the port is the usual one"),
        pytest.param("ReplicationGroupDescription", "Redis", id="the description is the construct id"),
        pytest.param("Engine", "redis", id="the engine is the one chosen"),
        pytest.param("EngineVersion", "7.1", id="and its version too"),
        pytest.param("CacheNodeType", "cache.t4g.small", id="and the node type"),
    ],
)
def test_default(default: dict[str, Any], name: str, value: object) -> None:
    """Each default of the class's description is written into the template, not left to the service."""
    assert value == default["Properties"][name]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ReplicationGroupId", id="a physical name, which would prevent a replacement"),
        pytest.param("ClusterMode", id="the cluster mode property, which fails together with any other change"),
        pytest.param("NodeGroupConfiguration", id="a configuration by shard, which replaces the group when it changes"),
        pytest.param("PreferredCacheClusterAZs", id="zones by node, which replace the group when they change"),
        pytest.param("NumNodeGroups", id="shards, which exclude the number of nodes"),
        pytest.param("ReplicasPerNodeGroup", id="replicas by shard, which do too"),
        pytest.param("SnapshotName", id="a snapshot to begin from, which replaces the group when it changes"),
        pytest.param("CacheSecurityGroupNames", id="what EC2-Classic had"),
    ],
)
def test_default_leaves_out(default: dict[str, Any], name: str) -> None:
    """What would stand in the way later is left out."""
    assert name not in default["Properties"]


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_last_snapshot_is_taken(default: dict[str, Any], policy: str) -> None:
    """A snapshot is taken when the group is deleted, and when it is replaced."""
    assert "Snapshot" == default[policy]


def test_key_of_its_own_encrypts_data_at_rest(plain: dict[str, Any], default: dict[str, Any]) -> None:
    """Data at rest are encrypted with a customer key that is made with the group."""
    assert {"Fn::GetAtt": [_made(plain, "KMS::Key")["name"], "Arn"]} == default["Properties"]["KmsKeyId"]


def test_topic_of_its_own_is_told_events(plain: dict[str, Any], default: dict[str, Any]) -> None:
    """Events go to a topic that is made with the group."""
    assert {"Ref": _made(plain, "SNS::Topic")["name"]} == default["Properties"]["NotificationTopicArn"]


def test_parameter_group_of_its_own(plain: dict[str, Any], default: dict[str, Any]) -> None:
    """The group has its own parameter group, since the service's default cannot be changed later."""
    name = _made(plain, "ElastiCache::ParameterGroup")["name"]

    assert {"Ref": name} == default["Properties"]["CacheParameterGroupName"]


def test_subnet_group_of_its_own(plain: dict[str, Any], default: dict[str, Any]) -> None:
    """The group is placed in a subnet group that is made with it."""
    name = _made(plain, "ElastiCache::SubnetGroup")["name"]

    assert {"Ref": name} == default["Properties"]["CacheSubnetGroupName"]


def test_slow_and_engine_logs_are_delivered(plain: dict[str, Any], default: dict[str, Any]) -> None:
    """Both kinds of log go to CloudWatch Logs as JSON, each to a group of the stack."""
    logs = default["Properties"]["LogDeliveryConfigurations"]
    assert [("slow-log", "json", "cloudwatch-logs"), ("engine-log", "json", "cloudwatch-logs")] == [
        (each["LogType"], each["LogFormat"], each["DestinationType"]) for each in logs
    ]
    groups = [each["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]["Ref"] for each in logs]
    assert ["AWS::Logs::LogGroup"] * 2 == [plain["Resources"][name]["Type"] for name in groups]


def test_online_resharding_is_for_clusters(default: dict[str, Any]) -> None:
    """A group without cluster mode has no shards to move."""
    assert "UpdatePolicy" not in default


# Engines


@pytest.mark.parametrize(
    ("engine", "mode"),
    [
        (Engine.REDIS_5_0_6, None),
        (Engine.REDIS_6_2, None),
        (Engine.REDIS_7_0, "required"),
        (Engine.VALKEY_7_2, "required"),
    ],
    ids=str,
)
def test_tls_mode_is_said_where_the_engine_has_one(engine: Engine, mode: str | None) -> None:
    """Before Redis 7 there is no such property, and naming it fails; TLS is on all the same."""
    bench = seen_group(engine=engine, access=TOKEN)

    properties = _properties(bench)
    assert (True, mode) == (properties["TransitEncryptionEnabled"], properties.get("TransitEncryptionMode"))


@pytest.mark.parametrize(
    ("engine", "kinds"),
    [
        pytest.param(
            Engine.REDIS_5_0_6,
            None,
        ),
        (Engine("redis", "6.0", "redis6.x"), ["slow-log"]),
        (Engine.REDIS_6_2, ["slow-log", "engine-log"]),
        (Engine.VALKEY_8_2, ["slow-log", "engine-log"]),
    ],
    ids=str,
)
def test_logs_are_those_that_the_engine_has(engine: Engine, kinds: list[str] | None) -> None:
    """A log that the engine cannot deliver is not asked for, and no group is made for it."""
    bench = seen_group(engine=engine, access=TOKEN)

    logs = _properties(bench).get("LogDeliveryConfigurations")
    assert kinds == (None if logs is None else [each["LogType"] for each in logs])
    assert len(kinds or []) == len(bench.resources("Logs::LogGroup"))


def test_memcached_is_refused(bench: Bench) -> None:
    """Memcached has no replication groups."""
    with pytest.raises(ConfigurationError) as refusal:
        replication_group(bench, engine=Engine.MEMCACHED_1_6_22)

    expected = (
        "ReplicationGroup(engine=memcached 1.6.22): replication groups run Redis or Valkey. Use MemcachedCluster. "
        f"{reference('ENG-01')}"
    )
    assert expected == str(refusal.value)


def test_engine_without_tls_is_refused(bench: Bench) -> None:
    """There is no group without TLS."""
    new = NodeType("cache.r99g.large", unlisted=True)  # nothing is known of it, so it adds no message
    with pytest.raises(ConfigurationError) as refusal:
        replication_group(bench, engine=Engine("redis", "4.0.9", unlisted=True), node_type=new, access=TOKEN)

    expected = (
        "ReplicationGroup(engine=redis 4.0.9): TLS needs at least Redis OSS 4.0.10 or Valkey 7.2. "
        f"Use Engine.REDIS_7_1 or Engine.VALKEY_8_2. {reference('TLS-02')}"
    )
    assert expected == str(refusal.value)


STABLE = [
    KIND,
    "KMS::Key",
    "SecretsManager::Secret",
    "ElastiCache::User",
    "ElastiCache::UserGroup",
    "ElastiCache::SubnetGroup",
    "EC2::SecurityGroup",
    "SNS::Topic",
    "Logs::LogGroup",
]


@pytest.fixture(scope="module", name="engines")
def _engines() -> list[Bench]:
    benches = []
    for engine in (Engine.REDIS_7_1, Engine.VALKEY_8_2):
        bench = new_bench()
        replication_group(bench, engine=engine)
        bench.template()
        benches.append(bench)
    return benches


@pytest.mark.parametrize("kind", STABLE)
def test_going_to_valkey_replaces_nothing(engines: list[Bench], kind: str) -> None:
    """From Redis to Valkey everything keeps its logical id: the cache, its secrets and users, its groups."""
    redis, valkey = (sorted(bench.resources(kind)) for bench in engines)

    assert redis == valkey
    assert [] != redis


def test_going_to_valkey_keeps_the_ids_of_users(engines: list[Bench]) -> None:
    """From Redis to Valkey users keep their ids: another one would replace them."""
    redis, valkey = (
        sorted(each["Properties"]["UserId"] for each in bench.resources("ElastiCache::User").values())
        for bench in engines
    )

    assert redis == valkey


def test_going_to_valkey_makes_another_parameter_group(engines: list[Bench]) -> None:
    """The parameter group is of a family, and one in use cannot change it: there is a second one."""
    redis, valkey = (_logical_id(bench, "ElastiCache::ParameterGroup") for bench in engines)

    assert redis != valkey


def test_minor_upgrade_keeps_the_parameter_group() -> None:
    """Within a family the parameter group stays."""
    names = []
    for engine in (Engine.VALKEY_8_0, Engine.VALKEY_8_2):
        bench = new_bench()
        replication_group(bench, engine=engine, access=TOKEN)
        names.append(_logical_id(bench, "ElastiCache::ParameterGroup"))

    assert names[0] == names[1]


# Topologies

COUNTS = ("NumCacheClusters", "NumNodeGroups", "ReplicasPerNodeGroup")


@pytest.mark.parametrize(
    ("topology", "counts"),
    [
        pytest.param(Topology(replicas_per_shard=0), {"NumCacheClusters": 1}, id="one node"),
        pytest.param(Topology(replicas_per_shard=5), {"NumCacheClusters": 6}, id="six nodes"),
        pytest.param(CLUSTER, {"NumNodeGroups": 3, "ReplicasPerNodeGroup": 2}, id="a cluster"),
        pytest.param(
            Topology(cluster_mode=True), {"NumNodeGroups": 1, "ReplicasPerNodeGroup": 1}, id="a cluster of one shard"
        ),
    ],
)
def test_counts_are_of_one_kind(topology: Topology, counts: dict[str, int]) -> None:
    """Nodes are counted without cluster mode, shards and replicas with it; the service refuses both together."""
    bench = seen_group(topology=topology, access=TOKEN)

    assert counts == {name: value for name, value in _properties(bench).items() if name in COUNTS}


@pytest.mark.parametrize(
    ("topology", "on"),
    [
        pytest.param(Topology(replicas_per_shard=0), False, id="one node"),
        pytest.param(Topology(replicas_per_shard=1), True, id="a replica"),
        pytest.param(CLUSTER, True, id="a cluster"),
    ],
)
def test_failover_and_multi_az_follow_from_replicas(topology: Topology, *, on: bool) -> None:
    """Both are on as soon as there is a replica, and both are off without."""
    bench = seen_group(topology=topology, access=TOKEN)

    properties = _properties(bench)
    assert (on, on) == (properties["AutomaticFailoverEnabled"], properties["MultiAZEnabled"])


def test_cluster_mode_is_on_in_the_parameter_group() -> None:
    """Cluster mode is a parameter, and the group of parameters says so."""
    bench = seen_group(topology=CLUSTER, access=TOKEN)

    assert {"cluster-enabled": "yes"} == bench.only("ElastiCache::ParameterGroup")["Properties"]["Properties"]


def test_cluster_is_resharded_online() -> None:
    """Without the policy CloudFormation would replace the group to change its shards."""
    bench = seen_group(topology=CLUSTER, access=TOKEN)

    assert {"UseOnlineResharding": True} == bench.only(KIND)["UpdatePolicy"]


@pytest.mark.parametrize(
    ("topology", "attribute"),
    [
        pytest.param(Topology(), "PrimaryEndPoint.Address", id="the primary's without cluster mode"),
        pytest.param(CLUSTER, "ConfigurationEndPoint.Address", id="the configuration endpoint with it"),
    ],
)
def test_endpoint_is_that_of_the_mode(topology: Topology, attribute: str) -> None:
    """The attribute of the other mode fails the deployment."""
    bench = seen_group(topology=topology, access=TOKEN, port=7000)

    host = bench.stack.resolve(bench.cache.endpoint.host)
    assert ({"Fn::GetAtt": [_logical_id(bench, KIND), attribute]}, 7000) == (host, bench.cache.endpoint.port)


def test_reader_endpoint_is_that_of_the_replicas() -> None:
    """Without cluster mode reads may go to the replicas."""
    bench = seen_group(access=TOKEN, port=7000)

    assert bench.cache.reader_endpoint is not None
    host = bench.stack.resolve(bench.cache.reader_endpoint.host)
    expected = {"Fn::GetAtt": [_logical_id(bench, KIND), "ReaderEndPoint.Address"]}
    assert (expected, 7000) == (host, bench.cache.reader_endpoint.port)


def test_cluster_has_no_reader_endpoint(bench: Bench) -> None:
    """In cluster mode clients find the replicas by themselves."""
    assert replication_group(bench, topology=CLUSTER, access=TOKEN).reader_endpoint is None


# With a word


def test_windows_and_retention_can_be_said() -> None:
    """Both windows and the retention are those given."""
    backups = Backups(retention_days=20, window="10:00-11:30")
    bench = seen_group(backups=backups, maintenance_window="wed:12:00-wed:13:00", access=TOKEN)

    properties = _properties(bench)
    assert (20, "10:00-11:30", "wed:12:00-wed:13:00") == (
        properties["SnapshotRetentionLimit"],
        properties["SnapshotWindow"],
        properties["PreferredMaintenanceWindow"],
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"maintenance_window": "sun:2:00-sun:3:00"}, "^maintenance window 'sun:2:00", id="a window's form"
        ),
        pytest.param(
            {"maintenance_window": "mon:02:30-mon:03:30"},
            "^snapshot window 02:00-03:00 and maintenance window mon:02:30-mon:03:30: the two must not overlap",
            id="windows that overlap",
        ),
        pytest.param({"port": 0}, "^port=0: .* Use port=6379", id="a port"),
        pytest.param({"parameters": {"timeout": 300}}, r"^parameters\['timeout'\] = 300: ", id="a parameter"),
    ],
)
def test_values_are_checked(bench: Bench, changes: dict[str, Any], message: str) -> None:
    """What the service would refuse is refused by the constructor."""
    with pytest.raises(ConfigurationError, match=message):
        replication_group(bench, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        *({"port": 0}, {"engine": Engine.MEMCACHED_1_6_22}, {"maintenance_window": ""}),
        pytest.param(
            {"description": "x" * 256},
        ),
    ],
)
def test_refusal_leaves_no_construct_behind(bench: Bench, changes: dict[str, Any]) -> None:
    """A refused group can be tried again under the same id."""
    with pytest.raises(ConfigurationError):
        replication_group(bench, **changes)

    assert bench.stack.node.try_find_child("Redis") is None


def test_parameters_go_into_the_parameter_group(bench: Bench) -> None:
    """Parameters are those given, as well as that of cluster mode."""
    replication_group(bench, parameters={"timeout": "300"}, topology=CLUSTER, access=TOKEN)

    expected = {"timeout": "300", "cluster-enabled": "yes"}
    assert expected == bench.only("ElastiCache::ParameterGroup")["Properties"]["Properties"]


def test_key_can_be_given(bench: Bench) -> None:
    """A key of the caller's encrypts data, secrets and logs, and no other is made."""
    key = EncryptionKey(bench.stack, "Mine", description="Mine").key
    cache = replication_group(bench, encryption_key=key)

    arn = {"Fn::GetAtt": [_logical_id(bench, "KMS::Key"), "Arn"]}
    encrypted = [
        *bench.resources(KIND).values(),
        *bench.resources("SecretsManager::Secret").values(),
        *bench.resources("Logs::LogGroup").values(),
    ]
    assert [arn] * 5 == [each["Properties"]["KmsKeyId"] for each in encrypted]
    assert key is cache.encryption_key


def test_topic_can_be_given(bench: Bench) -> None:
    """Events go to a topic of the caller's, and no other is made."""
    topic = sns.Topic.from_topic_arn(bench.stack, "Mine", "arn:aws:sns:eu-west-1:123456789012:mine")
    cache = replication_group(bench, notification_topic=topic, access=TOKEN)

    assert "arn:aws:sns:eu-west-1:123456789012:mine" == _properties(bench)["NotificationTopicArn"]
    assert {} == bench.resources("SNS::Topic")
    assert topic is cache.notification_topic


def test_topic_of_another_cache_can_be_given(bench: Bench) -> None:
    """Two caches tell one topic."""
    topic = EventTopic(bench.stack, "Events").topic
    replication_group(bench, "First", notification_topic=topic, access=TOKEN)
    replication_group(bench, "Second", notification_topic=topic, access=TOKEN)

    told = [each["Properties"]["NotificationTopicArn"] for each in bench.resources(KIND).values()]
    assert [{"Ref": _logical_id(bench, "SNS::Topic")}] * 2 == told


def test_description_can_be_given() -> None:
    """The console shows the description given."""
    bench = seen_group(description="Sessions of the shop", access=TOKEN)

    assert "Sessions of the shop" == _properties(bench)["ReplicationGroupDescription"]


def test_description_of_255_characters_is_accepted(bench: Bench) -> None:
    """255 characters are as many as the service takes."""
    replication_group(bench, description="x" * 255, access=TOKEN)

    assert "x" * 255 == _properties(bench)["ReplicationGroupDescription"]


def test_longer_description_is_refused(bench: Bench) -> None:
    """A description of 256 characters is refused, and not cut in silence."""
    with pytest.raises(ConfigurationError) as refusal:
        replication_group(bench, description="x" * 256, access=TOKEN)

    expected = f"a description of 256 characters: it has 255 at most. Shorten it. {reference('NAM-16')}"
    assert expected == str(refusal.value)


def test_tokens_pass_through(bench: Bench) -> None:
    """Port, node type, retention and both windows may be known at deployment only."""
    number = cdk.CfnParameter(bench.stack, "Number", type="Number").value_as_number
    text = cdk.CfnParameter(bench.stack, "Text").value_as_string
    days: Any = number
    replication_group(
        bench,
        port=number,
        node_type=NodeType(text),
        backups=Backups(retention_days=days, window=text),
        maintenance_window=text,
        access=TOKEN,
    )

    properties = _properties(bench)
    assert [{"Ref": "Number"}] * 2 == [properties[name] for name in ("Port", "SnapshotRetentionLimit")]
    assert [{"Ref": "Text"}] * 3 == [
        properties[name] for name in ("CacheNodeType", "SnapshotWindow", "PreferredMaintenanceWindow")
    ]


def test_description_may_hold_a_token(bench: Bench) -> None:
    """A description that is known at deployment only is not measured: a token stands for more or fewer characters."""
    name = cdk.CfnParameter(bench.stack, "Name").value_as_string
    replication_group(bench, description=f"{'x' * 250}{name}", access=TOKEN)

    assert {"Fn::Join": ["", ["x" * 250, {"Ref": "Name"}]]} == _properties(bench)["ReplicationGroupDescription"]


def test_port_token_reaches_the_rules(bench: Bench) -> None:
    """A port that is known at deployment only is that of the security groups' rules too."""
    port = cdk.CfnParameter(bench.stack, "Port", type="Number").value_as_number
    replication_group(bench, port=port, access=TOKEN)

    rule = bench.only("EC2::SecurityGroupIngress")["Properties"]
    assert ({"Ref": "Port"}, {"Ref": "Port"}) == (rule["FromPort"], rule["ToPort"])


@pytest.mark.parametrize("construct_id", ["X" * 200, "X" * 300, "Orders.Cache_1", "1st"])
def test_construct_ids_are_free(bench: Bench, construct_id: str) -> None:
    """A construct id of any length and alphabet makes a template; as a description it is cut to what fits."""
    replication_group(bench, construct_id)

    assert construct_id[:255] == _properties(bench)["ReplicationGroupDescription"]


def test_two_caches_fit_one_stack(bench: Bench) -> None:
    """Two caches live side by side in one stack."""
    first = Access.users(default=DefaultUser.with_token())
    replication_group(bench, "First", access=first)
    replication_group(bench, "Second", access=first)

    assert (2, 2) == (len(bench.resources(KIND)), len(bench.resources("ElastiCache::UserGroup")))


def test_logical_id_does_not_depend_on_what_may_change() -> None:
    """Nothing but the construct path decides the logical id: size, topology, access and windows do not."""
    plain, changed = new_bench(), new_bench()
    replication_group(plain)
    replication_group(
        changed,
        access=TOKEN,
        topology=CLUSTER,
        node_type=NodeType("cache.r7g.large"),
        engine=Engine.VALKEY_9_0,
        maintenance_window="wed:12:00-wed:13:00",
        port=7000,
    )

    assert _logical_id(plain, KIND) == _logical_id(changed, KIND)


# Grants


def _role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def _arn(resource: str, name: object) -> dict[str, Any]:
    prefix: list[Any] = ["arn:", {"Ref": "AWS::Partition"}, ":elasticache:", {"Ref": "AWS::Region"}, ":"]
    middle = [{"Ref": "AWS::AccountId"}]
    if isinstance(name, str):
        return {"Fn::Join": ["", [*prefix, *middle, f":{resource}:{name}"]]}
    return {"Fn::Join": ["", [*prefix, *middle, f":{resource}:", name]]}


def test_connecting_is_granted_on_the_group_and_the_user(bench: Bench) -> None:
    """IAM wants both: the ARN of the group, and that of the user, in colons and of the stack's partition."""
    replication_group(bench).grant_connect(_role(bench.stack), APP)

    (statement,) = bench.only("IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    expected = [_arn("replicationgroup", {"Ref": _logical_id(bench, KIND)}), _arn("user", "orders-app")]
    assert ("Allow", "elasticache:Connect", expected) == (
        statement["Effect"],
        statement["Action"],
        statement["Resource"],
    )


def test_arn_of_the_group() -> None:
    """The group's ARN is in colons and of the stack's partition."""
    bench = seen_group(access=TOKEN)

    expected = _arn("replicationgroup", {"Ref": _logical_id(bench, KIND)})
    assert expected == bench.stack.resolve(bench.cache.replication_group_arn)


def test_connecting_from_another_stack_makes_no_cycle(bench: Bench) -> None:
    """A role of another stack is granted in its own stack."""
    other = other_stack(bench)
    replication_group(bench).grant_connect(_role(other), APP)

    (statement,) = bench.only("IAM::Policy", other)["Properties"]["PolicyDocument"]["Statement"]
    assert "elasticache:Connect" == statement["Action"]
    assert [] == bench.stack.dependencies


@pytest.mark.parametrize(
    ("access", "known"),
    [
        pytest.param(USERS, "'orders-app'", id="of a group with another user"),
        pytest.param(TOKEN, "none", id="of a group with a token"),
        pytest.param(Access.users(default=DefaultUser.with_token(), users=[LEGACY]), "none", id="with passwords alone"),
    ],
)
def test_connecting_as_a_foreign_user_is_refused(access: Access, known: str) -> None:
    """A grant to a user that the group does not have would do nothing, and is refused."""
    cache = seen_group(access=access).cache

    with pytest.raises(ConfigurationError) as refusal:
        cache.grant_connect(_role(cdk.Stack()), IamUser("stranger", Permissions.read_only("*")))

    expected = (
        f"IamUser('stranger') of another cache: the IAM users of this group are {known}. "
        "Add the user to Access.users(users=[...]) first, and pass the same value here. "
        f"See {GUIDE}/auth-iam.html"
    )
    assert expected == str(refusal.value)


def test_connecting_as_a_password_user_is_refused() -> None:
    """IAM authentication is not for users with a password, so a grant for one is refused."""
    cache = seen_group(access=USERS).cache
    stranger: Any = LEGACY

    with pytest.raises(ConfigurationError, match=r"^grant_connect for PasswordUser\('legacy'\): "):
        cache.grant_connect(_role(cdk.Stack()), stranger)


# Secrets


@pytest.mark.parametrize(
    ("access", "name"),
    [
        pytest.param(USERS, "default", id="the default user's"),
        pytest.param(USERS, "legacy", id="a password user's"),
        pytest.param(TOKEN, "default", id="the token"),
    ],
)
def test_secret_of_a_password(bench: Bench, access: Access, name: str) -> None:
    """Every generated password has a secret that can be granted."""
    cache = replication_group(bench, access=access)
    cache.secret(name).grant_read(_role(bench.stack))

    secret = bench.stack.resolve(cache.secret(name).secret_arn)["Ref"]
    template = bench.resources("SecretsManager::Secret")[secret]["Properties"]["GenerateSecretString"]
    assert f'{{"username":"{name}"}}' == template["SecretStringTemplate"]


@pytest.mark.parametrize(
    ("access", "name", "known"),
    [
        pytest.param(USERS, "orders-app", ["default", "legacy"], id="an IAM user"),
        pytest.param(USERS, "stranger", ["default", "legacy"], id="a stranger"),
        pytest.param(
            Access.users(default=DefaultUser.disabled(), users=[APP]), "default", [], id="a disabled default user"
        ),
        pytest.param(TOKEN, "orders-app", ["default"], id="a user of a group with a token"),
    ],
)
def test_secret_of_nobody_is_refused(access: Access, name: str, known: list[str]) -> None:
    """Users without a generated password have no secret, and the message names those that have, in any order."""
    cache = seen_group(access=access).cache

    with pytest.raises(ConfigurationError) as refusal:
        cache.secret(name)

    expected = [
        f"secret({name!r}): the users with a secret are {', '.join(map(repr, names)) or 'none'}. "
        "IAM users need none: use grant_connect. For the AUTH token use DefaultUser.with_token()."
        for names in itertools.permutations(known)
    ]
    assert str(refusal.value) in expected
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


# Groups that exist


@pytest.fixture(name="imported")
def _imported(bench: Bench) -> Callable[..., ReplicationGroupBase]:
    def make(**changes: Any) -> ReplicationGroupBase:
        arguments: dict[str, Any] = {
            "replication_group_id": "Orders-Prod",
            "endpoint_address": "master.orders.example.com",
            "security_groups": [ec2.SecurityGroup.from_security_group_id(bench.stack, "Nodes", "sg-nodes")],
            **changes,
        }
        return ReplicationGroup.from_replication_group_attributes(bench.stack, "Imported", **arguments)

    return make


def test_imported_group_makes_nothing(bench: Bench, imported: Callable[..., ReplicationGroupBase]) -> None:
    """An imported group adds no resource to the template."""
    imported()

    assert {} == bench.template().get("Resources", {})


def test_imported_group_has_the_endpoints_given(imported: Callable[..., ReplicationGroupBase]) -> None:
    """Both endpoints are those given, on the port given."""
    cache = imported(reader_endpoint_address="replica.orders.example.com", port=7000)

    assert Endpoint("master.orders.example.com", 7000) == cache.endpoint
    assert Endpoint("replica.orders.example.com", 7000) == cache.reader_endpoint


def test_imported_group_needs_no_reader_endpoint(imported: Callable[..., ReplicationGroupBase]) -> None:
    """Where none is given there is none, and the port is the usual one."""
    cache = imported()

    assert (None, 6379) == (cache.reader_endpoint, cache.endpoint.port)


def test_imported_id_is_in_lower_case(imported: Callable[..., ReplicationGroupBase]) -> None:
    """The service stores ids in lower case, and IAM and CloudWatch compare letter by letter."""
    assert "orders-prod" == imported().replication_group_id


def test_imported_id_may_be_a_token(bench: Bench, imported: Callable[..., ReplicationGroupBase]) -> None:
    """An id that is known at deployment only is left as it is."""
    token = cdk.CfnParameter(bench.stack, "Id").value_as_string

    assert token == imported(replication_group_id=token).replication_group_id


def test_connecting_to_an_imported_group_is_granted(
    bench: Bench, imported: Callable[..., ReplicationGroupBase]
) -> None:
    """Any IAM user can be granted, since those of an imported group are not known."""
    imported().grant_connect(_role(bench.stack), APP)

    (statement,) = bench.only("IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    assert [_arn("replicationgroup", "orders-prod"), _arn("user", "orders-app")] == statement["Resource"]


def test_port_of_an_imported_group_is_checked(imported: Callable[..., ReplicationGroupBase]) -> None:
    """A port that is not valid is refused."""
    with pytest.raises(ConfigurationError, match=r"^port=0: .* Use port=6379, or leave it out\."):
        imported(port=0)
