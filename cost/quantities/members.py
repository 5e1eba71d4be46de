"""Members of global datastores, with what is decided for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_rules.templates.app import Resource, Templates

_GLOBAL = "AWS::ElastiCache::GlobalReplicationGroup"
_STATED = {
    "Engine": "Engine",
    "EngineVersion": "EngineVersion",
    "CacheNodeType": "CacheNodeType",
    "GlobalNodeGroupCount": "NumNodeGroups",
}


def as_member(group: Resource, templates: Templates) -> Resource:
    """The group as the service runs it: with what its global datastore decides, if it is in one.

    A secondary does not state it. `SecondaryReplicationGroup` writes it into the metadata of the resource. A primary
    states what it was made with, and the global datastore of its template what was changed since.

    Args:
        group: A replication group.
        templates: All templates.
    """
    if group.get("GlobalReplicationGroupId") is not None:
        told = group.body.get("Metadata", {}).get("GlobalDatastore", {})
        return _with(group, {**told, **_properties(group)}) if isinstance(told, dict) else group
    for store in templates.of_kind(_GLOBAL):
        ids = [each.get("ReplicationGroupId") for each in store.list_of("Members") if isinstance(each, dict)]
        if group in templates.follow_all(ids, store.template):
            since = {of: store.get(name) for name, of in _STATED.items() if store.get(name) is not None}
            return _with(group, {**_properties(group), **since})
    return group


def _properties(group: Resource) -> Mapping[str, Any]:
    found: Mapping[str, Any] = group.body.get("Properties", {})
    return found


def _with(group: Resource, properties: Mapping[str, Any]) -> Resource:
    return replace(group, body={**group.body, "Properties": properties})
