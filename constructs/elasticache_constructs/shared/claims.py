"""Names that must be unique in an account and region, across the app."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Stack, Stage

from elasticache_constructs.checks.errors import ConfigurationError, reference
from elasticache_constructs.checks.locations import place_of, stack_of
from elasticache_constructs.checks.tokens import asked_once, is_unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import IConstruct

    from elasticache_constructs.values.name import Name

RENAME = "Give one of the two caches another construct id, or its stack another name"
"""The fix where a name is generated from a construct's path."""

RENAME_CACHE = "Give one of the two another name: Name('...', reason='...')"
"""The fix where a name was given."""

# By app: of each kind and name, where it stands.
_TAKEN: WeakKeyDictionary[IConstruct, dict[tuple[str, str], list[_Place]]] = WeakKeyDictionary()


class _Place:
    """A construct, and the account and region that it is deployed to."""

    def __init__(self, scope: IConstruct) -> None:
        self.path = scope.node.path
        self.stage = _stage_of(stack_of(scope))
        self.where = place_of(scope)

    def is_apart_from(self, other: _Place) -> bool:
        """Whether the two are known to be in different accounts or regions."""
        pairs = zip(self.where, other.where, strict=True)
        return any(one != two and not is_unresolved(one) and not is_unresolved(two) for one, two in pairs)

    def is_with(self, other: _Place) -> bool:
        """Whether the two are in one account and region: by name, or because they are in one stage."""
        known = not any(map(is_unresolved, self.where))
        return not self.is_apart_from(other) and (self.stage == other.stage or (known and self.where == other.where))


@asked_once
def _stage_of(stack: Stack) -> str:
    """The path of a stack's stage, or of the app."""
    return (Stage.of(stack) or stack.node.root).node.path


def claim_name(scope: IConstruct, kind: str, name: Name | None, *, rule: str) -> None:
    """Record the name that a cache was given, and refuse one that another cache of the same kind has.

    Args:
        scope: The cache.
        kind: What names are unique among, for example ``ids of replication groups``.
        name: The name. Nothing is recorded without one: CloudFormation generates it.
        rule: The rule's id.

    Raises:
        ConfigurationError: If another cache has it.
    """
    if name is not None:
        claim(scope, kind, [name.value], thing="a cache", what="Name({})", fix=RENAME_CACHE, rule=rule)


def claim(
    scope: IConstruct,
    kind: str,
    names: Iterable[str],
    *,
    thing: str,
    what: str,
    fix: str,
    rule: str | None = None,
    page: str | None = None,
) -> None:
    """Record the names of a construct, and refuse names that another construct has in the same account and region.

    Stages without a known account or region may be deployed to the same one: synth then warns.

    Args:
        scope: The construct.
        kind: What the names are unique among, for example ``user ids``.
        names: The names.
        thing: What has such a name, with its article.
        what: How the construct was given a name, with ``{}`` for it.
        fix: What to change.
        rule: The rule's id. Default: it is a rule of another service, which ``page`` states.
        page: The AWS page of that rule.

    Raises:
        ConfigurationError: If another construct has one of them.
    """
    here = _Place(scope)
    taken = _TAKEN.setdefault(scope.node.root, {})
    wanted = list(names)
    for name in wanted:
        for other in taken.get((kind, name), ()):
            if other.path == here.path or other.is_apart_from(here):
                continue
            if other.is_with(here):
                raise ConfigurationError(
                    got=f"{what.format(repr(name))} for {here.path}",
                    allowed=f"{other.path} has {thing} of that name, and {kind} are unique in an account and region",
                    fix=fix,
                    page=page,
                    rule=rule,
                )
            Annotations.of(scope).add_warning_v2(
                f"elasticache-constructs:{rule or kind.replace(' ', '-')}:{name}",
                f"{what.format(repr(name))}: {other.path} has {thing} of that name, and {kind} are unique in an "
                f"account and region. Deploy the two stages to different ones, or: {fix}. "
                + (reference(rule) if rule else f"See {page}"),
            )
    # All or none, so that a refused construct holds no name.
    for name in wanted:
        taken.setdefault((kind, name), []).append(here)
