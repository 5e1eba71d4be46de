"""The mark of templates whose stacks may be deleted with everything in them, such as those of a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.reasons import is_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "elasticache-constructs:ephemeral"
"""The key of the template's metadata; its value is the reason."""


def ephemeral_reason(template: Mapping[str, Any]) -> str | None:
    """Why the data of a template's stack may be deleted; ``None`` for every other template.

    Args:
        template: The template, or as much of it as its ``Metadata``.
    """
    metadata = template.get("Metadata")
    reason = metadata.get(MARK) if isinstance(metadata, dict) else None
    return reason if isinstance(reason, str) and is_reason(reason) else None
