"""The drill of the alarms: what each watches goes beyond its threshold and back, and its topic has both messages.

Alarms on caches are raised by one node at a time, with metrics under the names and dimensions that ElastiCache uses.
Those of rotation functions are raised by a real error.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rehearsal.drills import accounts
from rehearsal.drills.scene import NotApplicableError
from rehearsal.drills.stimuli import NODE, CacheNode, NoStimulusError, is_on_caches, stimuli
from rehearsal.monitoring.mute_windows import is_active

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rehearsal.drills.emulated import EmulatedScene
    from rehearsal.drills.stage import Function
    from rehearsal.drills.stimuli import Publication, Stimulus

AWS_NAMESPACE = "AWS/"
LAMBDA = "AWS/Lambda"
NONSENSE = {"Step": "a step that no function has"}
WEEK_HOURS = 8 * 24
ALARM, OK = "ALARM", "OK"


def alarm(scene: EmulatedScene) -> None:
    """Raise each alarm that a drill can raise, and find its messages in a queue that is subscribed to its topic."""
    alarms = scene.stage.alarms
    if not alarms:
        raise NotApplicableError("the stage has no alarm with an action")
    rules = mute_rules(scene)
    with ExitStack() as stack:
        scene.control("mute-rules-at", at=outside(rules))
        stack.callback(scene.control, "mute-rules-at")
        box = Mailbox(scene, alarms, stack)
        nodes = cache_nodes(scene)
        raised: dict[str, Stimulus] = {}
        for found in alarms:
            if is_on_caches(found):
                for stimulus in _found(scene, found, nodes):
                    raise_and_calm(scene, found, stimulus, box)
                    raised.setdefault(found["AlarmName"], stimulus)
            elif _raise(scene, found):
                _expect_message(scene, found, box)
        for rule in rules:
            _expect_muted(scene, rule, raised, box)


class Mailbox:
    """The messages of all topics of alarms.

    Args:
        scene: What the drill acts with.
        alarms: The alarms.
        stack: Ends the subscriptions.
    """

    def __init__(self, scene: EmulatedScene, alarms: Iterable[Mapping[str, Any]], stack: ExitStack) -> None:
        topics = {action for found in alarms for action in found["AlarmActions"] if ":sns:" in action}
        self._inboxes = [stack.enter_context(accounts.inbox(scene, topic)) for topic in sorted(topics)]

    def states(self, name: str) -> list[str]:
        """The new states in the messages of an alarm, in order."""
        messages = [json.loads(text) for inbox in self._inboxes for text in inbox.texts() if text.startswith("{")]
        return [message["NewStateValue"] for message in messages if message.get("AlarmName") == name]


# Alarms on caches -----------------------------------------------------------------------------------------------------


def cache_nodes(scene: EmulatedScene) -> list[CacheNode]:
    """The nodes of all caches as the API describes them, the caches without nodes, and the groups as a whole.

    Args:
        scene: What the drill acts with.
    """
    client = scene.client("elasticache")
    found = []
    for group in client.describe_replication_groups()["ReplicationGroups"]:
        name = group["ReplicationGroupId"]
        found.append(CacheNode(name))
        for shard in group["NodeGroups"]:
            found += [
                CacheNode(name, member["CacheClusterId"], shard["NodeGroupId"], member.get("CurrentRole") == "replica")
                for member in shard["NodeGroupMembers"]
            ]
    for cluster in client.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]:
        if cluster["Engine"] == "memcached":
            found += [CacheNode(cluster["CacheClusterId"], node["CacheNodeId"]) for node in cluster["CacheNodes"]]
    caches = client.describe_serverless_caches()["ServerlessCaches"]
    return [*found, *(CacheNode(cache["ServerlessCacheName"]) for cache in caches)]


def _found(scene: EmulatedScene, found: Mapping[str, Any], nodes: Sequence[CacheNode]) -> list[Stimulus]:
    promise = "ElastiCache publishes what the alarm watches"
    try:
        return stimuli(found, nodes)
    except NoStimulusError as fault:
        scene.expect(promise, "yes", str(fault), of=found["AlarmName"])
        return []


def raise_and_calm(scene: EmulatedScene, found: Mapping[str, Any], stimulus: Stimulus, box: Mailbox) -> None:
    """Let one node breach, and recover.

    Args:
        scene: What the drill acts with.
        found: The alarm, as `DescribeAlarms` has it.
        stimulus: What raises it.
        box: The messages of its topic.
    """
    name, before = found["AlarmName"], len(box.states(found["AlarmName"]))
    publish(scene, stimulus.breaching)
    states = _states(scene)
    scene.expect("one node beyond the threshold raises the alarm", f"{stimulus.what}: ALARM",
                 f"{stimulus.what}: {states[name]['StateValue']}", of=name)  # fmt: skip
    if NODE in states[name]["StateReason"]:
        read = stimulus.node.name if stimulus.node.name in states[name]["StateReason"] else states[name]["StateReason"]
        scene.expect("the alarm names the node", stimulus.node.name, read, of=name)
    for parent in _parents(states, found):
        scene.expect("the health of the cache follows", ALARM, states[parent]["StateValue"], of=parent)
    scene.control("pass-time", seconds=stimulus.seconds)
    publish(scene, stimulus.calm)
    states = _states(scene)
    scene.expect("the alarm recovers", OK, states[name]["StateValue"], of=name)
    for parent in _parents(states, found):
        scene.expect("the health of the cache recovers", OK, states[parent]["StateValue"], of=parent)
    asked = [ALARM, *([OK] if found.get("OKActions") else [])]
    scene.expect("an alarm on a cache reaches its topic", asked, box.states(name)[before:], of=name)
    scene.control("pass-time", seconds=stimulus.seconds)


def publish(scene: EmulatedScene, publications: Iterable[Publication]) -> None:
    """Publish metrics as ElastiCache does; what it would not publish is refused.

    Args:
        scene: What the drill acts with.
        publications: What to publish.
    """
    metrics = []
    for one in publications:
        attributes = None if one.attributes is None else dict(one.attributes)
        metrics.append(
            {
                "cache": one.node.cache,
                "node": one.node.name,
                "metric": one.metric,
                "values": one.values,
                **({} if attributes is None else {"attributes": attributes}),
            }
        )
    scene.control("publish", metrics=metrics)


def _states(scene: EmulatedScene) -> dict[str, dict[str, Any]]:
    """All alarms by their names."""
    pages = scene.client("cloudwatch").get_paginator("describe_alarms").paginate(
        AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )  # fmt: skip
    return {item["AlarmName"]: item for page in pages for item in (*page["MetricAlarms"], *page["CompositeAlarms"])}


def _parents(states: Mapping[str, Mapping[str, Any]], found: Mapping[str, Any]) -> list[str]:
    """The composite alarms whose rules have an alarm."""
    named = (f'("{found["AlarmName"]}")', f'("{found["AlarmArn"]}")', f"({found['AlarmArn']})")
    return [name for name, item in states.items() if any(text in item.get("AlarmRule", "") for text in named)]


# Mute rules -----------------------------------------------------------------------------------------------------------


def mute_rules(scene: EmulatedScene) -> list[dict[str, Any]]:
    """All mute rules of the account.

    Args:
        scene: What the drill acts with.
    """
    client = scene.client("cloudwatch")
    listed = client.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]
    names = [summary["AlarmMuteRuleArn"].rpartition(":")[2] for summary in listed]
    return [client.get_alarm_mute_rule(AlarmMuteRuleName=name) for name in names]


def _hours() -> Iterable[datetime]:
    """Moments half past each hour of the coming week."""
    now = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
    return (now + timedelta(hours=number) for number in range(WEEK_HOURS))


def outside(rules: Sequence[Mapping[str, Any]]) -> float:
    """A moment at which no rule is active.

    Args:
        rules: Mute rules, as `GetAlarmMuteRule` has them.
    """
    return next(at.timestamp() for at in _hours() if not any(is_active(rule, at) for rule in rules))


def _expect_muted(scene: EmulatedScene, rule: Mapping[str, Any], raised: Mapping[str, Stimulus], box: Mailbox) -> None:
    """In the window of a rule an alarm changes its state and sends nothing; afterwards it does, if it still applies."""
    name = next((name for name in rule["MuteTargets"]["AlarmNames"] if name in raised), None)
    inside = next((at for at in _hours() if is_active(rule, at)), None)
    if name is None or inside is None:
        return
    before = len(box.states(name))
    scene.control("mute-rules-at", at=inside.timestamp())
    publish(scene, raised[name].breaching)
    scene.expect("a muted alarm changes its state", ALARM, _states(scene)[name]["StateValue"], of=name)
    scene.expect("a muted alarm sends nothing", [], box.states(name)[before:], of=name)
    scene.control("mute-rules-at", at=outside([rule]))
    scene.expect("it is sent when the window ends", [ALARM], box.states(name)[before:], of=name)
    scene.control("pass-time", seconds=raised[name].seconds)
    publish(scene, raised[name].calm)
    scene.control("pass-time", seconds=raised[name].seconds)


# Other alarms ---------------------------------------------------------------------------------------------------------


def _raise(scene: EmulatedScene, found: Mapping[str, Any]) -> bool:
    """Bring an alarm beyond its threshold; False if only AWS itself could, such as with a metric of a service."""
    namespace = found.get("Namespace", "")
    if namespace and not namespace.startswith(AWS_NAMESPACE):
        beyond = -1 if found["ComparisonOperator"].startswith("Less") else 1
        moments = [timedelta(seconds=found["Period"] * number) for number in range(found["EvaluationPeriods"])]
        now = datetime.now(UTC)
        scene.client("cloudwatch").put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": found["MetricName"],
                    "Dimensions": found["Dimensions"],
                    "Value": found["Threshold"] + beyond,
                    "Timestamp": now - ago,
                }
                for ago in moments
            ],
        )
        return True
    function = _failing_function(scene, found)
    if function is None:
        return False
    answer = scene.client("lambda").invoke(FunctionName=function.name, Payload=json.dumps(NONSENSE))
    scene.expect("a wrong event fails the function", "Unhandled", answer.get("FunctionError", "none"), of=function.name)
    return True


def _failing_function(scene: EmulatedScene, found: Mapping[str, Any]) -> Function | None:
    """The rotation function whose errors the alarm counts."""
    if (found.get("Namespace"), found.get("MetricName")) != (LAMBDA, "Errors"):
        return None
    names = {item["Value"] for item in found["Dimensions"] if item["Name"] == "FunctionName"}
    return next((secret.function for secret in scene.stage.rotated if secret.function.name in names), None)


def _expect_message(scene: EmulatedScene, found: Mapping[str, Any], box: Mailbox) -> None:
    name = found["AlarmName"]
    source = "the errors of a function" if found["Namespace"] == LAMBDA else "a metric"
    scene.until(lambda: _state(scene, name) == ALARM, f"the alarm {name} is in ALARM")
    scene.until(lambda: ALARM in box.states(name), f"the message of {name} arrives")
    scene.expect(f"an alarm on {source} reaches its topic", ALARM, _state(scene, name), of=name)


def _state(scene: EmulatedScene, name: str) -> str:
    state: str = scene.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    return state
