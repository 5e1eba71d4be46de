"""What is less than the secure default about a cache that exists, what says so in the code, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_tools.adopt.inventory import Answer, Inventory
    from elasticache_tools.adopt.selection import Cache


class Weakness(Enum):
    """What may be less than the secure default: what is so, what its reason has to tell, and the runbook.

    Each one is a line of the code with a reason that begins with TODO.
    """

    NO_TLS = ("clients speak plain text", "why clients speak plain text, and until when", "docs/runbooks/tls.md")
    TLS_PREFERRED = (
        "plain text is accepted",
        "why plain text is still accepted, and until when",
        "docs/runbooks/tls.md",
    )
    NO_LOGIN = (
        "no login is needed",
        "why clients need no login, and until when",
        "docs/runbooks/tls.md, and Access.users after it",
    )
    NOT_ENCRYPTED_AT_REST = (
        "data and backups are not encrypted at rest",
        "why data at rest are not encrypted, and until when",
        "create-only: docs/runbooks/snapshot-and-restore.md",
    )
    SERVICE_KEY = (
        "data at rest are encrypted with the key of the service",
        "why a key of the service is enough, or until when",
        "create-only: docs/runbooks/snapshot-and-restore.md",
    )
    NO_FAILOVER = (
        "there is no automatic failover",
        "why there is no failover, and until when",
        "docs/runbooks/replicas-and-failover.md",
    )
    NO_MULTI_AZ = (
        "nodes may all be in one Availability Zone",
        "why one Availability Zone is enough, and until when",
        "in place: leave no_multi_az_reason out",
    )
    MEMCACHED_IN_ONE_ZONE = (
        "all nodes are in one Availability Zone",
        "why one Availability Zone is enough, and until when",
        "add nodes in other zones: availability_zones of MemcachedCluster",
    )
    NO_BACKUPS = (
        "no snapshots are taken",
        "why no backups are needed, and until when",
        "in place: leave no_backups_reason out",
    )
    SHORT_RETENTION = (
        "snapshots are kept fewer than 15 days",
        "why so short a retention is enough, and until when",
        "in place: leave retention_days out",
    )
    MANUAL_UPGRADES = (
        "minor versions are installed by hand",
        "why minor versions are installed by hand, and by whom",
        "in place: leave auto_minor_version_upgrade out; docs/runbooks/service-updates.md",
    )
    LOGS_MISSING = (
        "a log that the engine has is not delivered",
        "why a log is not delivered, and until when",
        "in place: leave log_delivery out",
    )
    MEMCACHED_WITHOUT_TLS = (
        "clients speak plain text",
        "why clients speak plain text, and until when",
        "create-only: a second cluster, docs/runbooks/adopt.md",
    )
    PUBLIC_ENDPOINT = (
        "its endpoint is reachable from the internet",
        "why its endpoint is public, and until when",
        "create-only: docs/runbooks/restore-a-serverless-cache.md",
    )
    UNLIMITED = (
        "the cache grows, and costs, without a maximum",
        "why there is no maximum, and who watches the cost",
        "in place: maximum_storage_gb and maximum_ecpu_per_second of ServerlessLimits",
    )

    def __init__(self, what: str, asked: str, mended: str) -> None:
        self.what = what
        self.todo = f"TODO: {asked}"
        self.mended = mended


@dataclass(frozen=True)
class Finding:
    """Something to do about a cache.

    Attributes:
        cache: Its id or name.
        what: What is so, as a sentence without its full stop.
        mended: What changes it.
        argument: The argument of the code that has a reason to write; empty if it has none.
    """

    cache: str
    what: str
    mended: str
    argument: str = ""


def around(cache: Cache, inventory: Inventory) -> Iterator[Finding]:
    """What is to be known of a cache beyond its own settings: security groups, users, parameter groups."""
    nodes = inventory.members(cache.answer) if "MemberClusters" in cache.answer else [cache.answer]
    yield from _open_groups(cache, nodes[0], inventory)
    group_ids = cache.answer.get("UserGroupIds") or filter(None, [cache.answer.get("UserGroupId")])
    for group_id in group_ids:
        yield from _open_users(cache.name, inventory.named("UserGroups", group_id), inventory)
        yield Finding(
            cache.name,
            f"the user group {group_id} and its users are outside the stack",
            "in place: Access.user_group of a UserGroup, once every client has a user of it; docs/adopt.md",
        )
    name = nodes[0].get("CacheParameterGroup", {}).get("CacheParameterGroupName", "default.")
    if not name.startswith("default."):
        own = {each["ParameterName"]: each.get("ParameterValue") for each in inventory.parameters.get(name, ())}
        own.pop("cluster-enabled", None)
        yield Finding(
            cache.name,
            f"the parameter group {name} is outside the stack",
            f"in place: leave parameter_group_name out, and add parameters={own}"
            if own
            else "in place: leave parameter_group_name out",
        )
    if cache.answer.get("AuthTokenEnabled"):
        yield Finding(cache.name, "all clients share one AUTH token", "users: docs/runbooks/auth-token-to-users.md")


def _open_groups(cache: Cache, node: Answer, inventory: Inventory) -> Iterator[Finding]:
    ids = cache.answer.get("SecurityGroupIds") or [each["SecurityGroupId"] for each in node.get("SecurityGroups", ())]
    for group_id in ids:
        for rule in inventory.named("SecurityGroups", group_id).get("IpPermissions", ()):
            ranges = [
                *(each["CidrIp"] for each in rule.get("IpRanges", ())),
                *(each["CidrIpv6"] for each in rule.get("Ipv6Ranges", ())),
            ]
            if ranges:
                yield Finding(
                    cache.name,
                    f"{group_id} admits the addresses {', '.join(ranges)}",
                    "let clients join client_security_group, then remove the rule: docs/adopt.md",
                )


def _open_users(cache: str, group: Answer, inventory: Inventory) -> Iterator[Finding]:
    for user_id in group.get("UserIds", ()):
        user = inventory.named("Users", user_id)
        is_on = "on" in str(user.get("AccessString", "")).split()
        if is_on and user.get("Authentication", {}).get("Type") in ("no-password", "no-password-required"):
            yield Finding(
                cache,
                f"the user {user['UserName']} ({user_id}) of {group['UserGroupId']} needs no password",
                "give it one, or disable it: aws elasticache modify-user --user-id "
                f"{user_id} --access-string 'off -@all'",
            )
