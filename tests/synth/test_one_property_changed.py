"""The stages and examples against themselves with one value changed, every value in turn.

What is expected comes from the text of the schema files, read here again, so that a mistake in the gate's reading of
them shows.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules.change_gate import Effect, compare
from elasticache_rules.change_gate.schemas import schema
from tests import schemas
from tests.conftest import ROOT
from tests.reduced import reduced, referred

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Synthesised

ELASTICACHE = [kind for kind in schemas.kinds() if kind.startswith("AWS::ElastiCache::")]

REPLACES = {Effect.REPLACEMENT, Effect.MAY_REPLACE}

# Replacements that AWS documents for a property, and the schema does not know.
DOCUMENTED = {
    "AWS::ElastiCache::ReplicationGroup": {"NumNodeGroups", "ReplicasPerNodeGroup"},
    "AWS::ElastiCache::CacheCluster": {"NumCacheNodes"},
}

# Where the schema says that a change replaces in some cases, and AWS documents in which.
DECIDED_BY_RULES = {"AWS::ElastiCache::ReplicationGroup": {"AuthToken", "NodeGroupConfiguration"}}

# Where the service specification that the CDK CLI brings still says what was so before 2025, and the schema does not.
OUTDATED_IN_SPECIFICATION = {
    "AWS::ElastiCache::ReplicationGroup": {"Engine", "ReplicasPerNodeGroup"},
    "AWS::ElastiCache::User": {"Engine"},
    "AWS::ElastiCache::UserGroup": {"Engine"},
}


def _document(kind: str) -> dict[str, Any]:
    kind = "AWS::CloudFormation::CustomResource" if kind.startswith("Custom::") else kind
    return schemas.schema(kind)


@dataclass(frozen=True)
class Mutation:
    """One value of one resource, changed."""

    resource: str
    pointer: tuple[str, ...]
    before: dict[str, Any]
    """The template, without what has no part in the change."""
    after: dict[str, Any]
    is_known: bool = True
    """Whether both values are known before the deployment."""

    @property
    def property(self) -> str:
        """The property that it belongs to."""
        return self.pointer[0]


def _mutations(whole: dict[str, Any], seen: set[str]) -> Iterator[Mutation]:
    for name, body in whole["Resources"].items():
        document = _document(body["Type"])
        template = _around(whole, name)
        properties = body.get("Properties", {})
        # What is word for word the same in several places comes to the same. A property is judged by itself, but for
        # ElastiCache, whose rules look at whole resources.
        beside = properties if body["Type"].startswith("AWS::ElastiCache::") else None
        for each, given in properties.items():
            if _is_first(json.dumps([body["Type"], each, given, beside]), seen):
                for pointer, value in _leaves((each,), given):
                    yield from _changed(template, name, pointer, value, _node(document, pointer))
                yield Mutation(name, (each,), template, _with(template, name, (each,), None))
        for each, node in document["properties"].items():
            can_be_set = f"/properties/{each}" not in document.get("readOnlyProperties", [])
            if can_be_set and each not in properties and _is_first(f"{body['Type']} {each}", seen):
                yield Mutation(name, (each,), template, _with(template, name, (each,), _sample(document, node)))


def _around(template: dict[str, Any], name: str) -> dict[str, Any]:
    """The template without what has no part in a change of one resource: a large one takes long to compare."""
    kept = referred(template, [name])
    if _is_looked_at(template["Resources"][name]):
        kept |= {other for other, body in template["Resources"].items() if _is_looked_at(body)}
    return {**reduced(template, kept), "Outputs": {}}


def _is_looked_at(body: dict[str, Any]) -> bool:
    """Whether the service's rules look for resources of this type, whatever refers to them."""
    return str(body["Type"]).startswith(("AWS::ElastiCache::", "AWS::ApplicationAutoScaling::"))


def _is_first(text: str, seen: set[str]) -> bool:
    known = text in seen
    seen.add(text)
    return not known


