"""What is served, from where, and for how long."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from elasticache_client.caching import entries
from elasticache_client.caching.entries import policy
from tests.client.caching.callers import LONG_LEASE, PREFIX, Crowd, new_key
from tests.client.conftest import KINDS
from tests.client.sessions.caches import recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.caching.callers import Answer, Face
    from tests.client.sessions.caches import Cache as Place

_BUSY_SECONDS = 10
every_kind = pytest.mark.parametrize("kind", KINDS)


class Product(msgspec.Struct, frozen=True):
    """A value of a type."""

    id: int
    name: str


@dataclasses.dataclass(frozen=True)
class Review:
    """A value of another type, with other types in it."""

    stars: Decimal
    at: dt.datetime
    by: uuid.UUID
    tags: tuple[str, ...] = ()


class OtherProduct(msgspec.Struct, frozen=True):
    """The same fields under another name: what a newer version of the code might call it."""

    id: int
    name: str


_PRODUCT = Product(7, "pear")
_REVIEW = Review(Decimal("4.5"), dt.datetime(2026, 11, 22, tzinfo=dt.UTC), uuid.UUID(int=7), ("ripe",))


def _fail() -> Any:
    raise AssertionError("the value is there, so nothing is loaded")


@every_kind
@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (_PRODUCT, Product),
        (_PRODUCT, Product | None),
        (None, Product | None),
        (_REVIEW, Review),
        ([_PRODUCT, _PRODUCT], list[Product]),
        ({7: _PRODUCT}, dict[int, Product]),
        (frozenset({1, 2}), frozenset[int]),
        (b"\x00\xff", bytes),
        (float("inf"), float),
        ({"a": [1, None, "é"]}, Any),
        (None, Any),
        (0, int),
        ("", str),
    ],
)
def test_a_value_comes_back_as_its_type(
    value: Any, type_: Any, kind: str, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """The one who loads and those who find it get equal values of the same type, None included."""
    key, face = new_key(), open_face(valkey, kind)
    assert [face.get(key, lambda: value, type=type_), face.get(key, _fail, type=type_)] == [value, value]


def test_no_two_callers_share_an_object(valkey: Place, open_face: Callable[..., Face]) -> None:
    """A caller that changes its result changes it for itself only."""
    key, face, loaded = new_key(), open_face(valkey), [1]
    face.get(key, lambda: loaded).append(2)
    assert (loaded, face.get(key, _fail)) == ([1], [1])


@every_kind
def test_callers_who_share_a_load_ask_as_one(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """One of them talks to the server for all, and each gets a separate object."""
    key, face = new_key(), open_face(valkey, kind)
    crowd = Crowd(30, face)
    load = crowd.loader(lambda: [1])
    with recording(face.caller) as sent:
        answers = crowd(lambda _: face.cache.get_or_load(key, load, ttl=60))
    assert ([each.value for each in answers], len({id(each.value) for each in answers})) == ([[1]] * 30, 30)
    # To begin the load and to end it.
    assert sent.count("EVALSHA") == 2


@every_kind
def test_a_hit_is_one_get(kind: str, place: Place, open_face: Callable[..., Face]) -> None:
    """A value that is there costs one command, and no other."""
    key, face = new_key(), open_face(place, kind)
    face.get(key, lambda: 1)
    with recording(face.caller) as sent:
        face.get(key, _fail)
    assert sent == ["GET"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"\x80\x04K\x01.",
        b'{"id": 7, "name": "pear"}',
        msgspec.msgpack.encode(_PRODUCT),
        policy(OtherProduct, 60, None, 0).encode(OtherProduct(7, "pear"), 0, 0)[0],
        policy(list[int], 60, None, 0).encode([7], 0, 0)[0],
        policy(Any, 60, None, 0).encode({"id": "7"}, 0, 0)[0],
        policy(Product, 60, None, 0).encode(_PRODUCT, 0, 0)[0][:-3],
    ],
    # Entries carry the time; a test is called the same in every process.
    ids=["nothing", "no text", "pickle", "JSON", "no entry", "another type", "a list", "another row", "cut off"],
)
@every_kind
def test_unfit_content_is_a_miss(content: bytes, kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """What is cut off, foreign, a pickle or of another type is loaded again and replaced, and raises nothing."""
    key, face = new_key(), open_face(valkey, kind)
    valkey.nodes[0].admin.set(f"{PREFIX}:{{{key}}}", content, px=60_000)
    values = [face.get(key, lambda: _PRODUCT, type=Product), face.get(key, _fail, type=Product)]
    assert (values, face.stats.hits, face.stats.misses) == ([_PRODUCT, _PRODUCT], 1, 1)


@every_kind
def test_another_kind_of_key_is_replaced(kind: str, place: Place, open_face: Callable[..., Face]) -> None:
    """A list where a value should be is no reason to believe that the cache is down."""
    key, face = new_key(), open_face(place, kind)
    name = f"{PREFIX}:{{{key}}}"
    face.caller("lpush", name, "x")
    assert ([face.get(key, lambda: 1), face.get(key, _fail)], face.cache.is_down) == ([1, 1], False)


def test_a_type_without_none_is_read_with_it(valkey: Place, open_face: Callable[..., Face]) -> None:
    """A function that may find nothing and a write of what is there agree on the type."""
    key, face = new_key(), open_face(valkey)
    face("write", key, _PRODUCT, ttl=60, type=Product)
    assert face.get(key, _fail, type=Product | None) == _PRODUCT


def test_a_value_of_another_type_is_the_loaders_fault(valkey: Place, open_face: Callable[..., Face]) -> None:
    """It would never be a hit, so it is an error at once, which shows none of the value."""
    face = open_face(valkey)
    with pytest.raises(TypeError, match=r"type list does not fit its declared type, .*: must .*Correct") as caught:
        face.get(new_key(), lambda: ["hunter2"], type=Product)
    assert "hunter2" not in str(caught.value)


def test_nothing_to_write_is_written_of_another_type(valkey: Place, open_face: Callable[..., Face]) -> None:
    """The value is looked at before the database is."""
    stored: list[Any] = []
    with pytest.raises(TypeError, match="does not fit"):
        open_face(valkey)("write_through", new_key(), "pear", stored.append, ttl=60, type=Product)
    assert stored == []


@pytest.mark.parametrize(
    ("value", "named", "most"),
    [
        (1, {"ttl": 100}, 100),
        (1, {"ttl": 100, "stale_for": 50}, 150),
        (None, {"ttl": 100, "missing_ttl": 40}, 40),
        (None, {"ttl": 100}, 100),
    ],
)
def test_how_long_a_value_stays(
    value: Any, named: dict[str, Any], most: int, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """For its ttl less the jitter, and for as long again as it may be served stale; the server ends it."""
    key, face = new_key(), open_face(valkey)
    face.get(key, lambda: value, **named)
    assert most - 10 - _BUSY_SECONDS < valkey.nodes[0].admin.ttl(f"{PREFIX}:{{{key}}}") <= most


def test_ttls_differ(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Values that are stored together do not end together."""
    keys, face = [new_key() for _ in range(20)], open_face(valkey)
    face("get_or_load_many", keys, face.loader(lambda keys: dict.fromkeys(keys, 1)), ttl=1000)
    ends = [valkey.nodes[0].admin.pttl(f"{PREFIX}:{{{key}}}") for key in keys]
    assert max(ends) - min(ends) > 10_000


