"""Commands that the server refuses: logged once, not at each call."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Final

from elasticache_client.failures import code_of

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger(__name__)

_QUIET_SECONDS: Final = 60.0
# Whatever the key: the node is full or accepts no writes, the user may not run the command, or it does not exist.
_LASTING_CODES: Final = frozenset({"MISCONF", "NOREPLICAS", "OOM", "READONLY"})
_LASTING_TEXTS: Final = (" run the '", "can't run this command", "unknown command")
_STORING: Final = frozenset({"END_LOAD", "END_WRITE", "WRITE"})


class Refusals:
    """The commands that nodes refused.

    Each kind, by command and error, is logged if it is the first for a minute. So a full cache, where some commands
    succeed and others do not, is one line in the log and not two for each call.

    Args:
        clock: Seconds that only go forward.

    Attributes:
        lasting: When each command was last refused for a reason other than its key, if it has not succeeded since.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_at: dict[tuple[str, str], float] = {}
        self.lasting: dict[str, float] = {}

    @property
    def is_refusing(self) -> bool:
        """Whether a command that every look-up needs is refused."""
        self._forget()
        return bool(self.lasting)

    def add(self, step: str, error: Exception) -> None:
        """Record that a node refused a command."""
        now = self._clock()
        code, text = code_of(error), str(error)
        if code in _LASTING_CODES or any(each in text for each in _LASTING_TEXTS):
            self.lasting[_group(step)] = now
        kind = (step, code or type(error).__name__)
        last_at, self._last_at[kind] = self._last_at.get(kind, -math.inf), now
        if now - last_at >= _QUIET_SECONDS:
            # No more of its text, which may quote a key.
            _logger.warning("The cache refuses %s (%s): callers bypass it for that", *kind)

    def succeeded(self, step: str) -> None:
        """Record that a node ran a command."""
        self.lasting.pop(_group(step), None)
        self._forget()

    def _forget(self) -> None:
        now = self._clock()
        for step, at in list(self.lasting.items()):
            if now - at >= _QUIET_SECONDS:
                self.lasting.pop(step, None)


def _group(step: str) -> str:
    # What has room for one value has room for another one's.
    return "store" if step in _STORING else step
