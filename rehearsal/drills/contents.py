"""What a group has in it, to compare with what groups have that are restored from its snapshots."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from rehearsal.drills.clients import CacheClient

if TYPE_CHECKING:
    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group

KEYS = 200
PREFIX = "app:drill-restore"


class Contents(Protocol):
    """What a group has in it."""

    def snapshot_made(self, snapshot: str) -> None:
        """Take note of a snapshot: what is written to the group from now on is not in it."""

    def expect_in(self, name: str, what: str) -> None:
        """Check that a restored group has what the snapshot has.

        Args:
            name: Id of the restored group.
            what: What it was restored from, for example `the snapshot`.
        """


class WrittenValues:
    """Values that the drill writes and reads, one by one.

    Args:
        scene: What the drill acts with.
        group: The group that is written to.
        client: Its client.
    """

    def __init__(self, scene: Scene, group: Group, client: CacheClient) -> None:
        self._scene, self._group, self._client = scene, group, client
        for number in range(KEYS):
            client.write(f"{PREFIX}:{number}", number + 1)

    def snapshot_made(self, snapshot: str) -> None:  # noqa: ARG002 - it has what was written before
        """Write one value that the snapshot must not have."""
        self._client.write(f"{PREFIX}:0", KEYS + 1)

    def expect_in(self, name: str, what: str) -> None:
        """Read every value from the restored group."""
        settings = self._scene.stage.settings(self._group, name=name)
        with closing(CacheClient(settings)) as restored:
            versions = [restored.read(f"{PREFIX}:{number}") for number in range(KEYS)]
        same = sum(version == number + 1 for number, version in enumerate(versions))
        self._scene.expect(f"values that {what} has brought back", KEYS, same, of=self._group.resource)
