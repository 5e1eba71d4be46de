"""The gate as an assertion, for the tests of any CDK app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.comparison import compare
from elasticache_rules.change_gate.table import table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def assert_safe_to_deploy(
    old_template: Mapping[str, Any], new_template: Mapping[str, Any], *, allow: Collection[str] = ()
) -> None:
    """Fail unless one template can be deployed over another: nothing is replaced, lost or refused.

    In a test: ``assert_safe_to_deploy(committed, Template.from_stack(stack).to_json())``.

    Args:
        old_template: The deployed template, or the last one that was committed.
        new_template: The new template.
        allow: Logical ids of which every change is accepted. Default: no id.

    Raises:
        AssertionError: If a change blocks the deployment, with the table of changes; or if an allowed id matches
            no change.
        GateError: If cfn-lint, whose resource schemas are read, is not installed.
    """
    changes = compare(old_template, new_template)
    stopped = changes.blocking(allow)
    if stopped:
        raise AssertionError(f"not safe to deploy:\n{table(stopped)}")
    unused = set(allow) - {each.resource for each in changes.blocking()}
    if unused:
        raise AssertionError(f"nothing is stopped at {', '.join(sorted(unused))}: take it out of allow")
