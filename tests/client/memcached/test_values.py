"""How values are encoded and decoded."""

from __future__ import annotations

import datetime as dt
import enum
import pickle
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticache_client.memcached.values import UnreadableError, UntypedError, decode, encode
from elasticache_client.values import difference
from tests.client.memcached.conftest import patient

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@dataclass(frozen=True)
class Product:
    """One kind of value."""

    name: str
    price: float


class Order(msgspec.Struct, frozen=True):
    """Another kind of value."""

    products: list[Product]
    placed: dt.datetime


class Price(msgspec.Struct):
    """A value whose own check raises an unusual exception."""

    currency: str

    def __post_init__(self) -> None:
        """Check the currency."""
        {"eur": 2}[self.currency]


ORDER = Order([Product("pear", 1.5)], dt.datetime(2026, 11, 22, tzinfo=dt.UTC))


@patient
@given(values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    """Everything that MessagePack knows comes back with its type."""
    back = decode(encode(value), Any)
    assert (back, back.__class__) == (value, value.__class__)


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (ORDER, Order),
        (Product("pear", 1.5), Product),
        (None, Order | None),
        ({1, 2}, set[int]),
        ("pear", str),
        (b"pear", bytes),
        (7, int),
        (True, bool),
    ],
)
def test_a_type_comes_back(value: Any, type_: Any) -> None:
    """A read with a type returns that type."""
    assert decode(encode(value), type_) == value


@pytest.mark.parametrize(
    ("item", "type_"),
    [
        pytest.param(encode({"name": "pear"}), Product, id="a field missing"),
        pytest.param(encode({"name": 1, "price": 1.5}), Product, id="another type of field"),
        pytest.param(encode("pear"), int, id="text for a number"),
        pytest.param(encode(7), str, id="a number for text"),
        pytest.param(encode(b"pear"), Product, id="bytes for a product"),
        pytest.param((encode(ORDER)[0][:-1], encode(ORDER)[1]), Order, id="cut short"),
        pytest.param((b"\x91" * 100_000, encode(ORDER)[1]), Any, id="nested without end"),
        pytest.param(encode({"currency": "gbp"}), Price, id="refused by the class itself"),
        pytest.param((b"\xff", encode("text")[1]), Any, id="not UTF-8"),
        pytest.param((b"seven", encode(7)[1]), Any, id="not a number"),
        pytest.param((pickle.dumps("pear"), 1), Any, id="pickled by pymemcache"),
        pytest.param((b"pear", 1 << 3), Any, id="compressed by pymemcache"),
        pytest.param((b"pear", 1 << 15), Any, id="of an unknown kind"),
    ],
)
def test_what_does_not_fit_is_unreadable(item: tuple[bytes, int], type_: Any) -> None:
    """A value of another program raises only UnreadableError."""
    with pytest.raises(UnreadableError):
        decode(item, type_)


@patient
@given(st.binary(), st.integers(0, 2**16))
def test_no_bytes_break_the_reader(data: bytes, flags: int) -> None:
    """Any bytes in the cache are a value or unreadable."""
    try:
        decode((data, flags), Order)
    except UnreadableError as error:
        shown = str(error)
    else:
        shown = ""
    assert len(shown) < 40


class Size(enum.IntEnum):
    """A member that equals its number."""

    S = 1


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "the value is of type object"),
        ({"a": [object()]}, r"the value\['a'\]\[0\] is of type object"),
        ("a\ud83d", r"of type str and cannot be written \(UnicodeEncodeError\)"),
        (2**70 * 1.5j, "of type complex"),
        ([1, "a", {"b": ["c", 1j]}], r"the value\[2\]\['b'\]\[1\] is of type complex"),
    ],
)
def test_what_cannot_be_written_is_an_error(value: Any, place: str) -> None:
    """The caller gets an error with the place and type, and the value is not pickled."""
    with pytest.raises(TypeError, match=f"{place}.*: must come back equal and of the same type"):
        encode(value)


_OFFSET = dt.datetime(2026, 7, 1, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (Decimal("1.10"), Decimal),
        (_OFFSET, dt.datetime),
        (dt.date(2026, 7, 1), dt.date),
        ((1, "a"), tuple[int, str]),
        ({1, 2}, set[int]),
        (Size.S, Size),
        ({"a": Decimal(1)}, dict[str, Decimal]),
        ([ORDER], list[Order]),
    ],
    ids=str,
)
def test_what_is_only_itself_with_its_type(value: Any, type_: Any) -> None:
    """It is read unchanged with its type, and is a miss without it."""
    item = encode(value)
    assert difference(value, decode(item, type_)) is None
    with pytest.raises(UntypedError):
        decode(item, Any)


def test_a_counted_down_number_is_read() -> None:
    """Memcached does not shorten 10 when it counts down to 9; it adds a space."""
    assert decode((b"9 ", encode(10)[1]), int) == 9
