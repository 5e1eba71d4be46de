"""What a drill acts with: the stage, the control socket, a load, and the checks that it adds."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from rehearsal.drills.clients import CacheClient
from rehearsal.drills.load import Load
from verification.posture import Check, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rehearsal.drills.load import Client
    from rehearsal.drills.outcome import Traffic
    from rehearsal.drills.stage import DeployedStage, Group

PATIENCE_SECONDS = 90.0  # a loaded machine takes ten times what a quiet one does
BEGIN_SECONDS = 20.0
SETTLE_SECONDS = 0.6  # of load before and after what is tried, so that the plot shows both
STACK = "drills"


class NotApplicableError(Exception):
    """The stage has nothing that the drill could be tried on; the message says what is missing."""


class NotRunError(Exception):
    """The drill could not be tried although it applies; the message says why."""


class TimedOutError(Exception):
    """Something did not happen in time; the message says what."""


@dataclass
class Scene:
    """What one drill acts with.

    Attributes:
        name: Name of the drill.
        stage: The deployed stage.
        control: Sends a command to the control socket of the emulator.
        journal: The journal of the run.
        intended: When other drills had something taken away: from and to, as `time.time` tells it.
        checks: What the drill has checked so far.
        traffic: The loads so far.
    """

    name: str
    stage: DeployedStage
    control: Callable[..., Mapping[str, Any]]
    journal: Path
    intended: Sequence[tuple[float, float]] = ()
    checks: list[Check] = field(default_factory=list)
    traffic: list[Traffic] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.stage.account.client(service)

    def require_engine(self, *caches: str) -> None:
        """Check that engines run behind the endpoints of caches.

        Raises:
            NotRunError: If one has no engine; the message says why.
        """
        missing = self.control("engine-versions")["without_engine"]
        for cache in caches:
            if cache in missing:
                raise NotRunError(f"{cache} has no engine: {missing[cache]}")

    def expect(self, promise: str, asked: Any, read: Any, *, of: str = "") -> bool:
        """Check a promise: what was asked for, and what happened.

        Args:
            promise: What must hold; with the name of the drill it names the check.
            asked: What must have happened.
            read: What has happened.
            of: The resource it is about. Default: the whole drill.
        """
        ok = bool(asked == read)
        self.checks.append(Check(STACK, of or self.name, promise, shown(asked), shown(read), ok))
        return ok

    @contextmanager
    def load(self, clients: Sequence[Callable[[], Client]], *, reconnecting: int = 0, keys: int = 16) -> Iterator[Load]:
        """Clients that write and read for as long as the block lasts, and a moment before and after.

        The load is recorded however the block ends. Reads with a wrong value, and lost writes that a replica had
        confirmed, fail the drill: no drill may have any.

        Args:
            clients: Makes the client of each thread.
            reconnecting: How many of them connect again for each operation.
            keys: How many keys each client has.
        """
        load = Load(clients, prefix=f"app:drill-{self.name}-{len(self.traffic)}", reconnecting=reconnecting, keys=keys)
        try:
            with load:
                begun = "the clients are answered before the drill begins"
                self.until(lambda: load.answered >= len(clients), begun, BEGIN_SECONDS)
                time.sleep(SETTLE_SECONDS)
                yield load
                answered = load.answered
                self.until(lambda: load.answered > answered, "the clients are answered after the drill")
                time.sleep(SETTLE_SECONDS)
        finally:
            self.traffic.append(load.traffic())

    def cache_load(self, group: Group, clients: int = 3) -> Any:
        """A load on a group with its secret's login; one of the clients connects again for each operation."""
        settings = self.stage.settings(group)
        return self.load([partial(CacheClient, settings)] * clients, reconnecting=1)

    def expect_right_answers(self, *, errors: bool = False, losses: bool = False, of: str = "") -> None:
        """Check what the clients of the last load saw.

        Args:
            errors: Whether operations may fail.
            losses: Whether acknowledged writes may be lost that no replica had confirmed.
            of: The resource it is about. Default: the whole drill.
        """
        traffic = self.traffic[-1]
        if not errors:
            told = "0" if not traffic.failed else f"{traffic.failed}: " + "; ".join(list(traffic.errors)[:3])
            self.expect("no failed command", "0", told, of=of)
        self.expect("no wrong answer", 0, traffic.wrong, of=of)
        if losses:
            self.expect("no lost write that a replica had confirmed", 0, traffic.lost_replicated, of=of)
        else:
            self.expect("no lost acknowledged write", 0, traffic.lost, of=of)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until a condition holds, and return its value.

        Raises:
            TimedOutError: If it does not hold in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.05)
        raise TimedOutError(f"within {seconds:.0f} s it did not happen that {what}")

    def available(self, group: str) -> dict[str, Any]:
        """Wait until a replication group is available again, and return it."""
        found: dict[str, Any] = self.until(
            lambda: described if (described := self.stage.describe(group))["Status"] == "available" else None,
            f"{group} is available",
        )
        return found
