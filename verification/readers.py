"""Read each type of resource back, in the terms of its template.

A reader brings the resolved properties of a template and the answers of the account into the same form, so that they
can be compared. Properties that no API returns are listed with the reason; the report names them as not proven.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from verification.account import ABSENT, Account
from verification.equality import same
from verification.operating_readers import OPERATING_READERS
from verification.permission_readers import PERMISSION_READERS
from verification.reader import Properties, Read, Reader, reads_by_name
from verification.resolve import DYNAMIC
from verification.surrounding_readers import SURROUNDING_READERS

# ElastiCache ----------------------------------------------------------------------------------------------------------


# Properties that not every answer has; one that is not there is named as not read back.
_GROUP_AS_IS = {
    "DataTieringEnabled": "DataTiering",
    "Durability": "Durability",
    "IpDiscovery": "IpDiscovery",
    "NetworkType": "NetworkType",
}
_MEMBERSHIP = ("GlobalReplicationGroupId",)
# What a group without a property has, so that one that was added by hand is noticed.
_GROUP_DEFAULTS = {
    "AuthToken": ABSENT,
    "LogDeliveryConfigurations": [],
    "NotificationTopicArn": ABSENT,
    "SnapshotRetentionLimit": 0,
    "UserGroupIds": [],
}


def _asked_group(properties: Properties) -> Properties:
    view = {**_GROUP_DEFAULTS, **properties}
    if token := properties.get("AuthToken"):
        view["AuthToken"] = "a secret" if DYNAMIC.search(str(token)) else "a literal token, readable in the template"
    if shards := properties.get("NodeGroupConfiguration"):
        view["NodeGroupConfiguration"] = sorted(int(shard.get("ReplicaCount", 0)) for shard in shards)
    return view


# What a global datastore decides for its members: a primary's template has what it was made with, before its parameter
# group was copied.
_DECIDED_FOR_MEMBERS = ("CacheNodeType", "CacheParameterGroupName", "Engine", "EngineVersion", "NumNodeGroups")


def _read_group(account: Account, name: str, asked: Properties) -> Properties:
    read = _read_group_alone(account, name)
    if "GlobalReplicationGroupId" not in read:
        return read
    changed = {each for each in _DECIDED_FOR_MEMBERS if not same(each, asked.get(each), read[each])}
    return {each: value for each, value in read.items() if each not in changed}


def _read_group_alone(account: Account, name: str) -> Properties:
    group = account.replication_group(name)
    member = account.cluster(group["MemberClusters"][0])
    shards = group["NodeGroups"]
    sizes = sorted({len(shard["NodeGroupMembers"]) for shard in shards})
    primary = group.get("ConfigurationEndpoint") or shards[0]["PrimaryEndpoint"]
    return {
        "ReplicationGroupId": group["ReplicationGroupId"],
        **{
            each: of[each] for of in [group.get("GlobalReplicationGroupInfo", {})] for each in _MEMBERSHIP if each in of
        },
        "ReplicationGroupDescription": group["Description"],
        "Engine": group["Engine"],
        "EngineVersion": member["EngineVersion"],
        "CacheNodeType": group["CacheNodeType"],
        "NumNodeGroups": len(shards),
        "NumCacheClusters": len(group["MemberClusters"]),
        "NodeGroupConfiguration": [size - 1 for size in (len(shard["NodeGroupMembers"]) for shard in shards)],
        "ReplicasPerNodeGroup": [size - 1 for size in sizes] if len(sizes) > 1 else sizes[0] - 1,
        "Port": primary["Port"],
        **{name: group[key] for name, key in _GROUP_AS_IS.items() if key in group},
        "ClusterMode": group["ClusterMode"],
        "AutomaticFailoverEnabled": group["AutomaticFailover"] == "enabled",
        "MultiAZEnabled": group["MultiAZ"] == "enabled",
        "CacheSubnetGroupName": member["CacheSubnetGroupName"],
        "SecurityGroupIds": [item["SecurityGroupId"] for item in member["SecurityGroups"]],
        "CacheParameterGroupName": member["CacheParameterGroup"]["CacheParameterGroupName"],
        "AtRestEncryptionEnabled": group["AtRestEncryptionEnabled"],
        "KmsKeyId": group.get("KmsKeyId", ABSENT),
        "TransitEncryptionEnabled": group["TransitEncryptionEnabled"],
        "TransitEncryptionMode": group.get("TransitEncryptionMode", ABSENT),
        "AuthToken": "a secret" if group["AuthTokenEnabled"] else ABSENT,
        "UserGroupIds": group.get("UserGroupIds", []),
        "SnapshotRetentionLimit": group["SnapshotRetentionLimit"],
        "SnapshotWindow": group["SnapshotWindow"],
        "PreferredMaintenanceWindow": member["PreferredMaintenanceWindow"],
        "AutoMinorVersionUpgrade": group["AutoMinorVersionUpgrade"],
        "LogDeliveryConfigurations": [_log_delivery(item) for item in group["LogDeliveryConfigurations"]],
        "NotificationTopicArn": _topic(member),
    }


def _read_global_datastore(account: Account, name: str, asked: Properties) -> Properties:
    store = account.global_datastore(name)
    wanted = {each.get("ReplicationGroupId") for each in asked.get("Members", [])}
    return {
        "GlobalReplicationGroupIdSuffix": name.partition("-")[2],
        "GlobalReplicationGroupDescription": store["GlobalReplicationGroupDescription"],
        # Those that the template names: at first it names the primary alone.
        "Members": [
            {each: member[each] for each in ("ReplicationGroupId", "ReplicationGroupRegion", "Role")}
            for member in store["Members"]
            if member["ReplicationGroupId"] in wanted
        ],
        "CacheNodeType": store["CacheNodeType"],
        "Engine": store["Engine"],
        "EngineVersion": store["EngineVersion"],
        "GlobalNodeGroupCount": len(store.get("GlobalNodeGroups", [])) or 1,
    }


def _topic(cluster: Properties) -> str:
    topic: str = cluster.get("NotificationConfiguration", {}).get("TopicArn", ABSENT)
    return topic


def _log_delivery(configuration: Properties) -> Properties:
    return {name: configuration[name] for name in ("LogType", "LogFormat", "DestinationType", "DestinationDetails")}


def _read_cluster(account: Account, name: str) -> Properties:
    cluster = account.cluster(name)
    nodes = cluster["CacheNodes"]
    zones = [node["CustomerAvailabilityZone"] for node in nodes]
    return {
        "ClusterName": cluster["CacheClusterId"],
        "Engine": cluster["Engine"],
        "EngineVersion": cluster["EngineVersion"],
        "CacheNodeType": cluster["CacheNodeType"],
        "NumCacheNodes": len(nodes),
        "AZMode": "cross-az" if len(set(zones)) > 1 else "single-az",
        "PreferredAvailabilityZones": zones,
        "PreferredAvailabilityZone": cluster["PreferredAvailabilityZone"],
        "Port": cluster.get("ConfigurationEndpoint", nodes[0]["Endpoint"])["Port"],
        "CacheSubnetGroupName": cluster["CacheSubnetGroupName"],
        "VpcSecurityGroupIds": [item["SecurityGroupId"] for item in cluster["SecurityGroups"]],
        "CacheParameterGroupName": cluster["CacheParameterGroup"]["CacheParameterGroupName"],
        "TransitEncryptionEnabled": cluster["TransitEncryptionEnabled"],
        "PreferredMaintenanceWindow": cluster["PreferredMaintenanceWindow"],
        "AutoMinorVersionUpgrade": cluster["AutoMinorVersionUpgrade"],
        "NotificationTopicArn": _topic(cluster),
        **{name: cluster[name] for name in ("IpDiscovery", "NetworkType") if name in cluster},
    }


def _asked_cluster(properties: Properties) -> Properties:
    return {"NotificationTopicArn": ABSENT, **properties}


def _asked_user(properties: Properties) -> Properties:
    mode = dict(properties.get("AuthenticationMode", {}))
    passwords = mode.pop("Passwords", properties.get("Passwords", []))
    if properties.get("NoPasswordRequired"):
        mode["Type"] = "no-password-required"
    kind = {"Type": mode.get("Type", "password"), "Passwords": len(passwords)}
    rest = {name: value for name, value in properties.items() if name not in {"Passwords", "NoPasswordRequired"}}
    return {**rest, "AuthenticationMode": kind}


def _read_user(account: Account, name: str) -> Properties:
    user = account.user(name)
    shown = user["Authentication"]
    kind = "no-password-required" if shown["Type"] == "no-password" else shown["Type"]
    return {
        "UserId": user["UserId"],
        "UserName": user["UserName"],
        "Engine": user["Engine"],
        "AccessString": user["AccessString"],
        "AuthenticationMode": {"Type": kind, "Passwords": shown.get("PasswordCount", 0)},
    }


def _read_user_group(account: Account, name: str) -> Properties:
    group = account.user_group(name)
    return {name: group[name] for name in ("UserGroupId", "Engine", "UserIds")}


def _read_subnet_group(account: Account, name: str) -> Properties:
    group = account.subnet_group(name)
    return {
        "CacheSubnetGroupName": group["CacheSubnetGroupName"],
        "Description": group["CacheSubnetGroupDescription"],
        "SubnetIds": [subnet["SubnetIdentifier"] for subnet in group["Subnets"]],
    }


def _asked_parameter_group(properties: Properties) -> Properties:
    return {"Properties": {}, **properties}


def _read_parameter_group(account: Account, name: str) -> Properties:
    listed = account.read("elasticache", "describe_cache_parameter_groups", CacheParameterGroupName=name)
    [group] = listed["CacheParameterGroups"]
    return {
        "CacheParameterGroupFamily": group["CacheParameterGroupFamily"],
        "Description": group["Description"],
        "Properties": account.parameters(name),
    }


def _read_serverless_cache(account: Account, name: str, asked: Properties) -> Properties:
    cache = account.serverless_cache(name)
    limits = cache.get("CacheUsageLimits", {})
    # AWS adds minimums and maximums that the template does not ask for.
    wanted = {kind: {key: limits.get(kind, {}).get(key, ABSENT) for key in keys} for kind, keys in _limits(asked)}
    as_is = (
        *("ServerlessCacheName", "Engine", "MajorEngineVersion", "Description", "KmsKeyId", "DailySnapshotTime"),
        *("NetworkType", "ConnectionType", "SnapshotRetentionLimit"),
    )
    return {
        **{key: cache[key] for key in as_is if key in cache},
        "CacheUsageLimits": wanted,
        "SecurityGroupIds": cache.get("SecurityGroupIds", []),
        "SubnetIds": cache.get("SubnetIds", []),
        "UserGroupId": cache.get("UserGroupId") or ABSENT,
    }


def _asked_serverless_cache(properties: Properties) -> Properties:
    return {"UserGroupId": ABSENT, **properties}


def _limits(asked: Properties) -> list[tuple[str, Properties]]:
    return list(asked.get("CacheUsageLimits", {}).items())


# EC2 ------------------------------------------------------------------------------------------------------------------

Rule = Mapping[str, Any]


def _ports(rule: Rule) -> str:
    protocol = str(rule["IpProtocol"])
    if "FromPort" not in rule:
        return "all" if protocol == "-1" else protocol
    span = str(rule["FromPort"]) if rule["FromPort"] == rule["ToPort"] else f"{rule['FromPort']}-{rule['ToPort']}"
    return f"{protocol} {span}"


def asked_rule(rule: Rule) -> str:
    """A rule of a template on one line, in the form of `flat_rules`."""
    peers = (
        "CidrIp",
        "CidrIpv6",
        "SourceSecurityGroupId",
        "DestinationSecurityGroupId",
        "SourcePrefixListId",
        "DestinationPrefixListId",
    )
    [peer] = [str(rule[name]) for name in peers if name in rule]
    return f"{_ports(rule)} {peer}"


def flat_rules(permissions: list[dict[str, Any]]) -> list[str]:
    """The rules of a security group as EC2 returns them, a line for each peer: protocol, ports, peer."""
    lists = (
        ("IpRanges", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6"),
        ("UserIdGroupPairs", "GroupId"),
        ("PrefixListIds", "PrefixListId"),
    )
    return [
        f"{_ports(permission)} {peer[key]}"
        for permission in permissions
        for name, key in lists
        for peer in permission.get(name, [])
    ]


# The CDK's rule for a group without outbound traffic. It allows nothing, and whether it is there means nothing.
PLACEHOLDER = "icmp 252-86 255.255.255.255/32"


def _asked_security_group(properties: Properties) -> Properties:
    view = dict(properties)
    for name in ("SecurityGroupIngress", "SecurityGroupEgress"):
        if name in properties:
            view[name] = sorted({asked_rule(rule) for rule in properties[name]} - {PLACEHOLDER})
    return view


def _read_security_group(account: Account, name: str, asked: Properties) -> Properties:
    group = account.security_group(name)
    view = {"GroupDescription": group["Description"], "VpcId": group["VpcId"], "GroupName": group["GroupName"]}
    for key, permissions in (("SecurityGroupIngress", "IpPermissions"), ("SecurityGroupEgress", "IpPermissionsEgress")):
        # Separate rule resources are compared by their own reader; here each inline rule must be present.
        present = flat_rules(group[permissions])
        view[key] = sorted(rule for rule in _asked_security_group(asked).get(key, []) if rule in present)
    return view


def _asked_separate_rule(properties: Properties) -> Properties:
    return {"Rule": f"{asked_rule(properties)} on {properties['GroupId']}"}


def _read_separate_rule(permissions: str) -> Read:
    def read(account: Account, _name: str, asked: Properties) -> Properties:
        present = flat_rules(account.security_group(asked["GroupId"])[permissions])
        rule = asked_rule(asked)
        return {"Rule": f"{rule} on {asked['GroupId']}" if rule in present else ABSENT}

    return read


def _read_vpc(account: Account, name: str) -> Properties:
    vpc = account.vpc(name)
    attributes = {
        key: account.read("ec2", "describe_vpc_attribute", VpcId=name, Attribute=key[0].lower() + key[1:])[key]["Value"]
        for key in ("EnableDnsSupport", "EnableDnsHostnames")
    }
    return {"CidrBlock": vpc["CidrBlock"], "InstanceTenancy": vpc["InstanceTenancy"], **attributes}


def _read_subnet(account: Account, name: str) -> Properties:
    subnet = account.subnet(name)
    view = {key: subnet[key] for key in ("VpcId", "AvailabilityZone", "MapPublicIpOnLaunch")}
    ranges = [each["Ipv6CidrBlock"] for each in subnet.get("Ipv6CidrBlockAssociationSet", ())]
    if ranges:
        view |= {key: subnet[key] for key in ("AssignIpv6AddressOnCreation", "Ipv6Native")}
        view["Ipv6CidrBlock"] = ranges[0]
    return view if subnet.get("Ipv6Native") else {**view, "CidrBlock": subnet["CidrBlock"]}


def _read_flow_log(account: Account, name: str) -> Properties:
    log = next((item for item in account.flow_logs() if item["FlowLogId"] == name), None)
    if log is None:
        raise LookupError(f"no flow log {name}")
    names = ("ResourceId", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName")
    return {key: log.get(key, ABSENT) for key in (*names, "DeliverLogsPermissionArn")}


def _read_endpoint(account: Account, name: str) -> Properties:
    [endpoint] = account.read("ec2", "describe_vpc_endpoints", VpcEndpointIds=[name])["VpcEndpoints"]
    return {
        "VpcEndpointType": endpoint["VpcEndpointType"],
        "ServiceName": endpoint["ServiceName"],
        "VpcId": endpoint["VpcId"],
        "SubnetIds": endpoint.get("SubnetIds", []),
        "RouteTableIds": endpoint.get("RouteTableIds", []),
        "SecurityGroupIds": [group["GroupId"] for group in endpoint.get("Groups", [])],
        "PrivateDnsEnabled": endpoint["PrivateDnsEnabled"],
        **({"PolicyDocument": json.loads(endpoint["PolicyDocument"])} if endpoint.get("PolicyDocument") else {}),
    }


# Secrets, keys, logs, topics ------------------------------------------------------------------------------------------


def read_secret(account: Account, name: str) -> dict[str, Any]:
    """What `DescribeSecret` tells of a secret, which is nothing of its value.

    Args:
        account: The account.
        name: Name or ARN of the secret.
    """
    secret = account.read("secretsmanager", "describe_secret", SecretId=name)
    return {"Name": secret["Name"], "Description": secret.get("Description", ""), "KmsKeyId": secret.get("KmsKeyId")}


def _read_schedule(account: Account, name: str) -> Properties:
    secret = account.read("secretsmanager", "describe_secret", SecretId=name)
    return {
        "SecretId": secret["ARN"],
        "RotationLambdaARN": secret.get("RotationLambdaARN", ABSENT),
        "RotationRules": secret.get("RotationRules", ABSENT),
    }


def _read_secret_policy(account: Account, name: str) -> Properties:
    answer = account.read("secretsmanager", "get_resource_policy", SecretId=name)
    return {"SecretId": answer["ARN"], "ResourcePolicy": json.loads(answer.get("ResourcePolicy", "{}"))}


def _read_key(account: Account, name: str) -> Properties:
    metadata = account.read("kms", "describe_key", KeyId=name)["KeyMetadata"]
    rotation = account.read("kms", "get_key_rotation_status", KeyId=name)
    policy = account.read("kms", "get_key_policy", KeyId=name, PolicyName="default")["Policy"]
    return {
        "Description": metadata.get("Description", ""),
        "Enabled": metadata["Enabled"],
        "KeySpec": metadata["KeySpec"],
        "KeyUsage": metadata["KeyUsage"],
        "MultiRegion": metadata.get("MultiRegion", False),
        "EnableKeyRotation": rotation["KeyRotationEnabled"],
        "RotationPeriodInDays": rotation.get("RotationPeriodInDays"),
        "KeyPolicy": json.loads(policy),
    }


def _read_alias(account: Account, name: str) -> Properties:
    aliases = account.read("kms", "list_aliases")["Aliases"]
    target = next((alias["TargetKeyId"] for alias in aliases if alias["AliasName"] == name), None)
    arn = account.read("kms", "describe_key", KeyId=target)["KeyMetadata"]["Arn"] if target else ABSENT
    return {"AliasName": name, "TargetKeyId": arn}


def _read_log_group(account: Account, name: str) -> Properties:
    group = account.log_group(name)
    if group is None:
        raise LookupError(f"no log group {name}")
    return {
        "LogGroupName": group.get("logGroupName", ABSENT),
        "KmsKeyId": group.get("kmsKeyId", ABSENT),
        "RetentionInDays": group.get("retentionInDays", ABSENT),
        "LogGroupClass": group.get("logGroupClass", ABSENT),
    }


def _read_topic(account: Account, name: str) -> Properties:
    attributes = account.topic(name)
    return {
        "TopicName": name.rsplit(":", 1)[1],
        **{key: attributes.get(key, ABSENT) for key in ("DisplayName", "KmsMasterKeyId", "SignatureVersion")},
    }


def _read_topic_policy(account: Account, _name: str, asked: Properties) -> Properties:
    policies = [json.loads(account.topic(topic).get("Policy", "{}")) for topic in asked["Topics"]]
    same = all(policy == policies[0] for policy in policies)
    return {"Topics": asked["Topics"], "PolicyDocument": policies[0] if same else policies}


def _read_parameter(account: Account, name: str) -> Properties:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    found = account.read("ssm", "describe_parameters", ParameterFilters=filters)["Parameters"]
    if not found:
        raise LookupError(f"no parameter {name}")
    return {key: found[0][key] for key in ("Name", "Type", "Tier", "Description") if key in found[0]}


FROM_SNAPSHOT = "it is used at creation, and not stored"

READERS: Mapping[str, Reader] = {
    **SURROUNDING_READERS,
    **OPERATING_READERS,
    **PERMISSION_READERS,
    "AWS::ElastiCache::GlobalReplicationGroup": Reader(
        _read_global_datastore,
        silent={
            "CacheParameterGroupName": "the service copies it for each member",
            "RegionalConfigurations": "where shards were placed at their creation",
        },
    ),
    "AWS::ElastiCache::ReplicationGroup": Reader(
        _read_group,
        _asked_group,
        silent={
            "SnapshotArns": FROM_SNAPSHOT,
            "SnapshotName": FROM_SNAPSHOT,
            "PreferredCacheClusterAZs": "a preference at creation; a failover moves the primary",
        },
        follows={
            "NumNodeGroups": ("NodeGroupConfiguration",),
            "TransitEncryptionEnabled": ("TransitEncryptionMode",),
        },
    ),
    "AWS::ElastiCache::CacheCluster": Reader(
        reads_by_name(_read_cluster),
        _asked_cluster,
        silent={"SnapshotArns": FROM_SNAPSHOT, "SnapshotName": FROM_SNAPSHOT},
        follows={"NumCacheNodes": ("AZMode", "PreferredAvailabilityZone", "PreferredAvailabilityZones")},
    ),
    "AWS::ElastiCache::ServerlessCache": Reader(
        _read_serverless_cache,
        _asked_serverless_cache,
        silent={
            "FinalSnapshotName": "it is used when the cache is deleted",
            "SnapshotArnsToRestore": FROM_SNAPSHOT,
        },
    ),
    "AWS::ElastiCache::User": Reader(reads_by_name(_read_user), _asked_user),
    "AWS::ElastiCache::UserGroup": Reader(reads_by_name(_read_user_group)),
    "AWS::ElastiCache::SubnetGroup": Reader(reads_by_name(_read_subnet_group)),
    "AWS::ElastiCache::ParameterGroup": Reader(reads_by_name(_read_parameter_group), _asked_parameter_group),
    "AWS::EC2::VPC": Reader(reads_by_name(_read_vpc)),
    "AWS::EC2::Subnet": Reader(reads_by_name(_read_subnet)),
    "AWS::EC2::FlowLog": Reader(
        reads_by_name(_read_flow_log),
        silent={"ResourceType": "DescribeFlowLogs returns the resource, not its type"},
    ),
    "AWS::EC2::VPCEndpoint": Reader(reads_by_name(_read_endpoint)),
    "AWS::EC2::SecurityGroup": Reader(_read_security_group, _asked_security_group),
    "AWS::EC2::SecurityGroupIngress": Reader(_read_separate_rule("IpPermissions"), _asked_separate_rule),
    "AWS::EC2::SecurityGroupEgress": Reader(_read_separate_rule("IpPermissionsEgress"), _asked_separate_rule),
    "AWS::SecretsManager::Secret": Reader(
        reads_by_name(read_secret), silent={"GenerateSecretString": "the value of a secret is never read"}
    ),
    "AWS::SecretsManager::RotationSchedule": Reader(
        reads_by_name(_read_schedule),
        silent={"RotateImmediatelyOnUpdate": "AWS obeys it once, and does not store it"},
    ),
    "AWS::SecretsManager::ResourcePolicy": Reader(
        reads_by_name(_read_secret_policy),
        silent={"BlockPublicPolicy": "AWS checks it when the policy is put, and does not store it"},
    ),
    "AWS::KMS::Key": Reader(
        reads_by_name(_read_key), silent={"PendingWindowInDays": "it is visible only after the key is deleted"}
    ),
    "AWS::KMS::Alias": Reader(reads_by_name(_read_alias)),
    "AWS::Logs::LogGroup": Reader(reads_by_name(_read_log_group)),
    "AWS::SNS::Topic": Reader(reads_by_name(_read_topic)),
    "AWS::SNS::TopicPolicy": Reader(_read_topic_policy),
    "AWS::SSM::Parameter": Reader(
        reads_by_name(_read_parameter),
        silent={"Value": "a permission to read parameters would open those of others, which may be secret"},
    ),
}
