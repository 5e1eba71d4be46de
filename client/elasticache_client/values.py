"""The one rule for what is kept, in caching, sessions and Memcached: it comes back equal and of the same type.

What does not is named by its place and its type, never by its content. Pydantic's models are written and read by
themselves, where an application has them.
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

_LONGEST_NAME = 40
_BYTES = (bytes, bytearray, memoryview)
_NOWHERE = object()


class UnfitError(TypeError):
    """A value would not come back as it is; the message says where in it, and why.

    Attributes:
        is_mistyped: whether the value is not of the type that was declared for it.
    """

    def __init__(self, message: str, *, is_mistyped: bool = False) -> None:
        super().__init__(message)
        self.is_mistyped = is_mistyped


def write_other(value: object) -> Any:
    """Write what msgspec does not know: as its ``enc_hook``.

    Raises:
        TypeError: it is no pydantic model either.
    """
    if _is_model(type(value)):
        # As JSON has it, so that whatever a model holds can be written.
        return value.model_dump(mode="json", by_alias=True, round_trip=True)  # type: ignore[attr-defined]
    raise TypeError(f"{type(value).__name__} is a type that cannot be written")


def read_other(type_: Any, plain: Any) -> Any:
    """Read what msgspec does not know: as its ``dec_hook``.

    Raises:
        TypeError: it is no pydantic model either.
    """
    if _is_model(type_):
        return type_.model_validate_json(msgspec.json.encode(plain))
    raise TypeError(f"{type_!r} is a type that cannot be read back")


def describe_other(type_: Any) -> dict[str, Any]:
    """Describe what msgspec does not know: as its ``schema_hook``.

    Raises:
        TypeError: it is no pydantic model either.
    """
    if _is_model(type_):
        return {"model": type_.__qualname__, "schema": type_.model_json_schema()}
    raise TypeError(f"{type_!r} is a type that cannot be read back")


def pack(value: Any, read: Callable[[bytes], Any], wrap: Callable[[Any], Any] = lambda plain: plain) -> bytes:
    """MessagePack from which ``read`` gives the value as it is.

    Args:
        value: the value.
        read: reads the value back, as its readers will.
        wrap: what to write around the value.

    Raises:
        UnfitError: it would come back as something else, or cannot be written at all.
    """
    try:
        content = msgspec.msgpack.encode(wrap(value), enc_hook=write_other)
        changed = difference(value, read(content))
        if changed is None:
            return content
        # MessagePack's own times lose their offset from UTC; as text they keep it.
        plain = msgspec.to_builtins(value, builtin_types=_BYTES, enc_hook=write_other)
        content = msgspec.msgpack.encode(wrap(plain))
        is_kept = difference(value, read(content)) is None
    except Exception as error:  # noqa: BLE001  # whatever a class's own code raises, the value cannot be kept
        raise UnfitError(_reason(value, error), is_mistyped=_is_own(error)) from None
    if not is_kept:
        raise UnfitError(changed)
    return content


def difference(value: Any, back: Any, place: str = "the value") -> str | None:
    """Where and how something came back as something else; None if it did not.

    A time has to keep its offset from UTC, a number its digits, and NaN is NaN. A whole number may come back as the
    float that it was declared to be, as type checkers allow.
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
    """Whether what another release wrote has been read as it was meant.

    A field that only the writer knows is left out, and one that only the reader knows has its default. Where there are
    both in one place, a field may have got another name, so that its default would be wrong. Neither can be told where
    fields have no names.

    Args:
        plain: what was written, without its type.
        value: what was read from it.
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
    """Whether it is an object of a class with fields that have names, a dataclass for instance."""
    return _attributes(value) is not None


def _is_model(type_: Any) -> bool:
    """Whether it is a class like pydantic's, which need not be installed."""
    return isinstance(type_, type) and all(
        callable(getattr(type_, name, None)) for name in ("model_dump", "model_validate_json", "model_json_schema")
    )


def _is_positional(kind: Any) -> bool:
    """Whether a class's fields are written without their names."""
    config = getattr(kind, "__struct_config__", None)
    return hasattr(kind, "_fields") if config is None else config.array_like


def _fields(value: Any) -> dict[str, Any] | None:
    """The fields of an object by the names that they are written under; None for what has none."""
    kind = type(value)
    if hasattr(kind, "__struct_fields__"):
        names = zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True)
        return {written: getattr(value, name) for written, name in names}
    if _is_model(kind):
        dumped = write_other(value)
        return dumped if isinstance(dumped, dict) else None
    return _attributes(value)


def _attributes(value: Any) -> dict[str, Any] | None:
    """The fields of an object by their own names; None for what has none."""
    kind = type(value)
    if hasattr(kind, "__struct_fields__"):
        names = kind.__struct_fields__
    elif dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [each.name for each in kind.__attrs_attrs__]
    elif _is_model(kind):
        names = list(kind.model_fields)
    else:
        return None
    return {name: getattr(value, name, _NOWHERE) for name in names}


def _pairs(value: Any, back: Any) -> Iterator[tuple[str, Any, Any]] | None:
    """What two containers hold, side by side, with where it is; None for what holds nothing."""
    if isinstance(value, dict):
        keys = (("'s keys", one, other) for one, other in zip(value, back, strict=False))
        values = ((_step(key), one, back.get(key, _NOWHERE)) for key, one in value.items())
        return chain(keys, values)
    if isinstance(value, list | tuple):
        return ((f"[{index}]", *pair) for index, pair in enumerate(zip(value, back, strict=False)))
    if isinstance(value, set | frozenset):
        found = {each: each for each in back}
        return (("'s members", each, found.get(each, _NOWHERE)) for each in value)
    attributes = _attributes(value)
    if attributes is not None:
        return ((f".{name}", one, getattr(back, name, _NOWHERE)) for name, one in attributes.items())
    return None


def _count(value: Any) -> int:
    return len(value) if isinstance(value, dict | list | tuple | set | frozenset) else 0


def _is_same(value: Any, back: Any) -> bool:
    if isinstance(value, dt.datetime | dt.time):
        return bool(value == back) and value.utcoffset() == back.utcoffset()
    if isinstance(value, decimal.Decimal):
        return str(value) == str(back)
    return bool(value == back) or (isinstance(value, float) and value != value and back != back)  # noqa: PLR0124  # NaN


def _step(key: object) -> str:
    # A key may be somebody's name; what looks like a field's name is one.
    return f"[{key!r}]" if isinstance(key, str) and key.isidentifier() and len(key) <= _LONGEST_NAME else "[...]"


def _reason(value: Any, error: Exception) -> str:
    place, culprit = _culprit(value)
    if culprit is not _NOWHERE:
        return f"{place} is of type {type(culprit).__name__} and cannot be written ({type(error).__name__})"
    return f"the value is of type {type(value).__name__}: {error if _is_own(error) else type(error).__name__}"


def _is_own(error: Exception) -> bool:
    """Whether an error is msgspec's own, which quotes nothing of the value, and not of a class's own check."""
    return isinstance(error, msgspec.ValidationError) and error.__cause__ is None


def _culprit(value: Any, place: str = "the value", depth: int = 20) -> tuple[str, Any]:
    """The innermost part that cannot be written, and where it is."""
    try:
        msgspec.msgpack.encode(value, enc_hook=write_other)
    except Exception:  # noqa: BLE001  # as in pack
        for step, part, _ in (_pairs(value, value) or ()) if depth else ():
            found = _culprit(part, place + step, depth - 1)
            if found[1] is not _NOWHERE:
                return found
        return place, value
    return place, _NOWHERE
