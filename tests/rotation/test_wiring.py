"""The edges: the environment, the TLS login, cluster mode, the handler that Lambda calls."""

from __future__ import annotations

import importlib
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.rotation.runtime import rotate_secret
from elasticache_constructs.rotation.runtime.rotate_secret import handler, nodes
from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Configuration, Kind
from elasticache_constructs.rotation.runtime.rotate_secret.credential import State
from elasticache_constructs.rotation.runtime.rotate_secret.errors import Busy, Refused, RotationError
from elasticache_constructs.rotation.runtime.rotate_secret.login import LoginProbe
from elasticache_constructs.rotation.runtime.rotate_secret.nodes import Node
from elasticache_constructs.rotation.runtime.rotate_secret.secret import Login
from tests.rotation.clock import Clock
from tests.rotation.engine import needs
from tests.rotation.rig import ADDRESSES, Context, Rig
from tests.rotation.twin import SECRET, Account, ElastiCache, check_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rotation.engine import Engines, Server

USER = {
    "SECRET_ARN": SECRET,
    "KIND": "user",
    "USER_ID": "orders-prod-app",
    "USER_NAME": "app",
    "REPLICATION_GROUP_ID": "orders",
}
TOKEN = {"SECRET_ARN": SECRET, "KIND": "auth-token", "USER_NAME": "default", "REPLICATION_GROUP_ID": "orders"}


@pytest.mark.parametrize("environment", [USER, TOKEN], ids=["user", "auth-token"])
def test_grace_time_defaults_to_a_caching_clients_hour(environment: dict[str, str]) -> None:
    """Without GRACE_SECONDS the previous password lives an hour and five minutes."""
    assert 3900 == Configuration.from_environment(environment).grace_seconds


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            USER | {"SECRET_ARN": ""},
            (
                "SECRET_ARN is not set: SECRET_ARN, KIND and USER_NAME are needed. "
                "Set SECRET_ARN in the function's environment."
            ),
        ),
        (USER | {"KIND": "iam"}, "KIND='iam': user or auth-token. Set KIND to one of the two."),
        (USER | {"USER_ID": ""}, "USER_ID is not set: KIND=user names the user. Set USER_ID."),
        (
            TOKEN | {"USER_ID": "app"},
            (
                "USER_ID='app' with KIND=auth-token: a group's own AuthToken belongs to no user. "
                "Leave USER_ID out, or set KIND=user."
            ),
        ),
        (
            TOKEN | {"USER_NAME": "app"},
            (
                "USER_NAME='app' with KIND=auth-token: an AuthToken logs in as the user default. "
                "Set USER_NAME=default, or KIND=user."
            ),
        ),
        (
            TOKEN | {"REPLICATION_GROUP_ID": "orders,reports"},
            (
                "REPLICATION_GROUP_ID='orders,reports', SERVERLESS_CACHE_NAME='' with KIND=auth-token: an AuthToken is "
                "that of one replication group. Name one group in REPLICATION_GROUP_ID, or set KIND=user."
            ),
        ),
        (
            USER | {"REPLICATION_GROUP_ID": ""},
            (
                "neither REPLICATION_GROUP_ID nor SERVERLESS_CACHE_NAME is set: the caches that accept the password "
                "are named. Set one of the two in the function's environment, with commas between several caches."
            ),
        ),
        *[
            (
                USER | {"GRACE_SECONDS": value},
                (
                    f"GRACE_SECONDS={value!r}: a whole number from 1 to 604800. "
                    "Set it to the longest time a client caches the secret, and five minutes more."
                ),
            )
            for value in ("0", "604801", "1.5", "an hour", "")
        ],
        (
            USER | {"CA_FILE": "missing.pem"},
            "CA_FILE='missing.pem': a file of certificates. Ship the file, or unset CA_FILE.",
        ),
    ],
)
def test_environment_is_checked(environment: dict[str, str], message: str) -> None:
    """What is missing or out of range is refused with what was got, what is allowed and the fix."""
    with pytest.raises(Refused) as refusal:
        Configuration.from_environment(environment)

    assert message == str(refusal.value)


def test_untrusted_certificate_gets_no_password(servers: list[Server]) -> None:
    """A node whose certificate no trusted authority signed is refused before AUTH is sent."""
    node = Node("orders-001", "localhost", servers[0].tls_port)
    with pytest.raises(Refused, match=r"orders-001 \(localhost\) with a certificate that fails: "):
        LoginProbe(None).ask([node], Login("app", "secret"))


def test_certificate_of_another_name_gets_no_password(engines: Engines, servers: list[Server]) -> None:
    """A trusted certificate that is another host's is refused too."""
    node = Node("orders-001", "127.0.0.1", servers[0].tls_port)
    with pytest.raises(Refused, match="IP address mismatch"):
        LoginProbe(str(engines.certificates.authority)).ask([node], Login("app", "secret"))


