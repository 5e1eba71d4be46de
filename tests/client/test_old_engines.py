"""Engines before 7.0 wrap the errors of scripts, and a new primary may not know a script.

A small server replies like Redis 6.2, because no package provides that version.
"""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import ConnectionSettings
from elasticache_client.scripting import Script
from elasticache_client.steps import run, run_async
from local_servers.certificates import HOST
from tests.client.conftest import KINDS, Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

every_kind = pytest.mark.parametrize("kind", KINDS)

WRAPPED = (
    b"-ERR Error running script (call to f_c664a3): @user_script:1: @user_script: 1: "
    b"-READONLY You can't write against a read only replica. \r\n"
)
NOSCRIPT = b"-NOSCRIPT No matching script. Please use EVAL.\r\n"
DONE = b"+done\r\n"


class Former:
    """A primary that becomes a replica.

    It rejects the commands of the first connection. A new connection reaches its successor.
    """

    def __init__(self, answers: list[dict[str, bytes]]) -> None:
        self.connections = 0
        self.seen: Counter[str] = Counter()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                mine = answers[min(outer.connections, len(answers) - 1)]
                outer.connections += 1
                while head := self.rfile.readline():
                    words = []
                    for _ in range(int(head[1:])):
                        length = int(self.rfile.readline()[1:])
                        words.append(self.rfile.read(length + 2)[:-2].decode())
                    name = words[0].upper()
                    outer.seen[name] += 1
                    self.wfile.write(mine.get(name, b"%1\r\n+proto\r\n:3\r\n" if name == "HELLO" else b"+OK\r\n"))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(name="former")
def _former() -> Iterator[Callable[[list[dict[str, bytes]]], Former]]:
    made: list[Former] = []

    def former(answers: list[dict[str, bytes]]) -> Former:
        made.append(Former(answers))
        return made[-1]

    yield former
    for server in made:
        server.stop()


def _open(open_client: Callable[..., Caller], kind: str, port: int) -> Caller:
    settings = ConnectionSettings(engine="redis", host=HOST, port=port, tls=False, mode="standalone", auth="none")
    return open_client(kind, settings)


@every_kind
def test_a_wrapped_refusal_is_what_it_is(
    kind: str, former: Callable[..., Former], open_client: Callable[..., Caller]
) -> None:
    """A script that a replica rejects is retried on a new connection, as a plain write is."""
    server = former([{"EVAL": WRAPPED}, {"EVAL": DONE}])
    assert _open(open_client, kind, server.port)("eval", "return redis.call('set', KEYS[1], 1)", 1, "a") == "done"
    assert server.connections == 2


@every_kind
def test_a_script_that_the_successor_does_not_know(
    kind: str, former: Callable[..., Former], open_client: Callable[..., Caller]
) -> None:
    """The script is sent in full to the new primary too."""
    server = former([{"EVALSHA": NOSCRIPT, "EVAL": WRAPPED}, {"EVALSHA": NOSCRIPT, "EVAL": DONE}])
    client = _open(open_client, kind, server.port)
    take: Callable[[Any], Any] = run_async if KINDS[kind].asynchronous else run
    script = Script(client.client, "return redis.call('set', KEYS[1], 1)")
    assert client.wait(take(script(["a"], []))) == "done"
    assert server.seen["EVAL"] == 2
