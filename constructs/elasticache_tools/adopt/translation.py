"""What the service says of a cache, as the call of the construct that says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules import facts
from elasticache_tools.adopt.account import CLUSTER, GROUP, SERVERLESS
from elasticache_tools.adopt.expressions import Call, Name
from elasticache_tools.adopt.findings import Finding, Weakness, around
from elasticache_tools.adopt.selection import is_public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from elasticache_tools.adopt.inventory import Answer, Inventory
    from elasticache_tools.adopt.selection import Cache

_DEFAULT_PORTS = {"redis": 6379, "valkey": 6379, "memcached": 11211}
_LEAST_RETENTION_DAYS = 15
_DAY_MINUTES = 24 * 60


class Translation:
    """A cache as a call of its construct.

    Args:
        cache: The cache.
        inventory: What it refers to.

    Attributes:
        findings: What is less than the secure default, and what is to be known.
        vpc_id: The VPC that it is in; ``None`` for a serverless cache with a public endpoint, which is in none.
        zones: The Availability Zones of its subnets.
        topic_arn: The topic that its events go to; ``None`` if they go to none.
        has_auth_token: Whether it has an AUTH token, which no API tells.
    """

    def __init__(self, cache: Cache, inventory: Inventory) -> None:
        self._cache, self._inventory = cache, inventory
        self.findings: list[Finding] = []
        self.topic_arn: str | None = None
        self.has_auth_token = bool(cache.answer.get("AuthTokenEnabled"))
        self.vpc_id, self.zones = self._place()
        says: Mapping[str, Callable[[Answer], tuple[str, dict[str, object]]]] = {
            GROUP: self._group,
            CLUSTER: self._cluster,
            SERVERLESS: self._serverless,
        }
        self.construct, self.arguments = says[cache.kind](cache.answer)
        self.findings.extend(around(cache, inventory))

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, without those that AWS sets."""
        tags = self._inventory.tags.get(self._cache.answer.get("ARN", ""), ())
        return {each["Key"]: each.get("Value", "") for each in tags if not each["Key"].lower().startswith("aws:")}

    def _open(self, weakness: Weakness, argument: str) -> str:
        """The reason that is to be written for a line; the finding is noted."""
        self.findings.append(Finding(self._cache.name, weakness.what, weakness.mended, argument))
        return weakness.todo

    def _place(self) -> tuple[str | None, list[str]]:
        answer = self._cache.answer
        if self._cache.kind == SERVERLESS:
            if is_public(answer):
                return None, []
            subnets = [self._inventory.named("Subnets", each) for each in answer.get("SubnetIds", ())]
            groups = (self._inventory.named("SecurityGroups", each) for each in answer["SecurityGroupIds"])
            zones = [each["AvailabilityZone"] for each in subnets if each]
            return next(each["VpcId"] for each in groups if each), sorted(set(zones))
        node = self._inventory.members(answer)[0] if self._cache.kind == GROUP else answer
        group = self._inventory.named("CacheSubnetGroups", node["CacheSubnetGroupName"])
        zones = [each["SubnetAvailabilityZone"]["Name"] for each in group.get("Subnets", ())]
        return group["VpcId"], sorted(set(zones))

    # Replication groups

    def _group(self, group: Answer) -> tuple[str, dict[str, object]]:
        node = self._inventory.members(group)[0]
        name, version = node["Engine"], _version(node["Engine"], node["EngineVersion"])
        access, secret = self._access(group)
        return "ReplicationGroup", {
            "engine": _engine(name, version),
            "node_type": _node_type(group.get("CacheNodeType") or node["CacheNodeType"]),
            "access": access,
            "topology": self._topology(group),
            "port": _port(name, _group_port(group, node)),
            "backups": self._backups(group.get("SnapshotRetentionLimit") or 0, group.get("SnapshotWindow")),
            "maintenance_window": node["PreferredMaintenanceWindow"],
            "transit_encryption": self._transit_encryption(group),
            "network_type": _network_type(group),
            "log_delivery": self._logs(group, name, version),
            "durability": _durability(group),
            **self._upgrades(group if "AutoMinorVersionUpgrade" in group else node),
            **self._topic(node),
            "description": group.get("Description") or None,
            "existing": Call(
                "ExistingReplicationGroup",
                keywords={
                    "replication_group_id": group["ReplicationGroupId"],
                    "subnet_group_name": node["CacheSubnetGroupName"],
                    "encryption_at_rest": self._at_rest(group),
                    **self._kept(node),
                    "auth_token_secret": secret,
                    "node_ids": _node_ids(group),
                    "no_backups_reason": None
                    if group.get("SnapshotRetentionLimit")
                    else self._open(Weakness.NO_BACKUPS, "no_backups_reason"),
                    "no_multi_az_reason": self._open(Weakness.NO_MULTI_AZ, "no_multi_az_reason")
                    if _has_failover(group) and group.get("MultiAZ") != "enabled"
                    else None,
                },
                expanded=True,
            ),
        }

    def _access(self, group: Answer) -> tuple[Call, str | None]:
        if group.get("UserGroupIds"):
            return self._user_group(group["UserGroupIds"][0]), None
        if self.has_auth_token:
            return Call("Access.auth_token"), token_secret(group["ReplicationGroupId"])
        return self._without_login(), None

    def _without_login(self) -> Call:
        return Call("Access.without_login", keywords={"reason": self._open(Weakness.NO_LOGIN, "access")})

    def _user_group(self, group_id: str) -> Call:
        group = self._inventory.named("UserGroups", group_id)
        users = [self._inventory.named("Users", each) for each in group.get("UserIds", ())]
        keywords = {
            "users": [call for each in users if (call := _user(each)) is not None] or None,
            "is_valkey": True if group.get("Engine") == "valkey" else None,
        }
        given = Call("ExistingUserGroup", (group_id,), keywords)
        return Call("Access.user_group", (given,))

    def _topology(self, group: Answer) -> Call:
        shards = len(group["NodeGroups"])
        replicas = len(group["NodeGroups"][0].get("NodeGroupMembers", ())) - 1
        is_cluster = bool(group.get("ClusterEnabled")) and group.get("ClusterMode") != "compatible"
        mode: object = None
        if group.get("ClusterMode") == "compatible":
            mode = Name("ClusterMode.COMPATIBLE")
        elif is_cluster and shards == 1:
            mode = True
        nodes = shards * (1 + replicas)
        return Call(
            "Topology",
            keywords={
                "shards": shards if shards > 1 else None,
                "replicas_per_shard": replicas,
                "cluster_mode": mode,
                "no_failover_reason": None if _has_failover(group) else self._open(Weakness.NO_FAILOVER, "topology"),
                "node_quota": nodes if nodes > facts.limit("nodes_per_cluster").maximum else None,
            },
        )

    def _transit_encryption(self, group: Answer) -> Call | None:
        if not group.get("TransitEncryptionEnabled"):
            reason = self._open(Weakness.NO_TLS, "transit_encryption")
            return Call("TransitEncryption.disabled", keywords={"reason": reason})
        if group.get("TransitEncryptionMode") == "preferred":
            reason = self._open(Weakness.TLS_PREFERRED, "transit_encryption")
            return Call("TransitEncryption.preferred", keywords={"reason": reason})
        return None

    def _logs(self, group: Answer, engine: str, version: str) -> Call | None:
        delivered = {each["LogType"]: each for each in group.get("LogDeliveryConfigurations", ())}
        logs: dict[str, object] = {}
        for kind, argument in (("slow-log", "slow_log"), ("engine-log", "engine_log")):
            if kind in delivered:
                logs[argument] = _log(delivered[kind], construct_id=f"{group['ReplicationGroupId']}-{kind}")
            elif facts.supports(argument, engine, version):  # type: ignore[arg-type]
                reason = self._open(Weakness.LOGS_MISSING, "log_delivery")
                logs[argument] = Call("Log.disabled", keywords={"reason": reason})
        return Call("LogDelivery", keywords=logs) if logs else None

    # Memcached clusters

    def _cluster(self, cluster: Answer) -> tuple[str, dict[str, object]]:
        nodes = sorted(cluster["CacheNodes"], key=lambda each: each["CacheNodeId"])
        zones = [each["CustomerAvailabilityZone"] for each in nodes]
        endpoint = cluster.get("ConfigurationEndpoint") or nodes[0]["Endpoint"]
        in_one_zone = len(nodes) > 1 and len(set(zones)) == 1
        return "MemcachedCluster", {
            "engine": _engine("memcached", cluster["EngineVersion"]),
            "node_type": _node_type(cluster["CacheNodeType"]),
            "nodes": len(nodes),
            "availability_zones": zones,
            "port": _port("memcached", endpoint["Port"]),
            "maintenance_window": cluster["PreferredMaintenanceWindow"],
            "network_type": _network_type(cluster),
            **self._upgrades(cluster),
            **self._topic(cluster),
            "existing": Call(
                "ExistingMemcachedCluster",
                keywords={
                    "cluster_id": cluster["CacheClusterId"],
                    "subnet_group_name": cluster["CacheSubnetGroupName"],
                    **self._kept(cluster),
                    "no_tls_reason": None
                    if cluster.get("TransitEncryptionEnabled")
                    else self._open(Weakness.MEMCACHED_WITHOUT_TLS, "no_tls_reason"),
                    "no_multi_az_reason": self._open(Weakness.MEMCACHED_IN_ONE_ZONE, "no_multi_az_reason")
                    if in_one_zone
                    else None,
                },
                expanded=True,
            ),
        }

    # Serverless caches

    def _serverless(self, cache: Answer) -> tuple[str, dict[str, object]]:
        access: Call | None = None
        if cache["Engine"] != "memcached":
            access = self._user_group(cache["UserGroupId"]) if cache.get("UserGroupId") else self._without_login()
        retention = cache.get("SnapshotRetentionLimit") or 0
        return "ServerlessCache", {
            "engine": _serverless_engine(cache["Engine"], cache["MajorEngineVersion"]),
            "limits": self._limits(cache.get("CacheUsageLimits", {})),
            "access": access,
            "backups": self._backups(retention, _window_from(cache.get("DailySnapshotTime"))),
            "network_type": _network_type(cache),
            "public_endpoint_reason": self._open(Weakness.PUBLIC_ENDPOINT, "public_endpoint_reason")
            if is_public(cache)
            else None,
            "description": (cache.get("Description") or "").strip() or None,
            "existing": Call(
                "ExistingServerlessCache",
                keywords={
                    "serverless_cache_name": cache["ServerlessCacheName"],
                    "subnet_ids": list(cache.get("SubnetIds", ())) or None,
                    "encryption_at_rest": self._at_rest({"AtRestEncryptionEnabled": True, **cache}),
                    "security_group_ids": list(cache.get("SecurityGroupIds", ())) or None,
                    "no_backups_reason": None if retention else self._open(Weakness.NO_BACKUPS, "no_backups_reason"),
                },
                expanded=True,
            ),
        }

    def _limits(self, limits: Answer) -> Call:
        storage, ecpu = limits.get("DataStorage", {}), limits.get("ECPUPerSecond", {})
        open_ended = storage.get("Maximum") is None or ecpu.get("Maximum") is None
        return Call(
            "ServerlessLimits",
            keywords={
                "maximum_storage_gb": storage.get("Maximum"),
                "maximum_ecpu_per_second": ecpu.get("Maximum"),
                "minimum_storage_gb": storage.get("Minimum"),
                "minimum_ecpu_per_second": ecpu.get("Minimum"),
                "unlimited_reason": self._open(Weakness.UNLIMITED, "limits") if open_ended else None,
            },
        )

    # Several kinds

    def _at_rest(self, answer: Answer) -> Call:
        if not answer.get("AtRestEncryptionEnabled"):
            reason = self._open(Weakness.NOT_ENCRYPTED_AT_REST, "encryption_at_rest")
            return Call("EncryptionAtRest.disabled", keywords={"reason": reason})
        if answer.get("KmsKeyId"):
            return Call("EncryptionAtRest.customer_key", (answer["KmsKeyId"],))
        reason = self._open(Weakness.SERVICE_KEY, "encryption_at_rest")
        return Call("EncryptionAtRest.service_key", keywords={"reason": reason})

    def _backups(self, retention: int, window: str | None) -> Call | None:
        keywords: dict[str, object] = {}
        if 0 < retention < _LEAST_RETENTION_DAYS:
            keywords = {
                "retention_days": retention,
                "short_retention_reason": self._open(Weakness.SHORT_RETENTION, "backups"),
            }
        elif retention:
            keywords = {"retention_days": retention}
        if window:
            keywords["window"] = window
        return Call("Backups", keywords=keywords) if keywords else None

    def _upgrades(self, answer: Answer) -> dict[str, object]:
        if answer.get("AutoMinorVersionUpgrade", True):
            return {}
        return {
            "auto_minor_version_upgrade": False,
            "manual_upgrades_reason": self._open(Weakness.MANUAL_UPGRADES, "manual_upgrades_reason"),
        }

    def _topic(self, node: Answer) -> dict[str, object]:
        self.topic_arn = node.get("NotificationConfiguration", {}).get("TopicArn")
        return {}

    def _kept(self, node: Answer) -> dict[str, object]:
        return {
            "security_group_ids": [each["SecurityGroupId"] for each in node["SecurityGroups"]],
            "parameter_group_name": node["CacheParameterGroup"]["CacheParameterGroupName"],
            "has_no_notification_topic": None if self.topic_arn else True,
        }


