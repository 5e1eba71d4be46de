"""The protocol of Redis and Valkey: logins are decided by the edge's modules, everything else by the engine.

Commands are passed on as they arrive, whatever their length. The password of `AUTH` and `HELLO` is replaced by what the
decision says, so that the engine answers every command in order, a refused login with its own `WRONGPASS`. The framing
is at least as strict as the engine's: what the engine could read in another way ends the connection.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import TYPE_CHECKING

from rehearsal.live.edge.connection import CHUNK, Connection, Refusal, pump, relay

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEADER = 32  # bytes of the line before a command or an argument
MAX_INLINE = 65_536  # bytes of an inline command, as in the engine
MAX_ARGUMENTS = 1024**2  # of a command, as in the engine
MAX_BULK = 512 * 1024**2  # bytes of an argument, as in the engine
MAX_LOGIN_ARGUMENTS = 16  # of AUTH and HELLO
MAX_LOGIN = 65_536  # bytes of AUTH and HELLO
LOGINS = (b"AUTH", b"HELLO")
DEFAULT_USER = "default"
NUMBER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
HEX = re.compile(rb"[0-9a-fA-F]{2}")
ESCAPES = {ord("n"): ord("\n"), ord("r"): ord("\r"), ord("t"): ord("\t"), ord("b"): ord("\b"), ord("a"): ord("\a")}
SPACES = b" \n\r\t\v\f"
# What makes the engine itself answer with a protocol error, after its answers so far, and close the connection.
MALFORMED = b"*?\r\n"

Words = list[bytes]


class ProtocolError(ValueError):
    """What the client sent is not a command."""


class Commands:
    """Splits what a client sends into bytes to pass on and logins to decide, without keeping long commands."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._arguments = 0  # that the current command still has
        self._bytes = 0  # that the current argument still has, with its line end

    def feed(self, data: bytes) -> Iterator[bytes | Words]:
        """Take data; yields bytes to pass on unchanged, and the words of each login.

        Raises:
            ProtocolError: If the data is not a command.
        """
        buffer = self._buffer
        buffer += data
        at = 0
        try:
            while at < len(buffer):
                if self._bytes:
                    taken = min(self._bytes, len(buffer) - at)
                    self._bytes -= taken
                    at += taken
                elif self._arguments:
                    length, at = self._header(at, b"$")
                    self._bytes = _bulk(length) + 2
                    self._arguments -= 1
                else:
                    words, end = self._command(at)
                    if words is not None:
                        if at:
                            yield bytes(buffer[:at])
                        del buffer[:end]
                        at = 0
                        yield words
                    else:
                        at = end
        except _IncompleteError:
            pass
        except ProtocolError:
            if at:
                yield bytes(buffer[:at])
            raise
        if at:
            yield bytes(buffer[:at])
            del buffer[:at]

    def _command(self, at: int) -> tuple[Words | None, int]:
        """The words of a login and its end; no words and the end of its first line if it is another command."""
        if self._buffer[at] != ord("*"):
            return self._inline(at)
        count, first = self._header(at, b"*")
        if count > MAX_ARGUMENTS:
            raise ProtocolError("invalid multibulk length")
        if count > 0:
            length, start = self._header(first, b"$")
            if _bulk(length) in {len(login) for login in LOGINS} and self._is_login(start, length):
                return self._login(first, count)
        self._arguments = max(count, 0)
        return None, first

    def _is_login(self, start: int, length: int) -> bool:
        word = bytes(self._buffer[start : start + length])
        if len(word) < length:
            raise _IncompleteError
        return word.upper() in LOGINS

    def _login(self, at: int, count: int) -> tuple[Words, int]:
        if count > MAX_LOGIN_ARGUMENTS:
            raise ProtocolError("too many arguments of a login")
        words, start = [], at
        for _ in range(count):
            length, at = self._header(at, b"$")
            end = at + _bulk(length) + 2
            if end - start > MAX_LOGIN:
                raise ProtocolError("a login is too long")
            if len(self._buffer) < end:
                raise _IncompleteError
            words.append(bytes(self._buffer[at : end - 2]))
            at = end
        return words, at

    def _header(self, at: int, kind: bytes) -> tuple[int, int]:
        """The number of a line such as `*3`, and the end of the line."""
        line_end = self._buffer.find(b"\r", at, at + MAX_HEADER)
        if line_end < 0:
            if len(self._buffer) - at >= MAX_HEADER:
                raise ProtocolError("too big count")
            raise _IncompleteError
        if line_end + 1 == len(self._buffer):
            raise _IncompleteError
        line = bytes(self._buffer[at : line_end + 2])
        if line[:1] != kind or not NUMBER.fullmatch(line[1:-2]) or line[-1:] != b"\n":
            raise ProtocolError(f"not a line with {kind.decode()} and a number")
        return int(line[1:-2]), line_end + 2

    def _inline(self, at: int) -> tuple[Words | None, int]:
        line_end = self._buffer.find(b"\n", at, at + MAX_INLINE)
        if line_end < 0:
            if len(self._buffer) - at >= MAX_INLINE:
                raise ProtocolError("too big inline request")
            raise _IncompleteError
        words = split(bytes(self._buffer[at:line_end]))
        return (words if words and words[0].upper() in LOGINS else None), line_end + 1


