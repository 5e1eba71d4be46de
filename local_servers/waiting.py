"""Wait for what another process or thread brings about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.02


def wait_until(condition: Callable[[], bool], what: str, seconds: float = LIMIT_SECONDS) -> None:
    """Wait until a condition holds.

    Args:
        condition: Asked every 20 ms; what it raises ends the waiting.
        what: The condition as a clause for the error, such as "the server answers".
        seconds: How long to wait at most.

    Raises:
        TimeoutError: If the condition does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(_PAUSE_SECONDS)
