"""The seam holds: the constructs make of their arguments what the settings describe, and no rule stops the synth."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from tests.deployable.drawing.outside import HOME, told
from tests.deployable.resources import SURROUNDINGS, resources
from tests.deployable.stacks import GIVEN, KEYS, Synthesised, zones

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.deployable.resources import Resource, Resources

COMPARED = ("Type", "Properties", "DeletionPolicy", "UpdateReplacePolicy")
FROM_THE_PATH = {"ServerlessCacheName", "FinalSnapshotName"}
"""Names that the construct makes of its place in the app."""


def test_the_constructs_make_what_the_settings_say(synthesised: Synthesised) -> None:
    """The ElastiCache resources of each synthesised template are those that its settings gave, and no others."""
    for each in synthesised.sample:
        groups, of_secrets = told(each.written.given)
        expected = resources(each.settings, synthesised.prefixes[each.name], groups=groups)
        cache = next(iter(expected.values()))
        if isinstance(each.settings, MemcachedClusterSettings):
            # The Availability Zones are those of the subnets, which are no part of the settings.
            spread = itertools.islice(itertools.cycle(zones(each.region)), each.settings.nodes)
            cache["Properties"] |= {"PreferredAvailabilityZones": list(spread)}
        made = {
            name: resource
            for name, resource in synthesised.templates[each.name]["Resources"].items()
            if resource["Type"].startswith("AWS::ElastiCache::") and resource["Type"] != SURROUNDINGS["Subnets"]
        }
        everything = synthesised.templates[each.name]["Resources"]
        assert looks(expected, expected) == looks(made, everything), each.written
        secrets = [one for one in everything.values() if one["Type"] == SURROUNDINGS["Secret"]]
        assert {of_secrets or KEYS[each.region or HOME] for _ in secrets} == {
            one["Properties"]["KmsKeyId"] for one in secrets
        }


def looks(compared: Resources, everything: Resources) -> list[dict[str, Any]]:
    """Resources without their logical ids, which say nothing; a reference says to what kind of thing it leads."""
    labels = {name: label(resource) for name, resource in everything.items()} | SURROUNDINGS
    shown = [
        {part: led(resource.get(part), labels) for part in COMPARED}
        | {"Reason": resource.get("Metadata", {}).get("BroadAccessReason")}
        for resource in compared.values()
    ]
    return sorted(shown, key=repr)


def label(resource: Resource) -> str:
    """What a reference to a resource leads to: its type, and which user."""
    return " ".join([resource["Type"], *filter(None, [resource.get("Properties", {}).get("UserId")])])


def led(value: Any, labels: Mapping[str, str]) -> Any:
    """A value with every reference replaced by what it leads to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} if name in labels:
            return {"Ref": labels[name]}
        case dict():
            return {name: led(value[name], labels) for name in sorted(value.keys() - FROM_THE_PATH)}
        case list():
            return [led(each, labels) for each in value]
        case str(text) if text in GIVEN:
            return {"Ref": SURROUNDINGS[GIVEN[text]]}
        case _:
            return value
