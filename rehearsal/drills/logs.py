"""The drill of log delivery: a slow command is in the log group that the template names."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from rehearsal.drills.clients import CacheClient
from rehearsal.drills.scene import NotApplicableError, NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.drills.emulated import EmulatedScene
    from rehearsal.drills.stage import Group

SLOW_LOG, CLOUDWATCH = "slow-log", "cloudwatch-logs"
KEY = "app:drill-logs"
# Some 100 ms: ten times what the engine by default takes for slow.
SLOW = "local turns = 0; while turns < 2000000 do turns = turns + 1 end; return redis.call('SET', KEYS[1], turns)"


def deliver(scene: EmulatedScene) -> None:
    """Run a slow command on each group that delivers its slow log, and find it there, without its key."""
    groups = [(group, name) for group in scene.stage.groups for name in _log_groups(scene, group)]
    if not groups:
        raise NotApplicableError("no replication group of the stage delivers its slow log to CloudWatch Logs")
    for group, log_group in groups:
        if not group.secret:
            raise NotRunError("no template has a secret with a password for the group, which the drill needs")
        scene.require_engine(group.name)
        with closing(CacheClient(scene.stage.settings(group))) as client:
            client.execute("EVAL", SLOW, 1, KEY)
        found = scene.until(lambda name=log_group: _entries(scene, name), "an entry arrives")  # type: ignore[misc]
        told = "delivered" if any("EVAL" in entry.upper() for entry in found) else f"{len(found)} other entries"
        scene.expect("a slow command reaches its log group", "delivered", told, of=group.resource)
        shown = "shown" if any(KEY in entry for entry in found) else "hidden"
        scene.expect("the key of the slow command", "hidden", shown, of=group.resource)


def _log_groups(scene: EmulatedScene, group: Group) -> Iterator[str]:
    for wanted in scene.stage.describe(group.name).get("LogDeliveryConfigurations", ()):
        if wanted["LogType"] == SLOW_LOG and wanted["DestinationType"] == CLOUDWATCH:
            yield wanted["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]


def _entries(scene: EmulatedScene, log_group: str) -> list[str]:
    scene.control("deliver-logs")
    answer: dict[str, Any] = scene.client("logs").filter_log_events(logGroupName=log_group)
    return [event["message"] for event in answer["events"]]
