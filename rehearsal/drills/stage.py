"""What the drills find on the deployed stage, from its templates and the account."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elasticache_client import ConnectionSettings
from verification import posture
from verification.resolve import UnresolvedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from verification.account import Account
    from verification.assembly import Resource, Stack
    from verification.resolve import Deployment

SECRET_REFERENCE = re.compile(r"\{\{resolve:secretsmanager:(arn:[^}]*?):SecretString")


@dataclass(frozen=True)
class Group:
    """A replication group of the stage.

    Attributes:
        name: Its id.
        resource: Name of its resource.
        secret: ARN of a secret with a login, if a template has one.
        user: Name of the user of that secret.
    """

    name: str
    resource: str
    secret: str | None
    user: str


@dataclass(frozen=True)
class LoginEndpoint:
    """Where clients log in to a cache: a replication group or a serverless cache.

    Attributes:
        resource: Name of its resource.
        cache: Its name in tokens of IAM.
        arn: Its ARN.
        settings: How to reach it, with the login of a secret if a template has one.
        iam_users: The names of its users who log in with IAM, with their ARNs.
    """

    resource: str
    cache: str
    arn: str
    settings: ConnectionSettings
    iam_users: Mapping[str, str]


@dataclass(frozen=True)
class Function:
    """A function of the stage.

    Attributes:
        name: Its name.
        handler: Its handler, which names the module.
        role: Name of its role.
        environment: Its environment variables.
        security_groups: Its security groups; none outside a VPC.
        log_group: Its log group.
    """

    name: str
    handler: str
    role: str
    environment: Mapping[str, str]
    security_groups: tuple[str, ...]
    log_group: str


@dataclass(frozen=True)
class Site:
    """An HTTP API of the stage.

    Attributes:
        name: Id of the API.
        resource: Name of its resource.
        url: Its URL, which ends with a slash.
        function: The function that answers.
    """

    name: str
    resource: str
    url: str
    function: Function


@dataclass(frozen=True)
class Rotated:
    """A secret that a function of the stage rotates.

    Attributes:
        secret: Its ARN.
        resource: Name of its resource.
        user: The user whose password it has.
        group: Id of the replication group that takes the password.
        function: The function that rotates it.
    """

    secret: str
    resource: str
    user: str
    group: str
    function: Function


class DeployedStage:
    """The deployed stage.

    Args:
        stacks: Its stacks.
        account: The account it is deployed to. Answers of `read` are kept, so only what does not change is read so.
    """

    def __init__(self, stacks: Sequence[Stack], account: Account) -> None:
        self.account = account
        self._stacks = stacks

    @cached_property
    def deployments(self) -> list[Deployment]:
        """The stacks with the resources that were made of them."""
        exports = self.account.exports()
        return [posture.deployed(stack, self.account, exports) for stack in self._stacks]

    def all_of(self, kind: str) -> Iterator[tuple[Deployment, Resource, Mapping[str, Any]]]:
        """All resources of a type, with their properties, which are resolved when they are read."""
        for deployment in self.deployments:
            for resource in deployment.resources:
                if resource.type == kind:
                    yield deployment, resource, _Resolved(deployment, resource.properties)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The replication groups."""
        found = []
        for deployment, resource, asked in self.all_of("AWS::ElastiCache::ReplicationGroup"):
            user, secret = self._login(asked)
            found.append(Group(deployment.physical_id(resource), resource.name, secret, user))
        return tuple(found)

    def _login(self, group: Mapping[str, Any]) -> tuple[str, str | None]:
        """The user and the secret of a group: those of its AUTH token, or of a user with a password."""
        if token := _secret(group.get("AuthToken")):
            return "default", token
        for _deployment, _resource, asked in self._users(group.get("UserGroupIds", [])):
            if secret := _secret(asked.get("AuthenticationMode")):
                return asked["UserName"], secret
        return "default", None

    def _users(self, user_groups: Sequence[str]) -> Iterator[tuple[Deployment, Resource, Mapping[str, Any]]]:
        members = {
            user
            for deployment, resource, asked in self.all_of("AWS::ElastiCache::UserGroup")
            if deployment.physical_id(resource) in user_groups
            for user in asked["UserIds"]
        }
        for deployment, resource, asked in self.all_of("AWS::ElastiCache::User"):
            if deployment.physical_id(resource) in members:
                yield deployment, resource, asked

    def login_endpoints(self) -> list[LoginEndpoint]:
        """The endpoints of all replication groups and serverless caches, as they are now."""
        found = []
        for group in self.groups:
            described = self.describe(group.name)
            users = self._iam_users(described.get("UserGroupIds", []))
            settings = self.settings(group)
            found.append(LoginEndpoint(group.resource, group.name, described["ARN"], settings, users))
        for deployment, resource, asked in self.all_of("AWS::ElastiCache::ServerlessCache"):
            described = self.serverless(deployment.physical_id(resource))
            if described["Engine"] != "memcached":
                user_groups = [described["UserGroupId"]] if described.get("UserGroupId") else []
                settings = self._serverless_settings(described, asked)
                users, name = self._iam_users(user_groups), described["ServerlessCacheName"]
                found.append(LoginEndpoint(resource.name, name, described["ARN"], settings, users))
        return found

    def _serverless_settings(self, described: Mapping[str, Any], asked: Mapping[str, Any]) -> ConnectionSettings:
        user, secret = self._login({"UserGroupIds": [asked.get("UserGroupId")]})
        return ConnectionSettings(
            engine="valkey" if described["Engine"] == "valkey" else "redis",
            host=described["Endpoint"]["Address"],
            port=int(described["Endpoint"]["Port"]),
            tls=True,
            mode="cluster",
            auth="secret" if secret else "none",
            user=user if secret else None,
            secret_arn=secret,
            serverless=True,
        )

    def _iam_users(self, user_groups: Sequence[str]) -> dict[str, str]:
        """The users of user groups who log in with IAM, with their ARNs."""
        client = self.account.client("elasticache")
        members = {
            user
            for name in user_groups
            for user in client.describe_user_groups(UserGroupId=name)["UserGroups"][0]["UserIds"]
        }
        found = [user for page in client.get_paginator("describe_users").paginate() for user in page["Users"]]
        return {
            user["UserName"]: user["ARN"]
            for user in found
            if user["UserId"] in members and user["Authentication"]["Type"] == "iam"
        }

    def serverless(self, name: str) -> dict[str, Any]:
        """A serverless cache as it is now."""
        client = self.account.client("elasticache")
        found: dict[str, Any] = client.describe_serverless_caches(ServerlessCacheName=name)["ServerlessCaches"][0]
        return found

    def describe(self, group: str) -> dict[str, Any]:
        """A replication group as it is now."""
        client = self.account.client("elasticache")
        found: dict[str, Any] = client.describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"][0]
        return found

    def member(self, cluster: str) -> dict[str, Any]:
        """A cache cluster as it is now, with its node."""
        client = self.account.client("elasticache")
        answer = client.describe_cache_clusters(CacheClusterId=cluster, ShowCacheNodeInfo=True)
        found: dict[str, Any] = answer["CacheClusters"][0]
        return found

    def settings(self, group: Group, *, name: str | None = None) -> ConnectionSettings:
        """How to reach a group with its secret's login, or another group with the same users.

        Args:
            group: The group with the secret.
            name: Id of the other group. Default: the same.
        """
        described = self.describe(name or group.name)
        cluster = bool(described.get("ClusterEnabled"))
        endpoint = described["ConfigurationEndpoint"] if cluster else described["NodeGroups"][0]["PrimaryEndpoint"]
        engine = described.get("Engine", "redis")
        return ConnectionSettings(
            engine="valkey" if engine == "valkey" else "redis",
            host=endpoint["Address"],
            port=int(endpoint["Port"]),
            tls=bool(described.get("TransitEncryptionEnabled")),
            mode="cluster" if cluster else "standalone",
            auth="secret" if group.secret else "none",
            user=group.user if group.secret else None,
            secret_arn=group.secret,
        )

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions."""
        return tuple(
            self.function(deployment.physical_id(resource))
            for deployment, resource, _asked in self.all_of("AWS::Lambda::Function")
        )

    def function(self, name: str) -> Function:
        """One function, by its name or ARN."""
        found = self.account.read("lambda", "get_function_configuration", FunctionName=name)
        return Function(
            name=found["FunctionName"],
            handler=found["Handler"],
            role=found["Role"].rpartition("/")[2],
            environment=found.get("Environment", {}).get("Variables", {}),
            security_groups=tuple(found.get("VpcConfig", {}).get("SecurityGroupIds", [])),
            log_group=found.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{found['FunctionName']}",
        )

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The HTTP APIs whose requests must be signed."""
        functions = {
            deployment.physical_id(resource): asked["ApiId"]
            for deployment, resource, asked in self.all_of("AWS::ApiGatewayV2::Integration")
        }
        found = []
        for deployment, resource, _asked in self.all_of("AWS::ApiGatewayV2::Api"):
            name = deployment.physical_id(resource)
            integrations = self.account.read("apigatewayv2", "get_integrations", ApiId=name)["Items"]
            if name in functions.values() and integrations:
                function = self.function(_function_name(integrations[0]["IntegrationUri"]))
                found.append(Site(name, resource.name, self._url(name), function))
        return tuple(found)

    def _url(self, api: str) -> str:
        """The URL of an API; without the port that the emulator adds to its answer."""
        endpoint = self.account.read("apigatewayv2", "get_api", ApiId=api)["ApiEndpoint"]
        return f"https://{urllib.parse.urlsplit(endpoint).hostname}/"

    def site(self, module: str) -> Site | None:
        """The API whose function's handler is in this module of `workloads`, if there is one."""
        return next((site for site in self.sites if site.function.handler.startswith(f"workloads.{module}.")), None)

    @cached_property
    def rotated(self) -> tuple[Rotated, ...]:
        """The secrets that functions rotate for replication groups."""
        found = []
        secrets = {
            deployment.physical_id(resource): resource.name
            for deployment, resource, _asked in self.all_of("AWS::SecretsManager::Secret")
        }
        for _deployment, _resource, asked in self.all_of("AWS::SecretsManager::RotationSchedule"):
            function = self.function(asked["RotationLambdaARN"])
            # Of a user group that several caches have in common, the first one has the load.
            group = function.environment.get("REPLICATION_GROUP_ID", "").split(",")[0]
            if group:
                user = function.environment.get("USER_NAME", "default")
                secret = asked["SecretId"]
                found.append(Rotated(secret, secrets.get(secret, secret), user, group, function))
        return tuple(found)

    def password(self, secret: str, stage: str = "AWSCURRENT") -> str:
        """The password in a secret."""
        client = self.account.client("secretsmanager")
        answer = client.get_secret_value(SecretId=secret, VersionStage=stage)
        password: str = json.loads(answer["SecretString"])["password"]
        return password

    @cached_property
    def alarms(self) -> tuple[dict[str, Any], ...]:
        """The alarms that have actions, as `DescribeAlarms` has them."""
        names = {
            deployment.physical_id(resource) for deployment, resource, _asked in self.all_of("AWS::CloudWatch::Alarm")
        }
        listed = self.account.read_now("cloudwatch", "describe_alarms")["MetricAlarms"]
        return tuple(alarm for alarm in listed if alarm["AlarmName"] in names and alarm.get("AlarmActions"))


class _Resolved(Mapping[str, Any]):
    """Properties that are resolved when they are read: to resolve one takes calls, and the permission to make them.

    What cannot be resolved is absent.

    Args:
        deployment: The deployed stack.
        properties: The properties, as its template has them.
    """

    def __init__(self, deployment: Deployment, properties: Mapping[str, Any]) -> None:
        self._deployment, self._properties = deployment, properties

    def __getitem__(self, name: str) -> Any:
        try:
            return self._deployment.resolve(self._properties[name])
        except UnresolvedError as fault:
            raise KeyError(name) from fault

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)


def _secret(value: Any) -> str | None:
    """The ARN of the secret that a value refers to."""
    found = SECRET_REFERENCE.search(json.dumps(value)) if value else None
    return found[1] if found else None


def _function_name(uri: str) -> str:
    """The name of the function in the URI of an integration, or its ARN."""
    return re.sub(r"^.*:function:|/invocations$", "", uri)
