"""What the catalogue knows of commands is what servers have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from elasticache_rules import facts
from elasticache_rules.facts import command_sets, servers
from elasticache_rules.facts.records import DATA
from tests.client.engines import redis_server, valkey_server

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = pytest.mark.parametrize("program", [redis_server, valkey_server], ids=["redis", "valkey"])


@PROGRAMS
def test_records_are_what_servers_say(program: type[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command and category of the servers at hand is on record, and nothing else is for their versions."""
    assert servers.SAME == servers.main([program()])
    assert "agrees" in capsys.readouterr().out


@PROGRAMS
def test_difference_is_shown_and_taken_over(
    program: type[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that the record lacks is a difference; --write takes it over, and leaves other versions alone."""
    written = json.loads((DATA / "commands.json").read_text(encoding="utf-8"))
    del written["versions"][0]["commands"]["get"]
    path = tmp_path / "commands.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    monkeypatch.setattr(servers, "DATA", tmp_path)

    assert servers.DIFFERENT == servers.main([program()])
    assert "add --write" in capsys.readouterr().out
    assert json.loads(path.read_text(encoding="utf-8")) == written
    servers.main([program(), "--write"])
    version = servers.asked_of(program())
    for each in command_sets.unpacked(json.loads(path.read_text(encoding="utf-8"))["versions"]):
        is_asked = (each["engine"], each["version"]) == (version.engine, version.version)
        assert ("get" in each["commands"]) == is_asked


def test_server_that_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    """It is an error in one line."""
    assert servers.UNREADABLE == servers.main(["/nowhere/redis-server"])
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("word", "floors"),
    [
        ("get", {"redis": "6.0", "valkey": "7.2"}),
        ("copy", {"redis": "6.2", "valkey": "7.2"}),
        ("client|setinfo", {"valkey": "7.2"}),
        ("client|capa", {"valkey": "8.0"}),
        ("commandlog", {"valkey": "8.1"}),
        ("hexpire", {"valkey": "9.0"}),
        ("hgetdel", {"valkey": "9.1"}),
        ("@json", {"redis": "6.2", "valkey": "7.2"}),
        ("@bloom", {"valkey": "8.1"}),
        ("ft.search", {"valkey": "8.2"}),
        ("@scripting", {"redis": "6.0", "valkey": "7.2"}),
        ("gett", {}),
        ("@generic", {}),
    ],
)
def test_floors(word: str, floors: dict[str, str]) -> None:
    """The first version of each engine that has a command, a subcommand or a category."""
    assert floors == facts.command_floors(word)


@pytest.mark.parametrize(
    ("engine", "version", "like"),
    [("redis", "7.1", "7.0"), ("valkey", "8", "8.2"), ("valkey", "9.7", "9.1"), ("redis", "7", "7.1")],
)
def test_versions_that_are_not_on_record(engine: str, version: str, like: str) -> None:
    """They have the commands of the newest one before; a major version alone means its newest."""
    assert facts.commands(engine, like) == facts.commands(engine, version)


@pytest.mark.parametrize("engine", ["memcached", "redis"])
def test_engines_without_users_have_none(engine: str) -> None:
    """Memcached, and Redis before 6.0."""
    assert {} == facts.commands(engine, "5.0.6")


def test_serverless_caches_have_no_search() -> None:
    """They have the other modules."""
    names = facts.commands("valkey", "9.1").keys() - facts.commands("valkey", "9.1", serverless=True).keys()
    assert {"ft"} == {name.split(".")[0] for name in names}
