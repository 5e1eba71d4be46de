"""The posture rules find each fault they are there for, and nothing else, in both engines that run them."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import cloudformation_include

from elasticache_constructs.posture import add_posture_rules, rule_names
from tests.security.engines import Validation, posture_engine, run_cfn_guard

Template = dict[str, Any]

ABSENT = object()
REASON = "On call engineers repair the cache with this user."
TOKEN = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password::}}"]]}
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:Publish",
    "Resource": {"Ref": "Topic"},
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
NO_EGRESS = {"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86}


def log_delivery(kind: str, log_group: str) -> Template:
    """An entry of LogDeliveryConfigurations."""
    details = {"CloudWatchLogsDetails": {"LogGroup": {"Ref": log_group}}}
    return {
        "LogType": kind,
        "LogFormat": "json",
        "DestinationType": "cloudwatch-logs",
        "DestinationDetails": details,
    }


def log_group(name: object) -> Template:
    """An encrypted log group."""
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "KmsKeyId": key}}


def replication_group(**properties: object) -> Template:
    """A replication group in good posture, but for its access control."""
    return {
        "Type": "AWS::ElastiCache::ReplicationGroup",
        "DeletionPolicy": "Snapshot",
        "UpdateReplacePolicy": "Snapshot",
        "Properties": {
            "ReplicationGroupDescription": "cache",
            "CacheNodeType": "cache.t4g.small",
            "AutomaticFailoverEnabled": True,
            "TransitEncryptionEnabled": True,
            "TransitEncryptionMode": "required",
            "AtRestEncryptionEnabled": True,
            "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            "AutoMinorVersionUpgrade": True,
            "SnapshotRetentionLimit": 35,
            "CacheSubnetGroupName": {"Ref": "SubnetGroup"},
            "SecurityGroupIds": [{"Fn::GetAtt": ["CacheSg", "GroupId"]}],
            "NotificationTopicArn": {"Ref": "Topic"},
            "LogDeliveryConfigurations": [
                log_delivery("slow-log", "SlowLog"),
                log_delivery("engine-log", "EngineLog"),
            ],
            **properties,
        },
    }


def user(name: str, access: object, mode: Template, engine: str = "redis") -> Template:
    """A user."""
    properties = {
        "Engine": engine,
        "UserId": name,
        "UserName": name,
        "AccessString": access,
        "AuthenticationMode": mode,
    }
    return {"Type": "AWS::ElastiCache::User", "Properties": properties}


def user_group(name: str, *users: object, engine: str = "redis") -> Template:
    """A user group."""
    properties = {"Engine": engine, "UserGroupId": name, "UserIds": list(users)}
    return {"Type": "AWS::ElastiCache::UserGroup", "Properties": properties}


def security_group(egress: Template) -> Template:
    """A security group without inline ingress."""
    properties = {"GroupDescription": "group", "VpcId": {"Ref": "Vpc"}, "SecurityGroupEgress": [egress]}
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def subnet(number: int, *, public: bool) -> Template:
    """A subnet."""
    properties = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.0.{number}.0/24", "MapPublicIpOnLaunch": public}
    return {"Type": "AWS::EC2::Subnet", "Properties": properties}


def internet_route(table: str, gateway: object) -> Template:
    """A default route."""
    properties = {"RouteTableId": {"Ref": table}, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    return {"Type": "AWS::EC2::Route", "Properties": properties}


def associated(table: str, of: str) -> Template:
    """The association of a subnet with a route table."""
    properties = {"RouteTableId": {"Ref": table}, "SubnetId": {"Ref": of}}
    return {"Type": "AWS::EC2::SubnetRouteTableAssociation", "Properties": properties}


SECURE: Template = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": 'Everything the rules look at, in good posture; with "quotes" and a \\.',
    "Parameters": {
        "Hidden": {"Type": "String", "NoEcho": True},
        "Shown": {"Type": "String"},
        "Days": {"Type": "Number", "MinValue": 1},
        "DaysListed": {"Type": "Number", "AllowedValues": [7, 35]},
        "Group": {"Type": "AWS::EC2::SecurityGroup::Id"},
        "referencetoParentKeyArn": {"Type": "String"},
    },
    "Mappings": {"M": {"N": {"O": "1"}}},
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}},
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}},
        "Topic": {"Type": "AWS::SNS::Topic"},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [TLS_ONLY]},
            },
        },
        "SlowLog": log_group({"Fn::Sub": ["/aws/vendedlogs/elasticache/${Name}/slow", {"Name": "cache"}]}),
        "EngineLog": log_group({"Fn::Join": ["", ["/aws/vendedlogs/elasticache/", {"Ref": "AWS::StackName"}]]}),
        # The public half of the network is not at fault: no cache lives there.
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
        },
        "PublicSubnet": subnet(0, public=True),
        "PublicTable": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "PublicAssociation": associated("PublicTable", of="PublicSubnet"),
        "PublicRoute": internet_route("PublicTable", {"Ref": "Gateway"}),
        "Subnet": subnet(1, public=False),
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Association": associated("Table", of="Subnet"),
        "SubnetGroup": {
            "Type": "AWS::ElastiCache::SubnetGroup",
            "Properties": {"Description": "private", "SubnetIds": [{"Ref": "Subnet"}]},
        },
        "CacheSg": security_group(NO_EGRESS),
        "ClientSg": security_group({"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}),
        "CacheIngress": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["CacheSg", "GroupId"]},
                "SourceSecurityGroupId": {"Fn::GetAtt": ["ClientSg", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 6379,
                "ToPort": 6379,
            },
        },
        "Nobody": user("nobody", "off -@all", {"Type": "no-password-required"}),
        "AppUser": user(
            "app",
            {"Fn::Join": ["", ["on ~", {"Ref": "AWS::StackName"}, ":* -@all +@read +@write"]]},
            {"Type": "password", "Passwords": [TOKEN]},
        ),
        "Admin": user("admin", "on ~* +@all", {"Type": "iam"}) | {"Metadata": {"BroadAccessReason": REASON}},
        "ValkeyUser": user("reader", "on ~* resetchannels -@all +@read", {"Type": "iam"}, "valkey"),
        "RedisUsers": user_group("redis-users", {"Ref": "Nobody"}, {"Ref": "AppUser"}, {"Ref": "Admin"}),
        "ValkeyUsers": user_group("valkey-users", "reader", engine="valkey"),
        "Redis": replication_group(
            Engine="redis",
            EngineVersion="7.1",
            UserGroupIds=[{"Ref": "RedisUsers"}],
            Tags=[{"Key": "stage", "Value": "prod"}],
        ),
        "Valkey": replication_group(
            Engine="valkey",
            EngineVersion="8.2",
            NumNodeGroups=2,
            ReplicasPerNodeGroup=1,
            UserGroupIds=[{"Ref": "ValkeyUsers"}],
        ),
        # Without an engine a group is Redis.
        "Token": replication_group(AuthToken=TOKEN),
        "Global": {
            "Type": "AWS::ElastiCache::GlobalReplicationGroup",
            "DeletionPolicy": "RetainExceptOnCreate",
            "Properties": {
                "GlobalReplicationGroupIdSuffix": "shop",
                "Members": [{"ReplicationGroupId": {"Ref": "Redis"}, "ReplicationGroupRegion": "eu-west-1"}],
            },
        },
        "Memcached": {
            "Type": "AWS::ElastiCache::CacheCluster",
            "Properties": {
                "Engine": "memcached",
                "CacheNodeType": "cache.t4g.small",
                "NumCacheNodes": 2,
                "AZMode": "cross-az",
                "TransitEncryptionEnabled": True,
                "AutoMinorVersionUpgrade": True,
                "CacheSubnetGroupName": {"Ref": "SubnetGroup"},
                "VpcSecurityGroupIds": [{"Fn::GetAtt": ["CacheSg", "GroupId"]}],
                "NotificationTopicArn": {"Ref": "Topic"},
            },
        },
        "Serverless": {
            "Type": "AWS::ElastiCache::ServerlessCache",
            "Properties": {
                "ServerlessCacheName": "serverless",
                "Engine": "valkey",
                "UserGroupId": {"Ref": "ValkeyUsers"},
                "KmsKeyId": {"Ref": "Key"},
                "SubnetIds": [{"Ref": "Subnet"}],
                "SecurityGroupIds": [{"Fn::GetAtt": ["CacheSg", "GroupId"]}],
            },
        },
    },
    "Outputs": {"Said": {"Value": 'a "quoted" text'}},
}


@dataclass(frozen=True)
class Edit:
    """One change of the secure template.

    Attributes:
        sentence: What the change does.
        path: Where, separated by dots, from the resources on or from `Outputs`.
        value: The new value; `ABSENT` takes it away.
        rule: The one rule that must find it; None for a good neighbour, which must pass.
        blames: The resources that findings stand at. Default: the first name in `path`.
        also: Further changes that the first one needs, by path.
    """

    sentence: str
    path: str
    value: object
    rule: str | None = None
    blames: tuple[str, ...] = ()
    also: dict[str, object] = field(default_factory=dict)

    @property
    def expected(self) -> set[tuple[str, str]]:
        """Each finding by its rule and its resource."""
        blamed = self.blames or (self.path.split(".")[0],)
        return {(self.rule, resource) for resource in blamed} if self.rule else set()

    @property
    def touched(self) -> set[str]:
        """The resources that it changes or that findings stand at."""
        return {path.split(".")[0] for path in (self.path, *self.also)} | set(self.blames)

    def applied(self, secure: Template = SECURE) -> Template:
        """The secure template, or one with changes of other resources, with this change."""
        template = copy.deepcopy(secure)
        for path, value in {self.path: self.value, **self.also}.items():
            *parents, last = path.split(".")
            place: Any = template if path.startswith("Outputs.") else template["Resources"]
            for key in parents:
                place = place[int(key) if isinstance(place, list) else key]
            if value is ABSENT:
                del place[last]
            else:
                place[last] = value
        return template


def on_each_group(rule: str, sentence: str, change: str, value: object) -> Edit:
    """The same fault in the Redis group, in the Valkey group, and in the one with a token that names no engine."""
    first, *others = groups = ("Redis", "Valkey", "Token")
    also = {f"{group}.{change}": value for group in others}
    return Edit(sentence, f"{first}.{change}", value, rule, blames=groups, also=also)


def resource(kind: str, **properties: object) -> Template:
    """A resource."""
    return {"Type": kind, "Properties": properties}


SG_ID = {"Fn::GetAtt": ["CacheSg", "GroupId"]}
ANYWHERE = {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}
PASSWORD = "Properties.AuthenticationMode.Passwords"
ACCESS = "Properties.AccessString"

MUTANTS = [
    on_each_group(
        "elasticache_replication_group_encrypts_in_transit", "TLS off", "Properties.TransitEncryptionEnabled", False
    ),
    on_each_group(
        "elasticache_replication_group_encrypts_in_transit",
        "TLS not mentioned",
        "Properties.TransitEncryptionEnabled",
        ABSENT,
    ),
    on_each_group(
        "elasticache_replication_group_requires_encryption_in_transit",
        "plain text admitted",
        "Properties.TransitEncryptionMode",
        "preferred",
    ),
    on_each_group(
        "elasticache_replication_group_requires_encryption_in_transit",
        "mode not stated",
        "Properties.TransitEncryptionMode",
        ABSENT,
    ),
    Edit(
        "no mode and a version that the template does not show",
        "Redis.Properties.TransitEncryptionMode",
        ABSENT,
        "elasticache_replication_group_requires_encryption_in_transit",
        also={"Redis.Properties.EngineVersion": {"Ref": "Shown"}},
    ),
    on_each_group(
        "elasticache_replication_group_encrypts_at_rest",
        "not encrypted at rest",
        "Properties.AtRestEncryptionEnabled",
        False,
    ),
    on_each_group("elasticache_cache_uses_customer_key", "no key named", "Properties.KmsKeyId", ABSENT),
    on_each_group(
        "elasticache_cache_uses_customer_key", "the key of AWS", "Properties.KmsKeyId", "alias/aws/elasticache"
    ),
    Edit(
        "a serverless cache names no key",
        "Serverless.Properties.KmsKeyId",
        ABSENT,
        "elasticache_cache_uses_customer_key",
    ),
    Edit(
        "a token and users",
        "Redis.Properties.AuthToken",
        TOKEN,
        "elasticache_replication_group_has_one_access_control",
        blames=("Redis", "Valkey"),
        also={"Valkey.Properties.AuthToken": TOKEN},
    ),
    Edit(
        "no users on Redis",
        "Redis.Properties.UserGroupIds",
        ABSENT,
        "elasticache_replication_group_has_access_control",
        also={"Serverless.Properties.UserGroupId": {"Ref": "RedisUsers"}},
    ),
    Edit(
        "an empty list of user groups on Valkey",
        "Valkey.Properties.UserGroupIds",
        [],
        "elasticache_replication_group_has_access_control",
    ),
    Edit("no token", "Token.Properties.AuthToken", ABSENT, "elasticache_replication_group_has_access_control"),
    Edit(
        "no users on a serverless cache",
        "Serverless.Properties.UserGroupId",
        ABSENT,
        "elasticache_serverless_cache_has_user_group",
    ),
    *[
        Edit(f"a token that is {what}", "Token.Properties.AuthToken", value, "elasticache_auth_token_is_no_literal")
        for what, value in {
            "a literal": "correct-horse-battery",
            "a literal in pieces": {"Fn::Join": ["", ["correct-", "horse-battery"]]},
            "a literal with a substitution": {"Fn::Sub": "correct-${AWS::Region}"},
            "a parameter in the open": {"Ref": "Shown"},
            "an export": {"Fn::ImportValue": "token"},
            "a plain Systems Manager parameter": "{{resolve:ssm:token}}",
        }.items()
    ],
    Edit(
        "a literal password",
        f"AppUser.{PASSWORD}",
        ["correct-horse-battery"],
        "elasticache_user_password_is_no_literal",
    ),
    Edit(
        "a literal as the second password",
        f"AppUser.{PASSWORD}",
        [TOKEN, "correct-horse-battery"],
        "elasticache_user_password_is_no_literal",
    ),
    Edit(
        "a literal password in the older property",
        "AppUser.Properties.Passwords",
        ["correct-horse-battery"],
        "elasticache_user_password_is_no_literal",
        also={"AppUser.Properties.AuthenticationMode": ABSENT},
    ),
    *[
        Edit(
            f"an access string with {what}",
            f"{name}.{ACCESS}",
            value,
            "elasticache_user_access_string_holds_no_credential",
        )
        for what, name, value in (
            ("nopass", "AppUser", "on nopass ~* +@read"),
            ("a password", "AppUser", "on >correct-horse ~* +@read"),
            ("a password to remove", "ValkeyUser", "on <correct-horse ~* +@read"),
            ("a hash", "ValkeyUser", "on ~* +@read #5e884898da28047151d0e56f8dc62927"),
            ("reset", "ValkeyUser", "RESET on ~* +@read"),
            ("nopass in a piece", "AppUser", {"Fn::Join": ["", ["on ~", {"Ref": "AWS::StackName"}, " nopass +@read"]]}),
            ("nopass in a substitution", "AppUser", {"Fn::Sub": "on nopass ~${AWS::StackName} +@read"}),
        )
    ],
    *[
        Edit(f"a user {what}", path, value, "elasticache_user_without_password_is_disabled")
        for what, path, value in (
            ("that logs in without a password", f"Nobody.{ACCESS}", "on ~* -@all +@read"),
            ("that is off but keeps commands", f"Nobody.{ACCESS}", "off ~* -@all +get"),
            ("that is off and all but disabled", f"Nobody.{ACCESS}", "off ~*"),
            ("whose password is switched off", "ValkeyUser.Properties.NoPasswordRequired", True),
        )
    ],
    *[
        Edit(
            f"{name} has {access} for no reason", f"{name}.{ACCESS}", value, "elasticache_user_broad_access_has_reason"
        )
        for name, access, value in (
            ("AppUser", "+@all", "on ~* +@all"),
            ("AppUser", "+@all with one thing less", "on ~* +@all -@dangerous"),
            ("AppUser", "+@admin", {"Fn::Join": ["", ["on ~", {"Ref": "AWS::StackName"}, " +@admin"]]}),
            ("ValkeyUser", "allcommands", "on ~* allcommands"),
            ("ValkeyUser", "+@dangerous", "on ~* -@all (+@dangerous ~x)"),
        )
    ],
    Edit("a short reason", "Admin.Metadata.BroadAccessReason", "because", "elasticache_user_broad_access_has_reason"),
    Edit(
        "a reason of blanks",
        "Admin.Metadata.BroadAccessReason",
        " " * 40,
        "elasticache_user_broad_access_has_reason",
    ),
    Edit(
        "a user in no group",
        "Lonely",
        user("lonely", "on ~* +@read", {"Type": "iam"}),
        "elasticache_user_belongs_to_a_user_group",
    ),
    Edit(
        "a user in no group whose name is part of another",
        "App",
        user("ap", "on ~* +@read", {"Type": "iam"}, "valkey"),
        "elasticache_user_belongs_to_a_user_group",
    ),
    Edit(
        "a user that its group only waits for",
        "Lonely",
        user("lonely", "on ~* +@read", {"Type": "iam"}),
        "elasticache_user_belongs_to_a_user_group",
        also={"RedisUsers.DependsOn": ["Lonely"]},
    ),
    Edit(
        "a user group on no cache",
        "Spare",
        user_group("spare", {"Ref": "AppUser"}),
        "elasticache_user_group_is_attached",
    ),
    Edit(
        "a Valkey user group on no cache",
        "Users",
        user_group("users", {"Ref": "ValkeyUser"}, engine="valkey"),
        "elasticache_user_group_is_attached",
    ),
    Edit(
        "no subnet group on Memcached",
        "Memcached.Properties.CacheSubnetGroupName",
        ABSENT,
        "elasticache_cache_states_subnet_group",
    ),
    on_each_group(
        "elasticache_cache_states_subnet_group",
        "the default subnet group",
        "Properties.CacheSubnetGroupName",
        "default",
    ),
    on_each_group(
        "elasticache_cache_states_subnet_group", "no subnet group", "Properties.CacheSubnetGroupName", ABSENT
    ),
    Edit(
        "a public subnet",
        "Subnet.Properties.MapPublicIpOnLaunch",
        True,
        "elasticache_subnet_gives_no_public_address",
    ),
    Edit(
        "a public subnet of a serverless cache",
        "Serverless.Properties.SubnetIds",
        [{"Ref": "Public"}],
        "elasticache_subnet_gives_no_public_address",
        blames=("Public",),
        also={"Public": subnet(2, public=True)},
    ),
    Edit(
        "a route to the internet",
        "Route",
        internet_route("Table", {"Ref": "Gateway"}),
        "elasticache_subnet_has_no_internet_route",
    ),
    Edit(
        "a route to a gateway of elsewhere",
        "Route",
        internet_route("Table", "igw-0123456789abcdef0"),
        "elasticache_subnet_has_no_internet_route",
    ),
    *[
        Edit(
            f"inline ingress by {source}",
            "CacheSg.Properties.SecurityGroupIngress",
            [{source: value, "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}],
            "elasticache_security_group_admits_groups_only",
        )
        for source, value in (("CidrIp", "10.0.0.0/8"), ("CidrIpv6", "::/0"), ("SourcePrefixListId", "pl-1"))
    ],
    Edit(
        "an ingress rule with a range",
        "Open",
        resource("AWS::EC2::SecurityGroupIngress", GroupId=SG_ID, CidrIp="10.0.0.0/8", IpProtocol="-1"),
        "elasticache_security_group_admits_groups_only",
    ),
    Edit(
        "open egress",
        "CacheSg.Properties.SecurityGroupEgress",
        [NO_EGRESS, ANYWHERE],
        "elasticache_security_group_has_no_open_egress",
    ),
    Edit(
        "open egress by IPv6",
        "CacheSg.Properties.SecurityGroupEgress",
        [{"CidrIpv6": "::/0", "IpProtocol": "-1"}],
        "elasticache_security_group_has_no_open_egress",
    ),
    Edit(
        "the default egress",
        "CacheSg.Properties.SecurityGroupEgress",
        ABSENT,
        "elasticache_security_group_has_no_open_egress",
    ),
    Edit(
        "an open egress rule",
        "Open",
        resource("AWS::EC2::SecurityGroupEgress", GroupId=SG_ID, **ANYWHERE),
        "elasticache_security_group_has_no_open_egress",
    ),
    Edit(
        "a public serverless cache",
        "Serverless.Properties.ConnectionType",
        "public",
        "elasticache_serverless_cache_is_not_public",
    ),
    Edit(
        "Memcached without TLS",
        "Memcached.Properties.TransitEncryptionEnabled",
        ABSENT,
        "elasticache_memcached_encrypts_in_transit",
    ),
    Edit(
        "Memcached in one Availability Zone",
        "Memcached.Properties.AZMode",
        "single-az",
        "elasticache_memcached_spreads_over_zones",
    ),
    Edit(
        "Memcached in one zone, nodes written as text",
        "Memcached.Properties.AZMode",
        ABSENT,
        "elasticache_memcached_spreads_over_zones",
        also={"Memcached.Properties.NumCacheNodes": "12"},
    ),
    Edit(
        "no minor upgrades of Memcached",
        "Memcached.Properties.AutoMinorVersionUpgrade",
        False,
        "elasticache_cache_takes_minor_upgrades",
    ),
    on_each_group(
        "elasticache_cache_takes_minor_upgrades", "no minor upgrades", "Properties.AutoMinorVersionUpgrade", False
    ),
    *[
        Edit(sentence, "Redis.Properties.Tags", [{"Key": key, "Value": value}], "elasticache_tags_are_taken")
        for sentence, key, value in [
            ("a tag of AWS's own", "AWS:stage", "prod"),
            ("a tag with a sign that is not taken", "stage", "prod; live"),
            ("a key that is too long", "k" * 129, "prod"),
            ("a tag without a key", "", "prod"),
            ("a value that is too long", "stage", "v" * 257),
        ]
    ],
    Edit(
        "51 tags",
        "Redis.Properties.Tags",
        [{"Key": f"tag-{number}", "Value": "1"} for number in range(51)],
        "elasticache_tags_are_taken",
    ),
    on_each_group(
        "elasticache_cache_takes_minor_upgrades", "upgrades not stated", "Properties.AutoMinorVersionUpgrade", ABSENT
    ),
    on_each_group(
        "elasticache_replication_group_is_kept_or_snapshotted", "deleted with its data", "DeletionPolicy", "Delete"
    ),
    on_each_group(
        "elasticache_replication_group_is_kept_or_snapshotted", "replaced with its data", "UpdateReplacePolicy", ABSENT
    ),
    Edit("a global datastore is dissolved", "Global.DeletionPolicy", "Delete", "elasticache_global_datastore_is_kept"),
    Edit("a global datastore is not kept", "Global.DeletionPolicy", ABSENT, "elasticache_global_datastore_is_kept"),
    *[
        Edit(
            f"TLS not stated by a group whose global datastore is {what}",
            "Redis.Properties.TransitEncryptionEnabled",
            ABSENT,
            "elasticache_replication_group_encrypts_in_transit",
            also={"Redis.Properties.GlobalReplicationGroupId": value},
        )
        for what, value in {"absent": {"Ref": "AWS::NoValue"}, "empty": "", "a parameter": {"Ref": "Shown"}}.items()
    ],
    on_each_group("elasticache_replication_group_is_backed_up", "no backups", "Properties.SnapshotRetentionLimit", 0),
    on_each_group(
        "elasticache_replication_group_delivers_slow_log",
        "no slow log",
        "Properties.LogDeliveryConfigurations",
        [log_delivery("engine-log", "EngineLog")],
    ),
    on_each_group(
        "elasticache_replication_group_delivers_engine_log",
        "no engine log",
        "Properties.LogDeliveryConfigurations",
        [log_delivery("slow-log", "SlowLog")],
    ),
    Edit(
        "a log group without a key",
        "SlowLog.Properties.KmsKeyId",
        ABSENT,
        "elasticache_log_group_uses_customer_key",
    ),
    Edit(
        "a log group with a generated name",
        "EngineLog.Properties.LogGroupName",
        ABSENT,
        "elasticache_log_group_has_vended_name",
    ),
    Edit(
        "a log group with its own name",
        "SlowLog.Properties.LogGroupName",
        "/elasticache/slow",
        "elasticache_log_group_has_vended_name",
    ),
    Edit(
        "an encrypted topic",
        "Topic.Properties",
        {"KmsMasterKeyId": {"Ref": "Key"}},
        "elasticache_notification_topic_can_receive",
    ),
    Edit(
        "a topic that takes plain HTTP",
        "Memcached.Properties.NotificationTopicArn",
        {"Ref": "PlainTopic"},
        "elasticache_notification_topic_demands_tls",
        also={"PlainTopic": {"Type": "AWS::SNS::Topic"}},
    ),
    Edit(
        "a user that does not say what it may do",
        f"AppUser.{ACCESS}",
        ABSENT,
        "elasticache_user_access_string_is_shown",
    ),
    Edit(
        "words that a parameter brings",
        f"AppUser.{ACCESS}",
        {"Fn::Join": ["", ["on ~", {"Ref": "Shown"}, ":* -@all +@read"]]},
        "elasticache_user_access_string_is_shown",
    ),
    Edit(
        "the user of all clients",
        "RedisUsers.Properties.UserIds",
        [{"Ref": "Nobody"}, {"Ref": "AppUser"}, {"Ref": "Admin"}, "default"],
        "elasticache_user_group_admits_no_open_user",
    ),
    Edit(
        "no subnets of a serverless cache", "Serverless.Properties.SubnetIds", ABSENT, "elasticache_subnets_are_stated"
    ),
    Edit(
        "subnets of a group that are not shown",
        "SubnetGroup.Properties.SubnetIds",
        [{"Ref": "Subnet"}, {"Ref": "Shown"}],
        "elasticache_subnets_are_stated",
    ),
    *[
        Edit(
            f"no security groups of {name}",
            f"{name}.Properties.{group}",
            ABSENT,
            "elasticache_cache_states_security_groups",
        )
        for name, group in (
            ("Redis", "SecurityGroupIds"),
            ("Serverless", "SecurityGroupIds"),
            ("Memcached", "VpcSecurityGroupIds"),
        )
    ],
    Edit(
        "a cluster of Redis without a group",
        "Single",
        resource(
            "AWS::ElastiCache::CacheCluster",
            Engine="redis",
            NumCacheNodes=1,
            AutoMinorVersionUpgrade=True,
            CacheSubnetGroupName={"Ref": "SubnetGroup"},
            VpcSecurityGroupIds=[SG_ID],
        ),
        "elasticache_cluster_is_memcached",
    ),
    *[
        Edit(
            f"a topic that {who}",
            "OpenPolicy",
            resource(
                "AWS::SNS::TopicPolicy",
                Topics=[{"Ref": "Topic"}],
                PolicyDocument={"Statement": {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", **grant}},
            ),
            "elasticache_notification_topic_admits_somebody",
        )
        for who, grant in (
            ("every principal publishes to", {"Principal": "*"}),
            ("every account publishes to", {"Principal": {"AWS": ["*"]}}),
            (
                "every principal publishes to, with any source",
                {"Principal": "*", "Condition": {"Null": {"aws:SourceArn": "true"}}},
            ),
        )
    ],
    Edit(
        "a TLS policy that is there sometimes",
        "TopicPolicy.Condition",
        "Sometimes",
        "elasticache_notification_topic_demands_tls",
        blames=("Redis", "Valkey", "Token", "Memcached"),
    ),
    Edit(
        "a TLS policy for one account",
        "TopicPolicy.Properties.PolicyDocument.Statement.0.Principal",
        {"AWS": "111122223333"},
        "elasticache_notification_topic_demands_tls",
        blames=("Redis", "Valkey", "Token", "Memcached"),
    ),
    Edit(
        "properties from an include",
        "Redis.Properties.Fn::Transform",
        {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/more"}},
        "elasticache_template_is_shown",
    ),
    Edit(
        "a log group that is not shown",
        "Redis.Properties.LogDeliveryConfigurations.0.DestinationDetails.CloudWatchLogsDetails.LogGroup",
        {"Ref": "Shown"},
        "elasticache_log_delivery_is_shown",
    ),
    *[
        Edit(
            f"a route to the internet in a table by {how}",
            "Route",
            {
                **internet_route("Table", {"Ref": "Gateway"}),
                "Properties": {"RouteTableId": table, "GatewayId": "igw-0123"},
            },
            "elasticache_subnet_has_no_internet_route",
        )
        for how, table in (
            ("its attribute", {"Fn::GetAtt": ["Table", "RouteTableId"]}),
            ("substitution", {"Fn::Sub": "${Table}"}),
        )
    ],
    Edit(
        "a subnet that gets its route table sometimes",
        "SometimesPublic",
        resource(
            "AWS::EC2::SubnetRouteTableAssociation",
            RouteTableId={"Ref": "PublicTable"},
            SubnetId={"Fn::If": ["Sometimes", {"Ref": "Subnet"}, {"Ref": "PublicSubnet"}]},
        ),
        "elasticache_subnet_has_no_internet_route",
        blames=("PublicRoute",),
    ),
]

NEIGHBOURS = [
    Edit(
        "50 tags, one of them as long as can be, one empty",
        "Redis.Properties.Tags",
        [
            *({"Key": f"tag-{number}", "Value": "größer = +1 @ a:b/c_d.e"} for number in range(48)),
            {"Key": "k" * 128, "Value": "v" * 256},
            {"Key": "awsome", "Value": ""},
        ],
    ),
    Edit("the secure template itself", "Key.DeletionPolicy", "Retain"),
    Edit(
        "a secondary, which takes encryption from its primary",
        "Valkey.Properties.GlobalReplicationGroupId",
        "ldgnf-shop",
        also={
            f"Valkey.Properties.{name}": ABSENT
            for name in (
                *("Engine", "EngineVersion", "CacheNodeType", "NumNodeGroups", "AutomaticFailoverEnabled"),
                *("TransitEncryptionEnabled", "TransitEncryptionMode", "AtRestEncryptionEnabled"),
            )
        },
    ),
    Edit("booleans written as text", "Redis.Properties.TransitEncryptionEnabled", "true"),
    Edit("an engine in capitals", "Valkey.Properties.Engine", "Valkey"),
    Edit(
        "Redis 6.2 without a mode",
        "Redis.Properties.EngineVersion",
        "6.2",
        also={"Redis.Properties.TransitEncryptionMode": ABSENT},
    ),
    Edit(
        "Redis 6.0 without an engine log",
        "Redis.Properties.EngineVersion",
        "6.0",
        also={
            "Redis.Properties.TransitEncryptionMode": ABSENT,
            "Redis.Properties.LogDeliveryConfigurations": [log_delivery("slow-log", "SlowLog")],
        },
    ),
    Edit(
        "Redis 5 without logs",
        "Token.Properties.EngineVersion",
        "5.0.6",
        also={
            "Token.Properties.TransitEncryptionMode": ABSENT,
            "Token.Properties.LogDeliveryConfigurations": ABSENT,
        },
    ),
    Edit("a token from a hidden parameter", "Token.Properties.AuthToken", {"Ref": "Hidden"}),
    Edit("a token from one reference", "Token.Properties.AuthToken", "{{resolve:secretsmanager:token}}"),
    Edit(
        "a token by substitution",
        "Token.Properties.AuthToken",
        {"Fn::Sub": "{{resolve:ssm-secure:/${AWS::StackName}}}"},
    ),
    Edit(
        "a default user with keys and no commands",
        f"Nobody.{ACCESS}",
        "off ~* -@all",
    ),
    Edit("channels and keys reset", f"AppUser.{ACCESS}", "on resetkeys resetchannels ~app:* -@all +@read"),
    Edit(
        "a user group and a user for other stacks",
        "Shared",
        user_group("shared", {"Ref": "AppUser"}),
        also={
            "Lent": user("lent", "on ~* +@read", {"Type": "iam"}),
            "Outputs.Shared": {"Value": {"Ref": "Shared"}, "Export": {"Name": "shared"}},
            "Outputs.Lent": {"Value": {"Fn::GetAtt": ["Lent", "Arn"]}, "Export": {"Name": "lent"}},
        },
    ),
    Edit(
        "a user group on a cache by its literal name",
        "Spare",
        user_group("spare", {"Ref": "AppUser"}),
        also={"Redis.Properties.UserGroupIds": ["spare"], "Outputs.Rest": {"Value": {"Ref": "RedisUsers"}}},
    ),
    Edit("one Memcached node", "Memcached.Properties.NumCacheNodes", 1, also={"Memcached.Properties.AZMode": ABSENT}),
    Edit("a group that is kept", "Redis.DeletionPolicy", "RetainExceptOnCreate"),
    Edit("backups written as text", "Redis.Properties.SnapshotRetentionLimit", "35"),
    Edit("a private connection", "Serverless.Properties.ConnectionType", "vpc"),
    Edit(
        "a route to a virtual private gateway",
        "Route",
        internet_route("Table", {"Ref": "Office"}),
        also={"Office": resource("AWS::EC2::VPNGateway", Type="ipsec.1")},
    ),
    Edit("a topic of another stack", "Redis.Properties.NotificationTopicArn", {"Fn::ImportValue": "topic"}),
    Edit("an encrypted topic for alarms", "Alarms", resource("AWS::SNS::Topic", KmsMasterKeyId={"Ref": "Key"})),
    *[
        Edit(
            f"backups for as long as a parameter says that has {bound}",
            "Redis.Properties.SnapshotRetentionLimit",
            {"Ref": name},
        )
        for bound, name in (("a smallest value", "Days"), ("a list of values", "DaysListed"))
    ],
    *[
        Edit(f"the key {how}", "Redis.Properties.KmsKeyId", value)
        for how, value in (
            ("itself", {"Ref": "Key"}),
            ("of another stack", {"Fn::ImportValue": "key"}),
            ("of the parent of a nested stack", {"Ref": "referencetoParentKeyArn"}),
            ("by its ARN", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            ("by a customer's alias", "alias/caches"),
            (
                "by its ARN in any partition",
                {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":kms:eu-west-1:111122223333:key/1234abcd"]]},
            ),
            ("by substitution", {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:111122223333:key/1234abcd"}),
        )
    ],
    *[
        Edit(
            f"security groups {how}",
            "Redis.Properties.SecurityGroupIds",
            value,
            also={"Redis.Properties.NotificationTopicArn": ABSENT},
        )
        for how, value in (
            ("of another stack", [{"Fn::ImportValue": "group"}]),
            ("that are known", ["sg-0123456789abcdef0"]),
            ("from a parameter of their type", [{"Ref": "Group"}]),
            ("as a list of another stack", {"Fn::Split": ["||", {"Fn::ImportValue": "groups"}]}),
        )
    ],
    Edit(
        "an access string with a resource in its prefix",
        f"AppUser.{ACCESS}",
        {"Fn::Join": ["", ["on ~", {"Ref": "Topic"}, ":", {"Fn::GetAtt": ["Topic", "TopicName"]}, ":* -@all +@read"]]},
    ),
    Edit(
        "an access string with pseudo parameters",
        f"AppUser.{ACCESS}",
        {"Fn::Sub": "on ~${AWS::StackName}:* -@all +@read +info +acl|whoami +client|setname +cluster|slots -flushall"},
    ),
    Edit(
        "egress within the VPC",
        "CacheSg.Properties.SecurityGroupEgress",
        [
            {"CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "IpProtocol": "-1"},
            {"CidrIp": "10.0.0.0/16", "IpProtocol": "-1"},
            {"DestinationSecurityGroupId": {"Fn::GetAtt": ["ClientSg", "GroupId"]}, "IpProtocol": "-1"},
        ],
    ),
    Edit(
        "a range for the clients' group",
        "ForClients",
        resource(
            "AWS::EC2::SecurityGroupIngress",
            GroupId={"Fn::GetAtt": ["ClientSg", "GroupId"]},
            CidrIp="10.0.0.0/8",
            IpProtocol="-1",
        ),
    ),
    *[
        Edit(
            f"events published by {who}",
            "MorePolicy",
            resource(
                "AWS::SNS::TopicPolicy",
                Topics=[{"Ref": "Topic"}],
                PolicyDocument={"Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", **grant}]},
            ),
        )
        for who, grant in (
            ("a service", {"Principal": {"Service": "elasticache.amazonaws.com"}}),
            ("an account", {"Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::111122223333:root"}}}),
            (
                "the account",
                {
                    "Principal": {"AWS": "*"},
                    "Condition": {"StringEquals": {"AWS:SourceOwner": {"Ref": "AWS::AccountId"}}},
                },
            ),
            ("the organisation", {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}}),
        )
    ],
    Edit("an address that is not public, in words", "Subnet.Properties.MapPublicIpOnLaunch", "false"),
    Edit(
        "a token by substitution of its secret",
        "Token.Properties.AuthToken",
        {"Fn::Sub": ["{{resolve:secretsmanager:${Of}:SecretString:password}}", {"Of": {"Ref": "Secret"}}]},
    ),
]
EDITS = {f"{'Mutant' if edit.rule else 'Neighbour'}{number}": edit for number, edit in enumerate(MUTANTS + NEIGHBOURS)}


@dataclass(frozen=True)
class Finding:
    """What CDK's engine has to say of one resource."""

    rule: str
    template: str
    resource: str | None
    description: str


