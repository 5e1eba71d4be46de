"""The drill of the alarms: a real error of a function, and a metric beyond its threshold, reach the topic."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rehearsal.drills import accounts
from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Function

AWS_NAMESPACE = "AWS/"
LAMBDA = "AWS/Lambda"
NONSENSE = {"Step": "a step that no function has"}


def alarm(scene: Scene) -> None:
    """Raise each alarm that a drill can raise, and find its message in a queue that is subscribed to its topic."""
    alarms = scene.stage.alarms
    if not alarms:
        raise NotApplicableError("the stage has no alarm with an action")
    with ExitStack() as stack:
        topics = {action for found in alarms for action in found["AlarmActions"] if ":sns:" in action}
        inboxes = {topic: stack.enter_context(accounts.inbox(scene, topic)) for topic in sorted(topics)}
        for found in alarms:
            if not _raise(scene, found):
                continue
            for topic in (action for action in found["AlarmActions"] if action in inboxes):
                _expect_message(scene, found, inboxes[topic])


def _raise(scene: Scene, found: Mapping[str, Any]) -> bool:
    """Bring an alarm beyond its threshold; False if only AWS itself could, such as with a metric of a service."""
    if not found["Namespace"].startswith(AWS_NAMESPACE):
        scene.client("cloudwatch").put_metric_data(
            Namespace=found["Namespace"],
            MetricData=[
                {"MetricName": found["MetricName"], "Dimensions": found["Dimensions"], "Value": found["Threshold"] + 1}
            ],
        )
        return True
    function = _failing_function(scene, found)
    if function is None:
        return False
    answer = scene.client("lambda").invoke(FunctionName=function.name, Payload=json.dumps(NONSENSE))
    scene.expect("a wrong event fails the function", "Unhandled", answer.get("FunctionError", "none"), of=function.name)
    return True


def _failing_function(scene: Scene, found: Mapping[str, Any]) -> Function | None:
    """The rotation function whose errors the alarm counts."""
    if (found["Namespace"], found["MetricName"]) != (LAMBDA, "Errors"):
        return None
    names = {item["Value"] for item in found["Dimensions"] if item["Name"] == "FunctionName"}
    return next((secret.function for secret in scene.stage.rotated if secret.function.name in names), None)


def _expect_message(scene: Scene, found: Mapping[str, Any], inbox: accounts.Inbox) -> None:
    name = found["AlarmName"]
    source = "the errors of a function" if found["Namespace"] == LAMBDA else "a metric"
    scene.until(lambda: _state(scene, name) == "ALARM", f"the alarm {name} is in ALARM")
    scene.until(lambda: any(name in text for text in inbox.texts()), f"the message of {name} arrives")
    scene.expect(f"an alarm on {source} reaches its topic", "ALARM", _state(scene, name), of=name)


def _state(scene: Scene, name: str) -> str:
    state: str = scene.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    return state
