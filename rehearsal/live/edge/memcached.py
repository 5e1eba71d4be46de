"""The protocol of Memcached: `config get cluster` is ElastiCache's own and is answered here, the rest by the node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rehearsal.live.edge.connection import CHUNK, CLOSE_SECONDS, Connection, pump

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 65_536  # bytes; a `get` of many keys may be long
BINARY = 0x80  # the first byte of a request in the binary protocol
CONFIG = (b"config get cluster", b"get AmazonElastiCache:cluster")  # the second is of clients before 1.4.14
# The position of the number of bytes that follow a command's line.
STORES = {
    **dict.fromkeys((b"set", b"add", b"replace", b"append", b"prepend", b"cas"), 4),
    b"ms": 2,
}


class Commands:
    """Splits what a client sends into bytes to pass on and requests for the list of nodes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._bytes = 0  # that the current value still has, with its line end
        self._binary: bool | None = None

    def feed(self, data: bytes) -> Iterator[bytes | int]:
        """Take data; yields bytes to pass on unchanged, and the position in `CONFIG` of each request for the list."""
        buffer = self._buffer
        buffer += data
        if self._binary is None and buffer:
            self._binary = buffer[0] == BINARY
        at = len(buffer) if self._binary else 0
        while at < len(buffer):
            if self._bytes:
                taken = min(self._bytes, len(buffer) - at)
                self._bytes -= taken
                at += taken
                continue
            line_end = buffer.find(b"\n", at)
            if line_end < 0:
                if len(buffer) - at > MAX_LINE:
                    at = len(buffer)  # the node refuses it
                break
            line = bytes(buffer[at:line_end]).rstrip(b"\r")
            if line in CONFIG:
                if at:
                    yield bytes(buffer[:at])
                del buffer[: line_end + 1]
                at = 0
                yield CONFIG.index(line)
                continue
            self._bytes = _following(line)
            at = line_end + 1
        if at:
            yield bytes(buffer[:at])
            del buffer[:at]


def _following(line: bytes) -> int:
    """How many bytes of a value follow a line, with their line end."""
    words = line.split()
    position = STORES.get(words[0]) if words else None
    if position is None or len(words) <= position or not words[position].isdigit():
        return 0
    return int(words[position]) + 2


class _Node:
    """A connection to the node, which is made when the first command needs it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writer: asyncio.StreamWriter | None = None
        self._answers: asyncio.Task[None] | None = None

    async def send(self, data: bytes) -> None:
        if self._writer is None:
            reader, self._writer = await self._connection.dial()
            self._answers = asyncio.create_task(self._relay(reader))
        self._writer.write(data)
        await self._writer.drain()

    async def finish(self) -> None:
        """Have the node answer all that it has got; it closes the connection then, which has no state."""
        if self._writer is None or self._answers is None:
            return
        answers, self._answers = self._answers, None
        self._writer.write_eof()
        async with asyncio.timeout(CLOSE_SECONDS):
            await answers
        self._writer = None

    def abandon(self) -> None:
        if self._answers is not None:
            self._answers.cancel()

    async def _relay(self, reader: asyncio.StreamReader) -> None:
        await pump(reader, self._connection.writer)
        if self._answers is not None:  # the node has ended the connection by itself
            self._connection.writer.close()


async def serve(connection: Connection) -> None:
    """Serve one client."""
    commands, node = Commands(), _Node(connection)
    try:
        while data := await connection.reader.read(CHUNK):
            for piece in commands.feed(data):
                if isinstance(piece, bytes):
                    await node.send(piece)
                else:
                    await node.finish()
                    await connection.answer(await _nodes(connection, piece))
        await node.finish()
    finally:
        node.abandon()


async def _nodes(connection: Connection, form: int) -> bytes:
    edge = connection.edge
    body = await edge.decide(edge.decisions.cluster_nodes, connection.endpoint)
    first = (b"CONFIG cluster 0 %d\r\n", b"VALUE AmazonElastiCache:cluster 0 %d\r\n")[form] % len(body)
    return first + body + b"\r\nEND\r\n"
