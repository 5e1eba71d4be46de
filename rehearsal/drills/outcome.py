"""What a drill found: its checks, and what its clients saw over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from verification.posture import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["passed", "failed", "not applicable", "not run"]
"""`not applicable`: the stage has nothing to try it on. `not run`: it has, and the rehearsal could not try it."""


@dataclass(frozen=True)
class Sample:
    """What the clients of a drill saw in a tenth of a second.

    Attributes:
        second: When it began, in seconds since the load began.
        operations: How many writes and reads ended in it.
        errors: How many of them failed.
        wrong: How many reads returned a wrong value.
        median_ms: Median time of an operation, in milliseconds.
        worst_ms: Longest time of an operation, in milliseconds.
    """

    second: float
    operations: int
    errors: int
    wrong: int
    median_ms: float
    worst_ms: float


@dataclass(frozen=True)
class Event:
    """Something that happened during a drill.

    Attributes:
        second: When, in seconds since the load began.
        text: What.
    """

    second: float
    text: str


@dataclass(frozen=True)
class Traffic:
    """The load of a drill.

    Attributes:
        clients: How many clients there were.
        operations: How many writes and reads they made.
        errors: How many failed, by the class and the beginning of the message.
        wrong: Reads that returned a value that no client ever wrote to that key.
        lost: Acknowledged writes that a later read did not find.
        lost_replicated: Those of them that a replica had confirmed.
        confirmed: Writes that a replica confirmed.
        read_back: Keys whose last acknowledged write was compared at the end.
        samples: What the clients saw over time.
        events: What happened meanwhile.
    """

    clients: int
    operations: int
    errors: Mapping[str, int]
    wrong: int
    lost: int
    lost_replicated: int
    confirmed: int
    read_back: int
    samples: tuple[Sample, ...]
    events: tuple[Event, ...]

    @property
    def failed(self) -> int:
        """How many writes and reads failed."""
        return sum(self.errors.values())

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Traffic:
        """The load from its JSON form."""
        samples = tuple(Sample(**item) for item in document["samples"])
        return cls(**{**document, "samples": samples, "events": tuple(Event(**item) for item in document["events"])})


@dataclass(frozen=True)
class Outcome:
    """The end of a drill.

    Attributes:
        name: Name of the drill, as `DRILLS=` takes it.
        title: What is tried.
        promise: What must hold.
        status: How it ended.
        reason: Why it does not apply, was not run, or ended early; empty otherwise.
        seconds: How long it took.
        checks: What it checked; the property of each is one promise.
        traffic: The loads, if it had any.
        causes: What the account refused meanwhile, if the drill failed.
    """

    name: str
    title: str
    promise: str
    status: Status
    reason: str
    seconds: float
    checks: tuple[Check, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.ok)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Outcome:
        """The outcome from its JSON form."""
        checks = tuple(Check(**item) for item in document["checks"])
        traffic = tuple(Traffic.of(item) for item in document["traffic"])
        return cls(**{**document, "checks": checks, "traffic": traffic, "causes": tuple(document["causes"])})
