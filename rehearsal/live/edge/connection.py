"""One admitted connection of a client, and the relay between it and an engine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rehearsal.live.edge.edge import Edge, Endpoint
    from rehearsal.live.peer import Peer

CHUNK = 65_536  # bytes
BUFFER = 256 * 1024  # bytes
CLOSE_SECONDS = 2.0
TLS_HANDSHAKE = b"\x16"  # the first byte of a TLS connection


class Refusal(Exception):  # noqa: N818 - it is an outcome, and no error of the edge
    """The connection ends: the client has its answer, or does not speak the protocol."""


@dataclass(eq=False)
class Connection:
    """What a protocol gets to serve.

    Attributes:
        edge: The edge, which knows whom to ask.
        endpoint: The endpoint.
        peer: The process that connected.
        client: Address of its end.
        reader: What the client sends.
        writer: What it gets.
        encrypted: Whether TLS is in use.
        opened: Further writers, which are closed with the connection.
    """

    edge: Edge
    endpoint: Endpoint
    peer: Peer
    client: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool
    opened: list[asyncio.StreamWriter] = field(default_factory=list)
    _expiry: asyncio.TimerHandle | None = None

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the engine."""
        reader, writer = await asyncio.open_unix_connection(self.endpoint.upstream, limit=BUFFER)
        self.opened.append(writer)
        return reader, writer

    async def answer(self, data: bytes) -> None:
        """Send the client something."""
        self.writer.write(data)
        await self.writer.drain()

    def expire(self, seconds: float | None) -> None:
        """Close the connection after some time, in place of what was said before.

        Args:
            seconds: When; None if it may stay.
        """
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if seconds is not None:
            self._expiry = asyncio.get_running_loop().call_later(max(seconds, 0), self.writer.transport.abort)

    async def close(self) -> None:
        """Close the connection and those to the engine: what has been written is sent, to a client that reads it."""
        self.expire(None)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                self.writer.close()
                await self.writer.wait_closed()
        self.abort()

    def abort(self) -> None:
        """Close the connection and those to the engine at once."""
        for writer in (self.writer, *self.opened):
            writer.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on all that arrives, until its end."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def relay(requests: asyncio.Task[None], answers: asyncio.Task[None]) -> None:
    """Wait until one of the two directions ends, and end the other.

    The engine may still answer the last requests of a client that sends no more.

    Args:
        requests: Passes on what the client sends, and tells the engine the end of it.
        answers: Passes on what the engine sends.

    Raises:
        OSError: If the direction that ended failed.
    """
    tasks = {requests, answers}
    try:
        done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if requests in done and requests.exception() is None:
            await asyncio.wait(running, timeout=CLOSE_SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def first_byte(client: socket.socket) -> bytes:
    """The first byte that the client sends, which stays to be read; empty if the client sends nothing and closes."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(client, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(client)
    return client.recv(1, socket.MSG_PEEK)
