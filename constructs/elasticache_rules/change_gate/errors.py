"""The one exception of the gate."""

from __future__ import annotations


class GateError(Exception):
    """The gate cannot judge: something that it was given is missing or unreadable.

    Its text is one line: what was got, what is allowed, and the change that fixes it. The command exits with 2.
    """
