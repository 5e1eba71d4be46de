"""Read an account with boto3: AWS's, or the emulated one of a rehearsal."""

from __future__ import annotations

import importlib
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

# These modules have no type information.
boto3: Any = importlib.import_module("boto3")
botocore_config: Any = importlib.import_module("botocore.config")
botocore_session: Any = importlib.import_module("botocore.session")
botocore_loaders: Any = importlib.import_module("botocore.loaders")
ClientError: type[Exception] = importlib.import_module("botocore.exceptions").ClientError
BotoCoreError: type[Exception] = importlib.import_module("botocore.exceptions").BotoCoreError

# Reading the descriptions of the services takes longer than calling them, so all accounts share one loader.
SERVICE_DESCRIPTIONS = botocore_loaders.create_loader()

# The codes with which services say that the caller lacks a permission.
DENIED = frozenset(
    {
        *("AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"),
        *("NotAuthorized", "UnauthorizedAccess", "UnauthorizedOperation"),
    }
)
# The prefix of a service's actions in IAM, where it is not the name that boto3 has.
IAM_PREFIXES = {"service-quotas": "servicequotas"}
# ElastiCache throttles calls by account, so that deployments in it wait as well.
PATIENT = botocore_config.Config(retries={"mode": "adaptive", "total_max_attempts": 10})


ABSENT = "absent"  # stands for what the account does not have


def default_region() -> str | None:
    """The Region of the environment: ``AWS_REGION`` first, as for the CDK CLI and the AWS CLI, which boto3 ignores."""
    region: str | None = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    return region


class AccessDeniedError(Exception):
    """The caller lacks a permission.

    Args:
        action: The IAM action that is needed.
    """

    def __init__(self, action: str) -> None:
        super().__init__(f"needs {action}")
        self.action = action


class ForbiddenCallError(RuntimeError):
    """A call that is not among the actions that the account may be read with; it was not sent."""


