"""Names that people give themselves and others read: what is shown of one is all that there is of it."""

from __future__ import annotations

import unicodedata
from typing import Any, ClassVar, Self

# Controls, signs that are there for others (bidirectional ones, zero-width ones), what no font has, and line ends.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
# What Unicode counts as letters, marks and symbols, and nobody sees: fillers, joiners and selectors of variants.
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(number)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for number in range(first, last + 1)
}


class Name(str):
    """A text of visible characters on one line, without blanks at its ends.

    What keeps names takes ``str(name)``: libraries write texts, and no kinds of them.

    Two names that look the same are not kept from being different ones by that, as ``a`` in Latin and in Cyrillic.
    """

    __slots__ = ()
    longest: ClassVar[int]
    """How many characters a name of this kind has at most."""

    @classmethod
    def checked(cls, value: object) -> Self:
        """The value as a name.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(value, str):
            raise ValueError(f"Expected `str`, got `{type(value).__name__}`")  # noqa: TRY004 - msgspec reports these
        if not 1 <= len(value) <= cls.longest or value != value.strip(" ") or any(map(_is_unseen, value)):
            raise ValueError(
                f"Expected a name of 1 to {cls.longest} visible characters on one line, with no blanks at its ends"
            )
        return cls(value)


def decode(kind: type[Any], value: object) -> Any:
    """What msgspec asks for types that it does not know: names.

    Raises:
        NotImplementedError: it is another one.
        ValueError: the value is no name of the kind.
    """
    if issubclass(kind, Name):
        return kind.checked(value)
    raise NotImplementedError(kind)


def _is_unseen(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character) in _UNSEEN or character in _EMPTY
