"""The gate in a test of any CDK app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.comparison import compare
from elasticache_rules.change_gate.table import table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def assert_safe_to_deploy(
    old_template: Mapping[str, Any], new_template: Mapping[str, Any], *, allow: Collection[str] = ()
) -> None:
    """Fail unless one template can be deployed over another without replacing, losing or being refused anything.

    In a test: ``assert_safe_to_deploy(committed, Template.from_stack(stack).to_json())``.

    Args:
        old_template: The template that is deployed, or the one committed last.
        new_template: The template that is to be.
        allow: Logical ids whose changes are accepted, whatever they are. Default: none.

    Raises:
        AssertionError: If something is stopped, with the table of what is; or when an allowed id allowed nothing.
        GateError: If cfn-lint, whose resource schemas are read, is not installed.
    """
    changes = compare(old_template, new_template)
    stopped = changes.blocking(allow)
    if stopped:
        raise AssertionError(f"not safe to deploy:\n{table(stopped)}")
    unused = set(allow) - {each.resource for each in changes.blocking()}
    if unused:
        raise AssertionError(f"nothing is stopped at {', '.join(sorted(unused))}: take it out of allow")
