"""Rules for deployed resources that hold regardless of the template, so that a template cannot omit them.

Each rule reads one deployed resource with describe calls and yields findings: what it checked, what is required, and
what the account has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from elasticache_rules import facts
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
FIREHOSE = "kinesis-firehose"
LOG_FEATURES: Mapping[str, facts.Feature] = {"engine-log": "engine_log", "slow-log": "slow_log"}
# The posture rules that say of a template what a rule here says of an account, as acknowledgements name them.
_POSTURE = "CloudFormation-Validate::elasticache_"
TLS_OFF = (f"{_POSTURE}replication_group_encrypts_in_transit",)
TLS_NOT_REQUIRED = (f"{_POSTURE}replication_group_requires_encryption_in_transit",)
NOT_ENCRYPTED = (f"{_POSTURE}replication_group_encrypts_at_rest",)
NO_CUSTOMER_KEY = (f"{_POSTURE}cache_uses_customer_key",)
# cdk-nag's, of failover as well as of Multi-AZ: no posture rule asks for them, since E3026 of the CDK does.
NO_FAILOVER = ("AwsSolutions::AwsSolutions-AEC4",)
NO_LOGIN = (f"{_POSTURE}replication_group_has_access_control",)
OPEN_USER = (f"{_POSTURE}user_without_password_is_disabled",)
OPEN_USER_GROUP = (f"{_POSTURE}user_group_admits_no_open_user",)
NO_BACKUPS = (f"{_POSTURE}replication_group_is_backed_up",)
NO_MINOR_UPGRADES = (f"{_POSTURE}cache_takes_minor_upgrades",)
NO_LOG = {
    "engine-log": (f"{_POSTURE}replication_group_delivers_engine_log",),
    "slow-log": (f"{_POSTURE}replication_group_delivers_slow_log",),
}
LOG_WITHOUT_KEY = (f"{_POSTURE}log_group_uses_customer_key",)
ADDRESSES_INBOUND = (f"{_POSTURE}security_group_admits_groups_only",)
ADDRESSES_OUTBOUND = (f"{_POSTURE}security_group_has_no_open_egress",)
INTERNET_ROUTE = (f"{_POSTURE}subnet_has_no_internet_route",)
NO_MEMCACHED_TLS = (f"{_POSTURE}memcached_encrypts_in_transit",)
ONE_MEMCACHED_ZONE = (f"{_POSTURE}memcached_spreads_over_zones",)
NOT_MEMCACHED = (f"{_POSTURE}cluster_is_memcached",)
NO_SECURITY_GROUPS = (f"{_POSTURE}cache_states_security_groups",)

Record = Mapping[str, Any]


Rule = Callable[[Account, str], Iterator[Finding]]


def _is(what: str, required: object, read: object, *of: str, accepted_by: tuple[str, ...] = ()) -> Finding:
    return Finding(what, str(required), str(read), str(required) == str(read), of, accepted_by)


def replication_group(account: Account, name: str) -> Iterator[Finding]:
    """Encryption, high availability, one kind of access, logs and backups."""
    group = account.replication_group(name)
    members = [account.cluster(member) for member in group["MemberClusters"]]
    yield _is("is", "available", group["Status"])
    encrypted, at_rest = group["TransitEncryptionEnabled"], group["AtRestEncryptionEnabled"]
    yield _is("encrypted in transit", True, encrypted, "TransitEncryptionEnabled", accepted_by=TLS_OFF)
    if _supports("transit_encryption_mode", members):
        mode, of = group.get("TransitEncryptionMode", ABSENT), ("TransitEncryptionMode", "TransitEncryptionEnabled")
        yield _is("in transit, mode", "required", mode, *of, accepted_by=TLS_NOT_REQUIRED)
    yield _is("encrypted at rest", True, at_rest, "AtRestEncryptionEnabled", accepted_by=NOT_ENCRYPTED)
    yield _customer_key(account, "at rest, key", group.get("KmsKeyId"), accepted_by=NO_CUSTOMER_KEY)
    # A secondary of a global datastore has what its primary has, and it is acknowledged that it does not state it.
    no_failover = () if group.get("GlobalReplicationGroupInfo") else NO_FAILOVER
    one_zone = no_failover if group["MultiAZ"] != "enabled" else ()
    # A group of one node has nothing to fail over to; that replicas were taken from it is another difference.
    if len(members) > 1:
        failover, multi_az = group["AutomaticFailover"], group["MultiAZ"]
        yield _is("fails over", "enabled", failover, "AutomaticFailoverEnabled", accepted_by=no_failover)
        yield _is("Multi-AZ", "enabled", multi_az, "MultiAZEnabled", accepted_by=no_failover)
        for shard in group["NodeGroups"]:
            zones = [member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]]
            yield _several_zones(f"shard {shard['NodeGroupId']} is in", zones, *SIZES, accepted_by=one_zone)
    yield from _one_kind_of_access(account, group)
    days = group["SnapshotRetentionLimit"]
    retention = ("SnapshotRetentionLimit",)
    yield Finding("daily snapshots", "kept for at least 1 day", f"{days} days", days >= 1, retention, NO_BACKUPS)
    yield _minor_upgrades(group)
    yield from _log_delivery(account, group["LogDeliveryConfigurations"], members)
    port = (group.get("ConfigurationEndpoint") or group["NodeGroups"][0]["PrimaryEndpoint"])["Port"]
    yield from _network(account, members, port, one_zone)
    yield from watched_nodes(account, [{"CacheClusterId": member} for member in group["MemberClusters"]])


def memcached_cluster(account: Account, name: str) -> Iterator[Finding]:
    """Encryption in transit and several Availability Zones; Memcached stores nothing on disk."""
    cluster = account.cluster(name)
    yield _is("is", "available", cluster["CacheClusterStatus"])
    encrypted = cluster["TransitEncryptionEnabled"]
    yield _is("encrypted in transit", True, encrypted, "TransitEncryptionEnabled", accepted_by=NO_MEMCACHED_TLS)
    zones = [node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]]
    of = (*SIZES, "AZMode", "PreferredAvailabilityZones")
    yield _several_zones("nodes are in", zones, *of, accepted_by=ONE_MEMCACHED_ZONE)
    yield _minor_upgrades(cluster)
    yield from _network(account, [cluster], cluster["ConfigurationEndpoint"]["Port"], ONE_MEMCACHED_ZONE)
    nodes = [{"CacheClusterId": name, "CacheNodeId": node["CacheNodeId"]} for node in cluster["CacheNodes"]]
    yield from watched_nodes(account, nodes)


def cache_cluster(account: Account, name: str) -> Iterator[Finding]:
    """A cluster outside a replication group must be Memcached: a single Redis or Valkey node has no failover."""
    engine = account.cluster(name)["Engine"]
    if engine == "memcached":
        yield from memcached_cluster(account, name)
    else:
        yield _is("engine outside a replication group", "memcached", engine, accepted_by=NOT_MEMCACHED)


def _supports(feature: facts.Feature, members: Sequence[Record]) -> bool:
    """Whether the version that runs has a feature."""
    return facts.supports(feature, members[0]["Engine"], members[0]["EngineVersion"])


def _minor_upgrades(cache: Record) -> Finding:
    name = "AutoMinorVersionUpgrade"
    return _is("minor upgrades", True, cache[name], name, accepted_by=NO_MINOR_UPGRADES)


def _several_zones(what: str, zones: Sequence[str], *of: str, accepted_by: tuple[str, ...] = ()) -> Finding:
    distinct = sorted(set(zones))
    return Finding(
        what,
        f"at least {MIN_AVAILABILITY_ZONES} Availability Zones",
        ", ".join(distinct),
        len(distinct) >= MIN_AVAILABILITY_ZONES,
        of,
        accepted_by,
    )


def _customer_key(account: Account, what: str, key: str | None, accepted_by: tuple[str, ...] = ()) -> Finding:
    """An enabled customer managed key."""
    required = "a customer managed key, enabled"
    if not key:
        return Finding(what, required, ABSENT, ok=False, of=KEYS, accepted_by=accepted_by)
    metadata = account.read("kms", "describe_key", KeyId=key)["KeyMetadata"]
    read = f"{metadata['KeyManager']} key, {metadata['KeyState']}"
    return Finding(what, required, read, read == ENABLED_KEY, (*KEYS, metadata["KeyId"]))


def _one_kind_of_access(account: Account, group: Record) -> Iterator[Finding]:
    groups = group.get("UserGroupIds", [])
    kinds = ["AUTH token"] * group["AuthTokenEnabled"] + [f"user group {name}" for name in groups]
    read = " and ".join(kinds) or "open to all"
    of, accepted_by = ("AuthToken", "UserGroupIds"), () if kinds else NO_LOGIN
    yield Finding("access", "an AUTH token or one user group", read, len(kinds) == 1, of, accepted_by)
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
    read = ", ".join(ids) or "none"
    return Finding("default user", "not the built-in one", read, own or none_needed, (group,), OPEN_USER_GROUP)


def _login(user: Record) -> Finding:
    """A user that needs no password must be disabled."""
    kind = user["Authentication"]["Type"]
    switch = (["off"] + [word for word in user["AccessString"].split() if word in {"on", "off"}])[-1]
    ok = kind in {"password", "iam"} or switch == "off"
    required = "with a password or IAM, or is off"
    return Finding(f"user {user['UserId']} logs in", required, f"{kind}, {switch}", ok, (user["UserId"],), OPEN_USER)


def _log_delivery(account: Account, configurations: Sequence[Record], members: Sequence[Record]) -> Iterator[Finding]:
    delivered = {item["LogType"] for item in configurations}
    for kind, feature in LOG_FEATURES.items():
        if _supports(feature, members):
            read = kind if kind in delivered else "nothing"
            yield _is(f"delivers its {kind}", kind, read, "LogDeliveryConfigurations", accepted_by=NO_LOG[kind])
    for item in configurations:
        if item["DestinationType"] == FIREHOSE:
            continue  # a stream may be another account's, and what it writes to is encrypted there
        name = item["DestinationDetails"].get("CloudWatchLogsDetails", {}).get("LogGroup", ABSENT)
        found = account.log_group(name)
        read = "encrypted" if found and found.get("kmsKeyId") else "not encrypted" if found else ABSENT
        of = (name, "LogDeliveryConfigurations")
        accepted_by = LOG_WITHOUT_KEY if found else ()
        yield _is(f"{item['LogType']} arrives in a log group", "encrypted", read, *of, accepted_by=accepted_by)


def _network(account: Account, clusters: Sequence[Record], port: int, one_zone: tuple[str, ...]) -> Iterator[Finding]:
    """The subnets, the security groups and the notification topic of a cache; what accepts that it is in one zone."""
    yield from _subnets(account, clusters[0]["CacheSubnetGroupName"], one_zone)
    groups = sorted({group["SecurityGroupId"] for cluster in clusters for group in cluster["SecurityGroups"]})
    yield Finding("security groups", "at least 1", str(len(groups)), bool(groups))
    for group in groups:
        yield from _cache_security_group(account, group, port)
    topics = {json.dumps(cluster.get("NotificationConfiguration", {}), sort_keys=True) for cluster in clusters}
    status = {cluster.get("NotificationConfiguration", {}).get("TopicStatus", ABSENT) for cluster in clusters}
    read = f"{len(topics)} topic, {', '.join(sorted(status))}"
    named = {cluster.get("NotificationConfiguration", {}).get("TopicArn", "") for cluster in clusters}
    yield _is("events go to", "1 topic, active", read, "NotificationTopicArn", *sorted(named))


def _subnets(account: Account, name: str, one_zone: tuple[str, ...]) -> Iterator[Finding]:
    subnets = account.subnet_group(name)["Subnets"]
    zones = [subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets]
    yield _several_zones("subnets are in", zones, name, accepted_by=one_zone)
    for subnet in (item["SubnetIdentifier"] for item in subnets):
        gateways = [route["GatewayId"] for route in account.routes(subnet) if _is_internet(route)]
        read = ", ".join(gateways) or "no"
        yield _is(f"{subnet} routes to an internet gateway", "no", read, subnet, accepted_by=INTERNET_ROUTE)


def _is_internet(route: Record) -> bool:
    return str(route.get("GatewayId", "")).startswith("igw-")


def _cache_security_group(account: Account, name: str, port: int) -> Iterator[Finding]:
    group = account.security_group(name)
    inbound, outbound = flat_rules(group["IpPermissions"]), _open_rules(group, "IpPermissionsEgress")
    proper = all(rule.startswith(f"tcp {port} sg-") for rule in inbound)
    required = f"tcp {port} from security groups only"
    yield Finding(f"{name} allows inbound", required, _listed(inbound), proper, (name,), ADDRESSES_INBOUND)
    what = f"{name} allows outbound to any address"
    yield _is(what, "nothing", _listed(outbound), name, accepted_by=ADDRESSES_OUTBOUND)


def security_group(account: Account, name: str) -> Iterator[Finding]:
    """No rule for traffic from or to any address."""
    group = account.security_group(name)
    inbound, outbound = (_listed(_open_rules(group, name)) for name in ("IpPermissions", "IpPermissionsEgress"))
    yield _is("allows inbound from any address", "nothing", inbound, NO_OTHER_RULES, accepted_by=ADDRESSES_INBOUND)
    yield _is("allows outbound to any address", "nothing", outbound, NO_OTHER_RULES, accepted_by=ADDRESSES_OUTBOUND)


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
    yield _customer_key(account, "key", group.get("kmsKeyId"), accepted_by=LOG_WITHOUT_KEY)
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
    yield _customer_key(account, "at rest, key", cache.get("KmsKeyId"), accepted_by=NO_CUSTOMER_KEY)
    groups = cache.get("SecurityGroupIds", [])
    of = ("SecurityGroupIds",)
    yield Finding("security groups", "at least 1", str(len(groups)), bool(groups), of, NO_SECURITY_GROUPS)
    for group in groups:
        found = account.security_group(group)
        what, opened = f"{group} allows inbound from any address", _opened(found, "IpPermissions")
        yield _is(what, "nothing", opened, group, accepted_by=ADDRESSES_INBOUND)
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
