"""Databases of the live layer: real servers with RDS's roles and rules, which live and end with their instance."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psutil
import psycopg
import pytest

from local_servers.waiting import wait_until
from rehearsal.extension import seam
from rehearsal.live import databases
from rehearsal.live.engines import postgresql
from rehearsal.live.engines.postgresql import EngineRefusalError, PostgreSql, UnknownParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.run import Run

INSTANCE, GROUP = databases.INSTANCE, databases.PARAMETER_GROUP
ADMINISTRATOR, PASSWORD, DATABASE = "administrator", "it's a \\secret", "application"


def directory() -> Path:
    """A new directory with a short path."""
    return Path(tempfile.mkdtemp(prefix="pg-test-"))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    """A server, started once."""
    made = PostgreSql("orders", directory(), "18.3")
    made.start(user=ADMINISTRATOR, password=PASSWORD, database=DATABASE, parameters={"work_mem": "8192"})
    yield made
    made.stop()


def connect(server: PostgreSql, user: str = ADMINISTRATOR) -> psycopg.Connection[Any]:
    """Connect as a user that the edge has let through."""
    return psycopg.connect(host=str(server.socket.parent), user=user, dbname=DATABASE, autocommit=True)


# The engine


def test_passwords_are_judged_by_the_servers_verifier(server: PostgreSql) -> None:
    """Users with their password only; never the superuser, who would be admitted by the socket."""
    with connect(server, postgresql.OWNER) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'long enough'")
        connection.execute("CREATE ROLE expired LOGIN PASSWORD 'long enough' VALID UNTIL '2020-01-01'")
        connection.execute("CREATE ROLE group_only PASSWORD 'long enough'")
        connection.execute("CREATE ROLE without LOGIN")
        connection.execute("ALTER ROLE rdsadmin PASSWORD 'long enough'")
        connection.execute("SET password_encryption = md5")
        connection.execute("CREATE ROLE old LOGIN PASSWORD 'long enough'")
    assert server.accepts(ADMINISTRATOR, PASSWORD)
    accepted = {
        user for user in ("reader", "expired", "group_only", "without", "rdsadmin", "old", "nobody")
        if server.accepts(user, "long enough")
    }  # fmt: skip
    assert accepted == {"reader", "old"}
    for user in ("reader", "old", "without", ADMINISTRATOR):
        assert not server.accepts(user, "")
        assert not server.accepts(user, "long enough ")


def test_composed_characters_of_a_password() -> None:
    """A password is the same in either form of Unicode; a broken verifier accepts none."""
    salt, composed, decomposed = b"0123456789abcdef", "ol\u00e9", "ole\u0301"
    verifier = scram(composed, salt)
    assert postgresql.matches(verifier, "u", composed)
    assert postgresql.matches(verifier, "u", decomposed)
    assert not postgresql.matches(verifier, "u", "ole")
    assert not postgresql.matches("SCRAM-SHA-256$x", "u", composed)
    assert not postgresql.matches("", "u", "")


def scram(password: str, salt: bytes) -> str:
    """The verifier of a password, as RFC 5802 has it."""
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    stored = hashlib.sha256(hmac.digest(key, b"Client Key", "sha256")).digest()
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(key, b"Server Key", "sha256"))]
    return "SCRAM-SHA-256$4096:{}${}:{}".format(*encoded)


def test_members_of_rds_iam_need_a_token(server: PostgreSql) -> None:
    """So do its members' members, and the administrator once it has created one; granting alone makes no member."""
    assert not server.uses_iam(ADMINISTRATOR)
    with connect(server) as connection:
        connection.execute("CREATE ROLE team")
        connection.execute("CREATE ROLE catalogue LOGIN")
        connection.execute("CREATE ROLE plain LOGIN")
        assert not server.uses_iam("catalogue")
        assert not server.uses_iam(ADMINISTRATOR)
        connection.execute("GRANT rds_iam TO team")
        connection.execute("GRANT team TO catalogue")
    assert {user: server.uses_iam(user) for user in ("catalogue", "plain", "nobody", ADMINISTRATOR)} == {
        "catalogue": True,
        "plain": False,
        "nobody": False,
        ADMINISTRATOR: True,
    }