class Account:
    """Calls that describe the resources of one account and Region.

    Each call is made once; its answer does not change while it is checked. All pages of an answer are read.

    Args:
        region: Name of the Region.
        actions: The only IAM actions that may be used; calls are then repeated patiently if AWS throttles them.
            Default: all, as in a rehearsal, which owns its account.
        reached: Takes how many calls have been made, for who waits for them. Default: it is not told.

    Attributes:
        used: The IAM actions of the calls so far.
    """

    def __init__(
        self,
        region: str,
        actions: Collection[str] | None = None,
        reached: Callable[[str], None] = lambda _calls: None,
    ) -> None:
        self.region = region
        self._reached, self._calls = reached, 0
        self.used: set[str] = set()
        self._actions = None if actions is None else frozenset(actions)
        core = botocore_session.Session()
        core.register_component("data_loader", SERVICE_DESCRIPTIONS)
        core.register("before-call", self._record)
        self._session = boto3.session.Session(botocore_session=core, region_name=region)
        self._clients: dict[str, Any] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._denied: dict[str, AccessDeniedError] = {}

    def client(self, service: str) -> Any:
        """The boto3 client of a service; each is created once, which takes longer than most calls."""
        if service not in self._clients:
            config = None if self._actions is None else PATIENT
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]

    def _record(self, model: Any, **_kwargs: Any) -> None:
        action = _action(model.service_model.service_name, model.name)
        self.used.add(action)
        self._calls += 1
        self._reached(f"{self._calls} calls")
        if self._actions is not None and action not in self._actions:
            raise ForbiddenCallError(f"{action} is not among the actions that an account is verified with")

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a call with all its pages, from the first time it is made.

        Args:
            service: Name of the service, as boto3 has it.
            operation: Name of the method of its client.
            arguments: Arguments of the method.

        Raises:
            AccessDeniedError: If the caller lacks the permission.
        """
        key = json.dumps([service, operation, arguments])
        if key in self._denied:
            raise self._denied[key]
        if key not in self._answers:
            try:
                self._answers[key] = self.read_now(service, operation, **arguments)
            except AccessDeniedError as fault:
                self._denied[key] = fault
                raise
        return self._answers[key]

    def read_now(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a call with all its pages, asked for again each time.

        Args:
            service: Name of the service, as boto3 has it.
            operation: Name of the method of its client.
            arguments: Arguments of the method.

        Raises:
            AccessDeniedError: If the caller lacks the permission.
        """
        client = self.client(service)
        try:
            if client.can_paginate(operation):
                pages: dict[str, Any] = client.get_paginator(operation).paginate(**arguments).build_full_result()
                return pages
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as fault:
            if error_code(fault) in DENIED:
                raise AccessDeniedError(_action(service, client.meta.method_to_api_mapping[operation])) from fault
            raise
        return answer

    def caller(self) -> dict[str, Any]:
        """The identity of the credentials."""
        return self.read("sts", "get_caller_identity")

    def replication_group(self, name: str) -> dict[str, Any]:
        """One replication group."""
        return self._one("elasticache", "describe_replication_groups", "ReplicationGroups", ReplicationGroupId=name)

    def global_datastore(self, name: str) -> dict[str, Any]:
        """One global datastore and its members."""
        return self._one(
            "elasticache",
            "describe_global_replication_groups",
            "GlobalReplicationGroups",
            GlobalReplicationGroupId=name,
            ShowMemberInfo=True,
        )

    def cluster(self, name: str) -> dict[str, Any]:
        """One cache cluster and its nodes."""
        return self._one(
            "elasticache", "describe_cache_clusters", "CacheClusters", CacheClusterId=name, ShowCacheNodeInfo=True
        )

    def serverless_cache(self, name: str) -> dict[str, Any]:
        """One serverless cache."""
        return self._one("elasticache", "describe_serverless_caches", "ServerlessCaches", ServerlessCacheName=name)

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
        answer = self.read("elasticache", "describe_cache_parameters", CacheParameterGroupName=group, Source="user")
        return {
            item["ParameterName"]: item["ParameterValue"] for item in answer["Parameters"] if item["Source"] == "user"
        }

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

    def key_arn(self, key: str) -> str:
        """The ARN of a KMS key, which is given by its id, its ARN or an alias; what is given, if no key is found."""
        if key in {"", ABSENT}:
            return key
        try:
            arn: str = self.read("kms", "describe_key", KeyId=key)["KeyMetadata"]["Arn"]
        except ClientError:
            return key
        return arn

    def topic(self, arn: str) -> dict[str, str]:
        """The attributes of an SNS topic."""
        attributes: dict[str, str] = self.read("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
        return attributes

    def subscriptions(self, topic: str) -> list[dict[str, str]]:
        """The subscriptions of an SNS topic."""
        listed: list[dict[str, str]] = self.read("sns", "list_subscriptions_by_topic", TopicArn=topic)["Subscriptions"]
        return listed

    def alarms(self) -> dict[str, dict[str, Any]]:
        """All alarms of the Region by name, those that are made of others as well: one call for many alarms."""
        answer = self.read("cloudwatch", "describe_alarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        listed = (*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", []))
        return {item["AlarmName"]: item for item in listed}

    def alarm(self, name: str) -> dict[str, Any]:
        """One alarm.

        Raises:
            LookupError: If there is no alarm of that name.
        """
        found = self.alarms().get(name)
        if found is None:
            raise LookupError(f"no alarm {name}")
        return found

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
        answer = self.read_now("cloudformation", "list_stack_resources", StackName=stack)
        return {item["LogicalResourceId"]: item for item in answer["StackResourceSummaries"]}

    def stack_id(self, stack: str) -> str:
        """The unique id of a stack."""
        return str(self.stack(stack)["StackId"])

    def stack(self, stack: str) -> dict[str, Any]:
        """One stack."""
        return self._one("cloudformation", "describe_stacks", "Stacks", StackName=stack)

    def exports(self) -> dict[str, str]:
        """The values that stacks export, by name."""
        answer = self.read_now("cloudformation", "list_exports")
        return {item["Name"]: item["Value"] for item in answer["Exports"]}

    def _one(self, service: str, operation: str, key: str, **arguments: Any) -> dict[str, Any]:
        [found] = self.read(service, operation, **arguments)[key]
        one: dict[str, Any] = found
        return one


def error_code(fault: Exception) -> str:
    """The code of an error of AWS."""
    response: dict[str, Any] = getattr(fault, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def dns_suffix(partition: str) -> str:
    """The domain of the endpoints of a partition, for example `amazonaws.com`.

    Args:
        partition: The second part of its ARNs, for example `aws`.
    """
    known = SERVICE_DESCRIPTIONS.load_data("partitions")["partitions"]
    return next(str(item["outputs"]["dnsSuffix"]) for item in known if item["id"] == partition)


def _action(service: str, operation: str) -> str:
    return f"{IAM_PREFIXES.get(service, service)}:{operation}"
