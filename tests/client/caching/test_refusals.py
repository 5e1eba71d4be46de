"""What the server refuses, or a caller gets wrong, concerns that command or key: no other caller waits or fails."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client.caching.refusals import Refusals
from tests.client.caching.callers import LONG_LEASE, PREFIX, Face, new_key
from tests.client.conftest import KINDS, Clock
from tests.client.engines import Engine, redis_server, stopping, valkey_server
from tests.client.sessions.caches import limit, plain_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Caller

every_kind = pytest.mark.parametrize("kind", KINDS)
one_engine = pytest.mark.parametrize("engine", ["valkey"], indirect=True)
_BIG = "x" * 6_000_000
_METHODS: dict[str, Callable[[Face, Any], Any]] = {
    "get_or_load": lambda face, key: face.get(key, lambda: 1),
    "get_or_load_many": lambda face, key: face("get_or_load_many", [key], face.loader(lambda _: {}), ttl=60),
    "get_or_load_many of two": lambda face, key: face(
        "get_or_load_many", [new_key(), key], face.loader(lambda _: {}), ttl=60
    ),
    "write": lambda face, key: face("write", key, 1, ttl=60),
    "write_through": lambda face, key: face("write_through", key, 1, face.loader(lambda _: None), ttl=60),
    "invalidate": lambda face, key: face("invalidate", key),
    "invalidate two": lambda face, key: face("invalidate", new_key(), key),
}


@pytest.fixture(scope="module", params=["redis", "valkey"], name="engine")
def _engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    program = redis_server() if request.param == "redis" else valkey_server()
    yield from stopping(Engine(program, tmp_path_factory.mktemp("refusing"), None))


@pytest.fixture(name="open_face")
def _open_face(engine: Engine, open_client: Callable[..., Caller]) -> Callable[..., Face]:
    limit(engine, "default", "nopass", f"{PREFIX}:*")

    def open_face(kind: str) -> Face:
        client = open_client(kind, plain_settings(engine.port), decode_responses=False)
        return Face(kind, client, lease=LONG_LEASE)

    return open_face


@contextmanager
def _configured(engine: Engine, **settings: Any) -> Iterator[None]:
    names = [name.replace("_", "-") for name in settings]
    before = {name: engine.admin.config_get(name)[name] for name in names}
    for name, value in zip(names, settings.values(), strict=True):
        engine.admin.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            engine.admin.config_set(name, value)


@contextmanager
def _nearly_full(engine: Engine) -> Iterator[None]:
    """Room for leases, and none for a big value."""
    used = engine.admin.info("memory")["used_memory"]
    with _configured(engine, maxmemory_policy="noeviction", maxmemory=used + 3_000_000):
        yield


@contextmanager
def _forbidden(engine: Engine, *rules: str) -> Iterator[None]:
    engine.admin.execute_command("ACL", "SETUSER", "default", *rules)
    try:
        yield
    finally:
        limit(engine, "default", "nopass", f"{PREFIX}:*")


def _refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.split(":")[0] for each in caplog.messages if "refuse" in each]


@every_kind
@pytest.mark.parametrize("many", [False, True])
def test_a_value_that_the_cache_has_no_room_for_leaves_no_lease(
    many: bool,  # noqa: FBT001
    kind: str,
    engine: Engine,
    open_face: Callable[..., Face],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each caller loads at once; the log says it once, `is_down` and the counts tell it, and hits stay hits."""
    face, key, small = open_face(kind), new_key(), new_key()
    keys = [key, new_key()]
    face.get(small, lambda: 1)
    start = time.monotonic()
    with _nearly_full(engine):
        for _ in range(3):
            if many:
                face("get_or_load_many", keys, face.loader(lambda keys: dict.fromkeys(keys, _BIG)), ttl=60)
            else:
                assert face.get(key, lambda: _BIG) == _BIG
            assert face.get(small, lambda: 2) == 1
        told = (face.cache.is_down, face.stats.refused, face.stats.hits)
    assert time.monotonic() - start < LONG_LEASE
    assert told == (True, 6 if many else 3, 3)
    assert _refusals(caplog) == ["The cache refuses END_LOAD (OOM)"]
    assert (face.get(key, lambda: 3), face.get(key, lambda: 4), face.cache.is_down) == (3, 3, False)


@every_kind
def test_a_value_that_is_too_long_leaves_no_lease(kind: str, engine: Engine, open_face: Callable[..., Face]) -> None:
    """The server cuts the connection; the lease is given back on another one, and other values are cached."""
    face, key, small = open_face(kind), new_key(), new_key()
    face.get(small, lambda: 1)
    start = time.monotonic()
    with _configured(engine, proto_max_bulk_len=2_000_000):
        for _ in range(3):
            assert face.get(key, lambda: _BIG) == _BIG
            assert face.get(small, lambda: 2) == 1
    assert (time.monotonic() - start < LONG_LEASE, face.cache.is_down) == (True, False)