def token_secret(group_id: str) -> str:
    """The name of the secret that the AUTH token of a group is put into."""
    return f"elasticache/{group_id}/auth-token"


def _user(user: Answer) -> Call | None:
    """A user that applications log in as; ``None`` for the default user, and for one without a password."""
    if not user or user["UserName"] == "default":
        return None
    kind = user.get("Authentication", {}).get("Type")
    if kind == "iam":
        return Call("ExistingUser.iam", (user["UserId"],))
    if kind == "password":
        return Call("ExistingUser.with_password", (user["UserId"],), {"name": user["UserName"]})
    return None


def _log(delivery: Answer, *, construct_id: str) -> Call:
    """Where a log goes: a log group or a stream."""
    details, log_format = delivery["DestinationDetails"], delivery["LogFormat"]
    keywords = {"log_format": None if log_format == "json" else log_format}
    stream = details.get("KinesisFirehoseDetails", {}).get("DeliveryStream")
    if stream is not None:
        return Call("Log.to_firehose", (stream,), keywords)
    name = details["CloudWatchLogsDetails"]["LogGroup"]
    log_group = Call("logs.LogGroup.from_log_group_name", (Name("self"), construct_id, name))
    return Call("Log.to_log_group", (log_group,), keywords)


def _has_failover(group: Answer) -> bool:
    return bool(group.get("AutomaticFailover") == "enabled")


