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
    if not scene.stage.alarms:
        raise NotApplicableError("the stage has no alarm with an action")
    rules = mute_rules(scene)
    with ExitStack() as stack:
        alarms = Alarms(scene, stack)
        nodes = cache_nodes(scene)
        raised: dict[str, Stimulus] = {}
        for found in scene.stage.alarms:
            if is_on_caches(found):
                for stimulus in _found(scene, found, nodes):
                    alarms.raise_and_calm(found, stimulus)
                    raised.setdefault(found["AlarmName"], stimulus)
            elif _raise(scene, found):
                _expect_message(scene, found, alarms)
        alarms.expect_messages()
        for rule in rules:
            _expect_muted(scene, rule, raised, alarms)


class Alarms:
    """The alarms of the stage, outside all windows of mute rules, and the messages of their topics.

    Args:
        scene: What the drill acts with.
        stack: Ends the subscriptions, and lets mute rules follow the real time again.
    """

    def __init__(self, scene: EmulatedScene, stack: ExitStack) -> None:
        self._scene = scene
        topics = {action for found in scene.stage.alarms for action in found["AlarmActions"] if ":sns:" in action}
        self._inboxes = [stack.enter_context(accounts.inbox(scene, topic)) for topic in sorted(topics)]
        self._asked: dict[str, list[str]] = {}
        pages = scene.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=["CompositeAlarm"])
        composite = [item for page in pages for item in page["CompositeAlarms"]]
        self._rules = {item["AlarmName"]: item["AlarmRule"] for item in composite}
        self._arns = {item["AlarmName"]: item["AlarmArn"] for item in composite}
        scene.control("mute-rules-at", at=_outside(mute_rules(scene)))
        stack.callback(scene.control, "mute-rules-at")

    def messages(self) -> dict[str, list[str]]:
        """The new states in all messages, in order, by the name of the alarm."""
        found: dict[str, list[str]] = {}
        for text in (text for inbox in self._inboxes for text in _all_of(inbox) if text.startswith("{")):
            message = json.loads(text)
            found.setdefault(str(message.get("AlarmName")), []).append(str(message.get("NewStateValue")))
        return found

    def states(self, *names: str) -> dict[str, dict[str, Any]]:
        """Alarms by their names, as `DescribeAlarms` has them."""
        kinds = ["MetricAlarm", "CompositeAlarm"]
        answer = self._scene.client("cloudwatch").describe_alarms(AlarmNames=list(names), AlarmTypes=kinds)
        return {item["AlarmName"]: item for item in (*answer["MetricAlarms"], *answer["CompositeAlarms"])}

    def raise_and_calm(self, found: Mapping[str, Any], stimulus: Stimulus) -> None:
        """Let one node breach, and recover.

        Args:
            found: The alarm, as `DescribeAlarms` has it.
            stimulus: What raises it.
        """
        name, scene = found["AlarmName"], self._scene
        parents = self._above(name, found["AlarmArn"])
        publish(scene, stimulus.breaching, later=stimulus.seconds)
        states = self.states(name, *parents)
        read = f"{stimulus.what}: {states[name]['StateValue']}"
        scene.expect("one node beyond the threshold raises the alarm", f"{stimulus.what}: {ALARM}", read, of=name)
        reason = states[name]["StateReason"]
        if NODE in reason:
            node = stimulus.node.name
            scene.expect("the alarm names the node", node, node if node in reason else reason, of=name)
        for parent in parents:
            scene.expect("the health of the cache follows", ALARM, states[parent]["StateValue"], of=parent)
        publish(scene, stimulus.calm, later=stimulus.seconds)
        states = self.states(name, *parents)
        scene.expect("the alarm recovers", OK, states[name]["StateValue"], of=name)
        for parent in parents:
            scene.expect("the health of the cache recovers", OK, states[parent]["StateValue"], of=parent)
        self._asked.setdefault(name, []).extend([ALARM, *([OK] if found.get("OKActions") else [])])

    def _above(self, name: str, arn: str) -> list[str]:
        """The alarms whose rules have an alarm, and those whose rules have one of them: the health of its cache."""
        named = (f'("{name}")', f'("{arn}")', f"({arn})")
        parents = [parent for parent, rule in self._rules.items() if any(text in rule for text in named)]
        return [*parents, *(above for parent in parents for above in self._above(parent, self._arns[parent]))]

    def expect_messages(self) -> None:
        """Each alarm that was raised has sent its messages, and no others."""
        arrived = self.messages()
        for name, asked in self._asked.items():
            self._scene.expect("an alarm on a cache reaches its topic", asked, arrived.get(name, []), of=name)


def _all_of(inbox: accounts.Inbox) -> list[str]:
    """All that has arrived: each look at a queue takes at most ten messages."""
    before = -1
    while len(texts := inbox.texts()) > before:
        before = len(texts)
    return texts


