"""Read the emulated account with boto3, as one reads an account of AWS."""

from __future__ import annotations

import importlib
import json
from typing import Any

# These modules have no type information.
boto3: Any = importlib.import_module("boto3")
botocore_session: Any = importlib.import_module("botocore.session")
botocore_loaders: Any = importlib.import_module("botocore.loaders")
ClientError: type[Exception] = importlib.import_module("botocore.exceptions").ClientError

# Reading the descriptions of the services takes longer than calling them, so all accounts share one loader.
SERVICE_DESCRIPTIONS = botocore_loaders.create_loader()


class Account:
    """Calls that describe the resources of one account and Region.

    Each call is made once; its answer does not change while it is checked.

    Args:
        region: Name of the Region.
    """

    def __init__(self, region: str) -> None:
        self.region = region
        core = botocore_session.Session()
        core.register_component("data_loader", SERVICE_DESCRIPTIONS)
        self._session = boto3.session.Session(botocore_session=core, region_name=region)
        self._clients: dict[str, Any] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    def client(self, service: str) -> Any:
        """The boto3 client of a service; each is created once, which takes longer than most calls."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
        return self._clients[service]

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a call, from the first time it is made.

        Args:
            service: Name of the service, as boto3 has it.
            operation: Name of the method of its client.
            arguments: Arguments of the method.
        """
        key = json.dumps([service, operation, arguments])
        if key not in self._answers:
            self._answers[key] = getattr(self.client(service), operation)(**arguments)
        return self._answers[key]

    def replication_group(self, name: str) -> dict[str, Any]:
        """One replication group."""
        return self._one("elasticache", "describe_replication_groups", "ReplicationGroups", ReplicationGroupId=name)

    def cluster(self, name: str) -> dict[str, Any]:
        """One cache cluster and its nodes."""
        return self._one(
            "elasticache", "describe_cache_clusters", "CacheClusters", CacheClusterId=name, ShowCacheNodeInfo=True
        )

    def user(self, name: str) -> dict[str, Any]:
        """One ElastiCache user."""
        return self._one("elasticache", "describe_users", "Users", UserId=name)

    def user_group(self, name: str) -> dict[str, Any]:
        """One ElastiCache user group."""
        return self._one("elasticache", "describe_user_groups", "UserGroups", UserGroupId=name)

    def subnet_group(self, name: str) -> dict[str, Any]:
        """One cache subnet group."""
        return self._one("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", CacheSubnetGroupName=name)

    def parameters(self, group: str) -> dict[str, str]:
        """The parameters that a parameter group overrides."""
        listed = self.read("elasticache", "describe_cache_parameters", CacheParameterGroupName=group)["Parameters"]
        return {item["ParameterName"]: item["ParameterValue"] for item in listed if item["Source"] == "user"}

    def security_group(self, group: str) -> dict[str, Any]:
        """One security group."""
        return self._one("ec2", "describe_security_groups", "SecurityGroups", GroupIds=[group])

    def default_security_group(self, vpc: str) -> dict[str, Any]:
        """The default security group of a VPC."""
        listed = self.read("ec2", "describe_security_groups")["SecurityGroups"]
        [group] = [item for item in listed if item["VpcId"] == vpc and item["GroupName"] == "default"]
        found: dict[str, Any] = group
        return found

    def log_group(self, name: str) -> dict[str, Any] | None:
        """The log group of exactly this name, if it exists."""
        listed = self.read("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
        return next((item for item in listed if item["logGroupName"] == name), None)

    def topic(self, arn: str) -> dict[str, str]:
        """The attributes of an SNS topic."""
        attributes: dict[str, str] = self.read("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
        return attributes

    def event_topics(self) -> set[str]:
        """The topics that caches publish to."""
        clusters = self.read("elasticache", "describe_cache_clusters")["CacheClusters"]
        return {cluster.get("NotificationConfiguration", {}).get("TopicArn", "") for cluster in clusters}

    def flow_logs(self) -> list[dict[str, Any]]:
        """All flow logs of the Region."""
        logs: list[dict[str, Any]] = self.read("ec2", "describe_flow_logs")["FlowLogs"]
        return logs

    def routes(self, subnet: str) -> list[dict[str, Any]]:
        """The routes of a subnet: those of its route table, or of the main route table of its VPC."""
        tables = self.read("ec2", "describe_route_tables")["RouteTables"]
        own = [table for table in tables if any(a.get("SubnetId") == subnet for a in table["Associations"])]
        if not own:
            vpc = self.subnet(subnet)["VpcId"]
            own = [t for t in tables if t["VpcId"] == vpc and any(a.get("Main") for a in t["Associations"])]
        return [route for table in own for route in table["Routes"]]

    def subnet(self, subnet: str) -> dict[str, Any]:
        """One subnet."""
        return self._one("ec2", "describe_subnets", "Subnets", SubnetIds=[subnet])

    def vpc(self, vpc: str) -> dict[str, Any]:
        """One VPC."""
        return self._one("ec2", "describe_vpcs", "Vpcs", VpcIds=[vpc])

    def resources(self, stack: str) -> dict[str, dict[str, Any]]:
        """The resources that CloudFormation has created for a stack, by logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return {item["LogicalResourceId"]: item for page in pages for item in page["StackResourceSummaries"]}

    def stack_id(self, stack: str) -> str:
        """The unique id of a stack."""
        return str(self._one("cloudformation", "describe_stacks", "Stacks", StackName=stack)["StackId"])

    def exports(self) -> dict[str, str]:
        """The values that stacks export, by name."""
        pages = self.client("cloudformation").get_paginator("list_exports").paginate()
        return {item["Name"]: item["Value"] for page in pages for item in page["Exports"]}

    def _one(self, service: str, operation: str, key: str, **arguments: Any) -> dict[str, Any]:
        [found] = self.read(service, operation, **arguments)[key]
        one: dict[str, Any] = found
        return one
