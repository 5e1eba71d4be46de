"""Events of caches: their names, and what each means for the people who run the cache."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from elasticache_rules.facts.records import Source, read, source

Channel = Literal["sns", "eventbridge"]
"""How events are published: those of nodes to an SNS topic, those of serverless caches to EventBridge."""

_PREFIX: dict[Channel, str] = {"sns": "ElastiCache:", "eventbridge": ""}


class Meaning(Enum):
    """What an event means for the people who run the cache."""

    FAILURE = "failure"
    """An operation failed, and fails again until a person acts."""
    ATTENTION = "attention"
    """A person should know of it, and may have to act: a node failed, is replaced soon, or has an update."""
    INFORMATION = "information"
    """An operation has ended as it should."""
    ROUTINE = "routine"
    """As information, and frequent: each day, or for each node of a deployment."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that ElastiCache publishes.

    Args:
        name: The key in the SNS message, for example ``ElastiCache:SnapshotFailed``, or the ``detail-type`` in
            EventBridge, for example ``Snapshot Creation Failed``.
        meaning: What it means for the people who run the cache.
        text: What happened, in words.
        source: Where it is written.
    """

    name: str
    meaning: Meaning
    text: str
    source: Source


def events(channel: Channel, *meanings: Meaning) -> tuple[Event, ...]:
    """The events of one channel.

    Args:
        channel: ``sns`` for replication groups and Memcached clusters, ``eventbridge`` for serverless caches.
        meanings: Only events with these meanings. Default: all.
    """
    known = read("events")[channel]
    wanted = meanings or tuple(Meaning)
    return tuple(
        Event(_PREFIX[channel] + name, meaning, each["text"], source(known["source"]))
        for name, each in known["events"].items()
        if (meaning := Meaning(each["meaning"])) in wanted
    )
