"""The shared parts of the live layer: certificates, addresses, names files, journal and control socket."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from rehearsal.live import journal
from rehearsal.live.control import ControlError, Controller
from rehearsal.live.run import Run
from rehearsal.workspace import LiveDirectory

if TYPE_CHECKING:
    from pathlib import Path


def _handshake(server: Path, trusted: Path, name: str) -> None:
    """Verify a server with this certificate under this name."""
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepting.load_cert_chain(server)
    here, there = socket.socketpair()

    def accept() -> None:
        try:
            accepting.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        ssl.create_default_context(cafile=trusted).wrap_socket(here, server_hostname=name).close()
    finally:
        here.close()
        thread.join()


def test_certificates_are_verified_for_their_names_only(run: Run) -> None:
    """A wildcard covers one label; another name, an address and another run's authority are refused."""
    certificate = run.authority.certificate("*.orders.a1b2c3.euw1.cache.amazonaws.com")
    _handshake(certificate, run.authority.ca_file, "master.orders.a1b2c3.euw1.cache.amazonaws.com")
    for name in (
        "orders.a1b2c3.euw1.cache.amazonaws.com",
        "master.other.a1b2c3.euw1.cache.amazonaws.com",
        "127.64.1.1",
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            _handshake(certificate, run.authority.ca_file, name)


def test_another_authority_is_not_trusted(run: Run, tmp_path: Path) -> None:
    """The authorities of two runs have the same name and different keys."""
    from rehearsal.live.authority import Authority  # noqa: PLC0415 - only here

    other = Authority(tmp_path / "tls")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(run.authority.certificate("a.example"), other.ca_file, "a.example")


def test_keys_and_the_journal_are_readable_for_their_owner_only(run: Run) -> None:
    """Other users of the machine read no key, no journal and do not reach the control socket."""
    run.journal.write("grant")
    for path in (run.authority.certificate("a.example"), run.journal.path, run.control.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_addresses_are_unique_and_two_runs_share_none(run: Run, tmp_path: Path) -> None:
    """Each run claims a block; each address of it is given once."""
    other = Run.create(tmp_path, account="000000000000", region="eu-west-1", gateway_port=1)
    try:
        mine, theirs = ({made.addresses.new() for _ in range(600)} for made in (run, other))
        assert len(mine) == len(theirs) == 600
        assert not mine & theirs
        assert len({address.split(".")[1] for address in mine}) == 1
    finally:
        other.close()


def test_a_function_sees_the_apis_that_it_reaches(run: Run) -> None:
    """The names of caches are the same for all; an API that a function does not reach gives no answer."""
    run.addresses.reachable_apis = {"sweep": {"elasticache.eu-west-1.amazonaws.com": True}, "person": None}.__getitem__
    run.addresses.point({"Master.Orders.example": "127.64.1.1"})
    person, sweep = (run.addresses.names_file(client).read_text().splitlines() for client in ("person", "sweep"))
    assert "master.orders.example 127.64.1.1" in person
    assert "master.orders.example 127.64.1.1" in sweep
    assert f"*.amazonaws.com {run.addresses.api}" in person
    assert f"elasticache.eu-west-1.amazonaws.com {run.addresses.api}" in sweep
    assert f"*.amazonaws.com {run.addresses.api}" not in sweep
    run.addresses.point({}, remove=["master.orders.example"])
    assert "master.orders.example" not in run.addresses.names_file("sweep").read_text()
    assert run.addresses.address_of("master.orders.example") is None


def test_an_api_that_is_not_reachable_does_not_answer(run: Run) -> None:
    """A connection to it waits, as behind a packet filter, and is not refused."""
    run.addresses.reachable_apis = lambda _client: {}
    [line] = [
        line
        for line in run.addresses.names_file("f").read_text().splitlines()
        if line.startswith("127.") and "255.254" in line
    ]
    host, port = line.split()[1].split(":")
    with pytest.raises(TimeoutError):
        socket.create_connection((host, int(port)), timeout=0.3)


def test_the_journal_is_read_back(run: Run) -> None:
    """Entries of one kind are found, and a line that is not complete is left out."""
    run.journal.write("grant", role="a", allowed=True)
    run.journal.write("function", name="f")
    with run.journal.path.open("a") as file:
        file.write('{"time": 1, "kind": "gra')
    [grant] = journal.read(run.journal.path, "grant")
    assert (grant["role"], grant["allowed"]) == ("a", True)
    assert len(journal.read(run.journal.path)) == 2


def test_a_control_command_is_called_with_its_arguments(run: Run) -> None:
    """A command's result, its error and an unknown command reach the caller."""
    control = Controller(run.control.path)

    def divide(of: int, by: int) -> dict[str, float]:
        return {"quotient": of / by}

    run.control.register("divide", divide)
    assert control("divide", of=6, by=3) == {"quotient": 2}
    with pytest.raises(ControlError, match="divide: ZeroDivisionError"):
        control("divide", of=6, by=0)
    with pytest.raises(ControlError, match="must be one of divide"):
        control("multiply")


def test_a_socket_in_the_directory_of_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the lengths of `TMPDIR` and of the node's name, its path is short enough; two names have two paths."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 20)))
    directory = LiveDirectory.create()
    try:
        run = Run.create(directory.path, account="000000000000", region="eu-west-1", gateway_port=1)
        paths = [run.engine_directory("n" * 50 + f"-000{number}-001") / "postgresql.5432.lock" for number in (1, 2)]
        for path in paths:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(path))
        assert len(set(paths)) == len(paths)
        assert run.engine_directory("short").name == "short"
        run.close()
    finally:
        directory.remove()
