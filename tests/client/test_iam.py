"""How IAM tokens are cached and renewed."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from local_servers.waiting import wait_until
from tests.client.conftest import APP, Clock, Interrupted, iam_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client import IamCredentials


class CountingLock:
    """A lock that tells how many threads asked for it."""

    def __init__(self) -> None:
        self.asked = 0
        self._lock = threading.Lock()
        self._counting = threading.Lock()

    def __enter__(self) -> None:
        with self._counting:
            self.asked += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Signer:
    """Replaces AWS's signer, counts the calls, and can be slow or fail."""

    user_id = APP

    def __init__(self) -> None:
        self.signed = 0
        self.before: Callable[[], object] = lambda: None
        self.fault: Exception | None = None
        self.threads: set[int] = set()

    def get_token(self) -> str:
        """A token with its number."""
        self.threads.add(threading.get_ident())
        self.before()
        if self.fault is not None:
            raise self.fault
        self.signed += 1
        return f"token-{self.signed}"


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="signer")
def _signer() -> Signer:
    return Signer()


@pytest.fixture(name="credentials")
def _credentials(clock: Clock, signer: Signer) -> IamCredentials:
    credentials = iam_credentials(clock=clock)
    stand_in: Any = signer
    credentials._signer = stand_in
    return credentials


@pytest.mark.parametrize(("seconds", "token"), [(599, "token-1"), (600, "token-2")])
def test_a_token_is_renewed_after_ten_minutes(
    credentials: IamCredentials, clock: Clock, seconds: int, token: str
) -> None:
    """A token is used for ten of its fifteen minutes."""
    credentials.get_credentials()
    clock.now += seconds
    assert credentials.get_credentials() == (APP, token)


def test_a_clock_set_back_renews_it(credentials: IamCredentials, clock: Clock) -> None:
    """A token from the future would be rejected, so a new one is signed."""
    credentials.get_credentials()
    clock.now -= 1
    assert credentials.get_credentials() == (APP, "token-2")


def test_threads_share_one_signing(credentials: IamCredentials, signer: Signer) -> None:
    """Thirty threads without a token sign one."""
    lock = CountingLock()
    stand_in: Any = lock
    credentials._lock = stand_in
    signer.before = lambda: wait_until(lambda: lock.asked == 30, "all threads need a token", 60.0)
    threads = [threading.Thread(target=credentials.get_credentials) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert signer.signed == 1


def test_others_go_on_with_the_old_token(credentials: IamCredentials, clock: Clock, signer: Signer) -> None:
    """While one caller renews a token that is still valid, the next caller gets the old one at once."""
    credentials.get_credentials()
    clock.now += 700
    signing, answered = threading.Event(), threading.Event()

    def sign_until_the_other_is_answered() -> None:
        signing.set()
        answered.wait(60)

    signer.before = sign_until_the_other_is_answered
    renewing = threading.Thread(target=credentials.get_credentials)
    renewing.start()
    assert signing.wait(60)
    served = credentials.get_credentials()
    answered.set()
    renewing.join()
    assert served == (APP, "token-1")


def test_signing_stays_off_the_event_loop(credentials: IamCredentials, signer: Signer) -> None:
    """An asyncio client's loop continues while one token is signed for all callers."""

    async def ask() -> None:
        await asyncio.gather(*(credentials.get_credentials_async() for _ in range(30)))

    asyncio.run(ask())
    assert (signer.signed, threading.get_ident() in signer.threads) == (1, False)


def test_a_failed_renewal_keeps_the_token(credentials: IamCredentials, clock: Clock, signer: Signer) -> None:
    """If no AWS credentials are available, a token that is still valid is used."""
    credentials.get_credentials()
    clock.now += 800
    signer.fault = OSError("no route to the metadata service")
    assert credentials.get_credentials() == (APP, "token-1")


def test_a_failed_renewal_is_not_repeated_at_once(credentials: IamCredentials, clock: Clock, signer: Signer) -> None:
    """The next attempt is after five seconds, not at the next login."""
    credentials.get_credentials()
    clock.now += 800
    signer.fault = OSError("no route to the metadata service")
    credentials.get_credentials()
    signer.fault = None
    clock.now += 4
    credentials.get_credentials()
    assert signer.signed == 1


def test_an_interrupted_renewal_is_no_failure(credentials: IamCredentials, clock: Clock, signer: Signer) -> None:
    """A signal handler's exception reaches its caller, and the next caller signs a token."""
    credentials.get_credentials()
    clock.now += 800
    signer.fault = Interrupted("a job's time is up")
    with pytest.raises(Interrupted):
        credentials.get_credentials()
    signer.fault = None
    assert credentials.get_credentials() == (APP, "token-2")


def test_a_dying_token_is_not_served(credentials: IamCredentials, clock: Clock, signer: Signer) -> None:
    """In its last half minute, a token could expire on the way, so the error is raised."""
    credentials.get_credentials()
    clock.now += 870
    signer.fault = OSError("no route to the metadata service")
    with pytest.raises(OSError, match="no route"):
        credentials.get_credentials()


@pytest.mark.parametrize(("seconds", "expected"), [(4, None), (5, "token-2")])
def test_a_refused_token_is_replaced_unless_it_is_new(
    credentials: IamCredentials, clock: Clock, seconds: int, expected: str | None
) -> None:
    """An old token may be rejected because the AWS credentials have changed. A new one would be rejected again."""
    refused = credentials.login()
    clock.now += seconds
    login = credentials.after_refusal([refused])
    assert (login and login.password) == expected


def test_callers_refused_together_share_the_new_token(credentials: IamCredentials, clock: Clock) -> None:
    """Of several callers with the same rejected token, one signs a new token for all."""
    refused = credentials.login()
    clock.now += 60
    first = credentials.after_refusal([refused])
    assert first == credentials.after_refusal([refused])