@every_kind
@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ("-evalsha", ["BEGIN_LOAD (NOPERM)"]),
        ("-pexpire", ["BEGIN_LOAD"]),
        ("-set", ["END_LOAD"]),
        ("-get", ["GET (NOPERM)"]),
        ("-hset", ["BEGIN_LOAD"]),
    ],
)
def test_a_command_that_the_user_may_not_run(  # noqa: PLR0917 - a case, and what it needs
    rule: str,
    refused: list[str],
    kind: str,
    engine: Engine,
    open_face: Callable[..., Face],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every step of the protocol: no caller waits, the log says it once, `is_down` says so until it is permitted."""
    face, key = open_face(kind), new_key()
    start = time.monotonic()
    with _forbidden(engine, rule):
        for number in range(6):
            assert face.get(key, lambda number=number: number) == number  # type: ignore[misc]
        left = engine.admin.exists(f"{PREFIX}:{{{key}}}:lease")
        told = (face.cache.is_down, face.stats.loads, left)
    assert (told, time.monotonic() - start < LONG_LEASE) == ((True, 6, 0), True)
    said = _refusals(caplog)
    assert [each.startswith(f"The cache refuses {name}") for each, name in zip(said, refused, strict=True)] == [True]
    assert (face.get(key, lambda: 7), face.get(key, lambda: 8), face.cache.is_down) == (7, 7, False)


@every_kind
@pytest.mark.parametrize("change", ["write", "write_through", "invalidate"])
def test_a_change_that_is_refused_keeps_its_key_out_of_use_and_no_other(
    change: str, kind: str, engine: Engine, open_face: Callable[..., Face]
) -> None:
    """What may be an older value is not served, as long as it cannot be taken away; what else is cached is."""
    face, key, other = open_face(kind), new_key(), new_key()
    for each in (key, other):
        face.get(each, lambda: 1)
    with _forbidden(engine, "-del", "-evalsha", "-eval"):
        _METHODS[change](face, key)
        served = [(face.get(key, lambda: 2), face.get(other, lambda: 2)) for _ in range(3)]
        many = face("get_or_load_many", [key, other], face.loader(lambda keys: dict.fromkeys(keys, 3)), ttl=60)
    assert (served, many) == ([(2, 1)] * 3, {key: 3, other: 1})
    assert (face.get(key, lambda: 4), face.get(key, lambda: 5), face.get(other, lambda: 5)) == (4, 4, 1)


@one_engine
@every_kind
@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize("key", ["a\ud83d", "}", b"a"])
def test_a_key_that_is_none_is_an_error_of_the_caller(  # noqa: PLR0917 - a case, and what it needs
    key: Any, method: str, kind: str, engine: Engine, open_face: Callable[..., Face], caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused in a line, and no other caller notices."""
    face, good = open_face(kind), new_key()
    face.get(good, lambda: 1)
    for _ in range(6):
        with pytest.raises(ValueError, match=r"^key=.*: must be a .*string that .*\. \w+"):
            _METHODS[method](face, key)
    assert (face.get(good, lambda: 2), face.cache.is_down, caplog.messages) == (1, False, [])
    assert engine.admin.exists(f"{PREFIX}:{{{good}}}") == 1


@one_engine
@every_kind
@pytest.mark.parametrize("method", _METHODS)
def test_a_key_outside_the_users_pattern_is_no_outage(
    method: str, kind: str, engine: Engine, open_face: Callable[..., Face]
) -> None:
    """The database answers for it, and the cache for all others."""
    face, good, outside = open_face(kind), new_key(), f"outside {new_key()}"
    face.get(good, lambda: 1)
    with _forbidden(engine, "resetkeys", f"~{PREFIX}:{{{good}*", f"~{PREFIX}:{{????????????????????????????????}}*"):
        for _ in range(6):
            _METHODS[method](face, outside)
        assert (face.get(good, lambda: 2), face.cache.is_down) == (1, False)
        many = face("get_or_load_many", [good, outside], face.loader(lambda keys: dict.fromkeys(keys, 3)), ttl=60)
    assert many == {good: 1, outside: 3}


@every_kind
def test_a_lease_of_another_type_is_refused_in_a_line(
    kind: str, engine: Engine, open_face: Callable[..., Face], caplog: pytest.LogCaptureFixture
) -> None:
    """Another application's key where a lease should be costs loads, and no error."""
    face, key = open_face(kind), new_key()
    engine.admin.set(f"{PREFIX}:{{{key}}}:lease", "another application's")
    assert [face.get(key, lambda: 1) for _ in range(3)] == [1] * 3
    assert _refusals(caplog)[:1] == ["The cache refuses BEGIN_LOAD (WRONGTYPE)"]


def test_a_refusal_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A cache at the brink, which takes one value and not the next, does not fill the log."""
    clock = Clock()
    refusals, error = Refusals(clock), Exception("OOM command not allowed when used memory > 'maxmemory'.")
    for _ in range(500):
        clock.now += 1
        refusals.add("END_LOAD", error)
        refusals.succeeded("END_LOAD")
    refusals.add("WRITE", error)
    clock.now += 61
    refusals.add("END_LOAD", error)
    assert [each.partition(" (")[0] for each in caplog.messages] == [
        "The cache refuses END_LOAD",
        "The cache refuses WRITE",
        "The cache refuses END_LOAD",
    ]


def test_what_was_refused_long_ago_says_nothing_any_more() -> None:
    """A command that has not been tried since does not make the cache look down for good."""
    clock = Clock()
    refusals = Refusals(clock)
    refusals.add("WRITE", Exception("OOM command not allowed when used memory > 'maxmemory'."))
    told = [refusals.is_refusing]
    clock.now += 61
    assert [*told, refusals.is_refusing] == [True, False]


class _Death(BaseException):
    """As gevent.Timeout and GreenletExit are."""


@one_engine
@every_kind
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, _Death])
@pytest.mark.parametrize("method", ["get_or_load", "get_or_load_many", "write_through"])
def test_what_is_no_exception_gives_the_lease_back(
    method: str, error: type[BaseException], kind: str, open_face: Callable[..., Face]
) -> None:
    """A deadline or a signal that ends a load says nothing of the database: the next caller loads at once."""
    face, key = open_face(kind), new_key()

    def fail(*_: Any) -> None:
        raise error

    load = face.loader(fail)
    start = time.monotonic()
    arguments = {
        "get_or_load": (key, load),
        "get_or_load_many": ([key, new_key()], load),
        "write_through": (key, 1, load),
    }
    with pytest.raises(error):
        face(method, *arguments[method], ttl=60)
    if face.asynchronous:
        face.caller.wait(asyncio.sleep(0.05))
    assert (face.get(key, lambda: 1), time.monotonic() - start < LONG_LEASE) == (1, True)


@one_engine
@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].asynchronous])
@pytest.mark.parametrize("end", ["cancelled again and again", "closed"])
def test_a_task_that_is_not_left_to_tidy_up_gives_the_lease_back(
    end: str, kind: str, open_face: Callable[..., Face]
) -> None:
    """As a scope of anyio's does, which cancels until the task is over; or a coroutine that is closed."""
    face, key = open_face(kind), new_key()

    async def scenario() -> Any:
        going = asyncio.Event()

        async def load() -> None:
            going.set()
            await asyncio.sleep(LONG_LEASE)

        coroutine = face.cache.get_or_load(key, load, ttl=60)
        if end == "closed":
            await face.cache.get_or_load(new_key(), face.loader(lambda: 1), ttl=60)
            while not going.is_set():
                coroutine.send(None)
                await asyncio.sleep(0.01)
            coroutine.close()
        else:
            task = asyncio.create_task(coroutine)
            await going.wait()
            while not task.done():
                task.cancel()
                await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        return await face.cache.get_or_load(key, face.loader(lambda: 1), ttl=60)

    start = time.monotonic()
    assert (face.caller.wait(scenario()), time.monotonic() - start < LONG_LEASE) == (1, True)


@one_engine
@every_kind
def test_a_store_that_is_interrupted_before_it_begins_leaves_no_lease(
    kind: str, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of a writer that never wrote is free."""
    face, key = open_face(kind), new_key()
    run = face.cache._server.run
    interruption = asyncio.CancelledError if face.asynchronous else KeyboardInterrupt

    def run_and_interrupt(script: Any, *arguments: Any) -> Any:
        yield from run(script, *arguments)
        raise interruption

    start = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(
            face.cache._server,
            "run",
            lambda script, *rest: (
                run_and_interrupt(script, *rest) if script.name == "BEGIN_WRITE" else run(script, *rest)
            ),
        )
        with pytest.raises(interruption):
            face("write_through", key, 1, face.loader(lambda _: None), ttl=60)
    assert (face.get(key, lambda: 2), time.monotonic() - start < LONG_LEASE) == (2, True)
