"""Defaults of the libraries: ADR 13 decides which ones connect() passes or inherits, and a new one fails a test."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from elasticache_client import ConnectionSettings, SettingsError, connect

_DECISIONS = Path(__file__).parents[2] / "docs" / "adr" / "0013-defaults-of-the-libraries.md"
_MODULES = ("redis", "redis.asyncio", "valkey", "valkey.asyncio")


def _parameters(module: str) -> set[str]:
    """All parameters of a library's client: its own, its pool's, and its connections'."""
    library = module.partition(".")[0]
    top = import_module(module)
    connections = import_module(f"{module}.connection")
    kinds: list[Any] = [getattr(top, library.title()), getattr(top, f"{library.title()}Cluster")]
    kinds += [getattr(connections, name) for name in ("BlockingConnectionPool", "ConnectionPool")]
    kinds += [getattr(connections, name) for name in ("Connection", "SSLConnection", "AbstractConnection")]
    return {name for kind in kinds for name in inspect.signature(kind).parameters} - {"kwargs", "connection_kwargs"}


@pytest.mark.parametrize("module", _MODULES)
def test_every_parameter_is_decided(module: str) -> None:
    """New parameters are reviewed before a version is used. Maintenance notifications came as a default."""
    decided = set(_DECISIONS.read_text().split("`")[1::2])
    assert _parameters(module) - decided == set()


def test_nothing_is_decided_that_does_not_exist() -> None:
    """The table has no parameter that the libraries have removed."""
    rows = [line.split("|")[1] for line in _DECISIONS.read_text().splitlines() if line.startswith("| `")]
    decided = {name for row in rows for name in row.split("`")[1::2]}
    assert decided - set().union(*map(_parameters, _MODULES)) == set()


def _cluster(mode: Any) -> ConnectionSettings:
    return ConnectionSettings(engine="valkey", host="localhost", port=6379, tls=False, mode=mode, auth="none")


@pytest.mark.parametrize("name", ["cache", "cache_config"])
@pytest.mark.parametrize("mode", ["standalone", "cluster"])
def test_a_cache_in_the_client_is_refused(name: str, mode: Any) -> None:
    """redis-py would close every connection to an engine of ElastiCache with a connection error."""
    with pytest.raises(
        SettingsError, match=rf"^{name}=…: connect\(\) does not take .*\. Leave it out, because redis-py"
    ):
        connect(_cluster(mode), **cast("dict[str, Any]", {name: object()}))


def test_asyncio_clusters_are_not_asked_to_announce_maintenance(open_client: Any) -> None:
    """Nor are the other kinds of client."""
    client = open_client("redis-py asyncio", _cluster("cluster")).client
    assert client.maint_notifications_config.enabled is False


def test_a_cluster_client_is_of_its_librarys_module(open_client: Any) -> None:
    """Instrumentation and logs identify clients by their module."""
    kind = type(open_client("redis-py asyncio", _cluster("cluster")).client)
    assert (kind.__module__, kind.__name__) == ("redis.asyncio.cluster", "RedisCluster")
