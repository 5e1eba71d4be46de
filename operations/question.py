"""Show what is about to happen, and ask for the name of the stage before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.terminal import say
from operations.target import RefusedError
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from operations.target import Target


def ask(target: Target, facts: Mapping[str, str], *, is_agreed: bool, read: Callable[[str], str] = input) -> None:
    """Show the facts, and go on only if the name of the stage is typed.

    Args:
        target: The stage.
        facts: What will happen, by heading.
        is_agreed: Whether nothing is asked, for machines.
        read: Shows a prompt and reads a line.

    Raises:
        RefusedError: If something else is typed, or nothing can be.
    """
    shown = {
        "Account": f"{target.account} ({target.caller})",
        "Region": target.region,
        "Stage": f"{target.stage}{', with termination protection' if target.protected else ''}",
        **facts,
    }
    width = max(map(len, shown)) + 2
    for heading, text in shown.items():
        say(f"{heading:<{width}}{text}")
    if is_agreed:
        return
    try:
        typed = read("Type the name of the stage to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != target.stage:
        raise RefusedError(
            refusal(
                got=f"{typed.strip()!r} was typed",
                allowed=f"only {target.stage!r} goes on, and nothing was done",
                fix="Run it again, with ARGS=--yes where no one can type",
            )
        )
