"""Rules for alarms: they watch what exists, watch every node, and notify topics that take their messages.

An alarm on a dimension under which nothing is published is never raised, and CloudWatch does not refuse it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from verification.account import ClientError
from verification.finding import SIZES, Finding

if TYPE_CHECKING:
    from verification.account import Account

CACHES, FUNCTIONS = "AWS/ElastiCache", "AWS/Lambda"
CLOUDWATCH = "cloudwatch.amazonaws.com"
SNS = "sns"
KEY_ACTIONS = ("kms:GenerateDataKey*", "kms:GenerateDataKey", "kms:*")
# Labels of OpenTelemetry metrics that name a cache, a shard or a node.
# See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/otel-metrics-reference.html
LABEL = "@resource.aws.elasticache."
GROUP_ID, SHARD_ID, NODE_ID = (f"{LABEL}{part}.id" for part in ("replication_group", "shard", "node"))
OTHER_LABELS = frozenset({f"{LABEL}engine.name", f"{LABEL}engine.version"})
MATCHER = re.compile(r'"([^"]*aws\.elasticache\.[^"]*)"\s*(=~|!=|!~|=)\s*"((?:[^"\\]|\\.)*)"')
ALL_EXIST = "that exist"
# What else differs if what an alarm watches does not exist.
WATCHED = (
    *("Dimensions", "EvaluationCriteria", "Metrics", "AWS::ElastiCache::CacheCluster", "AWS::Lambda::Function"),
    *("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache"),
)

Record = Mapping[str, Any]
Dimensions = Mapping[str, str]


def alarm(account: Account, name: str) -> Iterator[Finding]:
    """What an alarm watches exists, and its actions reach a topic.

    Args:
        account: The account.
        name: Name of the alarm.
    """
    [found] = [item for item in _alarms(account) if item["AlarmName"] == name]
    missing = sorted({line for line in _missing(account, found) if line})
    yield Finding("watches ids and names", ALL_EXIST, "; ".join(missing) or ALL_EXIST, not missing, WATCHED)
    actions = found.get("AlarmActions", [])
    enabled = bool(found.get("ActionsEnabled", True))
    read = f"{len(actions)}, {'enabled' if enabled else 'disabled'}"
    ok = bool(actions) and enabled
    yield Finding("actions", "at least 1, enabled", read, ok, ("ActionsEnabled", "AlarmActions"))
    for topic in [action for action in actions if action.split(":")[2:3] == [SNS]]:
        reason = _refusal(account, topic)
        required = f"takes messages of {CLOUDWATCH}"
        policies = ("AWS::SNS::TopicPolicy", "AWS::KMS::Key")
        yield Finding("its topic", required, reason or required, not reason, ("AlarmActions", topic, *policies))


def _alarms(account: Account) -> list[Record]:
    return [found for found in account.alarms().values() if "AlarmRule" not in found]


# What exists ----------------------------------------------------------------------------------------------------------


def _groups(account: Account) -> dict[str, Record]:
    listed = account.read("elasticache", "describe_replication_groups")["ReplicationGroups"]
    return {group["ReplicationGroupId"]: group for group in listed}


def _clusters(account: Account) -> dict[str, Record]:
    """All cache clusters by id: the nodes of replication groups, and Memcached clusters."""
    listed = account.read("elasticache", "describe_cache_clusters", ShowCacheNodeInfo=True)["CacheClusters"]
    return {cluster["CacheClusterId"]: cluster for cluster in listed}


def _serverless(account: Account) -> set[str]:
    listed = account.read("elasticache", "describe_serverless_caches")["ServerlessCaches"]
    return {cache["ServerlessCacheName"] for cache in listed}


def _has_function(account: Account, name: str) -> bool:
    try:
        account.read("lambda", "get_function_configuration", FunctionName=name)
    except ClientError:
        return False
    return True


# What is watched ------------------------------------------------------------------------------------------------------


def _metrics(alarm: Record) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric of an alarm."""
    queries: Sequence[Record] = alarm.get("Metrics") or (
        [{"MetricStat": {"Metric": alarm}}] if alarm.get("MetricName") else []
    )
    for metric in (query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query):
        dimensions = {item["Name"]: item["Value"] for item in metric.get("Dimensions") or []}
        yield metric["Namespace"], metric["MetricName"], dimensions


def _query(alarm: Record) -> str:
    """The PromQL query of an alarm; empty if it has none."""
    return str((alarm.get("EvaluationCriteria") or {}).get("PromQLCriteria", {}).get("Query", ""))


