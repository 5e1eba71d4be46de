"""Servers, endpoints and clients for the tests of Memcached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from elasticache_client import ConnectionSettings, tls_context
from elasticache_client.memcached import Memcached, connect, connect_nodes
from local_servers.certificates import HOST, make_certificate
from tests.client.memcached.servers import Endpoint, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_servers.certificates import Certificate


patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
"""For a machine that is busy."""


def settings(port: int, **changes: Any) -> ConnectionSettings:
    """A cluster on this machine, as MemcachedCluster.connection_settings() describes it."""
    found: dict[str, Any] = {"engine": "memcached", "host": HOST, "port": port, "tls": True, "mode": "standalone"}
    return ConnectionSettings(**{**found, "auth": "none", **changes})


@pytest.fixture(scope="session", name="dns_only")
def _dns_only(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("dns-only"), with_address=False)


@pytest.fixture(scope="session", name="tls_servers")
def _tls_servers(dns_only: Certificate) -> Iterator[list[Server]]:
    """Three servers that all tests share. No test may stop them."""
    started = [Server(dns_only) for _ in range(3)]
    yield started
    for server in started:
        server.stop()


@pytest.fixture(name="start_server")
def _start_server() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*arguments: Any, **named: Any) -> Server:
        started.append(Server(*arguments, **named))
        return started[-1]

    yield start
    for server in started:
        server.resume()
        server.stop()


@pytest.fixture(name="endpoint")
def _endpoint(dns_only: Certificate) -> Iterator[Endpoint]:
    endpoint = Endpoint(dns_only)
    yield endpoint
    endpoint.stop()


@pytest.fixture(name="open_cluster")
def _open_cluster(dns_only: Certificate) -> Iterator[Callable[..., Memcached]]:
    """Opens clients that raise errors instead of misses, unless told otherwise."""
    opened: list[Memcached] = []

    def open_cluster(endpoint: Endpoint, **options: Any) -> Memcached:
        wanted = {"tls": tls_context(dns_only.certificate), "fail_open": False, "answer_seconds": 1.0, **options}
        opened.append(connect(settings(endpoint.port), **wanted))
        return opened[-1]

    yield open_cluster
    for client in opened:
        client.close()


@pytest.fixture(name="open_nodes")
def _open_nodes() -> Iterator[Callable[..., Memcached]]:
    opened: list[Memcached] = []

    def open_nodes(*servers: Server | str, **options: Any) -> Memcached:
        names = [server if isinstance(server, str) else server.name for server in servers]
        opened.append(connect_nodes(names, **options))
        return opened[-1]

    yield open_nodes
    for client in opened:
        client.close()
