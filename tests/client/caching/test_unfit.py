"""What the cache cannot give back as it was is not cached, and no call fails or waits for that."""

from __future__ import annotations

import datetime as dt
import enum
import logging
import re
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pydantic
import pytest

from elasticache_client.values import UnfitError, difference
from tests.client.caching.callers import LONG_LEASE, Crowd, new_key
from tests.client.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.caching.callers import Face
    from tests.client.sessions.caches import Cache as Place

every_kind = pytest.mark.parametrize("kind", KINDS)
_BERLIN = dt.timezone(dt.timedelta(hours=2))
_EARLY = dt.datetime(2026, 7, 1, 0, 30, tzinfo=_BERLIN)


class Colour(enum.StrEnum):
    """One that equals its text."""

    RED = "red"


class Size(enum.IntEnum):
    """One that equals its number."""

    S = 1


class Pair(NamedTuple):
    """One that equals its tuple."""

    a: int


@dataclass
class Order:
    """With a place where anything may be."""

    at: Any


class Line(pydantic.BaseModel):
    """A model with what JSON does not have."""

    at: dt.datetime
    price: Decimal
    tags: frozenset[str] = frozenset()
    content: bytes = b""
    size: Size = Size.S
    label: str = pydantic.Field("", alias="Label")


class Basket(pydantic.BaseModel):
    """A model with others in it."""

    lines: list[Line]
    by: uuid.UUID


_LINE = Line(at=_EARLY, price=Decimal("1.10"), tags=frozenset("ab"), content=b"a", Label="pear")
_BASKET = Basket(lines=[_LINE], by=uuid.UUID(int=7))

UNFIT: list[tuple[Any, Any, str]] = [
    (Decimal("1.10"), Any, "the value is of type Decimal and would come back as str"),
    (uuid.UUID(int=7), Any, "of type UUID and would come back as str"),
    (dt.datetime(2026, 7, 1), Any, "of type datetime and would come back as str"),  # noqa: DTZ001
    (_EARLY, Any, "the value is of type datetime and would come back as another one"),
    (dt.date(2026, 7, 1), Any, "of type date and would come back as str"),
    (dt.time(1, 2), Any, "of type time and would come back as str"),
    (dt.timedelta(seconds=90), Any, "of type timedelta and would come back as str"),
    ((1, 2), Any, "of type tuple and would come back as list"),
    ({1, 2}, Any, "of type set and would come back as list"),
    (Colour.RED, Any, "of type Colour and would come back as str"),
    (Size.S, Any, "of type Size and would come back as int"),
    (OrderedDict(a=1), Any, "of type OrderedDict and would come back as dict"),
    (bytearray(b"a"), Any, "of type bytearray and would come back as bytes"),
    (Order(1), Any, "of type Order and would come back as dict"),
    (_LINE, Any, "of type Line and would come back as dict"),
    ({"rows": [{"price": Decimal(1)}]}, Any, r"the value\['rows'\]\[0\]\['price'\] is of type Decimal"),
    ({"price": Decimal(1)}, dict[str, Any], r"the value\['price'\] is of type Decimal"),
    ({Size.S: 1}, Any, "the value's keys is of type Size and would come back as int"),
    (Order((1,)), Order, r"the value\.at is of type tuple and would come back as list"),
    (Pair(1), tuple[int], "of type Pair and would come back as tuple"),
    ([Size.S], list[int], r"the value\[0\] is of type Size and would come back as int"),
    (Colour.RED, str, "of type Colour and would come back as str"),
    ("a\ud83d", str, r"the value is of type str and cannot be written \(UnicodeEncodeError\)"),
    ({"a": ["b", "\ud83d"]}, Any, r"the value\['a'\]\[1\] is of type str and cannot be written"),
    (2**70, int, "of type int and cannot be written"),
    ({"a": object()}, Any, r"the value\['a'\] is of type object and cannot be written"),
    (Line.model_construct(at=_EARLY, price="free"), Line, "the value is of type Line"),
]