@every_kind
def test_a_stale_value_is_served_while_one_refreshes(
    kind: str, valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past its ttl the old value goes to all callers but the one that loads the new one."""
    key, face, other = new_key(), open_face(valkey, kind), open_face(valkey)
    face.get(key, lambda: 1, ttl=0.001, stale_for=60)
    monkeypatch.setattr(entries, "time", _Time(10))
    seen: list[int] = []

    def load() -> int:
        seen.append(other.get(key, _fail, stale_for=60))
        return 2

    values = [face.get(key, load, stale_for=60), face.get(key, _fail, stale_for=60)]
    assert (seen, values, other.stats.stale) == ([1], [2, 2], 1)


def test_nobody_waits_for_a_refresh(
    valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the process that refreshes either: who would wait here would do so for a lease."""
    key, face = new_key(), open_face(valkey, lease=LONG_LEASE)
    face.get(key, lambda: 1, ttl=0.001, stale_for=60)
    monkeypatch.setattr(entries, "time", _Time(10))
    answers: list[Answer] = []

    def load() -> int:
        answers.extend(face.crowd(2, lambda: face.get(key, _fail, stale_for=60)))
        return 2

    face.get(key, load, stale_for=60)
    assert ([each.value for each in answers], max(each.seconds for each in answers) < LONG_LEASE) == ([1, 1], True)


def test_who_was_slow_to_ask_does_not_refresh_again(
    valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who read the old value before another replaced it gets the new one, even if that ends soon."""
    key, face, slow = new_key(), open_face(valkey), open_face(valkey)
    face("get_or_load", key, face.loader(lambda: 1, seconds=0.1), ttl=0.001, stale_for=60)
    monkeypatch.setattr(entries, "time", _Time(10))
    old = face.caller.wait(face.caller.client.get(f"{PREFIX}:{{{key}}}"))

    def read_before(_key: str) -> Any:
        return old
        yield

    face.get(key, lambda: 2, ttl=1, stale_for=60)
    monkeypatch.setattr(slow.cache._server, "get_at_once", lambda _key: None)
    monkeypatch.setattr(slow.cache._server, "get", read_before)

    assert 2 == slow.get(key, _fail, ttl=1, stale_for=60)


@every_kind
def test_a_stale_value_outlives_a_failing_refresh(
    kind: str, valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is down it is asked once in a lease, and all callers are served the old value."""
    key, face, loads = new_key(), open_face(valkey, kind), []
    face.get(key, lambda: 1, ttl=0.001, stale_for=60)
    monkeypatch.setattr(entries, "time", _Time(10))

    def fail() -> int:
        loads.append(1)
        raise OSError

    assert ([face.get(key, fail, stale_for=60) for _ in range(5)], len(loads)) == ([1] * 5, 1)


def test_a_value_is_refreshed_early_by_one(
    valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near its end, one caller in many reloads it before any has to wait."""
    key, face = new_key(), open_face(valkey, jitter=0, early=100)
    face.get(key, face.loader(lambda: 1, 0.05), ttl=100)
    monkeypatch.setattr(entries, "random", _Chance(1 - 1e-12))
    assert [face.get(key, lambda: 2), face.get(key, _fail)] == [2, 2]


def test_early_zero_is_never(valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be turned off."""
    key, face = new_key(), open_face(valkey, early=0)
    face.get(key, face.loader(lambda: 1, 0.05))
    monkeypatch.setattr(entries, "random", _Chance(1 - 1e-12))
    assert face.get(key, _fail) == 1


def test_a_clock_that_is_wrong_loads_nothing(
    valkey: Place, open_face: Callable[..., Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a machine an hour ahead everything looks due; the server says that it is not."""
    key, face = new_key(), open_face(valkey)
    face.get(key, lambda: 1)
    monkeypatch.setattr(entries, "time", _Time(3600))
    assert ([face.get(key, _fail) for _ in range(3)], face.stats.hits) == ([1, 1, 1], 3)


@every_kind
def test_many_keys_cost_one_trip_and_one_load(kind: str, place: Place, open_face: Callable[..., Face]) -> None:
    """What is there is read together, what is missing is loaded together, what does not exist is known as None."""
    keys, face = [new_key() for _ in range(30)], open_face(place, kind)
    face("write", keys[3], "there", ttl=60)
    asked: list[list[str]] = []

    def load(missing: list[str]) -> dict[str, str]:
        asked.append(missing)
        return {key: "loaded" for key in missing if key != keys[0]}

    def look_up() -> dict[str, str]:
        values: dict[str, str] = face("get_or_load_many", keys, face.loader(load), ttl=60, type=str)
        return values

    expected = {**dict.fromkeys(keys, "loaded"), keys[3]: "there", keys[0]: None}
    assert ([look_up(), look_up()], asked) == ([expected, expected], [[key for key in keys if key != keys[3]]])


def test_many_keys_are_read_by_one_command(node: Place, open_face: Callable[..., Face]) -> None:
    """On one node, a trip is a command."""
    keys, face = [new_key() for _ in range(30)], open_face(node)
    for key in keys:
        face("write", key, 1, ttl=60)
    with recording(face.caller) as sent:
        face("get_or_load_many", keys, _fail, ttl=60)
    assert sent == ["MGET"]


def test_many_keys_wait_for_who_loads_one_of_them(valkey: Place, open_face: Callable[..., Face]) -> None:
    """A key whose lease is another's is not loaded again: the look-up of many takes what the other brings."""
    keys, one, many = [new_key(), new_key()], open_face(valkey), open_face(valkey)
    asked: list[list[str]] = []
    values: list[dict[str, int]] = []
    loading = threading.Event()

    def load_many(keys: list[str]) -> dict[str, int]:
        asked.append(keys)
        loading.set()
        return dict.fromkeys(keys, 2)

    thread = threading.Thread(target=lambda: values.append(many("get_or_load_many", keys, load_many, ttl=60)))

    def load() -> int:
        thread.start()
        loading.wait(60)
        return 1

    one.get(keys[0], load)
    thread.join()
    assert (values, asked) == ([{keys[0]: 1, keys[1]: 2}], [[keys[1]]])


def test_no_keys_are_no_question(valkey: Place, open_face: Callable[..., Face]) -> None:
    """An empty list is answered without a command."""
    face = open_face(valkey)
    with recording(face.caller) as sent:
        face("invalidate")
        assert face("get_or_load_many", [], _fail, ttl=60) == {}
    assert sent == []


def test_what_is_counted(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Each look-up is a hit, a miss or stale; loads and their errors are counted separately."""
    key, face = new_key(), open_face(valkey)
    face.get(key, lambda: 1)
    face.get(key, _fail)
    with pytest.raises(ZeroDivisionError):
        face.get(new_key(), lambda: 1 // 0)
    assert dataclasses.asdict(face.stats) == {
        "hits": 1,
        "misses": 2,
        "stale": 0,
        "loads": 2,
        "shared": 0,
        "errors": 1,
        "bypassed": 0,
        "refused": 0,
    }


class _Time:
    """The time module of a machine whose clock is ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def time(self) -> float:
        return time.time() + self._ahead


class _Chance:
    """A random module with one outcome."""

    def __init__(self, outcome: float) -> None:
        self._outcome = outcome

    def random(self) -> float:
        return self._outcome
