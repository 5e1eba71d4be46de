"""The load of the drills tells each kind of wrong answer from a right one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from rehearsal.drills.clients import value_of, version_of
from rehearsal.drills.load import CONFIRM_EVERY, Load, WrongAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.drills.outcome import Traffic

ENOUGH = 60  # operations, after which a fault begins
OPERATIONS = 200


class Store:
    """A store in this process, with faults.

    Attributes:
        values: What it holds.
        operations: How many operations it has done.
        is_replicating: Whether a replica confirms writes.
    """

    def __init__(self, *, is_replicating: bool = True) -> None:
        self.values: dict[str, str] = {}
        self.operations = 0
        self.is_replicating = is_replicating
        self.enough = threading.Event()
        self.has_failed = False
        self.lock = threading.Lock()

    def write(self, key: str, version: int) -> None:
        """Write as the store does."""
        self.count()
        self.values[key] = value_of(key, version)

    def read(self, key: str) -> int | None:
        """Read as the store does."""
        self.count()
        return version_of(key, self.values.get(key))

    def is_replicated(self, key: str, version: int) -> bool:
        """Write, and confirm it or not."""
        self.write(key, version)
        return self.is_replicating

    def close(self) -> None:
        """Nothing is open."""

    def count(self) -> None:
        """Count one operation."""
        self.operations += 1
        if self.operations >= OPERATIONS:
            self.enough.set()

    def fails_now(self) -> bool:
        """Whether the fault happens now, which it does once."""
        with self.lock:
            due = self.operations >= ENOUGH and not self.has_failed
            self.has_failed = self.has_failed or due
            return due


class Forgetful(Store):
    """Loses all values once, when one has just been confirmed by a replica."""

    def is_confirmed(self, key: str) -> bool:
        """Whether the load asked for a confirmation of the key's value."""
        return (version_of(key, self.values.get(key)) or 1) % CONFIRM_EVERY == 0

    def read(self, key: str) -> int | None:
        """Read as the store does."""
        if self.is_confirmed(key) and self.fails_now():
            self.values.clear()
        return super().read(key)


class Confused(Store):
    """Answers once with the value of another key."""

    def read(self, key: str) -> int | None:
        """Read as the store does."""
        if self.fails_now():
            self.count()
            return version_of(key, value_of("another", 1))
        return super().read(key)


class Prophetic(Store):
    """Answers once with a version that was never written."""

    def read(self, key: str) -> int | None:
        """Read as the store does."""
        version = super().read(key)
        return 10_000 if self.fails_now() else version


class Silent(Store):
    """Accepts a write that it does not do."""

    def write(self, key: str, version: int) -> None:
        """Write as the store does."""
        is_written_again = version % CONFIRM_EVERY == 0
        if is_written_again or not self.fails_now():
            super().write(key, version)


class Failing(Store):
    """Fails once."""

    def write(self, key: str, version: int) -> None:
        """Write as the store does."""
        super().write(key, version)
        is_confirmed = version % CONFIRM_EVERY == 0  # a confirmation that fails is no failed operation
        if not is_confirmed and self.fails_now():
            raise ConnectionError("gone")


def traffic(store: Store, *, reconnecting: int = 0) -> Traffic:
    """What two clients of a store see until it has done enough operations."""
    clients: list[Callable[[], Store]] = [lambda: store] * 2
    with Load(clients, prefix="key", reconnecting=reconnecting) as load:
        load.event("began")
        assert store.enough.wait(60)
    return load.traffic()


@pytest.mark.parametrize("reconnecting", [0, 2])
def test_right_answers_are_no_failures(reconnecting: int) -> None:
    """Nothing is counted against a store without a fault, and every key is read back."""
    seen = traffic(Store(), reconnecting=reconnecting)
    assert (0, 0, 0, 0) == (seen.failed, seen.wrong, seen.lost, seen.lost_replicated)
    assert seen.read_back == 32
    assert sum(sample.operations for sample in seen.samples) == seen.operations
    assert ["began"] == [event.text for event in seen.events]


def test_a_lost_write_is_counted() -> None:
    """A value that is gone counts as lost once, and as replicated if a replica had confirmed it."""
    seen = traffic(Forgetful())
    assert 0 < seen.lost <= 32
    assert seen.lost_replicated > 0
    assert (0, 0) == (seen.failed, seen.wrong)


def test_a_lost_write_that_no_replica_confirmed_is_told_apart() -> None:
    """Without a replica's confirmation, a lost write is no broken promise of replication."""
    seen = traffic(Forgetful(is_replicating=False))
    assert seen.lost > 0
    assert seen.lost_replicated == 0


@pytest.mark.parametrize("store", [Confused, Prophetic])
def test_a_value_that_no_client_wrote_is_wrong(store: type[Store]) -> None:
    """Another key's value, and a version from the future, are wrong answers."""
    seen = traffic(store())
    assert (1, 0) == (seen.wrong, seen.failed)
    assert sum(sample.wrong for sample in seen.samples) == 1


def test_an_old_value_is_a_lost_write() -> None:
    """A write that was acknowledged and not done is found by the next read of its key."""
    assert traffic(Silent()).lost == 1


def test_a_failure_is_counted_by_its_message() -> None:
    """A failed operation is counted once, and is no lost write even if it took effect."""
    seen = traffic(Failing())
    assert {"ConnectionError: gone": 1} == dict(seen.errors)
    assert (0, 0) == (seen.wrong, seen.lost)


@pytest.mark.parametrize(
    "value", ["1:0123456789abcdef", "nonsense", "", value_of("other", 1), value_of("key", 1) + " "]
)
def test_values_are_recomputed(value: str) -> None:
    """A value is right only for its key and its version."""
    assert version_of("key", value_of("key", 7)) == 7
    assert version_of("key", None) is None
    with pytest.raises(WrongAnswer, match="key"):
        version_of("key", value)