@pytest.fixture(scope="module")
def together(*, exhaustive: bool) -> dict[str, list[str]]:
    """The edits of each template. Those of different resources share one: an engine takes as long for each template."""
    shared: list[tuple[list[str], set[str]]] = []
    for name, edit in EDITS.items():
        fits = (each for each in shared if not exhaustive and not each[1] & edit.touched)
        names, touched = next(fits, ([], set()))
        if not names:
            shared.append((names, touched))
        names.append(name)
        touched |= edit.touched
    return {names[0]: names for names, _ in shared}


@pytest.fixture(scope="module")
def templates(together: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every edited template as a file."""
    directory = tmp_path_factory.mktemp("templates")
    written = {name: directory / f"{name}.json" for name in together}
    for name, path in written.items():
        template = SECURE
        for edit in together[name]:
            template = EDITS[edit].applied(template)
        path.write_text(json.dumps(template), encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def found(templates: dict[str, Path]) -> list[Finding]:
    """What CDK's own engine finds, given the rules as an app with an engine of its own would give them."""
    # Straight to the engine: a hundred stacks in an app take as long again to build.
    report = posture_engine().validate(Validation(templates))
    return [
        Finding(
            violation.rule_name,
            Path(str(place.template_path)).stem,
            place.resource_logical_id,
            " ".join(violation.description.split()),
        )
        for violation in report.violations
        if violation.rule_name.startswith("elasticache_")
        for place in violation.violating_resources
    ]


def app_of(edit: Edit, outdir: Path) -> tuple[cdk.App, cloudformation_include.CfnInclude]:
    """An app as users have it, with one stack of an edited template."""
    template = outdir / "edited.json"
    template.write_text(json.dumps(edit.applied()), encoding="utf-8")
    app = cdk.App(
        outdir=str(outdir),
        analytics_reporting=False,
        context={"@aws-cdk/core:validateAgainstDefaultRules": True},
    )
    included = cloudformation_include.CfnInclude(cdk.Stack(app, "Stack"), "Template", template_file=str(template))
    add_posture_rules(app)
    return app, included


@pytest.mark.parametrize("name", EDITS)
def test_a_fault_is_found_by_its_rule_alone_and_a_good_neighbour_by_none(
    name: str, together: dict[str, list[str]], found: list[Finding]
) -> None:
    """CDK's engine finds each mutant by the rule it is for, at the resource at fault, and lets good neighbours pass."""
    file, names = next((file, names) for file, names in together.items() if name in names)
    seen = {(finding.rule, finding.resource) for finding in found if finding.template == file}
    expected = set().union(*(EDITS[each].expected for each in names))
    assert seen == expected, [EDITS[each].sentence for each in names]


def test_cfn_guard_agrees_with_the_engine_of_cdk(
    templates: dict[str, Path],
    together: dict[str, list[str]],
    found: list[Finding],
    cfn_guard: Path,
    *,
    exhaustive: bool,
) -> None:
    """The cfn-guard program fails the same rules of the same templates: a mutant of each rule, and a good neighbour."""
    # It is slow; exhaustively it is given all of them.
    firsts = {edit.rule: name for name, edit in reversed(EDITS.items())}
    chosen = [name for name, edits in together.items() if exhaustive or not set(edits).isdisjoint(firsts.values())]
    reports = run_cfn_guard(cfn_guard, *(templates[name] for name in chosen))
    theirs = {Path(report["name"]).stem: {_name(rule) for rule in report["not_compliant"]} for report in reports}
    ours = {name: {finding.rule for finding in found if finding.template == name} for name in chosen}
    assert theirs == ours


def test_every_rule_judges_the_secure_template(tmp_path: Path, cfn_guard: Path) -> None:
    """No rule passes the secure template by skipping it."""
    (tmp_path / "secure.json").write_text(json.dumps(SECURE), encoding="utf-8")
    [report] = run_cfn_guard(cfn_guard, tmp_path)
    assert set(report["compliant"]) == set(rule_names())


def test_every_rule_skips_a_template_without_a_cache(tmp_path: Path, cfn_guard: Path) -> None:
    """Open security groups, topics and subnets are not at fault here as long as no cache uses them."""
    strangers = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Group": security_group(ANYWHERE),
        "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId="alias/aws/sns"),
        "Subnet": subnet(1, public=True),
        "Logs": {"Type": "AWS::Logs::LogGroup"},
    }
    (tmp_path / "strangers.json").write_text(json.dumps({"Resources": strangers}), encoding="utf-8")
    [report] = run_cfn_guard(cfn_guard, tmp_path)
    assert set(report["not_applicable"]) == set(rule_names())


