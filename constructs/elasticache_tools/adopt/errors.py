"""What ends the command before it has written anything."""

from __future__ import annotations


class AdoptError(Exception):
    """The command cannot go on, and has written nothing. Its text says what to change."""


class UnreadableAccountError(AdoptError):
    """AWS does not answer, or refuses to."""
