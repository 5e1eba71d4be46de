"""Servers and applications for the tests. Each application runs in a separate process with uvicorn."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from local_servers import processes
from local_servers.ports import LOOPBACK, free_port
from workloads.local.applications import serve, serving, wait_until_served
from workloads.local.servers import connection_settings, postgresql, valkey_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elasticache_client import ConnectionSettings
    from local_servers.nodes import Node
    from workloads.database import DatabaseSettings


@dataclass
class Application:
    """A running application and an HTTP client."""

    address: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open a client that stores no cookies. Tests send them explicitly."""
        self.client = httpx.Client(base_url=self.address, trust_env=False, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Send a GET request."""
        return self.client.get(path, headers=headers)

    def send(self, method: str, path: str, body: object, **headers: str) -> httpx.Response:
        """Send JSON."""
        return self.client.request(method, path, json=body, headers=headers)


@pytest.fixture(scope="session", name="database")
def _database() -> Iterator[DatabaseSettings]:
    with postgresql() as settings:
        yield settings


@pytest.fixture(scope="session", name="node")
def _node() -> Iterator[Node]:
    with valkey_node() as node:
        yield node


@pytest.fixture(scope="session", name="cache")
def _cache(node: Node) -> ConnectionSettings:
    return connection_settings(node)


@pytest.fixture(scope="session", name="start")
def _start(cache: ConnectionSettings, database: DatabaseSettings) -> Iterator[Callable[..., Application]]:
    """Starts applications on the shared servers, or with other environment variables."""
    with ExitStack() as stack:

        def start(name: str, **variables: str) -> Application:
            port = free_port()
            environment = {**cache.to_environment(), **database.to_environment(), **variables}
            process = serve(f"workloads.{name}.web:app", port, environment)
            stack.callback(processes.end, process)
            wait_until_served(port, process)
            application = Application(f"http://{LOOPBACK}:{port}")
            stack.callback(application.client.close)
            return application

        yield start


@pytest.fixture(scope="session", name="catalogue")
def _catalogue(start: Callable[..., Application]) -> Application:
    return start("catalogue")


@pytest.fixture(scope="session", name="leaderboard")
def _leaderboard(start: Callable[..., Application]) -> Application:
    return start("leaderboard")


@pytest.fixture(scope="session", name="sessions")
def _sessions(start: Callable[..., Application]) -> tuple[Application, Application]:
    """Two processes of the same application."""
    return start("sessions"), start("sessions")


@pytest.fixture(scope="session", name="sites")
def _sites() -> Iterator[dict[str, int]]:
    """The ports of the applications as `make workloads` serves them."""
    ports = {name: free_port() for name in ("catalogue", "sessions", "leaderboard")}
    with serving(ports):
        yield ports
