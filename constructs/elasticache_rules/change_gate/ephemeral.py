"""What stacks may lose that are marked as ephemeral, and the change that marks one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate import schemas
from elasticache_rules.change_gate.changes import Change, Effect
from elasticache_rules.ephemeral import ephemeral_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MAY_HAPPEN = frozenset({Effect.DATA_LOSS, Effect.REPLACEMENT, Effect.INTERRUPTION, Effect.NOT_JUDGED})
"""What blocks where data matter. What the service refuses, or what takes several deployments, fails there too."""


def without_data(
    lines: Iterable[Change], old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> Iterator[Change]:
    """The lines, of which those of ephemeral stacks do not block what loses data.

    A stack counts as ephemeral if what is deployed is marked, and what replaces it, unless the stack goes.

    Args:
        lines: The changes.
        old: The deployed templates, by the name of their stack.
        new: The new templates.
    """
    reasons = {
        name: reason
        for name, template in old.items()
        if (reason := ephemeral_reason(template)) and (name not in new or ephemeral_reason(new[name]))
    }
    for line in lines:
        reason = reasons.get(line.stack)
        if reason is not None and line.blocks and line.effect in _MAY_HAPPEN:
            yield replace(line, blocks=False, reason=f"{line.reason}; the stack is ephemeral: {reason}", instead="")
        else:
            yield line


def marked(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    """A line for each deployed stack with data that becomes ephemeral: it blocks.

    Args:
        old: The deployed templates, by the name of their stack.
        new: The new templates.
    """
    for name in sorted(old.keys() & new.keys()):
        reason = ephemeral_reason(new[name])
        if reason is None or ephemeral_reason(old[name]) is not None:
            continue
        kinds = (str(body.get("Type")) for body in old[name].get("Resources", {}).values() if isinstance(body, dict))
        yield Change(
            stack=name,
            resource=name,
            property="(ephemeral)",
            old="-",
            new=reason,
            effect=Effect.IN_PLACE,
            blocks=any(map(schemas.is_stateful, kinds)),
            reason="from now on the stack is deleted with its data, keys and logs, and the gate lets changes lose them",
            instead="keep what has data as it is, and give the preview its own stage",
            rules=(),
            page="",
        )
