"""The comparison of two templates of one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate import exports, schemas, service_rules, templates
from elasticache_rules.change_gate.changes import Change, Changes, Effect, in_order
from elasticache_rules.change_gate.display import shown, without_secrets
from elasticache_rules.change_gate.removal import removals
from elasticache_rules.change_gate.service_rules.create_only import create_only_rules
from elasticache_rules.change_gate.service_rules.update import RESOURCE, Finding, Update
from elasticache_rules.change_gate.values import ABSENT, Difference, Surroundings, at, difference, is_intrinsic, places
from elasticache_rules.rules import page_of_first
from elasticache_rules.templates.references import Reference, references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from elasticache_rules.change_gate.schemas import Schema
    from elasticache_rules.change_gate.templates import Template
    from elasticache_rules.change_gate.values import Path

_INSIDE_OF_NESTED = {"TemplateURL", "Parameters"}
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_ALWAYS_BLOCKS = {Effect.DATA_LOSS, Effect.REJECTED, Effect.SEVERAL_DEPLOYMENTS}
_BLOCKS_WHEN_STATEFUL = {Effect.REPLACEMENT, Effect.MAY_REPLACE}
# Attributes next to the properties that do nothing to an existing resource.
_WITHOUT_EFFECT = {"Type", "Properties", "Metadata", "DependsOn", "CreationPolicy"}
_KEEPS = ("Snapshot", "Retain", "RetainExceptOnCreate")


def compare(old: Mapping[str, Any], new: Mapping[str, Any], *, stack: str = "template") -> Changes:
    """The effect of deploying one template over another, on every resource.

    Values that are known at deployment only are never guessed: a difference in one that matters is reported as not
    judged.

    Args:
        old: The deployed template, as JSON.
        new: The new template.
        stack: The stack's name in the report. Default: ``template``.

    Raises:
        GateError: If cfn-lint, whose resource schemas are read, is not installed.
    """
    before, after = templates.read(old), templates.read(new)
    lines = Comparison(before, after, stack).changes().lines
    return in_order([*lines, *exports.changes({stack: before}, {stack: after}, lines, {})])


class Comparison:
    """One stack before and after.

    Args:
        old: The deployed template.
        new: The new template.
        stack: The stack's name in the report.
        moved: Parameters whose values change although the expressions that set them stay equal. Default: no parameter.
        elsewhere: Resources of other stacks that import from this one. Default: no resource.
    """

    def __init__(
        self,
        old: Template,
        new: Template,
        stack: str,
        moved: Collection[str] = (),
        *,
        elsewhere: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._elsewhere = elsewhere or {}
        self._old, self._new, self._stack = old, new, stack
        self._both = [name for name in old.resources if name in new.resources]
        self._redefined = _redefined(old, new, moved)
        self._edited = {
            name
            for name in old.resources.keys() | new.resources.keys()
            if _without_metadata(old.resources.get(name)) != _without_metadata(new.resources.get(name))
        }
        self._referred = {name: frozenset(references(new.resources[name])) for name in self._both}
        self._replaced: dict[str, Difference] = {}
        self._verdicts = self._settled()

    def changes(self) -> Changes:
        """The effect of the update on every resource."""
        lines = [self._line(name, each) for name, found in self._verdicts.items() for each in found]
        lines += [self._line(name, each) for name, each in removals(self._old, self._new)]
        lines += [self._line(name, each) for name, each in self._creations()]
        lines += [self._line(name, each) for name, each in self._unread()]
        return in_order(lines)

    def given_to(self, nested: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The parameters of a nested stack, before and after.

        Args:
            nested: The logical id of the nested stack.
        """
        return self._old.given_to(nested), self._new.given_to(nested)

    def moved_parameters(self, nested: str) -> frozenset[str]:
        """Parameters of a nested stack whose values change, or may change, although their expressions stay equal.

        Args:
            nested: The logical id of the nested stack.
        """
        given = self._new.given_to(nested)
        return frozenset(name for name, value in given.items() if any(map(self._moved_or_updated, references(value))))

    def _settled(self) -> dict[str, list[Finding]]:
        # What is replaced changes the values of those that refer to it, which may replace them in turn. Certainty only
        # grows, so this ends.
        while True:
            verdicts = {name: list(self._judge(name)) for name in self._both if self._is_touched(name)}
            replaced = {
                name: max(_certainty(found), self._replaced.get(name, Difference.NO))
                for name, found in verdicts.items()
            }
            if replaced == self._replaced:
                return verdicts
            self._replaced = replaced

    def _creations(self) -> Iterator[tuple[str, Finding]]:
        for name in self._new.resources:
            if name not in self._old.resources:
                yield name, Finding(RESOURCE, Effect.CREATION)
                for each in service_rules.of_new(self._new.state(name), self._old.resources):
                    yield name, each

    def _is_touched(self, name: str) -> bool:
        return name in self._edited or any(map(self._moved_or_updated, self._referred[name]))

    def _judge(self, name: str) -> Iterator[Finding]:
        old, new = self._old.state(name), self._new.state(name)
        kind = str(new.attributes["Type"])
        if kind != old.attributes["Type"]:
            yield Finding(
                "(Type)",
                Effect.REJECTED,
                "CloudFormation does not change the type of a resource",
                "give the new resource another logical id",
            )
            return
        around = Surroundings(self._old.resources, self._new.resources, self._moved)
        differing = {
            each: difference(old.get(each), new.get(each), around)
            for each in sorted(old.properties.keys() | new.properties.keys())
        }
        changed = {each: found for each, found in differing.items() if found}
        schema = schemas.schema(kind)
        from_schema = [finding for each in differing for finding in self._by_schema(schema, kind, name, each, changed)]
        is_only = not self._edited - {name}
        said = service_rules.findings(kind, Update(name, old, new, changed, is_only, self._elsewhere))
        is_replaced = any(each.effect is Effect.REPLACEMENT for each in [*from_schema, *said])
        if is_replaced:
            # The service is asked for a new resource then, not for a change of the old one.
            said = [each for each in said if each.effect not in (Effect.IN_PLACE, Effect.INTERRUPTION)]
        yield from (each for each in from_schema if not _is_said_better(each, said))
        yield from said
        if is_replaced and schema is not None:
            yield from self._taken_names(schema, old.properties, differing)
        yield from self._attributes(old.attributes, new.attributes)

    def _by_schema(
        self, schema: Schema | None, kind: str, name: str, each: str, changed: Mapping[str, Difference]
    ) -> Iterator[Finding]:
        old = self._old.resources[name]["Properties"].get(each)
        new = self._new.resources[name]["Properties"].get(each)
        if schema is None:
            if each in changed:
                reason = f"{kind} is not among the resource schemas that cfn-lint ships"
                yield Finding(each, Effect.NOT_JUDGED, reason, could_replace=True)
            return
        create_only = self._differing(schema.create_only, each, old, new)
        if create_only is Difference.YES:
            yield Finding(
                each,
                Effect.REPLACEMENT,
                self._why_replaced(old, new),
                _beside(kind, each),
                create_only_rules(kind, each),
            )
        elif create_only is Difference.PERHAPS:
            yield Finding(
                each,
                Effect.NOT_JUDGED,
                "can be set at creation only, and its value is known at deployment only",
                "look at the change set, or leave the value as it is",
                create_only_rules(kind, each),
                could_replace=True,
            )
        elif self._differing(schema.conditional, each, old, new):
            yield Finding(
                each,
                Effect.MAY_REPLACE,
                "the resource's schema says that a change replaces it in some cases, and not in which",
                "look at the change set",
            )
        elif each in changed:
            yield from self._in_place(schema, kind, each, old, new, changed[each])

    def _in_place(  # noqa: PLR0917
        self, schema: Schema, kind: str, name: str, old: Any, new: Any, found: Difference
    ) -> Iterator[Finding]:
        unknown = next(_unknown(schema, (name,), old, new), None)
        if kind.startswith(_CUSTOM):
            reason = "the custom resource's own function decides whether it is replaced"
            yield Finding(name, Effect.NOT_JUDGED, reason, could_replace=True)
        elif unknown is not None:
            reason = f"{'/'.join(unknown)} is not a property that can be set, as far as the resource's schema knows"
            yield Finding(name, Effect.NOT_JUDGED, reason, could_replace=name == "Fn::Transform")
        elif kind == "AWS::CloudFormation::Stack" and name in _INSIDE_OF_NESTED:
            reason = "what it changes inside of the nested stack is compared when the gate is given cloud assemblies"
            yield Finding(name, Effect.NOT_JUDGED, reason)
        elif found is Difference.PERHAPS and kind.startswith("AWS::ElastiCache::"):
            yield Finding(name, Effect.NOT_JUDGED, "its value is known at deployment only", "look at the change set")
        else:
            yield Finding(name, Effect.IN_PLACE, self._because_of(new) if old == new else "")

    def _differing(self, paths: tuple[Path, ...], name: str, old: Any, new: Any) -> Difference:
        around = Surroundings(self._old.resources, self._new.resources, self._moved_or_updated)
        return max(
            (difference(at(old, path[1:]), at(new, path[1:]), around) for path in paths if path[0] == name),
            default=Difference.NO,
        )

    def _moved(self, reference: Reference) -> Difference:
        if reference.name in self._redefined:
            return Difference.PERHAPS
        found = self._replaced.get(reference.name, Difference.NO)
        return found if reference.is_identity else min(found, Difference.PERHAPS)

    def _moved_or_updated(self, reference: Reference) -> Difference:
        # An attribute may follow any property of its resource; an identity does not.
        updated = reference.name in self._edited and not reference.is_identity
        return max(self._moved(reference), Difference.PERHAPS if updated else Difference.NO)

    def _because_of(self, value: Any) -> str:
        names = sorted({each.name for each in references(value) if self._moved(each)})
        return f"follows {', '.join(names)}" if names else ""

    def _why_replaced(self, old: Any, new: Any) -> str:
        because = self._because_of(new) if old == new else ""
        return f"can be set at creation only; {because}" if because else "can be set at creation only"

    @staticmethod
    def _taken_names(schema: Schema, old: Mapping[str, Any], differing: Mapping[str, Difference]) -> Iterator[Finding]:
        for name in sorted(schema.names):
            if old.get(name) is not ABSENT and differing[name] is not Difference.YES:
                yield Finding(
                    name,
                    Effect.REJECTED,
                    "CloudFormation makes the new resource before it deletes the old one, and the name is taken",
                    "change the name in the same update, or leave it out",
                    ("NAM-15",),
                )

    def _attributes(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
        for name in sorted((old.keys() | new.keys()) - _WITHOUT_EFFECT):
            condition = new.get(name) if name == "Condition" else None
            if old.get(name) == new.get(name) and condition not in self._redefined:
                continue
            if name == "Condition":
                reason = "whether the resource exists depends on a condition, known at deployment only"
                yield Finding(f"({name})", Effect.NOT_JUDGED, reason, "look at the change set", could_replace=True)
            elif old.get(name) in _KEEPS and is_intrinsic(new.get(name)):
                reason = "whether anything is kept when the resource is removed or replaced is known at deployment only"
                yield Finding(f"({name})", Effect.NOT_JUDGED, reason)
            elif old.get(name) in _KEEPS and new.get(name) not in _KEEPS:
                reason = "from now on nothing is kept when the resource is removed or replaced"
                yield Finding(f"({name})", Effect.IN_PLACE, reason)
            else:
                yield Finding(f"({name})", Effect.IN_PLACE, "nothing is changed on the resource itself")

    def _unread(self) -> Iterator[tuple[str, Finding]]:
        for name in sorted(self._old.unread.keys() | self._new.unread.keys()):
            same = self._old.unread.get(name) == self._new.unread.get(name)
            reason = "a macro rewrites the resources at deployment, and its result is not known here"
            instead = "give the gate the processed templates: GetTemplate with TemplateStage=Processed"
            yield name, Finding(RESOURCE, Effect.NOT_JUDGED, reason, instead, could_replace=not same)

    def _line(self, name: str, finding: Finding) -> Change:
        kinds = [str(each.resources[name]["Type"]) for each in (self._old, self._new) if name in each.resources]
        # What no schema knows may hold anything: as a whole it counts as if it did.
        holds_state = any(map(schemas.is_stateful, kinds)) or finding.property == RESOURCE
        path: Path = (finding.property,)
        old, new = (
            without_secrets(finding.property, self._value(each, name, finding.property))
            for each in (self._old, self._new)
        )
        differing = list(places(path, old, new))
        if len(differing) == 1:
            path, old, new = differing[0]
        return Change(
            stack=self._stack,
            resource=name,
            property="/".join(path),
            old=shown(old, new),
            new=shown(new, old),
            effect=finding.effect,
            blocks=finding.effect in _ALWAYS_BLOCKS
            or (holds_state and (finding.effect in _BLOCKS_WHEN_STATEFUL or finding.could_replace)),
            reason=finding.reason,
            instead=finding.instead,
            rules=finding.rules,
            page=page_of_first(finding.rules),
            kind=kinds[-1] if kinds else "",
        )

    @staticmethod
    def _value(template: Template, name: str, of: str) -> Any:
        body = template.resources.get(name, {})
        if of == RESOURCE:
            return body.get("Type")
        return body.get(of.strip("()")) if of.startswith("(") else body.get("Properties", {}).get(of)


def _redefined(old: Template, new: Template, moved: Collection[str]) -> frozenset[str]:
    """Parameters, conditions and mappings whose values may change, directly or through others."""
    both = old.definitions.keys() & new.definitions.keys()
    found = {name for name in both if name in moved or old.definitions[name] != new.definitions[name]}
    # Only conditions are made of others: what a parameter is given from outside are names of the parent's.
    made_of = {name: frozenset(references(new.definitions[name].get("Conditions"))) for name in both}
    while more := {name for name in both - found if any(each.name in found for each in made_of[name])}:
        found |= more
    return frozenset(found)


def _is_said_better(finding: Finding, said: list[Finding]) -> bool:
    """Whether the service's rules say more about a property than its schema."""
    if finding.effect is Effect.REPLACEMENT:
        return False
    judged = finding.effect is not Effect.NOT_JUDGED
    return any(each.property == finding.property and (judged or each.effect is Effect.NOT_JUDGED) for each in said)


def _beside(kind: str, name: str) -> str:
    if (kind, name) == ("AWS::ElastiCache::ServerlessCache", "SubnetIds"):
        return "leave it as it is: if its network got a third Availability Zone, use ServerlessCache(max_azs=2)"
    if kind.startswith("AWS::ElastiCache::") and schemas.is_stateful(kind):
        return "leave it as it is, or restore a snapshot into a new one: docs/runbooks/snapshot-and-restore.md"
    return "leave it as it is, or move what it holds to a new one first" if schemas.is_stateful(kind) else ""


def _certainty(found: list[Finding]) -> Difference:
    if any(each.effect is Effect.REPLACEMENT for each in found):
        return Difference.YES
    perhaps = any(each.effect is Effect.MAY_REPLACE or each.could_replace for each in found)
    return Difference.PERHAPS if perhaps else Difference.NO


def _without_metadata(body: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if body is None else {name: each for name, each in body.items() if name != "Metadata"}


def _unknown(schema: Schema, path: Path, old: Any, new: Any) -> Iterator[Path]:
    for place, before, after in places(path, old, new):
        yield from _unknown_below(schema, place, before if after is ABSENT else after)


def _unknown_below(schema: Schema, path: Path, value: Any) -> Iterator[Path]:
    if not schema.has(path):
        yield path
    elif isinstance(value, dict) and not is_intrinsic(value):
        for name, each in value.items():
            yield from _unknown_below(schema, (*path, name), each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unknown_below(schema, (*path, str(index)), each)