@every_kind
@pytest.mark.parametrize(("value", "type_", "why"), UNFIT, ids=lambda each: re.sub(r"0x\w+", "", str(each))[:30])
def test_what_would_change_is_handed_over_and_not_cached(  # noqa: PLR0917 - fixtures
    value: Any,
    type_: Any,
    why: str,
    kind: str,
    valkey: Place,
    open_face: Callable[..., Face],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each caller gets what the function returned, at once; the log names the place and the type, once."""
    face, key = open_face(valkey, kind, lease=LONG_LEASE), new_key()
    before = time.monotonic()
    got = [face.get(key, lambda: value, type=type_) for _ in range(3)]
    assert [each is value for each in got] == [True] * 3
    assert time.monotonic() - before < LONG_LEASE
    assert (face.stats.loads, face.stats.errors, face.cache.is_down) == (3, 0, False)
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    message = record.getMessage()
    assert "not cached, and loaded at each call" in message
    assert re.search(why, message)
    assert "pear" not in message


@pytest.mark.parametrize(("value", "type_", "why"), UNFIT, ids=lambda each: re.sub(r"0x\w+", "", str(each))[:30])
def test_what_would_change_is_not_written(
    value: Any, type_: Any, why: str, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """The writer gets an error before anything is stored anywhere."""
    stored: list[Any] = []
    face = open_face(valkey)
    for method, more in {"write": (), "write_through": (stored.append,)}.items():
        with pytest.raises(UnfitError, match=f"{why}.*: must come back equal and of the same type"):
            face(method, new_key(), value, *more, ttl=60, type=type_)
    assert stored == []


FIT: list[tuple[Any, Any]] = [
    (_EARLY, dt.datetime),
    (_EARLY.astimezone(dt.UTC), Any),
    ([Order(_EARLY.astimezone(dt.UTC))], list[Order]),
    ({"a": _EARLY}, dict[str, dt.datetime]),
    (dt.time(1, 2, tzinfo=_BERLIN), dt.time),
    (Decimal("1.10"), Decimal),
    (Decimal("NaN"), Decimal),
    (float("nan"), float),
    (Colour.RED, Colour),
    (Pair(1), Pair),
    (Size.S, Size),
    (_LINE, Line),
    (_LINE, Line | None),
    (None, Line | None),
    ([_BASKET], list[Basket]),
    ({"a": _LINE}, dict[str, Line]),
]


@every_kind
@pytest.mark.parametrize(("value", "type_"), FIT, ids=lambda each: re.sub(r"0x\w+", "", str(each))[:30])
def test_what_comes_back_as_it_was_is_cached(
    value: Any, type_: Any, kind: str, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """With its type in every place, a time with its offset from UTC; pydantic's models, too."""
    face, key = open_face(valkey, kind), new_key()
    for got in [face.get(key, lambda: value, type=type_) for _ in range(2)]:
        assert difference(value, got) is None
    assert face.stats.loads == 1


@every_kind
def test_who_waits_for_what_cannot_be_cached(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """Callers in one process share it, each with its own copy; those of another load when their turn comes."""
    faces, key = [open_face(valkey, kind, lease=LONG_LEASE) for _ in range(2)], new_key()
    # Tasks of one loop are callers of one process.
    faces = faces[:1] if faces[0].asynchronous else faces
    crowd = Crowd(20, *faces)
    load = crowd.loader(lambda: [Decimal(1)])
    before = time.monotonic()
    answers = crowd(lambda number: faces[number % len(faces)].cache.get_or_load(key, load, ttl=60))
    assert [each.value for each in answers] == [[Decimal(1)]] * 20
    assert len({id(each.value) for each in answers}) == 20
    assert max(face.stats.loads for face in faces) <= 2
    assert time.monotonic() - before < LONG_LEASE


def test_what_cannot_be_copied_is_loaded_by_each(valkey: Place, open_face: Callable[..., Face]) -> None:
    """A generator is for one caller."""
    face, key = open_face(valkey), new_key()

    crowd = Crowd(3, face)
    load = crowd.loader(lambda: (each for each in [1, 2]))
    answers = crowd(lambda _: list(face.cache.get_or_load(key, load, ttl=60)))
    assert [each.value for each in answers] == [[1, 2]] * 3


def test_of_many_values_only_the_unfit_one_is_not_cached(valkey: Place, open_face: Callable[..., Face]) -> None:
    """The others are there the next time."""
    face, fit, unfit = open_face(valkey), new_key(), new_key()
    asked: list[list[str]] = []

    def load(keys: list[str]) -> Any:
        asked.append(keys)
        return {fit: 1, unfit: Decimal(1)}

    for _ in range(2):
        assert face("get_or_load_many", [fit, unfit], load, ttl=60) == {fit: 1, unfit: Decimal(1)}
    assert asked == [[fit, unfit], [unfit]]


class Odd:
    """No type that can be read back."""


@pytest.mark.parametrize("type_", [Odd, list[Odd], Line | Basket, pydantic.HttpUrl, "Nowhere"])
def test_a_type_that_cannot_be_read_back_is_refused(type_: Any, valkey: Place, open_face: Callable[..., Face]) -> None:
    """When the function is decorated, with our own message."""
    with pytest.raises(
        TypeError, match=r"cannot be cached .*: must be of a type that msgspec .*pydantic model"
    ) as error:
        open_face(valkey).cache.lazy("{name}", ttl=60, type=type_)(lambda name: name)
    assert "schema_hook" not in str(error.value)


def test_a_models_own_error_stays_in_the_process(
    valkey: Place, open_face: Callable[..., Face], caplog: pytest.LogCaptureFixture
) -> None:
    """Pydantic's messages quote the value."""
    face = open_face(valkey)
    face.get(new_key(), lambda: Line.model_construct(at="hunter2", price="hunter2"), type=Line)
    assert "hunter2" not in caplog.text
    assert "Line" in caplog.text


def test_a_whole_number_declared_as_float_is_one(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Type checkers let it pass, and so does the cache."""
    face, key = open_face(valkey), new_key()
    assert [face.get(key, lambda: 2, type=float) for _ in range(2)] == [2.0, 2.0]
    assert face.stats.loads == 1
