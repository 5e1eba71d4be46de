"""Draws caches as accounts have them: of all ages, engines and topologies, secured or not, as the API answers."""

from __future__ import annotations

import functools
import random
from typing import Any

import botocore.session  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

from elasticache_rules import facts
from elasticache_tools.adopt.inventory import Inventory

Answer = dict[str, Any]

ACCOUNT, REGION = "111122223333", "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0123abcd-01ab-01ab-01ab-0123456789ab"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:cache-events"
VPCS = ("vpc-0123456789abcdef0", "vpc-0123456789abcdef1")
_ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
_WINDOWS = (("05:00-06:00", "mon:03:00-mon:04:00"), ("01:30-02:30", "sat:22:00-sat:23:30"))

# With the node types of their time.
REDIS = (
    ("3.2.6", ("cache.m3.medium", "cache.r3.large", "cache.t2.micro")),
    ("4.0.10", ("cache.m4.large", "cache.t2.small")),
    ("5.0.0", ("cache.m5.large", "cache.r4.large")),
    ("5.0.6", ("cache.m5.large", "cache.r5.xlarge")),
    ("6.0.5", ("cache.m5.large", "cache.t3.medium")),
    ("6.2.6", ("cache.r6gd.xlarge", "cache.r6g.large")),
    ("7.0.7", ("cache.m6g.large", "cache.t4g.small")),
    ("7.1.0", ("cache.r7g.large", "cache.m7g.xlarge")),
)
VALKEY = (
    ("7.2.6", ("cache.t4g.micro", "cache.m7g.large")),
    ("8.0.1", ("cache.r7g.large",)),
    ("8.2.0", ("cache.r7g.xlarge", "cache.t4g.medium")),
    ("9.0.0", ("cache.m7g.large",)),
)
MEMCACHED = (
    ("1.4.34", ("cache.m3.medium", "cache.t2.medium")),
    ("1.5.16", ("cache.m5.large",)),
    ("1.6.6", ("cache.r5.large",)),
    ("1.6.12", ("cache.m6g.large",)),
    ("1.6.22", ("cache.t4g.small", "cache.r7g.large")),
)


def drawn(number: int, *, seed: int) -> Inventory:
    """An account with a number of caches that are all available."""
    drawing = _Drawing(random.Random(seed))  # noqa: S311 - a test's
    for each in range(number):
        drawing.add(f"cache-{seed}-{each}")
    return drawing.inventory()


