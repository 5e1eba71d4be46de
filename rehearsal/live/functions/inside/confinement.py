"""Confine this process: what a function may read, write and reach.

The kernel's Landlock keeps the process, and its native code, to the given files, without the right to start programs
or to signal other processes. An audit hook adds what Landlock lacks: connections to addresses of 127/8 only, and none
to unix sockets, behind which the engines are. Where the kernel has no Landlock, the hook alone judges files.

What this cannot do: the process runs as the same user. An audit hook sees Python's own calls only, so native code
could still connect elsewhere or to a unix socket, and without Landlock it could open any file of the user. A function
can use all processors of the machine. The code is that of the app under rehearsal, which its developer trusts;
confinement catches mistakes, and is no place to run the code of others.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# https://docs.kernel.org/userspace-api/landlock.html
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on x86-64 and arm64
VERSION_FLAG = 1
RULE_PATH_BENEATH = 1
NO_NEW_PRIVILEGES = 38  # of prctl
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
READ = READ_FILE | READ_DIR
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}  # by version
LATEST_RIGHTS = (1 << 16) - 1
SCOPES = 0b11  # abstract unix sockets of, and signals to, processes outside
SCOPES_SINCE = 6

SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/sys/fs/cgroup")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
PROGRAMS = frozenset({"os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "os.kill", "os.killpg"})
CHANGES = frozenset(
    {
        "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink",
        "os.truncate", "os.utime",
    }
)  # fmt: skip
OF_TWO_PATHS = frozenset({"os.link", "os.rename"})
CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(memory_bytes: int, storage_bytes: int) -> None:
    """Limit the memory, the size of files, and core dumps.

    Args:
        memory_bytes: The function's MemorySize. Unlike Lambda, which counts all memory in use, the kernel counts
            private writable memory.
        storage_bytes: The function's EphemeralStorage; the kernel limits each file, not their sum.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (storage_bytes, storage_bytes))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


def confine(readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Confine this process for the rest of its life.

    Args:
        readable: Directories and files that may be read, in addition to those of the system.
        writable: Directories in which files may be read, written, created and deleted.

    Returns:
        Whether the kernel enforces it; if not, only the audit hook does.
    """
    may_read, may_write = _real((*readable, *SYSTEM)), _real(writable)
    enforced = _restrict(may_read, may_write)
    sys.addaudithook(_Hook(may_read, may_write).judge)
    return enforced


def _real(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that exist, without symbolic links; `/proc/self` becomes that of this process."""
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths if Path(path).exists()))


def _restrict(readable: Iterable[str], writable: Iterable[str]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    if version < 1:
        return False
    handled = RIGHTS.get(version, LATEST_RIGHTS)
    attributes = struct.pack("=QQQ", handled, 0, SCOPES)[: 24 if version >= SCOPES_SINCE else 8]
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    rules = [*((path, READ) for path in readable), *((path, READ_FILE | WRITE_FILE) for path in DEVICES)]
    rules += [(path, handled & ~EXECUTE) for path in writable]
    for path, rights in rules:
        with contextlib.suppress(FileNotFoundError):
            _allow(libc, ruleset, path, rights & handled)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    restricted = libc.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return bool(restricted == 0)


def _allow(libc: Any, ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not Path(path).is_dir():
            rights &= FILE_RIGHTS
        libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


class _Hook:
    """Judges the events of https://docs.python.org/3/library/audit_events.html."""

    def __init__(self, readable: tuple[str, ...], writable: tuple[str, ...]) -> None:
        self._readable = readable
        self._writable = writable

    def judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise an error if the event is not allowed."""
        if event == "open":
            self._open(*arguments)
        elif event in CONNECTIONS:
            _connect(*arguments[:2])
        elif event in CHANGES:
            for path in arguments[: 2 if event in OF_TWO_PATHS else 1]:
                if not _inside(path, self._writable):
                    raise PermissionError(
                        errno.EACCES, "a function may change files of its temporary directory only", path
                    )
        elif event in PROGRAMS:
            raise PermissionError(errno.EACCES, "a rehearsal's function may not start programs or end processes")

    def _open(self, path: Any, mode: str | None, flags: int) -> None:
        writes = flags & WRITES or set(mode or "") & set("wax+")
        if _inside(path, (*self._writable, *DEVICES)) or (not writes and _inside(path, self._readable)):
            return
        what = "write to its temporary directory, $TMPDIR," if writes else "read its code and the system's files"
        raise PermissionError(errno.EACCES, f"a function may {what} only", path)


def _inside(path: Any, places: Iterable[str]) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return True  # the descriptor of a file that is open already
    real = os.path.realpath(os.fsdecode(path))
    return any(real == place or real.startswith(place + "/") for place in places)


def _connect(connection: socket.socket, address: Any) -> None:
    if connection.family == socket.AF_UNIX:
        raise PermissionError(errno.EACCES, "a function may not connect to unix sockets", address)
    if address is not None and not str(address[0]).startswith("127."):
        raise OSError(errno.ENETUNREACH, f"Network is unreachable: a rehearsal stays on this machine, not {address[0]}")
