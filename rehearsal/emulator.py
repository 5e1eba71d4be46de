"""Start the emulator on a free port of the loopback address, wait until it answers, and stop it."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import shutil
import ssl
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil

from local_servers import processes
from local_servers.ports import LOOPBACK, free_port
from rehearsal.workspace import ACCOUNT, LIVE_DIRECTORY, REGION, ROOT, LiveDirectory, Workspace, client_environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

START_SECONDS = 120.0  # on a busy machine; if its process ends, that is noticed at once
auth: Any = importlib.import_module("botocore.auth")
awsrequest: Any = importlib.import_module("botocore.awsrequest")
credentials: Any = importlib.import_module("botocore.credentials")

ATTEMPTS = 3  # a port that was free may be taken before the emulator binds it


class EmulatorError(Exception):
    """The emulator did not start; the message has what it printed."""


@dataclass(frozen=True)
class Live:
    """The account of a live layer, whose names and servers belong to one Region.

    Attributes:
        account: Id of the account.
        region: Name of the Region.
    """

    account: str
    region: str


@dataclass
class Emulator:
    """A running emulator.

    Attributes:
        process: Its process, which leads a separate process group.
        port: The port it listens on.
        log: File with its output.
        secret: Secret access key of the run.
        live: Directory of the live layer; None if it has none.
        kept: Whether it keeps running when this process ends.
    """

    process: subprocess.Popen[str]
    port: int
    log: Path
    secret: str = field(repr=False)
    live: LiveDirectory | None = None
    kept: bool = False

    @property
    def endpoint(self) -> str:
        """The endpoint URL for AWS clients."""
        return f"{'http' if self.live is None else 'https'}://{LOOPBACK}:{self.port}"

    @property
    def ca_file(self) -> Path | None:
        """The certificate that its endpoint is verified with; None if it uses HTTP."""
        return None if self.live is None else self.live.ca_file

    @property
    def pid(self) -> int:
        """The id of its process and of its process group."""
        return self.process.pid

    def client_environment(self, base: Mapping[str, str], account: str, region: str) -> dict[str, str]:
        """Environment variables of a client of the emulator.

        Args:
            base: Further variables of the client.
            account: Id of the account to use.
            region: Name of the Region to use.
        """
        return client_environment(base, self.endpoint, self.secret, account, region, ca_file=self.ca_file)

    def keep(self) -> None:
        """Keep it running when this process ends."""
        processes.release(self.process)
        if self.live is not None:
            self.live.keep()  # the emulator's process deletes it
        self.kept = True

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _settings(workspace: Workspace, port: int, secret: str) -> dict[str, str]:
    run = workspace.run
    return {
        **workspace.environment(),
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,  # its default is every interface,
        "IOT_MTLS_ENABLED": "0",  # and MQTT ignores BIND_HOST
        "AWS_SECRET_ACCESS_KEY": secret,  # requests must be signed with it; functions get it from here
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "STATE_DIR": str(run / "state"),
        "DOCKER_HOST": f"unix://{run / 'no-docker'}",  # otherwise a Docker daemon on this machine would run containers
        "REDIS_HOST": "no-engine.invalid",  # host name of every cache; it does not resolve
    }


def _live_settings(live: LiveDirectory, account: str, region: str) -> dict[str, str]:
    return {
        "MINISTACK_REGION": region,
        "MINISTACK_ACCOUNT_ID": account,
        LIVE_DIRECTORY: str(live.path),
        "AUTH": "true",  # it verifies signatures and evaluates policies
        "USE_SSL": "1",  # with a certificate of the run's authority, see `rehearsal.server`
        "MINISTACK_HOST": f"{region}.amazonaws.com",  # in the URLs of HTTP APIs
    }


def _answers(emulator: Emulator) -> bool:
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]  # without the user's proxy
    if emulator.ca_file is not None:
        if not emulator.ca_file.exists():
            return False
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=emulator.ca_file)))
    direct = urllib.request.build_opener(*handlers)
    request = awsrequest.AWSRequest("GET", f"{emulator.endpoint}/_ministack/health")
    auth.SigV4Auth(credentials.Credentials(ACCOUNT, emulator.secret), "sts", REGION).add_auth(request)
    try:
        with direct.open(urllib.request.Request(request.url, headers=dict(request.headers)), timeout=1) as answer:  # noqa: S310 - its own URL
            return "services" in json.load(answer)
    except OSError:
        return False


def _wait(emulator: Emulator) -> bool:
    """Wait until it answers; False if it ended instead."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if emulator.process.poll() is not None:
            return False
        if _answers(emulator):
            return emulator.process.poll() is None  # otherwise another server answered
        time.sleep(0.05)
    raise EmulatorError(f"the emulator did not answer within {START_SECONDS:.0f} s. Its log:\n{emulator.log_tail()}")


def _save_journal(live: LiveDirectory, workspace: Workspace) -> None:
    """Put the journal next to the other logs, which stay if the rehearsal fails."""
    if live.journal.exists() and workspace.run.exists():
        shutil.copyfile(live.journal, workspace.run / live.journal.name)


def listeners(group: int) -> list[tuple[str, int]]:
    """The addresses and ports outside 127/8 on which processes of a group listen.

    Args:
        group: Id of the process group, such as that of an emulator and its servers.
    """
    found = set()
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group:
                connections = process.net_connections(kind="inet")
                found |= {(item.laddr.ip, item.laddr.port) for item in connections if item.status == psutil.CONN_LISTEN}
        except (psutil.Error, OSError):
            continue  # it has ended
    return sorted((address, port) for address, port in found if not address.startswith("127."))


def _launch(workspace: Workspace, log: IO[str], live: Live | None) -> Emulator:
    port, secret = free_port(), secrets.token_urlsafe(32)
    settings, directory = _settings(workspace, port, secret), None
    if live is not None:
        directory = LiveDirectory.create()
        settings |= _live_settings(directory, live.account, live.region)
    process = processes.start(
        [sys.executable, "-m", "rehearsal.server"],
        environment=settings,
        directory=workspace.run,
        output=log,
    )
    return Emulator(process, port, Path(log.name), secret, directory)


@contextmanager
def running(workspace: Workspace, live: Live | None = None) -> Iterator[Emulator]:
    """Run an emulator for as long as the block lasts, or longer if the block keeps it.

    Args:
        workspace: Directories of the rehearsal.
        live: The account that comes to life. Default: records only.

    Raises:
        EmulatorError: If the emulator ends, or does not answer in time.
    """
    with (workspace.run / "server.log").open("w") as log:
        for attempt in range(1, ATTEMPTS + 1):
            emulator = _launch(workspace, log, live)
            try:
                if _wait(emulator):
                    yield emulator
                    return
                if attempt == ATTEMPTS or "already in use" not in emulator.log_tail():
                    raise EmulatorError(f"the emulator ended at once:\n{emulator.log_tail()}")
            finally:
                if not emulator.kept:
                    processes.end(emulator.process)
                    if emulator.live is not None:
                        _save_journal(emulator.live, workspace)
                        emulator.live.remove()
