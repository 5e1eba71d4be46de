"""Values as JSON; a value that would come back as something else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from elasticache_client.messages import refusal
from elasticache_client.values import comes_again, difference, read_other, write_other

if TYPE_CHECKING:
    from collections.abc import Mapping

Encoded = dict[str, bytes]
"""JSON by name."""


class Values:
    """Writes and reads the values of sessions.

    Args:
        types: The types of the values, by name, that are not JSON's own.
    """

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._plain: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
        self._typed: dict[str, msgspec.json.Decoder[Any]] = {}
        self.add_types(types)
        self._encoder = msgspec.json.Encoder(enc_hook=_unmarked)

    def add_types(self, types: Mapping[str, Any]) -> None:
        """Declare the types of values that have none so far.

        Args:
            types: The types by the values' names.
        """
        for name, each in types.items():
            if name not in self._typed:
                self._typed[name] = msgspec.json.Decoder(each, dec_hook=read_other)

    def write(self, values: Mapping[str, Any], before: Encoded) -> Encoded:
        """Return all values as JSON.

        Args:
            values: The values.
            before: The values as they are stored; an equal one is not checked again.

        Raises:
            TypeError: If a name is not a text, or a value would not come back as it is.
        """
        after = {name: self._write(name, value) for name, value in values.items()}
        for name, json in after.items():
            if json != before.get(name) and not self._comes_back(name, json, values[name]):
                raise _refused(name, values[name])
        return after

    def read(self, encoded: Encoded) -> dict[str, Any]:
        """Return the values. A value that is not JSON, or not of its type, may raise anything: its class has checks."""
        return {name: self._read(name, json) for name, json in encoded.items()}

    def read_fit(self, encoded: Encoded) -> tuple[dict[str, Any], Encoded]:
        """Return the values, and separately the JSON that is not of its type, such as that of another release."""
        values: dict[str, Any] = {}
        unread: Encoded = {}
        for name, json in encoded.items():
            try:
                values[name] = self._read(name, json)
            except Exception as error:
                if not comes_again(error, self._read, name, json):
                    raise
                self._plain.decode(json)
                unread[name] = json
        return values, unread

    def _read(self, name: str, json: bytes) -> Any:
        return self._typed.get(name, self._plain).decode(json)

    def _write(self, name: object, value: object) -> bytes:
        if not isinstance(name, str):
            raise TypeError(
                refusal(got=f"session[{name!r}]", allowed="names must be strings", fix="Use str(...) as the name")
            )
        try:
            return self._encoder.encode(value)
        except (TypeError, ValueError):
            raise _refused(name, value) from None

    def _comes_back(self, name: str, json: bytes, value: object) -> bool:
        try:
            return self._is_equal(name, json, value)
        except Exception as error:
            if not comes_again(error, self._is_equal, name, json, value):
                raise
            return False

    def _is_equal(self, name: str, json: bytes, value: object) -> bool:
        return difference(_unmarked_within(value), self._read(name, json)) is None


def _unmarked(value: object) -> Any:
    """Texts that a template engine has marked as safe lose the mark."""
    if isinstance(value, str):
        return str.__str__(value)
    return write_other(value)


def _unmarked_within(value: Any) -> Any:
    """The same, for texts in lists, tuples and dictionaries."""
    kind = type(value)
    if isinstance(value, str) and hasattr(kind, "__html__"):
        return str.__str__(value)
    if kind in (list, tuple):
        return kind(map(_unmarked_within, value))
    if kind is dict:
        return {_unmarked_within(key): _unmarked_within(each) for key, each in value.items()}
    return value


def _refused(name: str, value: object) -> TypeError:
    # Only its type: the value may be a secret.
    kind = type(value).__name__
    return TypeError(
        refusal(
            got=f"session[{name!r}] of type {kind} is, or contains, a value that JSON would change",
            allowed="must be None, a boolean, a number, a string, a list or dictionary of these, or a type of types=",
            fix=f"Store one of these, or declare its type where you make the store: types={{{name!r}: {kind}}}",
        )
    )
