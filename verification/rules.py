"""Rules for deployed resources that hold regardless of the template, so that a template cannot omit them.

Each rule reads one deployed resource with describe calls and yields findings: what it checked, what is required, and
what the account has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from verification.account import ABSENT, Account
from verification.alarms import alarm, watched_nodes
from verification.finding import Finding
from verification.readers import flat_rules

ANYWHERE = ("0.0.0.0/0", "::/0")
MIN_AVAILABILITY_ZONES = 2
LOG_TYPES = ("engine-log", "slow-log")

Record = Mapping[str, Any]


Rule = Callable[[Account, str], Iterator[Finding]]


def _is(what: str, required: object, read: object) -> Finding:
    return Finding(what, str(required), str(read), str(required) == str(read))


def replication_group(account: Account, name: str) -> Iterator[Finding]:
    """Encryption, high availability, one kind of access, logs and backups."""
    group = account.replication_group(name)
    members = [account.cluster(member) for member in group["MemberClusters"]]
    yield _is("encrypted in transit", True, group["TransitEncryptionEnabled"])
    yield _is("in transit, mode", "required", group.get("TransitEncryptionMode", ABSENT))
    yield _is("encrypted at rest", True, group["AtRestEncryptionEnabled"])
    yield _customer_key(account, "at rest, key", group.get("KmsKeyId"))
    yield _is("fails over", "enabled", group["AutomaticFailover"])
    yield _is("Multi-AZ", "enabled", group["MultiAZ"])
    for shard in group["NodeGroups"]:
        zones = [member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]]
        yield _several_zones(f"shard {shard['NodeGroupId']} is in", zones)
    yield from _one_kind_of_access(account, group)
    retention = group["SnapshotRetentionLimit"]
    yield Finding("daily snapshots", "kept for at least 1 day", f"{retention} days", retention >= 1)
    yield _is("minor upgrades", True, group["AutoMinorVersionUpgrade"])
    yield from _log_delivery(account, group["LogDeliveryConfigurations"])
    port = (group.get("ConfigurationEndpoint") or group["NodeGroups"][0]["PrimaryEndpoint"])["Port"]
    yield from _network(account, members, port)
    yield from watched_nodes(account, [{"CacheClusterId": member} for member in group["MemberClusters"]])


def memcached_cluster(account: Account, name: str) -> Iterator[Finding]:
    """Encryption in transit and several Availability Zones; Memcached stores nothing on disk."""
    cluster = account.cluster(name)
    yield _is("encrypted in transit", True, cluster["TransitEncryptionEnabled"])
    yield _several_zones("nodes are in", [node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]])
    yield _is("minor upgrades", True, cluster["AutoMinorVersionUpgrade"])
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


def _several_zones(what: str, zones: Sequence[str]) -> Finding:
    distinct = sorted(set(zones))
    return Finding(
        what,
        f"at least {MIN_AVAILABILITY_ZONES} Availability Zones",
        ", ".join(distinct),
        len(distinct) >= MIN_AVAILABILITY_ZONES,
    )


def _customer_key(account: Account, what: str, key: str | None) -> Finding:
    """An enabled customer managed key."""
    required = "a customer managed key, enabled"
    if not key:
        return Finding(what, required, ABSENT, ok=False)
    metadata = account.read("kms", "describe_key", KeyId=key)["KeyMetadata"]
    read = f"{metadata['KeyManager']} key, {metadata['KeyState']}"
    return Finding(what, required, read, read == "CUSTOMER key, Enabled")


def _one_kind_of_access(account: Account, group: Record) -> Iterator[Finding]:
    groups = group.get("UserGroupIds", [])
    kinds = ["AUTH token"] * group["AuthTokenEnabled"] + [f"user group {name}" for name in groups]
    yield Finding("access", "an AUTH token or one user group", " and ".join(kinds) or "open to all", len(kinds) == 1)
    for name in groups:
        yield from _user_group(account, name, group["ReplicationGroupId"])


def _user_group(account: Account, name: str, cache: str) -> Iterator[Finding]:
    group = account.user_group(name)
    yield _is(f"{name} is", "active", group["Status"])
    attached = cache in group.get("ReplicationGroups", [])
    yield Finding(f"{name} is attached", cache, ", ".join(group.get("ReplicationGroups", [])) or "to nothing", attached)
    users = [account.user(user) for user in group["UserIds"]]
    for user in users:
        inside = name in user["UserGroupIds"] and user["Status"] == "active"
        read = f"{user['Status']} in {', '.join(user['UserGroupIds']) or 'no group'}"
        yield Finding(f"user {user['UserId']}", f"active in {name}", read, inside)
        yield _login(user)
    yield _default_user(group["Engine"], [user["UserId"] for user in users if user["UserName"] == "default"])


def _default_user(engine: str, ids: Sequence[str]) -> Finding:
    """The default user must not be the built-in one, whose id is its name.

    A Valkey group needs none: its default user is then disabled.
    """
    own = len(ids) == 1 and ids[0] != "default"
    none_needed = engine == "valkey" and not ids
    return Finding("default user", "not the built-in one", ", ".join(ids) or "none", own or none_needed)


def _login(user: Record) -> Finding:
    """A user that needs no password must be disabled."""
    kind = user["Authentication"]["Type"]
    switch = (["off"] + [word for word in user["AccessString"].split() if word in {"on", "off"}])[-1]
    ok = kind in {"password", "iam"} or switch == "off"
    return Finding(f"user {user['UserId']} logs in", "with a password or IAM, or is off", f"{kind}, {switch}", ok)


def _log_delivery(account: Account, configurations: Sequence[Record]) -> Iterator[Finding]:
    kinds = sorted(item["LogType"] for item in configurations)
    yield _is("delivers", ", ".join(LOG_TYPES), ", ".join(kinds) or "nothing")
    for item in configurations:
        name = item["DestinationDetails"].get("CloudWatchLogsDetails", {}).get("LogGroup", ABSENT)
        found = account.log_group(name)
        read = "encrypted" if found and found.get("kmsKeyId") else "not encrypted" if found else ABSENT
        yield _is(f"{item['LogType']} arrives in a log group", "encrypted", read)


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
    yield _is("events go to", "1 topic, active", read)


def _subnets(account: Account, name: str) -> Iterator[Finding]:
    subnets = account.subnet_group(name)["Subnets"]
    yield _several_zones("subnets are in", [subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets])
    for subnet in (item["SubnetIdentifier"] for item in subnets):
        gateways = [route["GatewayId"] for route in account.routes(subnet) if _is_internet(route)]
        yield _is(f"{subnet} routes to an internet gateway", "no", ", ".join(gateways) or "no")


def _is_internet(route: Record) -> bool:
    return str(route.get("GatewayId", "")).startswith("igw-")


def _cache_security_group(account: Account, name: str, port: int) -> Iterator[Finding]:
    group = account.security_group(name)
    inbound, outbound = flat_rules(group["IpPermissions"]), _open_rules(group, "IpPermissionsEgress")
    proper = all(rule.startswith(f"tcp {port} sg-") for rule in inbound)
    yield Finding(f"{name} allows inbound", f"tcp {port} from security groups only", _listed(inbound), proper)
    yield _is(f"{name} allows outbound to any address", "nothing", _listed(outbound))


def security_group(account: Account, name: str) -> Iterator[Finding]:
    """No rule for traffic from or to any address."""
    group = account.security_group(name)
    yield _is("allows inbound from any address", "nothing", _listed(_open_rules(group, "IpPermissions")))
    yield _is("allows outbound to any address", "nothing", _listed(_open_rules(group, "IpPermissionsEgress")))


def _open_rules(group: Record, permissions: str) -> list[str]:
    return [rule for rule in flat_rules(group[permissions]) if rule.endswith(ANYWHERE)]


def _listed(rules: Sequence[str]) -> str:
    return "; ".join(rules) or "nothing"


def vpc(account: Account, name: str) -> Iterator[Finding]:
    """Flow logs record all traffic, and the default security group allows none."""
    logs = [log for log in account.flow_logs() if log["ResourceId"] == name and log["FlowLogStatus"] == "ACTIVE"]
    yield _is("flow logs record", "ALL", ", ".join(log["TrafficType"] for log in logs) or "nothing")
    group = account.default_security_group(name)
    rules = flat_rules(group["IpPermissions"]) + flat_rules(group["IpPermissionsEgress"])
    yield _is("default security group allows", "nothing", _listed(rules))


def key(account: Account, name: str) -> Iterator[Finding]:
    """Automatic key rotation."""
    status = account.read("kms", "get_key_rotation_status", KeyId=name)
    yield _is("rotates", True, status["KeyRotationEnabled"])


def log_group(account: Account, name: str) -> Iterator[Finding]:
    """Encryption with a customer managed key, and a retention period."""
    group = account.log_group(name) or {}
    yield _customer_key(account, "key", group.get("kmsKeyId"))
    days = group.get("retentionInDays")
    yield Finding("kept", "for a limited time", f"{days} days" if days else "indefinitely", bool(days))


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
        yield _is("key (a cache publishes to it)", ABSENT, encryption or ABSENT)
    else:
        yield _customer_key(account, "key", encryption)
    statements = json.loads(attributes.get("Policy", "{}")).get("Statement", [])
    refuses = any(_refuses_plain_transport(statement) for statement in statements)
    yield Finding("refuses plain HTTP", "True", str(refuses), refuses)


def _refuses_plain_transport(statement: Record) -> bool:
    secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement["Effect"] == "Deny" and str(secure).lower() == "false"


RULES: Mapping[str, Rule] = {
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::ElastiCache::ReplicationGroup": replication_group,
    "AWS::ElastiCache::CacheCluster": cache_cluster,
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::KMS::Key": key,
    "AWS::Logs::LogGroup": log_group,
    "AWS::SecretsManager::Secret": secret,
    "AWS::SNS::Topic": topic,
}
