"""Commands of a rehearsal that keeps running."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from rehearsal import kept, workspace
from rehearsal.kept import Kept, NotKeptError
from rehearsal.workspace import LiveDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CACHE = "master.orders.a1b2c3.euw1.cache.amazonaws.com"
DATABASE = "shop.a1b2c3.eu-west-1.rds.amazonaws.com"
SETTINGS = {
    "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "secret of the run",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """A kept rehearsal: a process, its directories and its names."""
    monkeypatch.setattr(workspace, "HOME", tmp_path)
    run, live = tmp_path / "run-1", tmp_path / "live"
    (live / "names").mkdir(parents=True)
    run.mkdir()
    (live / "names" / "person").write_text(f"{CACHE} 127.64.1.1\n{DATABASE} 127.64.1.2\n")
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    made = Kept(
        "dev",
        process.pid,
        psutil.Process(process.pid).create_time(),
        run,
        live,
        SETTINGS,
        ("python -m rehearsal run -- x",),
    )
    made.save()
    yield made
    process.kill()
    process.wait()


def test_it_is_found_again_by_its_owner_only(one: Kept) -> None:
    """The file has the secret of the run."""
    assert kept.kept() == [one]
    assert stat.S_IMODE((one.directory / kept.FILE).stat().st_mode) == 0o600


def test_one_that_has_ended_is_not_found(one: Kept) -> None:
    """Even if another program has its process id by now."""
    Kept(**{**one.__dict__, "started": one.started - 10}).save()
    assert kept.kept() == []
    with pytest.raises(NotKeptError, match=r"0 rehearsals are kept: .*`make rehearse KEEP=1`"):
        kept.the_one(kept.kept(), None)


def test_the_stage_chooses_among_several(one: Kept) -> None:
    """It must be named if several are kept."""
    other = Kept(**{**one.__dict__, "stage": "prod"})
    assert kept.the_one([one, other], "prod") is other
    with pytest.raises(NotKeptError, match=r"2 rehearsals are kept: .*--stage"):
        kept.the_one([one, other], None)
    with pytest.raises(NotKeptError, match="0 rehearsals of stage test are kept"):
        kept.the_one([one, other], "test")


def test_a_command_gets_the_run_and_nothing_of_another_account(one: Kept) -> None:
    """Settings for AWS, PostgreSQL's servers and proxies are the run's; what the user typed for it stays."""
    base = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "x", "https_proxy": "http://192.0.2.1", "PGHOST": "x"}
    made = one.environment({**base, "PGPASSWORD": "token", "TERM": "xterm", "PYTHONPATH": "mine", "PATH": "/bin"})
    assert not base.keys() & made.keys()
    assert SETTINGS.items() <= made.items()
    assert made["PGPASSWORD"] == "token"
    assert made["TERM"] == "xterm"
    assert made["PYTHONPATH"].endswith(f"{os.pathsep}mine")
    assert made["PGHOSTADDR"] == "127.64.1.2"
    assert made["SSL_CERT_FILE"] == made["PGSSLROOTCERT"] == str(one.live and one.live / "tls" / "ca.pem")


def test_python_in_it_resolves_the_names_of_the_account(one: Kept) -> None:
    """Those, and no others."""
    script = f"import socket; print(socket.gethostbyname({CACHE!r})); socket.gethostbyname('example.com')"
    ended = subprocess.run(
        [sys.executable, "-c", script], env=one.environment(os.environ), capture_output=True, text=True, check=False
    )
    assert ended.stdout == "127.64.1.1\n"
    assert "example.com is no name of the rehearsed account" in ended.stderr


@pytest.mark.parametrize("program", ["redis-cli", "/usr/bin/valkey-cli"])
def test_command_line_clients_get_an_address(one: Kept, program: str) -> None:
    """They resolve names by themselves; the name is what they ask the server's certificate for."""
    assert one.live is not None
    live = LiveDirectory(one.live)
    trust = ["--sni", CACHE, "--cacert", str(live.ca_file)]
    assert kept.with_address([program, "--tls", "-h", CACHE, "ping"], live) == [
        program,
        *trust,
        "--tls",
        "-h",
        "127.64.1.1",
        "ping",
    ]
    assert kept.with_address([program, "-h", CACHE], live) == [program, "-h", "127.64.1.1"]
    for command in ([program, "-h", "127.0.0.1"], [program, "ping"], ["other", "-h", CACHE]):
        assert kept.with_address(command, live) == command


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (CACHE, {"Action": ["connect"], "User": ["app"]}),
        ("orders-a1b2c3.serverless.euw1.cache.amazonaws.com", {"User": ["app"], "ResourceType": ["ServerlessCache"]}),
        (DATABASE, {"Action": ["connect"], "DBUser": ["app"]}),
    ],
)
def test_a_token_is_for_its_endpoint(one: Kept, host: str, expected: dict[str, list[str]]) -> None:
    """A cache's is for the name of the cache, a database's for its host name and port."""
    parts = urlsplit(f"https://{kept.token(one, host, 'app')}")
    assert parts.hostname == (host if host == DATABASE else "orders")
    assert expected.items() <= parse_qs(parts.query).items()


def test_a_token_for_another_host_is_refused(one: Kept) -> None:
    """A login to nowhere gets a sentence."""
    with pytest.raises(NotKeptError, match=r"host example.com: must be an endpoint"):
        kept.token(one, "example.com", "app")


def test_the_commands(one: Kept, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """`run` takes the program's own options, and says if there is no such program; `stop` leaves nothing."""
    command = [sys.executable, "-m", "rehearsal"]
    assert kept.main(["run", "--", "no-such-program"]) == 127
    assert "no-such-program: No such file" in capfd.readouterr().err
    replaced: list[list[str]] = []
    monkeypatch.setattr(os, "execvpe", lambda _program, arguments, _environment: replaced.append(arguments))
    kept.main(["run", "--stage", "dev", "--", "python", "--stage", "x"])
    assert replaced == [["python", "--stage", "x"]]
    assert kept.main(["stop"]) == 0
    assert not one.runs
    assert not one.directory.exists()
    assert one.live is not None
    assert not one.live.exists()
    assert kept.main(["stop"]) == 2
    assert "0 rehearsals are kept" in capfd.readouterr().err
    usage = subprocess.run([*command, "run", "--help"], capture_output=True, text=True, check=True, cwd=workspace.ROOT)
    assert "COMMAND" in usage.stdout
