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
    """Why it cannot be changed now, or may not be what it was asked to be yet."""
    groups: tuple[str, ...]
    """The replication groups that accept it."""
    passwords: int | None = None
    """How many there are; None where the service does not say."""


class Credential(Protocol):
    """A password that the service holds, of which it takes two at a time."""

    keeps_strays: bool
    """Whether passwords that nobody names stay accepted when another is added."""

    def state(self) -> State:
        """Look at it.

        Raises:
            Refused: When it is not what this function is configured for.
        """

    def accept_both(self, pending: Login, current: Login) -> None:
        """Have the current password accepted, and the pending one beside it."""

    def keep_only(self, login: Login, *, newest: bool) -> None:
        """Have this password accepted and no other.

        Args:
            login: The password to keep.

            newest: Whether it is the one that was added last.
        """