def test_administrator_has_the_powers_of_rds_and_no_more(server: PostgreSql) -> None:
    """It creates databases and sees all activity; it is no superuser and reads no password."""
    with connect(server) as connection:
        connection.execute("CREATE DATABASE another")
        connection.execute("SELECT query FROM pg_stat_activity")
        assert connection.execute("SELECT pg_has_role('rds_superuser', 'member')").fetchone() == (True,)
        for refused in ("SELECT * FROM pg_authid", "ALTER ROLE administrator SUPERUSER", "SET ROLE rdsadmin"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)


def test_parameters_are_taken_at_once_or_after_a_reboot(server: PostgreSql) -> None:
    """As RDS applies them; what the rehearsal needs stays."""
    assert server.apply({"work_mem": "4096", "max_connections": "55", "listen_addresses": "127.0.0.1"}) == [
        "max_connections"
    ]
    with connect(server) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("4MB",)
        assert connection.execute("SHOW max_connections").fetchone() == ("100",)
    server.restart()
    with connect(server) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("55",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_nothing_is_left_of_a_killed_server() -> None:
    """Its processes end with the postmaster, which is in this process's group; no shared memory stays."""
    before = shared_memory()
    made = PostgreSql("killed", directory(), "18.3")
    try:
        made.start(user=ADMINISTRATOR, password=PASSWORD, database=None, parameters={"log_statement": "all"})
        assert made.pid is not None
        assert os.getpgid(made.pid) == os.getpgid(0)
        family = [psutil.Process(made.pid), *psutil.Process(made.pid).children()]
        assert len(family) > 1
        assert PASSWORD.split("\\")[1] not in (made.socket.parent / "log").read_text()
        assert "secret" not in " ".join(family[0].cmdline())
        family[0].send_signal(signal.SIGKILL)
        wait_until(lambda: not any(alive(one) for one in family), "all processes have ended")
        assert shared_memory() - before == set()
    finally:
        made.stop()
    assert not made.socket.parent.exists()


def alive(process: psutil.Process) -> bool:
    """Whether a process runs."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def shared_memory() -> set[str]:
    """The System V segments of this machine that stay without a process."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()
    fields = [dict(zip(lines[0].split(), line.split(), strict=True)) for line in lines[1:]]
    return {field["shmid"] for field in fields if field["nattch"] == "0"}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("log_statement", "ddl", None),
        ("log_connections", "1", None),
        ("work_mem", "4096", None),
        ("search_path", '"$user",public', None),
        ("log_statement", "most", 'invalid value for parameter "log_statement": "most"'),
        ("work_mem", "1", '1 kB is outside the valid range for parameter "work_mem" (64 kB .. 2147483647 kB)'),
        ("max_connections", "-1", '-1 is outside the valid range for parameter "max_connections" (1 .. 262143)'),
        ("autovacuum", "perhaps", 'parameter "autovacuum" requires a Boolean value'),
        ("timezone", "Mars", 'invalid value for parameter "TimeZone": "Mars"'),
        ("log_statment", "ddl", "log_statment"),
    ],
)
def test_values_are_judged_by_the_engine(name: str, value: str, reason: str | None) -> None:
    """Without a server; the engine's own message is told."""
    if reason is None:
        postgresql.check_parameters({name: value}, "18.3")
        return
    with pytest.raises(UnknownParameterError if name == reason else EngineRefusalError) as refused:
        postgresql.check_parameters({"work_mem": "4096", name: value}, "18.3")
    assert str(refused.value) == reason


def test_parameters_without_counterpart_are_named() -> None:
    """RDS's own, those of extensions, those of the rehearsal, and values that RDS computes; TLS is the edge's."""
    own = {
        "rds.force_ssl": "1",
        "rds.logical_replication": "1",
        "auto_explain.log_min_duration": "5",
        "shared_preload_libraries": "pg_stat_statements",
        "shared_buffers": "{DBInstanceClassMemory/32768}",
        "ssl_min_protocol_version": "TLSv1.3",
        "fsync": "on",
    }
    taken, dropped = postgresql.split({**own, "log_statement": "ddl"})
    assert (taken, dropped) == ({"log_statement": "ddl"}, sorted(set(own) - {"rds.force_ssl"}))


def test_closest_version_runs() -> None:
    """Of the two that the package has."""
    found = {
        wanted: postgresql.version_of(postgresql.programs(wanted)).split(".")[0]
        for wanted in ("18.3", "17", "16.2", "12", "x")
    }
    assert found == {"18.3": "18", "17": "18", "16.2": "16", "12": "16", "x": "18"}  # fmt: skip


