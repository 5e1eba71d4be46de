"""All stacks of an app: each for itself, and what they import from each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from elasticache_constructs.change_gate import schemas, templates
from elasticache_constructs.change_gate.changes import Change, Changes, Effect, in_order
from elasticache_constructs.change_gate.comparison import compare
from elasticache_constructs.change_gate.values import normalised, references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EXPORTS_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"


def compare_stacks(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Changes:
    """What deploying the stacks of an app does to every resource.

    Args:
        old: The templates that are deployed, by the name of their stack.

        new: The templates that are to be.

    Raises:
        GateError: When cfn-lint, whose resource schemas are read, is not installed.
    """
    lines = [line for stack in sorted(old.keys() & new.keys()) for line in compare(old[stack], new[stack], stack=stack)]
    lines += [_gone(stack, old[stack]) for stack in sorted(old.keys() - new.keys())]
    lines += [_line(stack, stack, Effect.CREATION, reason="a new stack") for stack in sorted(new.keys() - old.keys())]
    lines += list(_exports(old, new, Changes(tuple(lines))))
    return in_order(lines)


def _gone(stack: str, document: Mapping[str, Any]) -> Change:
    stateful = [
        name for name, body in templates.read(document).resources.items() if schemas.is_stateful(str(body["Type"]))
    ]
    return _line(
        stack,
        stack,
        Effect.NOT_JUDGED,
        blocks=bool(stateful),
        reason="the stack is no longer in the app: a deployment leaves it as it is, and nothing here knows what was "
        f"meant to become of {', '.join(stateful) or 'its resources'}",
        instead="keep its name; or delete it by hand, once its data are safe",
    )


def _exports(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]], changes: Changes
) -> Iterator[Change]:
    # A stack is deployed before those that import from it, so while they still use what it exported.
    imported = {json.dumps(normalised(name)) for document in old.values() for name in _imports(document)}
    for stack in sorted(old.keys() & new.keys()):
        replaced = {each.resource for each in changes if each.stack == stack and each.effect is Effect.REPLACEMENT}
        after = _exported(new[stack])
        for name, (output, value) in _exported(old[stack]).items():
            follows = any(each.name in replaced for each in references(value))
            if name in imported and (after.get(name, ("", None))[1] != value or follows):
                yield _line(
                    stack,
                    output,
                    Effect.SEVERAL_DEPLOYMENTS,
                    blocks=True,
                    reason="an export cannot be changed or removed while another stack imports it",
                    instead="deploy the importing stack without it first; keep it alive with Stack.export_value",
                    page=_EXPORTS_PAGE,
                )


def _exported(document: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    outputs = templates.read(document).outputs
    return {
        json.dumps(body["Export"]["Name"]): (name, body.get("Value"))
        for name, body in outputs.items()
        if "Export" in body
    }


def _imports(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "Fn::ImportValue":
                yield each
            yield from _imports(each)
    elif isinstance(value, list):
        for each in value:
            yield from _imports(each)


def _line(
    stack: str,
    resource: str,
    effect: Effect,
    *,
    reason: str,
    blocks: bool = False,
    instead: str = "",
    page: str = "",
) -> Change:
    return Change(
        stack=stack,
        resource=resource,
        property="(export)" if page else "(stack)",
        old="-",
        new="-",
        effect=effect,
        blocks=blocks,
        reason=reason,
        instead=instead,
        rules=(),
        page=page,
    )