class _Drawing:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._groups: list[Answer] = []
        self._clusters: list[Answer] = []
        self._serverless: list[Answer] = []
        self._tags: dict[str, list[Answer]] = {}
        self._parameter_groups: set[str] = set()

    def add(self, name: str) -> None:
        """A cache of any kind."""
        kind = self._chance.choice(("group", "group", "group", "cluster", "serverless"))
        {"group": self._add_group, "cluster": self._add_cluster, "serverless": self._add_serverless}[kind](name)

    def inventory(self) -> Inventory:
        """All of it, with what the caches refer to; each answer has the shape that botocore knows."""
        subnets = [
            {"SubnetId": f"subnet-0123456789abcde{vpc}{zone}", "VpcId": VPCS[vpc], "AvailabilityZone": _ZONES[zone]}
            for vpc in (0, 1)
            for zone in (0, 1, 2)
        ]
        subnet_groups = [
            {
                "CacheSubnetGroupName": f"old-subnets-{number}",
                "CacheSubnetGroupDescription": "By hand",
                "VpcId": vpc,
                "Subnets": [
                    {
                        "SubnetIdentifier": each["SubnetId"],
                        "SubnetAvailabilityZone": {"Name": each["AvailabilityZone"]},
                    }
                    for each in subnets
                    if each["VpcId"] == vpc
                ],
            }
            for number, vpc in enumerate(VPCS)
        ]
        security_groups = [
            {
                "GroupId": f"sg-0123456789abcdef{number}",
                "GroupName": f"redis-{number}",
                "Description": "By hand",
                "VpcId": vpc,
                "IpPermissions": [
                    {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
                ],
            }
            for number, vpc in enumerate(VPCS)
        ]
        users = [
            _user("default", "default", "redis", "on ~* +@all", "no-password"),
            _user("shop-app", "shop", "redis", "on ~shop:* -@all +@read", "password"),
            _user("shop-iam", "shop-iam", "redis", "on ~shop:* -@all +@read", "iam"),
            _user("default.iam-user", "default.iam-user", "valkey", "on ~* +@all", "iam"),
        ]
        user_groups = [
            {
                "UserGroupId": name,
                "Status": "active",
                "Engine": engine,
                "UserIds": ["default", "shop-app", *(["shop-iam"] if name != "old-users" else [])],
                "ARN": _arn("usergroup", name),
            }
            for name, engine in (("shop-users", "redis"), ("valkey-users", "valkey"), ("old-users", "redis"))
        ]
        # That of the service, which is described like others, and one without a default user.
        for name, members in zip(_IAM_GROUPS, (["default.iam-user"], ["shop-iam"]), strict=True):
            arn = _arn("usergroup", name)
            user_groups.append(
                {"UserGroupId": name, "Status": "active", "Engine": "valkey", "UserIds": members, "ARN": arn}
            )
        _check("DescribeReplicationGroups", ReplicationGroups=self._groups)
        _check("DescribeCacheClusters", CacheClusters=self._clusters)
        _check("DescribeServerlessCaches", ServerlessCaches=self._serverless)
        _check("DescribeCacheSubnetGroups", CacheSubnetGroups=subnet_groups)
        _check("DescribeUsers", Users=users)
        _check("DescribeUserGroups", UserGroups=user_groups)
        single = [each for each in self._clusters if "ReplicationGroupId" not in each]
        caches = [*self._groups, *single, *self._serverless]
        sharded = {f"{each['ReplicationGroupId']}-parameters" for each in self._groups if each["ClusterEnabled"]}
        return Inventory(
            account=ACCOUNT,
            region=REGION,
            replication_groups=self._groups,
            clusters=self._clusters,
            serverless_caches=self._serverless,
            subnet_groups=subnet_groups,
            user_groups=user_groups,
            users=users,
            security_groups=security_groups,
            subnets=subnets,
            parameters={
                name: [
                    {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"},
                    *([{"ParameterName": "cluster-enabled", "ParameterValue": "yes"}] if name in sharded else []),
                ]
                for name in self._parameter_groups
            },
            tags={each["ARN"]: self._tags.get(each["ARN"], []) for each in caches},
            importable=[
                f"AWS::ElastiCache::{each}" for each in ("ReplicationGroup", "CacheCluster", "ServerlessCache")
            ],
        )

    def _add_group(self, name: str) -> None:
        engine, (version, types) = self._engine()
        short = ".".join(version.split(".")[: 3 if version < "6" and engine == "redis" else 2])
        shards, replicas = self._chance.choice(((1, 0), (1, 1), (1, 2), (2, 1), (3, 2), (1, 1)))
        is_cluster = shards > 1 or (replicas > 0 and self._chance.random() < 0.2)
        failover = is_cluster or (replicas > 0 and self._chance.random() < 0.7)
        tls = facts.supports("transit_encryption", engine, short) and self._chance.random() < 0.6
        required = tls and (not facts.supports("transit_encryption_mode", engine, short) or self._chance.random() < 0.7)
        login = self._chance.choice(("none", "token", "users")) if required else "none"
        if login == "users" and not facts.supports("user_groups", engine, short):
            login = "token"
        at_rest = self._chance.choice(("none", "service", "key"))
        window, maintenance = self._chance.choice(_WINDOWS)
        vpc = self._chance.choice((0, 1))
        port = self._chance.choice((6379, 6379, 6380))
        first = self._chance.choice((1, 1, 2)) if not is_cluster else 1
        ids = [
            [
                f"{name}-{shard:04}-{node:03}" if is_cluster else f"{name}-{node + first - 1:03}"
                for node in range(1, 2 + replicas)
            ]
            for shard in range(1, shards + 1)
        ]
        common = self._common(engine, short, vpc, maintenance, name)
        group: Answer = {
            "ReplicationGroupId": name,
            "Description": self._chance.choice(("orders", "By hand, 2019", 'it\'s "old"')),
            "Status": "available",
            "PendingModifiedValues": {},
            "MemberClusters": [each for shard in ids for each in shard],
            "NodeGroups": [
                {
                    "NodeGroupId": f"{number:04}",
                    "Status": "available",
                    **({} if is_cluster else {"PrimaryEndpoint": {"Address": f"{name}.example", "Port": port}}),
                    "NodeGroupMembers": [{"CacheClusterId": each, "CacheNodeId": "0001"} for each in shard],
                }
                for number, shard in enumerate(ids, 1)
            ],
            "AutomaticFailover": "enabled" if failover else "disabled",
            "MultiAZ": "enabled" if failover and self._chance.random() < 0.6 else "disabled",
            "SnapshotRetentionLimit": self._chance.choice((0, 1, 7, 15, 35)),
            "SnapshotWindow": window,
            "ClusterEnabled": is_cluster,
            "CacheNodeType": self._chance.choice(types),
            "AuthTokenEnabled": login == "token",
            "TransitEncryptionEnabled": tls,
            "AtRestEncryptionEnabled": at_rest != "none",
            "ARN": _arn("replicationgroup", name),
            "AutoMinorVersionUpgrade": self._chance.random() < 0.7,
            "NetworkType": "ipv4",
            "Engine": engine,
            "LogDeliveryConfigurations": self._logs(engine, short),
        }
        if is_cluster:
            group["ConfigurationEndpoint"] = {"Address": f"{name}.clustercfg.example", "Port": port}
        if facts.supports("cluster_mode_migration", engine, short):
            group["ClusterMode"] = "enabled" if is_cluster else "disabled"
        if tls and facts.supports("transit_encryption_mode", engine, short):
            group["TransitEncryptionMode"] = "required" if required else "preferred"
        if at_rest == "key":
            group["KmsKeyId"] = KEY
        if "6gd" in group["CacheNodeType"]:
            group["DataTiering"] = "enabled"
        if login == "users":
            users = "valkey-users" if engine == "valkey" and self._chance.random() < 0.5 else "shop-users"
            group["UserGroupIds"] = [users if facts.supports("iam", engine, short) else "old-users"]
        self._groups.append(group)
        self._tags[group["ARN"]] = self._chance.choice(([], [{"Key": "team", "Value": "shop"}, _SYSTEM_TAG]))
        for each in group["MemberClusters"]:
            self._clusters.append(
                {
                    **common,
                    "CacheClusterId": each,
                    "ReplicationGroupId": name,
                    "EngineVersion": version,
                    "Engine": engine,
                    "CacheNodeType": group["CacheNodeType"],
                    "NumCacheNodes": 1,
                    "AutoMinorVersionUpgrade": group["AutoMinorVersionUpgrade"],
                    "CacheNodes": [_node("0001", self._chance.choice(_ZONES), port)],
                }
            )

    def _engine(self) -> tuple[str, tuple[str, tuple[str, ...]]]:
        engine = self._chance.choice(("redis", "redis", "valkey"))
        return engine, self._chance.choice(REDIS if engine == "redis" else VALKEY)

    def _logs(self, engine: str, version: str) -> list[Answer]:
        logs = [
            log
            for log, feature in (("slow-log", "slow_log"), ("engine-log", "engine_log"))
            if facts.supports(feature, engine, version) and self._chance.random() < 0.5  # type: ignore[arg-type]
        ]
        to_group = {
            "DestinationType": "cloudwatch-logs",
            "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "/aws/elasticache/old"}},
        }
        to_stream = {
            "DestinationType": "kinesis-firehose",
            "DestinationDetails": {"KinesisFirehoseDetails": {"DeliveryStream": "cache-logs"}},
        }
        return [
            {
                "LogType": log,
                "LogFormat": self._chance.choice(("json", "text")),
                "Status": "active",
                **self._chance.choice((to_group, to_stream)),
            }
            for log in logs
        ]

    def _common(self, engine: str, version: str, vpc: int, maintenance: str, name: str) -> Answer:
        family = facts.parameter_family_of(engine, version)
        assert family is not None
        own = self._chance.random() < 0.3
        parameter_group = f"{name}-parameters" if own else f"default.{family.name}"
        if own:
            self._parameter_groups.add(parameter_group)
        answer: Answer = {
            "CacheClusterStatus": "available",
            "PreferredMaintenanceWindow": maintenance,
            "PendingModifiedValues": {},
            "CacheParameterGroup": {
                "CacheParameterGroupName": parameter_group,
                "ParameterApplyStatus": "in-sync",
                "CacheNodeIdsToReboot": [],
            },
            "CacheSubnetGroupName": f"old-subnets-{vpc}",
            "SecurityGroups": [{"SecurityGroupId": f"sg-0123456789abcdef{vpc}", "Status": "active"}],
            "CacheSecurityGroups": [],
            "NetworkType": "ipv4",
        }
        if self._chance.random() < 0.4:
            answer["NotificationConfiguration"] = {"TopicArn": TOPIC, "TopicStatus": "active"}
        return answer

    def _add_cluster(self, name: str) -> None:
        version, types = self._chance.choice(MEMCACHED)
        zones = [self._chance.choice(_ZONES) for _ in range(self._chance.choice((1, 2, 3)))]
        port = self._chance.choice((11211, 11211, 11300))
        cluster = {
            **self._common("memcached", version, self._chance.choice((0, 1)), _WINDOWS[0][1], name),
            "CacheClusterId": name,
            "CacheNodeType": self._chance.choice(types),
            "Engine": "memcached",
            "EngineVersion": version,
            "NumCacheNodes": len(zones),
            "ConfigurationEndpoint": {"Address": f"{name}.cfg.example", "Port": port},
            "CacheNodes": [_node(f"{number:04}", zone, port) for number, zone in enumerate(zones, 1)],
            "TransitEncryptionEnabled": version in ("1.6.12", "1.6.22") and self._chance.random() < 0.5,
            "AutoMinorVersionUpgrade": self._chance.random() < 0.7,
            "ARN": _arn("cluster", name),
        }
        self._clusters.append(cluster)

    def _add_serverless(self, name: str) -> None:
        engine, major = self._chance.choice(
            (("redis", "7"), ("valkey", "7"), ("valkey", "8"), ("valkey", "9"), ("memcached", "1.6"))
        )
        vpc = self._chance.choice((0, 1))
        cache: Answer = {
            "ServerlessCacheName": name,
            "Description": self._chance.choice((" ", "Carts")),
            "Status": "available",
            "Engine": engine,
            "MajorEngineVersion": major,
            "SecurityGroupIds": [f"sg-0123456789abcdef{vpc}"],
            "SubnetIds": [f"subnet-0123456789abcde{vpc}{zone}" for zone in (1, 0)],
            "SnapshotRetentionLimit": self._chance.choice((0, 1, 35)),
            "DailySnapshotTime": self._chance.choice(("03:00", "23:30")),
            "NetworkType": "ipv4",
            "ARN": _arn("serverlesscache", name),
        }
        if self._chance.random() < 0.5:
            cache["CacheUsageLimits"] = {
                "DataStorage": {"Maximum": 10, "Unit": "GB"},
                "ECPUPerSecond": {"Minimum": 1000, "Maximum": 5000},
            }
        if self._chance.random() < 0.5:
            cache["KmsKeyId"] = KEY
        if engine != "memcached" and self._chance.random() < 0.5:
            cache["UserGroupId"] = "shop-users"
        if major == "9" and self._chance.random() < 0.5:
            # In no VPC, and its users log in through IAM alone.
            cache |= {"ConnectionType": "public", "UserGroupId": self._chance.choice(_IAM_GROUPS)}
            del cache["SecurityGroupIds"], cache["SubnetIds"]
        self._serverless.append(cache)


_IAM_GROUPS = ("default.iam-user-group", "kiosk-users")
_SYSTEM_TAG = {"Key": "aws:servicecatalog:portfolio", "Value": "x"}


def _node(node_id: str, zone: str, port: int) -> Answer:
    return {
        "CacheNodeId": node_id,
        "CacheNodeStatus": "available",
        "CustomerAvailabilityZone": zone,
        "Endpoint": {"Address": "node.example", "Port": port},
    }


def _user(user_id: str, name: str, engine: str, rules: str, authentication: str) -> Answer:
    return {
        "UserId": user_id,
        "UserName": name,
        "Status": "active",
        "Engine": engine,
        "AccessString": rules,
        "Authentication": {"Type": authentication},
        "ARN": _arn("user", user_id),
    }


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{kind}:{name}"


def _check(operation: str, **answer: list[Answer]) -> None:
    """Refuse an answer that is not of the shape that botocore knows: a drawn cache that cannot be proves nothing."""
    shape = _model().operation_model(operation).output_shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()
    for each in next(iter(answer.values())):
        unknown = set(each) - set(shape.members[next(iter(answer))].member.members)
        assert unknown == set()


@functools.cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("elasticache")
