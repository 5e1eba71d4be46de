"""What the service answers about the caches of an account and Region, in one JSON document without secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_tools.adopt.errors import AdoptError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Answer = dict[str, Any]

_VERSION = 1
_LISTS = {
    "ReplicationGroups": ("replication_groups", "ReplicationGroupId"),
    "CacheClusters": ("clusters", "CacheClusterId"),
    "ServerlessCaches": ("serverless_caches", "ServerlessCacheName"),
    "CacheSubnetGroups": ("subnet_groups", "CacheSubnetGroupName"),
    "UserGroups": ("user_groups", "UserGroupId"),
    "Users": ("users", "UserId"),
    "SecurityGroups": ("security_groups", "GroupId"),
    "Subnets": ("subnets", "SubnetId"),
}
"""The lists of the document, with the fields of the class and the key of each entry, as AWS names them."""
_MAPS = {"CacheParameters": "parameters", "Tags": "tags", "Stacks": "stacks"}


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The caches of an account and Region, and what they refer to.

    Attributes:
        account: The id of the account.
        region: Name of the Region.
        replication_groups: As DescribeReplicationGroups answers.
        clusters: As DescribeCacheClusters answers, with nodes: members of the groups, and Memcached clusters.
        serverless_caches: As DescribeServerlessCaches answers.
        subnet_groups: As DescribeCacheSubnetGroups answers.
        user_groups: As DescribeUserGroups answers.
        users: As DescribeUsers answers.
        security_groups: As EC2's DescribeSecurityGroups answers.
        subnets: As EC2's DescribeSubnets answers, those of serverless caches.
        parameters: The parameters that differ from their defaults, by parameter group.
        tags: The tags of each cache, by its ARN.
        stacks: The stack that each cache is in, by its id or name. A cache that is in none is left out.
        importable: The types that CloudFormation imports in the Region; ``None`` if it was not asked.
    """

    account: str
    region: str
    replication_groups: Sequence[Answer] = ()
    clusters: Sequence[Answer] = ()
    serverless_caches: Sequence[Answer] = ()
    subnet_groups: Sequence[Answer] = ()
    user_groups: Sequence[Answer] = ()
    users: Sequence[Answer] = ()
    security_groups: Sequence[Answer] = ()
    subnets: Sequence[Answer] = ()
    parameters: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    tags: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    stacks: Mapping[str, str] = field(default_factory=dict)
    importable: Sequence[str] | None = None

    def named(self, kind: str, name: str | None) -> Answer:
        """The entry of a list by its key; empty if there is none.

        Args:
            kind: The list, as ``CacheSubnetGroups``.
            name: The value of its key.
        """
        attribute, key = _LISTS[kind]
        found: Answer = next((each for each in getattr(self, attribute) if each[key] == name), {})
        return found

    def members(self, group: Answer) -> list[Answer]:
        """The clusters of a replication group, in its order."""
        return [each for each in (self.named("CacheClusters", name) for name in group["MemberClusters"]) if each]

    def only(self, names: Sequence[str]) -> Inventory:
        """The inventory with some of its caches alone.

        Args:
            names: Ids of groups and clusters, names of serverless caches. None means all.

        Raises:
            AdoptError: If there is no such cache.
        """
        if not names:
            return self
        groups = [each for each in self.replication_groups if each["ReplicationGroupId"] in names]
        wanted = {*names, *(member for each in groups for member in each["MemberClusters"])}
        clusters = [each for each in self.clusters if each["CacheClusterId"] in wanted]
        serverless = [each for each in self.serverless_caches if each["ServerlessCacheName"] in names]
        there = {
            *(each["ReplicationGroupId"] for each in groups),
            *(each["CacheClusterId"] for each in clusters),
            *(each["ServerlessCacheName"] for each in serverless),
        }
        missing = [name for name in names if name not in there]
        if missing:
            raise AdoptError(f"there is no cache {', '.join(missing)} in {self.region}. Name caches by their ids")
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Inventory(
            **{**values, "replication_groups": groups, "clusters": clusters, "serverless_caches": serverless}
        )

    def to_json(self) -> str:
        """The document."""
        document = {
            "Version": _VERSION,
            "Account": self.account,
            "Region": self.region,
            **{key: list(getattr(self, attribute)) for key, (attribute, _) in _LISTS.items()},
            **{key: dict(getattr(self, attribute)) for key, attribute in _MAPS.items()},
            "Importable": None if self.importable is None else sorted(self.importable),
        }
        return json.dumps(document, indent=1, default=str) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Inventory:
        """The inventory of a document.

        Args:
            text: The document.
            source: Where it is from, for messages.

        Raises:
            AdoptError: If it is not such a document.
        """
        try:
            document = json.loads(text)
        except ValueError as fault:
            raise AdoptError(f"{source} is not JSON: {fault}. Write it with --region first") from fault
        _check_form(document, source)
        importable = document.get("Importable")
        return cls(
            account=document["Account"],
            region=document["Region"],
            importable=None if importable is None else list(importable),
            **{attribute: document.get(key, []) for key, (attribute, _) in _LISTS.items()},
            **{attribute: document.get(key, {}) for key, attribute in _MAPS.items()},
        )


def _check_form(document: Any, source: str) -> None:
    if not isinstance(document, dict) or document.get("Version") != _VERSION:
        raise AdoptError(f"{source} is no inventory of version {_VERSION}. Write it with --region first")
    for key in ("Account", "Region"):
        if not isinstance(document.get(key), str):
            raise AdoptError(f"{source} has no {key}. Add it, as a text")
    for key, (_, name) in _LISTS.items():
        entries = document.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise AdoptError(f"{source}: {key} is no list of answers. Take it from the API, as it is")
        for number, each in enumerate(entries):
            if not isinstance(each.get(name), str):
                raise AdoptError(f"{source}: {key}[{number}] has no {name}. Take it from the API, as it is")
    for key in _MAPS:
        if not isinstance(document.get(key, {}), dict):
            raise AdoptError(f"{source}: {key} is no object. Leave it out, or take it from a written inventory")
