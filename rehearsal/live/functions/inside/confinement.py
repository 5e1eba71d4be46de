"""Confine this process: what a function may read, write and reach.

The kernel's Landlock keeps the process, and its native code, to the given files, without the right to start programs
or to signal other processes. An audit hook adds what Landlock cannot: connections to addresses of 127/8 only, and
none to unix sockets, behind which the engines are. Where the kernel has no Landlock, the hook also judges files.

What this cannot do: the process runs as the same user. An audit hook sees Python's own calls only, so native code
could still connect elsewhere or to a unix socket, and without Landlock it could open any file of the user. A function
can use all of the machine's processors. The code is that of the app under rehearsal, which its developer trusts;
confinement catches mistakes, and is no place to run foreign code.
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

# https://docs.kernel.org/userspace-api/landlock.html
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on x86-64 and arm64
VERSION_FLAG = 1
RULE_PATH_BENEATH = 1
NO_NEW_PRIVILEGES = 38
READ_FILE, READ_DIR, WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
FILE_RIGHTS = 1 << 0 | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # execute, write, read, truncate, ioctl
ALL_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
SCOPES = 0b11  # abstract unix sockets, and signals, to other processes
SCOPES_SINCE = 6
READ = READ_FILE | READ_DIR

SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/sys/fs/cgroup")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full")
PROGRAMS = ("os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "subprocess.Popen", "os.kill", "os.killpg")
CHANGES = (
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.setxattr", "os.symlink",
    "os.truncate", "os.utime",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(memory_bytes, storage_bytes):
    """Limit the memory, the size of files, and core dumps.

    Args:
        memory_bytes: The function's MemorySize. Unlike Lambda, which counts all memory in use, the kernel counts
            private writable memory.
        storage_bytes: The function's EphemeralStorage; the kernel limits each file, not their sum.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (storage_bytes, storage_bytes))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


def confine(readable, writable):
    """Confine this process for the rest of its life.

    Args:
        readable: Directories and files that may be read, in addition to those of the system.
        writable: Directories in which files may be read, written, created and deleted.

    Returns:
        Whether the kernel enforces it; if not, only the audit hook does.
    """
    readable, writable = _real((*readable, *SYSTEM)), _real(writable)
    enforced = _restrict(readable, writable)
    sys.addaudithook(_hook(readable, writable))
    return enforced


def _real(paths):
    """The paths without symbolic links; `/proc/self` becomes that of this process."""
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths if os.path.exists(path)))


def _restrict(readable, writable):
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    if version < 1:
        return False
    handled = ALL_RIGHTS.get(version, ALL_RIGHTS[5])
    attributes = struct.pack("=QQQ", handled, 0, SCOPES if version >= SCOPES_SINCE else 0)
    size = len(attributes) if version >= SCOPES_SINCE else 8
    ruleset = libc.syscall(CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        return False
    rules = [*((path, READ) for path in readable), *((path, READ | WRITE_FILE) for path in DEVICES)]
    rules += [(path, handled & ~1) for path in writable]  # all but execute
    for path, rights in rules:
        with contextlib.suppress(FileNotFoundError):
            _allow(libc, ruleset, path, rights & handled)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    restricted = libc.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return restricted == 0


def _allow(libc, ruleset, path, rights):
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= FILE_RIGHTS
        libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _hook(readable, writable):
    def inside(path, places):
        if not isinstance(path, (str, bytes, os.PathLike)):
            return True  # a descriptor that is open already
        real = os.path.realpath(os.fsdecode(path))
        return any(real == place or real.startswith(place.rstrip("/") + "/") for place in places)

    def judge(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            writes = flags & WRITES if isinstance(flags, int) else bool(set(mode or "") & set("wax+"))
            if inside(path, (*writable, *DEVICES)):
                return
            if writes or not inside(path, (*readable, "/proc/self")):
                raise PermissionError(errno.EACCES, "a function may write to its /tmp and read its own code only", path)
        elif event in CHANGES:
            if not all(inside(path, writable) for path in arguments[: 2 if event in ("os.rename", "os.link") else 1]):
                raise PermissionError(errno.EACCES, "a function may change its /tmp only", arguments[0])
        elif event == "socket.connect" or event == "socket.sendto":
            connection, address = arguments
            if connection.family == socket.AF_UNIX:
                raise PermissionError(errno.EACCES, "a function may not connect to unix sockets", address)
            if not str(address[0]).startswith("127."):
                raise OSError(errno.ENETUNREACH, f"{address[0]}: a rehearsal stays on this machine")
        elif event in PROGRAMS:
            raise PermissionError(errno.EACCES, "a rehearsal's function starts no programs and ends no processes")

    return judge
