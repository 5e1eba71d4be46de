"""How passwords from Secrets Manager are cached, refreshed and replaced."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import SecretError
from tests.client.conftest import Clock, Interrupted, secret_credentials
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
    """Secrets Manager is called once in that time."""
    credentials.get_credentials()
    clock.now += seconds
    credentials.get_credentials()
    assert len(stub.asked) == asked


def test_an_outage_keeps_the_password(credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock) -> None:
    """If Secrets Manager is unavailable, the cached password stays in use."""
    credentials.get_credentials()
    stub.fault = OSError("unreachable")
    clock.now += 86_400
    assert credentials.get_credentials() == ("default", "first")


@pytest.mark.parametrize("error", [Interrupted("a job's time is up"), TimeoutError("a job's time is up")], ids=repr)
def test_an_interrupt_is_no_outage(
    credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock, error: Exception
) -> None:
    """A signal handler's exception reaches its caller; the next caller fetches or reads again."""
    refused = credentials.login()
    clock.now += 86_400
    stub.fault = error
    with pytest.raises(type(error), match="time is up"):
        credentials.login()
    with pytest.raises(type(error), match="time is up"):
        credentials.after_refusal([refused])
    stub.fault = None
    stub.rotate("second")
    login = credentials.after_refusal([refused])
    assert (login and login.password, credentials.login()) == ("second", login)


def test_without_a_first_password_the_outage_is_told(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """If no password is cached, the caller gets the error."""
    stub.fault = OSError("unreachable")
    with pytest.raises(OSError, match="unreachable"):
        credentials.get_credentials()


def test_a_refusal_reads_the_secret_once(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """Thirty callers whose password has been rotated cost one call."""
    refused = credentials.login()
    stub.rotate("second")
    threads = [threading.Thread(target=credentials.after_refusal, args=([refused],)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stub.asked == [CURRENT, CURRENT]


def test_a_refusal_uses_what_is_known(credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock) -> None:
    """If the new password is already cached, a rejected old one costs no call."""
    refused = credentials.login()
    stub.rotate("second")
    clock.now += 600
    credentials.login()
    login = credentials.after_refusal([refused])
    assert (login and login.password, len(stub.asked)) == ("second", 2)


def test_a_refusal_brings_the_new_password(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """After a rotation, the next login uses the current password."""
    refused = credentials.login()
    stub.rotate("second")
    login = credentials.after_refusal([refused])
    assert (login and login.password) == "second"


def test_a_secret_ahead_of_the_cache_falls_back(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """If the current password is rejected and has not changed, the previous one is used from then on."""
    stub.rotate("second")
    credentials.after_refusal([credentials.login()])
    assert credentials.get_credentials() == ("default", "first")


def test_the_fall_back_ends_when_it_is_refused(
    credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock
) -> None:
    """When the cache rejects the previous password, the current one is used again."""
    stub.rotate("second")
    previous = credentials.after_refusal([credentials.login()])
    assert previous is not None
    clock.now += 60
    login = credentials.after_refusal([previous])
    assert (login and login.password) == "second"


def test_there_is_an_end_to_trying(credentials: SecretCredentials, stub: SecretsManagerStub) -> None:
    """If both passwords are rejected, there is no other to try."""
    stub.rotate("second")
    current = credentials.login()
    previous = credentials.after_refusal([current])
    assert previous is not None
    assert credentials.after_refusal([current, previous]) is None


@pytest.mark.parametrize(("seconds", "asked"), [(4, 3), (5, 5)])
def test_refusals_ask_at_most_once_in_five_seconds(
    credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock, seconds: int, asked: int
) -> None:
    """Each stage is read at most that often, regardless of how many logins fail."""
    refused = credentials.login()
    for _ in range(10):
        credentials.after_refusal([refused])
    clock.now += seconds
    for _ in range(10):
        credentials.after_refusal([refused])
    assert len(stub.asked) == asked


def test_a_late_promotion_is_found(credentials: SecretCredentials, stub: SecretsManagerStub, clock: Clock) -> None:
    """If the cache changed before the secret, logins succeed five seconds after the secret has followed."""
    refused = credentials.login()
    credentials.after_refusal([refused])
    stub.rotate("second")
    clock.now += 5
    login = credentials.after_refusal([refused])
    assert (login and login.password) == "second"


def test_reading_stays_off_the_event_loop(credentials: SecretCredentials, monkeypatch: pytest.MonkeyPatch) -> None:
    """An asyncio client's loop continues while Secrets Manager answers."""
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
    """The error says what is expected. Neither it nor its cause contains any of the secret."""
    answer = {"SecretString": text, "VersionId": "version-1"}
    monkeypatch.setattr(credentials._client, "get_secret_value", lambda **_: answer)
    with pytest.raises(SecretError, match=message) as caught:
        credentials.get_credentials()
    assert (caught.value.__context__, "hunter2" in str(caught.value)) == (None, False)
