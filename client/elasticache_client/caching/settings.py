"""The settings that hold for every key of a cache."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from elasticache_client.messages import refusal

_PREFIX = re.compile(r"[\w.:-]+", re.ASCII)
_LONGEST_LEASE = 3600
_MAX_EARLY = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The checked settings; `Cache` describes them.

    Raises:
        ValueError: If one is out of range.
    """

    prefix: str
    lease: float
    jitter: float
    early: float
    bypass_limit: int
    bypass_wait: float

    def __post_init__(self) -> None:
        checks = {
            "prefix": (_PREFIX.fullmatch(self.prefix), "at least one character: letters, digits, or _ . : -"),
            "lease": (0 < self.lease <= _LONGEST_LEASE, f"more than 0 and at most {_LONGEST_LEASE} seconds"),
            "jitter": (0 <= self.jitter < 1, "at least 0 and less than 1"),
            "early": (
                0 <= self.early <= _MAX_EARLY,
                f"0 for never, 1 for the usual chance, or more, at most {_MAX_EARLY:,}",
            ),
            "bypass_limit": (isinstance(self.bypass_limit, int) and self.bypass_limit >= 1, "at least 1 load"),
            "bypass_wait": (0 <= self.bypass_wait <= threading.TIMEOUT_MAX, "at least 0 seconds"),
        }
        for name, (holds, allowed) in checks.items():
            if not holds:
                got = f"{name}={getattr(self, name)!r}"
                raise ValueError(refusal(got=got, allowed=f"must be {allowed}", fix=f"Correct the cache's {name}"))
