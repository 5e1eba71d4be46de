"""What is stored in the cache: a value, the fingerprint of its type and its times, as one MessagePack array."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from functools import lru_cache
from types import UnionType
from typing import Any, Generic, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from elasticache_client.messages import refusal
from elasticache_client.values import UnfitError, comes_again, describe_other, fits, pack, read_other

T = TypeVar("T")
Answers: TypeAlias = type[Exception] | tuple[type[Exception], ...]
"""Exceptions that are answers."""

_FORMAT = 1
_ANYTHING = ""
_SHAPE = 8  # signs of a fingerprint that change with any field; those after them change with the type's name alone
_LONGEST_SECONDS = 3_155_760_000
_MOST_LOADS = 40  # more than the logarithm of any chance there is


class Entry(msgspec.Struct, Generic[T], array_like=True, frozen=True, gc=False):
    """A value as it is stored.

    Attributes:
        fingerprint: The fingerprint of the type it was stored as; empty for any.
        fresh_until: Seconds since 1970, on the clock of the machine that stored it.
        load_seconds: How long the load took.
        value: The value.
    """

    fingerprint: str
    fresh_until: float
    load_seconds: float
    value: T

    def is_due(self, early: float) -> bool:
        """Whether this caller should refresh it, by this machine's clock.

        The chance rises towards the end, and the earlier the longer the load takes: XFetch, with ``early`` as its beta.
        See https://doi.org/10.14778/2757807.2757813
        """
        left = self.fresh_until - time.time()
        if left > self.window(early):
            return False
        chance = 1 - random.random()  # noqa: S311 - not a secret
        return left <= -math.log(chance) * early * self.load_seconds

    def window(self, early: float) -> float:
        """The seconds before its end in which it may be due."""
        return _MOST_LOADS * early * self.load_seconds


_plain_decoder: msgspec.msgpack.Decoder[Entry[Any]] = msgspec.msgpack.Decoder(Entry[Any])


class Policy(Generic[T]):
    """How one kind of value is cached.

    Args:
        type_: The values' type, as msgspec knows types; ``Any`` for plain lists, dicts and scalars, unchecked.
        ttl: Seconds for which a value is fresh.
        missing_ttl: The same for None. Default: as for values.
        stale_for: Seconds for which a value may be served beyond its ttl.
        answers: The exceptions that are answers of the database, and not failures.

    Attributes:
        shape: Equal for two policies if the result of one's caller can be given to the other's.
        answers: The exceptions that are answers.
        fingerprint: The fingerprint of the type.

    Raises:
        ValueError: If a number of seconds is not valid.
        TypeError: If the type cannot be read back, or an answer is not an exception.
    """

    def __init__(
        self, type_: Any, ttl: float, missing_ttl: float | None, stale_for: float, answers: Answers = ()
    ) -> None:
        _check_seconds("ttl", ttl, above=0)
        _check_seconds("missing_ttl", ttl if missing_ttl is None else missing_ttl, above=0)
        _check_seconds("stale_for", stale_for)
        self.stale_for = stale_for
        self._ttl = ttl
        self._missing_ttl = ttl if missing_ttl is None else missing_ttl
        self._decoder: msgspec.msgpack.Decoder[Entry[T]]
        self._decoder, self.fingerprint = _coding(type_)
        self.answers = _checked_answers(answers)
        self.shape = (self._decoder, stale_for, self.answers)

    def decode(self, content: bytes | None) -> Entry[T] | None:
        """The entry; None if there is none, or one that does not fit this type, or other content.

        What another release has stored as a type of the same name is accepted if it fits this one.

        Args:
            content: What is stored.
        """
        if content is None:
            return None
        try:
            entry = self._decoder.decode(content)
        except Exception as error:
            if not comes_again(error, self._decoder.decode, content):
                raise
            return None
        if entry.fingerprint == self.fingerprint or _ANYTHING in (entry.fingerprint, self.fingerprint):
            return entry
        if entry.fingerprint[_SHAPE:] != self.fingerprint[_SHAPE:]:
            return None
        return entry if fits(_plain_decoder.decode(content).value, entry.value) else None

    def is_foreign(self, content: bytes) -> bool:
        """Whether content that cannot be read as this type is a value of another release, or of another type."""
        try:
            return _plain_decoder.decode(content).fingerprint != self.fingerprint
        except (ValueError, RecursionError, msgspec.DecodeError):  # another writer's content
            return False

    def value(self, content: bytes) -> T:
        """The value in content that is known to hold an entry of this type."""
        return self._decoder.decode(content).value

    def encode(self, value: Any, load_seconds: float, jitter: float) -> tuple[bytes, int]:
        """What to store, and for how many milliseconds.

        Raises:
            UnfitError: If the value would not come back as it is. It is a TypeError.
        """
        ttl = self._missing_ttl if value is None else self._ttl
        ttl *= 1 - jitter * random.random()  # noqa: S311 - not a secret
        fresh_until = time.time() + ttl
        try:
            content = pack(value, self.value, lambda plain: Entry(self.fingerprint, fresh_until, load_seconds, plain))
        except UnfitError as error:
            raise UnfitError(
                refusal(
                    got=f"A value of type {type(value).__name__} does not fit its declared type, because {error}",
                    allowed="must come back equal and of the same type",
                    fix="Correct the annotation, or pass type=",
                ),
                is_mistyped=error.is_mistyped,
            ) from None
        return content, math.ceil((ttl + self.stale_for) * 1000)


def policy(type_: Any, ttl: float, missing_ttl: float | None, stale_for: float, answers: Answers = ()) -> Policy[Any]:
    """The same policy for the same arguments: making one costs more than a hit."""
    try:
        same: Policy[Any] = _policy(type_, ttl, missing_ttl, stale_for, answers)
    except TypeError:
        # What cannot be hashed, such as a list, is refused with a message.
        return Policy(type_, ttl, missing_ttl, stale_for, answers)
    return same


_policy: Any = lru_cache(maxsize=1024, typed=True)(Policy)


@lru_cache(maxsize=1024)
def _coding(type_: Any) -> tuple[msgspec.msgpack.Decoder[Any], str]:
    """How a type is read, and its fingerprint: both are slow to make, and the ttl may differ from call to call."""
    try:
        return msgspec.msgpack.Decoder(Entry[type_], dec_hook=read_other), _fingerprint(type_)
    except (TypeError, NameError) as error:
        raise TypeError(
            refusal(
                got=f"Values of type {type_!r} cannot be cached ({error})",
                allowed="must be of a type that msgspec reads back (https://msgspec.dev/supported-types.html), or a "
                "pydantic model, or one of these with None",
                fix="Choose such a type, or pass it as type=",
            )
        ) from error


def _fingerprint(type_: Any) -> str:
    """Equal for types of the same name and fields, with or without None; its end, for types of the same name."""
    if type_ is Any:
        return _ANYTHING
    if get_origin(type_) in (Union, UnionType):
        kinds = [each for each in get_args(type_) if each is not type(None)]
        type_ = Union[tuple(kinds)]  # noqa: UP007 - made at run time
    shape = msgspec.json.schema(type_, schema_hook=describe_other)
    name = msgspec.json.schema(type_, schema_hook=lambda model: {"title": model.__qualname__}) | {"$defs": None}
    return _hash([_FORMAT, shape])[:_SHAPE] + _hash(name)[: _SHAPE // 2]


def _hash(schema: Any) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()


def _checked_answers(answers: Any) -> tuple[type[Exception], ...]:
    kinds = answers if isinstance(answers, tuple) else (answers,)
    if not all(isinstance(each, type) and issubclass(each, Exception) for each in kinds):
        raise TypeError(
            refusal(
                got=f"answers={answers!r}",
                allowed="must be exception classes, as in answers=(NotFound,)",
                fix="Pass such classes, or leave it out",
            )
        )
    return kinds


def _check_seconds(name: str, seconds: float, above: float | None = None) -> None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= _LONGEST_SECONDS or seconds == above:
        minimum = "at least 0" if above is None else "more than 0"
        raise ValueError(
            refusal(
                got=f"{name}={seconds!r}",
                allowed=f"must be {minimum} and at most {_LONGEST_SECONDS} seconds (100 years)",
                fix=f"Correct {name}",
            )
        )
