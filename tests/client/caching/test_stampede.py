"""One caller loads for all, in one process and in several, if the value is missing, has ended, or cannot be loaded."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import connect
from elasticache_client.caching import Cache, LoadFailed
from elasticache_client.caching.scripts import BEGIN_LOAD, FAIL_LOAD, WRITE
from tests.client.caching.callers import LONG_LEASE, PREFIX, Answer, Crowd, Face, new_key
from tests.client.conftest import KINDS, Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client import ConnectionSettings
    from tests.client.sessions.caches import Cache as Place

every_kind = pytest.mark.parametrize("kind", KINDS)
_CALLERS = 200
_PROCESSES = 4
_KILLED_LEASE_SECONDS = 3.0
_processes = multiprocessing.get_context("spawn")


class DatabaseError(Exception):
    """The database is down."""


@every_kind
@pytest.mark.parametrize("state", ["cold", "expired"])
def test_a_crowd_in_one_process_loads_once(kind: str, state: str, place: Place, open_face: Callable[..., Face]) -> None:
    """All get the value of the load that they wait for, and wait for nothing else."""
    key, face, loads = new_key(), open_face(place, kind, lease=LONG_LEASE), []
    if state == "expired":
        face("write", key, 0, ttl=0.001)
    crowd = Crowd(_CALLERS, face)
    load = crowd.loader(lambda: loads.append(1) or 1)  # type: ignore[func-returns-value]
    answers = crowd(lambda _: face.cache.get_or_load(key, load, ttl=60))
    assert ([each.value for each in answers], len(loads)) == ([1] * _CALLERS, 1)
    assert max(each.seconds for each in answers) < LONG_LEASE


@every_kind
def test_a_failing_database_is_asked_once(kind: str, place: Place, open_face: Callable[..., Face]) -> None:
    """Callers of one process share the original error; later ones get it without its text until the lease ends."""
    key, face, loads = new_key(), open_face(place, kind, lease=LONG_LEASE), []

    def fail() -> None:
        loads.append(1)
        raise DatabaseError("password=hunter2")

    crowd = Crowd(100, face)
    load = crowd.loader(fail)
    answers = crowd(lambda _: face.cache.get_or_load(key, load, ttl=60))
    with pytest.raises(LoadFailed, match=r"failed in another call with tests\.\S+\.DatabaseError\. .* retry") as caught:
        open_face(place).get(key, fail)
    assert ({type(each.error) for each in answers}, len(loads)) == ({DatabaseError}, 1)
    assert "hunter2" not in str(caught.value)
    assert 0 < caught.value.retry_seconds <= LONG_LEASE


def failing_slowly(face: Face, crowd: Crowd, key: str, place: Place) -> Callable[..., Any]:
    """A loader whose first call outlives its lease, and fails when a second has begun; that one fails last of all."""
    loads: list[int] = []

    def begin() -> Callable[[], bool]:
        loads.append(1)
        if len(loads) > 1:
            return crowd.others_have_answers
        # The lease is remembered for twenty times as long.
        place.nodes[0].admin.pexpire(f"{PREFIX}:{{{key}}}:lease", round(19_000 * LONG_LEASE))
        return lambda: len(loads) > 1

    def fail() -> None:
        raise DatabaseError(len(loads))

    return face.slow_loader(fail, begin)


@every_kind
def test_a_failure_that_outlives_the_lease_is_shared(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """A database that fails slowly is not asked by one caller after the other."""
    key, face = new_key(), open_face(valkey, kind, lease=LONG_LEASE)
    crowd, flights = Crowd(30, face), face.cache._lookups.flights
    flights._settings = replace(flights._settings, lease=0.05)  # callers look again while the load still runs
    load = failing_slowly(face, crowd, key, valkey)
    errors = [each.error for each in crowd(lambda _: face.cache.get_or_load(key, load, ttl=60))]
    assert {type(error) for error in errors} <= {DatabaseError, LoadFailed}
    assert {error.args for error in errors if isinstance(error, DatabaseError)} == {(2,)}


def test_a_failure_that_outlives_the_lease_is_told_to_others(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Nor by one process after the other."""
    key = new_key()
    faces = [open_face(valkey, lease=LONG_LEASE) for _ in range(10)]
    crowd = Crowd(10, *faces)
    load = failing_slowly(faces[0], crowd, key, valkey)
    errors = [each.error for each in crowd(lambda number: faces[number].cache.get_or_load(key, load, ttl=60))]
    assert sorted(type(error).__name__ for error in errors) == ["DatabaseError"] * 2 + ["LoadFailed"] * 8
    assert {error.args for error in errors if isinstance(error, DatabaseError)} == {(2,)}


def test_a_failure_that_was_overtaken_by_a_write_is_told_to_nobody(valkey: Place) -> None:
    """A load that begins after a write has nothing to do with what was loaded before."""
    names = [f"{PREFIX}:{{{new_key()}}}{end}" for end in ("", ":lease")]
    admin = valkey.nodes[0].admin

    def begin(token: str) -> Any:
        return admin.eval(BEGIN_LOAD.text, 2, *names, token, 3000, 60_000, -2, -2, "", "")

    begin("first")
    admin.eval(WRITE.text, 2, *names, "value", 60_000)
    admin.delete(names[0])
    begin("second")
    admin.eval(FAIL_LOAD.text, 2, *names, "first", "Error")
    assert begin("third")[0] == "wait"


