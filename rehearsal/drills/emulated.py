"""The scene of a rehearsal: clients reach every node, and a control socket does what no API of AWS does."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rehearsal.drills.clients import CacheClient
from rehearsal.drills.contents import WrittenValues
from rehearsal.drills.scene import NotRunError, Scene, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rehearsal.drills.contents import Contents
    from rehearsal.drills.load import Load
    from rehearsal.drills.stage import Group, Rotated

CLIENTS = 3
BEFORE_SECONDS = 20.0
NO_LOGIN = "no template has a secret with a password for the group, which the clients of the drill need"


@dataclass
class EmulatedScene(Scene):
    """What one drill acts with in a rehearsal.

    Attributes:
        control: Sends a command to the control socket of the emulator.
        journal: The journal of the run.
        intended: When other drills had something taken away: from and to, as `time.time` tells it.
    """

    control: Callable[..., Mapping[str, Any]]
    journal: Path
    intended: Sequence[tuple[float, float]] = ()

    lacking = {}  # noqa: RUF012 - declared as a class variable by `Scene`
    # A loaded machine takes ten times what a quiet one does.
    waiting = Waiting(seconds=90.0, pause=0.05, longest_pause=0.05, begin_seconds=20.0)
    failover_is_graceful = True
    maximum_failovers = sys.maxsize

    def require_engine(self, *caches: str) -> None:
        """Ask the emulator: an engine may not be installed on this machine."""
        missing = self.control("engine-versions")["without_engine"]
        for cache in caches:
            if cache in missing:
                raise NotRunError(f"{cache} has no engine: {missing[cache]}")

    def require_clients(self, groups: Sequence[Group]) -> list[Group]:
        """Those with a secret, whose login the clients use."""
        usable = [group for group in groups if group.secret]
        if not usable:
            raise NotRunError(NO_LOGIN)
        return usable

    @contextmanager
    def cache_load(self, group: Group) -> Iterator[Load]:
        """Clients with the login of the group's secret; one of them connects again for each operation."""
        settings = self.stage.settings(group)
        with self.load([partial(CacheClient, settings)] * CLIENTS, reconnecting=1) as load:
            yield load

    def primaries(self, group: Group) -> set[str]:
        """Ask the nodes."""
        with closing(CacheClient(self.stage.settings(group))) as client:
            slots = client.execute("CLUSTER SLOTS")
        names = (entry["primary"][0] for entry in slots.values())
        return {str(name).split(".")[0] for name in names}

    def wait_until_whole(self, group: Group) -> None:
        """Wait until every node of a group serves again: a write on each shard is confirmed by all its replicas."""
        self.available(group.name)
        replicas = min(len(nodes) - 1 for nodes in self.shards(group).values())
        with closing(CacheClient(self.stage.settings(group))) as client:
            self.until(lambda: client.replicas("app:drill-whole") >= replicas, f"all replicas of {group.name} are back")

    def settle_rotations(self) -> None:
        """The emulator knows which rotations run."""
        self.control("wait-for-rotations", seconds=BEFORE_SECONDS)

    def wait_for_rotation(self, secret: Rotated, version: str) -> None:  # noqa: ARG002 - it waits for all
        """The emulator knows when it has ended, however it ended."""
        self.control("wait-for-rotations", seconds=self.waiting.seconds)

    def pass_hour(self) -> None:
        """The emulator lets schedules fire whose hour has come."""
        self.control("pass-hour")

    @contextmanager
    def contents(self, group: Group) -> Iterator[Contents]:
        """Values that the drill writes and reads."""
        with closing(CacheClient(self.stage.settings(group))) as client:
            yield WrittenValues(self, group, client)

    @contextmanager
    def snapshot(self, group: Group, name: str) -> Iterator[str]:
        """One that has the values which the drill has written."""
        with self.fresh_snapshot(group, name):
            yield name

    def auth_token(self, group: Group) -> str:
        """That of the group, which the clients log in with."""
        return self.stage.password(group.secret or "")
