"""Real engines for the tests, and a proxy that adds TLS and IAM authentication to an engine without TLS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from local_servers import nodes
from local_servers.nodes import Node
from local_servers.ports import free_port
from local_servers.processes import MissingProgramError
from tests.client.verifier import RefusedError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_servers.certificates import Certificate
    from tests.client.verifier import Verifier

ADMIN_PASSWORD = "administrators-own"


def missing(message: str) -> NoReturn:
    """Skip a test if a program is missing; fail in CI, where a skip would hide that nothing is tested."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def installed(find: Callable[[], str]) -> str:
    """The path of a program. If it is not installed, the test is skipped or, in CI, fails."""
    try:
        return find()
    except MissingProgramError as error:
        missing(str(error))


class Engine(Node):
    """A running engine with an administrator's connection."""

    def __init__(
        self, program: str, directory: Path, certificate: Certificate | None, *options: str, is_shard: bool = False
    ) -> None:
        super().__init__(
            program, directory, *options, password=ADMIN_PASSWORD, certificate=certificate, is_shard=is_shard
        )

    def set_passwords(self, user: str, *passwords: str) -> None:
        """Replace a user's passwords. Its connections stay open, as on ElastiCache."""
        rights = ["on", "resetpass", *(f">{password}" for password in passwords), "~*", "&*", "+@all"]
        self.admin.execute_command("ACL", "SETUSER", user, *rights)

    def cut(self, user: str) -> None:
        """Close all connections of a user."""
        for connection in self.admin.client_list():
            if connection["user"] == user:
                self.admin.client_kill_filter(_id=connection["id"])

    def logins(self) -> int:
        """How many AUTH and HELLO commands the engine has received, including rejected ones."""
        statistics: dict[str, Any] = self.admin.info("commandstats")
        seen = [statistics.get(name, {}) for name in ("cmdstat_auth", "cmdstat_hello")]
        return sum(counts.get("calls", 0) + counts.get("rejected_calls", 0) for counts in seen)

    def subscribers(self, channel: str) -> int:
        """The number of subscribers of a channel."""
        return int(self.admin.pubsub_numsub(channel)[0][1])


def redis_server() -> str:
    """The path of redis-server, which the system may or may not have."""
    return installed(nodes.redis_server)


def valkey_server() -> str:
    """The path of valkey-server, from its wheel."""
    return installed(nodes.valkey_server)


class Front:
    """A proxy that adds TLS, and ElastiCache's part of an IAM login.

    It checks the token of AUTH or HELLO, and passes on the engine's own password instead.
    """

    def __init__(
        self,
        engine: Engine,
        certificate: Certificate,
        users: dict[str, str],
        verifier: Verifier,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.verifier = verifier
        self.now: dt.datetime | None = None
        self.refusals: list[str] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._engine_port = engine.port
        self._users = users
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._start())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and close every connection."""
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)

    async def _finish(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the loop's next turns

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._engine_port)
        answers = asyncio.create_task(_copy(inner_reader, writer))
        self._writers.add(writer)
        try:
            while True:
                inner_writer.write(self._exchanged(await _command(reader)))
                await inner_writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            answers.cancel()
            inner_writer.close()
            writer.transport.abort()

    def _exchanged(self, command: list[bytes]) -> bytes:
        words = [word.upper() for word in command[:6]]
        at = words.index(b"AUTH") if words[0] in {b"AUTH", b"HELLO"} and b"AUTH" in words else None
        if at is not None and len(command) > at + 2 and command[at + 1].decode() in self._users:
            user = command[at + 1].decode()
            try:
                self.verifier.check(user, command[at + 2].decode(), self.now)
                command[at + 2] = self._users[user].encode()
            except (RefusedError, KeyError, ValueError) as error:
                self.refusals.append(str(error))
                command[at + 2] = b"refused"
        return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    words = []
    for _ in range(int((await reader.readuntil(b"\r\n"))[1:])):
        length = int((await reader.readuntil(b"\r\n"))[1:])
        words.append((await reader.readexactly(length + 2))[:-2])
    return words


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        # Clients notice at once that the engine has stopped.
        writer.close()


def stopping(thing: Engine | Front) -> Iterator[Any]:
    """For fixtures: yield the server, and stop it at the end."""
    try:
        yield thing
    finally:
        thing.stop()
