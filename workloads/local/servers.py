"""The cache and the database of the applications on this machine."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import local_servers.postgresql
from elasticache_client import ConnectionSettings
from local_servers.nodes import CLIENTS_WITHOUT_LOGIN, Node, valkey_server
from local_servers.ports import LOOPBACK
from workloads.catalogue.prepare import prepare
from workloads.database import Database, DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def valkey_node(port: int = 0) -> Iterator[Node]:
    """Run a cache for as long as the block lasts.

    Clients on this machine use it without encryption and without a login, since both kinds of login need TLS, which
    the packaged Valkey does not have. They cannot configure it.

    Args:
        port: Port of the cache. Default: any free one.

    Raises:
        ServerError: If the cache ends before it answers.
    """
    with tempfile.TemporaryDirectory(prefix="valkey-") as directory:
        node = Node(valkey_server(), Path(directory), port=port, default_user=CLIENTS_WITHOUT_LOGIN)
        try:
            yield node
        finally:
            node.stop()


def connection_settings(node: Node) -> ConnectionSettings:
    """How clients without a login reach a node."""
    return ConnectionSettings(engine="valkey", host=LOOPBACK, port=node.port, tls=False, mode="standalone", auth="none")


@contextmanager
def valkey(port: int = 0) -> Iterator[ConnectionSettings]:
    """Run a cache as `valkey_node` does; how clients reach it."""
    with valkey_node(port) as node:
        yield connection_settings(node)


@contextmanager
def postgresql() -> Iterator[DatabaseSettings]:
    """Run the catalogue's database, with its products, for as long as the block lasts."""
    with local_servers.postgresql.postgresql() as server:
        settings = DatabaseSettings(
            host=str(server.socket_directory),
            port=server.port,
            name=server.database,
            user=server.user,
            tls=False,
            iam=False,
        )
        with Database(settings) as database:
            prepare(database)
        yield settings
