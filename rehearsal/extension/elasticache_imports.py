"""Caches that are imported into a stack: the emulator imports resources of other services only.

GetTemplateSummary answers without what identifies resources, which tells whether a type can be imported, and
DescribeStackResources does not find a stack by the physical id of a resource.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rehearsal.extension import serverless_caches
from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Action,
    Private,
    Provisioned,
    Query,
    Response,
    changesets,
    cloudformation,
    cloudformation_handlers,
    elasticache,
    handlers,
    param,
    provisioners,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOUCHES = (
    HANDLERS,
    Private("services.cloudformation", "_stacks"),
    Private("services.cloudformation.changesets", "_IMPORT_LOOKUPS"),
    Private("services.cloudformation.handlers", "_ACTION_HANDLERS"),
    Private("services.cloudformation.provisioners", "_ec_rg_attrs", ("rg_id",)),
    Private("services.cloudformation.provisioners", "_ec_cluster_attrs", ("cluster_id",)),
    Private("services.elasticache", "_replication_groups"),
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_serverless_caches"),
)

_SUMMARY, _RESOURCES = "GetTemplateSummary", "DescribeStackResources"
_END = "</GetTemplateSummaryResult>"


def _types() -> Mapping[str, tuple[str, Callable[[], Mapping[str, Any]], Callable[[str], dict[str, Any]]]]:
    """By type: the property that identifies it, the records by name, and the attributes of one."""
    return {
        "AWS::ElastiCache::ReplicationGroup": (
            "ReplicationGroupId",
            lambda: elasticache._replication_groups,
            provisioners._ec_rg_attrs,
        ),
        "AWS::ElastiCache::CacheCluster": (
            "ClusterName",
            lambda: elasticache._clusters,
            provisioners._ec_cluster_attrs,
        ),
        serverless_caches.TYPE: (
            "ServerlessCacheName",
            lambda: elasticache._serverless_caches,
            serverless_caches.attributes,
        ),
    }


def _importing(
    kind: str, key: str, records: Callable[[], Mapping[str, Any]], attributes: Callable[[str], dict[str, Any]]
) -> None:
    """Have change sets import a type."""

    def problem(name: str) -> str | None:
        return None if name in records() else f"Resource of type '{kind}' with identifier '{name}' was not found."

    def adopt(identifier: Mapping[str, str]) -> Provisioned:
        return identifier[key], attributes(identifier[key])

    changesets._IMPORT_LOOKUPS[kind] = ((key,), problem)
    handlers()[kind]["import"] = adopt


def _summarising(stock: Action) -> Action:
    """GetTemplateSummary with the identifiers of what can be imported, for templates that are JSON."""

    def get_template_summary(query: Query) -> Response:
        status, headers, body = stock(query)
        template = param(query, "TemplateBody")
        if status >= REFUSED or not template.lstrip().startswith("{"):
            return status, headers, body
        named: dict[str, list[str]] = {}
        for logical_id, resource in json.loads(template).get("Resources", {}).items():
            named.setdefault(resource.get("Type", ""), []).append(logical_id)
        members = "".join(
            f"<member><ResourceType>{kind}</ResourceType>"
            f"<LogicalResourceIds>{_listed(named[kind])}</LogicalResourceIds>"
            f"<ResourceIdentifiers>{_listed(changesets._IMPORT_LOOKUPS[kind][0])}</ResourceIdentifiers></member>"
            for kind in sorted(named)
            if kind in changesets._IMPORT_LOOKUPS
        )
        summaries = f"<ResourceIdentifierSummaries>{members}</ResourceIdentifierSummaries>"
        return status, headers, body.replace(_END.encode(), f"{summaries}{_END}".encode())

    return get_template_summary


def _listed(texts: Any) -> str:
    return "".join(f"<member>{text}</member>" for text in texts)


def _finding(stock: Action) -> Action:
    """DescribeStackResources of the stack that has a resource of that physical id."""

    def describe_stack_resources(query: Query) -> Response:
        physical_id = param(query, "PhysicalResourceId")
        if not physical_id or param(query, "StackName"):
            return stock(query)
        for name, stack in cloudformation._stacks.items():
            resources = stack.get("_resources", {}).values()
            if stack.get("StackStatus") != "DELETE_COMPLETE" and any(
                each.get("PhysicalResourceId") == physical_id for each in resources
            ):
                return stock({**query, "StackName": name})
        return stock(query)

    return describe_stack_resources


def install() -> None:
    """Import the three kinds of caches, and answer what is asked before an import."""
    for kind, (key, records, attributes) in _types().items():
        _importing(kind, key, records, attributes)
    actions = cloudformation_handlers._ACTION_HANDLERS
    actions[_SUMMARY] = _summarising(actions[_SUMMARY])
    actions[_RESOURCES] = _finding(actions[_RESOURCES])
