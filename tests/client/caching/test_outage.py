"""When the cache does not answer, the database is asked with measure, and all is well again by itself."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
from botocore.exceptions import NoCredentialsError  # type: ignore[import-untyped]

from elasticache_client.caching import AsyncCache, Cache, Overloaded, server
from elasticache_client.caching.breaker import Breaker
from local_servers.ports import free_port
from local_servers.waiting import wait_until
from tests.client.caching.callers import PREFIX, Crowd, Face, new_key
from tests.client.conftest import KINDS, Clock
from tests.client.engines import Engine, stopping, valkey_server
from tests.client.sessions.caches import plain_settings, recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache as Place

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(name="down")
def _down(open_client: Callable[..., Caller]) -> Callable[..., Face]:
    """A cache of any kind at a port where no server listens."""

    def down(kind: str, **settings: Any) -> Face:
        return Face(kind, open_client(kind, plain_settings(free_port()), decode_responses=False), **settings)

    return down


@every_kind
def test_no_call_fails_for_want_of_the_cache(kind: str, down: Callable[..., Face]) -> None:
    """Everything that a cache does is done without it."""
    face = down(kind)
    stored: list[int] = []
    face("write", "a", 1, ttl=60)
    face("invalidate", "a")
    face("write_through", "a", 2, face.loader(stored.append), ttl=60)
    values = [face.get("a", lambda: 3), face.function("a", lambda: 4), face.function("a", lambda: 5, "refresh")]
    many = face("get_or_load_many", ["a", "b"], face.loader(lambda keys: dict.fromkeys(keys, 6)), ttl=60)
    assert (values, many, stored, face.cache.is_down) == ([3, 4, 5], {"a": 6, "b": 6}, [2], True)


@every_kind
def test_a_cache_that_is_down_is_left_alone(kind: str, down: Callable[..., Face]) -> None:
    """After a few failures no caller waits for the client's own retries any more."""
    face = down(kind)
    while not face.cache.is_down:
        face.get("a", lambda: 1)
    start = time.monotonic()
    with recording(face.caller) as sent:
        assert [face.get(new_key(), lambda: 1) for _ in range(30)] == [1] * 30
    # One caller in a second may try.
    assert len(sent) <= time.monotonic() - start + 1


@every_kind
def test_the_database_sees_no_more_than_the_limit(kind: str, down: Callable[..., Face]) -> None:
    """Without the shield, loads of different keys queue for the places there are, and all of them succeed."""
    face = down(kind, bypass_limit=3, bypass_wait=30)
    lock, running, most = threading.Lock(), [0], [0]
    # Three loads wait for each other, and more than three would show while they wait.
    together: Any = asyncio.Barrier(3) if face.asynchronous else threading.Barrier(3)

    def count(change: int) -> None:
        with lock:
            running[0] += change
            most[0] = max(most[0], running[0])

    def load() -> int:
        count(1)
        together.wait(60)
        time.sleep(0.01)
        count(-1)
        return 1

    async def load_async() -> int:
        count(1)
        await together.wait()
        await asyncio.sleep(0.01)
        count(-1)
        return 1

    def look_up() -> Any:
        return face.cache.get_or_load(new_key(), load_async if face.asynchronous else load, ttl=60)

    answers = face.crowd(30, look_up)
    assert ([each.value for each in answers], most[0]) == ([1] * 30, 3)


@every_kind
def test_who_finds_no_place_is_told_so(kind: str, down: Callable[..., Face]) -> None:
    """A database that is slower than what is asked of it is not buried; the error says what to do."""
    face = down(kind, bypass_limit=1, bypass_wait=0.01)
    while not face.cache.is_down:
        face.get("a", lambda: 1)
    crowd = Crowd(3, face)
    load = crowd.loader(lambda: 1)
    answers = crowd(lambda _: face.cache.get_or_load(new_key(), load, ttl=60))
    refused = [each.error for each in answers if isinstance(each.error, Overloaded)]
    assert (len(refused), "1 loads without it were running for 0.01 s. Retry" in str(refused[0])) == (2, True)


