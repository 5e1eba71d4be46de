"""What users of the applications notice while something happens to the cache, and its table in docs/workloads.md.

``python -m tests.workloads.outages`` measures and writes the table.
"""

from __future__ import annotations

import itertools
import json
import random
import secrets
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from elasticache_constructs.access.permissions import Permissions
from local_servers import processes
from local_servers.certificates import HOST, make_certificate
from local_servers.nodes import ADMINISTRATOR
from local_servers.ports import LOOPBACK, free_port
from local_servers.waiting import wait_until
from tests.client.conftest import secret_settings
from tests.client.engines import ADMIN_PASSWORD, Engine, Front, valkey_server
from tests.client.secrets_manager import SecretsManagerStub
from tests.client.verifier import Verifier
from workloads.local.applications import serve, wait_until_served
from workloads.local.servers import postgresql

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from local_servers.certificates import Certificate

DOCUMENT = Path(__file__).parents[2] / "docs" / "workloads.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

USER = "workloads"
# The permissions of the applications' users on AWS, so that a missing one fails here.
_RIGHTS = Permissions.read_write("catalogue:*", "session:*", "leaderboard:*").access_string.split()
_AWAY_SECONDS = 1.5
_CALM_SECONDS = 0.8
WORKERS = 3
"""Users of each application."""


class Endpoint(Front):
    """The cache's host name and TLS in front of one engine, which can be replaced."""

    def point_at(self, engine: Engine) -> None:
        """Send new connections to another engine, as the service does with a primary endpoint."""
        self._engine_port = engine.port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await super()._serve(reader, writer)
        except ConnectionRefusedError:
            writer.transport.abort()


