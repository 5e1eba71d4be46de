"""A forked child works, whatever its parent's threads were doing during the fork."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import ConnectionSettings, IamCredentials, SecretCredentials, connect
from elasticache_client.caching import Cache
from local_servers.certificates import HOST
from tests.client.conftest import CACHE, REGION, iam_credentials, secret_credentials
from tests.client.secrets_manager import ARN, SecretsManagerStub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.engines import Engine


_HANGS_SECONDS = 60


def child_ends_well(work: Callable[[], object]) -> bool:
    """Whether a forked child completes its work. A child that hangs is killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of threads, which this test needs
        child = os.fork()
    if child == 0:
        signal.alarm(_HANGS_SECONDS)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


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
            self.may_answer.wait(_HANGS_SECONDS)
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
    assert stub.is_asked.wait(_HANGS_SECONDS)
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
        may_end.wait(_HANGS_SECONDS)
        return 1

    thread = threading.Thread(target=cache.get_or_load, args=("a", load), kwargs={"ttl": 60})
    thread.start()
    is_loading.wait(_HANGS_SECONDS)
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