class _IncompleteError(Exception):
    """More has to arrive."""


def _bulk(length: int) -> int:
    if not 0 <= length <= MAX_BULK:
        raise ProtocolError("invalid bulk length")
    return length


def split(line: bytes) -> Words:
    """The words of an inline command, with quotes and escapes as the engine reads them.

    Raises:
        ProtocolError: If a quote is not closed, or is closed within a word.
    """
    words: Words = []
    text = line.split(b"\0", 1)[0]
    at = 0
    while at < len(text):
        if text[at] in SPACES:
            at += 1
            continue
        word, at = _word(text, at)
        words.append(word)
    return words


def _word(text: bytes, at: int) -> tuple[bytes, int]:
    word, quote = bytearray(), 0
    while at < len(text):
        byte = text[at]
        if quote:
            if byte == ord("\\") and (escaped := _escape(text, at, quote)):
                value, at = escaped
                word.append(value)
                continue
            if byte == quote:
                if at + 1 < len(text) and text[at + 1] not in SPACES:
                    raise ProtocolError("unbalanced quotes in request")
                return bytes(word), at + 1
            word.append(byte)
        elif byte in b" \n\r\t":
            return bytes(word), at
        elif byte in b"\"'":
            quote = byte
        else:
            word.append(byte)
        at += 1
    if quote:
        raise ProtocolError("unbalanced quotes in request")
    return bytes(word), at


def _escape(text: bytes, at: int, quote: int) -> tuple[int, int] | None:
    """The value of the escape sequence that starts here, and its end; None if the backslash is one."""
    following = text[at + 1 : at + 2]
    if quote == ord("'"):
        return (ord("'"), at + 2) if following == b"'" else None
    if following == b"x" and HEX.fullmatch(text[at + 2 : at + 4]):
        return int(text[at + 2 : at + 4], 16), at + 4
    return (ESCAPES.get(following[0], following[0]), at + 2) if following else None


def encode(words: Words) -> bytes:
    """The words as a command."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def credentials(words: Words) -> tuple[str, int] | None:
    """The user of a login and the position of the password among its words; None if it has no password."""
    if words[0].upper() == b"AUTH":
        if len(words) == 2:  # noqa: PLR2004 - the command and the password
            return DEFAULT_USER, 1
        return (_text(words[1]), 2) if len(words) == 3 else None  # noqa: PLR2004 - the command, the user, the password
    at, found = 2, None
    while at < len(words):  # HELLO version AUTH user password SETNAME name
        option = words[at].upper()
        if option == b"AUTH" and at + 2 < len(words):
            found, at = (_text(words[at + 1]), at + 2), at + 3
        elif option == b"SETNAME":
            at += 2
        else:
            return None  # the engine refuses it as a whole
    return found


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


async def serve(connection: Connection) -> None:
    """Serve one client."""
    answers, engine = await connection.dial()
    await _log_in_as_default(connection, answers, engine)
    requests = asyncio.create_task(_requests(connection, engine))
    await relay(requests, asyncio.create_task(pump(answers, connection.writer)))


async def _log_in_as_default(
    connection: Connection, answers: asyncio.StreamReader, engine: asyncio.StreamWriter
) -> None:
    """Where clients need no login: the engine wants one all the same, since its other port must not be open."""
    edge = connection.edge
    password = await edge.decide(edge.decisions.default_password, connection.endpoint)
    if password is not None:
        engine.write(encode([b"AUTH", DEFAULT_USER.encode(), password.encode()]))
        if not (await answers.readline()).startswith(b"+OK"):
            raise Refusal


async def _requests(connection: Connection, engine: asyncio.StreamWriter) -> None:
    commands = Commands()
    while data := await connection.reader.read(CHUNK):
        try:
            for piece in commands.feed(data):
                engine.write(piece if isinstance(piece, bytes) else encode(await _decided(connection, piece)))
                await engine.drain()
        except ProtocolError:
            engine.write(MALFORMED)
            await engine.drain()
            break
    engine.write_eof()


async def _decided(connection: Connection, words: Words) -> Words:
    """The login as the engine gets it."""
    login = credentials(words)
    if login is None:
        return words
    user, position = login
    edge, endpoint = connection.edge, connection.endpoint
    decision = await edge.decide(edge.decisions.cache_login, endpoint, user, _text(words[position]))
    if decision.password is None:
        password = secrets.token_hex(32).encode()
    else:
        password = decision.password.encode("utf-8", "surrogateescape")
        connection.expire(None if decision.until is None else decision.until - time.time())
    return [*words[:position], password, *words[position + 1 :]]