def _missing(account: Account, alarm: Record) -> Iterator[str]:
    """What an alarm watches and does not exist."""
    for namespace, metric, dimensions in _metrics(alarm):
        if namespace == CACHES and not _is_published(account, dimensions):
            yield f"{metric} is published under no {_shown(dimensions)}"
        if namespace == FUNCTIONS and not _has_function(account, dimensions.get("FunctionName", "")):
            yield f"no function {dimensions.get('FunctionName', '')}"
    query = _query(alarm)
    if query:
        yield from _missing_labels(account, query)


def _shown(dimensions: Dimensions) -> str:
    return ", ".join(f"{name}={value}" for name, value in dimensions.items()) or "dimension"


def _is_published(account: Account, dimensions: Dimensions) -> bool:
    """Whether ElastiCache publishes metrics under dimensions: of a node, cluster, group or serverless cache."""
    match dict(dimensions):
        case {"clusterId": name, **others} if not others:
            return name in _serverless(account)
        case {"ReplicationGroupId": name, **others} if set(others) <= {"Role"}:
            return name in _groups(account)
        case {"CacheClusterId": name, **others} if set(others) <= {"CacheNodeId"}:
            cluster = _clusters(account).get(name)
            nodes = {node["CacheNodeId"] for node in cluster["CacheNodes"]} if cluster else set()
            return cluster is not None and ("CacheNodeId" not in others or others["CacheNodeId"] in nodes)
    return False


def _missing_labels(account: Account, query: str) -> Iterator[str]:
    """The labels of a query that ElastiCache does not publish, and the ids in it that do not exist."""
    groups = _groups(account)
    known = {
        GROUP_ID: set(groups),
        SHARD_ID: {f"{name}-{shard['NodeGroupId']}" for name, group in groups.items() for shard in group["NodeGroups"]},
        NODE_ID: {member for group in groups.values() for member in group["MemberClusters"]},
    }
    matchers = MATCHER.findall(query)
    if not matchers:
        yield "a query that names no cache"
    for label, sign, value in matchers:
        if label not in known and label not in OTHER_LABELS:
            yield f"no label {label}"
        elif label in known and sign == "=" and value not in known[label]:
            yield f"{label} has no value {value}"
        elif label in known and sign == "=~" and not any(re.fullmatch(value, name) for name in known[label]):
            yield f"{label} has no value like {value}"


def watched_nodes(account: Account, nodes: Sequence[Dimensions]) -> Iterator[Finding]:
    """Each metric of nodes on which a cache has alarms is watched on all of its nodes.

    A cache may have no such alarms: its owner does without them, or it has queries, which are about all nodes.

    Args:
        account: The account.
        nodes: The dimensions of its nodes.
    """
    watched: dict[str, set[int]] = {}
    for found in _alarms(account):
        for namespace, metric, dimensions in _metrics(found):
            for number, node in enumerate(nodes):
                if namespace == CACHES and node.items() <= dimensions.items():
                    watched.setdefault(metric, set()).add(number)
    if not watched:
        return
    every = f"all {len(nodes)} by each of {len(watched)} metrics"
    gaps = [
        f"{metric}: not {_shown(node)}"
        for metric, some in sorted(watched.items())
        for number, node in enumerate(nodes)
        if number not in some
    ]
    yield Finding("nodes are watched", every, "; ".join(gaps) or every, not gaps, ("AWS::CloudWatch::Alarm", *SIZES))


# What is notified -----------------------------------------------------------------------------------------------------


def _refusal(account: Account, topic: str) -> str:
    """Why a topic takes no message of CloudWatch; empty if it does."""
    try:
        attributes = account.topic(topic)
    except ClientError:
        return "it does not exist"
    if not _admits(json.loads(attributes.get("Policy") or "{}"), ("sns:Publish", "sns:*")):
        return f"its policy does not let {CLOUDWATCH} publish"
    key = attributes.get("KmsMasterKeyId")
    if not key:
        return ""
    if "alias/aws/" in key:
        return f"its key {key} is AWS's own, which {CLOUDWATCH} may not use"
    policy = account.read("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"]
    return "" if _admits(json.loads(policy), KEY_ACTIONS) else f"its key's policy does not let {CLOUDWATCH} use it"


def _admits(policy: Record, actions: Sequence[str]) -> bool:
    """Whether a statement of a policy allows CloudWatch one of these actions."""
    for statement in policy.get("Statement", []):
        principal = statement.get("Principal", {})
        services = _listed(principal.get("Service", [])) if isinstance(principal, Mapping) else []
        if (
            statement["Effect"] == "Allow"
            and CLOUDWATCH in services
            and set(_listed(statement["Action"])) & set(actions)
        ):
            return True
    return False


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
