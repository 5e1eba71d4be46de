"""Read back what surrounds caches: alarms, schedules, functions, databases and subscriptions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from verification.account import ABSENT, Account
from verification.reader import Properties, Reader, reads_by_name
from verification.resolve import DYNAMIC

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACTIONS = ("AlarmActions", "InsufficientDataActions", "OKActions")


def _asked_alarm(properties: Properties) -> Properties:
    view = {"ActionsEnabled": True, **{name: [] for name in _ACTIONS}, **properties}
    if "Metrics" in properties:
        view["Metrics"] = [_query(query) for query in properties["Metrics"]]
    return view


def _query(query: Properties) -> Properties:
    """A query of an alarm; one returns data unless it says that it does not."""
    return {"ReturnData": True, **query}


def _read_alarm(account: Account, name: str) -> Properties:
    alarm = dict(account.alarm(name))
    if "Metrics" in alarm:
        alarm["Metrics"] = [_query(query) for query in alarm["Metrics"]]
    return {**{key: [] for key in _ACTIONS}, **alarm}


def _read_rule(account: Account, name: str) -> Properties:
    rule = account.read("events", "describe_rule", Name=name.rpartition("|")[2])
    names = ("Name", "Description", "ScheduleExpression", "State", "RoleArn")
    pattern = {"EventPattern": json.loads(rule["EventPattern"])} if rule.get("EventPattern") else {}
    return {**{key: rule[key] for key in names if key in rule}, **pattern}


def _asked_rule(properties: Properties) -> Properties:
    return {"State": "ENABLED", **properties}


def _read_function(account: Account, name: str, asked: Properties) -> Properties:
    function = account.read("lambda", "get_function_configuration", FunctionName=name)
    names = ("Architectures", "Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout")
    return {
        **{key: function[key] for key in names if key in function},
        "KmsKeyArn": function.get("KMSKeyArn", ABSENT),
        "DeadLetterConfig": function.get("DeadLetterConfig", ABSENT),
        "LoggingConfig": {
            key: function.get("LoggingConfig", {}).get(key, ABSENT) for key in asked.get("LoggingConfig", ())
        },
        "TracingConfig": function.get("TracingConfig", ABSENT),
        "VpcConfig": {key: function.get("VpcConfig", {}).get(key, []) for key in ("SecurityGroupIds", "SubnetIds")},
    }


def _asked_function(properties: Properties) -> Properties:
    network = properties.get("VpcConfig", {})
    view = {key: network.get(key, []) for key in ("SecurityGroupIds", "SubnetIds")}
    return {"DeadLetterConfig": ABSENT, **properties, "VpcConfig": view}


def _read_database(account: Account, name: str) -> Properties:
    [database] = account.read("rds", "describe_db_instances", DBInstanceIdentifier=name)["DBInstances"]
    names = (
        *("AutoMinorVersionUpgrade", "BackupRetentionPeriod", "CACertificateIdentifier", "CopyTagsToSnapshot"),
        *("DBInstanceClass", "DBName", "DeletionProtection", "Engine", "EngineVersion", "KmsKeyId", "MasterUsername"),
        *("MaxAllocatedStorage", "MonitoringInterval", "MonitoringRoleArn", "MultiAZ", "PreferredBackupWindow"),
        *("PreferredMaintenanceWindow", "PubliclyAccessible", "StorageEncrypted", "StorageType"),
    )
    renamed = {
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "EnablePerformanceInsights": "PerformanceInsightsEnabled",
        "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
        "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    }
    return {
        **{key: database[key] for key in names if key in database},
        **{key: database[other] for key, other in renamed.items() if other in database},
        "VPCSecurityGroups": [group["VpcSecurityGroupId"] for group in database.get("VpcSecurityGroups", [])],
        "DBParameterGroupName": database["DBParameterGroups"][0]["DBParameterGroupName"],
        "DBSubnetGroupName": database["DBSubnetGroup"]["DBSubnetGroupName"],
        "Port": database["Endpoint"]["Port"],
    }


def _asked_subscription(properties: Properties) -> Properties:
    return {name: value for name, value in properties.items() if not (name == "Endpoint" and DYNAMIC.search(value))}


def _read_subscription(account: Account, _name: str, asked: Properties) -> Properties:
    wanted = _asked_subscription(asked)
    names = [name for name in ("Endpoint", "Protocol") if name in wanted]
    for found in account.subscriptions(asked["TopicArn"]):
        if all(found[name] == wanted[name] for name in names):
            return {"TopicArn": found["TopicArn"], **{name: found[name] for name in names}}
    return {"TopicArn": ABSENT}


SURROUNDING_READERS: Mapping[str, Reader] = {
    "AWS::CloudWatch::Alarm": Reader(reads_by_name(_read_alarm), _asked_alarm),
    "AWS::CloudWatch::CompositeAlarm": Reader(reads_by_name(_read_alarm), _asked_alarm),
    "AWS::Events::Rule": Reader(
        reads_by_name(_read_rule), _asked_rule, silent={"Targets": "DescribeRule does not return them"}
    ),
    "AWS::Lambda::Function": Reader(
        _read_function,
        _asked_function,
        silent={
            "Code": "its hash is in the template, which is compared",
            "Environment": "its values may be secret",
            "ReservedConcurrentExecutions": "GetFunctionConfiguration does not return it",
        },
    ),
    "AWS::RDS::DBInstance": Reader(
        reads_by_name(_read_database),
        silent={
            "AllocatedStorage": "the database enlarges it by itself",
            "DeleteAutomatedBackups": "it is used when the database is deleted",
            "ManageMasterUserPassword": "the secret of the administrator is not read",
            "MasterUserSecret": "the secret of the administrator is not read",
        },
    ),
    "AWS::SNS::Subscription": Reader(_read_subscription, _asked_subscription),
}
