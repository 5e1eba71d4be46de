"""What ElastiCache itself does with an update, and Secrets Manager, beyond what CloudFormation's schemas say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.service_rules import (
    generated_secret,
    global_datastore,
    groups,
    login,
    memcached,
    replication_group,
    scaling,
    serverless,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from elasticache_rules.change_gate.service_rules.update import Finding, State, Update

_BY_TYPE: dict[str, Callable[[Update], Iterator[Finding]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": scaling.of_target,
    "AWS::ElastiCache::GlobalReplicationGroup": global_datastore.of_global,
    "AWS::ElastiCache::ReplicationGroup": replication_group.findings,
    "AWS::ElastiCache::CacheCluster": memcached.findings,
    "AWS::ElastiCache::ServerlessCache": serverless.findings,
    "AWS::ElastiCache::User": login.of_user,
    "AWS::ElastiCache::UserGroup": login.of_user_group,
    "AWS::ElastiCache::ParameterGroup": groups.of_parameters,
    "AWS::ElastiCache::SubnetGroup": groups.of_subnets,
    "AWS::SecretsManager::Secret": generated_secret.findings,
}


def findings(kind: str, update: Update) -> list[Finding]:
    """What the service's rules say about the update of a resource; nothing about other types."""
    return list(_BY_TYPE[kind](update)) if kind in _BY_TYPE else []


def of_new(new: State, old: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """What a resource that comes with an update does to resources that are there already.

    Args:
        new: The resource.
        old: The resources before the update.
    """
    if new.attributes["Type"] == scaling.TARGET:
        return list(scaling.of_new_target(new, old))
    if new.attributes["Type"] == global_datastore.GLOBAL:
        return list(global_datastore.of_new(new))
    return []
