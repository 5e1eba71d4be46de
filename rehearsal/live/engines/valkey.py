"""One Valkey process for each node of a cache.

Clients reach it through the edge, by its unix socket. Replication and the cluster bus use TCP on the node's address,
where only the rehearsal's administrator can log in before the group's users are known. Secrets are in files that only
their owner can read, never in arguments.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import secrets
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_servers.nodes import valkey_server
from local_servers.waiting import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ADMINISTRATOR = "rehearsal-administrator"
COMMAND_SECONDS = 10.0
DUMP = "dump.rdb"
LOG = "engine.log"

_INTERNAL_PORTS = (1100, 1101, 1102)  # two of them, on the node's own address: never the port of its endpoint
_PAUSE_SECONDS = 0.003
_WRITTEN_CONFIGURATION = "engine.conf"

Options = "Mapping[str, Sequence[str]]"


class EngineRefusalError(Exception):
    """The engine refused its configuration or a command; the message has its words."""


@dataclass
class Administrator:
    """The login of the rehearsal itself, the same on all nodes of a cache."""

    password: str = field(default_factory=lambda: secrets.token_hex(24), repr=False)

    @property
    def acl_line(self) -> str:
        """Its line of an ACL file."""
        return f"user {ADMINISTRATOR} on {hashed(self.password)} ~* &* +@all"


def hashed(password: str) -> str:
    """A password as the engine keeps it, in the form of an ACL rule."""
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"


class Node:
    """One node, which can be started, killed and started again; its name and its address stay.

    Args:
        name: Id of the cache cluster that it is in AWS, for example `orders-001`.
        directory: Its directory, which exists. The path must leave room for that of a unix socket.
        address: Its address of 127/8; None for an engine that listens on its unix socket only.
        port: Port of its endpoint.
        administrator: The login of the rehearsal.
        zone: Name of its Availability Zone.

    Attributes:
        held: Whether it stays down until it is started by name, as when its Availability Zone is lost.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        address: str | None = None,
        port: int = 0,
        administrator: Administrator | None = None,
        zone: str = "",
    ) -> None:
        self.name = name
        self.directory = directory
        self.address = address
        self.port = port
        self.zone = zone
        self.held = False
        self.administrator = administrator or Administrator()
        self.socket = directory / "socket"
        self.replication_port, self.bus_port = [each for each in _INTERNAL_PORTS if each != port][:2]
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The id of its process, if it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    def launch(
        self,
        options: Mapping[str, Sequence[str]],
        acl_lines: Iterable[str] = (),
        *,
        dump: Path | None = None,
    ) -> None:
        """Start its process without waiting for it; `wait_until_ready` does.

        Args:
            options: Further options of the engine, each with its arguments.
            acl_lines: Lines of its ACL file for the users of the cache.
            dump: RDB file to load. Default: it starts empty.
        """
        self.disconnect()
        self.socket.unlink(missing_ok=True)
        (self.directory / LOG).unlink(missing_ok=True)
        loaded = self.directory / DUMP
        loaded.unlink(missing_ok=True)
        if dump is not None:
            loaded.write_bytes(dump.read_bytes())
        self.write_acl(acl_lines)
        settings = {**self._own_options(), **options}
        _write_private(
            self.directory / _WRITTEN_CONFIGURATION,
            "".join(f"{name} {' '.join(map(_quoted, arguments))}\n" for name, arguments in settings.items()),
        )
        with (self.directory / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [valkey_server(), str(self.directory / _WRITTEN_CONFIGURATION)],
                cwd=self.directory,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def wait_until_ready(self) -> None:
        """Wait until it has loaded its data and answers.

        Raises:
            EngineRefusalError: If it refused its configuration.
            TimeoutError: If it does not answer in time.
        """
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running:
                raise EngineRefusalError(self._last_words())
            with contextlib.suppress(redis.RedisError):
                self.client.ping()
                (self.directory / DUMP).unlink(missing_ok=True)  # otherwise it would come back after a kill
                return
            time.sleep(_PAUSE_SECONDS)
        raise TimeoutError(f"{self.name}: the engine did not answer within {LIMIT_SECONDS:.0f} s")

    def kill(self) -> None:
        """End its process at once, like a machine that fails."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End its process in order: clients' commands are answered, and replicas get what they lack."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            try:
                self._process.wait(COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self.disconnect()

    @property
    def client(self) -> Any:
        """A client that is logged in as the administrator, and repeats nothing."""
        if self._client is None:
            self._client = redis.Redis(
                unix_socket_path=str(self.socket),
                username=ADMINISTRATOR,
                password=self.administrator.password,
                client_name=ADMINISTRATOR,
                decode_responses=True,
                protocol=2,
                socket_timeout=COMMAND_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        return self._client

    def binary_client(self, database: int = 0) -> Any:
        """A client like `client` that leaves values as they are.

        Args:
            database: Number of the database.
        """
        return redis.Redis(
            unix_socket_path=str(self.socket),
            username=ADMINISTRATOR,
            password=self.administrator.password,
            db=database,
            socket_timeout=LIMIT_SECONDS,
        )

    def disconnect(self) -> None:
        """Close the administrator's connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def execute(self, *command: str | int) -> Any:
        """Run a command as the administrator.

        Raises:
            EngineRefusalError: If the engine answers with an error.
            redis.ConnectionError: If it does not answer.
        """
        try:
            return self.client.execute_command(*command)
        except redis.ResponseError as error:
            raise EngineRefusalError(str(error)) from error

    def info(self, section: str) -> dict[str, Any]:
        """One section of INFO."""
        facts: dict[str, Any] = self.client.info(section)
        return facts

    @property
    def is_primary(self) -> bool:
        """Whether the engine says that it is a primary."""
        return bool(self.execute("ROLE")[0] == "master")

    @property
    def is_synchronised(self) -> bool:
        """Whether it is a replica that has all of its primary's data."""
        facts = self.info("replication")
        return bool(facts["role"] == "slave" and facts["master_link_status"] == "up")

    def streams_to(self, replica: Node) -> bool:
        """Whether a replica has acknowledged its data: a primary streams no changes to it before."""
        facts = self.info("replication")
        known = [facts[f"slave{number}"] for number in range(int(facts.get("connected_slaves", 0)))]
        sent = int(facts["master_repl_offset"])
        return any(
            each["ip"] == replica.address and each["state"] == "online" and (int(each["offset"]) > 0 or sent == 0)
            for each in known
        )

    @property
    def offset(self) -> int:
        """How much of its primary's changes a replica has."""
        return int(self.info("replication").get("slave_repl_offset", 0))

    def replicate(self, primary: Node | None) -> None:
        """Replicate a node, or become a primary if there is none; only without cluster mode."""
        if primary is None:
            self.execute("REPLICAOF", "NO", "ONE")
        else:
            self.execute("REPLICAOF", str(primary.address), primary.replication_port)

    def write_acl(self, lines: Iterable[str]) -> None:
        """Write its ACL file, which it reads when it starts."""
        content = [self.administrator.acl_line, *lines]
        if not any(line.startswith("user default ") for line in content):
            content.append("user default off")
        _write_private(self.directory / "users.acl", "".join(f"{line}\n" for line in content))

    def _own_options(self) -> dict[str, Sequence[str]]:
        options: dict[str, Sequence[str]] = {
            "unixsocket": [str(self.socket)],
            "unixsocketperm": ["700"],
            "dir": [str(self.directory)],
            "logfile": [str(self.directory / LOG)],
            "save": [""],
            "aclfile": [str(self.directory / "users.acl")],
            "port": ["0"],
            "daemonize": ["no"],
        }
        if self.address is not None:
            options |= {
                "port": [str(self.replication_port)],
                "bind": [self.address],
                "replica-announce-ip": [self.address],
                "masteruser": [ADMINISTRATOR],
                "masterauth": [self.administrator.password],
                "repl-diskless-sync-delay": ["0"],
                "repl-diskless-load": ["swapdb"],  # otherwise a replica notices a second later that it has the data
            }
        return options

    def _last_words(self) -> str:
        """What it said when it ended: warnings of its log, and its errors without the frame around them."""
        logged = _WARNING.findall(_text(self.directory / LOG))
        printed = [
            line.strip().removeprefix(">>> ").strip("'") for line in _text(self.directory / "output").split("\n")
        ]
        said = [*logged, *(line for line in printed if line and not _FRAME.match(line))]
        return ": ".join(said[-2:]) or f"the engine ended with status {self._process and self._process.returncode}"


_FRAME = re.compile(r"\*\*\* FATAL CONFIG|Reading the configuration file")
_WARNING = re.compile(r"^\d+:\w [^#*]+ # (.+)$", re.MULTILINE)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_private(path: Path, content: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")


class Trial:
    """An engine without data that is asked what a cache's engine would answer before a cache exists.

    It is started when it is first asked.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @functools.cached_property
    def node(self) -> Node:
        """The engine."""
        node = Node("trial", self._directory)
        node.launch({})
        node.wait_until_ready()
        return node

    @functools.cached_property
    def version(self) -> str:
        """Its version."""
        facts = self.node.info("server")
        return str(facts.get("valkey_version") or facts["redis_version"])

    @functools.cached_property
    def defaults(self) -> Mapping[str, str]:
        """The parameters that the engine has, with their default values."""
        found: dict[str, str] = self.node.client.config_get("*")
        return found

    def check_user(self, rules: Iterable[str]) -> None:
        """Check the rules of a user.

        Raises:
            EngineRefusalError: If the engine does not take them.
        """
        try:
            self.node.execute("ACL", "SETUSER", "trial", "reset", *rules)
        finally:
            self.node.execute("ACL", "DELUSER", "trial")

    def check_options(self, options: Mapping[str, Sequence[str]]) -> None:
        """Check options by a start of the engine with them.

        Raises:
            EngineRefusalError: If the engine does not start with them.
        """
        with tempfile.TemporaryDirectory(dir=self._directory) as directory:
            node = Node("trial", Path(directory))
            try:
                node.launch(options)
                node.wait_until_ready()
            finally:
                node.kill()
                node.disconnect()

    def stop(self) -> None:
        """End it."""
        if "node" in self.__dict__:
            self.node.kill()
            self.node.disconnect()

    def __enter__(self) -> Self:
        """Nothing starts yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()


@contextlib.contextmanager
def holding(directory: Path, dump: Path) -> Iterator[Node]:
    """An engine for as long as the block lasts, with the data of an RDB file.

    Args:
        directory: Directory in which it gets a temporary one.
        dump: The file.
    """
    with tempfile.TemporaryDirectory(dir=directory) as own:
        node = Node("holding", Path(own))
        node.launch({}, dump=dump)
        try:
            node.wait_until_ready()
            yield node
        finally:
            node.kill()
            node.disconnect()
