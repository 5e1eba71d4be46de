"""What happened in a rehearsal, one JSON object a line: connections, logins, decisions, promotions, deliveries."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from rehearsal.live import peer

if TYPE_CHECKING:
    from pathlib import Path


class Journal:
    """A file that modules of the live layer append to, from any thread.

    It never holds secrets, tokens, passwords or arguments of commands.

    Args:
        path: The file; it is created, readable for its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", buffering=1)

    def write(self, kind: str, **facts: Any) -> None:
        """Append one entry with the time, and with the function whose connection is being decided on.

        Args:
            kind: What happened, for example `cache-login`.
            facts: What is known about it; values that JSON does not have become text.
        """
        function = peer.connecting.get()
        client = {} if function is None else {"client": function}
        line = json.dumps({"time": round(time.time(), 6), "kind": kind, **client, **facts}, default=str)
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")

    def close(self) -> None:
        """Write no more entries; later ones are dropped."""
        with self._lock:
            self._file.close()


def read(path: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The entries so far, oldest first; a line that is still being written is left out.

    Args:
        path: The file of a `Journal`.
        kind: Return entries of this kind only. Default: all.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    entries = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [entry for entry in entries if kind is None or entry["kind"] == kind]
