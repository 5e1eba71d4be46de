"""How values are stored: as bytes, with a flag that says how to read them. Nothing is ever unpickled.

The flags of strings and whole numbers are those of pymemcache's own serializer, so that both libraries can read them. A
separate flag marks MessagePack that would be read as another type if its type is not given.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec

from elasticache_client.messages import refusal
from elasticache_client.values import UnfitError, comes_again, has_fields, pack, read_other

_BYTES = 0
_WHOLE_NUMBER = 1 << 1
_TEXT = 1 << 4
_MSGPACK = 1 << 5
_TYPED_MSGPACK = 1 << 6

Item = tuple[bytes, int]
"""A value's bytes and flag."""


class UnreadableError(Exception):
    """The item was written by another program, or does not have the requested type."""


class UntypedError(Exception):
    """The item would change if it is read without its type."""


class ItemSerde:
    """Passes items through pymemcache unchanged. They are encoded before and decoded after a connection is used."""

    def serialize(self, _key: bytes, item: Item) -> Item:
        """Return the item."""
        return item

    def deserialize(self, _key: bytes, data: bytes, flags: int) -> Item:
        """Return the item."""
        return data, flags


def encode(value: object) -> Item:
    """Encode a value: bytes as they are, strings as UTF-8, whole numbers as decimals, everything else as MessagePack.

    ``incr`` and ``decr`` work on the decimals.

    Raises:
        UnfitError: If the value would change even when it is read with its type. A subclass of TypeError.

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
    """The type with which a value is probably read."""
    kind: Any = type(value)
    if kind in (list, set, frozenset):
        return kind[_one_of(value)]
    if kind is tuple:
        return tuple[tuple(_type_of(member) for member in value)] if value else tuple[()]  # type: ignore[misc]
    if kind is dict:
        return dict[_one_of(value), _one_of(value.values())]  # type: ignore[misc]
    return kind


def _one_of(parts: Any) -> Any:
    types = {_type_of(part) for part in parts}
    return Union[tuple(types)] if types else Any  # noqa: UP007 - built at run time


def _unstorable(why: object) -> UnfitError:
    return UnfitError(
        refusal(
            got=f"A value cannot be stored, because {why}",
            allowed="must come back equal and of the same type when it is read with its type",
            fix="Make it a dataclass that declares the types of its fields, or lists and dictionaries of one type",
        )
    )


def decode(item: Item, type: Any) -> Any:  # noqa: A002 - the name in msgspec
    """Decode an item and check it against its type.

    Raises:
        UnreadableError: If another program wrote the item, or it has another type.
        UntypedError: If the item must be read with its type.
    """
    data, flags = item
    if flags not in {_BYTES, _WHOLE_NUMBER, _TEXT, _MSGPACK, _TYPED_MSGPACK}:
        raise UnreadableError(f"flags {flags}")
    if flags == _TYPED_MSGPACK and type is Any:
        raise UntypedError
    try:
        return _decoded(data, flags, type)
    except Exception as error:
        if not comes_again(error, _decoded, data, flags, type):
            raise
        # Not chained, because a decoder's message may show a part of the value.
        raise UnreadableError(error.__class__.__name__) from None


def _decoded(data: Any, flags: int, type: Any) -> Any:  # noqa: A002 - as in decode
    if flags in {_MSGPACK, _TYPED_MSGPACK}:
        return msgspec.msgpack.decode(data, type=type, dec_hook=read_other)
    if flags == _BYTES:
        value: object = data
    elif flags == _TEXT:
        value = data.decode()
    else:
        value = int(data)
    return msgspec.convert(value, type)
