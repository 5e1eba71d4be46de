"""All drills, in the order in which they run: what needs the stage as deployed comes before what moves its roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rehearsal.drills.alarms import alarm
from rehearsal.drills.endpoints import endpoints
from rehearsal.drills.grants import grant, inbound_rule
from rehearsal.drills.nodes import add_shard, failover, kill_primary, lose_zone, rolling_restart
from rehearsal.drills.restore import restore
from rehearsal.drills.rotation import rotate
from rehearsal.drills.sites import serve
from rehearsal.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        act: Does it.
    """

    name: str
    title: str
    promise: str
    act: Callable[[Scene], None]


DRILLS = (
    Drill(
        "endpoints",
        "Connect to each cache",
        "Each cache answers by its name over TLS to clients that log in, and to no other.",
        endpoints,
    ),
    Drill(
        "sites",
        "Call the sites",
        "Signed requests of a role with the grant are answered, all others are refused. Data that were read once come "
        "from the cache.",
        serve,
    ),
    Drill(
        "rotation",
        "Rotate secrets under load",
        "No command fails. The old password works until its grace time is over, and not afterwards.",
        rotate,
    ),
    Drill(
        "grant",
        "Take a grant to connect, and give it back",
        "New logins are refused without elasticache:Connect on cache and user, and accepted with it.",
        grant,
    ),
    Drill(
        "inbound-rule",
        "Revoke an inbound rule, and authorize it again",
        "A function without the rule does not reach its cache. With the rule it does.",
        inbound_rule,
    ),
    Drill("failover", "Fail over by API under load", "No command fails, and no write is lost.", failover),
    Drill(
        "primary-killed",
        "Kill a primary under load",
        "A replica is promoted. No answer is wrong, and no write is lost that a replica had confirmed.",
        kill_primary,
    ),
    Drill(
        "zone-lost",
        "Lose an Availability Zone under load",
        "The other zones serve. No answer is wrong, and no write is lost that a replica had confirmed.",
        lose_zone,
    ),
    Drill("shards-added", "Add a shard under load", "No answer is wrong, and no write is lost.", add_shard),
    Drill(
        "rolling-restart",
        "Restart all nodes in turn under load",
        "No answer is wrong, and no write is lost that a replica had confirmed.",
        rolling_restart,
    ),
    Drill(
        "restore",
        "Restore a final snapshot into a new group",
        "The new group has every value that the snapshot had.",
        restore,
    ),
    Drill("alarm", "Raise the alarms", "An alarm reaches the subscribers of its topic.", alarm),
)


def selected(names: Sequence[str]) -> tuple[Drill, ...]:
    """The drills of these names, in the order in which they run; all if no name is given.

    Raises:
        UnknownDrillError: If there is no drill of a name.
    """
    known = {drill.name for drill in DRILLS}
    if unknown := [name for name in names if name not in known]:
        raise UnknownDrillError(
            refusal(
                got=f"DRILLS={','.join(unknown)}",
                allowed=f"the drills are {', '.join(sorted(known))}",
                fix="Name some of them, separated by commas, or leave DRILLS out to run all",
            )
        )
    return tuple(drill for drill in DRILLS if not names or drill.name in names)
