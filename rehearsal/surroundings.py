"""Where a rehearsal keeps its files, and the environment its processes see: nothing of the caller's AWS settings."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "000000000000"
REGION = "eu-west-1"  # for stages that name none

# All that passes from the caller; credentials, profiles, endpoints and proxies do not.
INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "JSII_NODE")


@dataclass(frozen=True)
class Surroundings:
    """The directories of one rehearsal, and of what all rehearsals share."""

    run: Path
    cache: Path

    @property
    def assembly(self) -> Path:
        """Where the CDK CLI writes the templates; `cdk.out` stays the user's."""
        return self.run / "cdk.out"

    def environment(self) -> dict[str, str]:
        """What every process of the rehearsal sees."""
        path = [str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ.get("PATH", "")]
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PATH": os.pathsep.join(path),
            "HOME": str(self.run / "home"),  # the CLI remembers which account a key belongs to
            "TMPDIR": str(self.run / "tmp"),
            "NO_COLOR": "1",
            "AWS_CONFIG_FILE": str(self.run / "home" / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.run / "home" / "no-aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            # Unpacking the construct library and compiling the CLI take seconds: once is enough.
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(self.cache / "jsii"),
            "NODE_COMPILE_CACHE": str(self.cache / "node"),
        }


def client_environment(
    base: Mapping[str, str], endpoint: str, secret: str, account: str, region: str
) -> dict[str, str]:
    """What a client of the emulator needs besides: the CDK CLI, boto3, or a user's shell."""
    return {
        **base,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,  # the emulator takes a key of twelve digits for the account
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def prepare() -> Surroundings:
    """Directories of their own for this rehearsal, so that several can run side by side."""
    home = ROOT / ".rehearsal"
    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="run-", dir=home))
    for name in ("home", "tmp", "state"):
        (run / name).mkdir()
    return Surroundings(run, cache)


def forget(surroundings: Surroundings) -> None:
    """Remove what only this rehearsal needed."""
    shutil.rmtree(surroundings.run, ignore_errors=True)


@contextmanager
def only(environment: Mapping[str, str]) -> Iterator[None]:
    """Give this process that environment and no other, for as long as the block lasts."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
