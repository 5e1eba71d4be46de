"""One secret, one cache and the function between them."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from elasticache_constructs.access import Permissions
from elasticache_constructs.rotation.runtime.rotate_secret import handler, login, nodes
from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from tests.rotation.clock import Clock
from tests.rotation.twin import GROUP, SECRET, SERVERLESS, USER_ID, Account, ElastiCache, Knobs, SecretsManager

if TYPE_CHECKING:
    import io
    from collections.abc import Callable
    from pathlib import Path

    from elasticache_constructs.rotation.runtime.rotate_secret.secret import Login
    from tests.rotation.engine import Server

FOUR = ("createSecret", "setSecret", "testSecret", "finishSecret")
GRACE = 60
POLL_SECONDS = handler._POLL_SECONDS

# A machine that is busy must not look like a node that does not answer.
login._TIMEOUT_SECONDS = 60.0
ADDRESSES = nodes._addresses
"""As the function has it."""
# The name localhost has a second address, at which no server listens.
nodes._addresses = lambda cache, host, port: ["127.0.0.1"]  # noqa: ARG005 - as the function has them


class KeptLogins(login.LoginProbe):
    """The function's logins on connections that are kept: thousands of TLS handshakes would take most of the time.

    RESET makes a connection that of a client that has not logged in. What a handshake refuses is tested with the
    function's own class.
    """

    _streams: ClassVar[dict[int, io.BufferedRWPair]] = {}
    _one_login = threading.Lock()

    def _accepts(self, node: nodes.Node, asked: Login) -> bool:
        with self._one_login:
            if node.port not in self._streams:
                self._streams[node.port] = self._stream(node)
            stream = self._streams[node.port]
            reset = login._command(stream, "RESET")
            assert reset == "+RESET", reset
            return login._log_in(node, stream, asked)

    def _stream(self, node: nodes.Node) -> io.BufferedRWPair:
        plain = socket.create_connection((node.address, node.port), login._TIMEOUT_SECONDS)
        with plain, self._tls.wrap_socket(plain, server_hostname=node.host) as connection:
            return connection.makefile("rwb")  # which keeps the connection open

    @classmethod
    def close(cls) -> None:
        """Close the connections."""
        while cls._streams:
            cls._streams.popitem()[1].close()


handler.LoginProbe = KeptLogins  # type: ignore[attr-defined]


class Context:
    """Lambda's, with some seconds to use beyond the runtime's reserve."""

    function_name = "rotate-orders"

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._end = clock() + 30 + seconds

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda's."""
        return round(1000 * (self._end - self._clock()))


class Rig:
    """The function, wired to the twin."""

    def __init__(
        self,
        kind: Kind,
        servers: list[Server],
        ca_file: Path,
        *,
        knobs: Knobs | None = None,
        serverless: bool = False,
    ) -> None:
        self.kind = kind
        self.user_name = "app" if kind is Kind.USER else "default"
        self.clock = Clock()
        self.account = Account(self.clock)
        self.first = "first" * 12
        value = {"username": self.user_name, "password": self.first, "note": "kept"}
        self.secrets = SecretsManager(self.account, value)
        self.cache = ElastiCache(self.account, servers, self.first, user_name=self.user_name, knobs=knobs)
        self.cache.rules = Permissions.read_write("*").access_string if kind is Kind.USER else "on ~* &* +@all"
        self.cache.seed()
        if serverless:
            self.cache.groups, self.cache.serverless = [], [SERVERLESS]
        self.serverless = serverless
        self.seconds = 120.0
        self.context = Context(self.clock, self.seconds)
        self.environment = {
            "SECRET_ARN": SECRET,
            "KIND": kind.value,
            "USER_NAME": self.user_name,
            **({"SERVERLESS_CACHE_NAME": SERVERLESS} if serverless else {"REPLICATION_GROUP_ID": GROUP}),
            "GRACE_SECONDS": str(GRACE),
            "CA_FILE": str(ca_file),
        } | ({"USER_ID": USER_ID} if kind is Kind.USER else {})

    def step(self, step: str, token: str | None = None, **event: str) -> Any:
        """Invoke the function; what it says came of it."""
        if token is not None:
            event = {"SecretId": SECRET, "ClientRequestToken": token, **event}
        self.context = Context(self.clock, self.seconds)
        result = handler.answer(
            {"Step": step, **event},
            self.context,
            environment=self.environment,
            secretsmanager=self.secrets,
            elasticache=self.cache,
            poll_seconds=POLL_SECONDS,
            clock=self.clock,
            sleep=self.clock.sleep,
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
