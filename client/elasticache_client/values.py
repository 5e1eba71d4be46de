"""The rule for stored values in caching, sessions and Memcached: a value comes back equal and of the same type.

Errors name the place and type of a value that does not, never its content. Pydantic models are supported if pydantic is
installed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAX_NAME = 40
_BYTES = (bytes, bytearray, memoryview)
_MISSING = object()


class UnfitError(TypeError):
    """A value would change when it is stored and read. The message says which part, and why.

    Attributes:
        is_mistyped: Whether the value does not have its declared type.
    """

    def __init__(self, message: str, *, is_mistyped: bool = False) -> None:
        super().__init__(message)
        self.is_mistyped = is_mistyped


def write_other(value: object) -> Any:
    """Encode a type that msgspec does not know. Used as its ``enc_hook``.

    Raises:
        TypeError: If the value is not a pydantic model.
    """
    if _is_model(type(value)):
        # In the form of JSON, so that every model can be encoded.
        return value.model_dump(mode="json", by_alias=True, round_trip=True)  # type: ignore[attr-defined]
    raise TypeError(f"{type(value).__name__} is a type that cannot be written")


def read_other(type_: Any, plain: Any) -> Any:
    """Decode a type that msgspec does not know. Used as its ``dec_hook``.

    Raises:
        TypeError: If the type is not a pydantic model.
    """
    if _is_model(type_):
        return type_.model_validate_json(msgspec.json.encode(plain))
    raise TypeError(f"{type_!r} is a type that cannot be read back")


def describe_other(type_: Any) -> dict[str, Any]:
    """Describe a type that msgspec does not know. Used as its ``schema_hook``.

    Raises:
        TypeError: If the type is not a pydantic model.
    """
    if _is_model(type_):
        return {"model": type_.__qualname__, "schema": type_.model_json_schema()}
    raise TypeError(f"{type_!r} is a type that cannot be read back")


def pack(value: Any, read: Callable[[bytes], Any], wrap: Callable[[Any], Any] = lambda plain: plain) -> bytes:
    """Encode a value as MessagePack that ``read`` decodes to the same value.

    Args:
        value: The value.
        read: Decodes the value, as its readers will.
        wrap: Adds the structure in which the value is stored. Default: none.

    Raises:
        UnfitError: If the value would change, or cannot be encoded.
    """
    try:
        content, changed = _packed(value, read, wrap)
    except Exception as error:
        if not comes_again(error, _packed, value, read, wrap):
            raise
        raise UnfitError(_reason(value, error), is_mistyped=_is_own(error)) from None
    if changed is not None:
        raise UnfitError(changed)
    return content


def comes_again(error: Exception, codec: Callable[..., Any], *arguments: Any) -> bool:
    """Whether an error comes from a codec or a value's class, and not from a signal handler.

    A class's own checks may raise anything, which means that the value does not fit. A signal handler may also raise
    anything, between any two lines, as the timeouts of RQ and Celery do. That error belongs to the caller. An error of
    a codec occurs again if the codec is called again; an error of a signal handler does not.

    Args:
        error: The error that the codec raised.
        codec: The codec, which must have no side effects.
        arguments: The codec's arguments.

    Raises:
        Exception: If a signal handler raised one while the codec was called again.
    """
    again = _raised(codec, *arguments)
    if type(again) is type(error):
        return True
    # Of two that differ one is a signal handler's. The codec's own occurs once more.
    if again is not None and type(_raised(codec, *arguments)) is type(error):
        raise again from None
    return False


def _raised(codec: Callable[..., Any], *arguments: Any) -> Exception | None:
    try:
        codec(*arguments)
    except Exception as error:  # noqa: BLE001 - compared with another one
        return error
    return None


def difference(value: Any, back: Any, place: str = "the value") -> str | None:
    """The first difference between a value and what was read back, or None if they are the same.

    A time must keep its offset from UTC, a number its digits, and NaN stays NaN. A whole number may come back as a
    float if it was declared as float, as type checkers allow.
    """
    if type(value) is int and type(back) is float and value == back:
        return None
    if type(value) is not type(back):
        return f"{place} is of type {type(value).__name__} and would come back as {type(back).__name__}"
    pairs = _pairs(value, back)
    if pairs is None:
        if _is_same(value, back):
            return None
        return f"{place} is of type {type(value).__name__} and would come back as another one"
    missing = None if _count(value) == _count(back) else f"{place} would come back with other content"
    return missing or next(
        (found for step, one, other in pairs if (found := difference(one, other, place + step)) is not None), None
    )


def fits(plain: Any, value: Any) -> bool:
    """Whether a value that another release wrote was read with its meaning unchanged.

    Fields that only the writer knows are dropped, and fields that only the reader knows get their defaults. If one
    object has both, a field may have been renamed, and the default would be wrong. Without field names, neither can be
    detected.

    Args:
        plain: What was written, decoded without its type.
        value: What was read from it.
    """
    fields = _fields(value)
    if _is_positional(type(value)) or (fields is not None and not isinstance(plain, dict)):
        return False
    if fields is not None:
        tag = getattr(getattr(value, "__struct_config__", None), "tag_field", None)
        written, known = set(plain) - {tag}, set(fields)
        if written - known and known - written:
            return False
        return all(fits(plain[name], fields[name]) for name in written & known)
    if isinstance(value, dict) and isinstance(plain, dict):
        return len(plain) == len(value) and all(map(fits, plain.values(), value.values()))
    if isinstance(value, list | tuple):
        return isinstance(plain, list) and len(plain) == len(value) and all(map(fits, plain, value))
    return True


def has_fields(value: Any) -> bool:
    """Whether the object's class has named fields, for example a dataclass."""
    return _attributes(value) is not None


