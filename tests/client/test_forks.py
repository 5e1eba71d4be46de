"""A forked child works, whatever its parent's threads were doing during the fork."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from queue import Full
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import ConnectionSettings, IamCredentials, SecretCredentials, connect
from elasticache_client.caching import Cache
from local_servers.certificates import HOST
from local_servers.nodes import CLIENTS_WITHOUT_LOGIN, Node, form_cluster
from local_servers.ports import LOOPBACK
from tests.client.conftest import CACHE, REGION, iam_credentials, secret_credentials
from tests.client.engines import valkey_server
from tests.client.held_locks import HANGS_SECONDS, child_ends_well, that_hang
from tests.client.secrets_manager import ARN, SecretsManagerStub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.engines import Engine


class Slow(SecretsManagerStub):
    """A Secrets Manager that answers the child at once, and the parent only when it is told to."""

    def __init__(self) -> None:
        super().__init__("default", "first")
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self._parent = os.getpid()

    def get_secret_value(self, **arguments: Any) -> Any:
        """Return a version as the stub does."""
        if os.getpid() == self._parent:
            self.is_asked.set()
            self.may_answer.wait(HANGS_SECONDS)
        return super().get_secret_value(**arguments)


@pytest.fixture(name="stub")
def _stub() -> Iterator[Slow]:
    stub = Slow()
    yield stub
    stub.may_answer.set()


def _while_renewing(renew: Callable[[], object], stub: Slow, work: Callable[[], object]) -> bool:
    """Fork while a thread holds the lock of the credentials and waits for Secrets Manager."""
    stub.may_answer.clear()
    stub.is_asked.clear()
    thread = threading.Thread(target=renew)
    thread.start()
    assert stub.is_asked.wait(HANGS_SECONDS)
    try:
        return child_ends_well(work)
    finally:
        stub.may_answer.set()
        thread.join()


def test_a_first_login_while_the_parent_fetches_one(stub: Slow) -> None:
    """The child fetches its own login."""
    credentials = secret_credentials(stub)
    assert _while_renewing(credentials.login, stub, credentials.login)


class Unfinished(SecretCredentials):
    """Credentials whose constructor has failed after they were registered."""

    def start_afresh(self) -> None:
        """Fail, because an attribute is missing."""
        raise AttributeError("_new_signer")


def test_an_object_that_cannot_be_renewed(stub: Slow) -> None:
    """All other objects are renewed in the child regardless."""
    unfinished = Unfinished(secret_arn=ARN, user="default", client=stub)
    credentials = secret_credentials(stub)
    assert _while_renewing(credentials.login, stub, credentials.login)
    del unfinished


def test_a_refusal_while_the_parent_renews(stub: Slow) -> None:
    """The child reads the secret after a rotation."""
    credentials = secret_credentials(stub)
    login = credentials.login()
    stub.rotate("second")

    def renew() -> None:
        after = credentials.after_refusal([login])
        assert after is not None
        assert after.password == "second"

    assert _while_renewing(lambda: credentials.after_refusal([login]), stub, renew)


def test_a_child_makes_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a client was passed, because the parent may be using its own."""
    made: list[int] = []

    def client_for(_arn: str) -> SecretsManagerStub:
        made.append(os.getpid())
        return SecretsManagerStub("default", "first")

    monkeypatch.setattr("elasticache_client.secret._client_for", client_for)
    credentials = SecretCredentials(secret_arn=ARN, user="default", ttl_seconds=0)
    credentials.login()

    def use() -> None:
        credentials.login()
        assert made[-1] == os.getpid()

    assert child_ends_well(use)


def test_a_token_while_the_parent_signs_one() -> None:
    """The child signs its own token."""
    credentials = iam_credentials()
    with credentials._lock:
        assert child_ends_well(credentials.login)


def test_aws_credentials_that_the_parent_refreshes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child looks up AWS credentials again."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDAPP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    credentials = IamCredentials(user="app", cache_name=CACHE, region=REGION)
    before = credentials._signer
    credentials.login()

    def sign() -> None:
        credentials.login()
        assert credentials._signer is not before

    assert child_ends_well(sign)


