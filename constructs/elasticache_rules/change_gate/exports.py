"""Exports that are changed or removed, and the stacks that import them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.changes import Change, Effect
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from elasticache_rules.change_gate.templates import Template

_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"
# The CDK names an export so when another stack of the same app refers to a resource.
_OF_THE_APP = ":ExportsOutput"


def changes(
    old: Mapping[str, Template],
    new: Mapping[str, Template],
    lines: Collection[Change],
    importers: Mapping[str, Template],
) -> Iterator[Change]:
    """The effect on every export that is removed, renamed or given another value.

    CloudFormation refuses that while another stack imports the export. A stack is deployed before those that import
    from it, while they still use the old export.

    Args:
        old: The deployed templates, by the name of their stack.
        new: The new templates.
        lines: The other changes: a replaced resource changes the values of its exports.
        importers: The deployed templates of stacks that are not compared.
    """
    deployed = {**importers, **old}
    imported = {json.dumps(name) for each in deployed.values() for name in _imports(each.everything())}
    for stack in sorted(old):
        if stack not in new and stack.rpartition("/")[0] not in new:
            # A stack that is no longer in the app stays as it is; a nested one goes with its parent.
            continue
        replaced = {each.resource for each in lines if each.stack == stack and each.effect is Effect.REPLACEMENT}
        after = _exported(new[stack]) if stack in new else {}
        for name, (output, body) in _exported(old[stack]).items():
            follows = any(each.name in replaced for each in references(body.get("Value")))
            if not follows and name in after and _same(body, after[name][1]):
                continue
            if name in imported:
                yield _line(
                    stack,
                    output,
                    Effect.SEVERAL_DEPLOYMENTS,
                    "an export cannot be changed or removed while another stack imports it",
                    "deploy the importing stack without it first; keep it alive with Stack.export_value",
                )
            elif _OF_THE_APP not in name or len(deployed) == 1:
                yield _line(
                    stack,
                    output,
                    Effect.NOT_JUDGED,
                    "not judged: whether another stack imports it; while one does, it cannot be changed or removed",
                    "ask aws cloudformation list-imports, or compare the stacks that import it as well",
                )


def importing(stack: str, templates: Mapping[str, Template], kind: str, name: str) -> dict[str, Mapping[str, Any]]:
    """The resources of one type in other stacks whose property says, by an import or by a text, what they are about.

    Args:
        stack: The name of the stack that exports.
        templates: The templates of all stacks, by name.
        kind: The type.
        name: The property.

    Returns:
        By stack and logical id: the resources, in which an import is the value that is exported.
    """
    values = {exported: body.get("Value") for exported, (_, body) in _exported(templates[stack]).items()}
    found: dict[str, Mapping[str, Any]] = {}
    for other, template in templates.items():
        for logical_id, body in template.resources.items():
            if other == stack or body["Type"] != kind:
                continue
            given = body["Properties"].get(name)
            imported = _with_values(given, values)
            # What refers to anything else is about a resource of another stack.
            if imported != given or isinstance(given, str):
                found[f"{other}.{logical_id}"] = {**body, "Properties": {**body["Properties"], name: imported}}
    return found


def _with_values(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"Fn::ImportValue"}:
            return values.get(json.dumps(value["Fn::ImportValue"]), value)
        return {name: _with_values(each, values) for name, each in value.items()}
    return [_with_values(each, values) for each in value] if isinstance(value, list) else value


def _same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(before.get(each) == after.get(each) for each in ("Value", "Condition"))


def _exported(template: Template) -> dict[str, tuple[str, Mapping[str, Any]]]:
    return {
        json.dumps(body["Export"]["Name"]): (name, body)
        for name, body in template.outputs.items()
        if isinstance(body, dict) and "Export" in body
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


def _line(stack: str, output: str, effect: Effect, reason: str, instead: str) -> Change:
    return Change(
        stack=stack,
        resource=output,
        property="(export)",
        old="-",
        new="-",
        effect=effect,
        blocks=effect is Effect.SEVERAL_DEPLOYMENTS,
        reason=reason,
        instead=instead,
        rules=(),
        page=_PAGE,
    )
