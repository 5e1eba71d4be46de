"""What a value becomes in the cache: bytes, and a flag that says how to read them. Nothing is ever unpickled.

The flags of text and of whole numbers are those of pymemcache's own serialiser, so that both read each other's. A flag
of its own says of MessagePack that, without its type, it would be read as something else than an object's fields.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec

from elasticache_client.messages import refusal
from elasticache_client.values import UnfitError, has_fields, pack, read_other

_BYTES = 0
_WHOLE_NUMBER = 1 << 1
_TEXT = 1 << 4
_MSGPACK = 1 << 5
_TYPED_MSGPACK = 1 << 6

Item = tuple[bytes, int]
"""The bytes and their flag."""


class UnreadableError(Exception):
    """The item is none of ours, or not of the type asked for."""


class UntypedError(Exception):
    """The item would be something else than what was stored: it has to be read with its type."""


class ItemSerde:
    """Lets pymemcache carry items as they are: they are encoded before and decoded after it has the connection."""

    def serialize(self, _key: bytes, item: Item) -> Item:
        """The item."""
        return item

    def deserialize(self, _key: bytes, data: bytes, flags: int) -> Item:
        """The item."""
        return data, flags


def encode(value: object) -> Item:
    """Bytes as they are, text as UTF-8, whole numbers in decimals that ``incr`` can count up, all else as MessagePack.

    Raises:
        UnfitError: it would not come back equal and of the same type, whatever the type that it is read with. It is a
            TypeError.

    See https://msgspec.dev/supported-types.html
    """
    kind = type(value)
    try:
        if kind is bytes:
            return value, _BYTES  # type: ignore[return-value]
        if kind is str:
            return value.encode(), _TEXT  # type: ignore[attr-defined]
        if kind is int:
            return str(value).encode(), _WHOLE_NUMBER
    except UnicodeEncodeError:
        raise _unstorable("the value is of type str and cannot be written (UnicodeEncodeError)") from None
    try:
        return pack(value, msgspec.msgpack.decode), _MSGPACK
    except UnfitError as error:
        untyped = error
    try:
        decoder = msgspec.msgpack.Decoder(_type_of(value), dec_hook=read_other)
        return pack(value, decoder.decode), _MSGPACK if has_fields(value) else _TYPED_MSGPACK
    except (TypeError, NameError):
        raise _unstorable(untyped) from None


def _type_of(value: Any) -> Any:
    """The type that a value is likely to be read with."""
    kind: Any = type(value)
    if kind in (list, set, frozenset):
        return kind[_one_of(value)]
    if kind is tuple:
        return tuple[tuple(_type_of(each) for each in value)] if value else tuple[()]  # type: ignore[misc]
    if kind is dict:
        return dict[_one_of(value), _one_of(value.values())]  # type: ignore[misc]
    return kind


def _one_of(parts: Any) -> Any:
    types = {_type_of(each) for each in parts}
    return Union[tuple(types)] if types else Any  # noqa: UP007  # made at run time


def _unstorable(why: object) -> UnfitError:
    return UnfitError(
        refusal(
            got=f"A value cannot be stored, because {why}",
            allowed="must come back equal and of the same type when it is read with its type",
            fix="Make it a dataclass that declares the types of its fields, or lists and dictionaries of one type",
        )
    )


def decode(item: Item, type: Any) -> Any:  # noqa: A002  # the name that msgspec gives it
    """The value, checked against its type.

    Raises:
        UnreadableError: it was written by somebody else, or for another type.
        UntypedError: it has to be read with its type.
    """
    data, flags = item
    if flags not in {_BYTES, _WHOLE_NUMBER, _TEXT, _MSGPACK, _TYPED_MSGPACK}:
        raise UnreadableError(f"flags {flags}")
    if flags == _TYPED_MSGPACK and type is Any:
        raise UntypedError
    try:
        if flags in {_MSGPACK, _TYPED_MSGPACK}:
            return msgspec.msgpack.decode(data, type=type, dec_hook=read_other)
        if flags == _BYTES:
            value: object = data
        elif flags == _TEXT:
            value = data.decode()
        else:
            value = int(data)
        return msgspec.convert(value, type)
    except Exception as error:  # noqa: BLE001  # a class's own checks may raise anything
        # Not chained: a decoder's message may show a part of the value.
        raise UnreadableError(error.__class__.__name__) from None