@every_kind
def test_callers_of_one_key_load_together_without_a_cache(kind: str, down: Callable[..., Face]) -> None:
    """In one process a burst is two loads at most: one that had begun, and one for those who came after that."""
    face, loads = down(kind), []
    crowd = Crowd(100, face)
    load = crowd.loader(lambda: loads.append(1) or 1)  # type: ignore[func-returns-value]
    while not face.cache.is_down:
        face.get("a", lambda: 1)
    answers = crowd(lambda _: face.cache.get_or_load("b", load, ttl=60))
    assert ([each.value for each in answers], len(loads) <= 2) == ([1] * 100, True)


@every_kind
def test_the_cache_is_used_again_by_itself(
    kind: str, open_client: Callable[..., Caller], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Once it answers, one caller finds out, and values are cached again."""
    for engine in stopping(Engine(valkey_server(), tmp_path_factory.mktemp("outage"), None)):
        engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "-@all")
        face = Face(kind, open_client(kind, plain_settings(engine.port), decode_responses=False))
        while not face.cache.is_down:
            face.get("a", lambda: 1)
        engine.admin.execute_command("ACL", "SETUSER", "default", "+@all")
        end = time.monotonic() + 60
        while face.stats.hits == 0 and time.monotonic() < end:
            face.get("a", lambda: 2)
            threading.Event().wait(0.05)
        assert (face.stats.hits, face.cache.is_down) == (1, False)


@pytest.mark.parametrize("change", ["invalidate", "write", "write_through"])
def test_what_could_not_be_taken_away_is_not_served_later(
    change: str, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """A change during an outage is made up for before anything is read, and other values stay."""
    key, other, face = new_key(), new_key(), open_face(valkey)
    for each in (key, other):
        face.get(each, lambda: 1)
    valkey.nodes[0].admin.execute_command("ACL", "SETUSER", "default", "-del", "-evalsha", "-eval")
    arguments: dict[str, Any] = {
        "invalidate": (),
        "write": (2,),
        "write_through": (2, lambda _: None),
    }
    try:
        face(change, key, *arguments[change], **({} if change == "invalidate" else {"ttl": 60}))
    finally:
        valkey.nodes[0].admin.execute_command("ACL", "SETUSER", "default", "+del", "+evalsha", "+eval")
    assert (face.get(key, lambda: 2), face.get(other, lambda: 2)) == (2, 1)


@every_kind
def test_a_change_that_is_interrupted_is_made_up_for(
    kind: str, valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not known how far it came, so the value is deleted before anything is read."""
    key, face = new_key(), open_face(valkey, kind)
    face.get(key, lambda: 1)
    interruption = asyncio.CancelledError if face.asynchronous else KeyboardInterrupt

    def interrupt(*_: Any, **__: Any) -> None:
        raise interruption

    with monkeypatch.context() as patch:
        patch.setattr(face.caller.client, "execute_command", interrupt)
        with pytest.raises(interruption):
            face("invalidate", key)
    assert face.get(key, lambda: 2) == 2


def test_a_pool_that_is_used_up_is_no_outage(
    valkey: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many find no connection free, the breaker does not count it."""
    monkeypatch.setattr(server, "_EXHAUSTED_SECONDS", 60.0)
    blocking: Any = redis.BlockingConnectionPool
    pool = blocking(port=valkey.nodes[0].port, max_connections=1, timeout=0.01)
    get, refused = pool.get_connection, []

    def get_and_note(*arguments: Any, **named: Any) -> Any:
        try:
            return get(*arguments, **named)
        except redis.ConnectionError as error:
            refused.append(error)
            raise

    monkeypatch.setattr(pool, "get_connection", get_and_note)
    client = redis.Redis.from_pool(pool)
    cache, key = Cache(client, prefix=PREFIX), new_key()
    cache.get_or_load(key, lambda: 1, ttl=60)
    taken = pool.get_connection()
    values: list[int] = []
    threads = [
        threading.Thread(target=lambda: values.append(cache.get_or_load(key, lambda: 2, ttl=60))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(refused) > 2 * len(threads), "callers find no connection", 60.0)
    pool.release(taken)
    for thread in threads:
        thread.join()
    client.close()
    assert (values, caplog.messages) == ([1] * 10, [])


@pytest.mark.parametrize("library", ["redis-py", "redis-py asyncio"])
def test_a_crowd_at_a_small_pool_is_no_outage(library: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """A pool that refuses instead of waiting makes callers wait, and no load more."""
    face, port = open_face(valkey, library), valkey.nodes[0].port
    if face.asynchronous:
        client: Any = redis.asyncio.Redis(port=port, max_connections=2)
        cache: Any = AsyncCache(client, prefix=PREFIX)
    else:
        client = redis.Redis(port=port, max_connections=2)
        cache = Cache(client, prefix=PREFIX)
    key, loads = new_key(), []
    load = face.loader(lambda: loads.append(1) or 1, 0.05)  # type: ignore[func-returns-value]
    answers = face.crowd(60, lambda: cache.get_or_load(key, load, ttl=60))
    face.caller.wait(client.aclose()) if face.asynchronous else client.close()
    assert ([each.value for each in answers], len(loads), cache.is_down) == ([1] * 60, 1, False)


@pytest.mark.parametrize(
    ("events", "is_open"),
    [
        ([("failed", 0.0)] * 4, False),
        ([("failed", 0.0)] * 5, True),
        ([("failed", 4.0)], True),
        ([("failed", 0.25)] * 3, False),
        ([("failed", 0.25)] * 4, True),
        ([("failed", 0.0)] * 4 + [("answered", 0.1), ("failed", 0.0)], False),
        ([("answered", 1.0)] * 4, False),
        ([("answered", 1.0)] * 5, True),
        ([("answered", 0.9)] * 50, False),
    ],
)
def test_when_the_breaker_opens(events: list[tuple[str, float]], *, is_open: bool) -> None:
    """Failures count one and their seconds, slow answers their seconds; a quick answer ends the row."""
    clock = Clock()
    breaker = Breaker(clock)
    for event, seconds in events:
        clock.now += seconds
        breaker.failed(seconds, OSError()) if event == "failed" else breaker.answered(seconds)
    assert breaker.is_open is is_open


def test_a_busy_machine_is_no_outage() -> None:
    """Two hundred answers that were slow together are one, and a quick one ends it."""
    breaker = Breaker(Clock())
    for _ in range(200):
        breaker.answered(1.5)
    assert breaker.is_open is False


def test_an_open_breaker_lets_one_try() -> None:
    """One caller a second asks, and its answer decides for all."""
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed(10, OSError())
    tries = [breaker.allows()]
    clock.now += 1
    tries += [breaker.allows(), breaker.allows()]
    breaker.failed(0, OSError())
    tries += [breaker.allows()]
    clock.now += 1
    tries += [breaker.allows()]
    breaker.answered(0)
    assert (tries, breaker.is_open) == ([False, True, False, False, True], False)


def test_the_log_names_the_error_and_none_of_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """An error may quote a login."""
    breaker = Breaker(Clock())
    breaker.failed(10, OSError("password=hunter2"))
    breaker.answered(0)
    assert caplog.messages == [
        "The cache does not answer (OSError): it is bypassed until it does",
        "The cache answers again",
    ]


@every_kind
def test_a_login_that_cannot_be_had_fails_no_call(
    kind: str, valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps the client from asking the cache, be it no error of its library, the database answers."""
    face = open_face(valkey, kind)

    def refuse(*_: Any, **__: Any) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(face.caller.client, "execute_command", refuse)
    assert face.get(new_key(), lambda: 1) == 1


class _Deadline(Exception):  # noqa: N818 - it says what happened
    """What a signal's handler raises, as those of RQ and Celery do."""


@every_kind
def test_an_exception_that_is_not_the_caches_reaches_the_caller(
    kind: str, valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deadline that strikes while the cache is asked is the caller's, and no outage."""
    face = open_face(valkey, kind)

    def interrupt(*_: Any, **__: Any) -> None:
        raise _Deadline

    with monkeypatch.context() as patch:
        patch.setattr(face.caller.client, "execute_command", interrupt)
        for _ in range(9):
            with pytest.raises(_Deadline):
                face.get(new_key(), lambda: 1)
            with pytest.raises(_Deadline):
                face("invalidate", new_key())
    assert face.cache.is_down is False
