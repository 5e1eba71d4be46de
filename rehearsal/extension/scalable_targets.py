"""Application Auto Scaling of ElastiCache: records, which scale nothing. The emulator has neither types nor API.

What the service refuses is refused: a cache that does not exist, a dimension that it does not have, and numbers
outside their range. See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoScaling.html.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    autoscaling,
    elasticache,
    handlers,
    responses,
    router,
)
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

TOUCHES = (
    HANDLERS,
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_replication_groups"),
)

TARGET, POLICY = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
ELASTICACHE = "elasticache"
PLACE = ("ResourceId", "ScalableDimension", "ServiceNamespace")
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
POLICIES: Any = responses.AccountRegionScopedDict()


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
    known = next((arn for arn, one in POLICIES.items() if _is_policy(one, target, props["PolicyName"])), None)
    region, account = responses.get_region(), responses.get_account_id()
    resource = f"{ELASTICACHE}/{TARGETS[target]['ResourceId']}:policyName/{props['PolicyName']}"
    arn = known or f"arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid.uuid4()}:resource/{resource}"
    place = {name: TARGETS[target][name] for name in PLACE}
    POLICIES[arn] = {**{name: value for name, value in props.items() if name != "ScalingTargetId"}, **place}
    return arn, {"Arn": arn}


def _is_policy(policy: Properties, target: str, name: str) -> bool:
    return _name(policy) == target and policy["PolicyName"] == name


def _create_policy(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    return _put_policy(props)


def _update_policy(physical_id: str, _old: Properties, new: Properties, _stack: str) -> Provisioned:
    arn, attributes = _put_policy(new)
    if arn != physical_id:
        POLICIES.pop(physical_id, None)
    return arn, attributes


def _delete_policy(physical_id: str, _props: Properties) -> None:
    POLICIES.pop(physical_id, None)


# The API --------------------------------------------------------------------------------------------------------------


def _asked_for(request: Properties, records: Iterable[Properties]) -> list[Properties]:
    """The records in the place that a request names."""
    names = request.get("ResourceIds") or ([request["ResourceId"]] if "ResourceId" in request else None)
    dimension = request.get("ScalableDimension")
    return [
        record
        for record in records
        if (names is None or record["ResourceId"] in names) and dimension in {None, record["ScalableDimension"]}
    ]


def _numbers(capacities: Properties) -> Properties:
    """Capacities as the API tells them; those of a template may be text."""
    return {name: int(capacities[name]) for name in ("MinCapacity", "MaxCapacity") if name in capacities}


def _describe_targets(request: Properties) -> Properties:
    hidden = {"ScheduledActions"}
    found = [
        {name: value for name, value in {**target, **_numbers(target)}.items() if name not in hidden}
        for target in _asked_for(request, TARGETS.values())
    ]
    return {"ScalableTargets": found}


def _describe_scheduled(request: Properties) -> Properties:
    found = []
    for target in _asked_for(request, TARGETS.values()):
        place = {name: target[name] for name in PLACE}
        for action in target.get("ScheduledActions", []):
            shown = {name: value for name, value in action.items() if name not in {"StartTime", "EndTime"}}
            capacities = _numbers(action.get("ScalableTargetAction", {}))
            found.append({**place, **shown, "ScalableTargetAction": capacities})
    return {"ScheduledActions": found}


def _describe_policies(request: Properties) -> Properties:
    names = request.get("PolicyNames")
    found = [
        {**policy, "PolicyARN": arn}
        for arn, policy in POLICIES.items()
        if policy in _asked_for(request, [policy]) and (names is None or policy["PolicyName"] in names)
    ]
    return {"ScalingPolicies": found}


def _register(request: Properties) -> Properties:
    _put({**TARGETS.get(_name(request), {}), **request})
    return {}


def _put_by_api(request: Properties) -> Properties:
    arn, _attributes = _put_policy(request)
    return {"PolicyARN": arn, "Alarms": []}


TARGET_PREFIX = "AnyScaleFrontendService"
OPERATIONS: Mapping[str, Callable[[Properties], Properties]] = {
    "DescribeScalableTargets": _describe_targets,
    "DescribeScalingPolicies": _describe_policies,
    "DescribeScheduledActions": _describe_scheduled,
    "PutScalingPolicy": _put_by_api,
    "RegisterScalableTarget": _register,
}


def _answering(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Answer the API, which the emulator takes for that of EC2 Auto Scaling."""

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        prefix, _, operation = headers.get("x-amz-target", "").partition(".")
        if prefix != TARGET_PREFIX:
            return await stock(method, path, headers, body, query_params)
        shown = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            answer = OPERATIONS[operation](json.loads(body or b"{}"))
        except (KeyError, ValueError) as fault:
            return REFUSED, shown, json.dumps({"__type": "ValidationException", "message": str(fault)}).encode()
        return 200, shown, json.dumps(answer).encode()

    return handle_request


def install() -> None:
    """Add the types and the API."""
    handlers()[TARGET] = {"create": _create, "update": _update, "delete": _delete}
    handlers()[POLICY] = {"create": _create_policy, "update": _update_policy, "delete": _delete_policy}
    router.SERVICE_PATTERNS["autoscaling"]["target_prefixes"] = [TARGET_PREFIX]
    autoscaling.handle_request = _answering(autoscaling.handle_request)
