"""What a user's password and a group's AuthToken have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .secret import Login


@dataclass(frozen=True, slots=True)
class State:
    """What the service reports of it."""

    changing: str | None
    """Why it cannot be changed now, for example because another change is still under way; None if it can."""
    groups: tuple[str, ...]
    """The replication groups that accept it."""
    serverless: tuple[str, ...] = ()
    """The serverless caches that accept it."""
    passwords: int | None = None
    """How many passwords there are; None if the service does not report it."""


class Credential(Protocol):
    """A password that the service stores. It accepts two at a time."""

    keeps_abandoned: bool
    """Whether passwords that a call does not name stay accepted when another is added."""

    def state(self) -> State:
        """Read its state.

        Raises:
            Refused: If it is not what this function is configured for.
        """

    def accept_both(self, pending: Login, current: Login) -> None:
        """Make the cache accept both the current and the pending password."""

    def keep_only(self, login: Login, *, newest: bool) -> None:
        """Make the cache accept this password only.

        Args:
            login: The password to keep.
            newest: Whether it is the one that was added last.
        """
