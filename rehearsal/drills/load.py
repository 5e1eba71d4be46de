"""Clients that write and read all the while, and that can tell a wrong answer from a right one."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol, Self

from rehearsal.drills.outcome import Event, Sample, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

KEYS = 16  # of each client; it writes them in turn
BUCKET_SECONDS = 0.1
PAUSE_SECONDS = 0.004  # between operations, so that the load leaves the machine to what it measures
AFTER_ERROR_SECONDS = 0.02
CONFIRM_EVERY = 5  # writes; it shares no factor with the number of keys, so each key has its turn
JOIN_SECONDS = 60
MESSAGE_LENGTH = 110


class WrongAnswer(Exception):  # noqa: N818 - it is no error of the client's
    """A key has a value that no client ever wrote to it."""


class Client(Protocol):
    """What a load does its work with. Each thread has its own."""

    def write(self, key: str, version: int) -> None:
        """Write the value of this version, which can be computed from key and version."""

    def read(self, key: str) -> int | None:
        """The version that the key has; None if it has none.

        Raises:
            WrongAnswer: If the value belongs to another key, or no client wrote it.
        """

    def is_replicated(self, key: str, version: int) -> bool:
        """Write it once more, and say whether a replica confirms it. May raise what `write` raises."""

    def close(self) -> None:
        """Close its connections."""


@dataclass
class _Key:
    """What is known of one key."""

    attempted: int = 0
    acknowledged: int = 0
    replicated: int = 0


@dataclass
class _Counts:
    """What all clients have seen so far."""

    operations: int = 0
    wrong: int = 0
    lost: int = 0
    lost_replicated: int = 0
    confirmed: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class Load:
    """Threads with a client each, from the beginning of the block to its end; then every key is read back.

    Args:
        clients: Makes the client of a thread; one for each.
        prefix: Beginning of all keys.
        reconnecting: How many of the clients, counted from the last, connect again for each operation.
        keys: How many keys each client has.
        pause: Seconds between two operations of a client.
    """

    def __init__(
        self,
        clients: Sequence[Callable[[], Client]],
        *,
        prefix: str,
        reconnecting: int = 0,
        keys: int = KEYS,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._clients = clients
        self._prefix = prefix
        self._steady = len(clients) - reconnecting
        self._keys = keys
        self._pause = pause
        self._known: dict[str, _Key] = defaultdict(_Key)
        self._counts = _Counts()
        self._seen: list[tuple[float, float, str]] = []  # when, how long, "" or "error" or "wrong"
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began = 0.0
        self._read_back = 0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for number, make in enumerate(self._clients):
            thread = threading.Thread(target=self._work, args=(number, make), name=f"load-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        if kind is None:
            self._compare_all()

    def event(self, text: str) -> None:
        """Note what happens now."""
        self._events.append(Event(round(self._elapsed(), 3), text))

    @property
    def answered(self) -> int:
        """How many operations have succeeded so far."""
        with self._lock:
            return self._counts.operations - self._counts.errors.total()

    def traffic(self) -> Traffic:
        """What the clients have seen."""
        with self._lock:
            counts = self._counts
            return Traffic(
                clients=len(self._clients),
                operations=counts.operations,
                errors=dict(counts.errors.most_common()),
                wrong=counts.wrong,
                lost=counts.lost,
                lost_replicated=counts.lost_replicated,
                confirmed=counts.confirmed,
                read_back=self._read_back,
                samples=tuple(_samples(self._seen)),
                events=tuple(self._events),
            )

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _work(self, number: int, make: Callable[[], Client]) -> None:
        client: Client | None = None
        turn = 0
        while not self._stop.is_set():
            key = f"{self._prefix}:{number}:{turn % self._keys}"
            turn += 1
            began = time.monotonic()
            try:
                if client is None:
                    client = make()
                self._write_and_read(client, key, turn)
            except WrongAnswer as wrong:
                self._note(began, "wrong", str(wrong))
            except Exception as error:  # noqa: BLE001 - each kind of failure is counted
                self._note(began, "error", f"{type(error).__name__}: {error}")
                self._stop.wait(AFTER_ERROR_SECONDS)
            if client is not None and number >= self._steady:
                client.close()
                client = None
            self._stop.wait(self._pause)
        if client is not None:
            client.close()

    def _write_and_read(self, client: Client, key: str, version: int) -> None:
        known = self._known[key]
        known.attempted = version
        began = time.monotonic()
        client.write(key, version)
        known.acknowledged = version
        self._note(began, "")
        if version % CONFIRM_EVERY == 0 and self._replicates(client, key, version):
            known.replicated = version
            with self._lock:
                self._counts.confirmed += 1
        began = time.monotonic()
        self._judge(key, client.read(key))
        self._note(began, "")

    def _replicates(self, client: Client, key: str, version: int) -> bool:
        try:
            return client.is_replicated(key, version)
        except Exception:  # noqa: BLE001 - not confirmed; the next write counts the failure
            return False

    def _judge(self, key: str, version: int | None) -> None:
        """Compare what a key has with what is known of it; a loss counts once."""
        known, found = self._known[key], version or 0
        if found > known.attempted:
            raise WrongAnswer(f"{key} has version {found}, and {known.attempted} is the newest that was written")
        if found < known.acknowledged:
            with self._lock:
                self._counts.lost += 1
                self._counts.lost_replicated += found < known.replicated
        known.acknowledged, known.replicated = found, min(found, known.replicated)

    def _note(self, began: float, kind: str, message: str = "") -> None:
        now = time.monotonic()
        with self._lock:
            self._seen.append((now - self._began, now - began, kind))
            self._counts.operations += 1
            if kind == "wrong":
                self._counts.wrong += 1
            elif kind == "error":
                self._counts.errors[" ".join(message.split())[:MESSAGE_LENGTH]] += 1

    def _compare_all(self) -> None:
        """Read every key once more, with a new client."""
        if not self._clients:
            return
        client = self._clients[0]()
        try:
            for key in sorted(self._known):
                self._judge_at_end(client, key)
        finally:
            client.close()

    def _judge_at_end(self, client: Client, key: str) -> None:
        began = time.monotonic()
        try:
            self._judge(key, client.read(key))
            self._read_back += 1
        except WrongAnswer as wrong:
            self._note(began, "wrong", str(wrong))
        except Exception as error:  # noqa: BLE001 - each kind of failure is counted
            self._note(began, "error", f"{type(error).__name__}: {error}")


def _samples(seen: Sequence[tuple[float, float, str]]) -> Iterator[Sample]:
    buckets: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for when, took, kind in seen:
        buckets[int(when / BUCKET_SECONDS)].append((took * 1000, kind))
    for number, items in sorted(buckets.items()):
        times = [took for took, _kind in items]
        yield Sample(
            second=round(number * BUCKET_SECONDS, 1),
            operations=len(items),
            errors=sum(kind == "error" for _took, kind in items),
            wrong=sum(kind == "wrong" for _took, kind in items),
            median_ms=round(median(times), 2),
            worst_ms=round(max(times), 2),
        )