# Instances


@pytest.fixture
def live(cloudformation: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run with databases only, in a separate account."""
    account = replace(run, account=seam.responses.get_account_id())
    copied = {name: dict(handler) for name, handler in seam.handlers().items()}
    monkeypatch.setattr(seam.provisioners, "_RESOURCE_HANDLERS", copied)
    for name in ("_modify_param_group", "_reset_param_group"):
        monkeypatch.setattr(seam.rds, name, getattr(seam.rds, name))
    monkeypatch.setattr(seam.rds, "_ACTION_MAP", dict(seam.rds._ACTION_MAP))
    databases.install(account)
    account.edge.decisions.database_login = lambda endpoint, user, password: (
        None if endpoint.login.accepts(user, password) else "wrong"  # type: ignore[attr-defined]
    )
    yield account
    for name in list(seam.rds._instances):
        cloudformation.delete(INSTANCE, name, **PROPERTIES)


PROPERTIES = {
    "Engine": "postgres",
    "EngineVersion": "18.3",
    "DBInstanceClass": "db.t4g.micro",
    "AllocatedStorage": "20",
    "MasterUsername": ADMINISTRATOR,
    "ManageMasterUserPassword": True,
    "DBName": DATABASE,
}


def log_in(run: Run, name: str, password: str, *, sslmode: str = "verify-full") -> psycopg.Connection[Any]:
    """Log in as clients do: by the endpoint's name, under TLS that the run's authority has signed."""
    endpoint = seam.rds._instances[name]["Endpoint"]
    return psycopg.connect(
        host=endpoint["Address"],
        hostaddr=run.addresses.address_of(endpoint["Address"]),
        port=endpoint["Port"],
        user=ADMINISTRATOR,
        password=password,
        dbname=DATABASE,
        sslmode=sslmode,
        sslrootcert=str(run.authority.ca_file) if sslmode == "verify-full" else None,
        connect_timeout=30,
    )


def managed_password(attributes: dict[str, Any]) -> str:
    """The administrator's password, from the secret that RDS manages."""
    _, secret = seam.secretsmanager._resolve(attributes["MasterUserSecret.SecretArn"], use_arn_scope=True)
    [version] = secret["Versions"].values()
    return str(json.loads(version["SecretString"])["password"])


def test_an_instance_is_a_server_from_creation_to_deletion(cloudformation: Any, live: Run) -> None:
    """Clients log in under TLS with the managed password; parameters reach it; deletion ends it."""
    group, _ = cloudformation.create(
        GROUP, Family="postgres18", Description="d", Parameters={"work_mem": "8192", "rds.logical_replication": "1"}
    )
    properties = {**PROPERTIES, "DBParameterGroupName": group, "VPCSecurityGroups": ["sg-1"]}
    name, attributes = cloudformation.create(INSTANCE, **properties)
    password = managed_password(attributes)
    with log_in(live, name, password) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("8MB",)
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (ADMINISTRATOR, DATABASE)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(live, name, "wrong")
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        log_in(live, name, password, sslmode="disable")
    endpoint = live.edge.endpoints[name]
    assert (list(endpoint.target.security_groups()), endpoint.target.what) == (["sg-1"], f"database {name}")
    assert attributes["Endpoint.Address"].endswith(".rds.amazonaws.com")

    new = {"work_mem": "4096", "rds.force_ssl": "0"}
    cloudformation.update(
        GROUP,
        group,
        {"Parameters": {"work_mem": "8192"}, "Family": "postgres18"},
        {"Parameters": new, "Family": "postgres18"},
    )
    with log_in(live, name, password, sslmode="disable") as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("4MB",)

    [facts] = live.control.call("database-versions", {})["databases"]
    assert (facts["instance"], facts["wanted"], facts["version"].split(".")[0]) == (name, "18.3", "18")
    assert facts["without_counterpart"] == ["rds.logical_replication"]

    directory = Path(endpoint.upstream).parent
    cloudformation.delete(INSTANCE, name, **properties)
    assert name not in live.edge.endpoints
    assert live.addresses.address_of(attributes["Endpoint.Address"]) is None
    assert not directory.exists()
    assert live.control.call("database-versions", {})["databases"] == []


def _rds(action: str, **parameters: str) -> str:
    body = urlencode({"Action": action, **parameters}).encode()
    _status, _headers, answer = asyncio.run(seam.rds.handle_request("POST", "/", {}, body, {}))
    return str(answer.decode())


def test_a_server_follows_changes_of_its_instance(cloudformation: Any, live: Run) -> None:
    """By CloudFormation and by the API: passwords, parameters that need a reboot, the port, deletion."""
    first = {**PROPERTIES, "ManageMasterUserPassword": False, "MasterUserPassword": "first password"}
    group, _ = cloudformation.create(GROUP, Family="postgres18", Description="d")
    first["DBParameterGroupName"] = group
    name, _ = cloudformation.create(INSTANCE, **first)
    log_in(live, name, "first password").close()

    second = {**first, "MasterUserPassword": "second password", "Port": "5433"}
    assert name == cloudformation.update(INSTANCE, name, first, second)
    assert seam.rds._instances[name]["Endpoint"]["Port"] == 5433
    log_in(live, name, "second password").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(live, name, "first password")

    refused = _rds("ModifyDBParameterGroup", DBParameterGroupName=group, **parameter("work_mem", "1"))
    assert "<Code>InvalidParameterValue</Code>" in refused
    assert "is outside the valid range for parameter" in refused
    answer = _rds("ModifyDBParameterGroup", DBParameterGroupName=group, **parameter("max_connections", "55"))
    assert "Error" not in answer
    for reboots, status, connections in ((False, "pending-reboot", "100"), (True, "in-sync", "55")):
        if reboots:
            assert "Error" not in _rds("RebootDBInstance", DBInstanceIdentifier=name)
        assert seam.rds._instances[name]["DBParameterGroups"][0]["ParameterApplyStatus"] == status
        with log_in(live, name, "second password") as connection:
            assert connection.execute("SHOW max_connections").fetchone() == (connections,)

    _rds("ModifyDBInstance", DBInstanceIdentifier=name, MasterUserPassword="third password", ApplyImmediately="true")
    log_in(live, name, "third password").close()
    _rds("DeleteDBInstance", DBInstanceIdentifier=name, SkipFinalSnapshot="true")
    assert (name in seam.rds._instances, dict(live.edge.endpoints)) == (False, {})


def parameter(name: str, value: str) -> dict[str, str]:
    """A parameter of a request."""
    found = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
    return {f"Parameters.Parameter.1.{key}": item for key, item in found.items()}


def test_nothing_is_left_of_an_instance_that_fails(cloudformation: Any, live: Run) -> None:
    """The engine's reason is CloudFormation's; instance, secret, process and endpoint are gone."""
    children = set(psutil.Process().children())
    taken = {**PROPERTIES, "MasterUsername": "rdsadmin", "DeletionProtection": True}
    with pytest.raises(ValueError, match='InvalidParameterValue: role "rdsadmin" already exists'):
        cloudformation.create(INSTANCE, **taken)
    assert (list(seam.rds._instances), dict(live.edge.endpoints)) == ([], {})
    assert not [name for name in seam.secretsmanager._secrets if name.startswith("rds!")]
    assert not [one for one in set(psutil.Process().children()) - children if alive(one)]


def test_a_parameter_that_the_engine_refuses_fails_its_group(cloudformation: Any, live: Run) -> None:
    """As RDS does, before an instance has it; the group does not exist then."""
    del live
    for parameters, reason in (
        ({"log_statement": "most"}, 'InvalidParameterValue: invalid value for parameter "log_statement": "most"'),
        ({"log_statment": "ddl"}, "InvalidParameterValue: Could not find parameter with name: log_statment"),
    ):
        with pytest.raises(ValueError, match=reason):
            cloudformation.create(GROUP, Family="postgres18", Description="d", Parameters=parameters)
    assert not [name for name in seam.rds._param_groups if not name.startswith("default")]
    cloudformation.create(GROUP, Family="mysql8.0", Description="d", Parameters={"log_statement": "most"})


def test_another_engine_has_no_server(cloudformation: Any, live: Run) -> None:
    """That is told, for the report."""
    name, _ = cloudformation.create(INSTANCE, **{**PROPERTIES, "Engine": "mysql", "EngineVersion": "8.4"})
    assert live.control.call("database-versions", {}) == {"databases": [], "without_engine": {name: "mysql"}}