def _version(engine: str, full: str) -> str:
    """The version as templates have it: two numbers since Redis 6."""
    parts = full.split(".")
    form = facts.version_form(engine, int(parts[0]))
    return ".".join(parts[: len(form.split("."))])


def _engine(name: str, version: str) -> object:
    from elasticache_constructs import Engine  # noqa: PLC0415 - the CDK takes seconds

    constant = f"{name}_{version}".upper().replace(".", "_")
    if hasattr(Engine, constant):
        return Name(f"Engine.{constant}")
    return Call("Engine", (name, version), {"unlisted": None if version in facts.engine_versions(name) else True})


def _serverless_engine(name: str, major: str) -> object:
    from elasticache_constructs import ServerlessEngine  # noqa: PLC0415 - the CDK takes seconds

    constant = f"{name}_{major}".upper().replace(".", "_")
    if hasattr(ServerlessEngine, constant):
        return Name(f"ServerlessEngine.{constant}")
    return Call("ServerlessEngine", (name, major), {"unlisted": True})


def _node_type(name: str) -> Call:
    family = facts.node_family(name.split(".")[1])
    retired = family is not None and not family.creatable
    return Call(
        "NodeType",
        (name,),
        {
            "previous_generation": True if retired else None,
            "unlisted": True if not retired and facts.node_type(name) is None else None,
        },
    )