class _Secrets(ThreadingHTTPServer):
    """Secrets Manager with one secret, with the protocol that botocore uses."""

    def __init__(self, stub: SecretsManagerStub) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                answer = json.dumps(stub.get_secret_value(**asked)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        super().__init__((LOOPBACK, 0), Handler)


@dataclass
class Rig:
    """A primary and its replica behind an endpoint, the secret for the login, and the applications."""

    primary: Engine
    replica: Engine
    endpoint: Endpoint
    secret: SecretsManagerStub
    addresses: dict[str, list[str]]

    def set_passwords(self, *passwords: str) -> None:
        """Replace the accepted passwords on both nodes."""
        for engine in (self.primary, self.replica):
            set_passwords(engine, *passwords)


def set_passwords(engine: Engine, *passwords: str) -> None:
    """Give the applications' user these passwords, and its permissions on AWS."""
    engine.admin.execute_command(
        "ACL", "SETUSER", USER, "resetpass", *(f">{password}" for password in passwords), *_RIGHTS
    )


@contextmanager
def rig(directory: Path) -> Iterator[Rig]:
    """Everything running, with its files in a directory."""
    with ExitStack() as stack:
        certificate = make_certificate(directory)
        primary = _engine(stack, directory / "primary")
        follow = ["--replicaof", HOST, str(primary.port), "--masteruser", ADMINISTRATOR, "--masterauth", ADMIN_PASSWORD]
        replica = _engine(stack, directory / "replica", *follow)
        endpoint = Endpoint(primary, certificate, {}, Verifier("none", "none", {}))
        stack.callback(endpoint.stop)
        secret = SecretsManagerStub(USER, "first")
        manager = stack.enter_context(_Secrets(secret))
        threading.Thread(target=manager.serve_forever).start()
        stack.callback(manager.shutdown)
        for engine in (primary, replica):
            set_passwords(engine, "first")
        variables = _variables(endpoint, certificate, manager.server_port)
        variables |= stack.enter_context(postgresql()).to_environment()
        names = ["catalogue", "sessions", "sessions", "leaderboard"]
        addresses: dict[str, list[str]] = {name: [] for name in names}
        started = [(name, free_port()) for name in names]
        running = [(port, _served(stack, name, port, variables)) for name, port in started]
        for port, process in running:
            wait_until_served(port, process)
        for name, port in started:
            addresses[name].append(f"http://{LOOPBACK}:{port}")
        yield Rig(primary, replica, endpoint, secret, addresses)


def _engine(stack: ExitStack, directory: Path, *arguments: str) -> Engine:
    directory.mkdir()
    engine = Engine(valkey_server(), directory, None, *arguments)
    stack.callback(engine.stop)
    return engine


def _served(stack: ExitStack, name: str, port: int, variables: dict[str, str]) -> Any:
    process = serve(f"workloads.{name}.web:app", port, variables)
    stack.callback(processes.end, process)
    return process


def _variables(endpoint: Endpoint, certificate: Certificate, secrets_port: int) -> dict[str, str]:
    return {
        **secret_settings(endpoint.port, USER).to_environment(),
        "SSL_CERT_FILE": str(certificate.certificate),
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{LOOPBACK}:{secrets_port}",
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }


@dataclass(frozen=True)
class Tally:
    """What the users of one application have seen."""

    requests: int = 0
    failed: int = 0
    forgotten: int = 0
    """Answers that did not know what had been confirmed before."""
    slowest: float = 0.0
    """Seconds until the answer that took longest."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.requests + other.requests,
            self.failed + other.failed,
            self.forgotten + other.forgotten,
            max(self.slowest, other.slowest),
        )


@dataclass
class User:
    """A user that sends requests without a pause."""

    addresses: list[str]
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    tally: Tally = field(default_factory=Tally)
    cookie: str = ""

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request to the next process. Returns the answer, or None if it fails."""
        start = time.monotonic()
        address = self.addresses[self.tally.requests % len(self.addresses)]
        try:
            answer = self._client.request(method, address + path, json=body, headers={"cookie": self.cookie})
            content: dict[str, Any] = answer.raise_for_status().json()
        except httpx.HTTPError:
            self.tally += Tally(1, failed=1, slowest=time.monotonic() - start)
            return {}
        self.tally += Tally(1, slowest=time.monotonic() - start)
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        return content

    def expect(self, known: object, told: object) -> None:
        """Compare an answer with what was confirmed before."""
        self.tally += Tally(forgotten=int(known != told))

    def use(self, act: Callable[[User, int], None], over: threading.Event) -> None:
        """Send requests until the end."""
        with httpx.Client(trust_env=False, timeout=30) as self._client:
            for turn in itertools.count(1):
                if over.is_set():
                    return
                act(self, turn)


def browse(user: User, _: int) -> None:
    """Look at a product. Some are requested much more often than others."""
    user.ask("GET", f"/api/products/{min(int(random.paretovariate(1)), 1000)}")


def fill_cart(user: User, turn: int) -> None:
    """Change the cart, and check that the other process knows."""
    quantity = 1 + turn % 99
    if user.ask("PUT", "/api/cart", {"item": "lamp", "quantity": quantity}):
        state = user.ask("GET", "/api/session")
        if state:
            user.expect([quantity], [line["quantity"] for line in state["cart"]])


def play(user: User, turn: int) -> None:
    """Submit a better score each time, and look at the board."""
    player = f"player {user.name}"
    if user.ask("PUT", "/api/scores", {"player": player, "score": turn}):
        board = user.ask("GET", f"/api/boards/daily?player={player}")
        if board:
            user.expect(turn, board["you"] and board["you"]["score"])


ACTS = {"catalogue": browse, "sessions": fill_cart, "leaderboard": play}


def under_load(addresses: dict[str, list[str]], event: Callable[[], None], workers: int = WORKERS) -> dict[str, Tally]:
    """Cause an event while every application is used. Returns what the users saw, from before it until after it."""
    over = threading.Event()
    users = {name: [User(addresses[name]) for _ in range(workers)] for name in addresses}
    threads = [
        threading.Thread(target=user.use, args=(ACTS[name], over)) for name, those in users.items() for user in those
    ]
    for thread in threads:
        thread.start()
    try:
        everyone = [user for those in users.values() for user in those]
        wait_until(lambda: all(user.tally.requests for user in everyone), "every user has an answer", 60)
        time.sleep(_CALM_SECONDS)
        event()
        time.sleep(_CALM_SECONDS)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return {name: sum((user.tally for user in those), Tally()) for name, those in users.items()}


def rotate(rig: Rig) -> None:
    """Add a new password, remove the old one, and close all connections that had logged in with it."""
    rig.set_passwords("first", "second")
    rig.secret.rotate("second")
    time.sleep(_CALM_SECONDS)
    rig.set_passwords("second")
    rig.primary.cut(USER)


def fail_over(rig: Rig) -> None:
    """Kill the primary. After a delay, its replica takes over, and the endpoint points to it."""
    # Killed, because a primary that is asked to stop waits for its replica.
    rig.primary.kill()
    time.sleep(_AWAY_SECONDS)
    rig.replica.admin.execute_command("REPLICAOF", "NO", "ONE")
    rig.endpoint.point_at(rig.replica)


FAILOVER = f"the primary is killed; its replica takes over after {_AWAY_SECONDS} s"
EVENTS: dict[str, Callable[[Rig], None]] = {
    "nothing": lambda _: None,
    "the secret rotates, and all connections are cut": rotate,
    FAILOVER: fail_over,
}


def measure(built: Rig) -> dict[str, dict[str, Tally]]:
    """Measure what the users of every application see during each event."""
    return {name: under_load(built.addresses, partial(event, built)) for name, event in EVENTS.items()}


def table(results: dict[str, dict[str, Tally]]) -> str:
    """The results as Markdown."""
    lines = [
        "| meanwhile | application | requests | failed | forgotten | slowest answer |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for event, tallies in results.items():
        for name, it in tallies.items():
            lines.append(f"| {event} | {name} | {it.requests} | {it.failed} | {it.forgotten} | {it.slowest:.2f} s |")
    return "\n".join(lines) + "\n"


def write(results: dict[str, dict[str, Tally]], document: Path = DOCUMENT) -> None:
    """Write the table between its markers."""
    before, rest = document.read_text().split(BEGIN)
    document.write_text(before + BEGIN + "\n" + table(results) + "\n" + END + rest.split(END)[1])


def main() -> None:
    """Measure and write the table."""
    with tempfile.TemporaryDirectory() as directory, rig(Path(directory)) as built:
        write(measure(built))


if __name__ == "__main__":
    main()