def _leaves(pointer: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and not _is_function(value):
        for name, each in value.items():
            yield from _leaves((*pointer, name), each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves((*pointer, str(index)), each)
    else:
        yield pointer, value


def _is_function(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _changed(
    template: dict[str, Any], name: str, pointer: tuple[str, ...], value: Any, node: dict[str, Any]
) -> Iterator[Mutation]:
    match value:
        case bool():
            yield Mutation(name, pointer, template, _with(template, name, pointer, not value))
        case int():
            yield Mutation(name, pointer, template, _with(template, name, pointer, value + 1))
        case str():
            other = next((each for each in node.get("enum", []) if each != value), f"{value}x")
            yield Mutation(name, pointer, template, _with(template, name, pointer, other), "{{resolve:" not in value)
        case {"Ref": str(target)} | {"Fn::GetAtt": [str(target), "Arn" | "Id" | "GroupId"]} if (
            target in template["Resources"]
        ):
            # To another resource of the same kind, next to it.
            twin = json.loads(json.dumps(value).replace(f'"{target}"', f'"{target}Twin"'))
            changed = _with(template, name, pointer, twin)
            changed["Resources"][f"{target}Twin"] = template["Resources"][target]
            yield Mutation(name, pointer, template, changed)
        case _:
            yield Mutation(name, pointer, template, _with(template, name, pointer, "known"), is_known=False)


def _with(template: dict[str, Any], name: str, pointer: tuple[str, ...], value: Any) -> dict[str, Any]:
    body = template["Resources"][name]
    body = {**body, "Properties": _put(body.get("Properties", {}), pointer, value)}
    return {**template, "Resources": {**template["Resources"], name: body}}


def _put(inner: Any, pointer: tuple[str, ...], value: Any) -> Any:
    """A copy with another value at a place; without the place if the value is None."""
    changed = inner.copy()
    key: Any = int(pointer[0]) if isinstance(inner, list) else pointer[0]
    if len(pointer) > 1:
        changed[key] = _put(inner[key], pointer[1:], value)
    elif value is None:
        del changed[key]
    else:
        changed[key] = value
    return changed


def _node(document: dict[str, Any], pointer: tuple[str, ...]) -> dict[str, Any]:
    node = document
    for step in pointer:
        node = _resolved(document, node)
        node = node.get("items", {}) if step.isdecimal() else node.get("properties", {}).get(step, {})
    return _resolved(document, node)


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = document["definitions"][node["$ref"].removeprefix("#/definitions/")]
    return node


def _sample(document: dict[str, Any], node: dict[str, Any], depth: int = 0) -> Any:
    node = _resolved(document, node)
    kind = node.get("type", "string")
    if "enum" in node:
        return node["enum"][0]
    if kind == "array":
        return [_sample(document, node.get("items", {}), depth)]
    if kind == "object":
        inner = node.get("properties", {}) if depth < 3 else {}
        return {name: _sample(document, each, depth + 1) for name, each in inner.items()}
    return {"boolean": True, "integer": 3, "number": 3}.get(kind if isinstance(kind, str) else kind[0], "added")


def _is_listed(mutation: Mutation, pointers: list[str]) -> bool:
    # The value itself, one that it is part of, or one that is part of it.
    mine = ["*" if each.isdecimal() else each for each in mutation.pointer]
    listed = [pointer.removeprefix("/properties/").split("/") for pointer in pointers]
    return any(all(a == b for a, b in zip(mine, each, strict=False)) for each in listed)


def test_every_change_has_the_effect_that_the_schema_names(synthesised: Synthesised, *, exhaustive: bool) -> None:
    """Every create-only change is a replacement, no other change is, and no change goes unmentioned.

    Every value and property of every resource is changed and taken away; what a type has besides is added once. Of
    resources that are no caches every fourth change is tried, exhaustively each.
    """
    numbers = itertools.count()
    wrong: list[str] = []
    tried: Counter[str] = Counter()
    seen: set[str] = set()
    for path, template in synthesised.templates.items():
        for mutation in _mutations(template, seen):
            kind = template["Resources"][mutation.resource]["Type"]
            if not (exhaustive or kind in ELASTICACHE or next(numbers) % 4 == 0):
                continue
            document = _document(kind)
            lines = [
                each
                for each in compare(mutation.before, mutation.after)
                if (each.resource, each.property.partition("/")[0]) == (mutation.resource, mutation.property)
            ]
            effects = {each.effect for each in lines}
            where = f"{path} {mutation.resource} {'/'.join(mutation.pointer)}: {[each.value for each in effects]}"
            if _is_listed(mutation, document.get("createOnlyProperties", [])):
                tried["create-only"] += 1
                expected = Effect.REPLACEMENT if mutation.is_known else Effect.NOT_JUDGED
                wrong += [where] if expected not in effects else []
            elif _is_listed(mutation, document.get("conditionalCreateOnlyProperties", [])):
                tried["conditional"] += 1
                is_known_when = mutation.property in DECIDED_BY_RULES.get(kind, ())
                wrong += [where] if not effects or (Effect.MAY_REPLACE not in effects and not is_known_when) else []
            else:
                tried["in place"] += 1
                documented = mutation.property in DOCUMENTED.get(kind, ())
                wrong += [where] if not effects or (effects & REPLACES and not documented) else []

    assert [] == wrong, tried
    assert tried["create-only"] > (500 if exhaustive else 125)
    assert tried["in place"] > (1000 if exhaustive else 250)
    assert tried["conditional"] > (25 if exhaustive else 6)


@pytest.fixture(scope="module", name="specification")
def _specification() -> dict[str, dict[str, Any]]:
    packed = ROOT / "node_modules" / "aws-cdk" / "db.json.gz"
    entities = json.loads(gzip.decompress(packed.read_bytes()))["schema"]["resource"]["entities"]
    return {each["cloudFormationType"]: each["properties"] for each in entities}


@pytest.mark.parametrize("kind", ELASTICACHE)
def test_the_cdk_cli_knows_the_same_create_only_properties(specification: dict[str, dict[str, Any]], kind: str) -> None:
    """The other source of such facts on this machine, what ``cdk diff`` reads, says the same about ElastiCache."""
    replacing = {name for name, each in specification[kind].items() if each.get("causesReplacement") == "yes"}
    read = schema(kind)

    assert read is not None
    assert replacing - OUTDATED_IN_SPECIFICATION.get(kind, set()) == {path[0] for path in read.create_only}
