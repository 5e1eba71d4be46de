"""Read the emulated account through boto3, as anyone would read a real one."""

import importlib
import json
from typing import Any

# None of them has type information.
boto3: Any = importlib.import_module("boto3")
botocore_session: Any = importlib.import_module("botocore.session")
botocore_loaders: Any = importlib.import_module("botocore.loaders")
ClientError: type[Exception] = importlib.import_module("botocore.exceptions").ClientError

# Reading the descriptions of the services takes longer than calling them: every account shares what was read.
SERVICE_DESCRIPTIONS = botocore_loaders.create_loader()


class Account:
    """Describe calls of one account and region, each made once: what is read does not change while it is judged."""

    def __init__(self, region: str) -> None:
        self.region = region
        core = botocore_session.Session()
        core.register_component("data_loader", SERVICE_DESCRIPTIONS)
        self._session = boto3.session.Session(botocore_session=core, region_name=region)
        self._clients: dict[str, Any] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    def client(self, service: str) -> Any:
        """The client of a service; making one takes longer than most calls."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
        return self._clients[service]

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a call."""
        key = json.dumps([service, operation, arguments])
        if key not in self._answers:
            self._answers[key] = getattr(self.client(service), operation)(**arguments)
        return self._answers[key]

    def replication_group(self, name: str) -> dict[str, Any]:
        """One replication group."""
        return self._one("elasticache", "describe_replication_groups", "ReplicationGroups", ReplicationGroupId=name)

    def cluster(self, name: str) -> dict[str, Any]:
        """One cache cluster with its nodes."""
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
        """The parameters a parameter group sets itself."""
        listed = self.read("elasticache", "describe_cache_parameters", CacheParameterGroupName=group)["Parameters"]
        return {item["ParameterName"]: item["ParameterValue"] for item in listed if item["Source"] == "user"}

    def security_group(self, group: str) -> dict[str, Any]:
        """One security group."""
        return self._one("ec2", "describe_security_groups", "SecurityGroups", GroupIds=[group])

    def default_security_group(self, vpc: str) -> dict[str, Any]:
        """The security group a VPC was born with."""
        listed = self.read("ec2", "describe_security_groups")["SecurityGroups"]
        [group] = [item for item in listed if item["VpcId"] == vpc and item["GroupName"] == "default"]
        found: dict[str, Any] = group
        return found

    def log_group(self, name: str) -> dict[str, Any] | None:
        """One log group, if there is one of exactly that name."""
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
        """Every flow log of the region."""
        logs: list[dict[str, Any]] = self.read("ec2", "describe_flow_logs")["FlowLogs"]
        return logs

    def routes(self, subnet: str) -> list[dict[str, Any]]:
        """The routes a subnet's traffic takes: those of its own table, or else of the VPC's main one."""
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
        """What CloudFormation says it made for a stack, by logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return {item["LogicalResourceId"]: item for page in pages for item in page["StackResourceSummaries"]}

    def stack_id(self, stack: str) -> str:
        """The unique id of a stack."""
        return str(self._one("cloudformation", "describe_stacks", "Stacks", StackName=stack)["StackId"])

    def exports(self) -> dict[str, str]:
        """What stacks export to each other."""
        pages = self.client("cloudformation").get_paginator("list_exports").paginate()
        return {item["Name"]: item["Value"] for page in pages for item in page["Exports"]}

    def _one(self, service: str, operation: str, key: str, **arguments: Any) -> dict[str, Any]:
        [found] = self.read(service, operation, **arguments)[key]
        one: dict[str, Any] = found
        return one
