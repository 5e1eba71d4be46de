"""Changes that are allowed: ``allowed-changes.toml``, committed and reviewed with the change itself."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from elasticache_rules.change_gate.changes import Changes
from elasticache_rules.change_gate.errors import GateError
from elasticache_rules.reasons import SHORTEST_REASON, is_reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

Allowances = dict[str, dict[str, str]]
"""Reasons by stack and logical id."""


def read_allowances(file: Path) -> Allowances:
    """Read the file: a table for every stack, with a reason for every logical id.

    .. code-block:: toml

        [prod-cache-redis]
        RedisFF642DF2 = "restored into the new key's group on 2026-11-30, see docs/runbooks/snapshot-and-restore.md"

    Returns:
        The allowances; empty if there is no such file.

    Raises:
        GateError: If it is not of that form, or a reason has fewer than 20 characters.
    """
    if not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise GateError(f"{file} is not TOML: {error}. Write a table for every stack") from error
    for stack, reasons in tables.items():
        if not isinstance(reasons, dict):
            raise GateError(f'{file}: {stack} is no table. Write [stack name], and LogicalId = "reason" below it')
        for logical_id, reason in reasons.items():
            if not is_reason(reason):
                raise GateError(
                    f"{file}: {stack}.{logical_id} has the reason {reason!r}; "
                    f"a reason has {SHORTEST_REASON} characters at least. "
                    "Write why the change is right, so that it can be reviewed"
                )
    return tables


def stopped(changes: Changes, allowances: Allowances, everywhere: Collection[str] = ()) -> Changes:
    """The changes that block a deployment and are not allowed.

    Args:
        changes: All changes.
        allowances: By stack and logical id.
        everywhere: Logical ids that are allowed in every stack. Default: none.
    """
    return Changes(
        tuple(
            each
            for each in changes.blocking(everywhere)
            if each.resource not in allowances.get(_parent(each.stack), {})
        )
    )


def check_all_used(
    changes: Changes, allowances: Allowances, everywhere: Collection[str], compared: Collection[str]
) -> None:
    """Refuse allowances that match no change, so that none stays for a later one.

    Args:
        changes: All changes.
        allowances: By stack and logical id.
        everywhere: Logical ids that are allowed in every stack.
        compared: Names of the stacks that were compared; allowances for others are left alone.

    Raises:
        GateError: If an allowance matches no change.
    """
    used = {(_parent(each.stack), each.resource) for each in changes.blocking()}
    unused = [
        f"{stack}.{logical_id}"
        for stack, reasons in allowances.items()
        for logical_id in reasons
        if stack in compared and (stack, logical_id) not in used
    ]
    unused += [each for each in everywhere if each not in {logical_id for _, logical_id in used}]
    if unused:
        raise GateError(
            f"nothing is stopped at {', '.join(unused)}, and yet it is allowed. Take it out; if its change is already "
            "committed, compare with what is deployed, or with a revision before it: --base"
        )


def _parent(stack: str) -> str:
    return stack.partition("/")[0]


def summary(allowances: Mapping[str, Mapping[str, str]], changes: Changes) -> list[str]:
    """A line for every allowance that was used, with its reason."""
    used = {(_parent(each.stack), each.resource) for each in changes.blocking()}
    return [
        f"allowed: {stack}.{logical_id}: {reason}"
        for stack, reasons in allowances.items()
        for logical_id, reason in reasons.items()
        if (stack, logical_id) in used
    ]
