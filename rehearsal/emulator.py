"""Start the emulator on a free loopback port, wait until it answers, and stop it whatever happens."""

import importlib
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from local_servers import processes
from local_servers.ports import LOOPBACK, free_port
from rehearsal.surroundings import ACCOUNT, REGION, ROOT, Surroundings, client_environment

START_TIMEOUT = 30.0
auth: Any = importlib.import_module("botocore.auth")
awsrequest: Any = importlib.import_module("botocore.awsrequest")
credentials: Any = importlib.import_module("botocore.credentials")

ATTEMPTS = 3  # a port that was free may be taken before the emulator binds it


class EmulatorError(Exception):
    """The emulator did not start; the message says what it printed."""


@dataclass
class Emulator:
    """A running emulator."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    secret: str = field(repr=False)
    kept: bool = False

    @property
    def endpoint(self) -> str:
        """The address every AWS client gets."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process, which leads a group of the same number."""
        return self.process.pid

    def client_environment(self, base: Mapping[str, str], account: str, region: str) -> dict[str, str]:
        """What a client needs to be answered, besides its own settings."""
        return client_environment(base, self.endpoint, self.secret, account, region)

    def keep(self) -> None:
        """Leave it running when this process ends."""
        processes.release(self.process)
        self.kept = True

    def log_tail(self, lines: int = 30) -> str:
        """The end of what it logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _settings(surroundings: Surroundings, port: int, secret: str) -> dict[str, str]:
    run = surroundings.run
    return {
        **surroundings.environment(),
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,  # it would listen on every interface,
        "IOT_MTLS_ENABLED": "0",  # and for MQTT on every interface whatever BIND_HOST says
        "AWS_SECRET_ACCESS_KEY": secret,  # only who has it is answered; functions get it from here
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "STATE_DIR": str(run / "state"),
        "DOCKER_HOST": f"unix://{run / 'no-docker'}",  # a daemon on this machine would be given containers to run
        "REDIS_HOST": "no-engine.invalid",  # the address of every cache: none listens, and the name cannot resolve
    }


def _answers(emulator: Emulator) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a user's proxy knows nothing of it
    request = awsrequest.AWSRequest("GET", f"{emulator.endpoint}/_ministack/health")
    auth.SigV4Auth(credentials.Credentials(ACCOUNT, emulator.secret), "sts", REGION).add_auth(request)
    try:
        with direct.open(urllib.request.Request(request.url, headers=dict(request.headers)), timeout=1) as answer:  # noqa: S310
            return "services" in json.load(answer)
    except OSError:
        return False


def _wait(emulator: Emulator) -> bool:
    """Whether it came up; false when it ended instead."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if emulator.process.poll() is not None:
            return False
        if _answers(emulator):
            return emulator.process.poll() is None  # else it was another server's answer
        time.sleep(0.05)
    raise EmulatorError(f"the emulator did not answer within {START_TIMEOUT:.0f} s. Its log:\n{emulator.log_tail()}")


def _launch(surroundings: Surroundings, log: IO[str]) -> Emulator:
    port, secret = free_port(), secrets.token_urlsafe(32)
    process = processes.start(
        [sys.executable, "-m", "rehearsal.server"],
        environment=_settings(surroundings, port, secret),
        directory=surroundings.run,
        output=log,
    )
    return Emulator(process, port, Path(log.name), secret)


@contextmanager
def running(surroundings: Surroundings) -> Iterator[Emulator]:
    """An emulator that runs as long as the block, or longer if the block keeps it."""
    with (surroundings.run / "server.log").open("w") as log:
        for attempt in range(1, ATTEMPTS + 1):
            emulator = _launch(surroundings, log)
            try:
                if _wait(emulator):
                    yield emulator
                    return
                if attempt == ATTEMPTS or "already in use" not in emulator.log_tail():
                    raise EmulatorError(f"the emulator ended at once:\n{emulator.log_tail()}")
            finally:
                if not emulator.kept:
                    processes.end(emulator.process)
