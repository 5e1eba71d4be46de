"""How passwords from Secrets Manager are kept, renewed and replaced."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import SecretError
from tests.client.conftest import Clock, secret_credentials
from tests.client.secrets_manager import SecretsManagerStub

if TYPE_CHECKING:
    from elasticache_client import SecretCredentials

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="stub")
def _stub() -> SecretsManagerStub:
    return SecretsManagerStub("default", "first")


@pytest.fixture(name="credentials")
def _credentials(stub: SecretsManagerStub, clock: Clock) -> SecretCredentials:
    return secret_credentials(stub, clock=clock)


@pytest.mark.parametrize(("seconds", "asked"), [(599, 1), (600, 2)])
def test_a_password_is_kept_for_ten_minutes(
    credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock, seconds: int, asked: int
) -> None:
    """Secrets Manager is asked once in that time."""
    credentials.get_credentials()
    clock.now += seconds
    credentials.get_credentials()
    assert len(stub.asked) == asked


def test_an_outage_keeps_the_password(credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock) -> None:
    """When Secrets Manager cannot be reached, the last password goes on being served."""
    credentials.get_credentials()
    stub.fault = OSError("unreachable")
    clock.now += 86_400
    assert credentials.get_credentials() == ("default", "first")


def test_without_a_first_password_the_outage_is_told(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """There is nothing to go on with, so whoever connects hears of it."""
    stub.fault = OSError("unreachable")
    with pytest.raises(OSError, match="unreachable"):
        credentials.get_credentials()


def test_a_refusal_reads_the_secret_once(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """Thirty callers whose password has been rotated away cost one call."""
    refused = credentials.login()
    stub.rotate("second")
    threads = [threading.Thread(target=credentials.after_refusal, args=([refused],)) for _ in range(30)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert stub.asked == [CURRENT, CURRENT]


def test_a_refusal_uses_what_is_known(credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock) -> None:
    """Where the new password has come in meanwhile, a refusal of the old one costs no call."""
    refused = credentials.login()
    stub.rotate("second")
    clock.now += 600
    credentials.login()
    login = credentials.after_refusal([refused])
    assert (login and login.password, len(stub.asked)) == ("second", 2)


def test_a_refusal_brings_the_new_password(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """After a rotation the next login is with what is current now."""
    refused = credentials.login()
    stub.rotate("second")
    login = credentials.after_refusal([refused])
    assert (login and login.password) == "second"


def test_a_secret_ahead_of_the_cache_falls_back(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """Where the current password is refused and has not changed, the previous one is served, and goes on being."""
    stub.rotate("second")
    credentials.after_refusal([credentials.login()])
    assert credentials.get_credentials() == ("default", "first")


def test_the_fall_back_ends_when_it_is_refused(
    credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock
) -> None:
    """Once the cache has caught up and refuses the previous password, the current one is served again."""
    stub.rotate("second")
    previous = credentials.after_refusal([credentials.login()])
    assert previous is not None
    clock.now += 60
    login = credentials.after_refusal([previous])
    assert (login and login.password) == "second"


def test_there_is_an_end_to_trying(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """When both passwords are refused there is none left to try."""
    stub.rotate("second")
    current = credentials.login()
    previous = credentials.after_refusal([current])
    assert previous is not None
    assert credentials.after_refusal([current, previous]) is None


@pytest.mark.parametrize(("seconds", "asked"), [(4, 3), (5, 5)])
def test_refusals_ask_at_most_once_in_five_seconds(
    credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock, seconds: int, asked: int
) -> None:
    """However often a login fails, each stage is read no more often than that."""
    refused = credentials.login()
    for _ in range(10):
        credentials.after_refusal([refused])
    clock.now += seconds
    for _ in range(10):
        credentials.after_refusal([refused])
    assert len(stub.asked) == asked


def test_a_late_promotion_is_found(credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock) -> None:
    """A cache that changed before the secret is open again five seconds after the secret has followed."""
    refused = credentials.login()
    credentials.after_refusal([refused])
    stub.rotate("second")
    clock.now += 5
    login = credentials.after_refusal([refused])
    assert (login and login.password) == "second"


def test_reading_stays_off_the_event_loop(credentials: SecretCredentials, monkeypatch: pytest.MonkeyPatch) -> None:
    """An asyncio client's loop turns on while Secrets Manager answers."""
    threads = set()
    fetch = credentials._fetch

    def watched() -> Any:
        threads.add(threading.get_ident())
        return fetch()

    monkeypatch.setattr(credentials, "_fetch", watched)
    asyncio.run(credentials.get_credentials_async())
    assert threads.isdisjoint({threading.get_ident()})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("hunter2", "The secret's value is not valid: must be JSON", id="a bare password"),
        pytest.param('["hunter2"]', "The secret's value is not valid", id="a list"),
        pytest.param('{"username": "default"}', "The secret's value is not valid", id="no password"),
        pytest.param(
            '{"username": "admin", "password": "hunter2"}',
            "The secret's username is not 'default': must be the user of ELASTICACHE_USER",
            id="another user's",
        ),
    ],
)
def test_a_secret_of_another_shape_is_refused(
    credentials: SecretCredentials, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    """The error says what is expected, and holds nothing of the secret, nor does any error behind it."""
    answer = {"SecretString": text, "VersionId": "version-1"}
    monkeypatch.setattr(credentials._client, "get_secret_value", lambda **_: answer)
    with pytest.raises(SecretError, match=message) as caught:
        credentials.get_credentials()
    assert (caught.value.__context__, "hunter2" in str(caught.value)) == (None, False)
