"""What a value becomes in the cache: bytes, and a flag that says how to read them. Nothing is ever unpickled.

The flags of text and of whole numbers are those of pymemcache's own serialiser, so that both read each other's.
"""

from __future__ import annotations

from typing import Any

import msgspec

_BYTES = 0
_WHOLE_NUMBER = 1 << 1
_TEXT = 1 << 4
_MSGPACK = 1 << 5

Item = tuple[bytes, int]
"""The bytes and their flag."""


class UnreadableError(Exception):
    """The item is none of ours, or not of the type asked for."""


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
        TypeError: MessagePack has no way to write it.

    See https://msgspec.dev/supported-types.html
    """
    if isinstance(value, bytes):
        return value, _BYTES
    if isinstance(value, str):
        return value.encode(), _TEXT
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value, _WHOLE_NUMBER
    return msgspec.msgpack.encode(value), _MSGPACK


def decode(item: Item, type: Any) -> Any:  # noqa: A002  # the name that msgspec gives it
    """The value, checked against its type.

    Raises:
        UnreadableError: it was written by somebody else, or for another type.
    """
    data, flags = item
    if flags not in {_BYTES, _WHOLE_NUMBER, _TEXT, _MSGPACK}:
        raise UnreadableError(f"flags {flags}")
    try:
        if flags == _MSGPACK:
            return msgspec.msgpack.decode(data, type=type)
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
