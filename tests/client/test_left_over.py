"""If a caller does not read its reply, the next caller never receives it, whether or not it has arrived by then."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import redis
import valkey

from elasticache_client import connections
from tests.client.conftest import APP, KINDS, Caller, Interrupted, iam_credentials, iam_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.engines import Engine, Front

_LATE_MILLISECONDS = 150
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(name="client_of")
def _client_of(front: Front, open_client: Callable[..., Caller]) -> Callable[[str], Caller]:
    def client_of(kind: str) -> Caller:
        client = open_client(kind, iam_settings(front.port), credentials=iam_credentials())
        client("mset", {"secret": "of another caller", "mine": "of this caller"})
        return client

    return client_of


@every_kind
@pytest.mark.parametrize("milliseconds", [0, _LATE_MILLISECONDS])
def test_a_command(
    kind: str, milliseconds: int, engine: Engine, interrupt: Callable[[int], None], client_of: Callable[[str], Caller]
) -> None:
    """Interrupted between sending and reading. The reply arrives before or after the next command."""
    client = client_of(kind)
    if milliseconds:
        engine.admin.client_pause(milliseconds)
    interrupt(0)
    with pytest.raises(Interrupted):
        client("get", "secret")
    assert client("get", "mine") == "of this caller"


@every_kind
def test_a_pipeline(
    kind: str, engine: Engine, interrupt: Callable[[int], None], client_of: Callable[[str], Caller]
) -> None:
    """Interrupted after the first of its replies."""
    client = client_of(kind)

    def read_twice() -> Any:
        pipeline = client.client.pipeline(transaction=False)
        pipeline.get("secret")
        pipeline.get("secret")
        return client.wait(pipeline.execute())

    engine.admin.client_pause(_LATE_MILLISECONDS)
    interrupt(1)
    with pytest.raises(Interrupted):
        read_twice()
    assert client("get", "mine") == "of this caller"
    assert read_twice() == ["of another caller"] * 2


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.asynchronous])
def test_a_login(
    kind: str, engine: Engine, monkeypatch: pytest.MonkeyPatch, client_of: Callable[[str], Caller]
) -> None:
    """Interrupted when the socket is open and nothing is sent. It is not used as if it were logged in."""
    client = client_of(kind)
    engine.cut(APP)
    send: Any = connections._SyncConnection.send_packed_command
    left = [Interrupted]

    def send_packed_command(self: Any, *args: Any, **named: Any) -> None:
        if left:
            raise left.pop()
        send(self, *args, **named)

    monkeypatch.setattr(connections._SyncConnection, "send_packed_command", send_packed_command)
    with pytest.raises(Interrupted):
        client("get", "secret")
    assert client("get", "mine") == "of this caller"


@every_kind
def test_connections_without_a_left_over_are_kept(
    kind: str, engine: Engine, client_of: Callable[[str], Caller]
) -> None:
    """Rejected commands, pipelines and transactions leave no reply behind: one login serves them all."""
    client = client_of(kind)
    before = engine.logins()
    client("set", "text", "no number")
    with pytest.raises(Exception, match="not an integer"):
        client("incr", "text")
    for transaction in (False, True):
        pipeline = client.client.pipeline(transaction=transaction)
        pipeline.get("mine")
        pipeline.get("mine")
        assert client.wait(pipeline.execute()) == ["of this caller"] * 2
    assert client("get", "mine") == "of this caller"
    assert engine.logins() == before


@pytest.mark.parametrize("kind", ["redis-py", "redis-py asyncio"])
def test_no_announcements_of_maintenance(kind: str, client_of: Callable[[str], Caller]) -> None:
    """ElastiCache has no such command. Pools that expect announcements reuse connections with unread replies."""
    assert not client_of(kind).client.connection_pool.maint_notifications_enabled()


@every_kind
def test_a_connection_that_another_caller_closes(
    kind: str, monkeypatch: pytest.MonkeyPatch, client_of: Callable[[str], Caller]
) -> None:
    """Cluster clients do this if a node is unavailable. The error is a connection error, which is retried."""
    client = client_of(kind)
    module = f"{KINDS[kind].library}{'.asyncio' if KINDS[kind].asynchronous else ''}.connection"
    library: Any = import_module(module).AbstractConnection
    read: Any = library.read_response
    left = [AttributeError("'NoneType' object has no attribute 'readline'")]

    def read_response(self: Any, *args: Any, **named: Any) -> Any:
        if left:
            self.disconnect()
            raise left.pop()
        return read(self, *args, **named)

    async def read_response_async(self: Any, *args: Any, **named: Any) -> Any:
        if left:
            await self.disconnect()
            raise left.pop()
        return await read(self, *args, **named)

    monkeypatch.setattr(library, "read_response", read_response_async if KINDS[kind].asynchronous else read_response)
    assert client("get", "mine") == "of this caller"
    assert not left


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.asynchronous])
def test_connections_that_are_lost_make_room_for_others(
    kind: str, front: Front, monkeypatch: pytest.MonkeyPatch, open_client: Callable[..., Caller]
) -> None:
    """A signal may raise an exception before a connection is returned. Connections in use do not count as lost."""
    client = open_client(kind, iam_settings(front.port), credentials=iam_credentials(), max_connections=2)
    pool = client.client.connection_pool
    with monkeypatch.context() as patch:
        patch.setattr(pool, "release", lambda _: None)
        client("set", "mine", "of this caller")
        client("set", "mine", "of this caller")
    gc.collect()
    arguments = ["GET"] if KINDS[kind].library == "valkey" else []
    held = [pool.get_connection(*arguments) for _ in range(2)]
    with pytest.raises((redis.ConnectionError, valkey.ConnectionError), match="No connection available"):
        client("get", "mine")
    for connection in held:
        pool.release(connection)
    assert client("get", "mine") == "of this caller"
