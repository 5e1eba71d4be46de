"""The exception of the gate."""

from __future__ import annotations


class GateError(Exception):
    """The gate cannot judge, because an input is missing or unreadable.

    Its text is one line: what was received, what is allowed, and the change that fixes it. The command exits with 2.
    """
