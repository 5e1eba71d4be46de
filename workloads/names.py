"""Names that users choose for themselves and that others read. Every character of a name is visible."""

from __future__ import annotations

import unicodedata
from typing import Any, ClassVar, Self

# Unicode categories of control, format (bidirectional, zero-width), unassigned and separator characters.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
# Invisible characters that Unicode classifies as letters, marks or symbols: fillers, joiners, variation selectors.
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(number)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for number in range(first, last + 1)
}


class Name(str):
    """A string of visible characters on one line, without spaces at its ends.

    Store ``str(name)``, because libraries encode strings but not subclasses.

    Different names may still look the same, for example ``a`` in Latin and in Cyrillic.
    """

    __slots__ = ()
    max_length: ClassVar[int]
    """The maximum length of a name of this class, in characters."""

    @classmethod
    def checked(cls, value: object) -> Self:
        """The value as a name.

        Raises:
            ValueError: If the value is not a valid name.
        """
        if not isinstance(value, str):
            raise ValueError(f"Expected `str`, got `{type(value).__name__}`")  # noqa: TRY004 - reported by msgspec
        if not 1 <= len(value) <= cls.max_length or value != value.strip(" ") or any(map(_is_unseen, value)):
            raise ValueError(
                f"Expected a name of 1 to {cls.max_length} visible characters on one line, without spaces at its ends"
            )
        return cls(value)


def decode(kind: type[Any], value: object) -> Any:
    """Decode types that msgspec does not know, which are names. Used as its ``dec_hook``.

    Raises:
        NotImplementedError: If the type is not a name.
        ValueError: If the value is not a valid name.
    """
    if issubclass(kind, Name):
        return kind.checked(value)
    raise NotImplementedError(kind)


def _is_unseen(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character) in _UNSEEN or character in _EMPTY