def _port(engine: str, port: int) -> int | None:
    return None if port == _DEFAULT_PORTS[engine] else port


def _group_port(group: Answer, node: Answer) -> int:
    shard: dict[str, Any] = group["NodeGroups"][0]
    endpoint = group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint")
    if endpoint is None:
        endpoint = node["CacheNodes"][0]["Endpoint"]
    port: int = endpoint["Port"]
    return port


def _network_type(answer: Answer) -> object:
    kind = answer.get("NetworkType", "ipv4")
    if kind == "ipv6":
        return Name("NetworkType.IPV6")
    if kind == "dual_stack":
        discovery = answer.get("IpDiscovery", "ipv4")
        return Call("NetworkType.dual_stack", keywords={"ip_discovery": None if discovery == "ipv4" else discovery})
    return None


def _durability(group: Answer) -> Call | None:
    modes = {"sync": "sync", "async": "asynchronous"}
    mode = modes.get(group.get("Durability", ""))
    return Call(f"Durability.{mode}") if mode else None


def _node_ids(group: Answer) -> list[str] | None:
    """The ids of the nodes, if they are not those that the construct assumes."""
    name, shards = group["ReplicationGroupId"], group["NodeGroups"]
    nodes = range(1, len(shards[0].get("NodeGroupMembers", ())) + 1)
    if group.get("ClusterEnabled") and group.get("ClusterMode") != "compatible":
        assumed = [f"{name}-{shard:04}-{node:03}" for shard in range(1, len(shards) + 1) for node in nodes]
    else:
        assumed = [f"{name}-{node:03}" for node in nodes]
    found = sorted(group["MemberClusters"])
    return None if found == assumed else found


def _window_from(time: str | None) -> str | None:
    """An hour's window from the time at which the daily snapshot of a serverless cache begins."""
    if not time:
        return None
    hours, minutes = map(int, time.split(":"))
    end = (hours * 60 + minutes + 60) % _DAY_MINUTES
    return f"{hours:02}:{minutes:02}-{end // 60:02}:{end % 60:02}"
