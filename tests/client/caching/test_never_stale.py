"""No older value comes back: not in a thousand orders of steps, nor where one is looked at closely."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

from elasticache_client.steps import Threads
from tests.client.caching.callers import PREFIX, new_key
from tests.client.caching.interleaving import DatabaseError, LaterRedis, World
from tests.client.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elasticache_client.signal_safe import Event
    from tests.client.caching.callers import Face
    from tests.client.sessions.caches import Cache as Place

_ORDERS = 1_000
_EXHAUSTIVE_ORDERS = 10_000
_OPERATIONS = 5
_READS = ("look up", "look up", "look up", "reload")
_RACING_WRITES = ("invalidate", "write through", "write through")
# Of two callers of write() the later one at the cache prevails, so here there is one at a time.
_LONE_WRITES = ("overwrite", "invalidate", "write through")
_EVENTS = ("expire", "lapse", "lapse", "delete", "kill")


@pytest.fixture(name="later")
def _later(valkey: Place) -> Iterator[LaterRedis]:
    with LaterRedis(host="127.0.0.1", port=valkey.nodes[0].port) as client:
        yield client


def test_no_order_of_steps_serves_an_older_value(later: LaterRedis, *, exhaustive: bool) -> None:
    """Look-ups, reloads, writes, invalidations, failures, expiry, eviction and death, in any order.

    A caller that asks after a write is over gets what it wrote or something newer, also when all actors are done.
    """
    for number in range(_EXHAUSTIVE_ORDERS if exhaustive else _ORDERS):
        lot = random.Random(number)  # noqa: S311 - an order that can be repeated
        world = World(later, lot)
        writes = _RACING_WRITES if lot.random() < 0.8 else _LONE_WRITES
        waiting = [lot.choice(_READS if lot.random() < 0.6 else writes) for _ in range(_OPERATIONS)]
        try:
            while waiting or world.actors:
                alone = not any(each.writes for each in world.actors)
                may_begin = waiting and (alone or writes is _RACING_WRITES or waiting[0] in _READS)
                if may_begin and (not world.actors or lot.random() < 0.3):
                    world.begin(waiting.pop(0))
                elif lot.random() < 0.06:
                    getattr(world, lot.choice(_EVENTS))()
                elif world.actors:
                    world.move()
            world.begin("look up")
            while world.actors:
                world.move()
        except AssertionError as error:
            error.add_note(f"in order {number}")
            raise


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", ["write", "write_through", "invalidate", "refresh"])
def test_a_slow_load_does_not_undo_a_change(
    kind: str, change: str, place: Place, open_face: Callable[..., Face]
) -> None:
    """A value that was read before a change, and arrives after it, reaches its own caller alone."""
    key, database, loader, writer = new_key(), [1], open_face(place), open_face(place, kind)
    loading, changed = threading.Event(), threading.Event()

    def load_slowly() -> int:
        value = database[-1]
        loading.set()
        changed.wait(60)
        return value

    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(loader.get(key, load_slowly)))
    thread.start()
    loading.wait(60)
    if change == "write_through":
        writer("write_through", key, 2, writer.loader(database.append), ttl=60)
    else:
        database.append(2)
        if change == "write":
            writer("write", key, 2, ttl=60)
        elif change == "invalidate":
            writer("invalidate", key)
        else:
            writer.function(key, lambda: database[-1], "refresh")
    changed.set()
    thread.join()
    assert (got, loader.get(key, lambda: database[-1])) == ([1], 2)


def test_who_asks_after_a_change_does_not_join_an_older_load(
    valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers of one process share a load, but not with those who began to wait when it had been overtaken."""
    key, database, face, other = new_key(), [1], open_face(valkey), open_face(valkey)
    loading, changed = threading.Event(), threading.Event()

    def load_slowly() -> int:
        value = database[-1]
        loading.set()
        changed.wait(60)
        return value

    class Backend(Threads):
        """A backend that lets the load end only when another caller waits for it."""

        def wait(self, event: Event, seconds: float) -> None:
            changed.set()
            super().wait(event, seconds)

    monkeypatch.setattr(face.cache._lookups.flights, "_backend", Backend())
    first = threading.Thread(target=face.get, args=(key, load_slowly))
    first.start()
    loading.wait(60)
    database.append(2)
    other("invalidate", key)
    got: list[int] = []
    late = threading.Thread(target=lambda: got.append(face.get(key, load_slowly)))
    late.start()
    first.join()
    late.join()
    assert got == [2]


def test_two_writers_leave_the_later_one_to_the_database(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Where two write through at once, the one who commits last and arrives first is not undone by the other."""
    key, database, slow, quick = new_key(), [0], open_face(valkey), open_face(valkey)

    def store_slowly(value: int) -> None:
        database.append(value)
        quick("write_through", key, 2, database.append, ttl=60)

    slow("write_through", key, 1, store_slowly, ttl=60)
    assert (database, slow.get(key, lambda: database[-1])) == ([0, 1, 2], 2)


def test_a_refused_write_leaves_nothing(place: Place, open_face: Callable[..., Face]) -> None:
    """A database that raises may have written all the same, so the next caller asks it; the error is the caller's."""
    key, face = new_key(), open_face(place)
    face("write", key, 1, ttl=60)

    def store(_: int) -> None:
        raise DatabaseError

    with pytest.raises(DatabaseError):
        face("write_through", key, 2, store, ttl=60)
    assert face.get(key, lambda: 3) == 3


def test_a_writer_who_dies_leaves_the_older_value_for_a_lease(valkey: Place, open_face: Callable[..., Face]) -> None:
    """While a write is under way the older value is served, but it will not outlive the writer's lease."""
    key, face = new_key(), open_face(valkey, lease=3)
    face("write", key, 1, ttl=60)
    lives: list[int] = []

    def store(_: int) -> None:
        lives.extend([face.get(key, lambda: 0), valkey.nodes[0].admin.pttl(f"{PREFIX}:{{{key}}}")])

    face("write_through", key, 2, store, ttl=60)
    assert (lives[0], lives[1] <= 3000, face.get(key, lambda: 0)) == (1, True, 2)


def test_a_load_does_not_end_in_the_middle_of_a_write(valkey: Place, open_face: Callable[..., Face]) -> None:
    """What was read before a write is not stored while that is under way: its writer might die before replacing it."""
    key, face, writer = new_key(), open_face(valkey), open_face(valkey)
    stored: list[bool] = []

    def store(_: int) -> None:
        loading.set()
        thread.join()
        stored.append(valkey.nodes[0].admin.exists(f"{PREFIX}:{{{key}}}"))

    def load() -> int:
        began.set()
        loading.wait(60)
        return 1

    began, loading = threading.Event(), threading.Event()
    thread = threading.Thread(target=face.get, args=(key, load))
    thread.start()
    began.wait(60)
    writer("write_through", key, 2, store, ttl=60)
    assert (stored, face.get(key, lambda: 0)) == ([0], 2)


def test_a_load_that_outlives_its_lease_is_stored(valkey: Place, open_face: Callable[..., Face]) -> None:
    """The first of several loads to end is kept, or a database slower than a lease would be asked again and again."""
    key, face = new_key(), open_face(valkey, lease=0.01)
    assert [face.get(key, face.loader(lambda: 1, 0.05)), face.get(key, lambda: 2)] == [1, 1]