def _packed(value: Any, read: Callable[[bytes], Any], wrap: Callable[[Any], Any]) -> tuple[bytes, str | None]:
    """The value as MessagePack, and its first part that would change, or None."""
    content = msgspec.msgpack.encode(wrap(value), enc_hook=write_other)
    changed = difference(value, read(content))
    if changed is None:
        return content, None
    # MessagePack's timestamps lose the offset from UTC; strings keep it.
    plain = msgspec.to_builtins(value, builtin_types=_BYTES, enc_hook=write_other)
    content = msgspec.msgpack.encode(wrap(plain))
    return content, None if difference(value, read(content)) is None else changed


def _encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=write_other)


def _is_model(type_: Any) -> bool:
    """Whether the class has the interface of a pydantic model. Pydantic need not be installed."""
    return isinstance(type_, type) and all(
        callable(getattr(type_, name, None)) for name in ("model_dump", "model_validate_json", "model_json_schema")
    )


def _is_positional(kind: Any) -> bool:
    """Whether the class's fields are encoded by position, without their names."""
    config = getattr(kind, "__struct_config__", None)
    return hasattr(kind, "_fields") if config is None else config.array_like


def _fields(value: Any) -> dict[str, Any] | None:
    """The object's fields by their encoded names, or None if it has no fields."""
    kind = type(value)
    if hasattr(kind, "__struct_fields__"):
        names = zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True)
        return {written: getattr(value, name) for written, name in names}
    if _is_model(kind):
        dumped = write_other(value)
        return dumped if isinstance(dumped, dict) else None
    return _attributes(value)


def _attributes(value: Any) -> dict[str, Any] | None:
    """The object's fields by their Python names, or None if it has no fields."""
    kind = type(value)
    if hasattr(kind, "__struct_fields__"):
        names = kind.__struct_fields__
    elif dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [attribute.name for attribute in kind.__attrs_attrs__]
    elif _is_model(kind):
        names = list(kind.model_fields)
    else:
        return None
    return {name: getattr(value, name, _MISSING) for name in names}


def _pairs(value: Any, back: Any) -> Iterator[tuple[str, Any, Any]] | None:
    """The parts of two containers in pairs, with their places, or None if the value is not a container."""
    if isinstance(value, dict):
        keys = (("'s keys", one, other) for one, other in zip(value, back, strict=False))
        values = ((_step(key), one, back.get(key, _MISSING)) for key, one in value.items())
        return chain(keys, values)
    if isinstance(value, list | tuple):
        return ((f"[{index}]", *pair) for index, pair in enumerate(zip(value, back, strict=False)))
    if isinstance(value, set | frozenset):
        found = {member: member for member in back}
        return (("'s members", member, found.get(member, _MISSING)) for member in value)
    attributes = _attributes(value)
    if attributes is not None:
        return ((f".{name}", one, getattr(back, name, _MISSING)) for name, one in attributes.items())
    return None


def _count(value: Any) -> int:
    return len(value) if isinstance(value, dict | list | tuple | set | frozenset) else 0


def _is_same(value: Any, back: Any) -> bool:
    if isinstance(value, dt.datetime | dt.time):
        return bool(value == back) and value.utcoffset() == back.utcoffset()
    if isinstance(value, decimal.Decimal):
        return str(value) == str(back)
    return bool(value == back) or (isinstance(value, float) and value != value and back != back)  # noqa: PLR0124 - NaN


def _step(key: object) -> str:
    # A key may be personal data, so only keys that look like field names are shown.
    return f"[{key!r}]" if isinstance(key, str) and key.isidentifier() and len(key) <= _MAX_NAME else "[...]"


def _reason(value: Any, error: Exception) -> str:
    place, culprit = _unwritable_part(value)
    if culprit is not _MISSING:
        return f"{place} is of type {type(culprit).__name__} and cannot be written ({type(error).__name__})"
    return f"the value is of type {type(value).__name__}: {error if _is_own(error) else type(error).__name__}"


def _is_own(error: Exception) -> bool:
    """Whether the error is msgspec's own, which never contains the value, and not from a class's own check."""
    return isinstance(error, msgspec.ValidationError) and error.__cause__ is None


def _unwritable_part(value: Any, place: str = "the value", depth: int = 20) -> tuple[str, Any]:
    """The place and value of the innermost part that cannot be encoded."""
    try:
        _encode(value)
    except Exception as error:
        if not comes_again(error, _encode, value):
            raise
        for step, part, _ in (_pairs(value, value) or ()) if depth else ():
            found = _unwritable_part(part, place + step, depth - 1)
            if found[1] is not _MISSING:
                return found
        return place, value
    return place, _MISSING