def test_a_load_that_the_parent_is_at(engine: Engine) -> None:
    """The child does not wait for the parent's threads, nor for places and locks that they hold."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    client: Any = connect(
        ConnectionSettings(engine="redis", host=HOST, port=engine.port, tls=False, mode="standalone", auth="none")
    )
    cache = Cache(client, prefix="forks", lease=60, bypass_limit=1)
    is_loading, may_end = threading.Event(), threading.Event()

    def load() -> int:
        is_loading.set()
        may_end.wait(HANGS_SECONDS)
        return 1

    thread = threading.Thread(target=cache.get_or_load, args=("a", load), kwargs={"ttl": 60})
    thread.start()
    is_loading.wait(HANGS_SECONDS)
    with cache._server._pending_lock:
        assert len(cache._lookups.flights) == 1
        assert child_ends_well(lambda: _look(cache))
    may_end.set()
    thread.join()
    client.close()


def _look(cache: Cache) -> None:
    assert len(cache._lookups.flights) == 0
    cache._server.release_later("b")
    assert cache.get_or_load("c", lambda: 3, ttl=60) == 3


@pytest.fixture(scope="module", params=["standalone", "cluster"], name="settings")
def _settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionSettings]:
    """One node, or a cluster of one shard."""
    is_shard = request.param == "cluster"
    directory = tmp_path_factory.mktemp(request.param)
    node = Node(valkey_server(), directory, default_user=CLIENTS_WITHOUT_LOGIN, is_shard=is_shard)
    if is_shard:
        form_cluster([node])
    yield ConnectionSettings(engine="valkey", host=LOOPBACK, port=node.port, tls=False, mode=request.param, auth="none")
    node.stop()


@pytest.mark.each_value
@pytest.mark.parametrize("package", ["redis", "valkey"])
def test_each_lock_of_a_client(settings: ConnectionSettings, package: Any) -> None:
    """The child reads, reads the slot map, subscribes, and closes a subscriber of its parent."""
    client: Any = connect(settings, library=package)
    subscriber = _subscribed(client)

    def use() -> None:
        client.set("a", 1)
        if settings.mode == "cluster":
            client.nodes_manager.initialize()
        _subscribed(client).close()
        with suppress(Full):  # the library returns a connection of the parent's to a full pool
            subscriber.close()
        client.close()

    client.set("a", 1)
    assert that_hang(client, use) == []
    subscriber.close()
    client.close()


def _subscribed(client: Any) -> Any:
    subscriber = client.pubsub()
    subscribe = getattr(subscriber, "ssubscribe", subscriber.subscribe)
    subscribe("news")
    return subscriber


@pytest.mark.parametrize("make", [iam_credentials, lambda: secret_credentials(SecretsManagerStub("default", "first"))])
def test_each_lock_of_credentials(make: Callable[[], Any]) -> None:
    """The child logs in, also after a refusal."""
    credentials = make()
    refused = credentials.login()
    assert that_hang(credentials, lambda: [credentials.login(), credentials.after_refusal([refused])]) == []


@pytest.mark.each_value
@pytest.mark.parametrize("package", ["redis", "valkey"])
def test_each_lock_of_a_cache(settings: ConnectionSettings, package: Any) -> None:
    """The child loads a value, and deletes another one later. The locks of its client are another test's."""
    client: Any = connect(settings, library=package)
    cache = Cache(client, prefix="forks")
    assert that_hang(cache, lambda: _look(cache), client) == []
    client.close()


def test_a_shared_lock_stays_shared() -> None:
    """Objects with one lock have one in the child, which is another one."""
    client: Any = connect(
        ConnectionSettings(engine="redis", host=HOST, port=1, tls=False, mode="standalone", auth="none")
    )
    shared = client.single_connection_lock = client.connection_pool._lock

    def compare() -> None:
        assert client.single_connection_lock is client.connection_pool._lock
        assert client.single_connection_lock is not shared

    assert child_ends_well(compare)
