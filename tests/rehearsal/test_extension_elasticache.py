"""Handlers of ElastiCache types: what ElastiCache creates, and what it refuses."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlencode

import pytest

from rehearsal.extension import seam

USER = "AWS::ElastiCache::User"
USER_GROUP = "AWS::ElastiCache::UserGroup"
GROUP = "AWS::ElastiCache::ReplicationGroup"
CLUSTER = "AWS::ElastiCache::CacheCluster"
PASSWORD = {"Type": "password", "Passwords": ["correct-horse-battery"]}
TOKEN = "abcdefghijklmnop!&#$^<>-0123"


def _call(action: str, **parameters: str) -> ET.Element:
    body = urlencode({"Action": action, **parameters}).encode()
    _status, _headers, answer = asyncio.run(seam.elasticache.handle_request("POST", "/", {}, body, {}))
    return ET.fromstring(answer.decode())  # noqa: S314 - our own server's answer


def _texts(root: ET.Element, name: str) -> list[str | None]:
    return [element.text for element in root.iter(f"{{http://elasticache.amazonaws.com/doc/2015-02-02/}}{name}")]


def _user(cloudformation: Any, name: str = "someone", **changes: Any) -> str:
    asked = {"Engine": "redis", "UserId": name, "UserName": name, "AccessString": "on ~* &* +@all", **changes}
    made: str = cloudformation.create(USER, **{"AuthenticationMode": PASSWORD, **asked})[0]
    return made


def test_access_string_with_ampersand_is_described(cloudformation: Any) -> None:
    """DescribeUsers is well-formed and returns the access string as it was given."""
    _user(cloudformation, AccessString="on ~* &channel:* +@all")
    assert ["on ~* &channel:* +@all"] == _texts(_call("DescribeUsers"), "AccessString")


@pytest.mark.parametrize(
    ("mode", "kind", "count"),
    [
        (PASSWORD, "password", "1"),
        ({"Type": "password", "Passwords": ["correct-horse-battery", "another-long-secret"]}, "password", "2"),
        ({"Type": "iam"}, "iam", "0"),
        ({"Type": "no-password-required"}, "no-password", "0"),
    ],
)
def test_authentication_is_as_asked(cloudformation: Any, mode: dict[str, Any], kind: str, count: str) -> None:
    """The type and the number of passwords of a new user are those of the template."""
    _user(cloudformation, AuthenticationMode=mode)
    described = _call("DescribeUsers")
    assert ([kind], [count]) == (_texts(described, "Type"), _texts(described, "PasswordCount"))


def test_passwords_outside_the_mode_count_as_well(cloudformation: Any) -> None:
    """The older arguments Passwords and NoPasswordRequired have the same effect."""
    cloudformation.create(USER, Engine="redis", UserId="a", UserName="a", AccessString="on", Passwords=["x" * 16])
    cloudformation.create(USER, Engine="redis", UserId="b", UserName="b", AccessString="on", NoPasswordRequired=True)
    assert ["password", "no-password"] == _texts(_call("DescribeUsers"), "Type")


def test_a_user_changes_in_place(cloudformation: Any) -> None:
    """Permissions and passwords of a user can be changed; omitted ones stay."""
    _user(cloudformation)
    old = {"UserId": "someone", "UserName": "someone", "AccessString": "on ~* &* +@all", "AuthenticationMode": PASSWORD}
    two = {"Type": "password", "Passwords": ["correct-horse-battery", "another-long-secret"]}
    cloudformation.update(USER, "someone", old, {**old, "AuthenticationMode": two})
    cloudformation.update(
        USER,
        "someone",
        {**old, "AuthenticationMode": two},
        {**old, "AuthenticationMode": two, "AccessString": "off -@all"},
    )
    described = _call("DescribeUsers")
    assert (["off -@all"], ["2"]) == (_texts(described, "AccessString"), _texts(described, "PasswordCount"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"AuthenticationMode": {}},
            "Input Authentication type '': must be one of password, no-password-required, iam",
        ),
        ({"AuthenticationMode": {"Type": "password"}}, "0 passwords: must be 1 or 2"),
        ({"AuthenticationMode": {"Type": "iam", "Passwords": ["x" * 16]}}, "not allowed with authentication type: iam"),
        (
            {"AuthenticationMode": {"Type": "password", "Passwords": ["x" * 16, "y" * 16, "z" * 16]}},
            "3 passwords: must be 1 or 2",
        ),
        ({"AuthenticationMode": {"Type": "password", "Passwords": ["x" * 16] * 2}}, "which differ"),
        ({"AuthenticationMode": {"Type": "password", "Passwords": ["x" * 15]}}, "16 to 128"),
        ({"AuthenticationMode": {"Type": "password", "Passwords": ["x" * 129]}}, "16 to 128"),
        ({"AuthenticationMode": {"Type": "password", "Passwords": ["x" * 16 + "@"]}}, "without any of"),
        ({"AuthenticationMode": {"Type": "iam"}, "UserName": "other"}, "must be equal for IAM"),
        ({"AccessString": ""}, "no AccessString: it is required"),
        ({"AccessString": "on >secret ~* +@all"}, "AccessString with '&gt;secret'"),
        ({"AccessString": "on nopass ~* +@all"}, "AccessString with 'nopass'"),
    ],
)
def test_a_user_the_service_refuses(cloudformation: Any, changes: dict[str, Any], message: str) -> None:
    """A user that ElastiCache would not create fails the stack with the reason."""
    with pytest.raises(ValueError, match=message):
        _user(cloudformation, **changes)
    assert [] == _texts(_call("DescribeUsers"), "UserId")


def test_a_change_the_service_refuses(cloudformation: Any) -> None:
    """A forbidden access string is refused on update too, and the user keeps the old one."""
    name = _user(cloudformation)
    old = {"UserId": name, "UserName": name, "AccessString": "on ~* &* +@all"}
    with pytest.raises(ValueError, match="AccessString with 'nopass'"):
        cloudformation.update(USER, name, old, {**old, "AccessString": "on nopass +@all"})
    assert ["on ~* &* +@all"] == _texts(_call("DescribeUsers"), "AccessString")


def _users(cloudformation: Any) -> list[str]:
    return [_user(cloudformation, "the-default", UserName="default"), _user(cloudformation, "application")]


def test_a_user_group_takes_and_loses_members(cloudformation: Any) -> None:
    """A group lists its users; a user can be removed, and the group deleted."""
    users = _users(cloudformation)
    old = {"Engine": "redis", "UserGroupId": "all", "UserIds": users}
    name, _ = cloudformation.create(USER_GROUP, **old)
    cloudformation.update(USER_GROUP, name, old, {**old, "UserIds": users[:1]})
    assert users[:1] == seam.elasticache._user_groups["all"]["UserIds"]
    cloudformation.delete(USER_GROUP, name)
    assert "all" not in seam.elasticache._user_groups


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["the-default", "unknown"], "UserNotFound: User unknown"),
        (["application"], "DefaultUserRequired"),
        (["the-default", "second"], "DuplicateUserName"),
    ],
)
def test_a_user_group_the_service_refuses(cloudformation: Any, members: list[str], message: str) -> None:
    """Unknown users, two users of one name, and a Redis group without a default user are refused."""
    _users(cloudformation)
    _user(cloudformation, "second", UserName="default")
    with pytest.raises(ValueError, match=message):
        cloudformation.create(USER_GROUP, Engine="redis", UserGroupId="all", UserIds=members)


def test_the_default_user_cannot_leave(cloudformation: Any) -> None:
    """Removing the default user from a Redis group is refused."""
    users = _users(cloudformation)
    old = {"Engine": "redis", "UserGroupId": "all", "UserIds": users}
    name, _ = cloudformation.create(USER_GROUP, **old)
    with pytest.raises(ValueError, match="DefaultUserRequired"):
        cloudformation.update(USER_GROUP, name, old, {**old, "UserIds": users[1:]})


@pytest.fixture
def subnets(cloudformation: Any) -> str:
    """A subnet group in two Availability Zones."""
    vpc, _ = cloudformation.create("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    ids = [
        cloudformation.create("AWS::EC2::Subnet", VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)[0]
        for n, zone in enumerate(("eu-west-1b", "eu-west-1c"))
    ]
    name: str = cloudformation.create("AWS::ElastiCache::SubnetGroup", Description="two", SubnetIds=ids)[0]
    return name


@pytest.fixture
def cluster_mode(cloudformation: Any) -> str:
    """A parameter group with cluster mode enabled."""
    name: str = cloudformation.create(
        "AWS::ElastiCache::ParameterGroup",
        CacheParameterGroupFamily="redis7",
        Description="sharded",
        Properties={"cluster-enabled": "yes"},
    )[0]
    return name


def _asked_group(subnets: str, **changes: Any) -> dict[str, Any]:
    return {
        "ReplicationGroupId": "cache",
        "ReplicationGroupDescription": "read & write",
        "Engine": "redis",
        "CacheNodeType": "cache.t4g.small",
        "NumCacheClusters": 2,
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "TransitEncryptionEnabled": True,
        "CacheSubnetGroupName": subnets,
        "Port": 6380,
        **changes,
    }


def test_a_group_without_cluster_mode(cloudformation: Any, subnets: str) -> None:
    """Nodes have the names that alarms use, are in the zones of the subnets and listen on the given port."""
    name, attributes = cloudformation.create(GROUP, **_asked_group(subnets, KmsKeyId="arn:key", AuthToken=TOKEN))
    described = _call("DescribeReplicationGroups")
    assert ["cache-001", "cache-002"] == _texts(described, "ClusterId")
    assert ["eu-west-1b", "eu-west-1c"] == _texts(described, "PreferredAvailabilityZone")
    assert {"6380"} == set(_texts(described, "Port"))
    assert ["arn:key"] == _texts(described, "KmsKeyId")
    assert ["read & write"] == _texts(described, "Description")
    assert attributes["PrimaryEndPoint.Port"] == "6380"
    assert ["cache-001", "cache-002"] == _texts(_call("DescribeCacheClusters"), "CacheClusterId")
    cloudformation.delete(GROUP, name)
    assert [] == _texts(_call("DescribeCacheClusters"), "CacheClusterId")


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_group_with_cluster_mode(cloudformation: Any, subnets: str, cluster_mode: str, shards: int) -> None:
    """One, two or three shards are as many node groups with their nodes, behind a configuration endpoint."""
    asked = _asked_group(subnets, CacheParameterGroupName=cluster_mode, NumNodeGroups=shards, ReplicasPerNodeGroup=1)
    del asked["NumCacheClusters"]
    _name, attributes = cloudformation.create(GROUP, **asked)
    described = _call("DescribeReplicationGroups")
    expected = [f"cache-{shard:04d}-{member:03d}" for shard in range(1, shards + 1) for member in (1, 2)]
    assert expected == _texts(described, "ClusterId")
    assert expected == _texts(_call("DescribeCacheClusters"), "CacheClusterId")
    assert ["true"] == _texts(described, "ClusterEnabled")
    assert attributes["ConfigurationEndPoint.Port"] == "6380"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AuthToken": "x" * 15}, "Invalid AuthToken provided: 15 characters"),
        ({"AuthToken": "x" * 129}, "Invalid AuthToken provided: 129 characters"),
        ({"AuthToken": "x" * 16 + "@"}, "Invalid AuthToken"),
        ({"AuthToken": "x" * 16 + '"'}, "Invalid AuthToken"),
        ({"AuthToken": TOKEN, "TransitEncryptionEnabled": False}, "only supported when encryption-in-transit"),
        ({"AuthToken": TOKEN, "UserGroupIds": ["all"]}, "an AUTH token or a user group"),
        ({"UserGroupIds": ["all", "more"]}, "2 user groups: a replication group has at most 1"),
        ({"UserGroupIds": ["all"], "TransitEncryptionEnabled": False}, "Set TransitEncryptionEnabled to true"),
        ({"UserGroupIds": ["none"]}, "UserGroupNotFound"),
        ({"AutomaticFailoverEnabled": False}, "Set AutomaticFailoverEnabled to true"),
    ],
)
def test_a_group_the_service_refuses(cloudformation: Any, subnets: str, changes: dict[str, Any], message: str) -> None:
    """A group that ElastiCache would not create fails the stack with the reason, and is not created."""
    with pytest.raises(ValueError, match=message):
        cloudformation.create(GROUP, **_asked_group(subnets, **changes))
    assert [] == _texts(_call("DescribeReplicationGroups"), "ReplicationGroupId")


def test_shards_need_cluster_mode(cloudformation: Any, subnets: str) -> None:
    """Two shards with a parameter group without cluster mode are refused."""
    plain, _ = cloudformation.create(
        "AWS::ElastiCache::ParameterGroup", CacheParameterGroupFamily="redis7", Description="plain"
    )
    asked = _asked_group(subnets, NumNodeGroups=2, CacheParameterGroupName=plain)
    with pytest.raises(ValueError, match="Set cluster-enabled to yes"):
        cloudformation.create(GROUP, **asked)


def test_a_group_changes_in_place(cloudformation: Any, subnets: str) -> None:
    """A modification changes the group and its nodes; one log delivery ends; a bad token is refused."""
    logs = [
        {
            "LogType": kind,
            "LogFormat": "json",
            "DestinationType": "cloudwatch-logs",
            "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": kind}},
        }
        for kind in ("slow-log", "engine-log")
    ]
    old = _asked_group(subnets, AuthToken=TOKEN, LogDeliveryConfigurations=logs, SecurityGroupIds=["sg-old"])
    name, _ = cloudformation.create(GROUP, **old)
    new = {**old, "SecurityGroupIds": ["sg-new"], "AutoMinorVersionUpgrade": False, "SnapshotWindow": "01:00-02:00"}
    assert name == cloudformation.update(GROUP, name, old, new)
    _call(
        "ModifyReplicationGroup",
        ReplicationGroupId=name,
        **{
            "LogDeliveryConfigurations.LogDeliveryConfigurationRequest.1.LogType": "slow-log",
            "LogDeliveryConfigurations.LogDeliveryConfigurationRequest.1.Enabled": "false",
        },
    )
    members = _call("DescribeCacheClusters")
    assert ["sg-new"] * 2 == _texts(members, "SecurityGroupId")
    assert ["01:00-02:00"] * 2 == _texts(members, "SnapshotWindow")
    assert ["false"] * 2 == _texts(members, "AutoMinorVersionUpgrade")
    assert ["engine-log"] * 2 == _texts(members, "LogType")
    with pytest.raises(ValueError, match="Invalid AuthToken"):
        cloudformation.update(GROUP, name, new, {**new, "AuthToken": "short"})


def test_deletion_policy_snapshot_takes_one(cloudformation: Any, subnets: str) -> None:
    """The final snapshot of a group exists after the group is deleted."""
    name, _ = cloudformation.create(GROUP, **_asked_group(subnets))
    seam.handlers()[GROUP]["snapshot"](name, {})
    cloudformation.delete(GROUP, name)
    assert ["cache-final-snapshot"] == _texts(_call("DescribeSnapshots"), "SnapshotName")


def _asked_cluster(subnets: str, **changes: Any) -> dict[str, Any]:
    return {
        "ClusterName": "memcached",
        "Engine": "memcached",
        "CacheNodeType": "cache.t4g.small",
        "NumCacheNodes": 3,
        "AZMode": "cross-az",
        "CacheSubnetGroupName": subnets,
        "VpcSecurityGroupIds": ["sg-1"],
        "AutoMinorVersionUpgrade": False,
        "NotificationTopicArn": "arn:topic",
        **changes,
    }


def test_a_memcached_cluster(cloudformation: Any, subnets: str) -> None:
    """Nodes are in all zones of the subnets; groups, port, topic and AutoMinorVersionUpgrade are returned."""
    name, attributes = cloudformation.create(CLUSTER, **_asked_cluster(subnets, Port=11212))
    described = _call("DescribeCacheClusters")
    assert ["eu-west-1b", "eu-west-1c", "eu-west-1b"] == _texts(described, "CustomerAvailabilityZone")
    assert ["Multiple"] == _texts(described, "PreferredAvailabilityZone")
    assert {"11212"} == set(_texts(described, "Port"))
    assert ["sg-1"] == _texts(described, "SecurityGroupId")
    assert ["false"] == _texts(described, "AutoMinorVersionUpgrade")
    assert ["arn:topic"] == _texts(described, "TopicArn")
    assert attributes["ConfigurationEndpoint.Port"] == "11212"
    cloudformation.delete(CLUSTER, name)
    assert [] == _texts(_call("DescribeCacheClusters"), "CacheClusterId")


@pytest.mark.parametrize(
    ("changes", "zones"),
    [
        ({"AZMode": "single-az"}, ["eu-west-1b"] * 3),
        ({"AZMode": "single-az", "PreferredAvailabilityZone": "eu-west-1c"}, ["eu-west-1c"] * 3),
        (
            {"PreferredAvailabilityZones": ["eu-west-1c", "eu-west-1b", "eu-west-1b"]},
            ["eu-west-1c", "eu-west-1b", "eu-west-1b"],
        ),
    ],
)
def test_zones_of_a_cluster(cloudformation: Any, subnets: str, changes: dict[str, Any], zones: list[str]) -> None:
    """Nodes are in the zones that the template names."""
    cloudformation.create(CLUSTER, **_asked_cluster(subnets, **changes))
    assert zones == _texts(_call("DescribeCacheClusters"), "CustomerAvailabilityZone")


def test_a_cluster_grows(cloudformation: Any, subnets: str) -> None:
    """A new node gets the next zone, and new security groups are returned."""
    asked = _asked_cluster(subnets, PreferredAvailabilityZones=["eu-west-1b", "eu-west-1c"], NumCacheNodes=2)
    name, _ = cloudformation.create(CLUSTER, **asked)
    cloudformation.update(CLUSTER, name, asked, {**asked, "NumCacheNodes": 3, "VpcSecurityGroupIds": ["sg-2"]})
    described = _call("DescribeCacheClusters")
    assert ["eu-west-1b", "eu-west-1c", "eu-west-1b"] == _texts(described, "CustomerAvailabilityZone")
    assert ["sg-2"] == _texts(described, "SecurityGroupId")


def test_one_node_cannot_be_in_two_zones(cloudformation: Any, subnets: str) -> None:
    """A cluster of one node in several zones is refused."""
    with pytest.raises(ValueError, match="Set NumCacheNodes to 2 or more"):
        cloudformation.create(CLUSTER, **_asked_cluster(subnets, NumCacheNodes=1))


def test_an_encrypted_topic_is_inactive(cloudformation: Any, subnets: str) -> None:
    """ElastiCache can publish to a plain topic, and reports an encrypted one as inactive."""
    plain, _ = cloudformation.create("AWS::SNS::Topic", TopicName="plain")
    secret, _ = cloudformation.create("AWS::SNS::Topic", TopicName="secret", KmsMasterKeyId="arn:key")
    cloudformation.create(CLUSTER, **_asked_cluster(subnets, NotificationTopicArn=plain))
    cloudformation.create(CLUSTER, **_asked_cluster(subnets, ClusterName="other", NotificationTopicArn=secret))
    assert ["active", "inactive"] == _texts(_call("DescribeCacheClusters"), "TopicStatus")
