"""A request imports nothing: an exception of a signal handler during an import may block all later imports."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from elasticache_client import ConnectionSettings
from local_servers.nodes import CLIENTS_WITHOUT_LOGIN, Node, valkey_server
from local_servers.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = """
import asyncio, json, sys
from elasticache_client import ConnectionSettings, connect, connect_async
settings, library, asynchronous = json.loads(sys.argv[1])
client = (connect_async if asynchronous else connect)(ConnectionSettings(**settings), library=library)

async def get():
    global before
    before = set(sys.modules)
    await client.get("key")
    late = set(sys.modules) - before
    await client.aclose()
    return late

if asynchronous:
    late = asyncio.run(get())
else:
    before = set(sys.modules)
    client.get("key")
    late = set(sys.modules) - before
print(sorted(late))
"""


@pytest.fixture(scope="module", name="settings")
def _settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionSettings]:
    node = Node(valkey_server(), tmp_path_factory.mktemp("node"), default_user=CLIENTS_WITHOUT_LOGIN)
    try:
        yield ConnectionSettings(
            engine="valkey", host=LOOPBACK, port=node.port, tls=False, mode="standalone", auth="none"
        )
    finally:
        node.stop()


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_the_first_request_imports_nothing(library: str, settings: ConnectionSettings, *, asynchronous: bool) -> None:
    """The client, its connection and its login are imported with it."""
    order = json.dumps([asdict(settings), library, asynchronous])

    command = [sys.executable, "-c", _PROGRAM, order]
    assert "[]\n" == subprocess.run(command, capture_output=True, text=True, check=True).stdout
