"""Exceptions that are answers of the database: they reach every caller as they are."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client.caching import LoadFailed
from tests.client.caching.callers import LONG_LEASE, PREFIX, Crowd, new_key
from tests.client.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.caching.callers import Face
    from tests.client.sessions.caches import Cache as Place

every_kind = pytest.mark.parametrize("kind", KINDS)


class NotFoundError(Exception):
    """There is none."""


class GoneError(NotFoundError):
    """There was one."""


def _not_found() -> Any:
    raise GoneError("pear")


@every_kind
def test_every_caller_hears_the_answer(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """Callers of one process share it, those of another one ask themselves; it counts as no failure."""
    faces, key = [open_face(valkey, kind, lease=LONG_LEASE) for _ in range(2)], new_key()
    answers = []
    before = time.monotonic()
    for face in faces:
        crowd = Crowd(10, face)
        ask = partial(face.cache.get_or_load, key, crowd.loader(_not_found), ttl=60, answers=(NotFoundError,))
        answers += crowd(lambda _, ask=ask: ask())  # type: ignore[misc]
    assert [repr(each.error) for each in answers] == ["GoneError('pear')"] * 20
    assert time.monotonic() - before < LONG_LEASE
    # One for those who asked before it began, and one for the others.
    assert [face.stats.loads <= 2 for face in faces] == [True, True]
    assert [face.stats.errors for face in faces] == [0, 0]


@every_kind
def test_the_lease_is_handed_back(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """Who asks next asks the database, and what is there now is cached."""
    face, key = open_face(valkey, kind, lease=LONG_LEASE), new_key()
    with pytest.raises(GoneError):
        face.function(key, _not_found, answers=NotFoundError)
    assert [face.function(key, lambda: 1), face.function(key, _not_found)] == [1, 1]


@every_kind
def test_many(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """The leases of all keys are handed back."""
    face, keys = open_face(valkey, kind, lease=LONG_LEASE), [new_key(), new_key()]
    with pytest.raises(GoneError):
        face("get_or_load_many", keys, face.loader(lambda _: _not_found()), ttl=60, answers=(NotFoundError,))
    found = face("get_or_load_many", keys, face.loader(lambda keys: dict.fromkeys(keys, 1)), ttl=60)
    assert found == dict.fromkeys(keys, 1)


@every_kind
def test_other_exceptions_are_failures(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """For them the lease still protects the database."""
    face, key = open_face(valkey, kind), new_key()
    with pytest.raises(GoneError):
        face.get(key, _not_found, answers=(KeyError,))
    with pytest.raises(LoadFailed, match="GoneError"):
        face.get(key, lambda: 1, answers=(KeyError,))


@every_kind
def test_an_answer_is_newer_than_what_is_there(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """At a refresh it takes the old value away, and is no reason to go on serving it."""
    face, key = open_face(valkey, kind), new_key()
    face.get(key, lambda: 1, ttl=0.001, stale_for=60)
    time.sleep(0.01)
    with pytest.raises(GoneError):
        face.get(key, _not_found, ttl=60, stale_for=60, answers=(NotFoundError,))
    assert valkey.nodes[0].admin.exists(f"{PREFIX}:{{{key}}}") == 0


def test_who_asks_after_a_write_does_not_hear_the_answer_before(valkey: Place, open_face: Callable[..., Face]) -> None:
    """A load that began before a row was there is no answer for a caller that asks when it is."""
    face, key = open_face(valkey), new_key()
    rows: list[int] = []
    crowd, looked = Crowd(2, face), threading.Event()

    def load() -> Any:
        found = list(rows)
        looked.set()
        crowd.rest()
        return found[0] if found else _not_found()

    def look_up(number: int) -> Any:
        if number == 1:
            assert looked.wait(60)
            rows.append(1)
        return face.cache.get_or_load(key, load, ttl=60, answers=(NotFoundError,))

    answers = crowd(look_up)
    assert sorted(repr(each.error or each.value) for each in answers) == ["1", "GoneError('pear')"]


@pytest.mark.parametrize(
    "answers", [BaseException, (KeyboardInterrupt,), ("NotFound",), [KeyError], KeyError("a"), 404]
)
def test_answers_are_classes_of_exceptions(answers: Any, valkey: Place, open_face: Callable[..., Face]) -> None:
    """Anything else is refused, with how to write it."""
    with pytest.raises(TypeError, match=r"answers"):
        open_face(valkey).get(new_key(), lambda: 1, answers=answers)
