"""CloudFormation's resource schemas, as cfn-lint ships them: properties, and which of them are create-only."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.errors import GateError

if TYPE_CHECKING:
    from elasticache_rules.change_gate.values import Path

# Types differ between regions in what exists, hardly ever in what may be changed; this one has the most.
_REGION = "us-east-1"

_ALSO_STATEFUL = frozenset(
    {
        "AWS::ElastiCache::GlobalReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::MemoryDB::Cluster",
        "AWS::RDS::GlobalCluster",
        "AWS::SNS::Topic",
    }
)
"""Types that cfn-lint's list leaves out: they hold data, or subscriptions that people confirmed."""

_STATELESS_OF_ELASTICACHE = frozenset(
    f"AWS::ElastiCache::{name}"
    for name in ("ParameterGroup", "SecurityGroup", "SecurityGroupIngress", "SubnetGroup", "User", "UserGroup")
)


@dataclass(frozen=True)
class Schema:
    """CloudFormation's schema of a resource type."""

    document: dict[str, Any]

    def _paths(self, keyword: str) -> tuple[Path, ...]:
        return tuple(tuple(pointer.split("/")[2:]) for pointer in self.document.get(keyword, ()))

    @functools.cached_property
    def create_only(self) -> tuple[Path, ...]:
        """Create-only properties: a change replaces the resource."""
        return self._paths("createOnlyProperties")

    @functools.cached_property
    def conditional(self) -> tuple[Path, ...]:
        """Properties of which some changes replace the resource."""
        return self._paths("conditionalCreateOnlyProperties")

    @functools.cached_property
    def read_only(self) -> tuple[Path, ...]:
        """Read-only properties: the service sets them, a template cannot."""
        return self._paths("readOnlyProperties")

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Properties that set the physical name of the resource."""
        identifiers = self._paths("primaryIdentifier")
        # One part of a compound identifier may stay while the other makes it another resource.
        if len(identifiers) == 1 and identifiers[0] not in self.read_only:
            return frozenset({identifiers[0][0]})
        short = str(self.document["typeName"]).rpartition("::")[2]
        return frozenset(path[0] for path in self.create_only if path in {("Name",), (f"{short}Name",)})

    def has(self, path: Path) -> bool:
        """Whether a property can be set. Below an object without a schema, any can."""
        return path not in self.read_only and _has(self.document, self.document, path)


def _has(document: dict[str, Any], node: dict[str, Any], path: Path) -> bool:
    while "$ref" in node:
        node = functools.reduce(lambda inner, name: inner[name], node["$ref"].split("/")[1:], document)
    if not path:
        return True
    name, *rest = path
    properties = node.get("properties", {})
    if name in properties:
        return _has(document, properties[name], tuple(rest))
    if "items" in node:
        return _has(document, node["items"], tuple(rest))
    variants = [each for keyword in ("oneOf", "anyOf", "allOf") for each in node.get(keyword, ())]
    if any("properties" in each or "$ref" in each for each in variants):
        return any(_has(document, each, path) for each in variants)
    return not properties or node.get("additionalProperties") is not False


@functools.cache
def schema(kind: str) -> Schema | None:
    """The schema of a resource type; None if the type is unknown.

    Raises:
        GateError: If cfn-lint is not installed.
    """
    manager, not_found = _cfn_lint()
    if kind.endswith("::MODULE"):
        # cfn-lint has an empty schema for every module, whatever is in it.
        return None
    try:
        return Schema(manager.get_resource_schema(_REGION, kind).schema)
    except not_found:
        return None


@functools.cache
def _cfn_lint() -> tuple[Any, type[Exception]]:
    try:
        from cfnlint.schema import (  # type: ignore[import-untyped]  # noqa: PLC0415
            PROVIDER_SCHEMA_MANAGER,
            ResourceNotFoundError,
        )
    except ImportError as error:
        raise GateError(
            "cfn-lint is not installed, and the change gate reads CloudFormation's resource schemas from it. "
            "Install it: pip install cfn-lint"
        ) from error
    return PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError


def is_stateful(kind: str) -> bool:
    """Whether a resource of this type holds data. An unknown ElastiCache type counts as stateful."""
    unknown_cache = kind.startswith("AWS::ElastiCache::") and kind not in _STATELESS_OF_ELASTICACHE
    return unknown_cache or kind in _ALSO_STATEFUL or kind in _listed_as_stateful()


@functools.cache
def _listed_as_stateful() -> frozenset[str]:
    _cfn_lint()
    listed = resources.files("cfnlint.data.AdditionalSpecs").joinpath("StatefulResources.json").read_text()
    return frozenset(json.loads(listed)["ResourceTypes"])
