"""Watch a program and its descendants: their commands, directories and ports, and which still run afterwards."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable


class Watch:
    """Samples the processes below one process until it is stopped."""

    def __init__(self, pid: int) -> None:
        self.seen: dict[int, psutil.Process] = {}
        self.listened: set[tuple[str, int]] = set()
        self.directories: set[Path] = set()
        self._root = psutil.Process(pid)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_stopped, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples."""
        self._stopped.set()
        self._thread.join()

    def commands(self) -> str:
        """The command lines of the processes so far."""
        lines = []
        for process in list(self.seen.values()):
            try:
                lines.append(" ".join(process.cmdline()))
            except psutil.NoSuchProcess:
                continue
        return "\n".join(lines)

    def alive(self, seconds: float = 30.0) -> list[str]:
        """The processes that still run after some seconds."""
        gone, alive = psutil.wait_procs(list(self.seen.values()), timeout=seconds)
        assert len(gone) + len(alive) == len(self.seen)
        return [f"{process.pid} {process.name()}" for process in alive]

    def until(self, holds: Callable[[], bool], seconds: float = 120.0) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"nothing holds in {seconds} s; running:\n{self.commands()}"
            time.sleep(0.05)

    def _sample_until_stopped(self) -> None:
        while not self._stopped.wait(0.1):
            self._sample()

    def _sample(self) -> None:
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            self.seen.setdefault(process.pid, process)
            try:
                self.directories.add(Path(process.cwd()))
                connections = process.net_connections(kind="inet")
            except (psutil.Error, OSError):
                continue
            listening = [item.laddr for item in connections if item.status == psutil.CONN_LISTEN]
            self.listened |= {(address.ip, address.port) for address in listening}
