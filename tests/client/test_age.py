"""Connections authenticate again before ElastiCache closes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from elasticache_client.clients import LOGIN_SECONDS
from tests.client.conftest import APP, KINDS, Caller, iam_credentials, iam_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Clock
    from tests.client.engines import Engine, Front

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(name="open_young")
def _open_young(front: Front, ages: Clock, open_client: Callable[..., Caller]) -> Callable[[str], Caller]:
    """A client with one connection that has just logged in."""
    del ages  # in place before the connection is opened

    def open_young(kind: str) -> Caller:
        client = open_client(kind, iam_settings(front.port), credentials=iam_credentials())
        client("ping")
        return client

    return open_young


def test_the_limit_is_before_the_service_cuts() -> None:
    """The limit is eleven hours, one hour before ElastiCache closes an IAM user's connection."""
    assert LOGIN_SECONDS == 11 * 3600


@every_kind
def test_no_login_inside_the_limit(kind: str, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]) -> None:
    """Up to nine tenths of the limit, where the random part begins, commands cost no login."""
    client = open_young(kind)
    before = engine.logins()
    for _ in range(100):
        client("ping")
    ages.now += 0.9 * LOGIN_SECONDS - 1
    client("ping")
    assert engine.logins() - before == 0


@every_kind
def test_one_login_at_the_limit(kind: str, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]) -> None:
    """The first of several commands at the limit logs in again, once."""
    client = open_young(kind)
    before = engine.logins()
    ages.now += LOGIN_SECONDS
    for _ in range(5):
        client("ping")
    assert engine.logins() - before == 1


@every_kind
@pytest.mark.parametrize("logins", [0, 1])
def test_chance_spreads_the_logins(
    kind: str, logins: int, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]
) -> None:
    """An average random number brings the login half a tenth of the limit earlier, which spreads out logins."""
    with patch("random.random", return_value=0.5):
        client = open_young(kind)
    before = engine.logins()
    ages.now += (0.94 + 0.01 * logins) * LOGIN_SECONDS
    client("ping")
    assert engine.logins() - before == logins


@every_kind
def test_every_limit_counts(kind: str, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]) -> None:
    """After a login, the next one is due after the same time."""
    client = open_young(kind)
    before = engine.logins()
    for _ in range(3):
        ages.now += LOGIN_SECONDS
        client("ping")
    assert engine.logins() - before == 3


@every_kind
def test_the_connection_stays_the_same(kind: str, ages: Clock, open_young: Callable[[str], Caller]) -> None:
    """A new login is an AUTH on the same connection."""
    client = open_young(kind)
    before = client("client_id")
    ages.now += LOGIN_SECONDS
    assert client("client_id") == before


# Without valkey-py's asyncio client, which does not check for unread replies.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "valkey-py asyncio"])
def test_an_answer_left_unread_is_no_answer_to_the_login(
    kind: str, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]
) -> None:
    """A connection at the limit with an unread reply is replaced, with one login, and returns the right reply."""
    client = open_young(kind)
    pool = client.client.connection_pool
    connection = client.wait(pool.get_connection(*(["ECHO"] if KINDS[kind].library == "valkey" else [])))
    client.wait(connection.send_command("ECHO", "left"))
    has_answer = getattr(connection, "can_read", None) or connection.can_read_destructive  # before redis-py 8
    while not client.wait(has_answer()):
        client.wait(asyncio.sleep(0.01) if KINDS[kind].asynchronous else None)
    client.wait(pool.release(connection))
    before = engine.logins()
    ages.now += LOGIN_SECONDS
    assert (client("echo", "asked"), engine.logins() - before) == ("asked", 1)


@every_kind
def test_a_dead_connection_is_replaced(
    kind: str, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]
) -> None:
    """If an old connection was closed, the caller gets a new one and no error."""
    client = open_young(kind)
    engine.cut(APP)
    ages.now += LOGIN_SECONDS
    assert client("ping") is True


@every_kind
def test_a_transaction_is_not_disturbed(
    kind: str, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]
) -> None:
    """There is no login between WATCH and EXEC, regardless of the time between them."""
    client = open_young(kind)
    client("set", "count", 1)
    before = engine.logins()

    def add(pipeline: Any) -> None:
        ages.now += LOGIN_SECONDS
        pipeline.multi()
        pipeline.incr("count")

    async def add_later(pipeline: Any) -> None:
        add(pipeline)

    results = client("transaction", add_later if KINDS[kind].asynchronous else add, "count")
    assert (results, engine.logins() - before) == ([2], 0)


@every_kind
@pytest.mark.parametrize("timeout", [1.0, None], ids=["polling", "blocking"])
def test_a_subscriber_is_recycled(
    kind: str, timeout: float | None, engine: Engine, ages: Clock, open_young: Callable[[str], Caller]
) -> None:
    """A subscriber at the limit reconnects once and receives later messages."""
    client = open_young(kind)
    subscriber = client.client.pubsub()
    client.wait(subscriber.subscribe("news"))
    client.wait(subscriber.get_message(timeout=60))
    before = engine.logins()
    ages.now += LOGIN_SECONDS
    again = client.wait(subscriber.get_message(timeout=timeout))
    engine.admin.publish("news", "hello")
    heard = client.wait(subscriber.get_message(timeout=60))
    client.wait(subscriber.aclose() if KINDS[kind].asynchronous else subscriber.close())
    assert (engine.logins() - before, again["type"], heard["data"]) == (1, "subscribe", "hello")
