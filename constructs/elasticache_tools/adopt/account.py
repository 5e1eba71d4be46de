"""Reads the caches of an account and Region with boto3, and nothing that is secret."""

from __future__ import annotations

import importlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from elasticache_tools.adopt.errors import AdoptError, UnreadableAccountError
from elasticache_tools.adopt.inventory import Answer, Inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ACTIONS = frozenset(
    {
        "cloudformation:DescribeStackResources",
        "cloudformation:GetTemplateSummary",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "elasticache:DescribeCacheClusters",
        "elasticache:DescribeCacheParameters",
        "elasticache:DescribeCacheSubnetGroups",
        "elasticache:DescribeReplicationGroups",
        "elasticache:DescribeServerlessCaches",
        "elasticache:DescribeUserGroups",
        "elasticache:DescribeUsers",
        "elasticache:ListTagsForResource",
        "sts:GetCallerIdentity",
    }
)
"""The IAM actions that are used, all of which read: a caller with these alone can run the command."""

GROUP, CLUSTER, SERVERLESS = (
    f"AWS::ElastiCache::{kind}" for kind in ("ReplicationGroup", "CacheCluster", "ServerlessCache")
)
KINDS = (GROUP, CLUSTER, SERVERLESS)
"""The types that are adopted."""

_MINIMAL: dict[str, dict[str, Any]] = {
    GROUP: {"ReplicationGroupId": "asked", "ReplicationGroupDescription": "Asked for"},
    CLUSTER: {
        "ClusterName": "asked",
        "Engine": "memcached",
        "CacheNodeType": "cache.t4g.small",
        "NumCacheNodes": 1,
    },
    SERVERLESS: {"ServerlessCacheName": "asked", "Engine": "valkey"},
}
"""Properties of a template that asks whether a type can be imported."""


def read(
    region: str,
    names: Sequence[str] = (),
    *,
    reached: Callable[[str], None] = lambda _step: None,
    client: Callable[[str], Any] | None = None,
) -> Inventory:
    """Read the caches of an account and Region: all pages, and patiently where AWS throttles.

    Args:
        region: Name of the Region.
        names: Ids of replication groups and clusters, names of serverless caches. Default: all caches.
        reached: Takes what is being read.
        client: Makes the client of a service. Default: boto3's, with the credentials of the environment.

    Raises:
        AdoptError: If boto3 is not installed, or one of the names is not there.
        UnreadableAccountError: If AWS does not answer, or the caller lacks a permission.
    """
    return _Reader(client or boto3_clients(region), reached).inventory(region, names)


def boto3_clients(region: str) -> Callable[[str], Any]:
    """What makes the client of a service, with the credentials of the environment.

    Args:
        region: Name of the Region.

    Raises:
        AdoptError: If boto3 is not installed.
    """
    try:
        session = importlib.import_module("boto3").session.Session(region_name=region)
        config = importlib.import_module("botocore.config").Config(
            # ElastiCache throttles calls by account, so deployments in it wait as well.
            retries={"mode": "adaptive", "total_max_attempts": 10}
        )
    except ImportError as fault:
        raise AdoptError("boto3 is not installed, and AWS is asked with it. Install it: pip install boto3") from fault
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = session.client(service, config=config)
        return made[service]

    return client


