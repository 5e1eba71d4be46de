"""What servers of every kind share: start, kill, suspend, stop."""

from __future__ import annotations

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from local_servers import processes
from local_servers.ports import free_port
from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ServerError(Exception):
    """A server ended before it answered."""


class Server(ABC):
    """A server that listens on one port of the loopback address and ends with this process.

    Args:
        directory: Working directory of the server.
        port: Port to listen on. Default: any free one.
        environment: All environment variables of the server.

    Raises:
        ServerError: If the server ends before it answers.
        TimeoutError: If the server does not answer in time.
    """

    def __init__(self, directory: Path, *, port: int = 0, environment: Mapping[str, str] | None = None) -> None:
        self.port = port or free_port()
        self._directory = directory
        self._environment = environment or {}
        self.start()

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server answers."""

    def start(self) -> None:
        """Start the server on its port, also after `kill`, and wait until it answers.

        Raises:
            ServerError: If the server ends before it answers.
            TimeoutError: If the server does not answer in time.
        """
        self._process = processes.start(
            self.command(), environment=self._environment, directory=self._directory, output=subprocess.DEVNULL
        )
        try:
            wait_until(self._is_ready, f"{self.command()[0]} answers")
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """End the server at once, like a machine that fails."""
        processes.kill(self._process)

    def suspend(self) -> None:
        """Let the server accept connections and answer none, until `resume`."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # returns when its last thread has stopped

    def resume(self) -> None:
        """Let a suspended server continue."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the server."""
        processes.end(self._process)

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise ServerError(f"{self.command()[0]} ended with status {self._process.returncode} before it answered")
        return self.answers()
