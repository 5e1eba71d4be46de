"""Memcached servers."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from local_servers import processes
from local_servers.ports import LOOPBACK
from local_servers.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_servers.certificates import Certificate


def memcached() -> str:
    """The path of the system's `memcached`.

    Raises:
        MissingProgramError: If it is not installed.
    """
    return processes.find_program("memcached", "Install the system's package memcached.")


class Memcached(Server):
    """One Memcached server. Like ElastiCache's, it has no users.

    Args:
        certificate: Certificate for TLS. Default: no encryption.
        options: Further options of the program.
        environment: Environment variables besides those of this process.

    Raises:
        MissingProgramError: If Memcached is not installed.
        ServerError: If the server ends before it answers.
        TimeoutError: If the server does not answer in time.
    """

    def __init__(
        self, certificate: Certificate | None = None, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        files = f"ssl_chain_cert={certificate.certificate},ssl_key={certificate.key}" if certificate else ""
        self._options = [*(["--enable-ssl", "--extended", files] if certificate else []), *options]
        self._program = memcached()
        super().__init__(Path.cwd(), environment={**os.environ, **(environment or {})})

    def command(self) -> list[str]:
        """The program and its arguments."""
        address = ["--listen", LOOPBACK, "--port", str(self.port), "--udp-port", "0"]
        return [self._program, "--user", getpass.getuser(), *address, "--threads", "2", *self._options]

    def answers(self) -> bool:
        """Whether it accepts connections."""
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port)):
            return True
        return False
