"""Whether the writes of a Valkey group survive the failure of its nodes."""

from __future__ import annotations

from dataclasses import dataclass

from elasticache_constructs.checks.errors import ConfigurationError

_MODES = ("sync", "async", "disabled")


@dataclass(frozen=True, slots=True)
class Durability:
    """Whether writes are kept in a log that spans Availability Zones: `sync`, `asynchronous` or `disabled`.

    It needs Valkey 9.0, cluster mode with a replica in each shard, required TLS, and node types that have it. Each
    primary then takes about 100 MiB of writes a second, and is throttled beyond it.

    Changed in place, in a deployment that changes nothing else of the group: docs/runbooks/durability.md.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Durability.html
    """

    mode: str
    """``sync``, ``async`` or ``disabled``, as the service names them."""

    def __post_init__(self) -> None:
        """Refuse an unknown mode."""
        if self.mode not in _MODES:
            raise ConfigurationError(
                got=f"Durability({self.mode!r})",
                allowed="writes are durable before they are answered, after it, or not at all",
                fix="Use Durability.sync(), Durability.asynchronous() or Durability.disabled()",
                rule="DUR-01",
            )

    @classmethod
    def sync(cls) -> Durability:
        """A write is answered once it is in the log: no answered write is lost, and each takes milliseconds more.

        AWS charges for each node in addition: docs/cost.md.
        """
        return cls("sync")

    @classmethod
    def asynchronous(cls) -> Durability:
        """A write is answered at once: a failure loses up to the last 10 seconds of them.

        A primary whose oldest write is not in the log after 10 seconds refuses writes until it is: clients have to try
        again. The alarms `CacheAlarm.DURABILITY_LAG` and `CacheAlarm.DURABILITY_REFUSALS` tell of it.
        """
        return cls("async")

    @classmethod
    def disabled(cls) -> Durability:
        """No log, which is the default. State it for a group that was durable, or is restored from such a snapshot.

        A snapshot keeps the mode of its group, and a group that is restored from it gets that mode unless another is
        stated.
        """
        return cls("disabled")

    def __str__(self) -> str:
        """How it is written."""
        return f"Durability.{'asynchronous' if self.is_asynchronous else self.mode}()"

    @property
    def is_on(self) -> bool:
        """Whether there is a log."""
        return self.mode != "disabled"

    @property
    def is_asynchronous(self) -> bool:
        """Whether writes are answered before they are in the log."""
        return self.mode == "async"
