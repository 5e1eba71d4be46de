"""A unix socket by which the drills ask the emulator's process for what no AWS API does, such as to kill a node."""

from __future__ import annotations

import json
import logging
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from verification.messages import refusal

if TYPE_CHECKING:
    from pathlib import Path

Command = Callable[..., Mapping[str, Any]]

MAX_REQUEST = 65_536  # bytes
POLL_SECONDS = 0.05  # until `close` is noticed
ANSWER_SECONDS = 120.0

logger = logging.getLogger(__name__)


class ControlError(Exception):
    """A command failed, or does not exist; the message says why."""


class Control:
    """The commands of one run, served on a socket that only its owner can open.

    Each request is a line with a JSON object `{"command": name, "arguments": {...}}`; so is each answer, with either
    `result` or `error`.

    Args:
        path: The socket.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._commands: dict[str, Command] = {}
        umask = os.umask(0o177)
        try:
            self._server = _Server(str(path), _Handler)
        finally:
            os.umask(umask)
        self._server.control = self
        threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), name="control", daemon=True).start()

    def register(self, command: str, function: Command) -> None:
        """Add a command.

        Args:
            command: Its name, for example `kill-node`.
            function: Gets the arguments by name, in a thread of the server, and returns what JSON can hold.
        """
        self._commands[command] = function

    def call(self, command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a command in this thread.

        Raises:
            ControlError: If there is no such command, or it does not take the arguments.
        """
        function = self._commands.get(command)
        if function is None:
            raise ControlError(
                refusal(
                    got=f"control command {command!r}",
                    allowed=f"must be one of {', '.join(sorted(self._commands)) or 'none'}",
                    fix="Use one of these commands",
                )
            )
        return function(**arguments)

    def close(self) -> None:
        """Serve no more commands, and remove the socket."""
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    control: Control


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            request = json.loads(self.rfile.readline(MAX_REQUEST))
            answer: dict[str, Any] = {
                "result": dict(self.server.control.call(request["command"], request.get("arguments", {})))
            }
        except Exception as fault:
            logger.exception("a control command failed")
            answer = {"error": f"{type(fault).__name__}: {fault}"}
        self.wfile.write(json.dumps(answer, default=str).encode() + b"\n")


class Controller:
    """A client of `Control` in another process.

    Args:
        path: The socket.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Run a command and return its result.

        Raises:
            ControlError: If the command failed; the message is the emulator's.
            OSError: If nothing answers.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(self.path))
            connection.sendall(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        if not line:
            raise ControlError(f"{command}: the emulator's process ended before it answered")
        answer = json.loads(line)
        if "error" in answer:
            raise ControlError(f"{command}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result
