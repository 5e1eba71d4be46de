"""All stacks of an app: each for itself, and what they import from each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elasticache_constructs.change_gate import schemas, templates
from elasticache_constructs.change_gate.changes import Change, Changes, Effect, in_order
from elasticache_constructs.change_gate.comparison import Comparison
from elasticache_constructs.change_gate.values import normalised, references

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPORTS_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"

_Documents = Mapping[str, Mapping[str, Any]]


def compare_stacks(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Changes:
    """What deploying the stacks of an app does to every resource.

    Args:
        old: The templates that are deployed, by the name of their stack; a nested stack is named after its parent and
            its logical id there, ``prod-cache/Inner``.

        new: The templates that are to be.

    Raises:
        GateError: When cfn-lint, whose resource schemas are read, is not installed.
    """
    lines = list(_in_both(old, new))
    lines += [line for stack in sorted(old.keys() - new.keys()) for line in _gone(stack, old, new)]
    lines += [_come(stack, old, new) for stack in sorted(new.keys() - old.keys())]
    lines += list(_exports(old, new, Changes(tuple(lines))))
    return in_order(lines)


def _in_both(old: _Documents, new: _Documents) -> Iterator[Change]:
    comparisons: dict[str, Comparison] = {}
    # A nested stack is named after its parent, which so comes before it.
    for stack in sorted(old.keys() & new.keys()):
        parent, _, nested = stack.rpartition("/")
        above = comparisons.get(parent)
        given = above.given_to(nested) if above else ({}, {})
        before, after = (templates.read(side[stack], each) for side, each in zip((old, new), given, strict=True))
        comparisons[stack] = Comparison(before, after, stack, above.moved_parameters(nested) if above else ())
        yield from comparisons[stack].changes()


def _come(stack: str, old: _Documents, new: _Documents) -> Change:
    parent, _, nested = stack.rpartition("/")
    if nested not in old.get(parent, {}).get("Resources", {}):
        return _line(stack, stack, Effect.CREATION, reason="a new stack")
    resources = templates.read(new[stack]).resources.values()
    return _line(
        stack,
        stack,
        Effect.NOT_JUDGED,
        blocks=any(schemas.is_stateful(str(body["Type"])) for body in resources),
        reason="its old template is not among those that were given, and nothing here knows what changes in it",
        instead="compare with what is deployed, or with the cloud assembly that was",
    )


def _gone(stack: str, old: _Documents, new: _Documents) -> Iterator[Change]:
    parent, _, nested = stack.rpartition("/")
    if parent not in old:
        reason = "the stack is no longer in the app: a deployment leaves it as it is, and nothing here knows what was"
        instead = "keep its name; or delete it by hand, once its data are safe"
    elif nested in new.get(parent, {}).get("Resources", {}):
        reason = "its new template is not among those that were given, and nothing here knows what is"
        instead = "give the gate what cdk synth writes, with the metadata of assets"
    else:
        # It goes with its resource, and the parent's lines say so.
        return
    resources = templates.read(old[stack]).resources
    stateful = [name for name, body in resources.items() if schemas.is_stateful(str(body["Type"]))]
    yield _line(
        stack,
        stack,
        Effect.NOT_JUDGED,
        blocks=bool(stateful),
        reason=f"{reason} meant to become of {', '.join(stateful) or 'its resources'}",
        instead=instead,
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
