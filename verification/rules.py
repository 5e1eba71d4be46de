"""Rules for deployed resources that hold regardless of the template, so that a template cannot omit them.

Each rule reads one deployed resource with describe calls and yields findings: what it checked, what is required, and
what the account has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from verification.account import ABSENT, Account
from verification.alarms import alarm, watched_nodes
from verification.finding import SIZES, Finding
from verification.readers import flat_rules

ANYWHERE = ("0.0.0.0/0", "::/0")
MIN_AVAILABILITY_ZONES = 2
KEYS = ("KmsKeyId", "KmsMasterKeyId")
ENABLED_KEY = "CUSTOMER key, Enabled"
NO_OTHER_RULES = "has no rules besides those of templates"
NO_OTHER_POLICIES = "has no policies besides those of templates"
LOG_TYPES = ("engine-log", "slow-log")

Record = Mapping[str, Any]


Rule = Callable[[Account, str], Iterator[Finding]]


def _is(what: str, required: object, read: object, *of: str) -> Finding:
    return Finding(what, str(required), str(read), str(required) == str(read), of)


def replication_group(account: Account, name: str) -> Iterator[Finding]:
    """Encryption, high availability, one kind of access, logs and backups."""
    group = account.replication_group(name)
    members = [account.cluster(member) for member in group["MemberClusters"]]
    yield _is("is", "available", group["Status"])
    yield _is("encrypted in transit", True, group["TransitEncryptionEnabled"], "TransitEncryptionEnabled")
    mode = group.get("TransitEncryptionMode", ABSENT)
    yield _is("in transit, mode", "required", mode, "TransitEncryptionMode", "TransitEncryptionEnabled")
    yield _is("encrypted at rest", True, group["AtRestEncryptionEnabled"], "AtRestEncryptionEnabled")
    yield _customer_key(account, "at rest, key", group.get("KmsKeyId"))
    # A group of one node has nothing to fail over to; that replicas were taken from it is another difference.
    if len(members) > 1:
        yield _is("fails over", "enabled", group["AutomaticFailover"], "AutomaticFailoverEnabled")
        yield _is("Multi-AZ", "enabled", group["MultiAZ"], "MultiAZEnabled")
        for shard in group["NodeGroups"]:
            zones = [member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]]
            yield _several_zones(f"shard {shard['NodeGroupId']} is in", zones, *SIZES)
    yield from _one_kind_of_access(account, group)
    retention = group["SnapshotRetentionLimit"]
    yield Finding(
        "daily snapshots", "kept for at least 1 day", f"{retention} days", retention >= 1, ("SnapshotRetentionLimit",)
    )
    yield _is("minor upgrades", True, group["AutoMinorVersionUpgrade"], "AutoMinorVersionUpgrade")
    yield from _log_delivery(account, group["LogDeliveryConfigurations"])
    port = (group.get("ConfigurationEndpoint") or group["NodeGroups"][0]["PrimaryEndpoint"])["Port"]
    yield from _network(account, members, port)
    yield from watched_nodes(account, [{"CacheClusterId": member} for member in group["MemberClusters"]])


def memcached_cluster(account: Account, name: str) -> Iterator[Finding]:
    """Encryption in transit and several Availability Zones; Memcached stores nothing on disk."""
    cluster = account.cluster(name)
    yield _is("is", "available", cluster["CacheClusterStatus"])
    yield _is("encrypted in transit", True, cluster["TransitEncryptionEnabled"], "TransitEncryptionEnabled")
    zones = [node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]]
    yield _several_zones("nodes are in", zones, *SIZES, "AZMode", "PreferredAvailabilityZones")
    yield _is("minor upgrades", True, cluster["AutoMinorVersionUpgrade"], "AutoMinorVersionUpgrade")
    yield from _network(account, [cluster], cluster["ConfigurationEndpoint"]["Port"])
    nodes = [{"CacheClusterId": name, "CacheNodeId": node["CacheNodeId"]} for node in cluster["CacheNodes"]]
    yield from watched_nodes(account, nodes)


def cache_cluster(account: Account, name: str) -> Iterator[Finding]:
    """A cluster outside a replication group must be Memcached: a single Redis or Valkey node has no failover."""
    engine = account.cluster(name)["Engine"]
    if engine == "memcached":
        yield from memcached_cluster(account, name)
    else:
        yield _is("engine outside a replication group", "memcached", engine)


def _several_zones(what: str, zones: Sequence[str], *of: str) -> Finding:
    distinct = sorted(set(zones))
    return Finding(
        what,
        f"at least {MIN_AVAILABILITY_ZONES} Availability Zones",
        ", ".join(distinct),
        len(distinct) >= MIN_AVAILABILITY_ZONES,
        of,
    )


def _customer_key(account: Account, what: str, key: str | None) -> Finding:
    """An enabled customer managed key."""
    required = "a customer managed key, enabled"
    if not key:
        return Finding(what, required, ABSENT, ok=False, of=KEYS)
    metadata = account.read("kms", "describe_key", KeyId=key)["KeyMetadata"]
    read = f"{metadata['KeyManager']} key, {metadata['KeyState']}"
    return Finding(what, required, read, read == ENABLED_KEY, (*KEYS, metadata["KeyId"]))


def _one_kind_of_access(account: Account, group: Record) -> Iterator[Finding]:
    groups = group.get("UserGroupIds", [])
    kinds = ["AUTH token"] * group["AuthTokenEnabled"] + [f"user group {name}" for name in groups]
    read = " and ".join(kinds) or "open to all"
    yield Finding("access", "an AUTH token or one user group", read, len(kinds) == 1, ("AuthToken", "UserGroupIds"))
    for name in groups:
        yield from _user_group(account, name, "ReplicationGroups", group["ReplicationGroupId"])


def _user_group(account: Account, name: str, kind: str, cache: str) -> Iterator[Finding]:
    group = account.user_group(name)
    yield _is(f"{name} is", "active", group["Status"], name)
    if kind in group:
        caches = group[kind]
        yield Finding(f"{name} is attached", cache, ", ".join(caches) or "to nothing", cache in caches, (name,))
    users = [account.user(user) for user in group["UserIds"]]
    for user in users:
        inside = name in user["UserGroupIds"] and user["Status"] == "active"
        read = f"{user['Status']} in {', '.join(user['UserGroupIds']) or 'no group'}"
        yield Finding(f"user {user['UserId']}", f"active in {name}", read, inside, (name, user["UserId"]))
        yield _login(user)
    yield _default_user(name, group["Engine"], [user["UserId"] for user in users if user["UserName"] == "default"])


def _default_user(group: str, engine: str, ids: Sequence[str]) -> Finding:
    """The default user must not be the built-in one, whose id is its name.

    A Valkey group needs none: its default user is then disabled.
    """
    own = len(ids) == 1 and ids[0] != "default"
    none_needed = engine == "valkey" and not ids
    return Finding("default user", "not the built-in one", ", ".join(ids) or "none", own or none_needed, (group,))


def _login(user: Record) -> Finding:
    """A user that needs no password must be disabled."""
    kind = user["Authentication"]["Type"]
    switch = (["off"] + [word for word in user["AccessString"].split() if word in {"on", "off"}])[-1]
    ok = kind in {"password", "iam"} or switch == "off"
    required = "with a password or IAM, or is off"
    return Finding(f"user {user['UserId']} logs in", required, f"{kind}, {switch}", ok, (user["UserId"],))


def _log_delivery(account: Account, configurations: Sequence[Record]) -> Iterator[Finding]:
    kinds = sorted(item["LogType"] for item in configurations)
    yield _is("delivers", ", ".join(LOG_TYPES), ", ".join(kinds) or "nothing", "LogDeliveryConfigurations")
    for item in configurations:
        name = item["DestinationDetails"].get("CloudWatchLogsDetails", {}).get("LogGroup", ABSENT)
        found = account.log_group(name)
        read = "encrypted" if found and found.get("kmsKeyId") else "not encrypted" if found else ABSENT
        yield _is(f"{item['LogType']} arrives in a log group", "encrypted", read, name, "LogDeliveryConfigurations")


def _network(account: Account, clusters: Sequence[Record], port: int) -> Iterator[Finding]:
    """The subnets, the security groups and the notification topic of a cache."""
    yield from _subnets(account, clusters[0]["CacheSubnetGroupName"])
    groups = sorted({group["SecurityGroupId"] for cluster in clusters for group in cluster["SecurityGroups"]})
    yield Finding("security groups", "at least 1", str(len(groups)), bool(groups))
    for group in groups:
        yield from _cache_security_group(account, group, port)
    topics = {json.dumps(cluster.get("NotificationConfiguration", {}), sort_keys=True) for cluster in clusters}
    status = {cluster.get("NotificationConfiguration", {}).get("TopicStatus", ABSENT) for cluster in clusters}
    read = f"{len(topics)} topic, {', '.join(sorted(status))}"
    named = {cluster.get("NotificationConfiguration", {}).get("TopicArn", "") for cluster in clusters}
    yield _is("events go to", "1 topic, active", read, "NotificationTopicArn", *sorted(named))


def _subnets(account: Account, name: str) -> Iterator[Finding]:
    subnets = account.subnet_group(name)["Subnets"]
    yield _several_zones("subnets are in", [subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets], name)
    for subnet in (item["SubnetIdentifier"] for item in subnets):
        gateways = [route["GatewayId"] for route in account.routes(subnet) if _is_internet(route)]
        yield _is(f"{subnet} routes to an internet gateway", "no", ", ".join(gateways) or "no", subnet)


def _is_internet(route: Record) -> bool:
    return str(route.get("GatewayId", "")).startswith("igw-")


def _cache_security_group(account: Account, name: str, port: int) -> Iterator[Finding]:
    group = account.security_group(name)
    inbound, outbound = flat_rules(group["IpPermissions"]), _open_rules(group, "IpPermissionsEgress")
    proper = all(rule.startswith(f"tcp {port} sg-") for rule in inbound)
    yield Finding(f"{name} allows inbound", f"tcp {port} from security groups only", _listed(inbound), proper, (name,))
    yield _is(f"{name} allows outbound to any address", "nothing", _listed(outbound), name)


def security_group(account: Account, name: str) -> Iterator[Finding]:
    """No rule for traffic from or to any address."""
    group = account.security_group(name)
    inbound, outbound = (_listed(_open_rules(group, name)) for name in ("IpPermissions", "IpPermissionsEgress"))
    yield _is("allows inbound from any address", "nothing", inbound, NO_OTHER_RULES)
    yield _is("allows outbound to any address", "nothing", outbound, NO_OTHER_RULES)


def _open_rules(group: Record, permissions: str) -> list[str]:
    return [rule for rule in flat_rules(group[permissions]) if rule.endswith(ANYWHERE)]


def _listed(rules: Sequence[str]) -> str:
    return "; ".join(rules) or "nothing"


def vpc(account: Account, name: str) -> Iterator[Finding]:
    """Flow logs record all traffic, and the default security group allows none."""
    logs = [log for log in account.flow_logs() if log["ResourceId"] == name and log["FlowLogStatus"] == "ACTIVE"]
    recorded = ", ".join(log["TrafficType"] for log in logs) or "nothing"
    yield _is("flow logs record", "ALL", recorded, "AWS::EC2::FlowLog")
    group = account.default_security_group(name)
    rules = flat_rules(group["IpPermissions"]) + flat_rules(group["IpPermissionsEgress"])
    yield _is("default security group allows", "nothing", _listed(rules))


def key(account: Account, name: str) -> Iterator[Finding]:
    """An enabled key that rotates."""
    metadata = account.read("kms", "describe_key", KeyId=name)["KeyMetadata"]
    yield _is("is", "Enabled", metadata["KeyState"], "Enabled")
    status = account.read("kms", "get_key_rotation_status", KeyId=name)
    yield _is("rotates", True, status["KeyRotationEnabled"], "EnableKeyRotation")


def log_group(account: Account, name: str) -> Iterator[Finding]:
    """Encryption with a customer managed key, and a retention period."""
    group = account.log_group(name) or {}
    yield _customer_key(account, "key", group.get("kmsKeyId"))
    days = group.get("retentionInDays")
    read = f"{days} days" if days else "indefinitely"
    yield Finding("kept", "for a limited time", read, bool(days), ("RetentionInDays",))


def secret(account: Account, name: str) -> Iterator[Finding]:
    """Encryption with a customer managed key, and a value, which is not read."""
    described = account.read("secretsmanager", "describe_secret", SecretId=name)
    yield _customer_key(account, "key", described.get("KmsKeyId"))
    stages = {stage for stages in described.get("VersionIdsToStages", {}).values() for stage in stages}
    current = "AWSCURRENT" in stages
    yield Finding("holds", "a current value", "a current value" if current else "no current value", current)


def topic(account: Account, name: str) -> Iterator[Finding]:
    """Refusal of plain HTTP, and encryption unless a cache publishes to it: ElastiCache needs a plain topic."""
    attributes = account.topic(name)
    encryption = attributes.get("KmsMasterKeyId")
    if name in account.event_topics():
        yield _is("key (a cache publishes to it)", ABSENT, encryption or ABSENT, "KmsMasterKeyId")
    else:
        found = _customer_key(account, "key", encryption)
        # The topic of a cache that is gone looks like one that could be encrypted.
        yield replace(found, of=(*found.of, "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup"))
    statements = json.loads(attributes.get("Policy", "{}")).get("Statement", [])
    refuses = any(_refuses_plain_transport(statement) for statement in statements)
    yield Finding("refuses plain HTTP", "True", str(refuses), refuses, ("AWS::SNS::TopicPolicy",))


def _refuses_plain_transport(statement: Record) -> bool:
    secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement["Effect"] == "Deny" and str(secure).lower() == "false"


def user_group(account: Account, name: str) -> Iterator[Finding]:
    """A user group that is active, and of which its users say the same as it says of them."""
    group = account.user_group(name)
    yield _is("is", "active", group["Status"])
    listed = account.read("elasticache", "describe_users")["Users"]
    members = sorted(user["UserId"] for user in listed if name in user.get("UserGroupIds", ()))
    yield _is("its users, as they say", ", ".join(sorted(group["UserIds"])), ", ".join(members), "UserIds")


def user(account: Account, name: str) -> Iterator[Finding]:
    """A user that is active."""
    yield _is("is", "active", account.user(name)["Status"])


def serverless_cache(account: Account, name: str) -> Iterator[Finding]:
    """Encryption with a customer managed key, and security groups without a rule for any address."""
    cache = account.serverless_cache(name)
    yield _is("is", "available", cache["Status"])
    yield _customer_key(account, "at rest, key", cache.get("KmsKeyId"))
    groups = cache.get("SecurityGroupIds", [])
    yield Finding("security groups", "at least 1", str(len(groups)), bool(groups), ("SecurityGroupIds",))
    for group in groups:
        found = account.security_group(group)
        yield _is(f"{group} allows inbound from any address", "nothing", _opened(found, "IpPermissions"), group)
    if attached := cache.get("UserGroupId"):
        yield from _user_group(account, attached, "ServerlessCaches", name)


def _opened(group: Record, permissions: str) -> str:
    return _listed(_open_rules(group, permissions))


def global_datastore(account: Account, name: str) -> Iterator[Finding]:
    """It is available, its members follow one primary, and each is in a separate Region."""
    store = account.global_datastore(name)
    members = store["Members"]
    at_rest = ("available", "primary-only")
    yield Finding("status", " or ".join(at_rest), store["Status"], store["Status"] in at_rest, of=("Members",))
    primaries = [each["ReplicationGroupId"] for each in members if each["Role"] == "PRIMARY"]
    yield Finding("primaries", "one", ", ".join(primaries) or "none", len(primaries) == 1, of=("Members",))
    for member in members:
        what = f"{member['ReplicationGroupId']} in {member['ReplicationGroupRegion']}"
        yield Finding(what, "associated", member["Status"], member["Status"] == "associated", of=("Members",))


RULES: Mapping[str, Rule] = {
    "AWS::ElastiCache::GlobalReplicationGroup": global_datastore,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::ElastiCache::ServerlessCache": serverless_cache,
    "AWS::ElastiCache::User": user,
    "AWS::ElastiCache::UserGroup": user_group,
    "AWS::ElastiCache::ReplicationGroup": replication_group,
    "AWS::ElastiCache::CacheCluster": cache_cluster,
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::KMS::Key": key,
    "AWS::Logs::LogGroup": log_group,
    "AWS::SecretsManager::Secret": secret,
    "AWS::SNS::Topic": topic,
}
