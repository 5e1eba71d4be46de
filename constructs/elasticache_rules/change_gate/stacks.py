"""The comparison of all stacks of an app, and of what they import from each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate import ephemeral, exports, schemas, templates
from elasticache_rules.change_gate import settings as stack_settings
from elasticache_rules.change_gate.changes import Change, Changes, Effect, in_order
from elasticache_rules.change_gate.comparison import Comparison
from elasticache_rules.change_gate.service_rules.scaling import TARGET
from elasticache_rules.change_gate.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.settings import StackSettings

_Templates = Mapping[str, Template]


def compare_stacks(
    old: Mapping[str, Mapping[str, Any]],
    new: Mapping[str, Mapping[str, Any]],
    *,
    settings: tuple[Mapping[str, StackSettings], Mapping[str, StackSettings]] = ({}, {}),
    importers: Mapping[str, Mapping[str, Any]] | None = None,
) -> Changes:
    """The effect of deploying the stacks of an app, on every resource.

    Args:
        old: The deployed templates, by the name of their stack; a nested stack is named after its parent and
            its logical id there, ``prod-cache/Inner``.
        new: The new templates.
        settings: Settings of stacks that are not in their templates, before and after, by the name of the stack; those
            of other stacks are not compared. Default: nothing is compared.
        importers: The deployed templates of further stacks, which are not compared and may import from those that are.
            Default: no stack.

    Raises:
        GateError: If cfn-lint, whose resource schemas are read, is not installed.
    """
    before, after, others = (
        {name: templates.read(document) for name, document in side.items()} for side in (old, new, importers or {})
    )
    lines = list(_in_both(before, after, others))
    lines += [line for stack in sorted(old.keys() - new.keys()) for line in _removed(stack, before, after)]
    lines += [_added(stack, before, after) for stack in sorted(new.keys() - old.keys())]
    lines += list(stack_settings.changes(*settings, before, after))
    lines += list(exports.changes(before, after, lines, others))
    return in_order([*ephemeral.without_data(lines, old, new), *ephemeral.marked(old, new)])


def _in_both(old: _Templates, new: _Templates, importers: _Templates) -> Iterator[Change]:
    comparisons: dict[str, Comparison] = {}
    # A nested stack is named after its parent, which so comes before it.
    for stack in sorted(old.keys() & new.keys()):
        parent, _, nested = stack.rpartition("/")
        above = comparisons.get(parent)
        given = above.given_to(nested) if above else ({}, {})
        before, after = (side[stack].with_parameters(each) for side, each in zip((old, new), given, strict=True))
        moved = above.moved_parameters(nested) if above else ()
        elsewhere = exports.importing(stack, {**importers, **old}, TARGET, "ResourceId")
        comparisons[stack] = Comparison(before, after, stack, moved, elsewhere=elsewhere)
        yield from comparisons[stack].changes()


def _added(stack: str, old: _Templates, new: _Templates) -> Change:
    parent, _, nested = stack.rpartition("/")
    if parent not in old or nested not in old[parent].resources:
        return _line(stack, stack, Effect.CREATION, reason="a new stack")
    resources = new[stack].resources.values()
    return _line(
        stack,
        stack,
        Effect.NOT_JUDGED,
        blocks=any(schemas.is_stateful(str(body["Type"])) for body in resources),
        reason="its old template was not given, and the gate does not know what changes in it",
        instead="compare with what is deployed, or with the cloud assembly that was",
    )


def _removed(stack: str, old: _Templates, new: _Templates) -> Iterator[Change]:
    parent, _, nested = stack.rpartition("/")
    if parent not in old:
        reason = "the stack is no longer in the app: a deployment leaves it, and the gate does not know what happens"
        instead = "keep its name; or delete it by hand, once its data are safe"
    elif parent in new and nested in new[parent].resources:
        reason = "its new template was not given, and the gate does not know what happens"
        instead = "give the gate what cdk synth writes, with the metadata of assets"
    else:
        # It goes with its resource, and the parent's lines say so.
        return
    resources = old[stack].resources
    stateful = [name for name, body in resources.items() if schemas.is_stateful(str(body["Type"]))]
    yield _line(
        stack,
        stack,
        Effect.NOT_JUDGED,
        blocks=bool(stateful),
        reason=f"{reason} to {', '.join(stateful) or 'its resources'}",
        instead=instead,
    )


def _line(
    stack: str,
    resource: str,
    effect: Effect,
    *,
    reason: str,
    blocks: bool = False,
    instead: str = "",
) -> Change:
    return Change(
        stack=stack,
        resource=resource,
        property="(stack)",
        old="-",
        new="-",
        effect=effect,
        blocks=blocks,
        reason=reason,
        instead=instead,
        rules=(),
        page="",
    )
