"""All drills, in the order in which they run: what needs the stage as deployed comes before what moves its roles."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rehearsal.drills.scene import Scene


class UnknownDrillError(Exception):
    """A drill that does not exist was asked for; the message names those that do."""


@dataclass(frozen=True)
class Drill:
    """One drill.

    Attributes:
        name: Its name, as `DRILLS=` takes it.
        title: What is tried.
        promise: What must hold.
        function: Its module and its function, which are imported where it runs.
        takes_away: Whether roles of the stage are refused something in it on purpose.
    """

    name: str
    title: str
    promise: str
    function: str
    takes_away: bool = False

    def act(self, scene: Scene) -> None:
        """Do it.

        Args:
            scene: What it acts with.
        """
        module, _, name = self.function.partition(".")
        getattr(import_module(f"rehearsal.drills.{module}"), name)(scene)


DRILLS = (
    Drill(
        "endpoints",
        "Connect to each cache",
        "Each cache answers by its name over TLS to clients that log in, and to no other.",
        "endpoints.endpoints",
    ),
    Drill(
        "sites",
        "Call the sites",
        "Signed requests of a role with the grant are answered, all others are refused. Data that were read once come "
        "from the cache.",
        "sites.serve",
    ),
    Drill(
        "rotation",
        "Rotate secrets under load",
        "No command fails. The old password works until its grace time is over, and not afterwards.",
        "rotation.rotate",
    ),
    Drill(
        "grant",
        "Take a grant to connect, and give it back",
        "New logins are refused without elasticache:Connect on cache and user, and accepted with it.",
        "grants.grant",
        takes_away=True,
    ),
    Drill(
        "inbound-rule",
        "Revoke an inbound rule, and authorize it again",
        "A function without the rule does not reach its cache. With the rule it does.",
        "grants.inbound_rule",
    ),
    Drill("failover", "Fail over by API under load", "No command fails, and no write is lost.", "nodes.failover"),
    Drill(
        "primary-killed",
        "Kill a primary under load",
        "A replica is promoted. No answer is wrong, and no write is lost that a replica had confirmed.",
        "nodes.kill_primary",
    ),
    Drill(
        "zone-lost",
        "Lose an Availability Zone under load",
        "The other zones serve. No answer is wrong, and no write is lost that a replica had confirmed.",
        "nodes.lose_zone",
    ),
    Drill("shards-added", "Add a shard under load", "No answer is wrong, and no write is lost.", "nodes.add_shard"),
    Drill(
        "rolling-restart",
        "Restart all nodes in turn under load",
        "No answer is wrong, and no write is lost that a replica had confirmed.",
        "nodes.rolling_restart",
    ),
    Drill(
        "restore",
        "Restore a final snapshot into a new group",
        "The new group has every value that the snapshot had.",
        "restore.restore",
    ),
    Drill(
        "slow-log",
        "Run a slow command",
        "The slow command is in the log group of the template, without its key.",
        "logs.deliver",
    ),
    Drill(
        "alarm",
        "Raise the alarms",
        "Each alarm is raised by one node or one error, reaches its topic, and recovers.",
        "alarms.alarm",
    ),
    Drill(
        "scaling",
        "Scale by API as Application Auto Scaling does",
        "Every node is watched all the time, and one that was added raises the alarms.",
        "scaling.scale",
    ),
    Drill(
        "promotion",
        "Promote a secondary Region, and promote back",
        "The secondary is the only primary, and the first primary is again afterwards.",
        "regions.promote",
    ),
    Drill(
        "refusals",
        "Read what was refused",
        "No role of the stage was refused anything, from the deployment on, but by the drill that takes a grant away.",
        "refusals.refused",
    ),
)


NONE = ("none",)  # in place of names: no drill


def selected(names: Sequence[str]) -> tuple[Drill, ...]:
    """The drills of these names, in the order in which they run; all if no name is given, none for `none`.

    Raises:
        UnknownDrillError: If there is no drill of a name.
    """
    if tuple(names) == NONE:
        return ()
    known = {drill.name for drill in DRILLS}
    if unknown := [name for name in names if name not in known]:
        raise UnknownDrillError(
            refusal(
                got=f"DRILLS={','.join(unknown)}",
                allowed=f"the drills are {', '.join(sorted(known))}",
                fix="Name some of them, separated by commas; leave DRILLS out for all, or set it to none",
            )
        )
    return tuple(drill for drill in DRILLS if not names or drill.name in names)
