"""What comes back as it is, and what is refused because it would not."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
from collections import OrderedDict
from typing import Any

import msgspec
import pytest
from markupsafe import Markup

from elasticache_client.sessions.values import Values


class Line(msgspec.Struct):
    """A line of an order."""

    product: int
    price: decimal.Decimal


class Colour(enum.Enum):
    """One of few."""

    RED = "red"


class Size(enum.IntEnum):
    """One that equals its number."""

    S = 1


class Name(enum.StrEnum):
    """One that equals its text."""

    ADA = "ada"


NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
TYPED: list[tuple[Any, Any]] = [
    (NOW, dt.datetime),
    (decimal.Decimal("0.10"), decimal.Decimal),
    ({"a"}, set[str]),
    ((1, "b"), tuple[int, str]),
    (b"\xff", bytes),
    (Colour.RED, Colour),
    ([Line(1, decimal.Decimal("0.10"))], list[Line]),
    ({1: "a"}, dict[int, str]),
]


@pytest.mark.parametrize(
    "value", [None, True, 0, -(2**63), 2**64 - 1, 0.1, 1e300, "", "名前 \x00", [], [1, [None]], {}, {"a": {"b": [1.5]}}]
)
def test_values_of_json(value: Any) -> None:
    """They come back equal and of the same type."""
    values = Values({})
    found = values.read(values.write({"it": value}, {}))["it"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("value", "kind"), TYPED, ids=lambda each: str(each)[:20])
def test_declared_types(value: Any, kind: Any) -> None:
    """They come back equal and of the same type."""
    values = Values({"it": kind})
    found = values.read(values.write({"it": value}, {}))["it"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "value",
    [*(value for value, _ in TYPED), float("nan"), object, {"a": NOW}, [(1, 2)], Size.S, Name.ADA, OrderedDict(a=1)],
    ids=repr,
)
def test_undeclared_types(value: Any) -> None:
    """They are refused, by name and type, and the message says what to do and nothing of the value."""
    with pytest.raises(TypeError, match=rf"session\['it'\].*of type {type(value).__name__}.*types=\{{'it'") as raised:
        Values({}).write({"it": value}, {})
    assert repr(value) not in str(raised.value)


def test_a_value_of_another_type_than_declared() -> None:
    """It is refused when it is written, not when it is read."""
    with pytest.raises(TypeError, match="of type str"):
        Values({"it": dt.datetime}).write({"it": "yesterday"}, {})


def test_texts_marked_as_safe() -> None:
    """A template engine's mark does not come back, so that the text is escaped."""
    values = Values({})
    found = values.read(values.write({"it": Markup("<b>"), "them": [Markup("<i>")]}, {}))
    assert (found, type(found["it"])) == ({"it": "<b>", "them": ["<i>"]}, str)


@pytest.mark.parametrize("name", [1, None, ("a",), b"a"])
def test_names_are_texts(name: Any) -> None:
    """Nothing else can be one."""
    with pytest.raises(TypeError, match="names must be strings"):
        Values({}).write({name: 1}, {})


@pytest.mark.parametrize("json", [b"", b"{", b"[1,]", b"\xff", b'"\xff"', b"[" * 100_000, b"nan", b"1 2"])
def test_what_cannot_be_read(json: bytes) -> None:
    """It raises, and never is a value."""
    with pytest.raises((msgspec.MsgspecError, RecursionError, ValueError)):
        Values({}).read({"it": json})
