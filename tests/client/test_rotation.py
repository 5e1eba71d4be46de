"""Passwords that change while clients run, against a real engine with TLS."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import KINDS, Caller, secret_credentials, secret_settings
from tests.client.secrets_manager import SecretsManagerStub

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.engines import Engine

every_kind = pytest.mark.parametrize("kind", KINDS)
USER = "legacy"


@pytest.fixture(name="stub")
def _stub(redis_tls: Engine) -> SecretsManagerStub:
    redis_tls.set_passwords(USER, "first")
    return SecretsManagerStub(USER, "first")


@pytest.fixture(name="open_rotated")
def _open_rotated(
    redis_tls: Engine, stub: SecretsManagerStub, open_client: Callable[..., Caller]
) -> Callable[..., Caller]:
    def open_rotated(kind: str, **options: float) -> Caller:
        return open_client(kind, secret_settings(redis_tls.port, USER), credentials=secret_credentials(stub), **options)

    return open_rotated


@every_kind
def test_a_rotation_with_cut_connections_costs_one_refresh(
    kind: str, redis_tls: Engine, stub: SecretsManagerStub, open_rotated: Callable[..., Caller]
) -> None:
    """The next command succeeds, and the secret has been read once more."""
    client = open_rotated(kind)
    client("ping")
    stub.rotate("second")
    redis_tls.set_passwords(USER, "second")
    redis_tls.cut(USER)
    for _ in range(5):
        assert client("ping") is True
    assert stub.asked == ["AWSCURRENT", "AWSCURRENT"]


def test_threads_share_the_refresh(
    redis_tls: Engine, stub: SecretsManagerStub, open_rotated: Callable[..., Caller]
) -> None:
    """Twenty threads that lose their connections to a rotation read the secret once in total."""
    client = open_rotated("redis-py")
    client("ping")
    stub.rotate("second")
    redis_tls.set_passwords(USER, "second")
    redis_tls.cut(USER)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(client("ping"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, stub.asked) == ([True] * 20, ["AWSCURRENT", "AWSCURRENT"])


@every_kind
def test_a_secret_ahead_of_the_cache_lets_in(
    kind: str, stub: SecretsManagerStub, open_rotated: Callable[..., Caller]
) -> None:
    """While the cache knows only the previous password, clients log in with it."""
    stub.rotate("second")
    client = open_rotated(kind)
    assert client("ping") is True


@every_kind
def test_the_cache_may_catch_up(
    kind: str, redis_tls: Engine, stub: SecretsManagerStub, open_rotated: Callable[..., Caller]
) -> None:
    """Clients with the previous password change to the current one when the cache drops the previous one."""
    stub.rotate("second")
    client = open_rotated(kind)
    client("ping")
    redis_tls.set_passwords(USER, "second")
    redis_tls.cut(USER)
    assert client("ping") is True


@every_kind
def test_a_live_connection_outlives_the_password(
    kind: str, redis_tls: Engine, stub: SecretsManagerStub, open_rotated: Callable[..., Caller]
) -> None:
    """A rotation that closes no connection costs no login and no call."""
    client = open_rotated(kind)
    client("ping")
    stub.rotate("second")
    redis_tls.set_passwords(USER, "second")
    before = redis_tls.logins()
    client("ping")
    assert (redis_tls.logins() - before, stub.asked) == (0, ["AWSCURRENT"])


@every_kind
def test_a_login_that_comes_due_after_a_rotation(
    kind: str, redis_tls: Engine, stub: SecretsManagerStub, open_rotated: Callable[..., Caller]
) -> None:
    """A connection that must log in again finds the new password: one rejected login, and one successful one."""
    client = open_rotated(kind, login_seconds=0.0)
    client("ping")
    stub.rotate("second")
    redis_tls.set_passwords(USER, "second")
    before = redis_tls.logins()
    client("ping")
    assert redis_tls.logins() - before == 2
