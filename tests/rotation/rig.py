"""One secret, one cache and the function between them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_constructs.access import Permissions
from elasticache_constructs.rotation.runtime.rotate_secret import handler
from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from tests.rotation.twin import GROUP, SECRET, USER_ID, Account, ElastiCache, Knobs, SecretsManager

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rotation.engine import Server

FOUR = ("createSecret", "setSecret", "testSecret", "finishSecret")
GRACE = 60

# Here, since scenarios run in threads, and CDK answers one thread at a time.
_READ_WRITE = Permissions.read_write("*").access_string


class Clock:
    """A clock that a test moves, or that runs faster than the others."""

    def __init__(self, speed: float = 0) -> None:
        self._speed = speed
        self._moved = 1_700_000_000.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self._moved + time.monotonic() * self._speed

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._moved += seconds


@dataclass
class Context:
    """Lambda's, with some seconds to use beyond the runtime's reserve."""

    seconds: float
    function_name: str = "rotate-orders"
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda's."""
        return int(1000 * (30 + self.seconds - (time.monotonic() - self.started)))


class Rig:
    """The function, wired to the twin."""

    def __init__(
        self, kind: Kind, servers: list[Server], ca_file: Path, *, knobs: Knobs | None = None, speed: float = 0
    ) -> None:
        self.kind = kind
        self.user_name = "app" if kind is Kind.USER else "default"
        self.account = Account()
        self.first = "first" * 12
        value = {"username": self.user_name, "password": self.first, "note": "kept"}
        self.clock = Clock(speed)
        self.secrets = SecretsManager(self.account, value, clock=self.clock)
        self.cache = ElastiCache(self.account, servers, self.first, user_name=self.user_name, knobs=knobs)
        self.cache.rules = _READ_WRITE if kind is Kind.USER else "on ~* &* +@all"
        self.cache.seed()
        self.seconds = 2.0
        self.poll_seconds = 0.005
        self.context = Context(self.seconds)
        self.environment = {
            "SECRET_ARN": SECRET,
            "KIND": kind.value,
            "USER_NAME": self.user_name,
            "REPLICATION_GROUP_ID": GROUP,
            "GRACE_SECONDS": str(GRACE),
            "CA_FILE": str(ca_file),
        } | ({"USER_ID": USER_ID} if kind is Kind.USER else {})

    def step(self, step: str, token: str | None = None, **event: str) -> Any:
        """Invoke the function; what it says came of it."""
        if token is not None:
            event = {"SecretId": SECRET, "ClientRequestToken": token, **event}
        self.context = Context(self.seconds)
        result = handler.answer(
            {"Step": step, **event},
            self.context,
            environment=self.environment,
            secretsmanager=self.secrets,
            elasticache=self.cache,
            poll_seconds=self.poll_seconds,
            clock=self.clock,
        )
        return result["Outcome"]

    def rotate(self) -> str:
        """RotateSecret, and all four steps; the new version."""
        token = self.secrets.rotate()
        for step in FOUR:
            self.step(step, token)
        return token

    def current_works(self) -> bool:
        """Whether AWSCURRENT logs in on every node."""
        password = self.secrets.peek("AWSCURRENT")
        return password is not None and all(self.cache.accepts(password))

    def password(self, version: str) -> str:
        """What a version holds."""
        return str(json.loads(self.secrets.versions[version].value or "{}")["password"])