def test_every_rule_has_a_mutant() -> None:
    """No rule stands in the file without a fault that it finds."""
    assert {edit.rule for edit in MUTANTS} == set(rule_names())
    assert len(rule_names()) == len(set(rule_names()))


def test_every_finding_says_what_is_allowed_and_how_to_get_there(found: list[Finding]) -> None:
    """A message has three parts and a page of AWS."""
    parts = ("Found: ", "Allowed: ", "Fix: ", "https://docs.aws.amazon.com/")
    assert [finding for finding in found if not all(part in finding.description for part in parts)] == []


def test_a_finding_fails_the_app(tmp_path: Path) -> None:
    """A fault stops the synth, with the name of the rule."""
    edit = MUTANTS[0]
    app, _ = app_of(edit, tmp_path)
    with pytest.raises(RuntimeError, match=str(edit.rule)):
        app.synth()


def test_an_acknowledged_finding_stays_in_the_report(tmp_path: Path) -> None:
    """A finding is accepted on the construct it is about, and its reason is kept."""
    edit = MUTANTS[0]
    app, included = app_of(edit, tmp_path)
    acknowledgement = cdk.Acknowledgment(id=f"CloudFormation-Validate::{edit.rule}", reason=REASON)
    for _, resource in edit.expected:
        cdk.Validations.of(included.get_resource(resource)).acknowledge(acknowledgement)
    app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text(encoding="utf-8"))
    suppressed = [
        (item["ruleName"], construct["constructPath"].split("/")[-1], item["reason"])
        for section in report["pluginReports"]
        for item in section.get("suppressedViolations", [])
        for construct in item["violatingConstructs"]
    ]
    assert set(suppressed) == {(rule, resource, REASON) for rule, resource in edit.expected}


def _name(rule: dict[str, Any]) -> str:
    name: str = rule["Rule"]["name"]
    return name