# Alarms on caches -----------------------------------------------------------------------------------------------------


def cache_nodes(scene: EmulatedScene) -> list[CacheNode]:
    """The nodes of all caches as the API describes them, the caches without nodes, and the groups as a whole.

    Args:
        scene: What the drill acts with.
    """
    account, found = scene.stage.account, []
    for group in account.read_now("elasticache", "describe_replication_groups")["ReplicationGroups"]:
        name = group["ReplicationGroupId"]
        found.append(CacheNode(name))
        for shard in group["NodeGroups"]:
            found += [
                CacheNode(name, member["CacheClusterId"], shard["NodeGroupId"], member.get("CurrentRole") == "replica")
                for member in shard["NodeGroupMembers"]
            ]
    for cluster in account.read_now("elasticache", "describe_cache_clusters", ShowCacheNodeInfo=True)["CacheClusters"]:
        if cluster["Engine"] == "memcached":
            found += [CacheNode(cluster["CacheClusterId"], node["CacheNodeId"]) for node in cluster["CacheNodes"]]
    caches = account.read_now("elasticache", "describe_serverless_caches")["ServerlessCaches"]
    return [*found, *(CacheNode(cache["ServerlessCacheName"]) for cache in caches)]


def _found(scene: EmulatedScene, found: Mapping[str, Any], nodes: Sequence[CacheNode]) -> list[Stimulus]:
    promise = "ElastiCache publishes what the alarm watches"
    try:
        return stimuli(found, nodes)
    except NoStimulusError as fault:
        scene.expect(promise, "yes", str(fault), of=found["AlarmName"])
        return []


def publish(scene: EmulatedScene, publications: Iterable[Publication], *, later: float = 0) -> None:
    """Publish metrics as ElastiCache does; what it would not publish is refused.

    Args:
        scene: What the drill acts with.
        publications: What to publish.
        later: How many seconds pass before.
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
    scene.control("publish", metrics=metrics, later=later)


# Mute rules -----------------------------------------------------------------------------------------------------------


def mute_rules(scene: EmulatedScene) -> list[dict[str, Any]]:
    """All mute rules of the account.

    Args:
        scene: What the drill acts with.
    """
    client = scene.client("cloudwatch")
    listed = scene.stage.account.read_now("cloudwatch", "list_alarm_mute_rules")["AlarmMuteRuleSummaries"]
    names = [summary["AlarmMuteRuleArn"].rpartition(":")[2] for summary in listed]
    return [client.get_alarm_mute_rule(AlarmMuteRuleName=name) for name in names]


def _hours() -> Iterable[datetime]:
    """Moments half past each hour of the coming week."""
    now = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
    return (now + timedelta(hours=number) for number in range(WEEK_HOURS))


def _outside(rules: Sequence[Mapping[str, Any]]) -> float:
    """A moment at which no rule is active.

    Args:
        rules: Mute rules, as `GetAlarmMuteRule` has them.
    """
    return next(at.timestamp() for at in _hours() if not any(is_active(rule, at) for rule in rules))


def _expect_muted(
    scene: EmulatedScene, rule: Mapping[str, Any], raised: Mapping[str, Stimulus], alarms: Alarms
) -> None:
    """In the window of a rule an alarm changes its state and sends nothing; afterwards it does, if it still applies."""
    name = next((name for name in rule["MuteTargets"]["AlarmNames"] if name in raised), None)
    inside = next((at for at in _hours() if is_active(rule, at)), None)
    if name is None or inside is None:
        return
    before = len(alarms.messages().get(name, []))
    scene.control("mute-rules-at", at=inside.timestamp())
    publish(scene, raised[name].breaching, later=raised[name].seconds)
    scene.expect("a muted alarm changes its state", ALARM, alarms.states(name)[name]["StateValue"], of=name)
    scene.expect("a muted alarm sends nothing", [], alarms.messages().get(name, [])[before:], of=name)
    scene.control("mute-rules-at", at=_outside([rule]))
    scene.expect("it is sent when the window ends", [ALARM], alarms.messages().get(name, [])[before:], of=name)
    publish(scene, raised[name].calm, later=raised[name].seconds)


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


def _expect_message(scene: EmulatedScene, found: Mapping[str, Any], alarms: Alarms) -> None:
    name = found["AlarmName"]
    source = "the errors of a function" if found["Namespace"] == LAMBDA else "a metric"
    scene.until(lambda: _state(scene, name) == ALARM, f"the alarm {name} is in ALARM")
    scene.until(lambda: ALARM in alarms.messages().get(name, []), f"the message of {name} arrives")
    scene.expect(f"an alarm on {source} reaches its topic", ALARM, _state(scene, name), of=name)


def _state(scene: EmulatedScene, name: str) -> str:
    state: str = scene.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    return state
