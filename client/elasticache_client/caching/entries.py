"""What stands in the cache: a value, its type's fingerprint and its times, as one MessagePack array."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from functools import lru_cache
from typing import Any, Generic, TypeVar, Union, get_args

import msgspec

T = TypeVar("T")

_FORMAT = 1
_ANYTHING = ""
_LONGEST_SECONDS = 3_155_760_000
_MOST_LOADS = 40  # more than the logarithm of any chance there is


class Entry(msgspec.Struct, Generic[T], array_like=True, frozen=True, gc=False):
    """A value as it is stored.

    Attributes:
        fingerprint: of the type it was stored as; empty for any.
        fresh_until: seconds since 1970, on the clock of the machine that stored it.
        load_seconds: how long the load took.
        value: the value.
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
        chance = 1 - random.random()  # noqa: S311  # no secret
        return left <= -math.log(chance) * early * self.load_seconds

    def window(self, early: float) -> float:
        """The seconds before its end in which it may be due."""
        return _MOST_LOADS * early * self.load_seconds


class Policy(Generic[T]):
    """How one kind of value is cached.

    Args:
        type_: the values' type, as msgspec knows types; ``Any`` for plain lists, dicts and scalars, unchecked.
        ttl: seconds for which a value is fresh.
        missing_ttl: the same for None. Default: as for values.
        stale_for: seconds for which a value may be served beyond its ttl.

    Attributes:
        shape: the same where one caller's result is fit for another.

    Raises:
        ValueError: a number of seconds makes no sense.
        TypeError: msgspec cannot read the type back.
    """

    def __init__(self, type_: Any, ttl: float, missing_ttl: float | None, stale_for: float) -> None:
        _check_seconds("ttl", ttl, above=0)
        _check_seconds("missing_ttl", ttl if missing_ttl is None else missing_ttl, above=0)
        _check_seconds("stale_for", stale_for)
        self.stale_for = stale_for
        self._ttl = ttl
        self._missing_ttl = ttl if missing_ttl is None else missing_ttl
        self._decoder: msgspec.msgpack.Decoder[Entry[T]]
        self._decoder, self._fingerprint = _coding(type_)
        self.shape = (self._decoder, stale_for)

    def decode(self, content: bytes | None) -> Entry[T] | None:
        """The entry, or None where there is none, or one of another type or version, or something else."""
        if content is None:
            return None
        try:
            entry = self._decoder.decode(content)
        except Exception:  # noqa: BLE001  # a class's own checks may raise anything, and none of it is the reader's fault
            return None
        if entry.fingerprint == self._fingerprint or _ANYTHING in (entry.fingerprint, self._fingerprint):
            return entry
        return None

    def value(self, content: bytes) -> T:
        """The value in content that is known to hold an entry of this type."""
        return self._decoder.decode(content).value

    def encode(self, value: Any, load_seconds: float, jitter: float) -> tuple[bytes, int]:
        """What to store, and for how many milliseconds.

        Raises:
            TypeError: the value is not of the type.
        """
        ttl = self._missing_ttl if value is None else self._ttl
        ttl *= 1 - jitter * random.random()  # noqa: S311  # chance, no secret
        entry = Entry(self._fingerprint, time.time() + ttl, load_seconds, value)
        # Reading it back at once tells a wrong annotation from what would be a miss for ever.
        try:
            content = msgspec.msgpack.encode(entry)
            self._decoder.decode(content)
        except (msgspec.MsgspecError, TypeError, OverflowError) as error:
            raise TypeError(
                f"A value of type {type(value).__name__} is to be cached, and does not fit the type declared for it "
                f"({error}). Allowed: what msgspec reads back as that type. Correct the annotation, or pass type=."
            ) from error
        return content, math.ceil((ttl + self.stale_for) * 1000)


@lru_cache(maxsize=1024)
def policy(type_: Any, ttl: float, missing_ttl: float | None, stale_for: float) -> Policy[Any]:
    """The same policy for the same arguments: making one costs more than a hit."""
    return Policy(type_, ttl, missing_ttl, stale_for)


@lru_cache(maxsize=1024)
def _coding(type_: Any) -> tuple[msgspec.msgpack.Decoder[Any], str]:
    """How a type is read, and its fingerprint: these take long to make, and a ttl may be another one at each call."""
    return msgspec.msgpack.Decoder(Entry[type_]), _fingerprint(type_)


def _fingerprint(type_: Any) -> str:
    """The same for two types with the same names and fields, with or without None; it changes when a field does."""
    if type_ is Any:
        return _ANYTHING
    kinds = [each for each in get_args(type_) if each is not type(None)]
    if type(None) in get_args(type_) and kinds:
        type_ = Union[tuple(kinds)]  # noqa: UP007  # made at run time
    schema = json.dumps([_FORMAT, msgspec.json.schema(type_)], sort_keys=True)
    return hashlib.sha256(schema.encode()).hexdigest()[:8]


def _check_seconds(name: str, seconds: float, above: float | None = None) -> None:
    if not 0 <= seconds <= _LONGEST_SECONDS or seconds == above:
        allowed = "from 0" if above is None else "more than 0"
        raise ValueError(
            f"{name}={seconds!r}. Allowed: seconds, {allowed} up to {_LONGEST_SECONDS}, a hundred years. "
            f"Correct {name}."
        )
