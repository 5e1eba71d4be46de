"""A small stage on a live emulator: a replication group whose password a function rotates, and its cloud assembly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from elasticache_constructs.shared.service_updates import find_overdue

STAGE, STACK = "small", "small-cache"
ROTATES = """
import boto3, json, os

def handler(event, _context):
    secrets, caches = boto3.client("secretsmanager"), boto3.client("elasticache")
    secret, version, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    def password(stage):
        return json.loads(secrets.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"])["password"]
    if step == "createSecret":
        value = json.dumps({"password": "rotated-" + version.replace("-", "")})
        secrets.put_secret_value(
            SecretId=secret, ClientRequestToken=version, SecretString=value, VersionStages=["AWSPENDING"])
    if step == "setSecret":
        both = [password("AWSCURRENT"), password("AWSPENDING")]
        caches.modify_user(UserId=os.environ["USER_ID"], AuthenticationMode={"Type": "password", "Passwords": both})
    if step == "finishSecret":
        versions = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        [old] = [name for name, stages in versions.items() if "AWSCURRENT" in stages]
        secrets.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=old)
"""


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _attribute(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def template() -> dict[str, Any]:
    """The template of its stack."""
    password = {"Fn::Join": ["", ["{{resolve:secretsmanager:", _ref("Password"), ":SecretString:password::}}"]]}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    anything = {"Effect": "Allow", "Action": ["secretsmanager:*", "elasticache:*", "logs:*"], "Resource": "*"}
    resources = {
        "Vpc": ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        "SubnetA": (
            "AWS::EC2::Subnet",
            {"VpcId": _ref("Vpc"), "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"},
        ),
        "SubnetB": (
            "AWS::EC2::Subnet",
            {"VpcId": _ref("Vpc"), "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1b"},
        ),
        "Subnets": (
            "AWS::ElastiCache::SubnetGroup",
            {"Description": "x", "SubnetIds": [_ref("SubnetA"), _ref("SubnetB")]},
        ),
        "Nodes": ("AWS::EC2::SecurityGroup", {"GroupDescription": "x", "VpcId": _ref("Vpc")}),
        "Password": (
            "AWS::SecretsManager::Secret",
            {"GenerateSecretString": {"SecretStringTemplate": "{}", "GenerateStringKey": "password",
                                      "PasswordLength": 32, "ExcludePunctuation": True}},
        ),
        "DefaultUser": (
            "AWS::ElastiCache::User",
            {"UserId": "small-default", "UserName": "default", "Engine": "valkey", "AccessString": "on ~* +@all",
             "AuthenticationMode": {"Type": "password", "Passwords": [password]}},
        ),
        "Users": (
            "AWS::ElastiCache::UserGroup",
            {"UserGroupId": "small-users", "Engine": "valkey", "UserIds": [_ref("DefaultUser")]},
        ),
        "Redis": (
            "AWS::ElastiCache::ReplicationGroup",
            {"ReplicationGroupId": "small-orders", "ReplicationGroupDescription": "x", "Engine": "valkey",
             "EngineVersion": "8.0", "CacheNodeType": "cache.t4g.small", "NumCacheClusters": 2,
             "AutomaticFailoverEnabled": True, "TransitEncryptionEnabled": True, "AtRestEncryptionEnabled": True,
             "CacheSubnetGroupName": _ref("Subnets"), "SecurityGroupIds": [_attribute("Nodes", "GroupId")],
             "CacheParameterGroupName": "default.valkey8", "UserGroupIds": [_ref("Users")]},
        ),
        "Role": (
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
             "Policies": [{"PolicyName": "x", "PolicyDocument": {"Version": "2012-10-17", "Statement": [anything]}}]},
        ),
        "Function": (
            "AWS::Lambda::Function",
            {"Runtime": "python3.14", "Handler": "index.handler", "Role": _attribute("Role", "Arn"),
             "Code": {"ZipFile": ROTATES}, "Timeout": 60,
             "Environment": {"Variables": {"REPLICATION_GROUP_ID": _ref("Redis"), "USER_ID": _ref("DefaultUser")}}},
        ),
        "Counts": (
            "AWS::Lambda::Function",
            {"FunctionName": "small-counts", "Timeout": 60, "Runtime": "python3.14", "Handler": "index.handler",
             "Role": _attribute("Role", "Arn"), "Code": {"ZipFile": Path(find_overdue.__file__).read_text()},
             "Environment": {"Variables": {"ReplicationGroupIds": '["small-orders"]', "CacheClusterIds": "[]"}}},
        ),
        "Permission": (
            "AWS::Lambda::Permission",
            {"FunctionName": _ref("Function"), "Action": "lambda:InvokeFunction",
             "Principal": "secretsmanager.amazonaws.com"},
        ),
        "Rotation": (
            "AWS::SecretsManager::RotationSchedule",
            {"SecretId": _ref("Password"), "RotationLambdaARN": _attribute("Function", "Arn"),
             "RotateImmediatelyOnUpdate": False, "RotationRules": {"AutomaticallyAfterDays": 30}},
        ),
        "Health": (
            "AWS::CloudWatch::Alarm",
            {"AlarmName": "small-health", "Namespace": "Small", "MetricName": "Broken", "Statistic": "Maximum",
             "Period": 60, "EvaluationPeriods": 1, "Threshold": 1,
             "ComparisonOperator": "GreaterThanOrEqualToThreshold"},
        ),
    }  # fmt: skip
    return {"Resources": {name: {"Type": kind, "Properties": body} for name, (kind, body) in resources.items()}}


def write_assembly(directory: Path, environment: str = "aws://unknown-account/unknown-region") -> Path:
    """The cloud assembly of the stage, as `cdk synth` writes it.

    Args:
        directory: The directory to write to.
        environment: Account and Region of the stack.
    """
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "displayName": f"{STAGE}/cache",
        "properties": {"templateFile": "small.template.json", "stackName": STACK},
    }
    (directory / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": {STACK: stack}}))
    (directory / "small.template.json").write_text(json.dumps(template()))
    return directory
