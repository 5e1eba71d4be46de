"""The database stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from application_constructs.database import Database

if TYPE_CHECKING:
    from constructs import Construct

    from elasticache_constructs import CacheNetwork
    from stages import DatabaseSettings


class DatabaseStack(cdk.Stack):
    """The PostgreSQL database behind the catalogue. It holds data: nothing else lives here."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DatabaseSettings,
        network: CacheNetwork,
        no_reserved_concurrency_reason: str | None,
        termination_protection: bool,
    ) -> None:
        super().__init__(
            scope, construct_id, description="PostgreSQL database", termination_protection=termination_protection
        )
        self.database = Database(
            self,
            "Database",
            vpc=network.vpc,
            vpc_subnets=network.cache_subnets,
            instance_type=ec2.InstanceType(settings.instance_type),
            users=settings.users,
            single_zone_reason=settings.single_zone_reason,
            unprotected_reason=settings.unprotected_reason,
        )
        self.database.create_users(network, no_reserved_concurrency_reason=no_reserved_concurrency_reason)
        cdk.CfnOutput(self, "DatabaseEndpoint", value=str(self.database.endpoint), description="Where clients connect")