class _Reader:
    def __init__(self, client: Callable[[str], Any], reached: Callable[[str], None]) -> None:
        self._client, self._reached = client, reached
        errors = importlib.import_module("botocore.exceptions")
        self._client_error: Any = errors.ClientError
        self._refusals = (errors.ClientError, errors.BotoCoreError)

    def inventory(self, region: str, names: Sequence[str]) -> Inventory:
        found = Inventory(
            account=self._call("sts", "get_caller_identity")["Account"],
            region=region,
            replication_groups=self._all("describe_replication_groups", "ReplicationGroups"),
            clusters=self._all("describe_cache_clusters", "CacheClusters", ShowCacheNodeInfo=True),
            serverless_caches=self._all("describe_serverless_caches", "ServerlessCaches"),
        ).only(names)
        own = sorted(
            {
                name
                for each in found.clusters
                if not (name := each["CacheParameterGroup"]["CacheParameterGroupName"]).startswith("default.")
            }
        )
        by_kind = {
            GROUP: {each["ReplicationGroupId"]: each for each in found.replication_groups},
            CLUSTER: {each["CacheClusterId"]: each for each in found.clusters if not each.get("ReplicationGroupId")},
            SERVERLESS: {each["ServerlessCacheName"]: each for each in found.serverless_caches},
        }
        caches = {name: each for named in by_kind.values() for name, each in named.items()}
        security_groups = {
            *(each["SecurityGroupId"] for cluster in found.clusters for each in cluster.get("SecurityGroups", ())),
            *(each for cache in found.serverless_caches for each in cache.get("SecurityGroupIds", ())),
        }
        subnets = {each for cache in found.serverless_caches for each in cache.get("SubnetIds", ())}
        return Inventory(
            account=found.account,
            region=region,
            replication_groups=found.replication_groups,
            clusters=found.clusters,
            serverless_caches=found.serverless_caches,
            subnet_groups=self._all("describe_cache_subnet_groups", "CacheSubnetGroups"),
            user_groups=self._all("describe_user_groups", "UserGroups"),
            users=self._all("describe_users", "Users"),
            parameters={
                name: self._all("describe_cache_parameters", "Parameters", CacheParameterGroupName=name, Source="user")
                for name in own
            },
            security_groups=self._some("describe_security_groups", "SecurityGroups", GroupIds=security_groups),
            subnets=self._some("describe_subnets", "Subnets", SubnetIds=subnets),
            tags={each["ARN"]: self._tags(each["ARN"]) for each in caches.values()},
            stacks=dict(self._stacks(caches)),
            importable=self._importable([kind for kind, named in by_kind.items() if named]),
        )

    def _all(self, operation: str, key: str, **arguments: Any) -> list[Answer]:
        return self._pages("elasticache", operation, key, **arguments)

    def _some(self, operation: str, key: str, **ids: Iterable[str]) -> list[Answer]:
        arguments = {name: sorted(values) for name, values in ids.items()}
        return self._pages("ec2", operation, key, **arguments) if all(arguments.values()) else []

    def _pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[Answer]:
        self._reached(operation.replace("_", " "))
        client = self._client(service)
        with self._answering(service, operation):
            return [each for page in client.get_paginator(operation).paginate(**arguments) for each in page[key]]

    def _call(self, service: str, operation: str, **arguments: Any) -> Answer:
        self._reached(operation.replace("_", " "))
        with self._answering(service, operation):
            answer: Answer = getattr(self._client(service), operation)(**arguments)
        return answer

    def _tags(self, arn: str) -> list[Answer]:
        tags: list[Answer] = self._call("elasticache", "list_tags_for_resource", ResourceName=arn)["TagList"]
        return tags

    def _stacks(self, caches: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The stack of each cache that is in one; CloudFormation answers with an error for any other."""
        for name in caches:
            self._reached(f"stack of {name}")
            with self._answering("cloudformation", "describe_stack_resources"):
                try:
                    answer = self._client("cloudformation").describe_stack_resources(PhysicalResourceId=name)
                except self._client_error as fault:
                    if fault.response["Error"]["Code"] != "ValidationError":
                        raise
                    continue
            # Another resource may have the same physical id, such as a bucket of that name.
            for each in answer["StackResources"]:
                if each["ResourceType"] in _MINIMAL and each.get("ResourceStatus") != "DELETE_COMPLETE":
                    yield name, each["StackName"]

    def _importable(self, kinds: Sequence[str]) -> list[str] | None:
        """The types that the Region imports, one question each: one that is refused hides no other."""
        found: list[str] = []
        for kind in kinds:
            body = json.dumps({"Resources": {"Asked": {"Type": kind, "Properties": _MINIMAL[kind]}}})
            try:
                answer = self._client("cloudformation").get_template_summary(TemplateBody=body)
            except self._refusals:
                return None
            if "ResourceIdentifierSummaries" not in answer:
                return None
            found.extend(each["ResourceType"] for each in answer["ResourceIdentifierSummaries"])
        return sorted(set(found))

    @contextmanager
    def _answering(self, service: str, operation: str) -> Iterator[None]:
        try:
            yield
        except self._refusals as fault:
            name = "".join(word.capitalize() for word in operation.split("_"))
            raise UnreadableAccountError(
                f"{service}:{name} gave no answer: {fault}. Check credentials and Region, and allow the actions of "
                "docs/adopt.md"
            ) from fault
