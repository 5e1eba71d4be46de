"""When the current version was promoted, and whether the one before it is retired.

Secrets Manager does not date the move of a label: a version's CreatedDate lies before its promotion, and the secret's
LastChangedDate moves with every other change, RotateSecret among them. So the time is kept as a tag on the secret,
written after the promotion and naming the version. Whoever finds no record of the current version writes one with the
present time. A record can therefore be late, never early; lost or edited, it only makes the grace time longer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAG = "elasticache-rotation"


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

    def text(self) -> str:
        """The tag's value."""
        return f"{self.version} {'retired' if self.retired else 'promoted'} {self.promoted}"
