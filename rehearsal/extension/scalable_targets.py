"""Application Auto Scaling of ElastiCache: records, which scale nothing. The emulator does not have the types.

What the service refuses is refused: a cache that does not exist, a dimension that it does not have, and numbers
outside their range. See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoScaling.html.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, elasticache, handlers, responses
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOUCHES = (
    HANDLERS,
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_replication_groups"),
)

TARGET, POLICY = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
ELASTICACHE = "elasticache"
RESOURCES: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "replication-group": lambda: elasticache._replication_groups,
    "cache-cluster": lambda: elasticache._clusters,
}
DIMENSIONS = {
    "elasticache:replication-group:NodeGroups": "replication-group",
    "elasticache:replication-group:Replicas": "replication-group",
    "elasticache:cache-cluster:Nodes": "cache-cluster",
}

TARGETS: Any = responses.AccountRegionScopedDict()


def _name(props: Properties) -> str:
    return f"{props['ResourceId']}|{props['ScalableDimension']}|{props['ServiceNamespace']}"


def _check(props: Properties) -> None:
    """Refuse what Application Auto Scaling refuses.

    Raises:
        ValueError: If it does.
    """
    dimension, resource = str(props["ScalableDimension"]), str(props["ResourceId"])
    kind, _, name = resource.partition("/")
    if props["ServiceNamespace"] != ELASTICACHE or dimension not in DIMENSIONS:
        message = refusal(
            got=f"{props['ServiceNamespace']} {dimension}",
            allowed=f"the rehearsal has {', '.join(DIMENSIONS)}",
            fix="Change ServiceNamespace and ScalableDimension",
        )
        raise ValueError(message)
    if DIMENSIONS[dimension] != kind or name not in RESOURCES[kind]():
        message = refusal(
            got=f"ResourceId {resource} for {dimension}",
            allowed=f"it must be {DIMENSIONS[dimension]}/ and the id of one that exists",
            fix="Change ResourceId",
        )
        raise ValueError(message)
    least, most = int(props["MinCapacity"]), int(props["MaxCapacity"])
    if not 0 < least <= most:
        message = refusal(
            got=f"MinCapacity={least}, MaxCapacity={most}",
            allowed="MinCapacity must be at least 1 and at most MaxCapacity",
            fix="Change them",
        )
        raise ValueError(message)


def _put(props: Properties) -> Provisioned:
    _check(props)
    name = _name(props)
    TARGETS[name] = dict(props)
    return name, {"Id": name}


def _create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    return _put(props)


def _update(physical_id: str, _old: Properties, new: Properties, _stack: str) -> Provisioned:
    if _name(new) != physical_id:
        TARGETS.pop(physical_id, None)
    return _put(new)


def _delete(physical_id: str, _props: Properties) -> None:
    TARGETS.pop(physical_id, None)


def _put_policy(props: Properties) -> Provisioned:
    target = props.get("ScalingTargetId") or _name(props)
    if target not in TARGETS:
        message = refusal(
            got=f"{props['PolicyName']} of {target}", allowed="its target must exist", fix="Register the target"
        )
        raise ValueError(message)
    region, account = responses.get_region(), responses.get_account_id()
    resource = f"{ELASTICACHE}/{TARGETS[target]['ResourceId']}:policyName/{props['PolicyName']}"
    arn = f"arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid.uuid4()}:resource/{resource}"
    return arn, {"Arn": arn}


def _create_policy(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    return _put_policy(props)


def _update_policy(physical_id: str, old: Properties, new: Properties, _stack: str) -> Provisioned:
    made = _put_policy(new)
    return made if new["PolicyName"] != old["PolicyName"] else (physical_id, {"Arn": physical_id})


def _delete_policy(_physical_id: str, _props: Properties) -> None:
    """Do nothing: a policy is not kept."""


def install() -> None:
    """Add the types."""
    handlers()[TARGET] = {"create": _create, "update": _update, "delete": _delete}
    handlers()[POLICY] = {"create": _create_policy, "update": _update_policy, "delete": _delete_policy}
