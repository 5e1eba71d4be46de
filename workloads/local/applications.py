"""Start the applications, each in a separate process."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from local_servers import processes
from local_servers.ports import LOOPBACK, free_port
from local_servers.server import ServerError
from workloads.local.loopback import HOSTS, TARGET
from workloads.local.round_robin import ADDRESSES
from workloads.local.servers import postgresql, valkey

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 30.0
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV", "XDG_RUNTIME_DIR")


def serve(target: str, port: int, environment: Mapping[str, str], *options: str) -> subprocess.Popen[str]:
    """Start uvicorn in a separate process, with the environment variables that it needs only.

    Args:
        target: The application, as uvicorn takes it: `module:name`.
        port: Port to listen on.
        environment: Environment variables of the application.
        options: Further options of uvicorn.
    """
    command = [sys.executable, "-m", "uvicorn", target, "--host", LOOPBACK, "--port", str(port), *options]
    base = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return processes.start(
        [*command, "--log-level", "warning", "--no-server-header"],
        environment={**base, **environment},
        directory=_ROOT,
        output=sys.stderr.fileno(),
    )


def wait_until_served(port: int, process: subprocess.Popen[str]) -> None:
    """Wait for an application's first answer.

    Raises:
        ServerError: If the application ends, or does not answer in time.
        httpx.HTTPStatusError: If the answer is an error.
    """
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            httpx.get(f"http://{LOOPBACK}:{port}/", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise ServerError(f"{process.args!r} did not start. Its output is above.")


@contextmanager
def serving(ports: Mapping[str, int]) -> Iterator[list[subprocess.Popen[str]]]:
    """Run the servers and the applications for as long as the block lasts.

    Args:
        ports: Port of each application, by name.

    Yields:
        The processes of the applications.

    Raises:
        ServerError: If an application ends, or does not answer in time.
    """
    with ExitStack() as stack:
        cache = stack.enter_context(valkey()).to_environment()
        database = stack.enter_context(postgresql()).to_environment()
        replicas = [free_port(), free_port()]
        addresses = " ".join(f"http://{LOOPBACK}:{port}" for port in replicas)
        wanted = [
            ("workloads.catalogue.web:app", ports["catalogue"], {**cache, **database}, ()),
            *(("workloads.sessions.web:app", port, cache, ()) for port in replicas),
            (
                "workloads.local.round_robin:from_environment()",
                ports["sessions"],
                {ADDRESSES: addresses},
                ("--no-date-header",),
            ),
            ("workloads.leaderboard.web:app", ports["leaderboard"], cache, ()),
        ]
        started = []
        for target, port, environment, options in wanted:
            # The load balancer passes the header Host on unchanged.
            names = (f"{name}:{number}" for name in (LOOPBACK, "localhost") for number in {port, ports["sessions"]})
            variables = {**environment, TARGET: target, HOSTS: " ".join(names)}
            process = serve("workloads.local.loopback:from_environment", port, variables, "--factory", *options)
            stack.callback(processes.end, process)
            started.append((port, process))
        for port, process in started:
            wait_until_served(port, process)
        yield [process for _, process in started]
