"""The database's settings and connections."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from psycopg import OperationalError
from psycopg.errors import DivisionByZero

import workloads.database
from workloads.catalogue import prepare
from workloads.database import (
    Database,
    DatabaseRefusedError,
    DatabaseSettings,
    DatabaseSettingsError,
    _connection_arguments,
)

GOOD = {
    "DATABASE_HOST": "orders.abc123.eu-west-1.rds.amazonaws.com",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "shop",
    "DATABASE_USER": "catalogue",
    "DATABASE_TLS": "true",
    "DATABASE_IAM": "true",
    "DATABASE_CA_FILE": "authorities.pem",
}


def test_settings_survive_the_environment() -> None:
    """Settings that are written to the environment are read unchanged."""
    settings = DatabaseSettings.from_environment(GOOD)
    assert GOOD == settings.to_environment()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_HOST": ""}, "HOST is not set: always required. Set DATABASE_HOST to a host name, or a directory"),
        ({"DATABASE_PORT": "54x"}, "PORT='54x': must be a number. Correct DATABASE_PORT."),
        ({"DATABASE_TLS": "True"}, "TLS='True': must be true or false. Correct DATABASE_TLS."),
        ({"DATABASE_TLS": "false"}, "TLS='false': must be true with DATABASE_IAM=true. Correct DATABASE_TLS."),
        ({"DATABASE_IAM": "1"}, "IAM='1': must be true or false. Correct DATABASE_IAM."),
    ],
)
def test_wrong_settings_are_refused(changes: dict[str, str], said: str) -> None:
    """The message names the variable and its allowed values."""
    with pytest.raises(DatabaseSettingsError) as refused:
        DatabaseSettings.from_environment({**GOOD, **changes})
    assert str(refused.value).startswith(f"DATABASE_{said}")


def test_a_login_with_iam_verifies_the_server_and_signs_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection gets a token for its host, port and user, and the certificate's name is verified."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    arguments = _connection_arguments(DatabaseSettings.from_environment(GOOD))()
    token = urlsplit(f"//{arguments['password']}")
    signed = parse_qs(token.query)
    assert (token.netloc, signed["Action"], signed["DBUser"]) == (
        "orders.abc123.eu-west-1.rds.amazonaws.com:5432",
        ["connect"],
        ["catalogue"],
    )
    assert (arguments["sslmode"], arguments["sslrootcert"]) == ("verify-full", "authorities.pem")


def test_every_statement_is_counted(database: DatabaseSettings) -> None:
    """The count is the number of statements that the server received."""
    with Database(database) as opened:
        rows = [opened.one(dict[str, int], "SELECT 1 AS one") for _ in range(3)]
        assert ([{"one": 1}] * 3, 3) == (rows, opened.queries)


def test_what_never_ran_is_not_counted(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that gets no connection sends nothing to the server."""
    monkeypatch.setattr(workloads.database, "_WAIT_SECONDS", 0.05)
    nowhere = replace(database, host=f"{database.host}/nowhere")
    with Database(nowhere) as opened:
        with pytest.raises(OperationalError):
            opened.one(dict[str, int], "SELECT 1 AS one")
        assert 0 == opened.queries


def test_a_refused_login_is_no_outage(database: DatabaseSettings, caplog: pytest.LogCaptureFixture) -> None:
    """A user that the server does not know is told as such; a server that is not there is an outage."""
    with Database(replace(database, user="stranger")) as opened:
        with pytest.raises(DatabaseRefusedError, match="rds-db:connect"):
            opened.one(dict[str, int], "SELECT 1 AS one")
        assert 0 == opened.queries
    assert "stranger" in caplog.text  # the pool's own warning


def test_a_statement_does_not_run_for_ever(database: DatabaseSettings) -> None:
    """The server cancels it after five seconds."""
    with Database(database) as opened:
        (limit,) = opened.all(dict[str, str], "SHOW statement_timeout")
    assert {"statement_timeout": "5s"} == limit


def test_a_cut_connection_costs_no_request(database: DatabaseSettings) -> None:
    """A connection that the server has closed is replaced before it is used."""
    with Database(database) as opened, Database(database) as administrator:
        (mine,) = opened.all(dict[str, int], "SELECT pg_backend_pid() AS pid")
        administrator.all(dict[str, bool], "SELECT pg_terminate_backend(%(pid)s, 2000) AS gone", pid=mine["pid"])
        assert {"one": 1} == opened.one(dict[str, int], "SELECT 1 AS one")


def test_a_failed_script_leaves_nothing(database: DatabaseSettings) -> None:
    """Several statements are one transaction."""
    with Database(database) as opened:
        with pytest.raises(DivisionByZero):
            opened.run(b"CREATE TABLE half (); SELECT 1 / 0")
        assert {"there": None} == opened.one(dict[str, str | None], "SELECT to_regclass('half')::text AS there")


def test_preparing_twice_is_preparing_once(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second deployment adds and removes nothing, and needs no cache."""
    for name, value in database.to_environment().items():
        monkeypatch.setenv(name, value)
    with Database() as opened:
        before = opened.one(dict[str, int], "SELECT count(*) AS reviews FROM reviews")
        prepare.handler({}, None)
        assert before == opened.one(dict[str, int], "SELECT count(*) AS reviews FROM reviews")


def test_a_script_may_take_longer(database: DatabaseSettings) -> None:
    """Filling tables may take longer than a request. Statements after it have the usual limit."""
    with Database(database) as opened:
        opened.run(b"DO $$ BEGIN ASSERT current_setting('statement_timeout') = '25s'; END $$")
        assert [{"statement_timeout": "5s"}] == opened.all(dict[str, str], "SHOW statement_timeout")
