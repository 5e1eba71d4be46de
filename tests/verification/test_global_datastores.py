"""Global datastores and their members are read back, and what is decided for all members is not held against one."""

from __future__ import annotations

from typing import Any

import pytest

from verification.readers import READERS
from verification.rules import RULES

STORE, GROUP = "AWS::ElastiCache::GlobalReplicationGroup", "AWS::ElastiCache::ReplicationGroup"


def member(name: str, region: str, role: str, status: str = "associated") -> dict[str, Any]:
    """A member, as the API tells of it."""
    return {
        "ReplicationGroupId": name,
        "ReplicationGroupRegion": region,
        "Role": role,
        "Status": status,
        "AutomaticFailover": "enabled",
    }


PRIMARY, SECONDARY = member("shop", "eu-west-1", "PRIMARY"), member("shop-eu", "eu-central-1", "SECONDARY")
STATED = [
    {name: each[name] for name in ("ReplicationGroupId", "ReplicationGroupRegion", "Role")} for each in (PRIMARY,)
]


class Account:
    """The answers about one global datastore and its primary."""

    def __init__(self, **changes: Any) -> None:
        self._store = {
            "GlobalReplicationGroupDescription": "the shop's",
            "Status": "available",
            "Members": [PRIMARY, SECONDARY],
            "CacheNodeType": "cache.r7g.xlarge",
            "Engine": "valkey",
            "EngineVersion": "8.2.0",
            **changes,
        }
        self.info: dict[str, str] = {"GlobalReplicationGroupId": "gxeiz-shop"}

    def global_datastore(self, _name: str) -> dict[str, Any]:
        """The global datastore."""
        return self._store

    def replication_group(self, name: str) -> dict[str, Any]:
        """The primary."""
        nodes = [{"CacheClusterId": f"{name}-001"}]
        return {
            "ReplicationGroupId": name,
            "Description": "shop",
            "GlobalReplicationGroupInfo": self.info,
            "MemberClusters": [f"{name}-001"],
            "NodeGroups": [{"NodeGroupMembers": nodes, "PrimaryEndpoint": {"Port": 6379}}],
            "Engine": "valkey",
            "CacheNodeType": "cache.r7g.xlarge",
            "ClusterMode": "disabled",
            "AutomaticFailover": "enabled",
            "MultiAZ": "enabled",
            "AtRestEncryptionEnabled": True,
            "TransitEncryptionEnabled": True,
            "AuthTokenEnabled": False,
            "SnapshotRetentionLimit": 35,
            "SnapshotWindow": "02:00-03:00",
            "AutoMinorVersionUpgrade": False,
            "LogDeliveryConfigurations": [],
        }

    def cluster(self, _name: str) -> dict[str, Any]:
        """Its node."""
        return {
            "EngineVersion": "8.2",
            "CacheSubnetGroupName": "subnets",
            "SecurityGroups": [],
            "CacheParameterGroup": {"CacheParameterGroupName": "global-datastore-gxeiz-shop"},
            "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        }


def read(kind: str, account: Account, **asked: Any) -> dict[str, Any]:
    """What is read back of a resource."""
    return dict(READERS[kind].read(account, "gxeiz-shop", asked))  # type: ignore[arg-type]


def test_members_that_the_template_names_are_compared() -> None:
    """A secondary that it does not name yet is no difference; another role is."""
    promoted = [{**PRIMARY, "Role": "SECONDARY"}, {**SECONDARY, "Role": "PRIMARY"}]

    assert STATED == read(STORE, Account(), Members=STATED)["Members"]
    assert STATED != read(STORE, Account(Members=promoted), Members=STATED)["Members"]
    assert "shop" == read(STORE, Account(), Members=STATED)["GlobalReplicationGroupIdSuffix"]


@pytest.mark.parametrize("is_member", [True, False])
def test_what_all_members_were_changed_to_is_no_difference_of_one(*, is_member: bool) -> None:
    """A primary's template has the node type and the parameter group that it was made with."""
    account = Account()
    if not is_member:
        account.info = {}
    found = read(GROUP, account, CacheNodeType="cache.r7g.large", CacheParameterGroupName="own", Engine="valkey")

    assert is_member == ("CacheNodeType" not in found) == ("CacheParameterGroupName" not in found)
    assert ("valkey", False) == (found["Engine"], found["AutoMinorVersionUpgrade"])


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, []),
        ({"Status": "modifying"}, ["status"]),
        ({"Members": [PRIMARY, {**SECONDARY, "Status": "disassociated"}]}, ["shop-eu in eu-central-1"]),
        ({"Members": [{**PRIMARY, "Role": "SECONDARY"}, SECONDARY]}, ["primaries"]),
    ],
)
def test_rule(changes: dict[str, Any], failed: list[str]) -> None:
    """It is available, has one primary, and every member follows it."""
    found = RULES[STORE](Account(**changes), "gxeiz-shop")  # type: ignore[arg-type]

    assert failed == [each.what for each in found if not each.ok]
