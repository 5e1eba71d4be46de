"""Caches of every kind, whose application may do what Permissions.read_write says and no more."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import ConnectionSettings
from elasticache_constructs import Permissions
from local_servers.certificates import HOST
from tests.client.conftest import APP, APP_PASSWORD, iam_credentials, iam_settings
from tests.client.engines import Engine, redis_server, stopping, valkey_server
from tests.client.test_cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_servers.certificates import Certificate
    from tests.client.conftest import Caller

PROGRAMS = {"redis": redis_server, "valkey": valkey_server}


@dataclass(frozen=True)
class Cache:
    """A running cache, seen by its administrator."""

    nodes: list[Engine]
    settings: ConnectionSettings
    options: dict[str, Any] = field(default_factory=dict)

    def holding(self, key: str) -> Any:
        """The administrator's connection to the node that has a key; to the first, where none has it."""
        return next((node.admin for node in self.nodes if key in node.admin.keys(key)), self.nodes[0].admin)

    def keys(self, pattern: str) -> set[str]:
        """The keys of all nodes."""
        return {key for node in self.nodes for key in node.admin.keys(pattern)}

    def changes(self) -> int:
        """How many writes all nodes have seen."""
        return sum(node.admin.info("persistence")["rdb_changes_since_last_save"] for node in self.nodes)


def plain_settings(port: int) -> ConnectionSettings:
    """A cache on this machine that asks for no login."""
    return ConnectionSettings(engine="valkey", host=HOST, port=port, tls=False, mode="standalone", auth="none")


def limit(node: Engine, user: str, password: str, pattern: str) -> None:
    """Give a user the rights of an application."""
    words = Permissions.read_write(pattern).access_string.split()
    node.admin.execute_command("ACL", "SETUSER", user, "reset", *words, password)


def one_node(program: str, directory: Any, pattern: str) -> Iterator[Cache]:
    """A cache of one node."""
    for engine in stopping(Engine(program, directory, None)):
        limit(engine, "default", "nopass", pattern)
        yield Cache([engine], plain_settings(engine.port))


def three_nodes(program: str, directory: Any, pattern: str, certificate: Certificate) -> Iterator[Cache]:
    """A cache in cluster mode."""
    cluster = Cluster(program, directory, certificate)
    try:
        for node in cluster.nodes:
            limit(node, APP, f">{APP_PASSWORD}", pattern)
        settings = iam_settings(cluster.fronts[0].port, mode="cluster", serverless=True)
        yield Cache(cluster.nodes, settings, {"credentials": iam_credentials(serverless=True)})
    finally:
        cluster.stop()


@contextmanager
def recording(caller: Caller) -> Iterator[list[str]]:
    """What a client sends meanwhile: one command for each round trip."""
    sent: list[str] = []
    execute: Callable[..., Any] = caller.client.execute_command

    def execute_and_note(*arguments: Any, **options: Any) -> Any:
        sent.append(str(arguments[0]))
        return execute(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caller.client, "execute_command", execute_and_note)
        yield sent