def test_silent_and_closed_ports_are_busy(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that accepts connections and says nothing, and one that is gone, are waited for, not taken for a no."""
    monkeypatch.setattr("elasticache_constructs.rotation.runtime.rotate_secret.login._TIMEOUT_SECONDS", 0.1)
    login_probe = LoginProbe(str(engines.certificates.authority))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Busy, match="orders-001 does not answer: TimeoutError"):
            login_probe.ask([Node("orders-001", "localhost", port)], Login("app", "secret"))
    with pytest.raises(Busy, match="orders-001 does not answer: ConnectionRefusedError"):
        login_probe.ask([Node("orders-001", "localhost", port)], Login("app", "secret"))


def test_one_login_is_one_attempt(engines: Engines, servers: list[Server]) -> None:
    """A refused login is tried once: retries would multiply the AuthenticationFailures metric."""
    before = servers[0].refused_logins()
    node = Node("orders-001", "localhost", servers[0].tls_port)
    answers = LoginProbe(str(engines.certificates.authority)).ask([node], Login("nobody", "secret"))

    assert (("orders-001",), 1) == (answers.refused, servers[0].refused_logins() - before)


def test_cluster_mode(engines: Engines, kind: Kind) -> None:
    """With shards, every node of every shard is proven."""
    with engines.cluster() as shards:
        rig = Rig(kind, shards, engines.certificates.authority)
        rig.rotate()

        assert rig.current_works()
        assert {"orders-001", "orders-002"} == rig.cache.asked


def test_every_cache_of_a_user_is_proven(engines: Engines, servers: list[Server]) -> None:
    """A user whose group is on several caches is promoted once all accept the new password, serverless ones too."""
    rig = Rig(Kind.USER, servers[:2], engines.certificates.authority)
    rig.cache.groups.append("reports")
    rig.cache.serverless = ["sessions"]
    rig.rotate()

    assert {"orders-001", "orders-002", "reports-001", "reports-002", "sessions"} == rig.cache.asked


def test_serverless_cache_is_asked_at_every_address(monkeypatch: pytest.MonkeyPatch, servers: list[Server]) -> None:
    """Both endpoints, each at every address that its name has, several times: a connection may reach any node."""
    asked: list[tuple[str, int]] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append((host, port))
        return [(None, None, None, "", (address, port)) for address in ("10.0.1.9", "10.0.0.7", "10.0.1.9")]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    monkeypatch.setattr(nodes, "_addresses", ADDRESSES)
    account = Account(Clock())
    cache = ElastiCache(account, servers[:2], "first" * 12, user_name="app")
    found = nodes.Nodes(cache).of(State(None, (), ("sessions",)))

    ports = [server.tls_port for server in servers[:2]]
    assert [("localhost", port) for port in ports] == asked
    assert {(address, port): 3 for port in ports for address in ("10.0.0.7", "10.0.1.9")} == Counter(
        (each.address, each.port) for each in found
    )
    assert {"localhost"} == {each.host for each in found}
    assert len(found) == len({each.name for each in found})


@pytest.mark.parametrize(("status", "ending"), [("creating", "has no endpoint yet"), ("DELETING", None)])
def test_serverless_cache_without_endpoint(servers: list[Server], status: str, ending: str | None) -> None:
    """One that is being made is waited for; one that is being deleted is no longer asked."""
    cache = ElastiCache(Account(Clock()), servers[:2], "first" * 12, user_name="app")
    cache.member_status[0] = status
    looking = nodes.Nodes(cache)
    if ending is None:
        assert () == looking.of(State(None, (), ("sessions",)))
        return
    with pytest.raises(Busy, match=f"sessions is {status} and {ending}"):
        looking.of(State(None, (), ("sessions",)))


def test_handle_reads_the_environment(
    new_rig: Callable[[Kind], Rig], kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function that Lambda calls takes its configuration from the environment and its clients from one place."""
    rig = new_rig(kind)
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "make_clients", lambda: (rig.secrets, rig.cache))
    token = rig.secrets.rotate()
    event = {"Step": "createSecret", "SecretId": SECRET, "ClientRequestToken": token}

    assert {"Step": "createSecret", "Outcome": "created"} == handler.handle(event, Context(rig.clock, 1))


def test_wrong_environment_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A function that is configured wrongly counts as failed, so that its alarm rings."""
    with pytest.raises(RotationError, match="KIND is not set"):
        handler.answer({"Step": "retire"}, Context(Clock(), 1), environment={}, secretsmanager=None, elasticache=None)

    assert '"RotationFailed": 1' in capsys.readouterr().out


def test_clients_leave_retrying_to_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK makes each call once: a change is only repeated after its reasons were looked at again."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clients = handler.make_clients()
    attempts = [client.meta.config.retries["total_max_attempts"] for client in clients]
    for client in clients:
        client.close()

    assert [1, 1] == attempts


@pytest.mark.parametrize(("ci", "ending"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_missing_engine_is_loud(monkeypatch: pytest.MonkeyPatch, ci: str, ending: type[BaseException]) -> None:
    """Without the engine these tests are skipped for a stated reason on a laptop, and fail in CI."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(ending, match="no-such-engine IS NOT INSTALLED"):
        needs("no-such-engine")


@pytest.mark.parametrize("parameters", [{}, {"SecretId": 1}, {"SecretId": "orders", "Versions": "all"}])
def test_twin_takes_what_the_service_takes(parameters: dict[str, object]) -> None:
    """Parameters that boto3 would refuse, the twin refuses too."""
    with pytest.raises(AssertionError, match="secretsmanager:DescribeSecret"):
        check_parameters("secretsmanager:DescribeSecret", parameters)


def test_package_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported as Lambda does, from the asset's root, the package needs nothing of this repo."""
    root = Path(rotate_secret.__file__).parent.parent
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    try:
        module = importlib.import_module("rotate_secret.handler")
        new = {name.split(".")[0] for name in set(sys.modules) - before}
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "rotate_secret"]:
            del sys.modules[name]

    assert callable(module.handle)
    assert set() == new - {"rotate_secret", "botocore"} - sys.stdlib_module_names
