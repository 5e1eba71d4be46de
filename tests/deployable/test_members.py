"""What a global datastore accepts of drawn groups is what the service takes of members, told a second time."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from elasticache_constructs import ConfigurationError
from elasticache_constructs.replication_group.membership import check_node_type, check_primary
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings, SecondarySettings
from elasticache_rules import facts
from tests.deployable.resources import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.deployable.accepted import Accepted

# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastores-Getting-Started.html
_FAMILIES = {"m5", "m6g", "m7g", "m8g", "r5", "r6g", "r6gd", "r7g", "r8g", "c7gn", "c8gn"}
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastores-CLI.html
_NOT_FOR_SECONDARIES = {
    *("PrimaryClusterId", "AutomaticFailoverEnabled", "NumNodeGroups", "CacheParameterGroupName", "CacheNodeType"),
    *("Engine", "EngineVersion", "CacheSecurityGroupNames", "TransitEncryptionEnabled", "AtRestEncryptionEnabled"),
    *("SnapshotArns", "SnapshotName"),
}


def _refused(group: ReplicationGroupSettings) -> bool:
    try:
        check_primary(group)
        check_node_type(group.node_type)
    except ConfigurationError:
        return True
    return False


def _breaks(group: dict[str, Any]) -> Iterator[str]:
    """The rules that a group with these properties breaks as the primary of a global datastore."""
    version = tuple(int(part) for part in group["EngineVersion"].split("."))
    if version < {"redis": (5, 0, 6), "valkey": (7, 2)}[group["Engine"]]:
        yield "GDS-02"
    # A type that is known at deployment only, or newer than this package, is not judged.
    known = re.fullmatch(r"cache\.([a-z0-9]+)\.[a-z0-9]+", str(group["CacheNodeType"]))
    if known and known[1] in facts.node_families() and known[1] not in _FAMILIES:
        yield "GDS-01"
    if group.get("NetworkType", "ipv4") != "ipv4" or group.get("Durability") in ("sync", "async"):
        yield "GDS-11"
    if group["AutoMinorVersionUpgrade"]:
        yield "ENG-21"


def _written(settings: ReplicationGroupSettings) -> dict[str, Any]:
    return {spelled(name): value for name, value in settings.properties().items()}


def test_groups_are_members_if_and_only_if_the_service_takes_them(accepted: Sequence[Accepted]) -> None:
    """Each drawn group, as it is and with upgrades by hand: refused if it breaks a rule, and by nothing else."""
    by_hand: dict[str, Any] = {
        "auto_minor_version_upgrade": False,
        "manual_upgrades_reason": "All members are upgraded together.",
    }
    seen: Counter[bool] = Counter()
    for each in accepted:
        if not isinstance(each.settings, ReplicationGroupSettings):
            continue
        for group in (each.settings, dataclasses.replace(each.settings, **by_hand)):
            wrong = [*_breaks(_written(group)), *(["ASC-05"] if group.topology.is_scaled else [])]
            assert bool(wrong) == _refused(group), (each.written, wrong)
            seen[bool(wrong)] += 1

    assert min(seen[True], seen[False]) > 10


def test_secondaries_of_drawn_primaries_state_nothing_refused(accepted: Sequence[Accepted]) -> None:
    """With the same arguments a secondary states what the primary does, without what is decided for both."""
    for each in accepted:
        if isinstance(each.settings, ReplicationGroupSettings) and each.settings.restore_from is None:
            fields = {item.name: getattr(each.settings, item.name) for item in dataclasses.fields(each.settings)}
            stated = _written(SecondarySettings(**fields))

            assert set() == {*stated} & _NOT_FOR_SECONDARIES
            assert stated.items() <= _written(each.settings).items()
