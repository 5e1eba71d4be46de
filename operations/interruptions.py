"""Signals that end an operation: not while it makes something, or it would not know what to delete."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from elasticache_rules.terminal import SIGNALS, Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interruptions:
    """Raises `Interrupted` at a signal, or at the end of a block in which it must not.

    What was made is deleted first. A further signal gives up what is deleted then.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._came: int | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals for as long as the block lasts."""
        before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no signal interrupt the block.

        Raises:
            Interrupted: If one came, at the end.
        """
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._came is not None and not self._depth:
            number, self._came = self._came, None
            raise Interrupted(number)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._depth:
            self._came = number
            return
        raise Interrupted(number)


interruptions = Interruptions()
"""Those of this process."""
