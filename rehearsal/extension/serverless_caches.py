"""Serverless caches by CloudFormation: the emulator has their API, and not the resource type."""

from __future__ import annotations

from typing import Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, elasticache, handlers, provisioners

TOUCHES = (
    HANDLERS,
    Private("services.cloudformation.provisioners", "_ec_query", ("props", "renames")),
    Private("services.cloudformation.provisioners", "_ec_call", ("fn", "params", "resource_type", "action")),
    Private("services.cloudformation.provisioners", "_ec_changed", ("old_props", "new_props", "names")),
    Private(
        "services.cloudformation.provisioners", "_ec_sync_tags", ("arn", "old_props", "new_props", "resource_type")
    ),
    Private("services.elasticache", "_serverless_caches"),
    Private("services.elasticache", "_create_serverless_cache", ("p",)),
    Private("services.elasticache", "_modify_serverless_cache", ("p",)),
    Private("services.elasticache", "_delete_serverless_cache", ("p",)),
)

TYPE = "AWS::ElastiCache::ServerlessCache"
FINAL_SNAPSHOT = "FinalSnapshotName"
MODIFIABLE = (
    *("CacheUsageLimits", "DailySnapshotTime", "Description", "Engine", "MajorEngineVersion", "SecurityGroupIds"),
    *("SnapshotRetentionLimit", "UserGroupId"),
)


def attributes(name: str) -> dict[str, Any]:
    """What Fn::GetAtt of a cache answers.

    Args:
        name: The cache's name.
    """
    record = elasticache._serverless_caches[name]
    endpoint, reader = record["Endpoint"], record["ReaderEndpoint"]
    return {
        "ARN": record["ARN"],
        "CreateTime": str(record["CreateTime"]),
        "Endpoint.Address": endpoint["Address"],
        "Endpoint.Port": str(endpoint["Port"]),
        "FullEngineVersion": record["FullEngineVersion"],
        "ReaderEndpoint.Address": reader["Address"],
        "ReaderEndpoint.Port": str(reader["Port"]),
        "Status": record["Status"],
    }


def _create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    asked = {name: value for name, value in props.items() if name != FINAL_SNAPSHOT}
    provisioners._ec_call(elasticache._create_serverless_cache, provisioners._ec_query(asked), TYPE, "create")
    name = str(props["ServerlessCacheName"]).lower()
    return name, attributes(name)


def _update(physical_id: str, old: Properties, new: Properties, stack: str) -> Provisioned:
    if str(new["ServerlessCacheName"]).lower() != physical_id or list(old.get("SubnetIds") or []) != list(
        new.get("SubnetIds") or []
    ):
        _delete(physical_id, old)
        return _create("", new, stack)
    changed = provisioners._ec_changed(old, new, MODIFIABLE)
    if old.get("UserGroupId") and not new.get("UserGroupId"):
        changed = {**changed, "RemoveUserGroup": True}
    if changed:
        query = {"ServerlessCacheName": physical_id, **provisioners._ec_query(changed)}
        provisioners._ec_call(elasticache._modify_serverless_cache, query, TYPE, "update")
    arn = elasticache._serverless_caches[physical_id]["ARN"]
    provisioners._ec_sync_tags(arn, old, new, TYPE)
    return physical_id, attributes(physical_id)


def _delete(physical_id: str, _props: Properties) -> None:
    if physical_id in elasticache._serverless_caches:
        query = {"ServerlessCacheName": physical_id}
        provisioners._ec_call(elasticache._delete_serverless_cache, query, TYPE, "delete")


def install() -> None:
    """Add the resource type."""
    handlers()[TYPE] = {"create": _create, "update": _update, "delete": _delete}
