"""The servers of one run, Valkey and PostgreSQL, and the number of database queries."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from local_servers.postgresql import postgresql
from workloads.local.servers import valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_client import ConnectionSettings


@dataclass(frozen=True)
class Servers:
    """How to connect to the servers.

    Attributes:
        cache: Connection settings of Valkey.
        conninfo: Connection string of PostgreSQL.
    """

    cache: ConnectionSettings
    conninfo: str

    def database(self) -> psycopg.Connection[dict[str, Any]]:
        """A connection in autocommit mode."""
        return psycopg.connect(self.conninfo, autocommit=True, row_factory=dict_row)


@contextmanager
def running() -> Iterator[Servers]:
    """Run both servers for as long as the block lasts."""
    with valkey() as cache, postgresql() as server:
        conninfo = make_conninfo(
            host=str(server.socket_directory), port=server.port, dbname=server.database, user=server.user
        )
        servers = Servers(cache, conninfo)
        with servers.database() as database:
            database.execute("CREATE SEQUENCE queries")
        yield servers


def queries(database: psycopg.Connection[dict[str, Any]]) -> int:
    """How many queries with ``nextval('queries')`` have begun so far in all processes, including failed ones."""
    row = database.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS queries FROM queries").fetchone()
    return int(row["queries"]) if row else 0
