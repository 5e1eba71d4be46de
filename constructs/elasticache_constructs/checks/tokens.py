"""Whether a value is a CDK token, and what else is asked of the CDK no more often than necessary."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from aws_cdk import Token

if TYPE_CHECKING:
    from collections.abc import Callable

_Construct = TypeVar("_Construct")
_Answer = TypeVar("_Answer")

# Every encoding of a token as a text, or as an element of a list, has this in it.
_MARK = "Token["
# Numbers that encode a token are below this one.
_LOWEST_PLAIN_NUMBER = -1e288


def asked_once(ask: Callable[[_Construct], _Answer]) -> Callable[[_Construct], _Answer]:
    """Remember the answer for each construct that a function is called with.

    The CDK answers in another process, and the same is asked for every argument of a cache. For what does not change
    once a construct is made.
    """
    answers: WeakKeyDictionary[_Construct, _Answer] = WeakKeyDictionary()

    @functools.wraps(ask)
    def answer(construct: _Construct) -> _Answer:
        try:
            return answers[construct]
        except KeyError:
            answers[construct] = found = ask(construct)
            return found

    return answer


def is_unresolved(value: object) -> bool:
    """Whether a value is, or holds, a token: `Token.is_unresolved`.

    The CDK answers in another process. Texts, numbers and lists of texts that cannot hold a token are answered here.

    Args:
        value: Any value that the CDK takes.
    """
    if isinstance(value, str):
        return _MARK in value and bool(Token.is_unresolved(value))
    if isinstance(value, int | float):
        return value < _LOWEST_PLAIN_NUMBER and bool(Token.is_unresolved(value))
    if isinstance(value, list) and all(isinstance(element, str) and _MARK not in element for element in value):
        return False
    return bool(Token.is_unresolved(value))


def is_token(value: object) -> bool:
    """Whether a value is known at deployment only, as a text, a number, an element of a list, or by itself."""
    if isinstance(value, str):
        return is_unresolved(value) or is_unresolved([value])
    # jsii raises its own error for an object of a foreign type.
    return (isinstance(value, int | float | list | dict) or hasattr(value, "resolve")) and is_unresolved(value)


def is_known(value: object) -> bool:
    """Whether a value is a text that is known at synth."""
    return isinstance(value, str) and not is_token(value)
