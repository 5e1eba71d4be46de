"""When the current version was promoted, and whether the one before it is retired.

Secrets Manager does not date the move of a label: a version's CreatedDate lies before its promotion, and the secret's
LastChangedDate moves with every other change, RotateSecret among them. So the time is kept as a tag on the secret,
written after the promotion and naming the version. A step that finds no record of the current version writes one with
the present time. A record can therefore be late, never early.

A principal that may tag the secret can write another record. It is accepted only within the version's own dates: not
from before the version was created, not from the future, and not retired before the grace time is over. A record that
is not accepted counts as lost, which makes the grace time longer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAG = "elasticache-rotation"

_SKEW_SECONDS = 300  # between this clock and Secrets Manager's


@dataclass(frozen=True, slots=True)
class Record:
    """What the tag says."""

    version: str
    promoted: int
    """Seconds since the epoch."""
    retired: bool = False

    @classmethod
    def parse(cls, text: str) -> Record | None:
        """Read a tag's value; None when it is not one of ours."""
        found = re.fullmatch(r"(\S+) (promoted|retired) (\d{1,12})", text)
        return cls(found[1], int(found[3]), retired=found[2] == "retired") if found else None

    def believed(self, *, created: float | None, now: float, grace_seconds: float) -> Record | None:
        """The record itself, or None if it cannot be true.

        Args:
            created: When the version was made. Not known, or ahead of this clock, it limits nothing.
            now: The present time.
            grace_seconds: How long the password before it is kept.
        """
        earliest = int(created) if created is not None and created <= now + _SKEW_SECONDS else self.promoted
        latest = now - grace_seconds if self.retired else now + _SKEW_SECONDS
        return self if earliest <= self.promoted <= latest else None

    def text(self) -> str:
        """The tag's value."""
        return f"{self.version} {'retired' if self.retired else 'promoted'} {self.promoted}"
