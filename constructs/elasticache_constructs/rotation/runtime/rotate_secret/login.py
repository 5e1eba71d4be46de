"""A login on a node: the only proof that the node accepts a password.

Three commands over the standard library's TLS. A client library would retry a refused login, load the system's
certificate authorities for each connection and add its own handshake. The function that handles every password runs no
third-party code but the AWS SDK.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import Busy, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedRWPair

    from .nodes import Node
    from .secret import Login

_TIMEOUT_SECONDS = 3.0
# The second is how engines before Redis 6 say it.
_WRONG_PASSWORD = ("-WRONGPASS", "-ERR invalid password")
_NO_PERMISSION = "-NOPERM"
_NO_USERS = "-ERR unknown command"


@dataclass(frozen=True, slots=True)
class Answers:
    """Which nodes accept a login and which refuse it."""

    accepted: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def everywhere(self) -> bool:
        """Whether every node accepts it, and there is one."""
        return bool(self.accepted) and not self.refused

    @property
    def anywhere(self) -> bool:
        """Whether some node accepts it."""
        return bool(self.accepted)


class LoginProbe:
    """Logs in once on each node, over TLS that verifies the node's certificate and name."""

    def __init__(self, ca_file: str | None) -> None:
        self._tls = ssl.create_default_context(cafile=ca_file)

    def ask(self, nodes: Iterable[Node], login: Login) -> Answers:
        """Try a login on each node.

        Raises:
            Busy: If a node cannot be reached, or is not ready to answer.
            Refused: If a node's certificate is not trusted, or the user may not do what proves a login.
        """
        answers = {node.name: self._accepts(node, login) for node in nodes}
        return Answers(
            accepted=tuple(name for name, accepted in answers.items() if accepted),
            refused=tuple(name for name, accepted in answers.items() if not accepted),
        )

    def _accepts(self, node: Node, login: Login) -> bool:
        try:
            with (
                socket.create_connection((node.address or node.host, node.port), _TIMEOUT_SECONDS) as plain,
                self._tls.wrap_socket(plain, server_hostname=node.host) as connection,
                connection.makefile("rwb") as stream,
            ):
                return _log_in(node, stream, login)
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                got=f"{node.name} ({node.host}) with a certificate that fails: {error.verify_message}",
                allowed="a node proves its name by a certificate of a trusted authority",
                fix="Check what is listening at that address; no password was sent",
            ) from None
        except OSError as error:
            raise Busy(f"{node.name} does not answer: {type(error).__name__}") from None


def _log_in(node: Node, stream: BufferedRWPair, login: Login) -> bool:
    # The default user's name is left out: engines before Redis 6 know no names.
    name = () if login.username == "default" else (login.username,)
    reply = _command(stream, "AUTH", *name, login.password)
    if reply.startswith(_WRONG_PASSWORD):
        return False
    if reply == "+OK":
        who = _command(stream, "ACL", "WHOAMI")
        reply = _command(stream, "PING")
        if (who == login.username or who.startswith(_NO_USERS)) and reply == "+PONG":
            return True
        reply = who if who.startswith("-") else reply
    if reply.startswith(_NO_PERMISSION):
        raise Refused(
            got=f"user {login.username!r} on {node.name}, which may not run ACL WHOAMI",
            allowed="a login is proven by ACL WHOAMI and PING",
            fix="Add +acl|whoami +ping to its access string",
        )
    # The first word of an error says what it is; the rest may quote what was sent.
    raise Busy(f"{node.name} gives no clear answer: {reply.split(' ')[0]}")


def _command(stream: BufferedRWPair, *words: str) -> str:
    encoded = [word.encode() for word in words]
    parts = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)]
    stream.write(b"".join(parts))
    stream.flush()
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError
    if line.startswith(b"$"):
        return stream.read(int(line[1:]) + 2)[:-2].decode()
    return line[:-2].decode()
