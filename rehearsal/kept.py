"""A rehearsal that keeps running: commands that use it, and its end.

`KEEP=1` leaves the emulator and its servers running. A file in the directory of the rehearsal says how to reach them;
it has the secret of the run, so only its owner can read it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil

from elasticache_client.iam import IamCredentials
from local_servers import processes
from rehearsal import workspace
from rehearsal.live import client_side
from rehearsal.live.client_side import names
from rehearsal.live.control import Controller
from rehearsal.workspace import LiveDirectory
from verification.account import Account
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS = ("run", "token", "stop")
FILE = "kept.json"
COMMAND_LINE_CLIENTS = ("redis-cli", "valkey-cli")
POSTGRESQL = 5432  # the port
NOT_FOUND = 127  # the exit code of a shell for a command that does not exist
DATABASES = ".rds.amazonaws.com"
CACHES = ".cache.amazonaws.com"
# Settings of the caller that would lead a command to another account, or around the rehearsal's names.
FOREIGN = (
    *("AWS_", "PGHOST", "PGPORT", "PGSSL", "PGSERVICE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)


class NotKeptError(Exception):
    """No rehearsal is kept, or several are; the message says what to do."""


@dataclass(frozen=True)
class Kept:
    """An emulator that keeps running.

    Attributes:
        stage: Name of the stage.
        pid: Id of its process group.
        started: When its process started, in seconds since 1970: its id may be another program's one day.
        directory: Directory of the rehearsal.
        live: Directory of the live layer; None if it has none.
        settings: Environment variables for clients.
        examples: Commands and addresses to show.
    """

    stage: str
    pid: int
    started: float
    directory: Path
    live: Path | None
    settings: Mapping[str, str]
    examples: tuple[str, ...] = ()

    def save(self) -> None:
        """Write the file that `kept` reads."""
        path = self.directory / FILE
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({**asdict(self), "directory": str(self.directory), "live": self.live and str(self.live)}, file)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """Read such a file."""
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        live = read.pop("live")
        directory, examples = Path(read.pop("directory")), tuple(read.pop("examples"))
        return cls(**read, directory=directory, examples=examples, live=Path(live) if live else None)

    @property
    def runs(self) -> bool:
        """Whether it still runs."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.NoSuchProcess:
            return False

    def instructions(self) -> str:
        """The commands that use it and stop it, to show."""
        python = os.path.relpath(sys.executable)
        lines = [line.replace("python -m", f"{python} -m") for line in self.examples]
        shown = "\n".join(f"  {line}" for line in lines)
        return f"\nStage {self.stage} keeps running. To use it:\n{shown}\nTo end it:\n  {python} -m rehearsal stop"

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of a command that uses it.

        Args:
            base: The caller's environment. Its settings for AWS, PostgreSQL and proxies are left out.
        """
        inherited = {name: value for name, value in base.items() if not name.startswith(FOREIGN)}
        isolated = {
            "AWS_CONFIG_FILE": str(self.directory / "home" / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "home" / "no-aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        return {**inherited, **isolated, **self.settings, **self._live_environment(base)}

    def stop(self) -> None:
        """End it and all that it has started, and delete its directories."""
        if self.runs:
            process = psutil.Process(self.pid)
            os.killpg(self.pid, signal.SIGKILL)
            process.wait()
        for directory in filter(None, (self.directory, self.live)):
            subprocess.run(processes.deletion(directory), check=False)

    def _live_environment(self, base: Mapping[str, str]) -> dict[str, str]:
        if self.live is None:
            return {}
        live = LiveDirectory(self.live)
        [code] = client_side.__path__
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), base.get("PATH", os.defpath)]),
            "PYTHONPATH": os.pathsep.join(filter(None, [code, base.get("PYTHONPATH")])),
            names.VARIABLE: str(live.names_file),
            "SSL_CERT_FILE": str(live.ca_file),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(live.ca_file),
            **_database_address(live.names_file),
        }


def _database_address(names_file: Path) -> dict[str, str]:
    """Tell libpq, which resolves names by itself, the address of the only database."""
    lines = [line.split() for line in names_file.read_text(encoding="utf-8").splitlines()]
    found = {address for name, address in lines if name.endswith(DATABASES)}
    return {"PGHOSTADDR": found.pop()} if len(found) == 1 else {}


def kept() -> list[Kept]:
    """The rehearsals that are kept and still run."""
    files = sorted(workspace.HOME.glob(f"run-*/{FILE}"))
    return [found for found in map(Kept.load, files) if found.runs]


def the_one(candidates: Sequence[Kept], stage: str | None) -> Kept:
    """The rehearsal that a command means.

    Args:
        candidates: Those that are kept.
        stage: Name of the stage. Default: the only one.

    Raises:
        NotKeptError: If none or several are kept.
    """
    fitting = [one for one in candidates if stage in (None, one.stage)]
    if len(fitting) == 1:
        return fitting[0]
    what = f"{len(fitting)} rehearsals" + (f" of stage {stage}" if stage else "")
    several = "Name the stage with --stage, or end one with `python -m rehearsal stop`"
    raise NotKeptError(
        refusal(
            got=f"{what} are kept",
            allowed="the command needs exactly one",
            fix=several if fitting else "Start one with `make rehearse KEEP=1`",
        )
    )


def run(one: Kept, command: Sequence[str]) -> int:
    """Run a command that uses a kept rehearsal, in place of this process.

    Args:
        one: The rehearsal.
        command: Program and arguments.

    Returns:
        The exit code, if the command cannot be started.
    """
    if one.live is not None:
        command = with_address(command, LiveDirectory(one.live))
    try:
        os.execvpe(command[0], list(command), one.environment(os.environ))  # noqa: S606 - what the user typed
    except OSError as fault:
        sys.stderr.write(f"{command[0]}: {fault.strerror}\n")
        return NOT_FOUND


def with_address(command: Sequence[str], live: LiveDirectory) -> list[str]:
    """The command with an address if it is one of the command-line clients, which resolve names by themselves.

    They verify the certificate's authority. They do not compare its name, also with AWS.

    Args:
        command: Program and arguments.
        live: Directory of the live layer.
    """
    program, *arguments = command
    if Path(program).name not in COMMAND_LINE_CLIENTS or "-h" not in arguments[:-1]:
        return list(command)
    position = arguments.index("-h") + 1
    host = arguments[position]
    address = names.Names(str(live.names_file)).find(host)
    if address is None:
        return list(command)
    arguments[position] = address
    trust = ["--sni", host, "--cacert", str(live.ca_file)] if "--tls" in arguments else []
    return [program, *trust, *arguments]


def token(one: Kept, host: str, user: str) -> str:
    """An IAM token of the account's root for a login to a cache or a database.

    Args:
        one: The rehearsal.
        host: Host name of the endpoint.
        user: The IAM user of the cache, or the user of the database.

    Raises:
        NotKeptError: If the host name is neither a cache's nor a database's.
    """
    with workspace.only({**os.environ, **one.settings}):
        if host.endswith(DATABASES):
            session: Any = importlib.import_module("botocore.session").Session()
            client = session.create_client("rds")
            made: str = client.generate_db_auth_token(DBHostname=host, Port=POSTGRESQL, DBUsername=user)
            return made
        if host.endswith(CACHES):
            first, second, *_ = host.split(".")
            serverless = second == "serverless"
            name = first.rpartition("-")[0] if serverless else second
            login = IamCredentials(user=user, cache_name=name, serverless=serverless).get_credentials()
            return login[1]
    raise NotKeptError(
        refusal(
            got=f"host {host}",
            allowed=f"must be an endpoint of a cache or a database, which ends with {CACHES} or {DATABASES}",
            fix="Take one that the rehearsal printed",
        )
    )


def examples(settings: Mapping[str, str], live: LiveDirectory | None, region: str) -> tuple[str, ...]:
    """What to type and to open, with the endpoints of the account.

    Args:
        settings: Environment variables for clients.
        live: Directory of the live layer; None if it has none.
        region: Name of the Region.
    """
    command = "python -m rehearsal run -- "
    lines = [f"{command}python -c 'import boto3; print(boto3.client(\"elasticache\").describe_users())'"]
    if shutil.which("aws"):
        lines.append(f"{command}aws elasticache describe-replication-groups")
    if live is None:
        return tuple(lines)
    with workspace.only({**os.environ, **settings}):
        account = Account(region)
        lines += [*_cache_examples(account, command), *_database_examples(account, command)]
        apis = account.read("apigatewayv2", "get_apis")["Items"]
    urls = {api["Name"]: f"https://{urlsplit(api['ApiEndpoint']).hostname}/" for api in apis}
    opened = Controller(live.control)("open-sites", urls=urls)
    return (*lines, *(f"{address}  ({name})" for name, address in opened.items()))


def _cache_examples(account: Account, command: str) -> list[str]:
    """A login to each group that has users, by an IAM user."""
    users = account.read("elasticache", "describe_users")["Users"]
    iam = [user["UserId"] for user in users if user["Authentication"]["Type"] == "iam"]
    groups = account.read("elasticache", "describe_replication_groups")["ReplicationGroups"]
    found = []
    for group in groups:
        shard = group["NodeGroups"][0]
        endpoint = group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint")
        if endpoint and iam and group.get("UserGroupIds"):
            host, cluster = endpoint["Address"], "-c " if group.get("ClusterEnabled") else ""
            login = f'--user {iam[0]} --pass "$(python -m rehearsal token {host} {iam[0]})"'
            found.append(f"{command}redis-cli --tls {cluster}-h {host} {login} ping")
    return found


def _database_examples(account: Account, command: str) -> list[str]:
    found = []
    for database in account.read("rds", "describe_db_instances")["DBInstances"]:
        host, name = database["Endpoint"]["Address"], database.get("DBName", "postgres")
        user = database["MasterUsername"]
        password = f'PGPASSWORD="$(python -m rehearsal token {host} {user})"'
        found.append(f"{password} {command}psql 'host={host} dbname={name} user={user}' -c 'select version()'")
    return found


def main(arguments: Sequence[str]) -> int:
    """Use or end a rehearsal that is kept.

    Args:
        arguments: Of the command line: the name of a command, and what it takes.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parsers = parser.add_subparsers(dest="command", required=True)
    runner = parsers.add_parser("run", help="run a command that uses it")
    runner.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="program and arguments")
    tokens = parsers.add_parser("token", help="print an IAM token for a login")
    tokens.add_argument("host", help="host name of the endpoint of a cache or a database")
    tokens.add_argument("user", help="IAM user of the cache, or user of the database")
    ender = parsers.add_parser("stop", help="end it")
    for one in (runner, tokens, ender):
        one.add_argument("--stage", help="the stage, if several are kept")
    options = parser.parse_args(arguments)
    try:
        chosen = the_one(kept(), options.stage)
        if options.command == "stop":
            chosen.stop()
        elif options.command == "token":
            sys.stdout.write(token(chosen, options.host, options.user) + "\n")
        else:
            program = options.program[1:] if options.program[:1] == ["--"] else options.program
            if not program:
                runner.error("a command must follow, such as `-- python`")
            return run(chosen, program)
    except NotKeptError as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    return 0
