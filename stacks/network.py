"""The network stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from elasticache_constructs import CacheNetwork

if TYPE_CHECKING:
    from constructs import Construct

    from stages import NetworkSettings


class NetworkStack(cdk.Stack):
    """The VPC that caches and their applications share."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: NetworkSettings, termination_protection: bool
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Network for ElastiCache: isolated subnets, private subnets, endpoints",
            termination_protection=termination_protection,
        )
        self.network = CacheNetwork(
            self,
            "Network",
            availability_zones=settings.availability_zones,
            max_azs=settings.max_azs,
            cidr=settings.cidr,
            egress=settings.egress,
        )
