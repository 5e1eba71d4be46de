"""Serverless caches that exist: to connect to and grant access to. Making one is not this package's yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import ArnFormat, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from elasticache_constructs.connection_settings import connection_variables
from elasticache_constructs.endpoint import Endpoint
from elasticache_constructs.ports import REDIS_PORT
from elasticache_constructs.security_groups import checked_connections, connections_from_consumers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elasticache_constructs.access import IamUser

_READER_PORT = 6380


@jsii.implements(ec2.IConnectable)
class ImportedServerlessCache(Construct):
    """A Redis or Valkey serverless cache made elsewhere. Nothing of it is changed.

    Serverless caches always encrypt in transit, speak the cluster protocol, and listen on 6379, for reads on 6380.

    Args:
        scope: The parent.

        construct_id: The id in the parent.

        serverless_cache_name: The cache's name.

        endpoint_address: The host of its endpoint.

        security_groups: Those of the cache; rules for new clients are added to them.

        reader_endpoint_address: The host of its reader endpoint. Default: none is told to clients.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/WhatIs.corecomponents.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serverless_cache_name: str,
        endpoint_address: str,
        security_groups: Sequence[ec2.ISecurityGroup],
        reader_endpoint_address: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        # The service lower-cases names, and IAM compares the ARN as it is.
        self.serverless_cache_name = (
            serverless_cache_name if Token.is_unresolved(serverless_cache_name) else serverless_cache_name.lower()
        )
        self.endpoint = Endpoint(endpoint_address, REDIS_PORT)
        self.reader_endpoint = Endpoint(reader_endpoint_address, _READER_PORT) if reader_endpoint_address else None
        self._connections = connections_from_consumers(self, security_groups, port=REDIS_PORT)

    @property
    def connections(self) -> ec2.Connections:
        """Network access, on port 6379 by default; reading from replicas needs 6380 as well.

        Raises:
            ConfigurationError: When the cache was imported without security groups to add rules to.
        """
        return checked_connections(self._connections)

    @property
    def serverless_cache_arn(self) -> str:
        """The cache's ARN."""
        return self._arn("serverlesscache", self.serverless_cache_name)

    def grant_connect(self, grantee: iam.IGrantable, user: IamUser) -> iam.Grant:
        """Let a role log in as an IAM user: ``elasticache:Connect`` on the cache and on the user.

        Args:
            grantee: A role, function or whatever else has one.

            user: A user of the cache's user group.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
        """
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["elasticache:Connect"],
            resource_arns=[self.serverless_cache_arn, self._arn("user", user.name)],
        )

    def connection_settings(self, user: IamUser) -> dict[str, str]:
        """Environment variables for a function or container that connects as an IAM user; they hold no secret."""
        return connection_variables(
            engine="valkey",
            endpoint=self.endpoint,
            reader=self.reader_endpoint,
            cluster_mode=True,
            cache_name=self.serverless_cache_name,
            iam_user=user.name,
            serverless=True,
        )

    def _arn(self, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service="elasticache", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
