"""A live emulator in a separate process, without a stage: HTTPS, signatures, where it listens, and its end."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from local_servers.waiting import wait_until
from rehearsal import emulator, workspace
from rehearsal.emulator import Emulator, Live
from rehearsal.live import addresses
from rehearsal.workspace import ACCOUNT, REGION, ROOT, LiveDirectory
from verification.account import Account, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLED = """
import os, signal
from rehearsal import emulator, workspace
from rehearsal.emulator import Live
with emulator.running(workspace.prepare(), Live("000000000000", "eu-west-1")) as server:
    print(server.pid, server.live.path, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def running(group: int) -> list[psutil.Process]:
    """The processes of a group that have not ended."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture(scope="module")
def live() -> Iterator[Emulator]:
    """A live emulator."""
    place = workspace.prepare()
    with emulator.running(place, Live(ACCOUNT, REGION)) as server:
        yield server
    assert (place.run / "journal.jsonl").exists(), "a run that fails keeps its journal"
    assert server.live is not None
    assert not server.live.path.exists()
    workspace.remove(place)


def test_clients_verify_it_and_sign(live: Emulator) -> None:
    """The client's environment is complete: boto3 trusts the run's authority and has its secret."""
    with workspace.only(live.client_environment({}, ACCOUNT, REGION)):
        assert Account(REGION).client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_policies_are_evaluated(live: Emulator) -> None:
    """A user without a policy may do nothing."""
    with workspace.only(live.client_environment({}, ACCOUNT, REGION)):
        iam = Account(REGION).client("iam")
        iam.create_user(UserName="nothing")
        key: dict[str, Any] = iam.create_access_key(UserName="nothing")["AccessKey"]
    stranger = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    refused = pytest.raises(ClientError, match="not authorized to perform: elasticache:DescribeUsers")
    with workspace.only({**live.client_environment({}, ACCOUNT, REGION), **stranger}), refused:
        Account(REGION).client("elasticache").describe_users()


def test_without_the_runs_authority_it_is_not_trusted(live: Emulator) -> None:
    """The system's authorities do not know it."""
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", live.port)) as bare, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(bare, server_hostname="localhost")


def test_it_listens_on_this_machine_only(live: Emulator) -> None:
    """And the check of that sees a listener elsewhere."""
    assert emulator.listeners(live.pid) == []
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))  # noqa: S104 - to be found
        everywhere.listen()
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = subprocess.Popen(command, pass_fds=[everywhere.fileno()], start_new_session=True)
        try:
            found = emulator.listeners(child.pid)
            assert found == [("0.0.0.0", everywhere.getsockname()[1])]  # noqa: S104 - it was found
        finally:
            child.kill()
            child.wait()


def test_a_parent_that_is_killed_leaves_nothing() -> None:
    """No process, no socket and no directory."""
    ended = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, text=True, check=False)
    pid, path = ended.stdout.split()
    directory = LiveDirectory(ROOT / path)
    wait_until(lambda: not directory.path.exists(), "the directory is gone")
    wait_until(lambda: not running(int(pid)), "its processes have ended")


def test_no_free_addresses_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all blocks are taken, the message says what to do."""
    monkeypatch.setattr(addresses, "BLOCKS", range(127, 128))
    block, claim = addresses._claim_block()
    assert block == 127
    with claim, pytest.raises(addresses.NoAddressError, match=r"port 4009 is in use .*LIVE=0"):
        addresses._claim_block()