def test_a_failure_is_forgotten_with_the_lease(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Afterwards the next caller asks the database again."""
    key, face = new_key(), open_face(valkey, lease=0.05)

    def fail() -> None:
        raise DatabaseError

    with pytest.raises(DatabaseError):
        face.get(key, fail)
    valkey.nodes[0].admin.pexpire(f"{PREFIX}:{{{key}}}:lease", 19 * 50)
    assert face.get(key, lambda: 1) == 1


@pytest.mark.parametrize("change", ["write", "invalidate"])
def test_a_change_ends_a_failure(change: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """What is written is served at once, and after an invalidation the database is asked."""
    key, face = new_key(), open_face(valkey)

    def fail() -> None:
        raise DatabaseError

    with pytest.raises(DatabaseError):
        face.get(key, fail)
    face(change, key, *([1] if change == "write" else []), **({"ttl": 60} if change == "write" else {}))
    assert face.get(key, lambda: 1) == 1


def test_a_cancelled_load_is_handed_on(valkey: Place, open_face: Callable[..., Face]) -> None:
    """The next caller does not wait for the lease of a caller that was cancelled, nor get its cancellation."""
    key, face = new_key(), open_face(valkey, "redis-py asyncio", lease=LONG_LEASE)

    async def scene() -> int:
        loading = asyncio.Event()

        async def load_for_ever() -> int:
            loading.set()
            await asyncio.Event().wait()
            return 0

        async def load() -> int:
            return 1

        first = asyncio.create_task(face.cache.get_or_load(key, load_for_ever, ttl=60))
        await loading.wait()
        second = asyncio.create_task(face.cache.get_or_load(key, load, ttl=60))
        await asyncio.sleep(0)
        first.cancel()
        async with asyncio.timeout(60):
            value: int = await second
        return value

    assert face.caller.wait(scene()) == 1


def test_a_lease_that_comes_too_late_is_handed_on(
    valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it wait for the lease of a caller that was cancelled while it asked for it."""
    key, face = new_key(), open_face(valkey, "redis-py asyncio", lease=LONG_LEASE)
    face.get(f"{key} to load the script", lambda: 0)
    client = face.caller.client
    ask, given = client.evalsha, asyncio.Event()

    async def never_hear(*arguments: Any) -> None:
        await ask(*arguments)
        monkeypatch.undo()
        given.set()
        await asyncio.Event().wait()

    async def scene() -> int:
        monkeypatch.setattr(client, "evalsha", never_hear)
        first = asyncio.create_task(face.cache.get_or_load(key, face.loader(lambda: 0), ttl=60))
        await given.wait()
        first.cancel()
        async with asyncio.timeout(60):
            value: int = await face.cache.get_or_load(key, face.loader(lambda: 1), ttl=60)
        return value

    assert face.caller.wait(scene()) == 1


def test_a_holder_whose_answer_was_lost_still_loads(valkey: Place) -> None:
    """The client repeats a command when the connection breaks, and no caller waits for its own lease."""
    names = [f"{PREFIX}:{{{new_key()}}}{end}" for end in ("", ":lease")]
    arguments = ["token", 3000, 60_000, -2, ""]
    answers = [valkey.nodes[0].admin.eval(BEGIN_LOAD.text, 2, *names, *arguments) for _ in range(2)]
    assert answers == [["load"], ["load"]]


def test_two_hundred_callers_of_four_processes_load_once(valkey: Place) -> None:
    """The lease holds across processes, and the others' errors and values do too."""
    key = new_key()
    with _processes.Pool(_PROCESSES) as pool:
        barrier: Any = _processes.Manager().Barrier(_PROCESSES + 1, timeout=60)
        tasks = [(valkey.settings, key, barrier, _CALLERS // _PROCESSES) for _ in range(_PROCESSES)]
        crowds = pool.starmap(look_up_together, tasks, chunksize=1)
    loads = sum(loads for loads, _ in crowds)
    answers = [answer for _, answers in crowds for answer in answers]
    assert ([each.value for each in answers], loads) == ([1] * _CALLERS, 1)
    assert max(each.seconds for each in answers) < LONG_LEASE


def test_a_killed_loader_delays_others_by_its_lease(valkey: Place, open_face: Callable[..., Face]) -> None:
    """No caller waits indefinitely for a process that is gone."""
    key, face = new_key(), open_face(valkey, lease=_KILLED_LEASE_SECONDS)
    parent, child = _processes.Pipe()
    process = _processes.Process(target=load_for_ever, args=(valkey.settings, key, child))
    process.start()
    assert parent.recv() == "loading"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (answer,) = face.crowd(1, lambda: face.cache.get_or_load(key, lambda: 1, ttl=60))
    # The lease is remembered for twenty times as long.
    assert (answer.value, answer.seconds < 20 * _KILLED_LEASE_SECONDS) == (1, True)


def look_up_together(settings: ConnectionSettings, key: str, barrier: Any, callers: int) -> tuple[int, list[Answer]]:
    """In a separate process: how often the database was asked, and what all callers got.

    A load ends when the callers of every process wait.
    """
    client = connect(settings)
    face, loads = Face("redis-py", _Bare(client)), []
    crowd = Crowd(callers, face)

    def load() -> int:
        barrier.wait()
        loads.append(1)
        return 1

    def rest() -> None:
        crowd.rest()
        barrier.wait()

    resting = threading.Thread(target=rest)
    resting.start()
    answers = crowd(lambda _: face.cache.get_or_load(key, load, ttl=60))
    resting.join()
    client.close()
    return len(loads), answers


def load_for_ever(settings: ConnectionSettings, key: str, pipe: Any) -> None:
    """In a separate process, until it is killed."""

    def load() -> None:
        pipe.send("loading")
        threading.Event().wait()

    Cache(connect(settings), prefix=PREFIX, lease=_KILLED_LEASE_SECONDS).get_or_load(key, load, ttl=60)


class _Bare(Caller):
    """A client that the process opened for itself."""

    def __init__(self, client: Any) -> None:
        self.client = client
