"""The directories of a rehearsal and the environment of its processes, without the caller's AWS settings."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_servers import processes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".rehearsal"
ACCOUNT = "000000000000"
REGION = "eu-west-1"  # for stages that name no Region

LIVE_DIRECTORY = "REHEARSAL_LIVE_DIRECTORY"  # environment variable of the emulator's process

_LONGEST_PARENT = 40

# The only variables of the caller that processes get: no credentials, profiles, endpoints or proxies.
INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "JSII_NODE")


@dataclass(frozen=True)
class Workspace:
    """The directories of one rehearsal.

    Attributes:
        run: Directory of this rehearsal.
        cache: Directory that all rehearsals share.
        deletion: Deletes the directory of this rehearsal if this process is killed.
    """

    run: Path
    cache: Path
    deletion: subprocess.Popen[str] | None = None

    @property
    def assembly(self) -> Path:
        """The directory for the cloud assembly; the user's `cdk.out` is not touched."""
        return self.run / "cdk.out"

    def environment(self) -> dict[str, str]:
        """The environment variables of all processes of the rehearsal."""
        path = [str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ.get("PATH", "")]
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PATH": os.pathsep.join(path),
            "HOME": str(self.run / "home"),  # the CLI caches the account of an access key there
            "TMPDIR": str(self.run / "tmp"),
            "NO_COLOR": "1",
            "AWS_CONFIG_FILE": str(self.run / "home" / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.run / "home" / "no-aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            # Unpacking the construct library and compiling the CLI take seconds, so rehearsals share the results.
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(self.cache / "jsii"),
            "NODE_COMPILE_CACHE": str(self.cache / "node"),
        }


@dataclass(frozen=True)
class LiveDirectory:
    """The directory of a live layer, in the system's temporary directory.

    Its path is short, because the path of a unix socket has at most 107 bytes: with a long `TMPDIR` it is in /tmp.

    Attributes:
        path: The directory, which only its owner can enter.
        deletion: Deletes it when this process ends, even if this process is killed; None if another process does so.
    """

    path: Path
    deletion: subprocess.Popen[str] | None = None

    @classmethod
    def create(cls) -> LiveDirectory:
        """Create a new one; its deletion is prepared first."""
        parent = tempfile.gettempdir()
        if len(parent) > _LONGEST_PARENT:
            parent = "/tmp"  # noqa: S108 - the directory in it has an unpredictable name and is the owner's only
        path = Path(parent) / f"rehearsal-{secrets.token_hex(6)}"
        deletion = processes.delete_after_this_process(path)
        path.mkdir(mode=0o700)
        return cls(path, deletion)

    @property
    def ca_file(self) -> Path:
        """The certificate of the run's authority, once the emulator has started."""
        return self.path / "tls" / "ca.pem"

    @property
    def control(self) -> Path:
        """The socket that takes commands."""
        return self.path / "control"

    @property
    def journal(self) -> Path:
        """What happened."""
        return self.path / "journal.jsonl"

    @property
    def names_file(self) -> Path:
        """The names file of the client that reaches everything."""
        return self.path / "names" / "person"

    def keep(self) -> None:
        """Keep the directory when this process ends."""
        if self.deletion is not None:
            processes.cancel(self.deletion)

    def remove(self) -> None:
        """Delete it now."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.keep()


def client_environment(
    base: Mapping[str, str], endpoint: str, secret: str, account: str, region: str, *, ca_file: Path | None = None
) -> dict[str, str]:
    """The environment variables of a client of the emulator: the CDK CLI, boto3, or a user's shell.

    Args:
        base: Further variables of the client.
        endpoint: Endpoint URL of the emulator.
        secret: Secret access key of the run.
        account: Id of the account to use.
        region: Name of the Region to use.
        ca_file: Certificate that an HTTPS endpoint is verified with. Default: the endpoint uses HTTP.
    """
    # AWS_CA_BUNDLE is boto3's and the AWS CLI's, the other is Node's and so the CDK CLI's.
    trust = {} if ca_file is None else {"AWS_CA_BUNDLE": str(ca_file), "NODE_EXTRA_CA_CERTS": str(ca_file)}
    return {
        **base,
        **trust,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,  # the emulator takes an access key of twelve digits as the account
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def prepare() -> Workspace:
    """Create the directories of a new rehearsal; several rehearsals can run at the same time."""
    cache = HOME / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    run = HOME / f"run-{secrets.token_hex(4)}"
    deletion = processes.delete_after_this_process(run)
    run.mkdir(mode=0o700)
    for name in ("home", "tmp", "state"):
        (run / name).mkdir()
    return Workspace(run, cache, deletion)


def remove(workspace: Workspace) -> None:
    """Delete the directory of a rehearsal."""
    shutil.rmtree(workspace.run, ignore_errors=True)
    keep(workspace)


def keep(workspace: Workspace) -> None:
    """Keep the directory of a rehearsal when this process ends."""
    if workspace.deletion is not None:
        processes.cancel(workspace.deletion)


@contextmanager
def only(environment: Mapping[str, str]) -> Iterator[None]:
    """Replace the environment of this process for as long as the block lasts."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
