"""Settings of a stack that are not in its template: its account and region, tags, and termination protection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elasticache_rules.change_gate import schemas
from elasticache_rules.change_gate.changes import Change, Effect
from elasticache_rules.change_gate.display import shown, without_secrets
from elasticache_rules.change_gate.service_rules.login import TAGS_OF_USER_GROUPS
from elasticache_rules.rules import page_of_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticache_rules.change_gate.templates import Template

_USER_GROUP = "AWS::ElastiCache::UserGroup"


@dataclass(frozen=True, slots=True)
class StackSettings:
    """Settings of one stack.

    Args:
        account: Empty if the app leaves it to the deployment. Default: empty.
        region: The same for the region.
        tags: CloudFormation passes them on to every resource that takes tags, also in nested stacks. Default: no tag.
        is_protected: Whether the stack has termination protection. Default: no.
    """

    account: str | None = None
    region: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False


def changes(
    old: Mapping[str, StackSettings],
    new: Mapping[str, StackSettings],
    templates_before: Mapping[str, Template],
    templates_after: Mapping[str, Template],
) -> Iterator[Change]:
    """The effect of changed settings on stacks that are in both, as far as both sides are known.

    Args:
        old: The deployed settings, by the name of the stack; a nested stack has those of its parent.
        new: The new settings.
        templates_before: The deployed templates, by the name of their stack.
        templates_after: The new templates.
    """
    for stack in sorted(old.keys() & new.keys() & templates_before.keys() & templates_after.keys()):
        before, after = old[stack], new[stack]
        resources = (side[stack].resources for side in (templates_before, templates_after))
        in_both = [{name: str(body["Type"]) for name, body in side.items()} for side in resources]
        kinds = {name: kind for name, kind in in_both[0].items() if in_both[1].get(name) == kind}
        yield from _tags(stack, before.tags, after.tags, kinds)
        if "/" not in stack:
            yield from _place(stack, before, after, kinds)
            if before.is_protected and not after.is_protected:
                yield _line(
                    stack,
                    stack,
                    "(termination protection)",
                    Effect.IN_PLACE,
                    values=("on", "off"),
                    reason="from now on the stack can be deleted, with what its DeletionPolicies let go",
                )


def _tags(stack: str, old: Mapping[str, str], new: Mapping[str, str], kinds: Mapping[str, str]) -> Iterator[Change]:
    if old == new:
        return
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    before, after = ({name: side[name] for name in differing if name in side} for side in (old, new))
    values = (shown(without_secrets("Tags", before), after), shown(without_secrets("Tags", after), before))
    for name in sorted(name for name, kind in kinds.items() if kind == _USER_GROUP):
        yield _line(
            stack,
            name,
            "(stack tags)",
            Effect.REJECTED,
            values=values,
            reason=f"the stack hands its tags on: {TAGS_OF_USER_GROUPS}",
            instead="leave the stack's tags as they are; tag resources by themselves, with the feature flag "
            "@aws-cdk/core:explicitStackTags and Tags.of(...)",
            rules=("TAG-03",),
        )
    if "/" not in stack:
        reason = "every resource that takes tags gets them; nothing else is changed on it"
        yield _line(stack, stack, "(stack tags)", Effect.IN_PLACE, values=values, reason=reason)


def _place(stack: str, old: StackSettings, new: StackSettings, kinds: Mapping[str, str]) -> Iterator[Change]:
    for what, before, after in (("account", old.account, new.account), ("region", old.region, new.region)):
        if before is not None and after is not None and before != after:
            stateful = [name for name, kind in kinds.items() if schemas.is_stateful(kind)]
            yield _line(
                stack,
                stack,
                f"({what})",
                Effect.NOT_JUDGED,
                values=(before, after),
                reason="a stack does not move: another one is created there, empty, and the gate does not know "
                f"what is meant to happen to {', '.join(stateful) or 'the resources'} of this one",
                instead=f"leave the {what} as it is; or delete the old stack by hand, once its data are safe",
                blocks=bool(stateful),
            )


def _line(
    stack: str,
    resource: str,
    name: str,
    effect: Effect,
    *,
    values: tuple[str, str],
    reason: str,
    instead: str = "",
    rules: tuple[str, ...] = (),
    blocks: bool = False,
) -> Change:
    return Change(
        stack=stack,
        resource=resource,
        property=name,
        old=values[0],
        new=values[1],
        effect=effect,
        blocks=blocks or effect is Effect.REJECTED,
        reason=reason,
        instead=instead,
        rules=rules,
        page=page_of_first(rules),
    )
